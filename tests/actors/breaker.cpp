// The circuit breaker of an integration: opens, lets one probe through, closes; what waits behind
// it loses nothing, and the other integration does not notice.
#define BOOST_TEST_MODULE actors_breaker
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "world.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;

namespace {

struct bridge : world {
  bridge() {
    settings.calendar.full_sync_interval = 24h;
    settings.concurrency.breaker_half_open_probes = 2;
    start();
    run_for(10s);
  }
  std::string breaker_of(const char* integration) {
    const auto h = boost::json::parse(inspector().health(true));
    return std::string{h.at("data").at("dependencies").at(integration).at("breaker").as_string()};
  }
  void calendar_down() {
    faults.push_back({.what = wire_fault::kind::status, .url = dav_server::origin, .status = 503});
  }
  std::size_t dav_calls(std::size_t from = 0) const {
    return calls_to("", dav_server::origin, from).size();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(failures_in_a_row_open_it_and_then_nothing_is_sent_for_a_while, bridge) {
  calendar_down();
  const auto from = calls.size();
  for (int n = 0; n < 20; ++n) create("Item", "2026-12-04");
  BOOST_TEST(run_until([&] { return breaker_of("caldav") == "open"; }, 1min));
  BOOST_TEST(dav_calls(from) >= settings.concurrency.breaker_failures);
  // Calls already on their way may still end.
  BOOST_TEST(dav_calls(from) <=
             settings.concurrency.breaker_failures + settings.concurrency.caldav_parallel);
  const auto before = calls.size();
  run_for(29s);
  BOOST_TEST(dav_calls(before) == 0u);
  BOOST_TEST(breaker_of("plane") == "closed");
  // Half open: one at a time.
  run_for(3s);
  BOOST_TEST(dav_calls(before) == 1u);
}

BOOST_FIXTURE_TEST_CASE(while_it_is_open_waiting_effects_spend_no_attempts, bridge) {
  calendar_down();
  std::vector<std::string> items;
  for (int n = 0; n < 30; ++n) items.push_back(create("Item " + std::to_string(n), "2026-12-04"));
  run_for(20min);
  std::int64_t spent = 0;
  for (const auto& item : items)
    for (const auto& e : effects(item)) spent += e.attempts;
  // The failures that opened it, and one probe each half minute.
  BOOST_TEST(spent <= 60);
  BOOST_TEST(counts().dead_effects == 0);
  faults.clear();
  BOOST_TEST(settle(30min));
  BOOST_TEST(breaker_of("caldav") == "closed");
  BOOST_TEST(counts().dead_effects == 0);
  for (const auto& item : items) BOOST_TEST(dav.count(item) == 1u);
}

BOOST_FIXTURE_TEST_CASE(it_closes_only_after_as_many_good_probes_as_configured, bridge) {
  calendar_down();
  const auto item = create("Item", "2026-12-04");
  BOOST_TEST(run_until([&] { return breaker_of("caldav") == "open"; }, 10min));
  faults.clear();
  BOOST_TEST(run_until([&] { return breaker_of("caldav") == "half-open"; }, 2min));
  BOOST_TEST(run_until([&] { return breaker_of("caldav") == "closed"; }, 2min));
  BOOST_TEST(settle(10min));
  BOOST_TEST(dav.count(item) == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_calendar_that_is_down_leaves_plane_alone, bridge) {
  calendar_down();
  const auto item = create("Item", "2026-12-04");
  run_for(5min);
  const auto from = calls.size();
  run_for(5min);
  BOOST_TEST(calls_to("GET", "plane.test", from).size() >= 5u);
  for (const auto& c : calls_to("GET", "plane.test", from)) BOOST_TEST(c.status == 200);
  move_to(item, "2026-12-09");
  BOOST_TEST(run_until([&] { return counts().pending == 0; }, 10s));
}

BOOST_FIXTURE_TEST_CASE(plane_that_is_down_leaves_planned_writes_alone, bridge) {
  const auto item = create("Item", "2026-12-04");
  BOOST_TEST(settle());
  faults.push_back({.what = wire_fault::kind::reset, .url = "http://plane.test"});
  run_for(10min);
  move_to(item, "2026-12-09");  // its webhook carries all that is needed
  BOOST_TEST(
      run_until([&] { return property(dav.find(item)->text, "DTSTART") == "20261209"; }, 10s));
  BOOST_TEST(breaker_of("caldav") == "closed");
}
