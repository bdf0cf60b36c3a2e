// A database of a test's own, on the engine that the program is for; removed afterwards.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "persistence/inline_store.hpp"
#include "persistence/open.hpp"

namespace pb::persistence::testing {

/// Set by the program's main file.
extern const config::database_target::engine engine_under_test;

/// The administrator's URL of the throw-away cluster, or nothing.
const char* postgres_url();
/// main() of a program that needs PostgreSQL: 77 (skipped, said loudly) without a cluster.
int run_with_postgres(int argc, char** argv);

class scratch_database {
public:
  scratch_database();
  scratch_database(const scratch_database&) = delete;
  scratch_database& operator=(const scratch_database&) = delete;
  ~scratch_database();

  [[nodiscard]] const open_options& options() const noexcept { return options_; }
  /// Opened as the daemon does; fails the test when that fails.
  [[nodiscard]] std::unique_ptr<store> open() const;
  [[nodiscard]] std::unique_ptr<store> open(const open_options& changed) const;
  [[nodiscard]] std::unique_ptr<inline_store> open_inline() const;
  /// A plain session beside the store's own.
  [[nodiscard]] std::unique_ptr<connection> session() const;
  row_set query(const std::string& sql, std::initializer_list<value> parameters = {}) const;
  std::int64_t number(const std::string& sql) const;
  void script(const std::string& sql) const;

private:
  std::string place_;  ///< the folder, or the database's name
  open_options options_;
};

/// A delivery with a body and identities; source "plane".
delivery_append arriving(const std::string& body, std::vector<std::string> identities,
                         const std::string& entity = "plane:issue:1");
write unit_of(delivery_append a);
timestamp at(std::int64_t seconds);

/// Submits one unit and answers it; fails the test when it fails.
written must_write(store& s, write unit);
template <class F>
auto must_read(store& s, F body) {
  auto answer = read_and_wait(s, body);
  if (!answer) throw std::runtime_error(describe(answer.error()));
  return std::move(*answer);
}

}  // namespace pb::persistence::testing
