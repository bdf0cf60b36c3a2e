#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "http/journal_query.hpp"

namespace pb::http {
namespace json = boost::json;
using namespace persistence;
namespace {

constexpr std::size_t effects_of_a_page = 1'000;
constexpr std::size_t provenances_of_an_entity = 1'000;
/// Effect ids are cause << 8 | n.
constexpr int bits_of_n = 8;
constexpr auto last_seq = std::numeric_limits<std::int64_t>::max() >> bits_of_n;

struct entry {
  timestamp at{};
  int rank = 0;  ///< at the same moment: received, then planned, then attempted, then agreed
  std::int64_t number = 0;
  json::object row;
};

void add(std::vector<entry>& to, timestamp at, int rank, std::int64_t number, std::string_view type,
         json::object row) {
  json::object whole{{"at", format_rfc3339(at)}, {"type", type}};
  for (auto& [key, value] : row)
    if (key != "at" && key != "type") whole[key] = std::move(value);
  to.push_back({at, rank, number, std::move(whole)});
}

result<void> add_effects(reader& from, const entity_key& key, std::int64_t after_seq,
                         std::int64_t until_seq, std::vector<entry>& to) {
  effect_filter f;
  f.entity = key.text();
  const auto first = after_seq == 0 ? 0 : ((after_seq + 1) << bits_of_n) - 1;
  std::vector<std::int64_t> ids;
  const auto more = each_effect(from, f, {first, effects_of_a_page}, [&](const effect& e) {
    if ((e.id >> bits_of_n) > until_seq) return false;
    add(to, e.created_at, 1, e.id, "effect", to_json(e, body_view::none));
    if (e.attempts > 0) ids.push_back(e.id);
    return true;
  });
  if (!more) return more.error();
  for (const auto id : ids) {
    const auto attempts = from.attempts_of(id);
    if (!attempts) return attempts.error();
    for (const auto& a : *attempts) {
      auto row = to_json(a);
      row["id"] = effect_id(id);
      add(to, a.started_at, 2, id, "attempt", std::move(row));
    }
  }
  return {};
}

}  // namespace

result<list_page> timeline(reader& from, const entity_key& key, const std::string& cursor,
                           std::size_t limit) {
  std::int64_t after = 0;
  if (!cursor.empty()) {
    const auto n = number_after('d', cursor);
    if (!n) return failure{.code = errc::bad_input, .where = "timeline", .detail = "cursor"};
    after = *n;
  }
  std::vector<entry> entries;
  delivery_filter f;
  f.entity = key.text();
  f.bodies = false;
  std::int64_t last = after;
  const auto more = each_delivery(from, f, {after, limit}, [&](const delivery& d) {
    add(entries, d.received_at, 0, d.seq, "delivery", to_json(d, body_view::none));
    last = d.seq;
    return true;
  });
  if (!more) return more.error();
  const auto until = *more ? last : last_seq;

  if (auto done = add_effects(from, key, after, until, entries); !done) return done.error();
  const auto provenances = from.provenance_of(key, provenances_of_an_entity);
  if (!provenances) return provenances.error();
  for (const auto& p : *provenances)
    if ((p.cause > after || after == 0) && p.cause <= until)
      add(entries, p.at, 3, p.effect, "provenance", to_json(p));

  if (entries.empty() && after == 0) {
    const auto known = from.entity(key);
    if (!known) return known.error();
    if (!known->row && known->links.empty())
      return failure{.code = errc::not_found, .where = "timeline", .detail = "entity"};
  }
  std::stable_sort(entries.begin(), entries.end(), [](const entry& a, const entry& b) {
    return std::tie(a.at, a.rank, a.number) < std::tie(b.at, b.rank, b.number);
  });
  list_page page;
  for (auto& e : entries) page.rows.push_back(std::move(e.row));
  if (*more) page.next_cursor = delivery_id(last);
  return page;
}

}  // namespace pb::http
