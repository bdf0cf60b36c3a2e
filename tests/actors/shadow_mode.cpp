// Shadow mode plans and records everything and sends nothing; going live starts from the present.
#define BOOST_TEST_MODULE actors_shadow_mode
#include <boost/test/unit_test.hpp>

#include "world.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;
using persistence::effect_status;

namespace {

struct bridge : world {
  void shadow() { settings.calendar.mode = config::run_mode::shadow; }
  void live() { settings.calendar.mode = config::run_mode::live; }
  std::size_t with(const std::string& item, effect_status s) {
    std::size_t n = 0;
    for (const auto& e : effects(item)) n += e.status == s ? 1u : 0u;
    return n;
  }
  void restart() {
    stop();
    run_for(1min);
    start();
    run_for(20s);
    BOOST_TEST(settle());
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(everything_is_planned_and_recorded_and_nothing_is_sent, bridge) {
  shadow();
  start();
  run_for(10s);
  const auto item = create("Item", "2026-12-04");
  const auto moved = create("Moved", "2026-12-05");
  BOOST_TEST(settle());
  move_to(moved, "2026-12-06");
  BOOST_TEST(settle());
  run_for(20min);
  BOOST_TEST(dav_writes() == 0u);
  BOOST_TEST(with(item, effect_status::withheld) == 1u);
  BOOST_TEST(with(moved, effect_status::withheld) == 1u);
  BOOST_TEST(effects(moved).back().revision == 2);
  BOOST_TEST(!link(item).has_value());
  for (const auto& d : deliveries(item))
    BOOST_TEST((d.status == persistence::delivery_status::done));
}

BOOST_FIXTURE_TEST_CASE(a_change_taken_back_in_shadow_mode_leaves_nothing_withheld, bridge) {
  shadow();
  start();
  run_for(10s);
  const auto item = create("Item", "2026-12-04");
  BOOST_TEST(settle());
  move_to(item, "");
  BOOST_TEST(settle());
  BOOST_TEST(with(item, effect_status::withheld) == 0u);
}

BOOST_FIXTURE_TEST_CASE(going_live_drops_what_was_withheld_and_writes_the_present, bridge) {
  shadow();
  start();
  run_for(10s);
  const auto item = create("Item", "2026-12-04");
  const auto undated = create("Undated", "2026-12-05");
  const auto gone = create("Gone", "2026-12-06");
  BOOST_TEST(settle());
  move_to(item, "2026-12-24");
  move_to(undated, "");
  BOOST_TEST(settle());
  stop();
  remove(gone);  // nobody runs
  live();
  run_for(1min);
  start();
  run_for(20s);
  BOOST_TEST(settle());
  run_for(20min);
  BOOST_REQUIRE(dav.count(item) == 1u);
  BOOST_TEST(property(dav.find(item)->text, "DTSTART") == "20261224");
  BOOST_TEST(dav.count(undated) == 0u);
  BOOST_TEST(dav.count(gone) == 0u);
  BOOST_TEST(dav.events() == 1u);
  // The old date was never written.
  for (const auto& w : dav.writes) BOOST_TEST(property(w.text, "DTSTART") != "20261204");
  for (const auto& id : {item, undated, gone}) BOOST_TEST(with(id, effect_status::withheld) == 0u);
  BOOST_TEST(link(item)->state == "live");
}

BOOST_FIXTURE_TEST_CASE(a_time_in_shadow_mode_between_live_ones_is_made_up_for, bridge) {
  start();
  run_for(10s);
  const auto moved = create("Moved", "2026-12-04");
  const auto undated = create("Undated", "2026-12-05");
  const auto same = create("Same", "2026-12-06");
  BOOST_TEST(settle());
  shadow();
  restart();
  const auto before = dav_writes();
  move_to(moved, "2026-12-24");
  move_to(undated, "");
  BOOST_TEST(settle());
  run_for(10min);
  BOOST_TEST(dav_writes() == before);
  BOOST_TEST(with(undated, effect_status::withheld) == 1u);
  live();
  restart();
  BOOST_TEST(property(dav.find(moved)->text, "DTSTART") == "20261224");
  BOOST_TEST(dav.count(undated) == 0u);
  BOOST_TEST(dav.count(same) == 1u);
  BOOST_TEST(dav_writes() == before + 2);
  for (const auto& id : {moved, undated, same}) BOOST_TEST(with(id, effect_status::withheld) == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_calendar_that_is_configured_later_gets_the_events_of_what_is_known,
                        bridge) {
  tune = [](actors::options& o) { o.calendar_on = false; };
  start();
  run_for(10s);
  const auto item = create("Item", "2026-12-04");
  BOOST_TEST(settle());
  BOOST_TEST(dav.events() == 0u);
  tune = {};
  restart();
  BOOST_TEST(dav.count(item) == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_project_that_is_excluded_later_loses_its_events, bridge) {
  start();
  run_for(10s);
  const auto item = create("Item", "2026-12-04");
  const auto other = create_in(other_project, "Other", "2026-12-05");
  BOOST_TEST(settle());
  settings.plane.projects_exclude = {other_project};
  restart();
  BOOST_TEST(dav.count(item) == 1u);
  BOOST_TEST(dav.count(other) == 0u);
}

BOOST_FIXTURE_TEST_CASE(going_live_while_the_calendar_server_is_down_waits_for_it, bridge) {
  shadow();
  start();
  run_for(10s);
  const auto item = create("Item", "2026-12-04");
  BOOST_TEST(settle());
  stop();
  live();
  faults.push_back({.what = wire_fault::kind::reset, .url = dav_server::origin});
  start();
  run_for(20min);
  faults.clear();
  BOOST_TEST(run_until([&] { return dav.count(item) == 1; }, 20min));
  BOOST_TEST(settle());
  BOOST_TEST(with(item, effect_status::withheld) == 0u);
}
