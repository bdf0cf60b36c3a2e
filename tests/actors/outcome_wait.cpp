// What is seen in a calendar while our own write of that event is under way: judged after the
// write's outcome, or when the time for it is up.
#define BOOST_TEST_MODULE actors_outcome_wait
#include <boost/test/unit_test.hpp>

#include "world.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;

namespace {

struct bridge : world {
  explicit bridge(std::chrono::seconds patience) {
    settings.concurrency.outcome_wait = patience;
    settings.calendar.full_sync_interval = 0s;  // only the sync that is asked for looks
    start();
    run_for(10s);
  }
  /// An item whose write hangs, and whose event a person has edited meanwhile, as a full sync saw.
  std::string seen_during_a_write() {
    const auto item = create("Item", "2026-12-04");
    BOOST_REQUIRE(settle());
    faults.push_back({.what = wire_fault::kind::never, .method = "PUT"});
    const auto from = calls.size();
    move_to(item, "2026-12-20");
    BOOST_REQUIRE(run_until([&] { return !calls_to("PUT", item, from).empty(); }, 1min));
    dav.edit(item, "SUMMARY:[1] Item", "SUMMARY:Mine");
    (void)sync_now();
    BOOST_REQUIRE(observation(item).has_value());
    return item;
  }
  std::optional<persistence::delivery> observation(const std::string& item) {
    for (const auto& d : deliveries(item))
      if (d.form == "calendar.observed") return d;
    return {};
  }
  bool waits(const std::string& item) {
    return observation(item)->status == persistence::delivery_status::pending;
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(an_observation_waits_for_our_own_write_and_no_longer_than_configured) {
  bridge w{30s};
  const auto item = w.seen_during_a_write();
  w.run_for(20s);
  BOOST_TEST(w.waits(item));
  w.run_for(15s);
  BOOST_TEST(!w.waits(item));
  const auto reason = w.observation(item)->reason;
  BOOST_TEST(reason.find("a write of this event is on its way") != std::string::npos, reason);
}

BOOST_AUTO_TEST_CASE(the_configuration_says_how_long_an_observation_waits) {
  bridge w{300s};
  const auto item = w.seen_during_a_write();
  w.run_for(200s);
  BOOST_TEST(w.waits(item));
  w.run_for(105s);
  BOOST_TEST(!w.waits(item));
}
