#include <utility>

#include "http/journal_query.hpp"

namespace pb::http {
namespace json = boost::json;
using namespace persistence;
namespace {

constexpr std::size_t export_rows = 10'000;
constexpr std::size_t export_bytes = 16u * 1024 * 1024;  ///< about; the rest by the next cursor

}  // namespace

result<list_page> dead_letters(reader& from, const dead_letter_query& q) {
  std::int64_t after_delivery = 0, after_effect = 0;
  const bool effects_only = q.cursor.starts_with('e');
  if (!q.cursor.empty()) {
    const auto n = number_after(effects_only ? 'e' : 'd', q.cursor);
    // "e0" is the start of the effects
    if (!n && q.cursor != "e0")
      return failure{.code = errc::bad_input, .where = "dead_letters", .detail = "cursor"};
    (effects_only ? after_effect : after_delivery) = n.value_or(0);
  }
  list_page page;
  std::size_t bytes = 0;
  const auto room = [&](std::size_t more) {
    bytes += more;
    return bytes < q.max_bytes;
  };
  if (!effects_only) {
    delivery_filter f;
    f.status = delivery_status::dead;
    f.entity = q.entity;
    f.bodies = q.body == body_view::text;
    std::int64_t last = after_delivery;
    const auto more = each_delivery(from, f, {after_delivery, q.limit}, [&](const delivery& d) {
      page.rows.push_back(to_json(d, q.body));
      last = d.seq;
      const auto body = q.body == body_view::text && d.body ? d.body->size() : 0;
      return room(512 + d.reason.size() + std::min(body, shown_body_bytes));
    });
    if (!more) return more.error();
    if (*more) {
      page.next_cursor = delivery_id(last);
      return page;
    }
  }
  effect_filter f;
  f.status = effect_status::dead;
  f.entity = q.entity;
  if (page.rows.size() >= q.limit || bytes >= q.max_bytes) {
    const auto any = each_effect(from, f, {0, 0}, [](const effect&) { return false; });
    if (!any) return any.error();
    if (*any) page.next_cursor = "e0";
    return page;
  }
  std::int64_t last = after_effect;
  const auto left = q.limit - page.rows.size();
  const auto more = each_effect(from, f, {after_effect, left}, [&](const effect& e) {
    page.rows.push_back(to_json(e, q.body));
    last = e.id;
    return room(512 + e.last_error.size() + std::min(e.payload.size(), shown_body_bytes));
  });
  if (!more) return more.error();
  if (*more) page.next_cursor = effect_id(last);
  return page;
}

query export_dead_letters() {
  return [](reader& from, const request& r) -> result<response> {
    dead_letter_query q;
    q.cursor = r.query_value("cursor");
    q.entity = r.query_value("entity");
    q.limit = export_rows;
    q.max_bytes = export_bytes;
    q.body = r.query_value("body") == "1" ? body_view::text : body_view::none;
    const auto page = dead_letters(from, q);
    if (!page && page.error().code == errc::bad_input)
      return bad_request(r, "cursor", "next_cursor of the export before");
    if (!page) return page.error();
    response out;
    out.content_type = "application/x-ndjson";
    for (const auto& row : page->rows) out.body += json::serialize(row) + "\n";
    // a file that ends early says so, and where to go on
    if (!page->next_cursor.empty())
      out.body +=
          json::serialize(json::object{{"type", "more"}, {"next_cursor", page->next_cursor}}) +
          "\n";
    out.headers.push_back({"Content-Disposition", "attachment; filename=\"dead-letters.jsonl\""});
    return out;
  };
}

}  // namespace pb::http
