#include "base/clock.hpp"

#include <array>
#include <cstdio>

namespace pb {
using namespace std::chrono;

timestamp system_clock_source::now() const {
  return time_point_cast<microseconds>(system_clock::now());
}
steady_time system_clock_source::steady_now() const { return steady_clock::now(); }

std::string format_rfc3339(timestamp t) {
  const auto day = floor<days>(t);
  const year_month_day date{day};
  const hh_mm_ss time{t - day};
  std::array<char, 48> text{};
  const auto micros = static_cast<long long>(time.subseconds().count());
  const int n = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d", int{date.year()},
      unsigned{date.month()}, unsigned{date.day()}, static_cast<int>(time.hours().count()),
      static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  std::string out(text.data(), static_cast<std::size_t>(n));
  if (micros != 0) {
    const int m = std::snprintf(text.data(), text.size(), ".%06lld", micros);
    out.append(text.data(), static_cast<std::size_t>(m));
  }
  return out + 'Z';
}

namespace {

struct reader {
  std::string_view rest;
  bool ok = true;

  int digits(std::size_t n) {
    int value = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (i >= rest.size() || rest[i] < '0' || rest[i] > '9') return fail();
      value = value * 10 + (rest[i] - '0');
    }
    rest.remove_prefix(n);
    return value;
  }
  bool take(char c) {
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  void expect(char c) { ok = take(c) && ok; }
  int fail() {
    ok = false;
    rest = {};
    return 0;
  }
};

}  // namespace

result<timestamp> parse_rfc3339(std::string_view text) {
  const auto bad = [&] {
    return failure{errc::bad_input,
                   "time.parse",
                   "not a date and time: " + std::string{text.substr(0, 40)},
                   "",
                   0,
                   "",
                   {}};
  };
  reader r{text};
  const int y = r.digits(4);
  r.expect('-');
  const int mo = r.digits(2);
  r.expect('-');
  const int d = r.digits(2);
  if (!r.take('T') && !r.take('t') && !r.take(' ')) return bad();
  const int h = r.digits(2);
  r.expect(':');
  const int mi = r.digits(2);
  r.expect(':');
  const int s = r.digits(2);
  long micros = 0;
  if (r.take('.')) {
    int n = 0;
    for (; !r.rest.empty() && r.rest.front() >= '0' && r.rest.front() <= '9' && n < 9; ++n) {
      if (n < 6) micros = micros * 10 + (r.rest.front() - '0');
      r.rest.remove_prefix(1);
    }
    if (n == 0) return bad();
    for (int i = n; i < 6; ++i) micros *= 10;
  }
  minutes offset{0};
  if (r.take('Z') || r.take('z')) {
  } else if (!r.rest.empty() && (r.rest.front() == '+' || r.rest.front() == '-')) {
    const int sign = r.rest.front() == '-' ? -1 : 1;
    r.rest.remove_prefix(1);
    const int oh = r.digits(2);
    int om = 0;
    if (r.take(':') || !r.rest.empty()) om = r.digits(2);
    if (oh > 23 || om > 59) return bad();
    offset = sign * (hours{oh} + minutes{om});
  } else {
    return bad();
  }
  const year_month_day date{year{y}, month{static_cast<unsigned>(mo)},
                            day{static_cast<unsigned>(d)}};
  if (!r.ok || !r.rest.empty() || !date.ok() || h > 23 || mi > 59 || s > 60) return bad();
  return timestamp{sys_days{date}.time_since_epoch() + hours{h} + minutes{mi} + seconds{s} +
                   microseconds{micros} - offset};
}

}  // namespace pb
