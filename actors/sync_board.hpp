// actors/sync_board: what full syncs found, for "planebridge sync now", its progress bar and its
// table. Written by the watchers, read by the API. Thread-safe; keeps the last few runs.
#pragma once
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace pb::actors {

struct sync_report {
  std::string id, project, state = "running";  ///< running, done, failed
  bool dry_run = false;
  std::string step = "waiting";
  std::size_t steps_done = 0, steps_total = 0;
  std::size_t items_seen = 0, events_seen = 0, right = 0;
  struct change {
    std::string object, what;
  };
  std::vector<change> changes;  ///< the first `changes_limit`
  std::size_t changes_total = 0;
  std::vector<std::string> failures;
  timestamp started_at{}, finished_at{};
  static constexpr std::size_t changes_limit = 1'000;

  void found(std::string object, std::string what) {
    ++changes_total;
    if (changes.size() < changes_limit) changes.push_back({std::move(object), std::move(what)});
  }
};

class sync_board {
public:
  template <class F>
  void update(const std::string& id, F change) {
    if (id.empty()) return;
    const std::lock_guard hold{lock_};
    if (!reports_.contains(id) && reports_.size() >= kept) reports_.erase(reports_.begin());
    auto& r = reports_[id];
    r.id = id;
    change(r);
  }
  /// {"data":{…}} without the envelope; empty when unknown.
  [[nodiscard]] std::string json(const std::string& id) const;

private:
  static constexpr std::size_t kept = 16;
  mutable std::mutex lock_;
  std::map<std::string, sync_report> reports_;
};

}  // namespace pb::actors
