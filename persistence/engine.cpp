#include "persistence/engine.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>

#include "persistence/tables.hpp"

namespace pb::persistence {
namespace {

constexpr value_type int64 = value_type::int64;
constexpr value_type text = value_type::text;
constexpr value_type bytes = value_type::bytes;

constexpr std::array asked_columns{column{"n", int64}, column{"tenant_id", text},
                                   column{"source", text}, column{"identity", bytes}};
const std::string known_identities =
    "SELECT v.n, i.seq FROM {rows} JOIN identities i ON i.tenant_id = v.tenant_id "
    "AND i.source = v.source AND i.identity = v.identity";

constexpr std::array identity_columns{column{"tenant_id", text}, column{"source", text},
                                      column{"identity", bytes}, column{"seq", int64},
                                      column{"at", int64}};
/// Those that are new, and only those; the answer says for which numbers.
const std::string claim_identities =
    "INSERT INTO identities (tenant_id, source, identity, seq, at) "
    "SELECT v.tenant_id, v.source, v.identity, v.seq, v.at FROM {rows} WHERE true "
    "ON CONFLICT (tenant_id, source, identity) DO NOTHING RETURNING seq";
const std::string release_identities =
    "DELETE FROM identities WHERE (tenant_id, source, identity, seq) IN "
    "(SELECT v.tenant_id, v.source, v.identity, v.seq FROM {rows})";

constexpr std::array delivery_columns{
    column{"seq", int64},      column{"partition", int64},   column{"status", int64},
    column{"attempts", int64}, column{"received_at", int64}, column{"tenant_id", text},
    column{"source", text},    column{"form", text},         column{"event", text},
    column{"entity", text},    column{"reason", text},       column{"remote_id", text}};
const std::string insert_deliveries =
    "INSERT INTO deliveries (seq, partition, status, attempts, received_at, tenant_id, source, "
    "form, event, entity, reason, remote_id) SELECT v.seq, v.partition, v.status, v.attempts, "
    "v.received_at, v.tenant_id, v.source, v.form, v.event, v.entity, v.reason, v.remote_id "
    "FROM {rows} WHERE true";

constexpr std::array body_columns{column{"seq", int64}, column{"body", bytes}};
const std::string insert_bodies =
    "INSERT INTO bodies (seq, body) SELECT v.seq, v.body FROM {rows} WHERE true";

constexpr std::array open_columns{column{"status", int64}, column{"seq", int64}};
const std::string insert_open =
    "INSERT INTO open_deliveries (status, seq) SELECT v.status, v.seq FROM {rows} WHERE true";

constexpr std::string_view last_batch = "last_batch";
constexpr std::string_view seq_floor = "seq_floor";

/// What makes an identity unique, as one string: lengths first, so that nothing can be confused.
std::string identity_key(const delivery& d, const std::string& identity) {
  std::string key = std::to_string(d.tenant.size()) + ":" + std::to_string(d.source.size()) + ":";
  return key + d.tenant + d.source + identity;
}

result<std::string> fact(connection& c, std::string_view name) {
  const std::array parameters{value::text(name)};
  auto rows = c.query("SELECT value FROM store_facts WHERE name = $1", parameters);
  if (!rows) return rows.error();
  return rows->empty() ? std::string{} : rows->front().front().data;
}

/// The rows of new deliveries, table by table.
struct journal_rows {
  bulk_rows deliveries{delivery_columns}, bodies{body_columns}, open{open_columns};

