// A work item's due date and its calendar event: what people do in Plane, seen in the calendar.
#define BOOST_TEST_MODULE actors_issue_events
#include <boost/test/unit_test.hpp>

#include "world.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;

namespace {

/// A running bridge that has looked at everything once.
struct bridge : world {
  bridge() {
    start();
    run_for(10s);
  }
  std::string dated(const std::string& name = "Item", const std::string& date = "2026-12-04") {
    const auto item = create(name, date);
    BOOST_REQUIRE(settle());
    BOOST_REQUIRE(dav.find(item) != nullptr);
    return item;
  }
  std::string shown(const std::string& item, const std::string& name) {
    const auto* e = dav.find(item);
    BOOST_REQUIRE(e != nullptr);
    return property(e->text, name);
  }
  std::size_t puts(const std::string& item) const { return calls_to("PUT", item).size(); }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_work_item_with_a_due_date_appears_as_an_all_day_event, bridge) {
  const auto item = dated("Draft the page 首页 🎉", "2028-02-29");
  BOOST_TEST(shown(item, "DTSTART") == "20280229");
  BOOST_TEST(shown(item, "DTEND") == "20280301");
  BOOST_TEST(shown(item, "SUMMARY") == "[1] Draft the page 首页 🎉");
  BOOST_TEST(shown(item, "SEQUENCE") == "0");
  BOOST_TEST(link(item)->state == "live");
  BOOST_TEST(puts(item) == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_work_item_without_a_due_date_makes_no_event_and_no_write, bridge) {
  const auto before = calls.size();
  const auto item = create("Some day");
  BOOST_TEST(settle());
  BOOST_TEST(dav.count(item) == 0u);
  BOOST_TEST(dav_writes(before) == 0u);
  BOOST_TEST(effects(item).empty());
}

BOOST_FIXTURE_TEST_CASE(a_moved_date_moves_the_event_and_counts_its_sequence_up, bridge) {
  const auto item = dated();
  run_for(10s);
  move_to(item, "2027-01-02");
  BOOST_TEST(settle());
  BOOST_TEST(shown(item, "DTSTART") == "20270102");
  BOOST_TEST(shown(item, "SEQUENCE") == "1");
  BOOST_TEST(puts(item) == 2u);
}

BOOST_FIXTURE_TEST_CASE(a_completed_work_item_shows_as_done_in_its_event, bridge) {
  const auto item = dated();
  const auto before = shown(item, "STATUS") + shown(item, "DESCRIPTION");
  run_for(10s);
  complete(item);
  BOOST_TEST(settle());
  BOOST_TEST(shown(item, "STATUS") + shown(item, "DESCRIPTION") != before);
  BOOST_TEST(shown(item, "DESCRIPTION").find("Done") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_removed_date_removes_the_event_and_a_new_one_brings_it_back, bridge) {
  const auto item = dated();
  run_for(10s);
  move_to(item, "");
  BOOST_TEST(settle());
  BOOST_TEST(dav.count(item) == 0u);
  BOOST_TEST(link(item)->state == "removed");
  run_for(10s);
  move_to(item, "2026-12-24");
  BOOST_TEST(settle());
  BOOST_TEST(shown(item, "DTSTART") == "20261224");
  BOOST_TEST(link(item)->state == "live");
}

BOOST_AUTO_TEST_CASE(a_deletion_that_an_older_plane_announces_removes_the_event) {
  sandbox::plane_options old;
  old.release = sandbox::flavour::v0_25;
  world w{1, old};
  w.start();
  w.run_for(10s);
  const auto item = w.create("Item", "2026-12-04");
  BOOST_REQUIRE(w.settle());
  BOOST_REQUIRE(w.dav.count(item) == 1u);
  w.remove(item);
  BOOST_TEST(w.run_until([&] { return w.dav.count(item) == 0; }, 30s));
  BOOST_TEST(w.settle());
  BOOST_TEST(w.entity(item).row->tombstone);
}

BOOST_FIXTURE_TEST_CASE(a_burst_of_changes_ends_in_one_trailing_write_of_the_last_state, bridge) {
  const auto item = dated();
  run_for(10s);
  for (int day = 1; day <= 9; ++day) move_to(item, "2027-03-0" + std::to_string(day));
  BOOST_TEST(settle());
  BOOST_TEST(shown(item, "DTSTART") == "20270309");
  BOOST_TEST(puts(item) <= 3u);  // the creation, the first change at once, the rest as one
  std::size_t handled = 0;
  for (const auto& d : deliveries(item)) handled += d.status == persistence::delivery_status::done;
  BOOST_TEST(handled >= 10u);
  run_for(10min);
  BOOST_TEST(puts(item) <= 3u);
}

BOOST_FIXTURE_TEST_CASE(a_change_that_is_taken_back_while_it_waits_is_never_sent, bridge) {
  const auto item = dated("Item", "2026-12-04");
  run_for(10s);
  move_to(item, "2026-12-05");
  BOOST_TEST(run_until([&] { return puts(item) == 2; }, 5s));
  BOOST_TEST(run_until([&] { return at_rest(); }, 3s));
  // Within the window: both wait, the second takes the first back.
  move_to(item, "2026-12-06");
  BOOST_TEST(run_until([&] { return counts().waiting_effects == 1; }, 1s));
  move_to(item, "2026-12-05");
  BOOST_TEST(settle());
  BOOST_TEST(puts(item) == 2u);
  BOOST_TEST((effects(item).back().status == persistence::effect_status::cancelled));
  BOOST_TEST(shown(item, "DTSTART") == "20261205");
}

BOOST_FIXTURE_TEST_CASE(the_same_webhook_again_changes_nothing_and_is_answered_200, bridge) {
  const auto item = dated();
  run_for(10s);
  const auto body = webhook_bodies.back();
  const auto journaled = deliveries().size();
  const auto writes = dav_writes();
  BOOST_TEST(post_webhook(body, "another-delivery-id") == 200);
  BOOST_TEST(post_webhook(body, "a-third") == 200);
  BOOST_TEST(settle());
  run_for(10s);
  BOOST_TEST(deliveries().size() == journaled);
  BOOST_TEST(dav_writes() == writes);
}

BOOST_FIXTURE_TEST_CASE(a_webhook_that_comes_late_is_recorded_as_stale_and_not_applied, bridge) {
  const auto item = dated("Item", "2026-12-04");
  run_for(10s);
  lose_webhooks = true;  // kept back, to come last
  move_to(item, "2026-12-10");
  run_for(5s);
  const auto late = webhook_bodies.back();
  lose_webhooks = false;
  move_to(item, "2026-12-20");
  BOOST_TEST(settle());
  BOOST_TEST(shown(item, "DTSTART") == "20261220");
  const auto writes = puts(item);
  BOOST_TEST(post_webhook(late) == 200);
  BOOST_TEST(settle());
  run_for(30s);
  BOOST_TEST(shown(item, "DTSTART") == "20261220");
  BOOST_TEST(puts(item) == writes);
  BOOST_TEST(deliveries(item).back().reason.starts_with("stale"), deliveries(item).back().reason);
}

BOOST_FIXTURE_TEST_CASE(a_change_of_nothing_that_the_event_shows_writes_nothing, bridge) {
  const auto item = dated();
  run_for(10s);
  const auto writes = puts(item);
  edit(item, R"({"estimate_point":null,"sort_order":77})");
  BOOST_TEST(settle());
  run_for(30s);
  BOOST_TEST(puts(item) == writes);
}

BOOST_FIXTURE_TEST_CASE(reordered_webhooks_of_many_items_end_in_the_last_state_of_each, bridge) {
  sandbox::fault reorder;
  reorder.kind = sandbox::fault_kind::webhook_reordered;
  reorder.probability = 0.3;
  reorder.delay = 3s;
  plane_faults().add(reorder);
  sandbox::fault twice;
  twice.kind = sandbox::fault_kind::webhook_duplicated;
  twice.probability = 0.3;
  plane_faults().add(twice);
  std::vector<std::string> items;
  for (int n = 0; n < 8; ++n) items.push_back(create("Item " + std::to_string(n), "2026-12-01"));
  for (int round = 1; round <= 6; ++round)
    for (std::size_t n = 0; n < items.size(); ++n) {
      move_to(items[n], "2027-0" + std::to_string(round) + "-1" + std::to_string(n));
      run_for(300ms);
    }
  BOOST_TEST(settle());
  for (std::size_t n = 0; n < items.size(); ++n)
    BOOST_TEST(shown(items[n], "DTSTART") == "2027061" + std::to_string(n));
}

BOOST_AUTO_TEST_CASE(one_calendar_for_all_projects_holds_the_events_of_each) {
  world w;
  w.settings.calendar.layout = config::calendar_layout::single;
  w.start();
  w.run_for(10s);
  const auto item = w.create("Item", "2026-12-04");
  const auto other = w.create_in(w.other_project, "Other", "2026-12-05");
  BOOST_TEST(w.settle());
  BOOST_TEST(w.dav.calendars.size() == 1u);
  BOOST_TEST(w.dav.count(item) == 1u);
  BOOST_TEST(w.dav.count(other) == 1u);
  BOOST_TEST(w.dav.calendars.begin()->second.name == "Plane");
}

BOOST_AUTO_TEST_CASE(an_event_may_span_from_start_to_due_date) {
  world w;
  w.settings.calendar.span = config::calendar_span::start_to_target;
  w.start();
  w.run_for(10s);
  const auto item = w.create("Item", "2026-12-04");
  BOOST_TEST(w.settle());
  w.run_for(10s);
  w.edit(item, R"({"start_date":"2026-12-01"})");
  BOOST_TEST(w.settle());
  BOOST_TEST(property(w.dav.find(item)->text, "DTSTART") == "20261201");
  BOOST_TEST(property(w.dav.find(item)->text, "DTEND") == "20261205");
}
