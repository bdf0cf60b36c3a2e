#include "sync/retry.hpp"

#include <algorithm>

namespace pb::sync {
using std::chrono::milliseconds;

namespace {
bool heals_by_itself(errc code) {
  switch (code) {
    case errc::bad_input:
    case errc::forbidden:
    case errc::too_large:
    case errc::conflict:
    case errc::key_missing:
    case errc::unexpected_answer: return false;
    default: return true;
  }
}
}  // namespace

retry_verdict next_attempt(const failure& f, std::int32_t attempts, timestamp created_at,
                           timestamp now, double unit_draw, const retry_limits& limits) {
  if (!heals_by_itself(f.code)) return {std::nullopt, "cannot heal by itself: " + describe(f)};
  // Not sent at all: costs no attempt of its budget, only age counts.
  const bool sent = f.code != errc::breaker_open && f.code != errc::cancelled;
  if (sent && attempts >= limits.max_attempts)
    return {std::nullopt, "all " + std::to_string(limits.max_attempts) + " attempts used: " + describe(f)};
  milliseconds pause{};
  if (f.retry_after) {
    pause = std::min(*f.retry_after, limits.max_age);
  } else {
    const auto doublings = std::clamp<std::int32_t>(attempts - 1, 0, 20);
    const auto ceiling = std::min<milliseconds>(limits.cap, limits.base * (std::int64_t{1} << doublings));
    // Half fixed, half drawn: spread, but never at once.
    pause = ceiling / 2 + milliseconds{static_cast<milliseconds::rep>(
                              static_cast<double>(ceiling.count() / 2) * unit_draw)};
  }
  if (now + pause > created_at + limits.max_age)
    return {std::nullopt, "older than " + std::to_string(limits.max_age.count() / 3'600'000) + " h: " + describe(f)};
  return {now + pause, {}};
}

}  // namespace pb::sync
