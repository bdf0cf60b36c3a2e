#include "http/api_answer.hpp"

#include <charconv>
#include <utility>

#include "base/utf8.hpp"

namespace pb::http {
namespace json = boost::json;
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

struct meaning {
  int status;
  std::string_view code;
};

meaning meaning_of(errc code) noexcept {
  switch (code) {
    case errc::bad_input:
      return {400, "BAD_REQUEST"};
    case errc::not_found:
      return {404, "NOT_FOUND"};
    case errc::conflict:
    case errc::precondition:
      return {409, "CONFLICT"};
    case errc::too_large:
      return {413, "TOO_LARGE"};
    case errc::rate_limited:
      return {429, "RATE_LIMITED"};
    case errc::key_missing:
      return {503, "KEY_MISSING"};
    case errc::forbidden:
      return {403, "FORBIDDEN"};
    case errc::storage:
    case errc::insufficient_storage:
    case errc::timed_out:
    case errc::cancelled:
    case errc::upstream_down:
    case errc::breaker_open:
      return {503, "UNAVAILABLE"};
    default:
      return {500, "INTERNAL"};
  }
}

}  // namespace

std::string as_utf8(std::string_view bytes, std::size_t max_bytes) {
  std::string out;
  out.reserve(std::min(bytes.size(), max_bytes));
  while (!bytes.empty()) {
    const auto n = utf8_length(bytes);
    const auto piece = n == 0 ? replacement : bytes.substr(0, n);
    if (out.size() + piece.size() > max_bytes) break;
    out += piece;
    bytes.remove_prefix(n == 0 ? 1 : n);
  }
  return out;
}

response page_response(list_page page) {
  const bool more = !page.next_cursor.empty();
  const json::object whole{
      {"data", std::move(page.rows)},
      {"page",
       {{"next_cursor", more ? json::value(page.next_cursor) : json::value(nullptr)},
        {"has_more", more}}}};
  response out;
  out.body = json::serialize(whole);
  return out;
}

response bad_request(const request& r, std::string_view parameter, std::string_view expected) {
  const json::object details{{"parameter", parameter}, {"expected", expected}};
  return error_response(400, "BAD_REQUEST", std::string{parameter} + " is not as expected", r.id,
                        json::serialize(details));
}

response not_found(const request& r, std::string_view what) {
  return error_response(404, "NOT_FOUND", "no such " + std::string{what}, r.id);
}

response failure_response(const request& r, const failure& f) {
  const auto [status, code] = meaning_of(f.code);
  json::object details{{"where", as_utf8(f.where)}, {"cause", to_string(f.code)}};
  if (!f.remedy.empty()) details["remedy"] = as_utf8(f.remedy);
  auto out = error_response(status, code, as_utf8(f.detail.empty() ? f.where : f.detail), r.id,
                            json::serialize(details));
  if (status == 503 || status == 429) {
    const auto asked = f.retry_after.value_or(std::chrono::seconds{5});
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(asked).count();
    out.headers.push_back({"Retry-After", std::to_string(std::max<std::int64_t>(1, seconds))});
  }
  return out;
}

std::optional<std::int64_t> number_of(std::string_view digits) noexcept {
  std::int64_t n = 0;
  const auto* end = digits.data() + digits.size();
  const auto [stop, problem] = std::from_chars(digits.data(), end, n);
  if (digits.empty() || problem != std::errc{} || stop != end || n <= 0) return std::nullopt;
  return n;
}

std::optional<std::int64_t> number_after(char letter, std::string_view id) noexcept {
  if (id.empty() || id.front() != letter) return std::nullopt;
  return number_of(id.substr(1));
}

std::optional<std::size_t> limit_of(const request& r) {
  const auto given = r.query_value("limit");
  if (given.empty()) return page_limit_default;
  const auto n = number_of(given);
  if (!n || *n > static_cast<std::int64_t>(page_limit_max)) return std::nullopt;
  return static_cast<std::size_t>(*n);
}

}  // namespace pb::http
