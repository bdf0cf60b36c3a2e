#include "persistence/migrations.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace pb::persistence {
namespace {

/// Any number that nobody else uses; PostgreSQL's advisory locks are per database.
constexpr std::int64_t migration_lock = 0x706c616e654d4947;

std::array<int, 3> parts_of(const std::string& version) {
  std::array<int, 3> parts{};
  const char* at = version.data();
  const char* const end = at + version.size();
  for (int& part : parts) {
    at = std::from_chars(at, end, part).ptr;
    if (at != end) ++at;
  }
  return parts;
}

std::string label(int version, const std::string& name) {
  std::string digits = std::to_string(version);
  return std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0') + digits + " " + name;
}

result<bool> has_table(connection& c) {
  auto rows = c.query(
      c.kind() == dialect::sqlite
          ? "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'"
          : "SELECT 1 WHERE to_regclass('schema_migrations') IS NOT NULL",
      {});
  if (!rows) return rows.error();
  return !rows->empty();
}

/// What the database says against what this binary knows.
result<migration_report> compare(connection& c, const std::vector<migration>& known,
                                 const std::string& binary) {
  migration_report report;
  auto there = has_table(c);
  if (!there) return there.error();
  row_set rows;
  if (*there) {
    auto found =
        c.query("SELECT version, name, oldest_binary FROM schema_migrations ORDER BY version", {});
    if (!found) return found.error();
    rows = std::move(*found);
  }
  for (const result_row& r : rows) {
    const int version = static_cast<int>(r[0].number);
    report.before = std::max(report.before, version);
    const bool ours = std::any_of(known.begin(), known.end(),
                                  [&](const migration& m) { return m.version == version; });
    if (ours) continue;
    report.unknown.push_back(label(version, r[1].data));
    if (parts_of(r[2].data) > parts_of(binary)) {
      report.compatible = false;
      report.explanation = "the database is at migration " + label(version, r[1].data) +
                           ", which needs planebridge " + r[2].data + " or newer; this is " +
                           binary;
    }
  }
  for (const migration& m : known)
    if (std::none_of(rows.begin(), rows.end(),
                     [&](const result_row& r) { return r[0].number == m.version; }))
      report.pending.push_back(label(m.version, m.name));
  report.after = report.before;
  return report;
}

failure too_new(const migration_report& r) {
  return {errc::precondition, "store.migrate", r.explanation,
          "run the newer planebridge again, or restore a backup from before its upgrade"};
}

result<void> create_table(connection& c) {
  const bool sqlite = c.kind() == dialect::sqlite;
  return c.script(std::string{"CREATE TABLE IF NOT EXISTS schema_migrations (version "} +
                  (sqlite ? "INTEGER" : "integer") +
                  " PRIMARY KEY, name text NOT NULL, applied_at " +
                  (sqlite ? "INTEGER" : "bigint") + " NOT NULL, oldest_binary text NOT NULL)");
}

result<migration_report> migrate_locked(connection& c, const std::vector<migration>& known,
                                        const std::string& binary, timestamp now) {
  if (auto r = create_table(c); !r) return r.error();
  auto report = compare(c, known, binary);
  if (!report) return report;
  if (!report->compatible) return too_new(*report);
  for (const migration& m : known) {
    if (std::find(report->pending.begin(), report->pending.end(), label(m.version, m.name)) ==
        report->pending.end())
      continue;
    if (auto r = c.script(m.sql); !r) {
      failure f = r.error();
      f.where = "store.migrate";
      f.detail = "migration " + label(m.version, m.name) + ": " + f.detail;
      return f;
    }
    const std::array parameters{value::of(std::int64_t{m.version}), value::text(m.name),
                                value::of(to_micros(now)), value::text(m.oldest_binary)};
    // Through the types of a query: PostgreSQL assigns bigint to integer in an INSERT only.
    if (auto r = c.query("INSERT INTO schema_migrations (version, name, applied_at, oldest_binary) "
                         "VALUES ($1, $2, $3, $4) RETURNING version",
                         parameters);
        !r)
      return r.error();
    report->applied.push_back(label(m.version, m.name));
    report->after = std::max(report->after, m.version);
  }
  report->pending.clear();
  return report;
}

}  // namespace

const std::vector<migration>& migrations_of(dialect d) {
  return d == dialect::sqlite ? sqlite_migrations() : postgres_migrations();
}

result<migration_report> migrate(connection& c, const std::vector<migration>& known,
                                 const std::string& binary, timestamp now) {
  // Two daemons may start at once: on SQLite the write transaction itself is the lock.
  if (auto r = c.begin(); !r) return r.error();
  if (c.kind() == dialect::postgres) {
    const std::string lock = "SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(" +
                             std::to_string(migration_lock) + ")";
    if (auto r = c.script(lock); !r) {
      c.rollback();
      return r.error();
    }
  }
  auto report = migrate_locked(c, known, binary, now);
  if (!report) {
    c.rollback();
    return report;
  }
  if (auto r = c.commit(); !r) {
    if (c.last_fault() != fault::unknown) c.rollback();
    return r.error();
  }
  return report;
}

result<migration_report> migration_status(connection& c, const std::vector<migration>& known,
                                          const std::string& binary) {
  return compare(c, known, binary);
}

}  // namespace pb::persistence
