// sync/restart: may a crashed actor start again, and when? Pure; supervisors carry it out.
#pragma once
#include <chrono>
#include <deque>

namespace pb::sync {

struct restart_policy {
  unsigned max_restarts = 5;
  std::chrono::milliseconds window{60'000};
  std::chrono::milliseconds base{100};
  std::chrono::milliseconds cap{30'000};
};
struct restart_verdict {
  bool beyond_intensity = false;  ///< more than max_restarts within window: wait the cap, alarm
  std::chrono::milliseconds delay{0};
};

/// `history` holds the times of earlier restarts and is kept up to date here.
restart_verdict decide_restart(std::deque<std::chrono::milliseconds>& history,
                               const restart_policy& policy, std::chrono::milliseconds now,
                               double unit_draw);

}  // namespace pb::sync
