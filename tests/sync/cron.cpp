#define BOOST_TEST_MODULE cron
#include "sync/cron.hpp"

#include <date/tz.h>
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <set>
#include <vector>

using namespace pb;
using namespace pb::sync;
using namespace std::chrono_literals;
using texts = std::vector<std::string>;

namespace {

const std::string berlin = "Europe/Berlin";
const std::string utc = "UTC";

cron_expression parsed(const std::string& text) {
  auto c = cron_expression::parse(text);
  BOOST_REQUIRE_MESSAGE(c.has_value(), text);
  return *c;
}
timestamp when(const std::string& text) { return parse_rfc3339(text).value(); }

/// The next `n` moments after `from`, in UTC.
texts runs(const std::string& expression, const std::string& zone, const std::string& from,
           int n = 1) {
  const auto c = parsed(expression);
  texts out;
  auto t = when(from);
  for (int i = 0; i < n; ++i) {
    const auto next = c.next(t, zone);
    if (!next) {
      out.push_back(std::string{to_string(next.error().code)});
      break;
    }
    t = *next;
    out.push_back(format_rfc3339(t));
  }
  return out;
}
void expect(const texts& got, const texts& expected) {
  BOOST_TEST(got == expected, boost::test_tools::per_element());
}

}  // namespace

BOOST_AUTO_TEST_CASE(numbers_lists_ranges_and_steps_as_a_table) {
  const std::string from = "2026-11-21T07:10:48Z";  // a Saturday
  for (const auto& [expression, expected] : std::vector<std::pair<std::string, texts>>{
           {"* * * * *", {"2026-11-21T07:11:00Z", "2026-11-21T07:12:00Z"}},
           {"5 8 * * *", {"2026-11-21T08:05:00Z", "2026-11-22T08:05:00Z"}},
           {"*/20 * * * *",
            {"2026-11-21T07:20:00Z", "2026-11-21T07:40:00Z", "2026-11-21T08:00:00Z"}},
           {"50/4 7 * * *",
            {"2026-11-21T07:50:00Z", "2026-11-21T07:54:00Z", "2026-11-21T07:58:00Z",
             "2026-11-22T07:50:00Z"}},
           {"10,12-14,20-24/2 7 * * *",
            {"2026-11-21T07:12:00Z", "2026-11-21T07:13:00Z", "2026-11-21T07:14:00Z",
             "2026-11-21T07:20:00Z", "2026-11-21T07:22:00Z", "2026-11-21T07:24:00Z",
             "2026-11-22T07:10:00Z"}},
           {"0 0 1 jan *", {"2027-01-01T00:00:00Z"}},
           {"0 0 1 JAN-Mar/2 *",
            {"2027-01-01T00:00:00Z", "2027-03-01T00:00:00Z", "2028-01-01T00:00:00Z"}},
           {"0 9 * * 1-5", {"2026-11-23T09:00:00Z", "2026-11-24T09:00:00Z"}},
           {"0 9 * * Sun", {"2026-11-22T09:00:00Z", "2026-11-29T09:00:00Z"}},
           {"0 9 * * 0", {"2026-11-22T09:00:00Z"}},
           {"0 9 * * 7", {"2026-11-22T09:00:00Z"}},
           {"0 9 * * 6-7",
            {"2026-11-21T09:00:00Z", "2026-11-22T09:00:00Z", "2026-11-28T09:00:00Z"}},
           {"\t 59   23\t31 12 * ", {"2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z"}},
       }) {
    BOOST_TEST_CONTEXT(expression)
    expect(runs(expression, utc, from, static_cast<int>(expected.size())), expected);
  }
}

BOOST_AUTO_TEST_CASE(two_restricted_day_fields_mean_either_and_one_means_itself) {
  const std::string from = "2026-11-01T00:00:00Z";  // a Sunday
  expect(runs("0 0 13 * 5", utc, from, 3),
         {"2026-11-06T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"});
  expect(runs("0 0 10 * 5", utc, from, 3),
         {"2026-11-06T00:00:00Z", "2026-11-10T00:00:00Z", "2026-11-13T00:00:00Z"});
  // A step over "*" is still a "*": both must match, as cron does it.
  expect(runs("0 0 */10 * 3", utc, from, 1), {"2026-11-11T00:00:00Z"});
  expect(runs("0 0 13 * *", utc, from, 2), {"2026-11-13T00:00:00Z", "2026-12-13T00:00:00Z"});
}

