// actors/cron_actor: runs entries by cron expressions in the configured time zone. What was due
// while we were down runs once at the start (the last run is kept in the store).
#pragma once
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "actors/context.hpp"
#include "actors/messages.hpp"

namespace pb::actors {

struct cron_entry {
  std::string name, expression;
  std::function<void()> run;  ///< must not block
};

/// What the entries will do next; for /debug/scheduler. Thread-safe.
class cron_board {
public:
  struct line {
    std::string name, expression, problem;
    timestamp next{}, last{};
  };
  void put(const line& l);
  [[nodiscard]] std::vector<line> all() const;

private:
  mutable std::mutex lock_;
  std::vector<line> lines_;
};

using cron_actor_handle = caf::typed_actor<handles<void, round_due>, handles<void, states_read>>;
cron_actor_handle spawn_cron(caf::actor_system& system, context_ptr ctx,
                             std::vector<cron_entry> entries, std::shared_ptr<cron_board> board);

}  // namespace pb::actors
