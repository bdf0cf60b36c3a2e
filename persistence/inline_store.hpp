// persistence/inline_store: the same engine on the caller's thread, for tests and the simulation.
// Nothing happens by itself: a unit is written inside submit(), or, when deferred, in the next
// run_waiting(), as one group commit. Not thread-safe.
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "persistence/open.hpp"
#include "persistence/query_reader.hpp"

namespace pb::persistence {

class inline_store final : public store {
public:
  /// Migrates; takes no lock. The path ":memory:" makes a database of this store's own.
  static result<std::unique_ptr<inline_store>> open(const open_options& options);
  static result<std::unique_ptr<inline_store>> open_in_memory(random_source* random = nullptr);

  void submit(write unit, done completion) override;
  void read(std::function<void(result<reader*>)> body) override;
  [[nodiscard]] store_health health() const noexcept override;
  void retain(retention_limits limits,
              std::function<void(result<std::int64_t>)> completion) override;

  // What tests do to it.
  /// While on, units wait for run_waiting(); reads never wait.
  void defer(bool on) { deferred_ = on; }
  [[nodiscard]] std::size_t waiting() const noexcept { return queue_.size(); }
  /// Everything that waits, up to batch_max, in one transaction. Returns how many were answered.
  std::size_t run_waiting();
  /// While set: nothing is written or read, everything answers so.
  void fail_with(std::optional<failure> why) { down_ = std::move(why); }
  /// The next n units are written, and answered as if the answer had been lost.
  void lose_answers(std::size_t n) { lose_ = n; }
  /// The next n units are not written and answer errc::storage.
  void fail_next(std::size_t n) { fail_ = n; }

private:
  struct item {
    write unit;
    done completion;
  };
  inline_store(open_options options, std::unique_ptr<connection> c);
  void run(std::span<item> batch);
  random_source& random_of();

  open_options options_;
  secure_random own_random_;
  std::unique_ptr<connection> session_;
  engine engine_;
  query_reader reader_;
  std::deque<item> queue_;
  bool deferred_ = false;
  std::optional<failure> down_;
  std::size_t lose_ = 0, fail_ = 0;
};

}  // namespace pb::persistence
