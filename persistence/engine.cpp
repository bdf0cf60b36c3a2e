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

constexpr std::array identity_columns{column{"n", int64}, column{"tenant_id", text},
                                      column{"source", text}, column{"identity", bytes}};
const std::string known_identities =
    "SELECT v.n, i.seq FROM {rows} JOIN identities i ON i.tenant_id = v.tenant_id "
    "AND i.source = v.source AND i.identity = v.identity";

constexpr std::array new_identity_columns{column{"tenant_id", text}, column{"source", text},
                                          column{"identity", bytes}, column{"seq", int64},
                                          column{"at", int64}};
const std::string insert_identities =
    "INSERT INTO identities (tenant_id, source, identity, seq, at) "
    "SELECT v.tenant_id, v.source, v.identity, v.seq, v.at FROM {rows} WHERE true";

constexpr std::array delivery_columns{
    column{"seq", int64},      column{"partition", int64},   column{"status", int64},
    column{"attempts", int64}, column{"received_at", int64}, column{"tenant_id", text},
    column{"source", text},    column{"form", text},         column{"event", text},
    column{"entity", text},    column{"reason", text},       column{"remote_id", text},
    column{"body", bytes}};
const std::string insert_deliveries =
    "INSERT INTO deliveries (seq, partition, status, attempts, received_at, tenant_id, source, "
    "form, "
    "event, entity, reason, remote_id, body) SELECT v.seq, v.partition, v.status, v.attempts, "
    "v.received_at, v.tenant_id, v.source, v.form, v.event, v.entity, v.reason, v.remote_id, "
    "v.body "
    "FROM {rows} WHERE true";

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

void add_delivery(bulk_rows& rows, const delivery& d, std::int64_t seq) {
  rows.number(seq);
  rows.number(d.entity.partition());
  rows.number(static_cast<std::int64_t>(d.status));
  rows.number(d.attempts);
  rows.number(to_micros(d.received_at));
  rows.text(d.tenant);
  rows.text(d.source);
  rows.text(d.form);
  rows.text(d.event);
  rows.text(d.entity.text());
  rows.text(d.reason);
  rows.text(d.remote_id);
  rows.bytes(d.body ? std::string_view{*d.body} : std::string_view{});
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
  };
  std::vector<offered> all;
  for (std::size_t i = 0; i < units.size(); ++i) {
    answer_[i].appends.resize(units[i]->appends.size());
    for (std::size_t j = 0; j < units[i]->appends.size(); ++j)
      all.push_back({&units[i]->appends[j], &answer_[i].appends[j]});
  }
  figures_.appends = all.size();
  if (all.empty()) return {};

  bulk_rows asked{identity_columns};
  for (std::size_t n = 0; n < all.size(); ++n)
    for (const std::string& identity : all[n].what->identities) {
      asked.number(static_cast<std::int64_t>(n));
      asked.text(all[n].what->row.tenant);
      asked.text(all[n].what->row.source);
      asked.bytes(identity);
    }
  std::vector<std::int64_t> earlier(all.size(), 0);
  if (!asked.empty()) {
    auto known = c.query_rows(known_identities, asked);
    if (!known) return known.error();
    for (const result_row& r : *known) {
      std::int64_t& seq = earlier[static_cast<std::size_t>(r[0].number)];
      // Identities of two earlier deliveries may meet in one: the first of them is the original.
      seq = seq == 0 ? r[1].number : std::min(seq, r[1].number);
    }
  }

  bulk_rows deliveries{delivery_columns}, identities{new_identity_columns};
  std::unordered_map<std::string, std::int64_t> in_batch;
  for (std::size_t n = 0; n < all.size(); ++n) {
    const delivery& d = all[n].what->row;
    for (const std::string& identity : all[n].what->identities) {
      if (earlier[n] != 0) break;
      if (const auto at = in_batch.find(identity_key(d, identity)); at != in_batch.end())
        earlier[n] = at->second;
    }
    if (earlier[n] != 0) {
      *all[n].answer = {earlier[n], true};
      ++figures_.duplicates;
      continue;
    }
    const std::int64_t seq = next_seq_++;
    *all[n].answer = {seq, false};
    add_delivery(deliveries, d, seq);
    for (const std::string& identity : all[n].what->identities) {
      if (!in_batch.emplace(identity_key(d, identity), seq).second) continue;
      identities.text(d.tenant);
      identities.text(d.source);
      identities.bytes(identity);
      identities.number(seq);
      identities.number(to_micros(d.received_at));
    }
  }
  if (!deliveries.empty())
    if (auto r = c.execute_rows(insert_deliveries, deliveries); !r) return r;
  if (!identities.empty())
    if (auto r = c.execute_rows(insert_identities, identities); !r) return r;
  return {};
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
  static const std::string deliveries =
      "SELECT d.seq FROM deliveries d WHERE d.status IN (1, 2, 4) AND d.received_at < $1 AND NOT "
      "EXISTS "
      "(SELECT 1 FROM effects e WHERE e.cause = d.seq AND e.status IN (0, 2)) "
      "ORDER BY d.received_at, d.seq LIMIT $2";
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
