// actors/queue_watch: how long the queues of the store are, for health and metrics, which never
// wait for it: whoever looks gets what the last question found, and causes the next one. No CAF
// here.
#pragma once
#include <memory>
#include <optional>

#include "base/clock.hpp"
#include "persistence/store.hpp"

namespace pb::actors {

class queue_watch {
public:
  queue_watch(persistence::store& s, const clock_source& c);

  struct view {
    persistence::journal_counts counts;
    timestamp at{};                     ///< when they were found
    std::chrono::microseconds took{0};  ///< from asking the store to its answer
  };
  /// As of the last answer; asks again when that is older than a second and no question is under
  /// way. Any thread.
  [[nodiscard]] std::optional<view> look();

  /// How long the oldest has waited by `now`; 0 when nothing waits.
  [[nodiscard]] static std::chrono::microseconds age(const std::optional<timestamp>& oldest,
                                                     timestamp now);

private:
  struct shared;
  persistence::store& store_;
  const clock_source& clock_;
  std::shared_ptr<shared> shared_;  ///< an answer may come after our end
};

}  // namespace pb::actors
