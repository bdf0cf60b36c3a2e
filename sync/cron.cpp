#include "sync/cron.hpp"

#include <date/tz.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "base/ascii.hpp"

namespace pb::sync {
namespace {

using sys_micros = date::sys_time<std::chrono::microseconds>;

failure bad(std::string detail) {
  return {errc::bad_input,
          "cron.parse",
          std::move(detail),
          "five fields: minute hour day month weekday, such as \"30 3 * * 1-5\"",
          0,
          "",
          {}};
}

constexpr std::array month_names{"jan", "feb", "mar", "apr", "may", "jun",
                                 "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array day_names{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

/// For a person: enough to find it by, on a character border.
std::string in_quotes(std::string_view text) {
  constexpr std::size_t shown = 60;
  std::size_t end = std::min(text.size(), shown);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;
  return "\"" + std::string{text.substr(0, end)} + (end < text.size() ? "…\"" : "\"");
}

std::vector<std::string_view> pieces_at(std::string_view text, char by) {
  std::vector<std::string_view> out;
  while (true) {
    const auto at = text.find(by);
    out.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

template <std::size_t N>
int value_of(std::string_view text, const std::array<const char*, N>& names, int first) {
  const std::string lower = lower_case(text);
  for (std::size_t i = 0; i < N; ++i)
    if (lower == names[i]) return static_cast<int>(i) + first;
  int value = -1;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc{} && end == text.data() + text.size() ? value : -1;
}

template <std::size_t Bits, std::size_t N>
result<bool> field(std::string_view text, int low, int high, std::bitset<Bits>& out,
                   const std::array<const char*, N>& names) {
  bool any = false;
  for (const auto item : pieces_at(text, ',')) {
    const auto parts = pieces_at(item, '/');
    int step = 1;
    if (parts.size() > 2) return bad("too many \"/\" in " + in_quotes(item));
    if (parts.size() == 2) {
      step = value_of(parts[1], std::array<const char*, 0>{}, 0);
      if (step < 1 || step > high) return bad("bad step in " + in_quotes(item));
    }
    int from = low, to = high;
    if (parts[0] == "*") {
      any = true;
    } else {
      const auto range = pieces_at(parts[0], '-');
      if (range.size() > 2) return bad("bad range " + in_quotes(parts[0]));
      from = value_of(range[0], names, low);
      to = range.size() == 2 ? value_of(range[1], names, low) : parts.size() == 2 ? high : from;
      if (from < low || to > high || from > to)
        return bad(in_quotes(item) + " is outside " + std::to_string(low) + ".." +
                   std::to_string(high));
    }
    for (int v = from; v <= to; v += step) out.set(static_cast<std::size_t>(v) % Bits);
  }
  return any;
}

}  // namespace

result<cron_expression> cron_expression::parse(std::string_view text) {
  std::vector<std::string_view> fields;
  for (const auto words : pieces_at(text, ' '))
    for (const auto piece : pieces_at(words, '\t'))
      if (!piece.empty()) fields.push_back(piece);
  if (fields.size() != 5)
    return bad("expected five fields, found " + std::to_string(fields.size()));
  cron_expression c;
  constexpr std::array<const char*, 0> none{};
  if (auto r = field(fields[0], 0, 59, c.minutes_, none); !r) return r.error();
  if (auto r = field(fields[1], 0, 23, c.hours_, none); !r) return r.error();
  auto day = field(fields[2], 1, 31, c.days_, none);
  if (!day) return day.error();
  if (auto r = field(fields[3], 1, 12, c.months_, month_names); !r) return r.error();
  // 7 is Sunday too: seven bits wrap it to 0.
  auto weekday = field(fields[4], 0, 7, c.weekdays_, day_names);
  if (!weekday) return weekday.error();
  c.any_day_ = *day;
  c.any_weekday_ = *weekday;
  return c;
}

bool cron_expression::matches_day(int y, unsigned m, unsigned d) const {
  if (!months_.test(m)) return false;
  const date::year_month_day ymd{date::year{y}, date::month{m}, date::day{d}};
  const bool by_day = days_.test(d);
  const bool by_weekday = weekdays_.test(date::weekday{date::sys_days{ymd}}.c_encoding());
  return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

result<timestamp> cron_expression::next(timestamp after, const std::string& zone_name) const {
  const date::time_zone* zone = nullptr;
  try {
    zone = date::locate_zone(zone_name);
  } catch (const std::runtime_error&) {
    return failure{errc::bad_input,
                   "cron.next",
                   "unknown time zone " + zone_name,
                   "use an IANA name such as Asia/Shanghai",
                   0,
                   "",
                   {}};
  }
  const sys_micros from{after.time_since_epoch()};
  // The second pass of a time that exists twice, for what runs in every hour: walked minute by
  // minute, as far as any zone has ever turned its clocks back.
  std::optional<timestamp> repeated;
  if (hours_.all())
    for (auto t = date::floor<std::chrono::minutes>(from) + std::chrono::minutes{1};
         t <= from + std::chrono::hours{3} && !repeated; t += std::chrono::minutes{1}) {
      const auto local = date::floor<std::chrono::minutes>(zone->to_local(t));
      const auto info = zone->get_info(local);
      if (info.result != date::local_info::ambiguous || t < info.first.end) continue;
      const date::year_month_day ymd{date::floor<date::days>(local)};
      const auto minute = (local - date::floor<std::chrono::hours>(local)).count();
      if (minutes_.test(static_cast<std::size_t>(minute)) &&
          matches_day(int{ymd.year()}, unsigned{ymd.month()}, unsigned{ymd.day()}))
        repeated = timestamp{sys_micros{t}.time_since_epoch()};
    }
  auto day = date::floor<date::days>(zone->to_local(from));
  for (int i = 0; i < 5 * 366; ++i, day += date::days{1}) {
    const date::year_month_day ymd{day};
    if (!matches_day(int{ymd.year()}, unsigned{ymd.month()}, unsigned{ymd.day()})) continue;
    for (std::size_t h = 0; h < 24; ++h) {
      if (!hours_.test(h)) continue;
      for (std::size_t m = 0; m < 60; ++m) {
        if (!minutes_.test(m)) continue;
        const auto local = day + std::chrono::hours{h} + std::chrono::minutes{m};
        const auto info = zone->get_info(local);
        // Nonexistent: the first moment after the gap. Ambiguous: the earlier of the two, once.
        const auto sys = info.result == date::local_info::nonexistent
                             ? sys_micros{info.first.end}
                             : sys_micros{local.time_since_epoch() - info.first.offset};
        if (sys <= from) continue;
        const timestamp found{sys.time_since_epoch()};
        return repeated ? std::min(*repeated, found) : found;
      }
    }
  }
  return failure{errc::not_found, "cron.next", "no such moment within five years", "", 0, "", {}};
}

}  // namespace pb::sync
