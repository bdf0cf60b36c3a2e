// A database for one run of the daemon, on either engine, and a session of our own beside the
// daemon's. PostgreSQL: on the cluster that PB_TEST_POSTGRES names, as its administrator.
#pragma once
#include <memory>
#include <string>

#include "persistence/open.hpp"
#include "tests/app/process.hpp"

namespace pb::app::testing {

class database {
public:
  enum class engine { sqlite, postgres };
  /// Nothing for another word than "sqlite" or "postgres".
  static std::optional<engine> engine_of(std::string_view word);
  /// False, said loudly, when this machine has no cluster for it.
  static bool available(engine e);

  explicit database(engine e);
  database(const database&) = delete;
  database& operator=(const database&) = delete;
  ~database();

  [[nodiscard]] const std::string& url() const noexcept { return url_; }  ///< DATABASE_URL
  [[nodiscard]] persistence::row_set query(const std::string& sql) const;
  [[nodiscard]] std::int64_t number(const std::string& sql) const;
  void execute(const std::string& sql) const;

  struct sizes {
    std::int64_t total_bytes = 0;  ///< what the files take, without the log
    std::int64_t used_bytes = 0;   ///< SQLite: without free pages
    std::int64_t wal_bytes = 0;
  };
  [[nodiscard]] sizes measure() const;
  [[nodiscard]] engine kind() const noexcept { return engine_; }

private:
  engine engine_;
  scratch_folder folder_;
  std::string url_, name_;
  mutable std::unique_ptr<persistence::connection> session_;
  persistence::connection& session() const;
};

}  // namespace pb::app::testing
