// persistence/threaded_store: the store of the running daemon. One thread writes, one reads, one
// loads entities, each with its own session, so that no caller ever waits for the database, and no
// actor for a person's query. Built by open().
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "persistence/daemon_lock.hpp"
#include "persistence/open.hpp"
#include "persistence/read_threads.hpp"

namespace pb::persistence {

class threaded_store final : public store {
public:
  threaded_store(open_options options, random_source& random, std::unique_ptr<file_lock> lock);
  /// Writes what still waits if the database is there, fails it with errc::cancelled otherwise.
  ~threaded_store() override;

  /// The first session and the writer thread; the database must be migrated.
  result<void> start();

  void submit(write unit, done completion) override;
  void read(std::function<void(result<reader*>)> body) override;
  void load(entity_key key, std::function<void(result<entity_state>)> completion) override;
  [[nodiscard]] store_health health() const noexcept override { return health_.load(); }
  void retain(retention_limits limits,
              std::function<void(result<std::int64_t>)> completion) override;
  void relieve(std::chrono::milliseconds longest) override;

private:
  using clock = std::chrono::steady_clock;
  struct waiting {
    write unit;
    done completion;
    clock::time_point since;
    std::size_t bytes = 0;
    bool answers_sender = false;
    bool spooled = false;  ///< the refuge has a copy, and its sender an answer
  };
  struct retention {
    retention_limits limits;
    std::function<void(result<std::int64_t>)> completion;
    std::int64_t removed = 0;
  };

  // All below on the writer thread, except where they take lock_.
  void run();
  result<void> connect_writer();
  bool ensure_session();
  void lost(const failure& why);
  bool settle_doubt();
  [[nodiscard]] bool anything() const { return !accepts_.empty() || !background_.empty(); }
  std::deque<waiting>& queue_for(const waiting& w);
  std::vector<waiting> take_batch();
  void put_in_front(std::span<waiting> batch);
  void write_batch(std::vector<waiting> batch);
  bool write_span(std::span<waiting>& rest, std::size_t n);
  void expire(clock::time_point now);
  void evacuate(const failure& why);
  void being_written(std::span<waiting> batch);
  void retain_step();
  void ping();
  void set_health(store_health h);
  static void complete(done& completion, result<written> answer);

  open_options options_;
  random_source& random_;
  std::unique_ptr<file_lock> file_lock_;
  std::string holder_;

  std::unique_ptr<connection> session_;
  engine engine_;
  failure last_failure_;
  bool started_ = false;
  unsigned failures_in_a_row_ = 0;
  clock::time_point away_since_{};
  clock::time_point next_try_{};
  clock::time_point last_used_{};
  std::atomic<store_health> health_{store_health::up};

  std::mutex lock_;
  std::condition_variable wake_;
  /// Senders wait for the first kind, nobody but us for the second.
  std::deque<waiting> accepts_, background_;  // guarded by lock_
  clock::time_point last_accept_{};           // guarded by lock_
  std::deque<retention> retentions_;          // guarded by lock_
  bool stop_ = false;                         // guarded by lock_
  /// Their commit's answer was lost; settled before anything else. Changed under lock_ by the
  /// writer only, which therefore reads it without.
  std::vector<waiting> doubted_;
  std::span<waiting> written_;         ///< of the writer's batch, not answered yet; under lock_
  clock::time_point written_since_{};  ///< under lock_

  reading_thread reads_;
  loading_thread loads_;
  std::thread thread_;
};

/// For commands that only look: reads as above, refuses to write.
class reading_store final : public store {
public:
  explicit reading_store(open_options options)
      : options_(std::move(options)), reads_(options_, "planebridge read") {}
  void submit(write unit, done completion) override;
  void read(std::function<void(result<reader*>)> body) override { reads_.push(std::move(body)); }
  [[nodiscard]] store_health health() const noexcept override { return store_health::up; }
  void retain(retention_limits limits,
              std::function<void(result<std::int64_t>)> completion) override;

private:
  open_options options_;
  reading_thread reads_;
};

}  // namespace pb::persistence
