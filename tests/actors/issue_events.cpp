// A work item's due date and its calendar event: what people do in Plane, seen in the calendar.
#define BOOST_TEST_MODULE actors_issue_events
#include <boost/test/unit_test.hpp>

#include "world.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(a_work_item_with_a_due_date_appears_as_an_all_day_event) {
  world w;
  w.start();
  w.run_for(5s);
  const auto item = w.create("Draft the page 首页 🎉", "2026-12-04");
  BOOST_TEST(w.settle());
  const auto* e = w.dav.find(item);
  BOOST_REQUIRE(e != nullptr);
  BOOST_TEST(property(e->text, "DTSTART") == "20261204");
  BOOST_TEST(property(e->text, "DTEND") == "20261205");
  BOOST_TEST(property(e->text, "SUMMARY") == "[1] Draft the page 首页 🎉");
  BOOST_TEST(w.link(item)->state == "live");
}

BOOST_AUTO_TEST_CASE(a_work_item_without_a_due_date_makes_no_event_and_no_call) {
  world w;
  w.start();
  w.run_for(5s);
  const auto before = w.calls.size();
  const auto item = w.create("Some day");
  BOOST_TEST(w.settle());
  BOOST_TEST(w.dav.count(item) == 0u);
  BOOST_TEST(w.dav_writes(before) == 0u);
}
