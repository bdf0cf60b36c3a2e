#include "sync/restart.hpp"

#include <algorithm>
#include <cstdint>

namespace pb::sync {
using ms = std::chrono::milliseconds;

restart_verdict decide_restart(std::deque<ms>& history, const restart_policy& policy, ms now,
                               double unit_draw) {
  while (!history.empty() && now - history.front() > policy.window) history.pop_front();
  if (history.size() >= policy.max_restarts) return {true, policy.cap};
  history.push_back(now);
  const auto doublings = std::min<std::size_t>(history.size() - 1, 20);
  const ms ceiling = std::min<ms>(policy.cap, policy.base * (std::int64_t{1} << doublings));
  return {false, ms{static_cast<ms::rep>(static_cast<double>(ceiling.count()) * unit_draw)}};
}

}  // namespace pb::sync
