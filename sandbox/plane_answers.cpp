// sandbox: answers in the recorded shapes, and the list envelope with its cursors
// (contract 2.4, 2.5).
#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>

#include "sandbox/json_text.hpp"
#include "sandbox/plane_state.hpp"

namespace pb::sandbox {
namespace {

std::optional<long long> integer(std::string_view text) {
  long long n = 0;
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size())
    return std::nullopt;
  return n;
}

std::optional<long long> page_number(std::string_view cursor) {
  const auto first = cursor.find(':');
  const auto second = first == std::string_view::npos ? first : cursor.find(':', first + 1);
  if (second == std::string_view::npos || !integer(cursor.substr(0, first)) ||
      !integer(cursor.substr(second + 1)))
    return std::nullopt;
  return integer(cursor.substr(first + 1, second - first - 1));
}

}  // namespace

answer reply(int status, const json::value& body) {
  answer a;
  a.status = status;
  a.headers.push_back({"Content-Type", "application/json"});
  a.body = rest_json(body);
  return a;
}

answer empty_reply(int status) {
  answer a;
  a.status = status;
  return a;
}

answer error_reply(int status, std::string_view text) {
  return reply(status, row{{"error", text}});
}
answer error_with_id(int status, std::string_view text, std::string_view id) {
  return reply(status, row{{"error", text}, {"id", id}});
}
answer not_found() { return error_reply(404, "The requested resource does not exist."); }
answer server_error() { return error_reply(500, "Something went wrong please try again later"); }
answer forbidden() {
  return reply(403, row{{"detail", "You do not have permission to perform this action."}});
}
answer page_not_found() {
  answer a = error_reply(404, "Page not found.");
  a.body = R"({"error": "Page not found."})";  // the one answer that is written with spaces
  return a;
}

answer page_of(const call& c, const std::vector<row*>& rows,
               const std::function<json::value(row&)>& view) {
  long long per_page = 1000;
  if (c.has_param("per_page")) {
    const auto n = integer(c.param("per_page"));
    if (!n) return reply(400, row{{"detail", "Invalid per_page parameter."}});
    if (*n > 1000)
      return reply(400, row{{"detail", "Invalid per_page value. Cannot exceed 1000."}});
    if (*n <= 0) return server_error();
    per_page = *n;
  }
  long long page = 0;
  if (c.has_param("cursor")) {
    const auto n = page_number(c.param("cursor"));
    if (!n) return reply(400, row{{"detail", "Invalid cursor parameter."}});
    if (*n < 0 || *n > 1'000'000'000) return reply(400, row{{"detail", "Error in parsing"}});
    page = *n;
  }
  const auto total = static_cast<long long>(rows.size());
  const long long start = std::min(total, page * per_page);
  const long long end = std::min(total, start + per_page);
  json::array results;
  for (long long i = start; i < end; ++i)
    results.push_back(view(*rows[static_cast<std::size_t>(i)]));
  const std::string size = std::to_string(per_page) + ":";
  return reply(200, row{{"grouped_by", nullptr},
                        {"sub_grouped_by", nullptr},
                        {"total_count", total},
                        {"next_cursor", size + std::to_string(page + 1) + ":0"},
                        {"prev_cursor", size + std::to_string(page - 1) + ":1"},
                        {"next_page_results", end < total},
                        {"prev_page_results", page > 0},
                        {"count", end - start},
                        {"total_pages", (total + per_page - 1) / per_page},
                        {"total_results", total},
                        {"extra_stats", nullptr},
                        {"results", std::move(results)}});
}

std::vector<row*> newest_first(const std::vector<row*>& rows) {
  std::vector<row*> sorted{rows.rbegin(), rows.rend()};
  std::stable_sort(sorted.begin(), sorted.end(), [](const row* a, const row* b) {
    return moment_of(*a, "created_at") > moment_of(*b, "created_at");
  });
  return sorted;
}

row pick(const row& from, std::initializer_list<std::string_view> columns) {
  row out;
  for (const auto column : columns)
    if (const json::value* v = from.if_contains(column)) out[column] = *v;
  return out;
}

void assign(row& target, const row& given) {
  for (const auto& member : given)
    if (json::value* v = target.if_contains(member.key())) *v = member.value();
}

std::string call::param(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return {};
}

bool call::has_param(std::string_view name) const {
  return std::any_of(query.begin(), query.end(), [&](const auto& q) { return q.first == name; });
}

}  // namespace pb::sandbox
