// The sentinel over simulated months: how often it alarms for nothing, how fast it notices.
#define BOOST_TEST_MODULE sync_sentinel_months
#include "sentinel_month.hpp"

#include <boost/test/unit_test.hpp>
#include <iomanip>
#include <iostream>

using namespace pb;
using namespace pb::test;
using sync::webhook_state;

namespace {

#ifdef __SANITIZE_ADDRESS__  // thirty times slower, and judging memory needs no statistics
constexpr std::uint32_t months_each = 3, outages_each = 2;
#else
constexpr std::uint32_t months_each = 24, outages_each = 8;
#endif

struct row {
  std::string name;
  team people;
};

std::vector<row> teams() {
  std::vector<row> out;
  out.push_back({"six people, all announced", {}});
  out.push_back({"a program's writes tell nobody", {.api_is_announced = false}});
  out.push_back({"two people, 6 edits a day", {.edits_per_day = 6, .people = 2}});
  out.push_back({"one webhook of 100 lost, 3 % late", {.lost = 0.01, .late = 0.03}});
  out.push_back({"Plane's clock 10 min ahead", {.clock_ahead = 600s}});
  out.push_back({"Plane's clock 10 min behind", {.clock_ahead = -600s}});
  return out;
}

double minutes(std::chrono::microseconds d) {
  return std::chrono::duration<double, std::ratio<60>>(d).count();
}
double share_of(std::vector<double>& v, double share) {
  if (v.empty()) return 0;
  std::sort(v.begin(), v.end());
  return v[std::min(v.size() - 1, static_cast<std::size_t>(share * static_cast<double>(v.size())))];
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_healthy_month_has_no_false_alarm) {
  std::cout << "healthy months | changes | unannounced | doubts | false alarms (each per month)\n";
  for (auto t : teams()) {
    std::size_t changes = 0, unannounced = 0, doubts = 0, alarms = 0;
    for (std::uint32_t seed = 1; seed <= months_each; ++seed) {
      t.people.seed = seed;
      const auto r = month{t.people}.run();
      changes += r.changes;
      unannounced += r.unannounced;
      doubts += r.doubts;
      alarms += r.alarms;
    }
    const auto mean = [](std::size_t n) { return static_cast<double>(n) / months_each; };
    std::cout << std::fixed << std::setprecision(2) << t.name << " | " << mean(changes) << " | "
              << mean(unannounced) << " | " << mean(doubts) << " | " << mean(alarms) << '\n';
    BOOST_TEST(alarms == 0u, t.name << ": " << alarms << " false alarms");
  }
}

BOOST_AUTO_TEST_CASE(an_outage_is_noticed_within_two_polls_of_its_first_lost_change) {
  const struct {
    outage::kind what;
    const char* name;
    std::chrono::hours at;
  } kinds[] = {{outage::kind::off, "webhook off at 10:00", 10h},
               {outage::kind::off, "webhook off at 20:00", 20h},
               {outage::kind::secret, "secret changed at 10:00", 10h},
               {outage::kind::items_off, "work items unticked at 10:00", 10h}};
  std::cout << "outage, team | noticed, minutes after the first lost change, p50 / max | alarm, "
               "p50 / max\n";
  for (const auto& kind : kinds)
    for (auto t : teams()) {
      std::vector<double> noticed, alarmed;
      for (std::uint32_t seed = 1; seed <= outages_each; ++seed) {
        t.people.seed = 1000 + seed;
        outage o;
        o.what = kind.what;
        o.from = month::start + 24h * (14 + seed % 4) + kind.at;
        o.until = o.from + 72h;
        const auto r = month{t.people, o}.run();
        BOOST_TEST_CONTEXT(kind.name << ", " << t.name << ", seed " << seed) {
          BOOST_REQUIRE(r.first_lost.has_value());
          BOOST_REQUIRE(r.noticed.has_value());
          BOOST_REQUIRE(r.alarmed.has_value());
          BOOST_TEST(r.cleared.has_value());
          noticed.push_back(minutes(*r.noticed - *r.first_lost));
          alarmed.push_back(minutes(*r.alarmed - *r.first_lost));
          BOOST_TEST(noticed.back() <= 2.0);
        }
      }
      std::cout << std::fixed << std::setprecision(1) << kind.name << ", " << t.name << " | "
                << share_of(noticed, 0.5) << " / " << share_of(noticed, 1) << " | "
                << share_of(alarmed, 0.5) << " / " << share_of(alarmed, 1) << '\n';
    }
}
