// http/api_answer: the one shape of the API's answers, and how its parameters are read. Used by
// the system and journal endpoints.
#pragma once
#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/failure.hpp"
#include "http/message.hpp"

namespace pb::http {

inline constexpr std::size_t page_limit_default = 50;
inline constexpr std::size_t page_limit_max = 200;

/// The bytes as UTF-8, whatever they were: what is none becomes U+FFFD. Cut to at most `max_bytes`
/// at a character's edge.
std::string as_utf8(std::string_view bytes, std::size_t max_bytes = std::string_view::npos);

struct list_page {
  boost::json::array rows;
  std::string next_cursor;  ///< empty: no more
};
/// {"data": […], "page": {"next_cursor", "has_more"}}
response page_response(list_page page);

response bad_request(const request& r, std::string_view parameter, std::string_view expected);
response not_found(const request& r, std::string_view what);
/// Status and code by the failure's code; 503 carries Retry-After.
response failure_response(const request& r, const failure& f);

/// `limit` of a list: default when absent, nothing when it is no number in 1…page_limit_max.
std::optional<std::size_t> limit_of(const request& r);
/// Digits only, positive.
std::optional<std::int64_t> number_of(std::string_view digits) noexcept;
/// "d12" with 'd' → 12; nothing for another letter or form.
std::optional<std::int64_t> number_after(char letter, std::string_view id) noexcept;

}  // namespace pb::http
