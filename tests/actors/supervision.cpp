// Crashes: a connector is restarted with backoff and within an intensity, its siblings do not
// notice; a delivery that cannot be judged dies after its attempts, and its entity goes on.
#define BOOST_TEST_MODULE actors_supervision
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "world.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;
using persistence::delivery_status;
namespace json = boost::json;

namespace {

struct bridge : world {
  bridge() {
    start();
    run_for(10s);
  }
  std::int64_t restarts(const std::string& kind, const std::string& key = {}) {
    std::int64_t n = 0;
    const auto all = json::parse(actors(kind, key));
    for (const auto& row : all.at("data").as_array())
      n += row.at("restarts").to_number<std::int64_t>();
    return n;
  }
  /// Judging this item's deliveries throws, as a bug would.
  void poison(const std::string& item) {
    on_submit = [this, item](const persistence::write& unit) {
      for (const auto& e : unit.entities)
        for (const auto& m : unit.marks)
          if (e.key.id() == item && m.status == delivery_status::done) {
            ++thrown;
            throw std::runtime_error("a bug in judging");
          }
    };
  }
  int thrown = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_connector_that_crashes_is_restarted_and_what_it_held_is_tried_again,
                        bridge) {
  const auto item = create("Item", "2026-12-04");
  faults.push_back({.what = wire_fault::kind::throws, .method = "PUT", .count = 3});
  BOOST_TEST(settle(10min));
  BOOST_TEST(dav.count(item) == 1u);
  BOOST_TEST(restarts("supervisor", "caldav") == 3);
  BOOST_TEST(restarts("supervisor", "plane") == 0);
  BOOST_TEST(link(item)->state == "live");
}

BOOST_FIXTURE_TEST_CASE(a_connector_that_crashes_at_every_call_restarts_within_its_intensity,
                        bridge) {
  faults.push_back({.what = wire_fault::kind::throws, .url = dav_server::origin});
  for (int n = 0; n < 50; ++n) create("Item " + std::to_string(n), "2026-12-04");
  run_for(60s);
  // As many as the window allows, then one each half minute.
  BOOST_TEST(restarts("supervisor", "caldav") >= 5);
  BOOST_TEST(restarts("supervisor", "caldav") <= 8);
  BOOST_TEST(restarts("supervisor", "plane") == 0);
  faults.clear();
  BOOST_TEST(settle(30min));
  BOOST_TEST(dav.events() == 50u);
}

BOOST_FIXTURE_TEST_CASE(plane_goes_on_being_polled_while_the_calendar_connector_crashes, bridge) {
  faults.push_back({.what = wire_fault::kind::throws, .url = dav_server::origin});
  create("Item", "2026-12-04");
  run_for(30s);
  const auto from = calls.size();
  run_for(5min);
  BOOST_TEST(calls_to("GET", "plane.test", from).size() >= 4u);
}

BOOST_FIXTURE_TEST_CASE(a_delivery_that_cannot_be_judged_dies_after_its_attempts_and_others_go_on,
                        bridge) {
  const auto item = create("Poison", "2026-12-04");
  const auto other = create("Other", "2026-12-05");
  poison(item);
  BOOST_TEST(run_until([&] { return counts().dead_deliveries == 1; }, 2min));
  BOOST_TEST(thrown == 3);
  BOOST_TEST(dav.count(other) == 1u);
  on_submit = {};
  const auto dead = deliveries(item).front();
  BOOST_TEST((dead.status == delivery_status::dead));
  BOOST_TEST(dead.reason.find("a bug in judging") != std::string::npos, dead.reason);
  move_to(item, "2026-12-09");
  BOOST_TEST(settle());
  BOOST_TEST(dav.count(item) == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_delivery_that_cannot_be_judged_after_its_read_dies_too, bridge) {
  const auto item = create("Poison", "2026-12-04");
  BOOST_TEST(settle());
  run_for(2min);
  poison(item);
  auto body = webhook_bodies.back();
  const auto at = body.find("Poison");
  BOOST_REQUIRE(at != std::string::npos);
  body.replace(at, 6, "Other!");  // the same time, other values: it is read
  BOOST_TEST(post_webhook(body) == 200);
  BOOST_TEST(run_until([&] { return counts().dead_deliveries == 1; }, 5min));
  BOOST_TEST(thrown == 3);
  on_submit = {};
  move_to(item, "2026-12-09");
  BOOST_TEST(settle());
  BOOST_TEST(property(dav.find(item)->text, "DTSTART") == "20261209");
}

BOOST_FIXTURE_TEST_CASE(a_dead_delivery_can_be_retried_or_skipped, bridge) {
  const auto item = create("Poison", "2026-12-04");
  poison(item);
  BOOST_TEST(run_until([&] { return counts().dead_deliveries == 1; }, 2min));
  on_submit = {};
  const auto id = "d" + std::to_string(deliveries(item).front().seq);
  BOOST_TEST(retry(id).has_value());
  BOOST_TEST(settle());
  BOOST_TEST(dav.count(item) == 1u);
  BOOST_TEST((deliveries(item).front().status == delivery_status::skipped));
  BOOST_TEST(!retry(id).has_value());
  BOOST_TEST(!skip("d424242").has_value());
  BOOST_TEST(!retry("x1").has_value());
}

BOOST_FIXTURE_TEST_CASE(an_effect_whose_handling_crashes_uses_up_its_attempts_like_any_other,
                        bridge) {
  const auto item = create("Item", "2026-12-04");
  on_submit = [&](const persistence::write& unit) {
    for (const auto& e : unit.effects)
      if (e.entity.id() == item && e.status == persistence::effect_status::done)
        throw std::runtime_error("a bug in settling");
  };
  BOOST_TEST(run_until([&] { return counts().dead_effects == 1; }, 24h));
  on_submit = {};
  BOOST_TEST(run_until([&] { return counts().dead_effects == 0; }, 30min));
  BOOST_TEST(settle());
  BOOST_TEST(dav.count(item) == 1u);
  BOOST_TEST(link(item)->state == "live");
}

BOOST_FIXTURE_TEST_CASE(whoever_of_the_tree_crashes_is_restarted_and_nothing_is_lost, bridge) {
  const auto item = create("Item", "2026-12-04");
  BOOST_TEST(settle());
  // One after the other meets a bug: the store's interface throws where it is used.
  for (const char* source : {"plane", "caldav"}) {
    int left = 2;
    on_submit = [&](const persistence::write& unit) {
      for (const auto& a : unit.appends)
        if (a.row.source == source && left-- > 0) throw std::runtime_error("a bug");
    };
    lose_webhooks = true;
    if (source == std::string{"plane"})
      move_to(item, "2026-12-10");
    else
      dav.edit(item, "\r\nSUMMARY:", "\r\nSUMMARY:x");
    run_for(20min);
    BOOST_TEST(left < 0);
  }
  on_submit = {};
  lose_webhooks = false;
  int left = 3;
  on_read = [&] {
    if (left-- > 0) throw std::runtime_error("a bug");
  };
  run_for(5min);
  const auto fresh = create("Fresh", "2026-12-20");
  move_to(item, "2026-12-21");
  BOOST_TEST(settle(30min));
  BOOST_TEST(dav.count(fresh) == 1u);
  BOOST_TEST(property(dav.find(item)->text, "DTSTART") == "20261221");
  BOOST_TEST(restarts("supervisor", "plane-watch") >= 1);
  BOOST_TEST(restarts("supervisor", "calendar-watch") >= 1);
  BOOST_TEST(restarts("supervisor", "dispatcher") >= 1);
  // One actor per item, also after the dispatcher was made anew.
  BOOST_TEST(json::parse(actors("issue", item)).at("data").as_array().size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_webhook_that_the_store_throws_at_is_not_acknowledged_and_comes_again,
                        bridge) {
  int left = 1;
  on_submit = [&](const persistence::write& unit) {
    for (const auto& a : unit.appends)
      if (a.row.form == "plane.webhook" && left-- > 0) throw std::runtime_error("a bug");
  };
  const auto item = create("Item", "2026-12-04");
  BOOST_TEST(run_until([&] { return webhook_bodies.size() == 2; }, 11min));
  BOOST_TEST(settle());
  BOOST_TEST(dav.count(item) == 1u);
}
