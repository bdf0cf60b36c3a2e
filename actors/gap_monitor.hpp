// actors/gap_monitor: what gap-detect knows, shared by everybody who brings evidence (the inbox,
// the issue actors, the watcher of Plane) and everybody who shows it (health, debug, metrics).
// Judgement is sync/sentinel's, the watcher's round asks for it. Thread-safe; no CAF.
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace pb::sync {
class sentinel;
struct item_change;
}  // namespace pb::sync

namespace pb::actors {

class gap_monitor {
public:
  gap_monitor();
  ~gap_monitor();

  // Evidence
  /// A rightly signed webhook was taken. `event`: the journal's word for it.
  void webhook_arrived(timestamp at, std::string_view event);
  /// A wrongly signed delivery of Plane's shape named this work item.
  void webhook_refused(std::string_view item, timestamp at);
  /// Plane got no 200 for what it sent now: it may come again later.
  void webhook_turned_away(timestamp at);
  /// A webhook of a work item was understood.
  void told(const sync::item_change& c, timestamp received_at);
  void missed(const sync::item_change& c, timestamp found_at);
  void listed(timestamp made_at, timestamp at);

  // The watcher's life
  /// What a run before this one had learned. Only the first call of a process counts.
  void restore(std::string_view stored, timestamp now);
  /// For the store; empty when nothing changed since the last call, unless `anyway`.
  [[nodiscard]] std::string to_store(bool anyway);
  /// True when the verdict changed. `patience` 0: never judged.
  bool judge(timestamp now, std::chrono::minutes patience);
  /// Plane's clock less ours.
  [[nodiscard]] std::chrono::milliseconds clock_offset() const;
  void poll_done(timestamp at, std::chrono::milliseconds took, std::string failed);
  void scan_done(timestamp at, std::chrono::milliseconds took, std::size_t items,
                 std::string failed);

  /// This service was away; `found` so far counts what was changed meanwhile.
  struct absence {
    timestamp from{}, until{};
    std::size_t found = 0;
    bool fetched = false;
  };
  void was_away(timestamp from, timestamp until);
  void hole_fetched(std::size_t found, bool whole);

  struct lost_project {
    std::string id, name;
    timestamp since{};
  };
  void projects_lost(std::vector<lost_project> all);

  /// One kind of change: how many of the last ones were told by a webhook, how many were not.
  struct learned_kind {
    std::string_view kind;
    std::uint32_t told = 0, missed = 0;
  };
  struct view {
    std::optional<timestamp> last_webhook, last_poll, last_scan, last_unannounced;
    std::chrono::milliseconds poll_took{0}, scan_took{0}, clock_offset{0};
    std::size_t scan_items = 0;
    std::string poll_failure, scan_failure;

    std::string_view webhook;  ///< sync::webhook_state in words
    std::string_view remedy;   ///< empty: nothing to do
    bool alarm = false, doubt = false;
    timestamp since{};
    std::optional<timestamp> from;     ///< the first change without a webhook
    std::size_t unannounced = 0;       ///< changes without a webhook since then
    std::uint64_t found_by_polls = 0;  ///< since the start
    std::vector<learned_kind> learned;
    std::optional<absence> away;
    std::vector<lost_project> lost;
  };
  [[nodiscard]] view look() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace pb::actors
