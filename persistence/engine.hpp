// persistence/engine: units of writes → one transaction. The same statements run on both engines;
// what they hold is flattened per table first, so that a batch costs one statement per table on
// PostgreSQL. Used by the writer of a store only; not thread-safe.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "persistence/connection.hpp"
#include "persistence/store.hpp"

namespace pb::persistence {

/// What one transaction did, for metrics.
struct commit_figures {
  std::size_t units = 0;
  std::size_t appends = 0;     ///< deliveries offered
  std::size_t duplicates = 0;  ///< of these
  std::chrono::microseconds took{0};
};

class engine {
public:
  explicit engine(random_source& random) : random_(random) {}

  /// Once per session before the first apply(): the next journal number, which is never one that
  /// was used before, whatever retention removed.
  result<void> start(connection& c);

  /// All units in one transaction. On failure nothing is written (connection::last_fault() tells
  /// whether that is certain: with fault::unknown ask was_applied() on a later session).
  result<std::vector<written>> apply(connection& c, std::span<const write* const> units);

  /// Was the last apply() that ended with fault::unknown committed? Its answer is in doubt();
  /// only to be asked when the earlier session cannot act any more.
  result<bool> was_applied(connection& c);
  [[nodiscard]] std::vector<written>& in_doubt() noexcept { return answer_; }

  /// One slice of retention: removes at most `slice` deliveries, effects and identities each.
  result<std::int64_t> retain_slice(connection& c, const retention_limits& limits,
                                    std::int64_t slice);

  [[nodiscard]] const commit_figures& figures() const noexcept { return figures_; }

private:
  struct offered {
    const delivery_append* what;
    appended* answer;
  };
  result<void> transact(connection& c, std::span<const write* const> units);
  result<void> append_deliveries(connection& c, std::span<const write* const> units);
  bulk_rows number(std::span<const offered> all, std::vector<std::size_t>& identities_of);
  result<void> suppose_new(connection& c, std::span<const offered> all);
  result<void> claim(connection& c, std::span<const offered> all);
  result<void> ask_first(connection& c, std::span<const offered> all);
  static result<std::vector<std::int64_t>> earlier_of(connection& c, std::span<const offered> all,
                                                      std::span<const std::size_t> which);

  random_source& random_;
  std::int64_t next_seq_ = 1;
  unsigned wary_ = 0;  ///< batches that do not suppose all deliveries to be new
  bool supposed_new_ = false;
  std::string batch_;
  std::vector<written> answer_;
  commit_figures figures_;
};

}  // namespace pb::persistence
