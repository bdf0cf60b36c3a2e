// Order and memory: one entity's events one at a time, others meanwhile; what is not in memory
// waits in the journal.
#define BOOST_TEST_MODULE actors_issue_order
#include <boost/test/unit_test.hpp>

#include "world.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;

namespace {

bool has(const std::string& text, const std::string& piece) {
  return text.find(piece) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_write_that_hangs_holds_up_its_own_item_only_and_planning_goes_on) {
  world w;
  w.start();
  w.run_for(10s);
  const auto stuck = w.create("Stuck", "2026-12-04");
  w.faults.push_back({.what = wire_fault::kind::never, .method = "PUT", .url = stuck});
  BOOST_TEST(w.run_until([&] { return !w.calls_to("PUT", stuck).empty(); }, 10s));
  w.move_to(stuck, "2026-12-05");
  const auto other = w.create("Other", "2026-12-06");
  BOOST_TEST(w.run_until([&] { return w.dav.count(other) == 1; }, 10s));
  // Planned, though not sent: the second effect waits behind the first.
  BOOST_TEST(w.run_until([&] { return w.effects(stuck).size() == 2; }, 10s));
  w.run_for(20s);
  BOOST_TEST(w.calls_to("PUT", stuck).size() == 1u);
  BOOST_TEST(w.counts().pending == 0);
}

BOOST_AUTO_TEST_CASE(events_of_one_item_are_handled_in_journal_order) {
  world w;
  w.start();
  w.run_for(10s);
  const auto item = w.create("Item", "2026-12-04");
  for (int day = 10; day < 20; ++day) w.move_to(item, "2026-12-" + std::to_string(day));
  std::int64_t cursor = 0;
  bool backwards = false;
  w.on_submit = [&](const persistence::write& unit) {
    for (const auto& e : unit.entities) {
      backwards = backwards || e.cursor < cursor;
      cursor = e.cursor;
    }
    BOOST_TEST(unit.entities.size() <= 1u);
  };
  BOOST_TEST(w.settle());
  BOOST_TEST(!backwards);
  BOOST_TEST(cursor == w.deliveries(item).back().seq);
}

BOOST_AUTO_TEST_CASE(an_idle_item_leaves_memory_and_comes_back_with_what_it_knew) {
  world w;
  w.start();
  w.run_for(10s);
  const auto item = w.create("Item", "2026-12-04");
  BOOST_TEST(w.settle());
  BOOST_TEST(has(w.actors("issue"), item));
  BOOST_TEST(w.run_until([&] { return !has(w.actors("issue"), item); }, 5min));
  const auto writes = w.dav_writes();
  w.move_to(item, "2026-12-05");
  BOOST_TEST(w.settle());
  BOOST_TEST(has(w.actors("issue"), item));
  BOOST_TEST(property(w.dav.find(item)->text, "DTSTART") == "20261205");
  BOOST_TEST(property(w.dav.find(item)->text, "SEQUENCE") == "1");
  BOOST_TEST(w.dav_writes() == writes + 1);
}

BOOST_AUTO_TEST_CASE(more_items_than_may_live_are_all_served_and_memory_stays_bounded) {
  world w;
  w.settings.concurrency.live_actors = 4;
  w.settings.concurrency.in_memory_events = 6;
  w.start();
  w.run_for(10s);
  std::vector<std::string> items;
  for (int n = 0; n < 40; ++n) items.push_back(w.create("Item " + std::to_string(n), "2026-12-04"));
  for (const auto& item : items) w.move_to(item, "2026-12-24");
  std::size_t most = 0;
  BOOST_TEST(w.run_until(
      [&] {
        std::size_t live = 0;
        for (const auto& f : w.context().probes.all()) live += f.kind == "issue";
        most = std::max(most, live);
        return w.at_rest();
      },
      10min));
  BOOST_TEST(most <= 6u);  // four, and those that are just being ended
  for (const auto& item : items) {
    BOOST_REQUIRE(w.dav.count(item) == 1u);
    BOOST_TEST(property(w.dav.find(item)->text, "DTSTART") == "20261224");
  }
}

BOOST_AUTO_TEST_CASE(what_was_journaled_while_nobody_ran_is_handled_at_the_next_start) {
  world w;
  w.start();
  w.run_for(10s);
  std::vector<std::string> items;
  for (int n = 0; n < 30; ++n) items.push_back(w.create("Item " + std::to_string(n), "2026-12-04"));
  // Journaled and acknowledged, then the process dies before anything was planned.
  bool journaled_all = false;
  w.on_submit = [&](const persistence::write& unit) {
    if (!unit.entities.empty()) throw std::runtime_error("planning is not possible just now");
  };
  journaled_all = w.run_until([&] { return w.webhook_bodies.size() >= 30; }, 30s);
  BOOST_TEST(journaled_all);
  w.kill();
  w.on_submit = {};
  BOOST_TEST(w.counts().pending > 0);
  w.run_for(1min);
  w.start();
  BOOST_TEST(w.settle());
  for (const auto& item : items) BOOST_TEST(w.dav.count(item) == 1u);
}

BOOST_AUTO_TEST_CASE(while_the_database_is_away_nothing_is_acknowledged_and_then_all_is_made_up) {
  world w;
  w.start();
  w.run_for(10s);
  const auto item = w.create("Item", "2026-12-04");
  BOOST_TEST(w.settle());
  w.store_away(true);
  w.move_to(item, "2026-12-24");
  w.run_for(30s);
  BOOST_TEST(w.webhook_bodies.size() >= 2u);
  BOOST_TEST(property(w.dav.find(item)->text, "DTSTART") == "20261204");
  w.store_away(false);
  // Plane sends it again on its own schedule, at most ten minutes later.
  BOOST_TEST(w.run_until([&] { return property(w.dav.find(item)->text, "DTSTART") == "20261224"; },
                         15min));
  BOOST_TEST(w.settle(15min));
}

BOOST_AUTO_TEST_CASE(an_item_that_comes_back_from_a_pause_overtakes_nobody_in_the_journal) {
  world w;
  w.settings.concurrency.live_actors = 1;
  w.start();
  w.run_for(10s);
  w.faults.push_back({.what = wire_fault::kind::lost, .method = "PUT", .count = 1});
  const auto busy = w.create("Busy", "2026-12-04");
  BOOST_REQUIRE(w.run_until([&] { return !w.calls_to("PUT", busy).empty(); }, 10s));
  const auto waiting = w.create("Waits for room", "2026-12-06");
  w.run_for(1s);
  w.move_to(busy, "2026-12-05");
  w.run_for(1s);
  BOOST_TEST(w.counts().pending == 2);
  w.store_away(true);  // the outcome cannot be kept: its actor pauses and leaves its place
  w.run_for(21s);
  w.store_away(false);
  BOOST_TEST(w.settle(30min));
  BOOST_TEST(w.dav.count(waiting) == 1u);
  BOOST_TEST(property(w.dav.find(busy)->text, "DTSTART") == "20261205");
}

BOOST_AUTO_TEST_CASE(a_delivery_whose_commit_was_not_answered_is_handled_before_what_follows) {
  world w;
  w.start();
  w.run_for(10s);
  const auto item = w.create("Item", "2026-12-04");
  w.lose_commit_answers(1);
  BOOST_TEST(w.run_until([&] { return !w.webhook_bodies.empty(); }, 10s));
  w.move_to(item, "2026-12-05");
  BOOST_TEST(w.settle(30min));
  const auto all = w.deliveries(item);
  BOOST_REQUIRE(all.size() >= 2u);
  for (const auto& d : all) BOOST_TEST(d.reason == "applied: snapshot; calendar: item changed");
  BOOST_TEST(property(w.dav.find(item)->text, "DTSTART") == "20261205");
}

namespace {

/// An item whose next write of its event stays under way for 15 s.
struct slow_write : world {
  std::string item;
  unsigned puts = 0, answered = 0, at_once = 0;
  bool slow = false;

