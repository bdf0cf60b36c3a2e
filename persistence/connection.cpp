#include "persistence/connection.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace pb::persistence {
namespace {

/// The first byte that is NUL or no ASCII.
std::size_t plain_part(std::string_view text) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, text.data() + at, 8);
    // Borrows into a top bit: some byte is 0; or has its top bit set anyway.
    if ((((eight - ones) | eight) & tops) != 0) break;
  }
  while (at < text.size() && text[at] != '\0' &&
         (static_cast<unsigned char>(text[at]) & 0x80u) == 0)
    ++at;
  return at;
}

/// Length of the well-formed UTF-8 sequence at `at` (RFC 3629), 0 when there is none.
std::size_t sequence_length(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned first = byte(at);
  const auto continues = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return byte(at + i) >= low && byte(at + i) <= high;
  };
  if (first == 0) return 0;
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const unsigned low = first == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = first == 0xed ? 0x9f : 0xbf;
    return continues(1, low, high) && continues(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const unsigned low = first == 0xf0 ? 0x90 : 0x80;
    const unsigned high = first == 0xf4 ? 0x8f : 0xbf;
    return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::optional<std::string> cleaned_text(std::string_view text) {
  std::size_t at = plain_part(text);
  while (at < text.size()) {
    const std::size_t n = sequence_length(text, at);
    if (n == 0) break;
    at += n;
    at += plain_part(text.substr(at));
  }
  if (at == text.size()) return std::nullopt;
  std::string clean{text.substr(0, at)};
  while (at < text.size()) {
    const std::size_t n = sequence_length(text, at);
    if (n == 0)
      clean += "\xef\xbf\xbd";
    else
      clean.append(text, at, n);
    at += std::max<std::size_t>(n, 1);
  }
  return clean;
}

void bulk_rows::text(std::string_view t) {
  if (auto clean = cleaned_text(t)) {
    owned_.push_back(std::move(*clean));
    t = owned_.back();
  }
  cells_.push_back(value::text(t));
}

}  // namespace pb::persistence
