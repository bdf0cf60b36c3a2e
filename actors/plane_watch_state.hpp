// actors/plane_watch_state: what the watcher of Plane holds, and what it does: its rounds and their
// tasks (plane_watch.cpp), comparing what polls list with what is known (plane_poll.cpp), full
// scans (plane_scan.cpp). Private to these three.
#pragma once
#include <deque>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "actors/plane_watch.hpp"

namespace pb::actors {

/// What outlives a restart.
namespace state_keys {
inline const std::string all = "plane.";
inline const std::string watermark = "plane.watermark/";  ///< and the project: how far polls came
inline const std::string lost = "plane.lost/";  ///< and the project: since when, and its name
inline const std::string sentinel = "plane.sentinel";
inline const std::string alive = "plane.alive";  ///< when a round last ended
}  // namespace state_keys

class plane_watch_state {
public:
  using milliseconds = std::chrono::milliseconds;

  static inline const char* name = "plane-watch";
  explicit plane_watch_state(plane_watch_actor::pointer self) : self_(self) {}

  plane_watch_actor::behavior_type start(context_ptr ctx, plane_watch_peers peers);

private:
  enum class kind { projects, probe, lost, poll, scan, scan_whole };
  struct task {
    kind what = kind::poll;
    std::string project, sync_id;
    bool forced = false, dry_run = false;
    /// Of a whole scan: the items whose rows are wanted.
    std::shared_ptr<std::unordered_set<std::string>> wanted;
    bool first_sync = false;
    std::string mark{};  ///< of a whole scan: how far the scan before it came
  };
  struct known_item {
    std::string source_time, known;
    bool tombstone = false;
    std::int64_t cursor = 0;  ///< the last delivery that it is made of
  };

  // Rounds
  void read_states();

  void on_states(const states_read& m);

  /// One round: a poll of each project, and its scan when one is due.
  void poll_now();

  void on_sync(const start_sync& m);

  void pass_on(const start_sync& m);

  void next();

  void done_with_task();

  void end_round();

  // What the calls brought
  void on_performed(const exchange_performed& m);

  void on_projects(const std::vector<protocol::plane::project>& all);

  bool mirrored(const protocol::plane::project& p) const;

  /// By Plane's clock, as far as it is known: its webhook may still be under way.
  bool young(const std::string& updated_at) const;

  void read_known(const std::string& after);

  void on_known(const known_entities_read& m);

  // Polls
  void compare_poll();

  void finish_poll();

  persistence::delivery_append row_delivery(const remotes::listed_item& r) const;

  /// Tells the sentinel of a change that no webhook told.
  void note_missed(const remotes::listed_item& r);

  // Scans
  void finish_scan();

  void journal_whole();

  // Journaling
  void journal(std::vector<persistence::delivery_append> found, const std::string& watermark);

  void journal_slice_now();

  void on_accepted(const deliveries_accepted& m);

  [[nodiscard]] std::string watermark() const;

  void store_watermark();

  // The sentinel's verdict, our own absence, and projects that are not shown to us any more
  void judge_webhook();

  void store_sentinel(bool anyway);

  void was_away(timestamp from);

  void look_for_lost(const std::vector<protocol::plane::project>& all);

  void add_lost(const std::string& id, const std::string& stored);

  void finish_lost();

  void show_lost();

  void ask(exchange_ptr what, urgency how);

  plane_watch_actor::pointer self_;
  context_ptr ctx_;
  plane_watch_peers peers_;
  std::shared_ptr<probe> probe_;
  std::deque<task> tasks_;
  task now_;
  bool busy_ = false, scanning_ = false, probed_ = false;
  std::vector<start_sync> asked_;
  std::map<std::string, std::string> watermarks_;
  std::map<std::string, gap_monitor::lost_project> lost_;
  std::unordered_set<std::string> unlisted_;  ///< projects, by the last list
  std::vector<remotes::listed_item> rows_;
  std::unordered_map<std::string, known_item> known_;
  /// Journaled by the poll just before this scan: their actors may not have got to them.
  std::unordered_set<std::string> polled_;
  std::vector<persistence::delivery_append> found_;
  std::string new_mark_, round_failure_;
  std::size_t scanned_items_ = 0, hole_found_ = 0, hole_requests_ = 0;
  timestamp requested_at_{}, alive_stored_{};
  milliseconds next_scan_{0}, round_started_{0};
  bool after_absence_ = false;
  std::uint64_t token_ = 0, generation_ = 0;
};

}  // namespace pb::actors
