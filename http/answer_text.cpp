#include "http/answer_text.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/http/status.hpp>
#include <cstdio>

namespace pb::http {
namespace {

bool is_servers(std::string_view name) noexcept {
  static constexpr std::array<std::string_view, 6> names = {
      "Content-Length", "Transfer-Encoding", "Connection", "Content-Type", "X-Request-Id", "Date"};
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view n) { return protocol::iequals(n, name); });
}

bool safe(std::string_view text, bool name) noexcept {
  return std::all_of(text.begin(), text.end(), [name](char c) {
    const auto b = static_cast<unsigned char>(c);
    return name ? b > 0x20 && b < 0x7f && c != ':' : b >= 0x20 && b != 0x7f;
  });
}

}  // namespace

std::string http_date(timestamp t) {
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::seconds>(t - day)};
  std::array<char, 64> out{};
  const int n = std::snprintf(
      out.data(), out.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT",
      days[std::chrono::weekday{day}.c_encoding()], static_cast<unsigned>(date.day()),
      months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
      static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
      static_cast<int>(time.seconds().count()));
  return {out.data(), static_cast<std::size_t>(std::max(0, n))};
}

std::string answer_head(const response& r, const answer_facts& f) {
  const auto reason =
      boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(r.status));
  std::string out = "HTTP/1.1 " + std::to_string(r.status) + " ";
  out.append(reason.data(), reason.size()).append("\r\nDate: ").append(http_date(f.now));
  if (!r.content_type.empty() && (!r.body.empty() || !f.length) && safe(r.content_type, false))
    out.append("\r\nContent-Type: ").append(r.content_type);
  // neither 204 nor 304 has a body, so neither may speak of its length (RFC 9110, 8.6)
  if (f.length && r.status != 204 && r.status != 304)
    out.append("\r\nContent-Length: ").append(std::to_string(*f.length));
  out.append("\r\nX-Request-Id: ").append(f.request_id);
  out.append("\r\nX-Content-Type-Options: nosniff");
  if (!f.keep_alive)
    out.append("\r\nConnection: close");
  else if (f.old_version)
    out.append("\r\nConnection: keep-alive");
  for (const auto& h : r.headers)
    if (!h.name.empty() && !is_servers(h.name) && safe(h.name, true) && safe(h.value, false))
      out.append("\r\n").append(h.name).append(": ").append(h.value);
  return out.append("\r\n\r\n");
}

void stamp_request_id(response& r, std::string_view id) {
  constexpr std::string_view empty_id = "\"request_id\":\"\"}}";
  if (r.status < 400 || !std::string_view{r.body}.ends_with(empty_id)) return;
  r.body.insert(r.body.size() - 3, id);
}

}  // namespace pb::http
