#include "sync/retry.hpp"

#include <algorithm>

namespace pb::sync {
using std::chrono::milliseconds;

namespace {
bool heals_by_itself(const failure& f) {
  switch (f.code) {
    case errc::bad_input:
    case errc::forbidden:
    case errc::too_large:
    case errc::key_missing:
      return false;
    // The method is unknown there; any other odd answer may be a proxy's, and passing.
    case errc::unexpected_answer:
      return f.status != 405 && f.status != 501;
    default:
      return true;
  }
}

std::string spell(milliseconds t) {
  if (t >= std::chrono::hours{1}) return std::to_string(t.count() / 3'600'000) + " h";
  return std::to_string(t.count() / 1'000) + " s";
}
}  // namespace

retry_verdict next_attempt(const failure& f, std::int32_t attempts, timestamp created_at,
                           timestamp now, double unit_draw, const retry_limits& limits) {
  if (!heals_by_itself(f)) return {std::nullopt, "cannot heal by itself: " + describe(f)};
  // Not sent at all: costs no attempt of its budget, only age counts.
  const bool sent = f.code != errc::breaker_open && f.code != errc::cancelled;
  if (sent && attempts >= limits.max_attempts)
    return {std::nullopt,
            "all " + std::to_string(limits.max_attempts) + " attempts used: " + describe(f)};
  milliseconds pause{};
  if (f.retry_after) {
    // "At once" would burn all attempts in a moment: our shortest pause is the floor.
    pause = std::min(std::max(*f.retry_after, limits.base / 2), limits.max_age);
  } else {
    const auto doublings = std::clamp<std::int32_t>(attempts - 1, 0, 20);
    const auto ceiling =
        std::min<milliseconds>(limits.cap, limits.base * (std::int64_t{1} << doublings));
    // Half fixed, half drawn: spread, but never at once.
    pause = ceiling / 2 + milliseconds{static_cast<milliseconds::rep>(
                              static_cast<double>(ceiling.count() / 2) * unit_draw)};
  }
  if (now + pause > created_at + limits.max_age)
    return {std::nullopt, "the next attempt would be later than " + spell(limits.max_age) +
                              " after it was planned: " + describe(f)};
  return {now + pause, {}};
}

}  // namespace pb::sync
