// http/request_guard: what is refused before a parser sees it. Two parties that read one request
// differently are the root of request smuggling (RFC 9112, 11.2), so whatever is open to more than
// one reading is refused: bare LF, folded lines, spaces in names, two lengths, length and
// Transfer-Encoding together. Pure; called by the server's connection.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pb::http {

enum class head_scan { incomplete, complete, bare_newline };

/// Looks for the empty line that ends the head.
/// @param from  bytes already looked at; moves on, so that each byte is seen once
/// @param end   on complete: the head's length with its empty line
head_scan scan_head(std::string_view data, std::size_t& from, std::size_t& end) noexcept;

/// What is wrong with a complete head; nothing when it may be parsed.
std::optional<std::string> head_fault(std::string_view head);

/// "/path?query" in its two halves; absolute form ("http://host/path") is accepted, too.
struct target_parts {
  std::string raw_path;  ///< still percent-encoded
  std::string path;
  std::string query;
};
/// Nothing when the target is no path, has a broken escape, or hides a control character.
std::optional<target_parts> split_target(std::string_view target);

/// [A-Za-z0-9._-]{1,64}
bool sane_request_id(std::string_view id) noexcept;
/// "text/html; charset=utf-8" → "text/html"
std::string_view media_type(std::string_view content_type) noexcept;
/// 404 → "NOT_FOUND"; the `code` of an error the server itself answers.
std::string_view error_code_of(int status) noexcept;

}  // namespace pb::http
