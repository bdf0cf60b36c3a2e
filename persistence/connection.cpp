#include "persistence/connection.hpp"

#include <cstring>

namespace pb::persistence {
namespace {

bool plain(std::string_view text) noexcept {
  for (const char c : text)
    if (c == '\0' || (static_cast<unsigned char>(c) & 0x80u) != 0) return false;
  return true;
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
  if (plain(text)) return std::nullopt;
  std::string clean;
  bool changed = false;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = sequence_length(text, i);
    if (n == 0) {
      clean += "\xef\xbf\xbd";
      changed = true;
      ++i;
    } else {
      clean.append(text, i, n);
      i += n;
    }
  }
  if (!changed) return std::nullopt;
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
