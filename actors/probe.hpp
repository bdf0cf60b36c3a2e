// actors/probe: the live figures that every actor publishes about itself. Reading them takes a
// short lock per probe at most and never asks or waits for an actor: a stuck one stays visible.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace pb::actors {

/// Written by its actor; `queued` also by whoever sends to it.
class probe {
public:
  probe(std::uint64_t id, std::string kind, std::string key, std::string parent, timestamp since)
      : id_(id),
        kind_(std::move(kind)),
        key_(std::move(key)),
        parent_(std::move(parent)),
        since_(since),
        state_since_(since) {}

  void queued(int by) noexcept { mailbox_.fetch_add(by, std::memory_order_relaxed); }
  void handled() noexcept { handled_.fetch_add(1, std::memory_order_relaxed); }
  void failed() noexcept { failed_.fetch_add(1, std::memory_order_relaxed); }
  void restarted() noexcept { restarts_.fetch_add(1, std::memory_order_relaxed); }
  void state(std::string_view text, timestamp now);
  void event(std::string_view text, timestamp now);  ///< also kept among the recent ones
  void in_flight(std::string_view effect);           ///< empty: none

  struct figures {
    std::uint64_t id = 0;
    std::string kind, key, parent, state, last_event, in_flight;
    std::int64_t mailbox = 0;
    std::uint64_t handled = 0, failed = 0, restarts = 0;
    timestamp since{}, state_since{};
    struct past {
      timestamp at{};
      std::string what;
    };
    std::vector<past> recent;  ///< newest last; only when asked for
  };
  [[nodiscard]] figures read(bool with_recent) const;
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }

private:
  static constexpr std::size_t recent_limit = 20;
  const std::uint64_t id_;
  const std::string kind_, key_, parent_;
  const timestamp since_;
  std::atomic<std::int64_t> mailbox_{0};
  std::atomic<std::uint64_t> handled_{0}, failed_{0}, restarts_{0};
  mutable std::mutex texts_;  // held for copies of short strings only
  timestamp state_since_;
  std::string state_ = "starting", in_flight_;
  /// The recent events in one piece, oldest first, since there is a probe for each live entity: of
  /// each its time in µs (8 bytes), the length of its text (2 bytes) and the text.
  std::string recent_;
  std::size_t recent_count_ = 0;
};

class probe_registry {
public:
  explicit probe_registry(clock_source& clock) : clock_(clock) {}
  /// The probe leaves the registry when its last owner lets go.
  std::shared_ptr<probe> add(std::string kind, std::string key, std::string parent);
  [[nodiscard]] std::vector<probe::figures> all() const;
  [[nodiscard]] std::shared_ptr<probe> find(std::uint64_t id) const;
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] clock_source& clock() const noexcept { return clock_; }

private:
  clock_source& clock_;
  mutable std::mutex lock_;
  std::map<std::uint64_t, std::weak_ptr<probe>> probes_;
  std::uint64_t last_id_ = 0;
  std::size_t since_sweep_ = 0;
};

}  // namespace pb::actors
