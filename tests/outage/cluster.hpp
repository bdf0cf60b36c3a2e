// A PostgreSQL server of a test's own (scripts/pg_cluster), and what happens to servers.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/app/process.hpp"

namespace pb::outage {

class cluster {
public:
  /// Started, in a folder of its own, or in this one (which must exist and may be a small disk).
  cluster() : cluster(std::string{}) {}
  explicit cluster(const std::string& folder);
  /// A standby that follows `primary`, every commit of which waits for it from now on.
  static cluster standby_of(cluster& primary);
  cluster(cluster&& other) noexcept;
  cluster(const cluster&) = delete;
  cluster& operator=(const cluster&) = delete;
  ~cluster();

  [[nodiscard]] std::string url() const { return "postgresql://postgres@" + host() + "/postgres"; }
  [[nodiscard]] std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  void halt(const std::string& how);  ///< "fast", "immediate"
  void resume();
  /// Every process of the server stands still; its sockets still take connections.
  void freeze();
  void thaw();
  void promote();
  /// One statement outside a transaction.
  void run(const std::string& sql) const;
  /// The first column of each row.
  [[nodiscard]] std::vector<std::string> rows(const std::string& sql) const;
  [[nodiscard]] const std::string& folder() const noexcept { return folder_; }

private:
  struct bare {};
  explicit cluster(bare) {}
  [[nodiscard]] std::vector<pid_t> processes() const;
  std::string folder_;
  std::uint16_t port_ = 0;
  std::vector<pid_t> frozen_;
};

/// Can a server be started here? Says why not; such programs end with 77.
[[nodiscard]] bool postgres_installed();

}  // namespace pb::outage
