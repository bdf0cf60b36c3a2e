#include "http/calendar_feed.hpp"

#include <algorithm>
#include <utility>

#include "base/digest.hpp"
#include "base/log.hpp"
#include "config/secrets.hpp"

namespace pb::http {
namespace {

constexpr std::size_t max_filter_bytes = 64;

bool is_filter(std::string_view text) noexcept {
  return text.size() <= max_filter_bytes && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

/// All tokens are compared, so that the time does not tell which was near.
bool is_known(const secret_list::list& tokens, std::string_view token) {
  bool any = false;
  for (const auto& t : tokens) any = constant_time_equal(t.reveal(), token) || any;
  return any;
}

response as_calendar(int status, std::string etag, std::string body) {
  response r;
  r.status = status;
  r.content_type = "text/calendar; charset=utf-8";
  r.body = std::move(body);
  r.headers = {{"ETag", std::move(etag)},
               {"Cache-Control", "private, no-cache"},  // kept by the reader, asked every time
               {"X-Content-Type-Options", "nosniff"},
               {"Referrer-Policy", "no-referrer"}};
  return r;
}

response no_such_feed(const request& r) {
  return error_response(404, "NOT_FOUND", "no such calendar", r.id);
}

void answer_with(const request& r, const result<std::string>& text, const responder& answer) {
  if (!text) {
    if (text.error().code == errc::not_found) return answer(no_such_feed(r));
    log::warn("calendar feed could not be built", {log::kv("error", text.error())});
    auto refusal = error_response(503, "UNAVAILABLE", "the calendar cannot be read now", r.id);
    refusal.headers.push_back({"Retry-After", "30"});
    return answer(std::move(refusal));
  }
  auto etag = strong_etag(*text);
  if (names_etag(r.header("If-None-Match"), etag))
    return answer(as_calendar(304, std::move(etag), {}));
  answer(as_calendar(200, std::move(etag), *text));
}

}  // namespace

std::string strong_etag(std::string_view text) {
  std::string out = "\"";
  out.append(sha256_hex(text), 0, 32);
  return out += '"';
}

bool names_etag(std::string_view list, std::string_view etag) noexcept {
  const auto skip_blanks = [&] {
    while (!list.empty() && (list.front() == ' ' || list.front() == '\t' || list.front() == ','))
      list.remove_prefix(1);
  };
  skip_blanks();
  if (list == "*") return true;
  while (!list.empty()) {
    if (list.starts_with("W/")) list.remove_prefix(2);
    if (list.empty() || list.front() != '"') return false;
    const auto end = list.find('"', 1);
    if (end == std::string_view::npos) return false;
    if (list.substr(0, end + 1) == etag) return true;
    list.remove_prefix(end + 1);
    skip_blanks();
  }
  return false;
}

route calendar_feed_route(calendar_feed_options options, calendar_body body) {
  auto tokens = options.tokens ? std::move(options.tokens) : std::make_shared<secret_list>();
  route out;
  out.method = "GET";
  out.pattern = "/calendar/{token}.ics";
  out.handle = [tokens = std::move(tokens), body = std::move(body)](
                   const std::shared_ptr<request>& r, const responder& answer) {
    const auto known = tokens->get();
    if (known->empty()) {
      const auto* needed = config::find_requirement("calendar.feed_token");
      return answer(key_missing_response("calendar.feed_token", "CALENDAR_FEED_TOKEN",
                                         needed != nullptr ? needed->ssot_ref() : "docs/secrets.md",
                                         r->id));
    }
    const auto given = r->path_params.find("token");
    if (given == r->path_params.end() || !is_known(*known, given->second))
      return answer(no_such_feed(*r));
    auto filter = r->query_value("project");
    if (!is_filter(filter))
      return answer(
          error_response(400, "BAD_REQUEST", "project is a uuid or an identifier", r->id));
    body(std::move(filter),
         [r, answer](const result<std::string>& text) { answer_with(*r, text, answer); });
  };
  return out;
}

void add_calendar_feed(server& to, calendar_feed_options options, calendar_body body) {
  to.add(calendar_feed_route(std::move(options), std::move(body)));
}

}  // namespace pb::http
