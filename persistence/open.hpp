// persistence/open: from settings to a store. The daemon calls open(); the command line's commands
// that only read call open_for_reading(), which takes no lock and changes nothing.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/random.hpp"
#include "config/settings.hpp"
#include "persistence/connection.hpp"
#include "persistence/engine.hpp"
#include "persistence/migrations.hpp"
#include "persistence/refuge.hpp"
#include "persistence/store.hpp"

namespace pb::persistence {

struct open_options {
  config::database_target target;
  std::size_t batch_max = 256;                   ///< units in one transaction
  std::size_t batch_bytes = 32u * 1024 * 1024;   ///< bodies in one transaction, about
  std::chrono::milliseconds stands_back{2'000};  ///< our own writes in a burst, at most
  std::size_t queue_max = 65'536;                ///< units that wait; one more is refused
  std::chrono::milliseconds statement_timeout{30'000};
  std::chrono::milliseconds tcp_user_timeout{10'000};
  std::chrono::seconds connect_timeout{5};
  std::chrono::milliseconds busy_timeout{5'000};  ///< SQLite: another process writes
  std::chrono::milliseconds patience{10'000};     ///< a unit waits so long for a lost database
  std::chrono::milliseconds backoff_base{100}, backoff_cap{5'000};
  std::chrono::milliseconds ping_every{
      5'000};  ///< an idle PostgreSQL writer looks whether it is still there
  std::chrono::milliseconds lock_patience{2'000};  ///< for the session of a daemon that just died
  std::string binary;                              ///< version; empty: this build's
  random_source* random = nullptr;                 ///< jitter and batch ids; empty: a secure one
  /// Figures of every commit and changes of health, on the writer thread; must not block.
  std::function<void(const commit_figures&)> on_commit;
  std::function<void(store_health)> on_health;
  /// Takes deliveries while the database is away; outlives the store. Null: they wait, and fail.
  refuge* shelter = nullptr;
  /// Tests put faults between the engine and its driver; empty: the driver itself.
  std::function<std::unique_ptr<connection>(std::unique_ptr<connection>)> wrap_writer;
};

/// errc::bad_input when DATABASE_URL names no store.
result<open_options> options_of(const config::settings& s);

/// Lock, migrations, threads: accepts when it returns. errc::conflict: another daemon holds the
/// database; errc::precondition: the database is newer than this binary; errc::storage: away.
result<std::unique_ptr<store>> open(const open_options& options);

/// No lock, no migration, no writes: submit() and retain() answer errc::forbidden.
result<std::unique_ptr<store>> open_for_reading(const open_options& options);

/// `planebridge migrate`: applies what is missing. Safe beside a daemon that starts at the same
/// time.
result<migration_report> migrate(const open_options& options);
/// `planebridge migrate --status`: an absent SQLite file counts as an empty database.
result<migration_report> migration_status(const open_options& options);

/// Building blocks of the stores; also for benchmarks and tests.
enum class session_use : std::uint8_t { writer, reader, migration };
result<std::unique_ptr<connection>> connect(const open_options& options, session_use use,
                                            const std::string& application_name);
result<migration_report> migrate(connection& c, const open_options& options);

}  // namespace pb::persistence
