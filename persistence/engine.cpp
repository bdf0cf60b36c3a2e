#include "persistence/engine.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
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
/// All of them or none: one that is known fails the transaction.
const std::string insert_identities =
    "INSERT INTO identities (tenant_id, source, identity, seq, at) "
    "SELECT v.tenant_id, v.source, v.identity, v.seq, v.at FROM {rows} WHERE true";
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

/// Batches that ask first what is known, after one that met a duplicate unprepared.
constexpr unsigned wary_batches = 16;

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
  std::vector<offered> all;
  for (std::size_t i = 0; i < units.size(); ++i) {
    answer_[i].appends.resize(units[i]->appends.size());
    for (std::size_t j = 0; j < units[i]->appends.size(); ++j)
      all.push_back({&units[i]->appends[j], &answer_[i].appends[j]});
  }
  figures_.appends = all.size();
  if (all.empty()) return {};
  // Whether one of them repeats another decides how they are told from what is known: what a
  // duplicate is called besides is kept by nobody, so that each depends on those before it.
  std::unordered_map<std::string, const offered*> owners;
  bool meet = false;
  for (const offered& o : all)
    for (const std::string& identity : o.what->identities) {
      const auto [at, fresh] = owners.emplace(identity_key(o.what->row, identity), &o);
      meet = meet || (!fresh && at->second != &o);
    }
  supposed_new_ = !meet && wary_ == 0;
  if (auto r = meet ? ask_first(c, all) : supposed_new_ ? suppose_new(c, all) : claim(c, all); !r)
    return r;
  journal_rows rows;
  for (const offered& o : all) {
    if (o.answer->duplicate)
      ++figures_.duplicates;
    else
      rows.add(o.what->row, o.answer->seq);
  }
  return rows.insert(c);
}

/// A number for each, and a row for each of its identities.
bulk_rows engine::number(std::span<const offered> all, std::vector<std::size_t>& identities_of) {
  bulk_rows rows{identity_columns};
  identities_of.assign(all.size(), 0);
  for (std::size_t n = 0; n < all.size(); ++n) {
    *all[n].answer = {next_seq_++, false};
    const auto& names = all[n].what->identities;
    for (auto name = names.begin(); name != names.end(); ++name) {
      if (std::find(names.begin(), name, *name) != name) continue;
      ++identities_of[n];
      add_identity(rows, all[n].what->row, *name, all[n].answer->seq);
    }
  }
  return rows;
}

/// Nearly always none is known, and then nobody has to be asked: the whole transaction goes in one
/// trip. A duplicate fails it, and it is written again by claim().
result<void> engine::suppose_new(connection& c, std::span<const offered> all) {
  std::vector<std::size_t> unused;
  const bulk_rows identities = number(all, unused);
  if (identities.empty()) return {};
  return c.execute_rows(insert_identities, identities);
}

/// None repeats another: the insert itself tells which are known.
result<void> engine::claim(connection& c, std::span<const offered> all) {
  std::vector<std::size_t> claimed, granted(all.size(), 0);
  const std::int64_t first_seq = next_seq_;
  const bulk_rows claims = number(all, claimed);
  if (claims.empty()) return {};
  auto fresh = c.query_rows(claim_identities, claims);
  if (!fresh) return fresh.error();
  for (const result_row& r : *fresh) ++granted[static_cast<std::size_t>(r[0].number - first_seq)];

  std::vector<std::size_t> again;
  for (std::size_t n = 0; n < all.size(); ++n)
    if (granted[n] < claimed[n]) again.push_back(n);
  if (again.empty()) return {};
  auto earlier = earlier_of(c, all, again);
  if (!earlier) return earlier.error();
  // Nothing of a duplicate is kept, its new identities neither.
  bulk_rows released{identity_columns};
  for (std::size_t i = 0; i < again.size(); ++i) {
    const offered& o = all[again[i]];
    if (granted[again[i]] != 0)
      for (const std::string& identity : o.what->identities)
        add_identity(released, o.what->row, identity, o.answer->seq);
    *o.answer = {(*earlier)[i], true};
  }
  if (released.empty()) return {};
  return c.execute_rows(release_identities, released);
}

