// persistence/daemon_lock: one daemon per database, until leases exist. On SQLite a lock file
// beside the database, held for as long as the process lives. On PostgreSQL an advisory lock of the
// writer's own session: whoever cannot hold it cannot write, and once it is held again after a lost
// connection, no earlier session of ours can commit any more.
#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "persistence/connection.hpp"

namespace pb::persistence {

/// Held while it lives.
class file_lock {
public:
  /// errc::conflict when another process (or another store of this one) holds it, saying who.
  static result<std::unique_ptr<file_lock>> acquire(const std::string& database_path);
  file_lock(const file_lock&) = delete;
  file_lock& operator=(const file_lock&) = delete;
  ~file_lock();

private:
  explicit file_lock(int fd) : fd_(fd) {}
  int fd_;
};

/// "planebridge <instance> <host>:<pid>", at most 63 bytes: PostgreSQL cuts longer ones.
std::string holder_name(const std::string& instance);

/// Takes the advisory lock in this session. A session of the same holder that the server still
/// believes in (its connection was lost) is ended; another holder is errc::conflict, with its name.
/// @param patience  how long a holder that may be about to go away is waited for
result<void> acquire_database(connection& writer, const std::string& holder,
                              std::chrono::milliseconds patience);

}  // namespace pb::persistence
