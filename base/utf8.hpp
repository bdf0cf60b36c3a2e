// base/utf8: where a well-formed character of UTF-8 ends (RFC 3629; Unicode, table 3-7). What to do
// with bytes that are none is each caller's own matter. Any thread.
#pragma once
#include <cstddef>
#include <string_view>

namespace pb {

/// Length in bytes, 1 to 4, of the character that begins at `at`; 0 when none does: a stray or
/// missing continuation, an overlong form, a surrogate, beyond U+10FFFF, or the end of the text.
std::size_t utf8_length(std::string_view text, std::size_t at = 0) noexcept;

/// How many bytes of ASCII other than NUL begin at `at`.
std::size_t ascii_length(std::string_view text, std::size_t at = 0) noexcept;

}  // namespace pb
