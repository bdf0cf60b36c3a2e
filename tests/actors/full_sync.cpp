// Full syncs, on their interval and on request: what they mend, and what they leave alone.
#define BOOST_TEST_MODULE actors_full_sync
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "world.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

constexpr const char* foreign =
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Somebody//EN\r\nBEGIN:VEVENT\r\n"
    "UID:dentist@home\r\nDTSTAMP:20261101T000000Z\r\nDTSTART;VALUE=DATE:20261204\r\n"
    "SUMMARY:Dentist\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

struct bridge : world {
  bridge() {
    start();
    run_for(10s);
  }
  std::string dated(const std::string& name = "Item") {
    const auto item = create(name, "2026-12-04");
    BOOST_REQUIRE(settle());
    BOOST_REQUIRE(dav.count(item) == 1u);
    return item;
  }
  std::string calendar() const { return dav.calendars.begin()->first; }
  json::object sync(bool dry_run = false, const std::string& of_project = {}) {
    const auto report = json::parse(sync_now(dry_run, of_project)).as_object();
    BOOST_TEST(settle(30min));
    return report;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(what_is_right_already_causes_no_request_for_its_event, bridge) {
  const auto item = dated();
  run_for(90s);
  const auto from = calls.size();
  const auto report = sync();
  BOOST_TEST(report.at("state").as_string() == "done");
  BOOST_TEST(report.at("right").to_number<int>() == 1);
  BOOST_TEST(report.at("changes_total").to_number<int>() == 0);
  BOOST_TEST(dav_writes(from) == 0u);
  BOOST_TEST(calls_to("GET", dav_server::origin, from).empty());
  run_for(1h);  // nor do the rounds that come by themselves
  BOOST_TEST(dav_writes(from) == 0u);
  BOOST_TEST(calls_to("GET", dav_server::origin, from).empty());
}

BOOST_FIXTURE_TEST_CASE(an_event_of_a_deleted_item_is_removed_and_foreign_ones_are_never_touched,
                        bridge) {
  const auto item = dated("Kept");
  const auto gone = dated("Gone");
  dav.add(calendar(), "dentist.ics", foreign);
  remove(gone);  // no webhook
  run_for(2min);
  sync();
  BOOST_TEST(dav.count(gone) == 0u);
  BOOST_TEST(dav.count(item) == 1u);
  BOOST_TEST(dav.calendars.begin()->second.events.contains(calendar() + "dentist.ics"));
  BOOST_TEST(calls_to("", "dentist").empty());
  run_for(2h);
  BOOST_TEST(calls_to("", "dentist").empty());
}

BOOST_FIXTURE_TEST_CASE(an_orphan_of_ours_is_removed_and_that_of_another_installation_stays,
                        bridge) {
  const auto item = dated();
  // The event of an item deleted while its link was lost, and one this Plane never had.
  const auto text = dav.find(item)->text;
  const auto stranger = std::string{"11111111-2222-4333-8444-555555555555"};
  auto other = text;
  for (auto at = other.find(item); at != std::string::npos; at = other.find(item))
    other.replace(at, item.size(), stranger);
  dav.add("/cal/bot/private/", "plane-issue-" + stranger + "@calplanebot.ics", other);
  dav.calendars["/cal/bot/private/"].name = "Private";
  run_for(1h);
  BOOST_TEST(dav.count(stranger) == 1u);
  BOOST_TEST(calls_to("", stranger).empty());
}

BOOST_FIXTURE_TEST_CASE(an_event_that_a_person_edited_gets_our_values_back_and_keeps_theirs,
                        bridge) {
  const auto item = dated();
  run_for(30s);
  dav.edit(item, "[1] Item", "[1] Somebody renamed me");
  dav.edit(item, "END:VEVENT", "X-THEIRS:kept\r\nEND:VEVENT");
  BOOST_TEST(
      run_until([&] { return property(dav.find(item)->text, "SUMMARY") == "[1] Item"; }, 10min));
  BOOST_TEST(property(dav.find(item)->text, "X-THEIRS") == "kept");
  BOOST_TEST(settle());
}

BOOST_FIXTURE_TEST_CASE(an_event_that_a_person_deleted_stays_away_until_the_item_changes, bridge) {
  const auto item = dated();
  run_for(30s);
  dav.remove(item);
  run_for(1h);
  BOOST_TEST(dav.count(item) == 0u);
  BOOST_TEST(link(item)->state == "muted");
  move_to(item, "2026-12-24");
  BOOST_TEST(settle());
  BOOST_TEST(dav.count(item) == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_sync_on_request_puts_back_what_a_person_deleted, bridge) {
  const auto item = dated();
  run_for(30s);
  dav.remove(item);
  run_for(10min);
  BOOST_TEST(dav.count(item) == 0u);
  sync();
  BOOST_TEST(dav.count(item) == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_deleted_calendar_is_made_again_with_all_its_events_on_request, bridge) {
  const auto one = dated("One");
  const auto two = dated("Two");
  run_for(30s);
  dav.calendars.clear();
  sync();
  run_for(10min);
  sync();
  BOOST_TEST(dav.count(one) == 1u);
  BOOST_TEST(dav.count(two) == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_dry_run_tells_what_it_would_do_and_changes_nothing, bridge) {
  const auto edited = dated("Edited");
  const auto deleted = dated("Deleted");
  const auto gone = dated("Gone");
  run_for(30s);
  lose_webhooks = true;
  move_to(edited, "2027-01-01");
  remove(gone);
  dav.remove(deleted);
  const auto from = calls.size();
  const auto journaled = deliveries().size();
  const auto report = json::parse(sync_now(true)).as_object();
  BOOST_TEST(report.at("changes_total").to_number<int>() >= 3);
  BOOST_TEST(dav_writes(from) == 0u);
  BOOST_TEST(deliveries().size() == journaled);
  BOOST_TEST(report.at("dry_run").as_bool());
}

BOOST_FIXTURE_TEST_CASE(a_sync_of_one_project_looks_at_no_other, bridge) {
  const auto from = calls.size();
  const auto report = sync(false, project);
  BOOST_TEST(report.at("state").as_string() == "done");
  BOOST_TEST(!calls_to("GET", project + "/work-items", from).empty());
  BOOST_TEST(calls_to("GET", other_project + "/work-items", from).empty());
}

BOOST_FIXTURE_TEST_CASE(an_older_list_never_overwrites_a_newer_webhook, bridge) {
  const auto item = dated();
  run_for(2min);
  // The list is on its way for three seconds; meanwhile the item moves, and its webhook is first.
  sandbox::fault slow;
  slow.kind = sandbox::fault_kind::latency;
  slow.path = "*/work-items/";
  slow.delay = 3s;
  plane_faults().add(slow);
  lose_webhooks = true;
  move_to(item, "2026-12-10");  // unannounced: the list differs from what is known
  run_for(2s);
  lose_webhooks = false;
  std::string id;
  operations().sync_now({}, [&](const result<std::string>& r) { id = *r; });
  BOOST_TEST(run_until(
      [&] { return !calls.empty() && calls.back().url.find("/work-items/") != std::string::npos; },
      20s));
  run_for(100ms);
  move_to(item, "2026-12-24");
  BOOST_TEST(
      run_until([&] { return property(dav.find(item)->text, "DTSTART") == "20261224"; }, 10s));
  const auto writes = dav.writes.size();
  BOOST_TEST(settle());
  run_for(2min);
  BOOST_TEST(property(dav.find(item)->text, "DTSTART") == "20261224");
  BOOST_TEST(dav.writes.size() == writes);
}

BOOST_FIXTURE_TEST_CASE(events_put_back_again_and_again_end_as_a_conflict_for_a_person, bridge) {
  const auto item = dated();
  run_for(30s);
  for (int n = 0; n < 6; ++n) {
    dav.edit(item, "\r\nSUMMARY:", "\r\nSUMMARY:x");
    run_for(6min);
  }
  BOOST_TEST(link(item)->state == "conflict");
  BOOST_TEST(property(dav.find(item)->text, "SUMMARY") != "[1] Item");
  sync();
  BOOST_TEST(property(dav.find(item)->text, "SUMMARY") == "[1] Item");
}

BOOST_FIXTURE_TEST_CASE(a_project_renamed_while_the_bridge_was_down_is_renamed_in_its_events,
                        bridge) {
  const auto item = dated();
  kill();
  page("PATCH", "projects/" + project + "/", R"({"name":"Homepage"})");
  start();
  BOOST_TEST(run_until(
      [&] {
        return property(dav.find(item)->text, "DESCRIPTION").find("Project: Homepage") !=
               std::string::npos;
      },
      10min));
  BOOST_TEST(settle());
  const auto before = dav_writes();
  run_for(20min);
  BOOST_TEST(dav_writes() == before);
}

BOOST_AUTO_TEST_CASE(an_event_written_before_its_project_could_be_read_gets_its_names_later) {
  world w;
  w.faults.push_back({.what = wire_fault::kind::reset, .url = "/projects/", .skip = 0});
  w.start();
  w.run_for(10s);
  const auto item = w.create("Item", "2026-12-04");
  BOOST_REQUIRE(w.run_until([&] { return w.dav.count(item) == 1; }, 2min));
  const auto text = [&] { return property(w.dav.find(item)->text, "DESCRIPTION"); };
  BOOST_TEST(text().find("Project:") == std::string::npos);
  w.faults.clear();
  BOOST_TEST(
      w.run_until([&] { return text().find("Project: Website") != std::string::npos; }, 15min));
}

BOOST_FIXTURE_TEST_CASE(a_sync_on_request_also_puts_back_what_a_person_deleted_after_a_conflict,
                        bridge) {
  const auto item = dated();
  run_for(30s);
  for (int n = 0; n < 6; ++n) {
    dav.edit(item, "\r\nSUMMARY:", "\r\nSUMMARY:x");
    run_for(6min);
  }
  BOOST_REQUIRE(link(item)->state == "conflict");
  dav.remove(item);
  run_for(30min);
  BOOST_TEST(dav.count(item) == 0u);
  sync();
  BOOST_TEST(dav.count(item) == 1u);
}
