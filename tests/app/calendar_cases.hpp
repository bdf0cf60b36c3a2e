// The whole path from Plane's webhook to a stored event; each program of calendar_on_* runs these
// cases against one real calendar server.
#pragma once
#include <boost/test/unit_test.hpp>

#include "tests/app/dav_server.hpp"

namespace pb::app::testing {

/// Set by the program's main file.
extern const dav_kind server_under_test;
/// main() of such a program: 77 when the server is not installed here.
int run_on_server(int argc, char** argv);

/// Plane, calendar server and daemon, wired to each other.
struct whole_path {
  plane_side plane;
  dav_server calendars{server_under_test};
  bridge daemon;

  explicit whole_path(const variables& more = {}) {
    plane.configure(daemon);
    calendars.configure(daemon);
    // Polls and scans stay out of the way: what is not announced is found when the test says so.
    daemon.environment["PLANEBRIDGE_PLANE_POLL_INTERVAL_S"] = "86400";
    daemon.environment["PLANEBRIDGE_PLANE_SCAN_INTERVAL_S"] = "604800";
    daemon.environment["PLANEBRIDGE_CALENDAR_FULL_SYNC_INTERVAL_S"] = "0";
    for (const auto& [name, value] : more) daemon.environment[name] = value;
    daemon.start();
    plane.announce_to(daemon);
  }

  [[nodiscard]] std::string url_of(const std::string& item) const {
    return calendars.event_url(plane.project(), item);
  }
  /// The event once it is as `condition` wants; the case ends when it never is.
  stored_event wait_for(const std::string& item,
                        const std::function<bool(const stored_event&)>& condition) {
    std::optional<stored_event> seen;
    const bool came = eventually(milliseconds{30'000}, [&] {
      seen = calendars.event(url_of(item));
      return seen && condition(*seen);
    });
    BOOST_TEST_REQUIRE(came, "the event is " << (seen ? seen->text : "not there") << "\nthe log:\n"
                                             << daemon.log());
    return *seen;
  }
  stored_event wait_for(const std::string& item, const std::string& property,
                        const std::string& value) {
    return wait_for(item, [&](const stored_event& e) { return e.value(property) == value; });
  }
  void wait_gone(const std::string& item) {
    BOOST_TEST_REQUIRE(eventually(milliseconds{30'000},
                                  [&] { return calendars.gone(url_of(item)); }),
                       "still there\n"
                           << daemon.log());
  }
  /// Plane's own announcement came and was handled: a poll may know of the item before it.
  void wait_announced(const std::string& item, const std::string& event) const {
    BOOST_TEST_REQUIRE(eventually(milliseconds{30'000}, [&] {
      const auto rows = daemon.json("/api/v1/deliveries?status=done&event=" + event +
                                    "&entity=plane:issue:" + item);
      return at(rows, "/data").is_array() && !at(rows, "/data").as_array().empty();
    }));
  }
  finished sync(std::vector<std::string> more = {}) const {
    std::vector<std::string> words{"sync", "now"};
    words.insert(words.end(), more.begin(), more.end());
    auto f = daemon.command_line(words);
    BOOST_TEST_REQUIRE(f.code == 0, f.out << f.err << daemon.log());
    return f;
  }
  /// No effect waits or is under way: what a sync handed to the actors is done.
  void wait_idle() const {
    BOOST_TEST_REQUIRE(eventually(milliseconds{30'000}, [&] {
      for (const auto* status : {"waiting", "pending"})
        for (const auto* what : {"effects", "deliveries"}) {
          if ((std::string{status} == "waiting") != (std::string{what} == "effects")) continue;
          const auto rows = daemon.json(std::string{"/api/v1/"} + what + "?status=" + status);
          if (!at(rows, "/data").is_array() || !at(rows, "/data").as_array().empty()) return false;
        }
      return true;
    }));
  }
};

}  // namespace pb::app::testing
