// persistence/migrations: numbered SQL files per engine, embedded in the binary, applied in one
// transaction under a lock and never edited once released. A migration says which older binary may
// still run after it, so that going back one release works; a database beyond that is refused.
#pragma once
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "persistence/connection.hpp"

namespace pb::persistence {

struct migration {
  int version = 0;
  std::string name;
  std::string oldest_binary;  ///< "0.1.0": older ones must not run on what this leaves behind
  std::string sql;
};

const std::vector<migration>& sqlite_migrations();
const std::vector<migration>& postgres_migrations();
const std::vector<migration>& migrations_of(dialect d);

struct migration_report {
  int before = 0;  ///< highest version in the database, 0 for an empty one
  int after = 0;
  std::vector<std::string> applied;  ///< "0001 core", by this call
  std::vector<std::string> pending;  ///< known to this binary, not in the database
  std::vector<std::string> unknown;  ///< in the database, not known to this binary
  bool compatible = true;   ///< may this binary run on the database as it is (once migrated)?
  std::string explanation;  ///< why not
};

/// Applies what is missing. errc::precondition when the database is newer than `binary` may use.
result<migration_report> migrate(connection& c, const std::vector<migration>& known,
                                 const std::string& binary, timestamp now);
/// Reads only.
result<migration_report> migration_status(connection& c, const std::vector<migration>& known,
                                          const std::string& binary);

}  // namespace pb::persistence
