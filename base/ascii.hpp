// base/ascii: the case of ASCII letters and the blanks around a text, for words of protocols and
// settings: whatever the locale, and bytes beyond ASCII stay what they are. What people wrote in
// their language is sync/thread_words' matter. Any thread.
#pragma once
#include <string>
#include <string_view>

namespace pb {

constexpr char lower_case(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr char upper_case(char c) noexcept {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
std::string lower_case(std::string_view text);
std::string upper_case(std::string_view text);

/// Without the `blanks`, single bytes, that it begins and ends with; a part of `text`.
std::string_view trimmed(std::string_view text, std::string_view blanks = " \t\r\n") noexcept;

}  // namespace pb
