#include "base/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace pb {

std::size_t utf8_length(std::string_view text, std::size_t at) noexcept {
  if (at >= text.size()) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  unsigned char low = 0x80, high = 0xBF;  // bounds of the second byte
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  if (text.size() - at < length) return 0;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  return length;
}

std::size_t ascii_length(std::string_view text, std::size_t at) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
  std::size_t end = at;
  for (; end + 8 <= text.size(); end += 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, text.data() + end, 8);
    // A byte of 0 borrows into its top bit; any other that has it set is no ASCII.
    if ((((eight - ones) | eight) & tops) != 0) break;
  }
  while (end < text.size() && text[end] != '\0' && static_cast<unsigned char>(text[end]) < 0x80)
    ++end;
  return end - at;
}

}  // namespace pb
