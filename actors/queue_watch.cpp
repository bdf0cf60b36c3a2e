#include "actors/queue_watch.hpp"

#include <algorithm>
#include <mutex>

namespace pb::actors {
namespace {
constexpr std::chrono::seconds fresh_for{1};
}

struct queue_watch::shared {
  std::mutex lock;
  std::optional<view> last;
  bool asking = false;
};

queue_watch::queue_watch(persistence::store& s, const clock_source& c)
    : store_(s), clock_(c), shared_(std::make_shared<shared>()) {}

std::optional<queue_watch::view> queue_watch::look() {
  const auto now = clock_.now();
  std::optional<view> found;
  {
    const std::lock_guard hold{shared_->lock};
    found = shared_->last;
    if (shared_->asking || (found && now - found->at < fresh_for && now >= found->at)) return found;
    shared_->asking = true;
  }
  store_.read(
      [to = shared_, clock = &clock_, since = clock_.steady_now()](result<persistence::reader*> r) {
        std::optional<view> next;
        if (r)
          if (auto counts = (*r)->counts())
            next = view{
                *counts, clock->now(),
                std::chrono::duration_cast<std::chrono::microseconds>(clock->steady_now() - since)};
        const std::lock_guard hold{to->lock};
        to->asking = false;
        if (next) to->last = next;
      });
  return found;
}

std::chrono::microseconds queue_watch::age(const std::optional<timestamp>& oldest, timestamp now) {
  return oldest ? std::max(now - *oldest, std::chrono::microseconds{0})
                : std::chrono::microseconds{0};
}

}  // namespace pb::actors
