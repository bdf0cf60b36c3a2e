#include "sandbox/inbound.hpp"

namespace pb::sandbox {

std::string_view header_of(const inbound& in, std::string_view name) {
  for (const auto& h : in.headers)
    if (protocol::iequals(h.name, name)) return h.value;
  return {};
}

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!query.empty() && out.size() < 200) {
    const auto end = query.find('&');
    const auto piece = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    const auto equals = piece.find('=');
    const auto plain = [](std::string_view text) {
      std::string spaced{text};
      for (char& c : spaced) c = c == '+' ? ' ' : c;
      return protocol::percent_decode(spaced);
    };
    if (!piece.empty())
      out.emplace_back(plain(piece.substr(0, equals)),
                       equals == std::string_view::npos ? "" : plain(piece.substr(equals + 1)));
  }
  return out;
}

}  // namespace pb::sandbox