BOOST_AUTO_TEST_CASE(the_moment_itself_is_not_its_next) {
  expect(runs("0 8 * * *", utc, "2026-11-21T08:00:00Z"), {"2026-11-22T08:00:00Z"});
  expect(runs("0 8 * * *", utc, "2026-11-21T07:59:59.999999Z"), {"2026-11-21T08:00:00Z"});
  expect(runs("0 8 * * *", utc, "2026-11-21T08:00:00.000001Z"), {"2026-11-22T08:00:00Z"});
}

BOOST_AUTO_TEST_CASE(times_are_those_of_the_zone) {
  expect(runs("30 3 * * *", "Asia/Shanghai", "2026-11-21T00:00:00Z"), {"2026-11-21T19:30:00Z"});
  expect(runs("30 3 * * *", "Asia/Kathmandu", "2026-11-21T00:00:00Z"), {"2026-11-21T21:45:00Z"});
  // The zone's day counts, not UTC's.
  expect(runs("0 1 22 11 *", "Asia/Shanghai", "2026-11-21T12:00:00Z"), {"2026-11-21T17:00:00Z"});
}

BOOST_AUTO_TEST_CASE(a_time_that_the_clock_skips_runs_at_the_first_moment_after_the_gap) {
  // 2026-03-29: 02:00 is followed by 03:00 (01:00Z).
  expect(runs("30 2 * * *", berlin, "2026-03-28T00:00:00Z", 3),
         {"2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"});
  // Several skipped times, and the first time after the gap, are one run.
  expect(runs("0,20,40 2,3 29 3 *", berlin, "2026-03-29T00:00:00Z", 4),
         {"2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z", "2026-03-29T01:40:00Z",
          "2027-03-29T00:00:00Z"});
  // Clocks that jump at midnight, and by half an hour.
  expect(runs("0 0 * * *", "America/Havana", "2026-03-07T12:00:00Z", 2),
         {"2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"});
  expect(runs("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 2),
         {"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"});
}

BOOST_AUTO_TEST_CASE(a_day_that_a_zone_left_out_runs_at_the_start_of_the_next) {
  // Samoa had no 30 December 2011.
  expect(runs("0 12 30 12 *", "Pacific/Apia", "2011-12-29T00:00:00Z", 2),
         {"2011-12-30T10:00:00Z", "2012-12-29T22:00:00Z"});
}

BOOST_AUTO_TEST_CASE(a_time_that_comes_twice_runs_once_at_its_first_pass) {
  // 2026-10-25: 03:00 is followed by 02:00 (01:00Z).
  expect(runs("30 2 * * *", berlin, "2026-10-24T12:00:00Z", 2),
         {"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"});
  expect(runs("0,30 1-3 25 10 *", berlin, "2026-10-24T20:00:00Z", 6),
         {"2026-10-24T23:00:00Z", "2026-10-24T23:30:00Z", "2026-10-25T00:00:00Z",
          "2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z", "2026-10-25T02:30:00Z"});
  // Asked in between the passes, after a restart say: not again.
  expect(runs("30 2 * * *", berlin, "2026-10-25T00:45:00Z"), {"2026-10-26T01:30:00Z"});
  expect(runs("30 2 * * *", berlin, "2026-10-25T01:15:00Z"), {"2026-10-26T01:30:00Z"});
}

BOOST_AUTO_TEST_CASE(what_runs_in_every_hour_goes_on_through_both_changes) {
  expect(runs("*/30 * * * *", berlin, "2026-10-24T23:45:00Z", 6),
         {"2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z",
          "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z", "2026-10-25T02:30:00Z"});
  expect(runs("15 * * * *", berlin, "2026-03-28T23:30:00Z", 3),
         {"2026-03-29T00:15:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:15:00Z"});
  expect(runs("*/5 * * * *", "Australia/Lord_Howe", "2026-04-04T14:50:00Z", 3),
         {"2026-04-04T14:55:00Z", "2026-04-04T15:00:00Z", "2026-04-04T15:05:00Z"});
}

BOOST_AUTO_TEST_CASE(leap_days_come_when_there_are_any) {
  expect(runs("0 0 29 2 *", utc, "2026-11-21T00:00:00Z", 2),
         {"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"});
  expect(runs("0 0 28-31 2 *", utc, "2027-02-01T00:00:00Z", 3),
         {"2027-02-28T00:00:00Z", "2028-02-28T00:00:00Z", "2028-02-29T00:00:00Z"});
  expect(runs("0 0 31 * *", utc, "2026-11-01T00:00:00Z", 2),
         {"2026-12-31T00:00:00Z", "2027-01-31T00:00:00Z"});
  expect(runs("0 0 29 2 *", utc, "2096-03-01T00:00:00Z"), {"not_found"});  // 2100 has none
}

BOOST_AUTO_TEST_CASE(dates_that_never_come_are_said_so_and_do_not_hang) {
  for (const char* expression : {"0 0 31 2 *", "0 0 30 2 *", "* * 31 4,6,9,11 *"})
    expect(runs(expression, berlin, "2026-11-21T00:00:00Z"), {"not_found"});
  // Either day field may match: every Monday of April.
  expect(runs("0 0 31 4 1", utc, "2026-11-21T00:00:00Z"), {"2027-04-05T00:00:00Z"});
}

BOOST_AUTO_TEST_CASE(an_unknown_zone_is_a_mistake_with_its_remedy) {
  for (const char* zone : {"", "Mars/Olympus", "../../etc/passwd", "GMT+99", "europe/berlin"}) {
    const auto r = parsed("* * * * *").next(when("2026-11-21T00:00:00Z"), zone);
    BOOST_REQUIRE_MESSAGE(!r, zone);
    BOOST_TEST((r.error().code == errc::bad_input));
    BOOST_TEST(!r.error().remedy.empty());
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_expression_is_refused) {
  texts table{"",
              " ",
              "*",
              "* * * *",
              "* * * * * *",
              "@daily",
              "60 * * * *",
              "-1 * * * *",
              "* 24 * * *",
              "* * 0 * *",
              "* * 32 * *",
              "* * * 0 *",
              "* * * 13 *",
              "* * * * 8",
              "5- * * * *",
              "-5 * * * *",
              "5-1 * * * *",
              "1-2-3 * * * *",
              "*/0 * * * *",
              "*/-1 * * * *",
              "*/60 * * * *",
              "*/ * * * *",
              "/5 * * * *",
              "*/2/2 * * * *",
              "1,,2 * * * *",
              ", * * * *",
              "1, * * * *",
              "** * * * *",
              "?",
              "? * * * *",
              "L * * * *",
              "0x1 * * * *",
              "+1 * * * *",
              "1.5 * * * *",
              "1e1 * * * *",
              "99999999999999999999 * * * *",
              "*/99999999999999999999 * * * *",
              "jan * * * *",
              "* * * january *",
              "* * * * mon,",
              "* * * * fri-mon",
              "* * * mon *",
              "*\n* * * *",
              "*;* * * *",
              "٣ * * * *",
              "\xff * * * *",
              std::string("* * * *\0 *", 10),
              std::string(100'000, '*'),
              std::string(100'000, ',') + " * * * *",
              std::string(100'000, '-') + " * * * *",
              std::string(100'000, '1') + " * * * *"};
  for (const auto& text : table) {
    BOOST_TEST_CONTEXT(text.substr(0, 60)) {
      const auto c = cron_expression::parse(text);
      BOOST_REQUIRE(!c);
      BOOST_TEST((c.error().code == errc::bad_input));
      BOOST_TEST(!c.error().detail.empty());
      // A mistake is shown to a person: not with all of what they sent.
      BOOST_TEST(c.error().detail.size() < 300U);
    }
  }
}

BOOST_AUTO_TEST_CASE(any_text_is_read_or_refused_without_harm) {
  BOOST_TEST(rc::check([] {
    static const texts pieces{"*", "/",  "-",   ",",   " ",  "0", "5",
                              "7", "31", "jan", "sun", "\t", "x"};
    std::string text;
    for (const auto i : *rc::gen::container<std::vector<std::size_t>>(
             rc::gen::inRange<std::size_t>(0, pieces.size())))
      text += pieces[i];
    const auto c = cron_expression::parse(text);
    if (!c) return;
    const auto from = when("2026-11-21T00:00:00Z");
    const auto next = c->next(from, berlin);
    RC_ASSERT((next ? *next > from : next.error().code == errc::not_found));
  }));
}

// Told another way: every minute is asked whether it is one, from the zone's own table.
namespace {

struct told {
  std::set<int> minutes, hours;  ///< empty: all
  std::set<int> weekdays;        ///< empty: all
  std::string text() const {
    const auto list = [](const std::set<int>& s) {
      std::string out;
      for (const int v : s) out += (out.empty() ? "" : ",") + std::to_string(v);
      return out.empty() ? "*" : out;
    };
    return list(minutes) + " " + list(hours) + " * * " + list(weekdays);
  }
  bool shows(date::local_time<std::chrono::minutes> local) const {
    const auto day = date::floor<date::days>(local);
    const auto minute = static_cast<int>((local - day).count());
    const auto in = [](const std::set<int>& s, int v) { return s.empty() || s.contains(v); };
    return in(minutes, minute % 60) && in(hours, minute / 60) &&
           in(weekdays, static_cast<int>(date::weekday{day}.c_encoding()));
  }
  bool due(date::sys_time<std::chrono::minutes> t, const date::time_zone* zone) const {
    const auto before = zone->get_info(t - std::chrono::minutes{1}).offset;
    const auto now = zone->get_info(t).offset;
    const auto local = date::floor<std::chrono::minutes>(zone->to_local(t));
    // What the gap swallowed.
    for (auto o = before; o < now; o += std::chrono::minutes{1})
      if (shows(date::local_time<std::chrono::minutes>{
              date::floor<std::chrono::minutes>(t.time_since_epoch() + o)}))
        return true;
    if (!shows(local)) return false;
    const auto info = zone->get_info(local);
    const bool second_pass = info.result == date::local_info::ambiguous && t >= info.first.end;
    return !second_pass || hours.empty();
  }
};

std::set<int> some(int below) {
  std::set<int> out;
  for (int n = *rc::gen::inRange(0, 4); n > 0; --n) out.insert(*rc::gen::inRange(0, below));
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(around_clock_changes_each_minute_is_due_exactly_when_it_should_be) {
  BOOST_TEST(rc::check([] {
    // The moment at which each zone's clock changes.
    static const std::vector<std::pair<std::string, std::string>> changes{
        {berlin, "2026-03-29T01:00:00Z"},
        {berlin, "2026-10-25T01:00:00Z"},
        {"America/Havana", "2026-03-08T05:00:00Z"},
        {"America/Havana", "2026-11-01T05:00:00Z"},
        {"Australia/Lord_Howe", "2026-04-04T15:00:00Z"},
        {"Australia/Lord_Howe", "2026-10-03T15:30:00Z"},
        {"Pacific/Apia", "2011-12-30T10:00:00Z"},
        {"Asia/Shanghai", "2026-11-21T00:00:00Z"}};
    const auto& [zone_name, change] = changes[*rc::gen::inRange<std::size_t>(0, changes.size())];
    const auto* zone = date::locate_zone(zone_name);
    for (int n = 0; n < 20; ++n) {
      told expression{some(60), some(24), *rc::gen::inRange(0, 3) == 0 ? some(7) : std::set<int>{}};
      if (*rc::gen::inRange(0, 2) == 0 && !expression.hours.empty())
        expression.hours.insert({0, 1, 2, 3});
      const auto c = cron_expression::parse(expression.text());
      RC_ASSERT(c.has_value());
      const auto from = when(change) + std::chrono::seconds{*rc::gen::inRange(-90'000, 90'000)};
      const auto next = c->next(from, zone_name);
      RC_ASSERT(next.has_value());
      auto t = date::floor<std::chrono::minutes>(
                   date::sys_time<std::chrono::microseconds>{from.time_since_epoch()}) +
               std::chrono::minutes{1};
      int searched = 0;
      while (!expression.due(t, zone) && ++searched < 12'000) t += std::chrono::minutes{1};
      RC_LOG() << expression.text() << " in " << zone_name << " after " << format_rfc3339(from);
      RC_ASSERT(format_rfc3339(*next) == format_rfc3339(timestamp{t.time_since_epoch()}));
    }
  }));
}
