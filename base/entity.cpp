#include "base/entity.hpp"

#include "base/digest.hpp"

namespace pb {

std::string_view entity_key::source() const noexcept {
  return std::string_view{text_}.substr(0, text_.find(':'));
}
std::string_view entity_key::kind() const noexcept {
  const auto first = text_.find(':');
  if (first == std::string::npos) return {};
  const auto second = text_.find(':', first + 1);
  return std::string_view{text_}.substr(
      first + 1, second == std::string::npos ? std::string::npos : second - first - 1);
}
std::string_view entity_key::id() const noexcept {
  const auto first = text_.find(':');
  const auto second = first == std::string::npos ? first : text_.find(':', first + 1);
  return second == std::string::npos ? std::string_view{}
                                     : std::string_view{text_}.substr(second + 1);
}
std::uint8_t entity_key::partition() const { return sha256(text_)[0]; }

bool is_uuid(std::string_view text) noexcept {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < 36; ++i) {
    const char c = text[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') return false;
    } else if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
      return false;
    }
  }
  return true;
}

}  // namespace pb
