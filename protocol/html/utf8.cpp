#include "protocol/html/utf8.hpp"

#include <algorithm>

#include "base/utf8.hpp"

namespace pb::protocol::html {
namespace {
unsigned char byte_at(std::string_view text, std::size_t at) noexcept {
  return static_cast<unsigned char>(text[at]);
}
}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto plain = ascii_length(text, at);
    out.append(text, at, plain);
    at += plain;
    if (at == text.size()) break;
    const auto length = utf8_length(text, at);
    if (length == 0)
      out += "\xEF\xBF\xBD";
    else
      out.append(text, at, length);
    at += std::max<std::size_t>(length, 1);
  }
  return out;
}

std::string_view cut_utf8(std::string_view text, std::size_t limit) noexcept {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  // At most three continuation bytes: text that is not UTF-8 is cut where the limit says.
  for (int back = 0; back < 3 && end > 0 && (byte_at(text, end) & 0xC0) == 0x80; ++back) --end;
  if ((byte_at(text, end) & 0xC0) == 0x80) end = limit;
  return text.substr(0, end);
}

}  // namespace pb::protocol::html
