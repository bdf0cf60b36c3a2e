// Webhooks as Plane sends them: what counts as delivered, when it is tried again, when it gives up.
#define BOOST_TEST_MODULE sandbox_sender
#include "sandbox/sender.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>
#include <set>

#include "base/digest.hpp"
#include "sandbox/seed.hpp"
#include "tests/sandbox/virtual_time.hpp"

using namespace pb;
using namespace std::chrono_literals;
namespace sb = pb::sandbox;

namespace {

/// A receiver that does what the test says.
struct receiver final : http::transport {
  std::function<result<protocol::http_response>(const protocol::http_request&)> behave =
      [](const protocol::http_request&) {
        return protocol::http_response{200, {}, ""};
      };
  std::vector<protocol::http_request> got;
  void send(protocol::http_request r, http::call_limits, completion done) override {
    got.push_back(r);
    done(behave(r));
  }
  static std::string header(const protocol::http_request& r, std::string_view name) {
    for (const auto& h : r.headers)
      if (h.name == name) return h.value;
    return {};
  }
};

struct world {
  test::virtual_time time;
  seeded_random random{5};
  sb::plane plane{time.clock, random};
  sb::fault_set faults{random};
  sb::seeded seeds = sb::seed_demo(plane, secret{"key"});
  std::string hook = plane.add_webhook(
      "demo", {.url = "http://bridge.test/hook", .signing_secret = secret{"plane_wh_x"}});
  receiver target;
  sb::webhook_sender sender{plane, faults, target, time.scheduler()};

  void change(const std::string& body, std::size_t item = 0) {
    sb::inbound in;
    in.method = "PATCH";
    in.path = "/api/v1/workspaces/demo/projects/" + seeds.projects[0].id + "/issues/" +
              seeds.projects[0].item_ids[item] + "/";
    in.headers = {{"X-API-Key", "key"}, {"Content-Type", "application/json"}};
    in.body = body;
    BOOST_REQUIRE(plane.handle(in).status == 200);
    sender.pump();
  }
  boost::json::value body(std::size_t n) const { return boost::json::parse(target.got.at(n).body); }
};

failure refused() {
  return failure{errc::upstream_down, "test", "connection refused", {}, 0, {}, {}};
}

}  // namespace

