// tests/sandbox/virtual_time: a clock and a queue of timers that move together, for the scheduler
// seam of the sandbox. Nothing sleeps.
#pragma once
#include <chrono>
#include <functional>
#include <map>

#include "base/clock.hpp"
#include "sandbox/host.hpp"

namespace pb::test {

class virtual_time {
public:
  virtual_time() : clock(from_micros(1'795'000'000'000'000)) {}
  sandbox::scheduler scheduler() {
    return [this](std::chrono::milliseconds pause, std::function<void()> run) {
      timers_.emplace(clock.now() + pause, std::move(run));
    };
  }
  /// Runs all timers up to then, in order.
  void run_for(std::chrono::milliseconds span) {
    const timestamp end = clock.now() + span;
    while (!timers_.empty() && timers_.begin()->first <= end) {
      auto first = timers_.extract(timers_.begin());
      if (first.key() > clock.now()) clock.advance(first.key() - clock.now());
      first.mapped()();
    }
    if (end > clock.now()) clock.advance(end - clock.now());
  }
  manual_clock clock;

private:
  std::multimap<timestamp, std::function<void()>> timers_;
};

}  // namespace pb::test
