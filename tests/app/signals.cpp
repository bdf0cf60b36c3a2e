// SIGTERM: nothing new is taken, what is in flight is finished within shutdown_grace_s, the rest is
// left to the journal.
#define BOOST_TEST_MODULE signals
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/test/unit_test.hpp>
#include <csignal>

#include "tests/app/bridge.hpp"

using namespace pb::app::testing;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

const std::string ignored_body =
    R"({"event":"module","action":"create","webhook_id":"5e000000-0000-4000-8000-000000000001",)"
    R"("workspace_id":"5e000000-0000-4000-8000-000000000002",)"
    R"("data":{"id":"5e000000-0000-4000-8000-000000000003"}})";

/// Takes connections and never answers.
class silent_server {
public:
  silent_server() : listener_(io_, {boost::asio::ip::make_address("127.0.0.1"), 0}) {}
  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(listener_.local_endpoint().port()) + "/";
  }

private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor listener_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(sigterm_ends_an_idle_daemon_at_once_with_exit_status_0) {
  for (const int number : {SIGTERM, SIGINT}) {
    bridge b;
    b.start();
    const auto begun = std::chrono::steady_clock::now();
    b.process().signal(number);
    BOOST_TEST_REQUIRE(b.process().wait(20s).has_value(), b.log());
    BOOST_TEST(*b.process().wait(0ms) == 0);
    // shutdown_grace_s is 20: an idle daemon does not use it up.
    BOOST_TEST((std::chrono::steady_clock::now() - begun < 8s));
    BOOST_TEST(b.log().find("stopped") != std::string::npos);
    BOOST_TEST(ask({.url = b.url() + "/healthz"}).status == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_start_that_fails_after_the_actors_began_ends_with_status_1_and_says_why) {
  bridge holder;
  holder.start();
  // Its actors were still ending while what they refer to was gone: not every time.
  for (int n = 0; n < 8; ++n) {
    bridge late;
    late.environment["PORT"] = std::to_string(holder.port());
    late.launch();
    BOOST_TEST_REQUIRE(late.process().wait(20s).has_value(), late.log());
    BOOST_TEST(*late.process().wait(0ms) == 1);
    BOOST_TEST(late.log().find("cannot listen on 127.0.0.1") != std::string::npos, late.log());
  }
}

BOOST_AUTO_TEST_CASE(a_request_in_flight_is_answered_and_journaled_while_new_ones_are_refused) {
  bridge b;
  b.environment["PLANE_WEBHOOK_SECRET"] = webhook_secret;
  b.environment["PLANEBRIDGE_SERVER_SHUTDOWN_GRACE_S"] = "30";
  b.start();
  raw_connection in_flight{b.port()};
  const auto half = ignored_body.size() / 2;
  in_flight.send(
      "POST /webhooks/plane HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "X-Plane-Event: module\r\nX-Plane-Delivery: 5e000000-0000-4000-8000-00000000000a\r\n"
      "X-Plane-Signature: " +
      signature_of(ignored_body, webhook_secret) + "\r\nExpect: 100-continue\r\nContent-Length: " +
      std::to_string(ignored_body.size()) + "\r\n\r\n");
  BOOST_TEST(!in_flight.read_until("100 Continue").empty());
  in_flight.send(ignored_body.substr(0, half));

  b.process().signal(SIGTERM);
  BOOST_TEST(eventually(
      10s, [&] { return ask({.url = b.url() + "/healthz", .seconds = 2}).status == 0; }));
  BOOST_TEST(b.process().runs());
  in_flight.send(ignored_body.substr(half));
  BOOST_TEST(!in_flight.read_until("\"status\":\"ignored\"").empty());
  BOOST_TEST(b.process().wait(20s).value_or(-1) == 0);

  b.start();
  const auto rows = at(b.json("/api/v1/deliveries"), "/data");
  BOOST_TEST_REQUIRE(rows.as_array().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_request_that_does_not_end_is_cut_off_when_the_grace_is_over) {
  bridge b;
  b.environment["PLANE_WEBHOOK_SECRET"] = webhook_secret;
  b.environment["PLANEBRIDGE_SERVER_SHUTDOWN_GRACE_S"] = "2";
  b.start();
  raw_connection slow{b.port()};
  slow.send(
      "POST /webhooks/plane HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
      "X-Plane-Signature: " +
      std::string(64, '0') + "\r\nContent-Length: 100\r\n\r\n");
  BOOST_TEST(!slow.read_until("100 Continue").empty());
  const auto begun = std::chrono::steady_clock::now();
  BOOST_TEST(b.stop(20s) == 0);
  BOOST_TEST((std::chrono::steady_clock::now() - begun < 8s));
  BOOST_TEST(slow.ended());
}

BOOST_AUTO_TEST_CASE(an_effect_that_the_grace_cannot_finish_waits_in_the_journal) {
  plane_side plane;
  const silent_server calendar;
  bridge b;
  plane.configure(b);
  b.environment["CALDAV_URL"] = calendar.url();
  b.environment["CALDAV_USERNAME"] = "u";
  b.environment["CALDAV_PASSWORD"] = "p";
  b.environment["PLANEBRIDGE_SERVER_SHUTDOWN_GRACE_S"] = "1";
  b.start();
  plane.announce_to(b);
  plane.create("never written", "2027-10-01");
  BOOST_TEST_REQUIRE(eventually(20s,
                                [&] {
                                  const auto rows =
                                      at(b.json("/api/v1/effects?status=waiting"), "/data");
                                  return rows.is_array() && rows.get_array().size() == 1;
                                }),
                     b.log());
  const auto begun = std::chrono::steady_clock::now();
  BOOST_TEST(b.stop(20s) == 0);
  BOOST_TEST((std::chrono::steady_clock::now() - begun < 8s));

  b.start();
  const auto rows = at(b.json("/api/v1/effects?status=waiting"), "/data");
  BOOST_TEST_REQUIRE(rows.as_array().size() == 1u);
  BOOST_TEST(text_at(rows, "/0/operation") == "caldav.put_event");
}
