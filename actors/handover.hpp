// actors/handover: what was committed, on its way from the store's thread to the dispatcher. Many
// deliveries of one commit cost one message. Thread-safe.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "persistence/rows.hpp"

namespace pb::actors {

class handover {
public:
  using delivery_ptr = std::shared_ptr<const persistence::delivery>;

  /// True when nothing was there: the dispatcher has to be told.
  bool put(delivery_ptr d) {
    const std::lock_guard hold{lock_};
    waiting_.push_back(std::move(d));
    return waiting_.size() == 1;
  }
  [[nodiscard]] std::vector<delivery_ptr> take() {
    const std::lock_guard hold{lock_};
    return std::exchange(waiting_, {});
  }

  /// The dispatcher has more than it can start soon: what waits should be small.
  void congested(bool now) noexcept { congested_.store(now, std::memory_order_relaxed); }
  [[nodiscard]] bool congested() const noexcept {
    return congested_.load(std::memory_order_relaxed);
  }

private:
  std::atomic<bool> congested_{false};
  std::mutex lock_;
  std::vector<delivery_ptr> waiting_;
};

}  // namespace pb::actors
