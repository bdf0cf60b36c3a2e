// A connection that fails on cue: between the engine and the real driver, in the tests of the
// writer.
#pragma once
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "persistence/connection.hpp"

namespace pb::persistence::testing {

/// Shared between the test and every session that the store opens.
struct cues {
  std::atomic<int> lose_before_commit{0};  ///< connections lost instead of committing
  std::atomic<int> lose_answer{0};         ///< commits that happen and whose answer is lost
  std::atomic<int> lose_at_begin{0};
  std::atomic<int> lose_sessions{0};  ///< sessions lost with their first statement, once one is
  std::atomic<int> commits{0};
  std::atomic<int> sessions{0};

  /// While closed, begin() waits; entered() returns once it does.
  void close() {
    const std::lock_guard hold{lock_};
    closed_ = true;
  }
  void open() {
    {
      const std::lock_guard hold{lock_};
      closed_ = false;
    }
    changed_.notify_all();
  }
  void entered() {
    std::unique_lock hold{lock_};
    changed_.wait(hold, [this] { return inside_; });
  }
  void pass() {
    std::unique_lock hold{lock_};
    inside_ = true;
    changed_.notify_all();
    changed_.wait(hold, [this] { return !closed_; });
    inside_ = false;
  }

private:
  std::mutex lock_;
  std::condition_variable changed_;
  bool closed_ = false, inside_ = false;
};

class faulty_connection final : public connection {
public:
  faulty_connection(std::unique_ptr<connection> real, std::shared_ptr<cues> c)
      : real_(std::move(real)), cues_(std::move(c)) {
    ++cues_->sessions;
  }
  [[nodiscard]] dialect kind() const noexcept override { return real_->kind(); }
  [[nodiscard]] fault last_fault() const noexcept override {
    return fault_ != fault::none ? fault_ : real_->last_fault();
  }
  result<row_set> query(const std::string& sql, std::span<const value> p) override {
    if (fresh_ && cues_->sessions > 1 && take(cues_->lose_sessions)) dead_ = true;
    fresh_ = false;
    if (dead_) return gone(fault::away);
    return real_->query(sql, p);
  }
  result<row_set> query_rows(const std::string& sql, const bulk_rows& rows) override {
    if (dead_) return gone(fault::away);
    return real_->query_rows(sql, rows);
  }
  result<void> execute_rows(const std::string& sql, const bulk_rows& rows) override {
    if (dead_) return gone(fault::away);
    return real_->execute_rows(sql, rows);
  }
  result<void> execute(const std::string& sql, std::span<const value> p) override {
    if (dead_) return gone(fault::away);
    return real_->execute(sql, p);
  }
  result<void> script(const std::string& sql) override {
    if (dead_) return gone(fault::away);
    return real_->script(sql);
  }
  result<void> begin() override {
    cues_->pass();
    if (take(cues_->lose_at_begin)) dead_ = true;
    if (dead_) return gone(fault::away);
    return real_->begin();
  }
  result<void> commit() override {
    if (dead_) return gone(fault::away);
    if (take(cues_->lose_before_commit)) {
      real_->rollback();
      dead_ = true;
      return gone(fault::unknown);
    }
    auto done = real_->commit();
    if (done) ++cues_->commits;
    if (done && take(cues_->lose_answer)) {
      dead_ = true;
      return gone(fault::unknown);
    }
    return done;
  }
  void rollback() noexcept override { real_->rollback(); }

private:
  static bool take(std::atomic<int>& n) {
    if (n.load() <= 0) return false;
    --n;
    return true;
  }
  failure gone(fault f) {
    fault_ = f;
    return {errc::storage, "test", "lost on cue"};
  }

  std::unique_ptr<connection> real_;
  std::shared_ptr<cues> cues_;
  fault fault_ = fault::none;
  bool dead_ = false, fresh_ = true;
};

}  // namespace pb::persistence::testing
