// protocol/lark/pace: may a call to Feishu go now (docs/contracts/lark.md, 3.1 and 3.2)? Sliding
// windows: 5 a second for each chat, which all its bots share, and for each message whose card is
// refreshed, by the call's budget key ("chat" below means either); 50 a second and 1000 a minute
// for the app. What is learned: 230020 slows one chat down, 99991400 holds one operation back for
// as long as it is told, 99991403 and a disabled app stop everything for a while. And the month's
// calls, of which small plans have few: card refreshes are thinned out first. Pure: both clocks are
// arguments. One per app, owned by its connector.
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "protocol/exchange.hpp"
#include "protocol/lark/answers.hpp"

namespace pb::protocol::lark {

struct pace_limits {
  std::uint32_t per_second = 50, per_minute = 1'000;
  std::uint32_t chat_per_second = 5;
  std::int64_t per_month = 0;  ///< calls; 0: no limit is known
};

struct pace_verdict {
  enum class who : std::uint8_t {
    nobody,   ///< go; it has been counted
    account,  ///< every call waits
    chat,     ///< calls of this budget key wait
    call,     ///< this one is not worth holding: `wait` may be hours
  };
  who waits = who::nobody;
  std::chrono::milliseconds wait{};
};

/// What an administrator should hear of, once each.
struct pace_notice {
  std::string text;
  bool urgent = false;  ///< nothing is sent any more
};

class pace {
public:
  explicit pace(pace_limits limits) : limits_(clamped(limits)) {}
  /// Other limits from now on; what was sent still counts.
  void use(pace_limits limits) { limits_ = clamped(limits); }

  /// @param wall  for the month
  pace_verdict admit(steady_time now, timestamp wall, const call& c);
  /// Every end of an admitted call; nothing when no answer came.
  void note(steady_time now, timestamp wall, const call& c, const http_response* answer);

  /// While it is stopped: how long still, and why.
  [[nodiscard]] std::chrono::milliseconds stopped_for(steady_time now) const noexcept;
  [[nodiscard]] const std::string& why_stopped() const noexcept { return why_stopped_; }
  /// Somebody mended it, or changed the limits.
  void resume() noexcept { stopped_until_.reset(); }

  /// Calls of the month, to be kept over restarts: "2026-11 1234". Kept ahead of what was used, so
  /// that a crash forgets none; `unsaved()` is true when the text to keep has changed.
  [[nodiscard]] bool unsaved() const noexcept { return saved_ahead_ != kept_ahead_; }
  std::string take_saved();
  void restore(std::string_view saved);

  std::vector<pace_notice> take_notices();

  struct view {
    std::uint32_t last_second = 0, last_minute = 0, per_minute = 0;
    std::int64_t this_month = 0, per_month = 0;
    std::size_t slow_chats = 0;
    std::chrono::milliseconds stopped_for{};
  };
  [[nodiscard]] view look(steady_time now, timestamp wall);
  [[nodiscard]] std::size_t chats_kept() const noexcept { return chats_.size(); }

  static constexpr std::int64_t save_step = 50;
  static constexpr int thin_percent = 80, scarce_percent = 95;
  static constexpr std::chrono::seconds thin_pause{60}, scarce_pause{600};
  static constexpr std::chrono::minutes app_stop{5};
  static constexpr std::chrono::hours month_stop{6};

private:
  using milliseconds = std::chrono::milliseconds;
  struct chat {
    std::deque<steady_time> sent;  ///< within the last window
    std::uint32_t allowed = 0;     ///< in each window, as learned; 0: as configured
    std::uint32_t refused_in_row = 0;
    steady_time learned_at{}, blocked_until{};
  };

  static pace_limits clamped(pace_limits l) noexcept;
  void forget_old(steady_time now);
  [[nodiscard]] std::uint32_t allowed_of(const chat& c, steady_time now) const noexcept;
  [[nodiscard]] std::optional<milliseconds> chat_wait(const chat& c, steady_time now) const;
  [[nodiscard]] std::optional<milliseconds> app_wait(steady_time now) const;
  [[nodiscard]] std::optional<milliseconds> thinned(steady_time now, const call& c) const;
  void count(steady_time now, const call& c);
  void turn_month(timestamp wall);
  void slow_down(steady_time now, const std::string& key);
  void stop(steady_time now, milliseconds pause, const failure& refused);

  pace_limits limits_;
  std::deque<steady_time> sent_;  ///< within the last minute
  std::unordered_map<std::string, chat> chats_;
  steady_time swept_at_{};
  std::map<std::string, steady_time, std::less<>> held_;  ///< operations, by 99991400
  std::optional<steady_time> stopped_until_;
  std::string why_stopped_;
  std::optional<steady_time> last_deferrable_;
  std::string month_;  ///< "2026-11"
  std::int64_t used_ = 0, saved_ahead_ = 0, kept_ahead_ = 0;
  int warned_percent_ = 0;
  std::vector<pace_notice> notices_;
};

/// Does this answer count against the circuit breaker? Feishu is down, not we are refused.
bool is_down(const http_response& answer, std::string_view operation);
/// A tenant token is refused: another one helps.
bool refuses_token(const http_response& answer, std::string_view operation);

/// A pause before the same call is made again here and now; nothing: the outbox's, or final.
/// @param answer  null when no answer came
/// @param tries   made so far, >= 1
/// @param draw    uniform in [0, 1)
std::optional<std::chrono::milliseconds> next_try(const http_response* answer, const call& c,
                                                  unsigned tries, double draw);

}  // namespace pb::protocol::lark
