// sync/cron: five-field cron expressions in a time zone, safe across daylight saving: a time that
// does not exist runs at the first moment after the gap, a time that exists twice runs once; what
// runs in every hour ("*") goes on through both.
#pragma once
#include <bitset>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/failure.hpp"

namespace pb::sync {

/// minute hour day-of-month month day-of-week; numbers, lists, ranges, steps, "*", names of months
/// and days, 0 and 7 are Sunday. When neither day field has a "*", either may match; else both
/// must (as cron does).
class cron_expression {
public:
  static result<cron_expression> parse(std::string_view text);
  /// The next moment strictly after `after`; `zone` is an IANA name known to the tz database.
  /// errc::not_found when nothing matches within five years.
  [[nodiscard]] result<timestamp> next(timestamp after, const std::string& zone) const;

private:
  [[nodiscard]] bool matches_day(int year, unsigned month, unsigned day) const;
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<7> weekdays_;
  bool any_day_ = true, any_weekday_ = true;
};

}  // namespace pb::sync