/// Some repeat others: what is known is asked for, and the rest is told one after the other.
result<void> engine::ask_first(connection& c, std::span<const offered> all) {
  std::vector<std::size_t> every(all.size());
  std::iota(every.begin(), every.end(), std::size_t{0});
  auto earlier = earlier_of(c, all, every);
  if (!earlier) return earlier.error();
  bulk_rows identities{identity_columns};
  std::unordered_map<std::string, std::int64_t> in_batch;
  for (std::size_t n = 0; n < all.size(); ++n) {
    const delivery_append& a = *all[n].what;
    std::int64_t original = (*earlier)[n];
    for (const std::string& identity : a.identities) {
      if (original != 0) break;
      if (const auto at = in_batch.find(identity_key(a.row, identity)); at != in_batch.end())
        original = at->second;
    }
    if (original != 0) {
      *all[n].answer = {original, true};
      continue;
    }
    *all[n].answer = {next_seq_++, false};
    for (const std::string& identity : a.identities)
      if (in_batch.emplace(identity_key(a.row, identity), all[n].answer->seq).second)
        add_identity(identities, a.row, identity, all[n].answer->seq);
  }
  if (identities.empty()) return {};
  auto fresh = c.query_rows(claim_identities, identities);
  if (!fresh) return fresh.error();
  return {};
}

/// Of each of these: the earliest delivery that has one of its identities, other than itself; 0
/// when none has.
result<std::vector<std::int64_t>> engine::earlier_of(connection& c, std::span<const offered> all,
                                                     std::span<const std::size_t> which) {
  std::vector<std::int64_t> earlier(which.size(), 0);
  bulk_rows asked{asked_columns};
  for (std::size_t i = 0; i < which.size(); ++i)
    for (const std::string& identity : all[which[i]].what->identities) {
      asked.number(static_cast<std::int64_t>(i));
      asked.text(all[which[i]].what->row.tenant);
      asked.text(all[which[i]].what->row.source);
      asked.bytes(identity);
    }
  if (asked.empty()) return earlier;
  auto known = c.query_rows(known_identities, asked);
  if (!known) return known.error();
  for (const result_row& r : *known) {
    const auto i = static_cast<std::size_t>(r[0].number);
    if (r[1].number == all[which[i]].answer->seq) continue;
    earlier[i] = earlier[i] == 0 ? r[1].number : std::min(earlier[i], r[1].number);
  }
  return earlier;
}

result<std::vector<written>> engine::apply(connection& c, std::span<const write* const> units) {
  const auto started = std::chrono::steady_clock::now();
  if (wary_ > 0) --wary_;
  result<void> done = transact(c, units);
  if (!done && supposed_new_ && c.last_fault() == fault::data) {
    c.rollback();
    wary_ = wary_batches;
    done = transact(c, units);
  }
  figures_.took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - started);
  if (!done) {
    if (c.last_fault() != fault::unknown) c.rollback();
    return done.error();
  }
  return std::move(answer_);
}

result<void> engine::transact(connection& c, std::span<const write* const> units) {
  answer_.assign(units.size(), {});
  figures_ = {units.size(), 0, 0, {}};
  supposed_new_ = false;
  batch_ = std::to_string(random_.next());
  using step = result<void> (*)(connection&, tables::units);
  static constexpr std::array<step, 11> steps{
      tables::put_entities,      tables::put_effects,         tables::put_links,
      tables::put_marks,         tables::put_attempts,        tables::put_provenances,
      tables::put_states,        tables::put_credentials,     tables::put_receipts,
      tables::put_user_mappings, tables::put_channel_mappings};

  result<void> done = c.begin();
  if (done) done = append_deliveries(c, units);
  for (std::size_t i = 0; done && i < steps.size(); ++i) done = steps[i](c, units);
  // What tells, after a lost answer, whether this very transaction was committed.
  if (done) done = tables::put_fact(c, last_batch, batch_);
  if (done) done = c.commit();
  return done;
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
