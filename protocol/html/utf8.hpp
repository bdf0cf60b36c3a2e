// protocol/html/utf8: text of unknown origin made into UTF-8 that can be sent on. Used by the HTML
// reader and by the calendar writer.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace pb::protocol::html {

/// Ill-formed sequences (overlong, surrogates, beyond U+10FFFF, truncated) become U+FFFD.
std::string valid_utf8(std::string_view text);
/// The longest beginning of at most `limit` bytes that does not cut a sequence.
std::string_view cut_utf8(std::string_view text, std::size_t limit) noexcept;

}  // namespace pb::protocol::html
