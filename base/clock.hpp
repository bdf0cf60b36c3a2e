// base/clock: wall and steady time as a seam. Everything that needs "now" is given one of these;
// only the system_clock_source below reads the machine's clock.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/failure.hpp"

namespace pb {

/// UTC wall time with microseconds; stored as int64 on both engines.
using timestamp = std::chrono::sys_time<std::chrono::microseconds>;
using steady_time = std::chrono::steady_clock::time_point;

class clock_source {
public:
  virtual ~clock_source() = default;
  [[nodiscard]] virtual timestamp now() const = 0;
  [[nodiscard]] virtual steady_time steady_now() const = 0;
};

class system_clock_source final : public clock_source {
public:
  [[nodiscard]] timestamp now() const override;
  [[nodiscard]] steady_time steady_now() const override;
};

/// For tests and the simulation: moves only when told to. Not thread-safe.
class manual_clock final : public clock_source {
public:
  explicit manual_clock(timestamp start) : now_(start) {}
  [[nodiscard]] timestamp now() const override { return now_; }
  [[nodiscard]] steady_time steady_now() const override { return steady_; }
  void advance(std::chrono::microseconds by) {
    now_ += by;
    steady_ += by;
  }
  void jump_wall(std::chrono::microseconds by) { now_ += by; }

private:
  timestamp now_;
  steady_time steady_{};
};

constexpr std::int64_t to_micros(timestamp t) noexcept { return t.time_since_epoch().count(); }
constexpr timestamp from_micros(std::int64_t us) noexcept {
  return timestamp{std::chrono::microseconds{us}};
}

/// RFC 3339 with "Z", microseconds only when not zero: "2026-11-21T07:10:48.208456Z".
std::string format_rfc3339(timestamp t);
/// RFC 3339 with any offset, 0 to 9 fraction digits; also the database form with a space and a
/// short offset ("2026-03-31 11:44:41.242868+00", contracts: Plane v2). errc::bad_input otherwise.
result<timestamp> parse_rfc3339(std::string_view text);

}  // namespace pb
