// protocol/http_message: a remote call as a value. Built and understood in protocol/, carried by
// http/, owned by a connector in actors/.
#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.hpp"

namespace pb::protocol {

struct http_header {
  std::string name;
  std::string value;
  bool sensitive = false;  ///< never logged, never in a recorded attempt
};

struct http_request {
  std::string method;  ///< "GET", "PROPFIND" …
  std::string url;     ///< absolute; every piece already percent-encoded, never with userinfo
  std::vector<http_header> headers;
  std::string body;
};

struct http_response {
  int status = 0;
  std::vector<http_header> headers;
  std::string body;

  /// First header of that name, any case; empty when absent.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
  [[nodiscard]] bool has_header(std::string_view name) const noexcept;
};

/// What a refusal means by its status alone, where a remote system gives it no meaning of its own.
errc meaning_of_status(int status) noexcept;

/// Unreserved characters stay, all else becomes %XX; for one path segment or query piece.
std::string percent_encode(std::string_view piece);
/// Invalid escapes stay as they are. "+" is not a space here.
std::string percent_decode(std::string_view text);
/// "https://host/base" or "https://host/base/" + {"a b", "c"} → "https://host/base/a%20b/c".
/// The base's trailing slashes do not matter; a trailing slash of the result is the caller's.
std::string join_url(std::string_view base, const std::vector<std::string_view>& segments);
/// "?key=value" or "&key=value", the value percent-encoded; nothing for an empty value.
void add_query(std::string& url, std::string_view key, std::string_view value);
/// Without a body, for an answer in JSON.
http_request json_request(std::string_view method, std::string url);
/// ASCII case-insensitive, as header names and schemes compare.
bool iequals(std::string_view a, std::string_view b) noexcept;
/// A token of RFC 9110, 5.6.2: names of headers and methods; never empty.
bool is_token(std::string_view text) noexcept;
bool is_token_char(char c) noexcept;

}  // namespace pb::protocol
