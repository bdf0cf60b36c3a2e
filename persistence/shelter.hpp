// persistence/shelter: keeps deliveries while the database is away, and brings them home in order.
//
// What the store cannot write comes here (refuge), is written to the spool, synced in groups and
// answered; when the spool is full, the touched set takes the entity's id. The oldest of the spool
// goes to the store as one unit at a time; it is cut after that was committed. While anything is
// left, every delivery passes through here, so that the journal's order is the order of arrival.
// Whether the database is back is not asked: a unit that gets through tells.
//
// One thread does the file work; nobody else waits for a disk. While a unit goes home it takes
// fewer new deliveries than that unit has, so that it comes to an end under any load. Any thread
// may call any function but start() and stop(), which belong to the owner.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "persistence/daemon_lock.hpp"
#include "persistence/refuge.hpp"
#include "persistence/spool.hpp"
#include "persistence/store.hpp"
#include "persistence/touched_set.hpp"

namespace pb::persistence {

struct shelter_options {
  std::string folder;
  std::uint64_t spool_max_bytes = 256u * 1024 * 1024;  ///< 0: no spool
  std::size_t touched_max = 65'536;                    ///< 0: no touched set
  /// A delivery that has waited so long for the database goes to the spool.
  std::chrono::milliseconds spool_after{2'000};
  std::size_t group_max = 256;                      ///< deliveries in one sync
  std::size_t slice_max = 512;                      ///< deliveries that go home as one unit …
  std::size_t slice_bytes = 8u * 1024 * 1024;       ///< … of about so many bytes at most
  std::chrono::milliseconds held_patience{10'000};  ///< of our own deliveries, which wait unspooled
  std::chrono::milliseconds retry_base{50}, retry_cap{2'000};  ///< after a unit that failed
  /// What to read when nothing but the id of what a delivery is about can be kept; nothing: it is
  /// about nothing that could be read.
  std::function<std::optional<touched_entity>(const delivery_append&)> touch_of;
  /// The delivery that has a touched entity read, with an identity made of the mark.
  std::function<delivery_append(const touched_entity&)> touch_delivery;
};

/// As of now; totals since the start.
struct shelter_figures {
  bool engaged = false;  ///< deliveries pass through the spool
  std::uint64_t records = 0, bytes = 0, max_bytes = 0;
  std::optional<timestamp> oldest;
  std::size_t touched = 0, touched_max = 0;
  std::uint64_t spooled_total = 0, drained_total = 0, touched_total = 0, refused_total = 0;
  std::uint64_t damaged_total = 0;
  std::string problem;  ///< why nothing can be kept, or the last failure of the disk
};

class shelter final : public refuge {
public:
  /// Takes the folder for itself and reads what an earlier process left there. A disk that cannot
  /// be used is no failure but figures().problem: the store goes on without.
  /// errc::conflict: another process uses the folder.
  static result<std::unique_ptr<shelter>> open(shelter_options options, random_source& random,
                                               timestamp now);
  ~shelter() override;

  /// From now on what it holds goes to `to`. `journaled` is told of each delivery that came home,
  /// with its number, on the store's thread, in order.
  void start(store& to,
             std::function<void(const std::shared_ptr<delivery>&, bool duplicate)> journaled);
  /// What waits is spooled and answered; nothing is taken any more. Before the store ends.
  void stop();

  [[nodiscard]] bool engaged() const noexcept override { return engaged_.load(); }
  void engage(const failure& why) override;
  bool take(write& unit, store::done& completion) override;

  [[nodiscard]] shelter_figures figures() const;
  /// Would a delivery be taken now?
  [[nodiscard]] bool has_room() const;

private:
  using clock = std::chrono::steady_clock;
  struct guest {
    write unit;
    store::done completion;
    clock::time_point since;
  };
  /// The unit on its way home; outlives us when the store answers late.
  struct journey {
    std::vector<std::shared_ptr<delivery>> rows;
    std::vector<touched_entity> touched;
    std::atomic<bool> ended{false};
    result<written> answer = written{};  ///< once ended
  };

  shelter(shelter_options options, random_source& random)
      : options_(std::move(options)), random_(random) {}

  void run();
  bool wait();
  [[nodiscard]] bool may_lodge() const;
  void lodge(std::vector<guest> group);
  std::vector<guest*> lodge_in_spool(std::vector<guest>& group);
  void lodge_in_touched_set(const std::vector<guest*>& left);
  void set_out();
  void come_home();
  void refused_one(const journey& j, const failure& why);
  void release();
  void fail_late_held();
  void publish();
  void trouble(const failure& why);
  static void complete(store::done& completion, result<written> answer);

  shelter_options options_;
  random_source& random_;
  std::unique_ptr<file_lock> folder_lock_;
  std::unique_ptr<spool> spool_;          // of the thread, once started
  std::unique_ptr<touched_set> touched_;  // of the thread, once started

  // Of the thread.
  std::shared_ptr<journey> journey_;
  clock::time_point journey_since_{}, next_journey_{};
  std::size_t lodged_meanwhile_ = 0, lodge_budget_ = 0;
  unsigned failed_journeys_ = 0;
  bool one_by_one_ = false;   ///< the last slice held something that the database refuses
  bool got_through_ = false;  ///< the last unit did
  bool proven_ = false;       ///< and nothing was lodged since
  store* home_ = nullptr;

  std::atomic<bool> engaged_{false};
  mutable std::mutex lock_;
  std::condition_variable wake_;
  std::deque<guest> waiting_;  // guarded by lock_
  std::deque<guest> held_;     // guarded by lock_: our own deliveries
  bool open_ = false;          // guarded by lock_
  shelter_figures figures_;    // guarded by lock_

  struct listener {
    std::mutex lock;
    std::function<void(const std::shared_ptr<delivery>&, bool)> journaled;  // guarded by lock
  };
  std::shared_ptr<listener> listener_ = std::make_shared<listener>();
  std::thread thread_;
};

}  // namespace pb::persistence