BOOST_AUTO_TEST_CASE(one_edit_of_two_fields_is_two_posts_signed_over_the_raw_body) {
  world w;
  w.change(R"({"name": "新名字 😀", "priority": "low"})");
  BOOST_TEST(w.target.got.empty());  // a background job sends them a little later
  w.time.run_for(1s);
  BOOST_REQUIRE(w.target.got.size() == 2u);
  for (const auto& r : w.target.got) {
    BOOST_TEST(r.method == "POST");
    BOOST_TEST(receiver::header(r, "X-Plane-Event") == "issue");
    BOOST_TEST(receiver::header(r, "X-Plane-Signature") ==
               to_hex(hmac_sha256("plane_wh_x", r.body)));
    BOOST_TEST(
        std::all_of(r.body.begin(), r.body.end(), [](char c) { return c >= 0x20 && c < 0x7F; }));
  }
  BOOST_TEST(w.target.got[0].body.find("\\u65b0\\u540d\\u5b57 \\ud83d\\ude00") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(data_is_the_item_as_it_is_when_the_webhook_is_sent) {
  world w;
  w.change(R"({"priority": "low"})");
  w.change(R"({"name": "later name"})");
  w.time.run_for(1s);
  BOOST_REQUIRE(w.target.got.size() == 2u);
  for (std::size_t i = 0; i < 2; ++i)
    BOOST_TEST(w.body(i).at("data").at("name").as_string() == "later name");
}

BOOST_AUTO_TEST_CASE(any_answer_counts_as_delivered_even_a_500) {
  world w;
  w.target.behave = [](const auto&) { return protocol::http_response{500, {}, ""}; };
  w.change(R"({"priority": "low"})");
  w.time.run_for(2h);
  BOOST_TEST(w.target.got.size() == 1u);
  BOOST_TEST(w.sender.log().back().state == "delivered");
  BOOST_TEST(w.sender.log().back().status == 500);
}

BOOST_AUTO_TEST_CASE(a_refused_connection_is_tried_six_times_and_then_the_webhook_is_off) {
  world w;
  w.target.behave = [](const auto&) { return refused(); };
  w.change(R"({"priority": "low"})");
  w.time.run_for(51min);
  BOOST_REQUIRE(w.target.got.size() == 6u);
  std::set<std::string> bodies, deliveries;
  for (const auto& r : w.target.got) {
    bodies.insert(r.body);
    deliveries.insert(receiver::header(r, "X-Plane-Delivery"));
  }
  BOOST_TEST(bodies.size() == 1u);
  BOOST_TEST(deliveries.size() == 6u);
  BOOST_TEST(w.sender.log().back().state == "given_up");
  w.target.behave = [](const auto&) { return protocol::http_response{200, {}, ""}; };
  w.change(R"({"priority": "high"})");
  w.time.run_for(1h);
  BOOST_TEST(w.target.got.size() == 6u);  // nothing is sent while it is inactive
  BOOST_TEST(w.sender.unfinished() == 0u);
}

BOOST_AUTO_TEST_CASE(a_retry_that_succeeds_ends_the_matter) {
  world w;
  int failures = 2;
  w.target.behave = [&](const auto&) -> result<protocol::http_response> {
    if (failures-- > 0) return refused();
    return protocol::http_response{200, {}, ""};
  };
  w.change(R"({"priority": "low"})");
  w.time.run_for(1h);
  BOOST_TEST(w.target.got.size() == 3u);
  BOOST_TEST(w.sender.log().back().state == "delivered");
}

BOOST_AUTO_TEST_CASE(a_name_that_does_not_resolve_is_dropped_without_a_retry) {
  world w;
  w.target.behave = [](const auto&) {
    return failure{errc::dns, "test", "no such name", {}, 0, {}, {}};
  };
  w.change(R"({"priority": "low"})");
  w.time.run_for(1h);
  BOOST_TEST(w.target.got.size() == 1u);
  BOOST_TEST(w.sender.log().back().state == "dropped");
}

BOOST_AUTO_TEST_CASE(faults_lose_duplicate_and_reorder_webhooks) {
  world w;
  w.faults.add({.kind = sb::fault_kind::webhook_lost, .method = "issue", .count = 1u});
  w.change(R"({"name": "lost"})");
  w.time.run_for(1s);
  BOOST_TEST(w.target.got.empty());
  w.faults.add({.kind = sb::fault_kind::webhook_duplicated, .path = "issue/updated", .count = 1u});
  w.change(R"({"name": "twice"})");
  w.time.run_for(1s);
  BOOST_REQUIRE(w.target.got.size() == 2u);
  BOOST_TEST(w.target.got[0].body == w.target.got[1].body);
  BOOST_TEST(receiver::header(w.target.got[0], "X-Plane-Delivery") !=
             receiver::header(w.target.got[1], "X-Plane-Delivery"));
  w.faults.add({.kind = sb::fault_kind::webhook_reordered, .count = 1u, .delay = 5s});
  w.change(R"({"name": "first"})");
  w.time.run_for(1s);
  w.change(R"({"name": "second"})");
  w.time.run_for(10s);
  BOOST_REQUIRE(w.target.got.size() == 4u);
  BOOST_TEST(w.body(2).at("activity").at("new_value").as_string() == "second");
  BOOST_TEST(w.body(3).at("activity").at("new_value").as_string() == "first");
}

BOOST_AUTO_TEST_CASE(each_duplicating_fault_adds_one_copy) {
  world w;
  for (int i = 0; i < 3; ++i)
    w.faults.add(
        {.kind = sb::fault_kind::webhook_duplicated, .path = "issue/updated", .count = 1u});
  w.change(R"({"name": "four times"})");
  w.time.run_for(1s);
  BOOST_TEST(w.target.got.size() == 4u);
}

BOOST_AUTO_TEST_CASE(deleting_a_work_item_is_announced_by_the_old_release_only) {
  for (const auto release : {sb::flavour::v1_3, sb::flavour::v0_25}) {
    test::virtual_time time;
    seeded_random random{5};
    sb::plane plane{time.clock, random, {.release = release}};
    const auto seeds = sb::seed_demo(plane, secret{"key"});
    plane.add_webhook("demo", {.url = "http://bridge.test/hook", .signing_secret = secret{"s"}});
    sb::inbound in;
    in.method = "DELETE";
    in.path = "/api/v1/workspaces/demo/projects/" + seeds.projects[0].id + "/issues/" +
              seeds.projects[0].item_ids[0] + "/";
    in.headers = {{"X-API-Key", "key"}};
    BOOST_TEST(plane.handle(in).status == 204);
    const auto sent = plane.take_webhooks();
    BOOST_TEST(sent.size() == (release == sb::flavour::v0_25 ? 1u : 0u));
  }
}
