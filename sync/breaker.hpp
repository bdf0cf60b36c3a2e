// sync/breaker: the circuit breaker of one remote, as a pure state machine over steady time.
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

namespace pb::sync {

struct breaker_policy {
  unsigned failures = 5;  ///< in a row, within `window`, open it
  std::chrono::milliseconds window{60'000};
  std::chrono::milliseconds open_for{30'000};  ///< then one probe at a time is let through
  unsigned probes_to_close = 2;
};

class breaker {
public:
  enum class state : std::uint8_t { closed, open, half_open };
  using time = std::chrono::milliseconds;  ///< steady, any epoch

  explicit breaker(breaker_policy policy) : policy_(policy) {}
  /// Other thresholds from now on; state and counted failures stay.
  void use(const breaker_policy& policy) noexcept { policy_ = policy; }
  /// Nothing: go. Otherwise wait this long before asking again. A probe of which nothing is heard
  /// for `open_for` is given up, and the next one goes: its end must not be what everybody waits
  /// for.
  [[nodiscard]] std::optional<std::chrono::milliseconds> refuse(time now);
  /// Let through by refuse(), and then not sent after all.
  void not_tried() noexcept { probing_ = false; }
  void succeeded(time now);
  void failed(time now);
  [[nodiscard]] state now_in() const noexcept { return state_; }

private:
  breaker_policy policy_;
  state state_ = state::closed;
  std::deque<time> failures_;
  time opened_at_{0}, probe_at_{0};
  bool probing_ = false;
  unsigned good_probes_ = 0;
};
std::string_view to_string(breaker::state s) noexcept;

}  // namespace pb::sync
