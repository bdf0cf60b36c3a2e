// sync/thread_dates: days as people name them in chat, in Chinese and English: "2026-12-01",
// "12/1", "1 dec", "12月1日", "明天", "tomorrow", "周五" and "fri" (the next one, today counts),
// "下周五" and "next fri" (of the week after this one; weeks begin on Monday), "3 days", "两周后",
// "月底". Pure: what day it is comes from the caller.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace pb::sync {

/// The civil day at `now` in a zone of the tz database; in UTC when there is no such zone.
std::chrono::year_month_day day_in(timestamp now, std::string_view timezone);
/// The next moment, not before `now`, at which the clocks of the zone show hh:mm.
timestamp next_time_of_day(timestamp now, std::string_view timezone, int hour, int minute);
/// Minutes since midnight on the clocks of the zone.
int minute_of_day(timestamp now, std::string_view timezone);

/// @param text  folded (thread_words: fold)
/// Nothing: no day is named, or one that does not exist ("30 feb"), or beyond the years 2000 to
/// 2199.
std::optional<std::chrono::year_month_day> parse_day(std::string_view text,
                                                     std::chrono::year_month_day today);
/// "2026-12-01"
std::string iso_day(std::chrono::year_month_day day);
/// "8:00", "20:30", "8", "24:00" (the same as 0:00) as minutes since midnight.
std::optional<int> parse_time_of_day(std::string_view text);

}  // namespace pb::sync