  slow_write() {
    start();
    run_for(10s);
    item = create("Item", "2026-12-04");
    BOOST_TEST(settle());
    on_call = [this](const protocol::http_request& r) {
      if (r.method != "PUT") return;
      slow = puts == 0;
      at_once = std::max(at_once, ++puts - answered);
    };
    leg = [this] { return milliseconds{std::exchange(slow, false) ? 15'000 : 5}; };
    on_answer = [this](const sent_call& c, const auto&) {
      if (c.method == "PUT") ++answered;
    };
    move_to(item, "2026-12-05");
    BOOST_TEST(run_until([this] { return puts == 1; }));
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(whoever_takes_over_after_a_plan_was_lost_waits_for_the_write_under_way) {
  slow_write w;
  // Meanwhile a plan's commit is not answered, so that the actor gives up.
  bool losing = true;
  w.on_commit = [&](const persistence::write& unit, const auto&) {
    if (!unit.appends.empty() && std::exchange(losing, false)) w.lose_commit_answers(1);
  };
  w.move_to(w.item, "2026-12-06");
  w.run_for(5s);
  BOOST_TEST(!losing);
  BOOST_TEST(w.settle(30min));
  BOOST_TEST(w.at_once == 1u);
  BOOST_TEST(property(w.dav.find(w.item)->text, "DTSTART") == "20261206");
}

BOOST_AUTO_TEST_CASE(whoever_takes_over_after_a_lost_answer_waits_for_the_write_under_way) {
  slow_write w;
  // Meanwhile a delivery's commit is not answered, and somebody looks into the calendar.
  w.lose_commit_answers(1);
  w.move_to(w.item, "2026-12-06");
  w.run_for(1s);
  w.dav.edit(w.item, "SUMMARY:", "SUMMARY:A person, ");
  w.on_submit = [&](const persistence::write& unit) {
    for (const auto& m : unit.marks)
      for (const auto& d : w.deliveries(w.item))
        if (d.seq == m.seq && d.form == "calendar.observed") BOOST_TEST(w.answered > 0u);
  };
  w.sync_now();
  BOOST_TEST(w.answered == 0u);
  BOOST_TEST(w.settle(30min));
  BOOST_TEST(property(w.dav.find(w.item)->text, "DTSTART") == "20261206");
}
