// sync/retry: when does a failed effect run again, and what does its failure mean for it? Pure: no
// clock, no randomness. Rule in docs/delivery.md.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/failure.hpp"

namespace pb::sync {

struct retry_limits {
  std::int32_t max_attempts = 15;
  std::chrono::milliseconds max_age{std::chrono::hours{24}};
  std::chrono::milliseconds base{2'000};
  std::chrono::milliseconds cap{600'000};
};

struct retry_verdict {
  std::optional<timestamp> again_at;  ///< nothing: a dead letter
  std::string why;                    ///< of a dead letter
};

/// @param attempts   made so far, >= 1
/// @param created_at of the effect; beyond max_age it dies
/// @param unit_draw  uniform in [0, 1)
/// A remote's Retry-After beats our schedule, up to max_age. Failures that cannot heal by
/// themselves (bad_input, forbidden, too_large, key_missing, a method unknown there) die at once;
/// what was never sent (breaker_open, cancelled) costs no attempt, only age counts.
retry_verdict next_attempt(const failure& f, std::int32_t attempts, timestamp created_at,
                           timestamp now, double unit_draw, const retry_limits& limits);

}  // namespace pb::sync
