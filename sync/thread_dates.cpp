#include "sync/thread_dates.hpp"

#include <date/tz.h>

#include <array>
#include <charconv>
#include <cstdio>

namespace pb::sync {
namespace {
using std::chrono::day;
using std::chrono::days;
using std::chrono::month;
using std::chrono::months;
using std::chrono::sys_days;
using std::chrono::weekday;
using std::chrono::year;
using std::chrono::year_month_day;
using maybe_day = std::optional<year_month_day>;

std::chrono::microseconds local_time(timestamp now, std::string_view timezone) {
  try {
    const auto* zone = date::locate_zone(std::string{timezone});
    return now.time_since_epoch() +
           zone->get_info(date::sys_time<std::chrono::microseconds>{now.time_since_epoch()}).offset;
  } catch (const std::runtime_error&) {
    return now.time_since_epoch();
  }
}

/// Takes `word` off the front.
bool eat(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}
void skip_blanks(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// At most four digits, or a Chinese number up to 99.
std::optional<int> eat_number(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  if (n > 4) return std::nullopt;
  if (n > 0) {
    int value = 0;
    std::from_chars(text.data(), text.data() + n, value);
    text.remove_prefix(n);
    return value;
  }
  static constexpr std::array<std::pair<std::string_view, int>, 11> digits{{{"一", 1},
                                                                            {"二", 2},
                                                                            {"两", 2},
                                                                            {"三", 3},
                                                                            {"四", 4},
                                                                            {"五", 5},
                                                                            {"六", 6},
                                                                            {"七", 7},
                                                                            {"八", 8},
                                                                            {"九", 9},
                                                                            {"半", 0}}};
  const auto unit = [&text]() -> std::optional<int> {
    for (const auto& [word, value] : digits)
      if (value > 0 && eat(text, word)) return value;
    return std::nullopt;
  };
  const auto tens = unit();
  if (!eat(text, "十")) return tens;
  return tens.value_or(1) * 10 + unit().value_or(0);
}

maybe_day checked(year_month_day d) {
  if (!d.ok() || d.year() < year{2000} || d.year() > year{2199}) return std::nullopt;
  return d;
}
maybe_day after(year_month_day today, int n) {
  if (n > 40'000) return std::nullopt;
  return checked(sys_days{today} + days{n});
}
/// The same day of a later month; its last day when there is no such day.
maybe_day months_after(year_month_day today, int n) {
  if (n > 2'000) return std::nullopt;
  const auto ym = year_month_day{today}.year() / today.month() + months{n};
  const year_month_day same{ym.year(), ym.month(), today.day()};
  if (same.ok()) return checked(same);
  return checked(year_month_day{ym / std::chrono::last});
}
maybe_day end_of_month(year_month_day d) {
  return checked(year_month_day{d.year() / d.month() / std::chrono::last});
}
/// A day without a year: this year's, or the next one's once it has passed.
maybe_day without_year(int m, int d, year_month_day today) {
  if (m < 1 || m > 12 || d < 1 || d > 31) return std::nullopt;
  for (int later = 0; later <= 8; ++later) {  // 29 February may be years away
    const year_month_day found{today.year() + std::chrono::years{later},
                               month{static_cast<unsigned>(m)}, day{static_cast<unsigned>(d)}};
    if (found.ok() && sys_days{found} >= sys_days{today}) return checked(found);
  }
  return std::nullopt;
}
maybe_day with_year(int y, int m, int d) {
  if (m < 1 || m > 12 || d < 1 || d > 31) return std::nullopt;
  return checked({year{y}, month{static_cast<unsigned>(m)}, day{static_cast<unsigned>(d)}});
}

/// 0 = Monday. Longest words first.
std::optional<int> eat_weekday(std::string_view& text) {
  static constexpr std::array<std::pair<std::string_view, int>, 19> names{{{"monday", 0},
                                                                           {"tuesday", 1},
                                                                           {"wednesday", 2},
                                                                           {"thursday", 3},
                                                                           {"friday", 4},
                                                                           {"saturday", 5},
                                                                           {"sunday", 6},
                                                                           {"thurs", 3},
                                                                           {"tues", 1},
                                                                           {"thur", 3},
                                                                           {"mon", 0},
                                                                           {"tue", 1},
                                                                           {"wed", 2},
                                                                           {"thu", 3},
                                                                           {"fri", 4},
                                                                           {"sat", 5},
                                                                           {"sun", 6},
                                                                           {"weds", 2},
                                                                           {"thrs", 3}}};
  for (const auto& [word, value] : names)
    if (eat(text, word)) return value;
  return std::nullopt;
}
std::optional<int> eat_chinese_day(std::string_view& text) {
  static constexpr std::array<std::pair<std::string_view, int>, 15> names{{{"一", 0},
                                                                           {"二", 1},
                                                                           {"三", 2},
                                                                           {"四", 3},
                                                                           {"五", 4},
                                                                           {"六", 5},
                                                                           {"日", 6},
                                                                           {"天", 6},
                                                                           {"1", 0},
                                                                           {"2", 1},
                                                                           {"3", 2},
                                                                           {"4", 3},
                                                                           {"5", 4},
                                                                           {"6", 5},
                                                                           {"7", 6}}};
  for (const auto& [word, value] : names)
    if (eat(text, word)) return value;
  return std::nullopt;
}
int monday_based(year_month_day d) {
  return static_cast<int>(weekday{sys_days{d}}.iso_encoding()) - 1;
}
/// `weeks` after this one; nothing: the next such day.
maybe_day on_weekday(int wanted, std::optional<int> weeks, year_month_day today) {
  const int now = monday_based(today);
  if (!weeks) return after(today, (wanted - now + 7) % 7);
  return checked(sys_days{today} + days{wanted - now + 7 * *weeks});
}

maybe_day chinese_week(std::string_view text, year_month_day today) {
  std::optional<int> weeks;
  if (eat(text, "下下个") || eat(text, "下下"))
    weeks = 2;
  else if (eat(text, "下个") || eat(text, "下"))
    weeks = 1;
  else if (eat(text, "这个") || eat(text, "这") || eat(text, "本"))
    weeks = 0;
  if (weeks && (text == "周末" || text == "星期末")) return on_weekday(6, weeks, today);
  if (text == "周末") return on_weekday(6, 0, today);
  if (!eat(text, "周") && !eat(text, "星期") && !eat(text, "礼拜")) return std::nullopt;
  if (text.empty() && weeks && *weeks > 0) return on_weekday(0, weeks, today);
  const auto wanted = eat_chinese_day(text);
  if (!wanted || !text.empty()) return std::nullopt;
  return on_weekday(*wanted, weeks, today);
}

maybe_day english_week(std::string_view text, year_month_day today) {
  std::optional<int> weeks;
  if (eat(text, "next "))
    weeks = 1;
  else if (eat(text, "this "))
    weeks = 0;
  else if (eat(text, "on "))
    weeks = std::nullopt;
  skip_blanks(text);
  if (weeks == 1 && text == "week") return on_weekday(0, 1, today);
  if (weeks == 1 && text == "month") return months_after(today, 1);
  const auto wanted = eat_weekday(text);
  if (!wanted || !text.empty()) return std::nullopt;
  return on_weekday(*wanted, weeks, today);
}

/// "3 days", "in 2 weeks", "+5", "3d", "3天后", "两周", "一个月后".
maybe_day from_now(std::string_view text, year_month_day today) {
  const bool in = eat(text, "in ") || eat(text, "+") || eat(text, "过");
  skip_blanks(text);
  auto n = eat_number(text);
  if (!n && eat(text, "a ")) n = 1;
  if (!n) return std::nullopt;
  skip_blanks(text);
  if (text.empty()) return in ? after(today, *n) : std::nullopt;
  eat(text, "个");
  enum class unit { none, day, week, month } u = unit::none;
  for (const auto word : {"days", "day", "d", "天", "日"})
    if (u == unit::none && eat(text, word)) u = unit::day;
  for (const auto word : {"weeks", "week", "wks", "w", "周", "星期", "礼拜"})
    if (u == unit::none && eat(text, word)) u = unit::week;
  for (const auto word : {"months", "month", "月"})
    if (u == unit::none && eat(text, word)) u = unit::month;
  if (u == unit::none) return std::nullopt;
  for (const auto word : {"之后", "以后", "后", "内", " from now", " later"})
    if (eat(text, word)) break;
  if (!text.empty()) return std::nullopt;
  if (u == unit::month) return months_after(today, *n);
  return after(today, u == unit::week ? *n * 7 : *n);
}

/// "2026-12-01", "2026/12/1", "12-01", "12.1", "2026年12月1日", "12月1号", "5号".
maybe_day numbers(std::string_view text, year_month_day today) {
  const auto first = eat_number(text);
  if (!first) return std::nullopt;
  if (text == "号" || text == "日") {
    for (int later = 0; later < 3; ++later) {
      const auto ym = today.year() / today.month() + months{later};
      const year_month_day d{ym.year(), ym.month(), day{static_cast<unsigned>(*first)}};
      if (*first <= 31 && d.ok() && sys_days{d} >= sys_days{today}) return checked(d);
    }
    return std::nullopt;
  }
  const auto part = [&text]() {
    return eat(text, "-") || eat(text, "/") || eat(text, ".") || eat(text, "年") || eat(text, "月");
  };
  if (!part()) return std::nullopt;
  skip_blanks(text);
  const auto second = eat_number(text);
  if (!second) return std::nullopt;
  const auto ended = [&text]() { return text.empty() || text == "日" || text == "号"; };
  if (ended()) return without_year(*first, *second, today);
  if (!part()) return std::nullopt;
  skip_blanks(text);
  const auto third = eat_number(text);
  if (!third || !ended()) return std::nullopt;
  return with_year(*first, *second, *third);
}

std::optional<int> eat_month(std::string_view& text) {
  static constexpr std::array<std::string_view, 12> names{
      "january", "february", "march",     "april",   "may",      "june",
      "july",    "august",   "september", "october", "november", "december"};
  for (std::size_t i = 0; i < names.size(); ++i)
    if (eat(text, names[i])) return static_cast<int>(i) + 1;
  if (eat(text, "sept")) return 9;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (eat(text, names[i].substr(0, 3))) return static_cast<int>(i) + 1;
  return std::nullopt;
}
/// "dec 1", "dec 1, 2026", "1 dec", "1st december 2026".
maybe_day month_name(std::string_view text, year_month_day today) {
  std::optional<int> m, d;
  const auto number = [&text]() {
    const auto n = eat_number(text);
    for (const auto word : {"st", "nd", "rd", "th"})
      if (eat(text, word)) break;
    return n;
  };
  const auto gap = [&text]() {
    eat(text, ".");
    eat(text, ",");
    skip_blanks(text);
  };
  if ((m = eat_month(text))) {
    gap();
    d = number();
  } else if ((d = number())) {
    gap();
    eat(text, "of ");
    m = eat_month(text);
  }
  if (!m || !d) return std::nullopt;
  gap();
  if (text.empty()) return without_year(*m, *d, today);
  const auto y = eat_number(text);
  if (!y || !text.empty()) return std::nullopt;
  return with_year(*y, *m, *d);
}

maybe_day words(std::string_view text, year_month_day today) {
  static constexpr std::array<std::pair<std::string_view, int>, 12> fixed{
      {{"today", 0},
       {"今天", 0},
       {"今日", 0},
       {"tomorrow", 1},
       {"tmr", 1},
       {"明天", 1},
       {"明日", 1},
       {"day after tomorrow", 2},
       {"the day after tomorrow", 2},
       {"后天", 2},
       {"大后天", 3},
       {"yesterday", -1}}};
  for (const auto& [word, n] : fixed)
    if (text == word) return checked(sys_days{today} + days{n});
  if (text == "月底" || text == "本月底" || text == "月末" || text == "end of month" ||
      text == "eom")
    return end_of_month(today);
  if (text == "下月底" || text == "下个月底") {
    const auto ym = today.year() / today.month() + months{1};
    return end_of_month({ym.year(), ym.month(), day{1}});
  }
  if (text == "下个月" || text == "下月") return months_after(today, 1);
  if (eat(text, "下个月") || eat(text, "下月")) {
    const auto d = eat_number(text);
    if (!d || *d > 31 || (!text.empty() && text != "号" && text != "日")) return std::nullopt;
    const auto ym = today.year() / today.month() + months{1};
    return checked({ym.year(), ym.month(), day{static_cast<unsigned>(*d)}});
  }
  return std::nullopt;
}

}  // namespace

year_month_day day_in(timestamp now, std::string_view timezone) {
  return std::chrono::floor<days>(
      std::chrono::sys_time<std::chrono::microseconds>{local_time(now, timezone)});
}

int minute_of_day(timestamp now, std::string_view timezone) {
  const auto local = local_time(now, timezone);
  const auto midnight = std::chrono::floor<days>(local);
  return static_cast<int>(std::chrono::floor<std::chrono::minutes>(local - midnight).count());
}

timestamp next_time_of_day(timestamp now, std::string_view timezone, int hour, int minute) {
  const int wanted = hour * 60 + minute;
  const auto whole = std::chrono::floor<std::chrono::minutes>(now);
  const int ahead = (wanted - minute_of_day(now, timezone) + 24 * 60) % (24 * 60);
  auto t = whole + std::chrono::minutes{ahead};
  // Between the two the clocks may have been changed; where that hour is skipped, an hour off is
  // as near as can be.
  if (const int off = wanted - minute_of_day(t, timezone); off != 0 && std::abs(off) <= 120)
    t += std::chrono::minutes{off};
  return std::max<timestamp>(t, now);
}

maybe_day parse_day(std::string_view text, year_month_day today) {
  if (text.empty() || text.size() > 60) return std::nullopt;
  for (const auto reading : {words, numbers, chinese_week, english_week, from_now, month_name})
    if (const auto d = reading(text, today)) return d;
  return std::nullopt;
}

std::string iso_day(year_month_day d) {
  char out[16];
  std::snprintf(out, sizeof out, "%04d-%02u-%02u", static_cast<int>(d.year()),
                static_cast<unsigned>(d.month()), static_cast<unsigned>(d.day()));
  return out;
}

std::optional<int> parse_time_of_day(std::string_view text) {
  const auto hour = eat_number(text);
  if (!hour || *hour > 24) return std::nullopt;
  int minute = 0;
  if (eat(text, ":") || eat(text, "点") || eat(text, "时")) {
    if (!text.empty()) {
      const auto m = eat_number(text);
      if (!m || *m > 59) return std::nullopt;
      minute = *m;
      eat(text, "分");
    }
  }
  if (!text.empty() || (*hour == 24 && minute > 0)) return std::nullopt;
  return *hour % 24 * 60 + minute;
}

}  // namespace pb::sync
