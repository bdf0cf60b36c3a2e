// sync/alarm_ledger: which operational alarms people are told, and when: the same one at most once
// an hour, its end once and only if its beginning was told, and never more than a dozen an hour
// together. Pure: no clock. Used by actors/alarm_bell, which serializes it.
#pragma once
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace pb::sync {

class alarm_ledger {
public:
  /// What is to be said, or nothing. @param what  "breaker/plane", "dead-letters": a closed set
  std::optional<std::string> raise(std::string_view what, std::string text, timestamp now);
  /// It is over. Nothing when nobody was told that it began.
  std::optional<std::string> clear(std::string_view what, std::string text, timestamp now);

  static constexpr std::chrono::minutes again_after{60};
  static constexpr std::size_t most_an_hour = 12, most_kinds = 64;

private:
  struct state {
    timestamp told_at{};
    std::size_t unsaid = 0;  ///< of the same kind since then
    bool open = false;
  };
  bool room(timestamp now);

  std::map<std::string, state, std::less<>> known_;
  std::deque<timestamp> said_;  ///< within the last hour
};

}  // namespace pb::sync