  void add(const delivery& d, std::int64_t seq) {
    const auto status = static_cast<std::int64_t>(d.status);
    deliveries.number(seq);
    deliveries.number(d.entity.partition());
    deliveries.number(status);
    deliveries.number(d.attempts);
    deliveries.number(to_micros(d.received_at));
    deliveries.text(d.tenant);
    deliveries.text(d.source);
    deliveries.text(d.form);
    deliveries.text(d.event);
    deliveries.text(d.entity.text());
    deliveries.text(d.reason);
    deliveries.text(d.remote_id);
    bodies.number(seq);
    bodies.bytes(d.body ? std::string_view{*d.body} : std::string_view{});
    if (!is_open(d.status)) return;
    open.number(status);
    open.number(seq);
  }
  result<void> insert(connection& c) const {
    if (deliveries.empty()) return {};
    if (auto r = c.execute_rows(insert_deliveries, deliveries); !r) return r;
    if (auto r = c.execute_rows(insert_bodies, bodies); !r) return r;
    if (open.empty()) return {};
    return c.execute_rows(insert_open, open);
  }
};

void add_identity(bulk_rows& rows, const delivery& d, const std::string& identity,
                  std::int64_t seq) {
  rows.text(d.tenant);
  rows.text(d.source);
  rows.bytes(identity);
  rows.number(seq);
  rows.number(to_micros(d.received_at));
}

}  // namespace

result<void> engine::start(connection& c) {
  auto rows = c.query("SELECT COALESCE(MAX(seq), 0) FROM deliveries", {});
  if (!rows) return rows.error();
  auto floor = fact(c, seq_floor);
  if (!floor) return floor.error();
  std::int64_t kept = 0;
  std::from_chars(floor->data(), floor->data() + floor->size(), kept);
  next_seq_ = std::max({next_seq_, kept + 1, rows->front().front().number + 1});
  return {};
}

result<void> engine::append_deliveries(connection& c, std::span<const write* const> units) {
  struct offered {
    const delivery_append* what;
    appended* answer;
    std::size_t claimed = 0, granted = 0;  ///< identities
  };
  std::vector<offered> all;
  std::unordered_map<std::string, std::int64_t> in_batch;
  bulk_rows claims{identity_columns};
  const std::int64_t first_seq = next_seq_;
  for (std::size_t i = 0; i < units.size(); ++i) {
    auto& answers = answer_[i].appends;
    answers.resize(units[i]->appends.size());
    for (std::size_t j = 0; j < answers.size(); ++j) {
      const delivery_append& a = units[i]->appends[j];
      ++figures_.appends;
      // The same in one batch: the first of them is the original.
      for (const std::string& identity : a.identities)
        if (const auto at = in_batch.find(identity_key(a.row, identity)); at != in_batch.end())
          answers[j] = {at->second, true};
      if (answers[j].duplicate) continue;
      answers[j] = {next_seq_++, false};
      auto& one = all.emplace_back(offered{&a, &answers[j]});
      for (const std::string& identity : a.identities) {
        if (!in_batch.emplace(identity_key(a.row, identity), one.answer->seq).second) continue;
        ++one.claimed;
        add_identity(claims, a.row, identity, one.answer->seq);
      }
    }
  }
  if (!claims.empty()) {
    auto fresh = c.query_rows(claim_identities, claims);
    if (!fresh) return fresh.error();
    for (const result_row& r : *fresh)
      ++all[static_cast<std::size_t>(r[0].number - first_seq)].granted;
  }
  std::vector<std::size_t> again;
  journal_rows rows;
  for (std::size_t n = 0; n < all.size(); ++n)
    if (all[n].granted < all[n].claimed)
      again.push_back(n);
    else
      rows.add(all[n].what->row, all[n].answer->seq);
  if (!again.empty()) {
    bulk_rows asked{asked_columns};
    for (const std::size_t n : again)
      for (const std::string& identity : all[n].what->identities) {
        asked.number(static_cast<std::int64_t>(n));
        asked.text(all[n].what->row.tenant);
        asked.text(all[n].what->row.source);
        asked.bytes(identity);
      }
    auto known = c.query_rows(known_identities, asked);
    if (!known) return known.error();
    // Identities of two earlier deliveries may meet in one: the first of them is the original.
    std::vector<std::int64_t> earlier(all.size(), 0);
    for (const result_row& r : *known) {
      const auto n = static_cast<std::size_t>(r[0].number);
      std::int64_t& seq = earlier[n];
      if (r[1].number != all[n].answer->seq)
        seq = seq == 0 ? r[1].number : std::min(seq, r[1].number);
    }
    // Nothing of a duplicate is kept, its new identities neither.
    bulk_rows released{identity_columns};
    for (const std::size_t n : again) {
      if (all[n].granted != 0)
        for (const std::string& identity : all[n].what->identities)
          add_identity(released, all[n].what->row, identity, all[n].answer->seq);
      *all[n].answer = {earlier[n], true};
    }
    if (!released.empty())
      if (auto r = c.execute_rows(release_identities, released); !r) return r;
    // An answer inside the batch may have named one that turned out to be another's duplicate.
    for (auto& unit : answer_)
      for (auto& a : unit.appends)
        if (a.duplicate && a.seq >= first_seq)
          a.seq = all[static_cast<std::size_t>(a.seq - first_seq)].answer->seq;
  }
  for (const auto& unit : answer_)
    for (const auto& a : unit.appends) figures_.duplicates += a.duplicate ? 1u : 0u;
  return rows.insert(c);
}

result<std::vector<written>> engine::apply(connection& c, std::span<const write* const> units) {
  const auto started = std::chrono::steady_clock::now();
  answer_.assign(units.size(), {});
  figures_ = {units.size(), 0, 0, {}};
  batch_ = std::to_string(random_.next());
  using step = result<void> (*)(connection&, tables::units);
  static constexpr std::array<step, 8> steps{
      tables::put_entities, tables::put_effects,     tables::put_links,  tables::put_marks,
      tables::put_attempts, tables::put_provenances, tables::put_states, tables::put_credentials};

  result<void> done = c.begin();
  if (done) done = append_deliveries(c, units);
  for (std::size_t i = 0; done && i < steps.size(); ++i) done = steps[i](c, units);
  // What tells, after a lost answer, whether this very transaction was committed.
  if (done) done = tables::put_fact(c, last_batch, batch_);
  if (done) done = c.commit();
  figures_.took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - started);
  if (!done) {
    if (c.last_fault() != fault::unknown) c.rollback();
    return done.error();
  }
  return std::move(answer_);
}

