#include "persistence/open.hpp"

#include <unistd.h>

#include "persistence/daemon_lock.hpp"
#include "persistence/threaded_store.hpp"

namespace pb::persistence {
namespace {

using engine_kind = config::database_target::engine;

std::string binary_of(const open_options& o) { return o.binary.empty() ? PB_VERSION : o.binary; }

random_source& random_of(const open_options& o) {
  static secure_random secure;
  return o.random != nullptr ? *o.random : secure;
}

/// A database that this binary may read: migrated, and not beyond it.
result<void> check_readable(const migration_report& report) {
  if (!report.compatible)
    return failure{errc::precondition, "store.open", report.explanation,
                   "use the newer planebridge"};
  if (!report.pending.empty())
    return failure{errc::precondition, "store.open",
                   "the database lacks migration " + report.pending.front(),
                   "start the daemon once, or run: planebridge migrate"};
  return {};
}

}  // namespace

result<open_options> options_of(const config::settings& s) {
  auto target = config::database_of(s);
  if (!target) return target.error();
  open_options o;
  o.target = std::move(*target);
  o.batch_max = s.concurrency.store_batch_max;
  o.queue_max = s.concurrency.store_queue_max;
  o.statement_timeout = s.store.statement_timeout;
  o.tcp_user_timeout = s.store.tcp_user_timeout;
  o.connect_timeout = s.store.connect_timeout;
  return o;
}

result<std::unique_ptr<connection>> connect(const open_options& o, session_use use,
                                            const std::string& application_name) {
  if (o.target.kind == engine_kind::sqlite) {
    sqlite_options s;
    s.path = o.target.path;
    s.read_only = use == session_use::reader;
    s.create = use != session_use::reader;
    s.busy_timeout = o.busy_timeout;
    return connect_sqlite(s);
  }
  postgres_options p;
  p.url = o.target.url;
  p.application_name = application_name;
  p.connect_timeout = o.connect_timeout;
  p.tcp_user_timeout = o.tcp_user_timeout;
  p.statement_timeout = o.statement_timeout;
  p.point_lookups = use != session_use::migration;
  return connect_postgres(p);
}

result<migration_report> migrate(connection& c, const open_options& o) {
  return migrate(c, migrations_of(c.kind()), binary_of(o), system_clock_source{}.now());
}

result<migration_report> migrate(const open_options& o) {
  auto c = connect(o, session_use::migration, "planebridge migrate");
  if (!c) return c.error();
  return migrate(**c, o);
}

result<migration_report> migration_status(const open_options& o) {
  if (o.target.kind == engine_kind::sqlite && ::access(o.target.path.c_str(), F_OK) != 0) {
    migration_report report;
    for (const migration& m : sqlite_migrations()) report.pending.push_back(m.name);
    return report;
  }
  auto c = connect(o, session_use::reader, "planebridge status");
  if (!c) return c.error();
  return migration_status(**c, migrations_of((*c)->kind()), binary_of(o));
}

result<std::unique_ptr<store>> open(const open_options& o) {
  std::unique_ptr<file_lock> lock;
  if (o.target.kind == engine_kind::sqlite) {
    auto held = file_lock::acquire(o.target.path);
    if (!held) return held.error();
    lock = std::move(*held);
  }
  if (auto r = migrate(o); !r) return r.error();
  auto s = std::make_unique<threaded_store>(o, random_of(o), std::move(lock));
  if (auto r = s->start(); !r) return r.error();
  return std::unique_ptr<store>{std::move(s)};
}

result<std::unique_ptr<store>> open_for_reading(const open_options& o) {
  auto report = migration_status(o);
  if (!report) return report.error();
  if (auto r = check_readable(*report); !r) return r.error();
  return std::unique_ptr<store>{std::make_unique<reading_store>(o)};
}

}  // namespace pb::persistence
