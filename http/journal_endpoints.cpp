#include "http/journal_endpoints.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "http/journal_query.hpp"

namespace pb::http {
namespace json = boost::json;
using namespace persistence;
namespace {

constexpr std::size_t bodies_at_once = 10;
constexpr std::size_t rows_at_once = 250;

body_view view_of(const request& r, body_view otherwise = body_view::none) {
  return r.query_value("body") == "1" ? body_view::text : otherwise;
}

/// Newest first unless asked otherwise; nothing for another word.
std::optional<bool> newest_first(const request& r) {
  const auto order = r.query_value("order");
  if (order.empty() || order == "newest") return true;
  return order == "oldest" ? std::optional{false} : std::nullopt;
}

/// Cursors are the last id of the page before, "d12" or "e34".
std::optional<std::int64_t> after_of(const request& r, char letter) {
  const auto cursor = r.query_value("cursor");
  return cursor.empty() ? std::int64_t{0} : number_after(letter, cursor);
}

constexpr std::string_view limit_words = "a number from 1 to 200";
constexpr std::string_view order_words = "newest or oldest";
constexpr std::string_view cursor_words = "next_cursor of the page before";

result<response> list_deliveries(reader& from, const request& r) {
  const auto limit = limit_of(r);
  if (!limit) return bad_request(r, "limit", limit_words);
  const auto after = after_of(r, 'd');
  if (!after) return bad_request(r, "cursor", cursor_words);
  const auto newest = newest_first(r);
  if (!newest) return bad_request(r, "order", order_words);
  delivery_filter f;
  if (const auto word = r.query_value("status"); !word.empty()) {
    f.status = delivery_status_of(word);
    if (!f.status) return bad_request(r, "status", delivery_status_words());
  }
  f.source = r.query_value("source");
  f.entity = r.query_value("entity");
  f.event = r.query_value("event");
  f.bodies = view_of(r) == body_view::text;
  list_page page;
  std::int64_t last = 0;
  const auto more = each_delivery(from, f, {*after, *limit, *newest}, [&](const delivery& d) {
    page.rows.push_back(to_json(d, view_of(r)));
    last = d.seq;
    return true;
  });
  if (!more) return more.error();
  if (*more) page.next_cursor = delivery_id(last);
  return page_response(std::move(page));
}

result<response> one_delivery(reader& from, const request& r) {
  const auto& given = r.path_params.at("seq");
  auto seq = number_after('d', given);
  if (!seq) seq = number_of(given);
  if (!seq) return not_found(r, "delivery");
  const auto found = from.delivery_by_seq(*seq);
  if (!found) return found.error();
  if (!*found) return not_found(r, "delivery");
  return data_response(json::serialize(to_json(**found, view_of(r, body_view::size))));
}

result<response> list_effects(reader& from, const request& r) {
  const auto limit = limit_of(r);
  if (!limit) return bad_request(r, "limit", limit_words);
  const auto after = after_of(r, 'e');
  if (!after) return bad_request(r, "cursor", cursor_words);
  const auto newest = newest_first(r);
  if (!newest) return bad_request(r, "order", order_words);
  effect_filter f;
  if (const auto word = r.query_value("status"); !word.empty()) {
    f.status = effect_status_of(word);
    if (!f.status) return bad_request(r, "status", effect_status_words());
  }
  f.entity = r.query_value("entity");
  f.integration = r.query_value("integration");
  list_page page;
  std::int64_t last = 0;
  const auto more = each_effect(from, f, {*after, *limit, *newest}, [&](const effect& e) {
    page.rows.push_back(to_json(e, view_of(r)));
    last = e.id;
    return true;
  });
  if (!more) return more.error();
  if (*more) page.next_cursor = effect_id(last);
  return page_response(std::move(page));
}

result<response> one_effect(reader& from, const request& r) {
  const auto& given = r.path_params.at("id");
  auto id = number_after('e', given);
  if (!id) id = number_of(given);
  if (!id) return not_found(r, "effect");
  const auto found = from.effect_by_id(*id);
  if (!found) return found.error();
  if (!*found) return not_found(r, "effect");
  const auto attempts = from.attempts_of(*id);
  if (!attempts) return attempts.error();
  auto row = to_json(**found, view_of(r, body_view::size));
  json::array log;
  for (const auto& a : *attempts) log.push_back(to_json(a));
  row["attempt_log"] = std::move(log);
  return data_response(json::serialize(row));
}

result<response> list_dead_letters(reader& from, const request& r) {
  const auto limit = limit_of(r);
  if (!limit) return bad_request(r, "limit", limit_words);
  dead_letter_query q;
  q.cursor = r.query_value("cursor");
  q.entity = r.query_value("entity");
  q.limit = *limit;
  q.body = view_of(r);
  auto page = dead_letters(from, q);
  if (!page && page.error().code == errc::bad_input) return bad_request(r, "cursor", cursor_words);
  if (!page) return page.error();
  return page_response(std::move(*page));
}

result<response> list_links(reader& from, const request& r) {
  const auto limit = limit_of(r);
  if (!limit) return bad_request(r, "limit", limit_words);
  list_page page;
  if (const auto entity = r.query_value("entity"); !entity.empty()) {
    const auto found = from.entity(entity_key{entity});
    if (!found) return found.error();
    for (const auto& l : found->links) page.rows.push_back(to_json(l));
    return page_response(std::move(page));
  }
  auto integration = r.query_value("integration");
  if (integration.empty()) integration = "caldav";
  const auto cursor = r.query_value("cursor");
  auto found = from.links_of(integration, cursor, *limit + 1);
  if (!found) return found.error();
  const bool more = found->size() > *limit;
  if (more) found->resize(*limit);
  for (const auto& l : *found) page.rows.push_back(to_json(l));
  if (more) page.next_cursor = as_utf8(found->back().object);
  return page_response(std::move(page));
}

result<response> show_timeline(reader& from, const request& r) {
  const auto limit = limit_of(r);
  if (!limit) return bad_request(r, "limit", limit_words);
  auto page =
      timeline(from, entity_key{r.path_params.at("entity")}, r.query_value("cursor"), *limit);
  if (page) return page_response(std::move(*page));
  if (page.error().code == errc::bad_input) return bad_request(r, "cursor", cursor_words);
  if (page.error().code == errc::not_found) return not_found(r, "entity");
  return page.error();
}

std::int64_t number_in(const delivery& d) noexcept { return d.seq; }
std::int64_t number_in(const effect& e) noexcept { return e.id; }

/// Pages of a few rows; shared by deliveries and effects.
template <class Row, class Fetch>
result<bool> each_row(page_of page, std::size_t at_once, const Fetch& fetch,
                      const std::function<bool(const Row&)>& take) {
  std::size_t taken = 0;
  for (auto after = page.after;;) {
    // one more than is taken at last: it tells whether there is more
    const auto wanted = std::min(at_once, page.limit - taken + 1);
    const result<std::vector<Row>> rows = fetch(page_of{after, wanted, page.newest_first});
    if (!rows) return rows.error();
    for (const Row& row : *rows) {
      if (taken == page.limit) return true;
      after = number_in(row);
      ++taken;
      if (!take(row)) page.limit = taken;  // whether there is more is still to be seen
    }
    if (rows->size() < wanted) return false;
  }
}

}  // namespace

handler reading(store& store, query ask) {
  return [&store, ask = std::move(ask)](std::shared_ptr<request> r, responder answer) {
    store.read([r = std::move(r), answer = std::move(answer), ask](result<reader*> from) {
      if (!from) return answer(failure_response(*r, from.error()));
      auto made = ask(**from, *r);
      if (!made)
        log::warn("journal could not be read",
                  {log::kv("request", r->id), log::kv("failure", made.error())});
      answer(made ? std::move(*made) : failure_response(*r, made.error()));
    });
  };
}

result<bool> each_delivery(reader& from, const delivery_filter& f, page_of page,
                           const std::function<bool(const delivery&)>& take) {
  return each_row<delivery>(
      page, f.bodies ? bodies_at_once : rows_at_once,
      [&](const page_of& some) { return from.deliveries(f, some); }, take);
}

result<bool> each_effect(reader& from, const effect_filter& f, page_of page,
                         const std::function<bool(const effect&)>& take) {
  return each_row<effect>(
      page, rows_at_once, [&](const page_of& some) { return from.effects(f, some); }, take);
}

std::vector<route> journal_routes(store& store, operations& ops, const admin_auth& auth) {
  auto out = operation_routes(ops, auth);
  const auto add = [&](const char* pattern, query ask) {
    route r;
    r.method = "GET";
    r.pattern = pattern;
    r.handle = auth.guard(reading(store, std::move(ask)));
    out.push_back(std::move(r));
  };
  add("/api/v1/deliveries", list_deliveries);
  add("/api/v1/deliveries/{seq}", one_delivery);
  add("/api/v1/effects", list_effects);
  add("/api/v1/effects/{id}", one_effect);
  add("/api/v1/dead-letters", list_dead_letters);
  add("/api/v1/dead-letters/export", export_dead_letters());
  add("/api/v1/links", list_links);
  add("/api/v1/timeline/{entity}", show_timeline);
  return out;
}

void add_journal_endpoints(server& to, store& store, operations& ops, const admin_auth& auth) {
  for (auto& r : journal_routes(store, ops, auth)) to.add(std::move(r));
}

}  // namespace pb::http