result<bool> engine::was_applied(connection& c) {
  auto committed = fact(c, last_batch);
  if (!committed) return committed.error();
  return *committed == batch_;
}

result<std::int64_t> engine::retain_slice(connection& c, const retention_limits& limits,
                                          std::int64_t slice) {
  const auto before = [&](int days) { return to_micros(limits.now - std::chrono::days{days}); };
  const std::array old_rows{value::of(before(limits.delivery_days)), value::of(slice)};
  const std::array old_identities{value::of(before(limits.identity_days)), value::of(slice)};

  // An effect goes with its attempts once it is finished and what caused it needs it no more.
  static const std::string effects =
      "SELECT e.id FROM effects e WHERE e.status IN (1, 3, 4, 5) AND e.created_at < $1 "
      "AND (e.finished_at IS NULL OR e.finished_at < $1) AND NOT EXISTS (SELECT 1 FROM deliveries "
      "d "
      "WHERE d.seq = e.cause AND d.status IN (0, 3)) ORDER BY e.created_at, e.id LIMIT $2";
  // In journal order, which is that of time but for jumps of the clock: nothing behind the first
  // that is young enough is looked at, and no index on the time is needed.
  static const std::string deliveries =
      "SELECT d.seq FROM deliveries d WHERE d.status IN (1, 2, 4) AND d.received_at < $1 "
      "AND d.seq < COALESCE((SELECT n.seq FROM deliveries n WHERE n.received_at >= $1 "
      "ORDER BY n.seq LIMIT 1), 9223372036854775807) AND NOT EXISTS "
      "(SELECT 1 FROM effects e WHERE e.cause = d.seq AND e.status IN (0, 2)) "
      "ORDER BY d.seq LIMIT $2";
  static const std::string identities =
      "SELECT i.tenant_id, i.source, i.identity FROM identities i WHERE i.at < $1 LIMIT $2";

  std::int64_t removed = 0;
  const auto remove = [&](const std::string& sql,
                          std::span<const value> parameters) -> result<void> {
    auto gone = c.query(sql, parameters);
    if (!gone) return gone.error();
    removed += static_cast<std::int64_t>(gone->size());
    return {};
  };
  result<void> done = c.begin();
  // The rows that carry the highest numbers may go: the numbers stay used.
  if (done) done = tables::put_fact(c, seq_floor, std::to_string(next_seq_ - 1));
  if (done) done = c.execute("DELETE FROM attempts WHERE effect IN (" + effects + ")", old_rows);
  if (done)
    done = remove("DELETE FROM effects WHERE id IN (" + effects + ") RETURNING id", old_rows);
  if (done) done = c.execute("DELETE FROM bodies WHERE seq IN (" + deliveries + ")", old_rows);
  if (done)
    done =
        remove("DELETE FROM deliveries WHERE seq IN (" + deliveries + ") RETURNING seq", old_rows);
  if (done)
    done = remove("DELETE FROM identities WHERE (tenant_id, source, identity) IN (" + identities +
                      ") RETURNING seq",
                  old_identities);
  if (done) done = c.commit();
  if (!done) {
    if (c.last_fault() != fault::unknown) c.rollback();
    return done.error();
  }
  return removed;
}

}  // namespace pb::persistence
