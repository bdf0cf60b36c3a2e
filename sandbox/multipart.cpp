#include "sandbox/multipart.hpp"

namespace pb::sandbox {
namespace {

constexpr std::size_t most_parts = 50;

/// name="x" or name=x in a header line.
std::string parameter(std::string_view line, std::string_view name) {
  const auto at = line.find(std::string{name} + "=");
  if (at == std::string_view::npos) return {};
  auto value = line.substr(at + name.size() + 1);
  if (value.starts_with('"')) {
    value.remove_prefix(1);
    return std::string{value.substr(0, value.find('"'))};
  }
  return std::string{value.substr(0, value.find_first_of("; \r\n"))};
}

}  // namespace

std::string header_value(const inbound& in, std::string_view name) {
  for (const auto& h : in.headers)
    if (protocol::iequals(h.name, name)) return h.value;
  return {};
}

std::vector<form_part> parts_of(const inbound& in) {
  const std::string boundary = parameter(header_value(in, "Content-Type"), "boundary");
  std::vector<form_part> out;
  if (boundary.empty()) return out;
  const std::string line = "--" + boundary;
  std::size_t at = in.body.find(line);
  while (at != std::string::npos && out.size() < most_parts) {
    const auto start = at + line.size();
    if (in.body.compare(start, 2, "--") == 0) break;
    const auto end = in.body.find("\r\n" + line, start);
    const auto head_end = in.body.find("\r\n\r\n", start);
    if (end == std::string::npos || head_end == std::string::npos || head_end > end) break;
    const std::string_view head{in.body.data() + start, head_end - start};
    out.push_back({parameter(head, " name"), parameter(head, "filename"),
                   in.body.substr(head_end + 4, end - head_end - 4)});
    at = end + 2;
  }
  return out;
}

}  // namespace pb::sandbox
