// actors/paced_queue: what waits for a connector, in order: by urgency, within one urgency as it
// came. A budget key that must wait (a chat at its limit) has its jobs put aside until its time
// comes, so that they delay nobody else: each job is looked at when it comes up and once more when
// its key lets it go, however many wait. A key's jobs leave one after the other in their order.
// Used by the connector alone, on its thread; knows no clock.
#pragma once
#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

namespace pb::actors {

template <class Job>
class paced_queue {
public:
  using moment = std::chrono::milliseconds;  ///< steady time
  static constexpr std::size_t classes = 3;  ///< 0 goes first

  void push(std::size_t how, Job j) {
    ready_[how].push_back({std::move(j), {}});
    ++size_;
  }
  /// The next call of what has begun goes before what has not.
  void push_first(std::size_t how, Job j) {
    running_[how].push_front({std::move(j), {}});
    ++size_;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }  ///< with those put aside

  /// Who is next; null when nobody is or all are aside. Valid until the queue is touched.
  [[nodiscard]] Job* front() {
    for (how_ = 0; how_ < classes; ++how_)
      for (auto* q : {&running_[how_], &released_[how_], &ready_[how_]})
        if (!q->empty()) {
          from_ = q;
          return &q->front().job;
        }
    from_ = nullptr;
    return nullptr;
  }
  /// Takes the front one out; after a released one its key's next comes up.
  Job pop() {
    auto e = take();
    --size_;
    if (from_ == &released_[how_]) {
      const auto it = aside_.find(e.key);
      it->second.released.reset();
      if (!it->second.waits) release_next(it);
    }
    return std::move(e.job);
  }

  /// Puts the front one behind others of its key, when such wait; true when it did.
  bool hold_back(const std::string& key) {
    if (key.empty() || from_ == &released_[how_]) return false;
    const auto it = aside_.find(key);
    if (it == aside_.end()) return false;
    // More urgent than the one that is let go already: it may pass.
    if (it->second.released && *it->second.released > how_ && !it->second.waits) return false;
    put_aside(it->second, key);
    return true;
  }
  /// The front one's key must wait until then.
  void park(const std::string& key, moment until) {
    auto& a = aside_[key];
    if (from_ == &released_[how_]) a.released.reset();
    auto e = take();
    e.key = key;
    a.jobs[how_].push_front(std::move(e));
    if (a.waits) due_.erase({*a.waits, key});
    a.waits = until;
    due_.insert({until, key});
  }
  /// Keys whose time has come: the first job of each comes up.
  void release(moment now) {
    while (!due_.empty() && due_.begin()->first <= now) {
      const auto it = aside_.find(due_.begin()->second);
      due_.erase(due_.begin());
      it->second.waits.reset();
      if (!it->second.released) release_next(it);
    }
  }
  /// When the next key's time comes.
  [[nodiscard]] std::optional<moment> next_release() const {
    if (due_.empty()) return std::nullopt;
    return due_.begin()->first;
  }

private:
  struct entry {
    Job job;
    std::string key;  ///< empty unless it was put aside
  };
  using line = std::deque<entry>;
  struct aside {
    std::array<line, classes> jobs;
    std::optional<moment> waits;          ///< until then none of them goes
    std::optional<std::size_t> released;  ///< one of them is up again, in this class
  };
  using asides = std::unordered_map<std::string, aside>;

  entry take() {
    auto e = std::move(from_->front());
    from_->pop_front();
    return e;
  }
  void put_aside(aside& a, const std::string& key) {
    const bool begun = from_ == &running_[how_];
    auto e = take();
    e.key = key;
    auto& q = a.jobs[how_];
    if (begun)
      q.push_front(std::move(e));
    else
      q.push_back(std::move(e));
  }
  void release_next(typename asides::iterator it) {
    for (std::size_t how = 0; how < classes; ++how) {
      auto& q = it->second.jobs[how];
      if (q.empty()) continue;
      released_[how].push_back(std::move(q.front()));
      q.pop_front();
      it->second.released = how;
      return;
    }
    aside_.erase(it);
  }

  std::array<line, classes> running_, released_, ready_;
  asides aside_;
  std::set<std::pair<moment, std::string>> due_;
  line* from_ = nullptr;  ///< where the front one stands
  std::size_t how_ = 0, size_ = 0;
};

}  // namespace pb::actors
