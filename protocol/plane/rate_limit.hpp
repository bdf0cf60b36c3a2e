// protocol/plane/rate_limit: may a request go now, and when is a failed one tried again? Pure:
// steady time and draws are arguments. One budget per API key, owned by one connector.
// Rules: Plane counts 60 requests in a sliding 60 s per key; X-RateLimit-Remaining is exact,
// X-RateLimit-Reset always says now + 60 s; a 429 has Retry-After (docs/contracts/plane.md).
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "base/clock.hpp"
#include "base/failure.hpp"
#include "protocol/http_message.hpp"

namespace pb::protocol::plane {

/// What a request is for. People's actions come first; repairs confirm what a scan suspects.
enum class purpose : std::uint8_t { person, scan, repair };

struct verdict {
  bool go = false;
  std::chrono::milliseconds wait{};  ///< until it is worth asking again; 0 when `go`
};

class request_budget {
public:
  static constexpr std::chrono::seconds window{60};
  /// Fewer left at Plane than this: only what the window gives back is used.
  static constexpr int low_water = 5;

  /// @param limit               requests per window, >= 1
  /// @param scan_share_percent  of the limit that scans may use, 1..100
  explicit request_budget(std::uint32_t limit = 60, std::uint32_t scan_share_percent = 30);

  /// Other limits from now on; what was sent within the window still counts.
  void use(std::uint32_t limit, std::uint32_t scan_share_percent) noexcept;

  /// A `go` has been counted: the request must be sent, and its end told by one of the notes.
  verdict admit(steady_time now, purpose why);
  /// Any answer but 429.
  void note_response(steady_time now, const http_response& answer);
  void note_429(steady_time now, std::optional<std::chrono::milliseconds> retry_after);
  /// No answer came (timeout, reset).
  void note_no_answer();

  struct view {
    std::uint32_t limit = 0, used = 0, used_by_scans = 0, in_flight = 0;
    std::optional<std::int64_t> remote_remaining;  ///< as last told
    std::chrono::milliseconds blocked_for{};       ///< by a 429
  };
  [[nodiscard]] view look(steady_time now);
  /// What a scan may send per window; with the number of requests it tells how long a round takes.
  [[nodiscard]] std::uint32_t scan_limit() const noexcept { return scan_limit_; }

private:
  struct sent {
    steady_time at;
    purpose why;
  };
  /// What Plane said it would still take, as of `at`.
  struct remote_view {
    steady_time at;
    std::int64_t told = 0;
    std::int64_t credit = 0;  ///< usable of it: without what is in flight, 0 below low water
    std::int64_t sent_since = 0;
    std::int64_t returned_since = 0;  ///< ours that left the window since
  };

  void forget_old(steady_time now);
  void remember(steady_time now, std::int64_t told, std::int64_t credit);
  [[nodiscard]] steady_time free_at(std::uint32_t cap, bool scans_only) const;
  [[nodiscard]] steady_time remote_free_at() const;

  std::uint32_t limit_ = 1, scan_limit_ = 1, reserve_ = 0;
  std::deque<sent>
      sent_;  ///< within the window; never more than limit_, but for a moment after use()
  std::optional<remote_view> remote_;
  std::optional<steady_time> blocked_until_;
  std::int64_t in_flight_ = 0;
};

/// What becomes of a failed call.
struct retry_decision {
  enum class then : std::uint8_t {
    again,    ///< by the connector itself, after `pause`
    durable,  ///< through the outbox: not before `pause`
    final,    ///< repeating cannot help
  };
  then next = then::final;
  std::chrono::milliseconds pause{};
  bool outcome_unknown = false;  ///< look before repeating what is not idempotent
};

/// @param tries       made so far, >= 1
/// @param unit_draw   uniform in [0, 1)
/// @param idempotent  the call may be repeated blindly (reads, PATCH, creations with external id)
retry_decision next_try(const failure& f, std::uint32_t tries, double unit_draw,
                        bool idempotent = true) noexcept;

}  // namespace pb::protocol::plane
