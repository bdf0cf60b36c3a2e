// What a calendar goes through when the daemon is killed, and when the server is away.
#include <atomic>
#include <thread>

#include "tests/app/calendar_cases.hpp"

namespace json = boost::json;
using namespace std::chrono_literals;

namespace pb::app::testing {

BOOST_AUTO_TEST_CASE(kill_9_in_a_burst_loses_nothing_and_doubles_nothing) {
  whole_path w{
      {{"PLANEBRIDGE_PLANE_POLL_INTERVAL_S", "5"}, {"PLANEBRIDGE_PLANE_POLL_GRACE_S", "0"}}};
  constexpr int burst = 40;
  std::vector<std::string> items;
  std::atomic<int> made{0};
  std::thread people{[&] {
    for (int n = 0; n < burst; ++n) {
      items.push_back(w.plane.create("burst " + std::to_string(n) + " 并发",
                                     "2027-08-" + std::to_string(10 + n % 20)));
      ++made;
    }
  }};
  // Hit three times, each time once some of what came since was taken.
  for (int blow = 1; blow <= 3; ++blow) {
    eventually(20s, [&] {
      const auto rows = at(w.daemon.json("/api/v1/deliveries?limit=200"), "/data");
      return made == burst ||
             (rows.is_array() && rows.get_array().size() >= 6u * static_cast<unsigned>(blow));
    });
    w.daemon.kill();
    w.daemon.start();
  }
  people.join();
  const bool all =
      eventually(60s, [&] { return w.calendars.names(w.plane.project()).size() == burst; });
  BOOST_TEST_REQUIRE(all, w.calendars.names(w.plane.project()).size() << " events\n"
                                                                      << w.daemon.log());
  for (std::size_t n = 0; n < items.size(); ++n) {
    const auto e = w.calendars.event(w.url_of(items[n]));
    BOOST_TEST_REQUIRE(e.has_value());
    BOOST_TEST(e->value("DTSTART") == "202708" + std::to_string(10 + n % 20));
    // One write each: what may have been sent before the kill was looked for, not sent again.
    BOOST_TEST(e->value("SEQUENCE") == "0");
  }
  const auto dead = at(w.daemon.json("/api/v1/dead-letters"), "/data");
  BOOST_TEST(dead.as_array().empty());
}

BOOST_AUTO_TEST_CASE(a_calendar_server_that_is_away_at_the_start_is_told_and_waited_for) {
  plane_side plane;
  dav_server calendars{server_under_test};
  calendars.stop();
  bridge daemon;
  plane.configure(daemon);
  calendars.configure(daemon);
  daemon.environment["PLANEBRIDGE_CONCURRENCY_BACKOFF_BASE_MS"] = "100";
  daemon.environment["PLANEBRIDGE_CONCURRENCY_BACKOFF_CAP_MS"] = "500";
  daemon.environment["PLANEBRIDGE_CONCURRENCY_BREAKER_OPEN_S"] = "1";
  daemon.start();
  plane.announce_to(daemon);
  BOOST_TEST(ask({.url = daemon.url() + "/healthz"}).status == 200);
  const auto item = plane.create("early", "2027-10-01");
  json::value health;
  const bool told = eventually(20s, [&] {
    health = daemon.json("/api/v1/health");
    return text_at(health, "/data/dependencies/caldav/state") == "down";
  });
  BOOST_TEST_REQUIRE(told, json::serialize(health));
  BOOST_TEST(text_at(health, "/data/status") == "degraded");
  BOOST_TEST(text_at(health, "/data/dependencies/plane/state") == "up");
  BOOST_TEST(text_at(health, "/data/dependencies/caldav/remedy").find("CALDAV_URL") !=
             std::string::npos);
  BOOST_TEST(!text_at(health, "/data/dependencies/caldav/last_error").empty());
  const auto ready = ask({.url = daemon.url() + "/readyz"});
  BOOST_TEST(ready.status == 200);
  BOOST_TEST(text_at(ready.json(), "/data/down/0") == "caldav");

  calendars.start();
  const auto url = calendars.event_url(plane.project(), item);
  BOOST_TEST_REQUIRE(eventually(30s, [&] { return calendars.event(url).has_value(); }),
                     daemon.log());
  BOOST_TEST(eventually(10s,
                        [&] {
                          health = daemon.json("/api/v1/health");
                          return text_at(health, "/data/status") == "ok";
                        }),
             json::serialize(health));
  BOOST_TEST(text_at(health, "/data/dependencies/caldav/state") == "up");
  BOOST_TEST(ask({.url = daemon.url() + "/readyz"}).body.find("caldav") == std::string::npos);
}

}  // namespace pb::app::testing
