// Projects chosen by the identifiers that people know, while items name their project by its uuid.
#define BOOST_TEST_MODULE actors_project_filter
#include <boost/test/unit_test.hpp>

#include "world.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;

namespace {

struct bridge : world {
  std::string identifier_of(const std::string& of) {
    for (const auto& p : context().projects.all())
      if (p.id == of) return p.identifier;
    return {};
  }
  /// As the first run of an unfiltered bridge finds them.
  std::string learned(const std::string& of) {
    start();
    BOOST_REQUIRE(run_until([&] { return !identifier_of(of).empty(); }));
    const auto name = identifier_of(of);
    stop();
    return name;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_project_included_by_its_identifier_is_mirrored_and_no_other, bridge) {
  settings.plane.projects_include = {learned(project)};
  start();
  run_for(10s);
  const auto in = create("In", "2026-12-04");
  const auto out = create_in(other_project, "Out", "2026-12-04");
  BOOST_TEST(settle());
  BOOST_TEST(dav.find(in) != nullptr);
  BOOST_TEST(dav.count(out) == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_project_excluded_by_its_identifier_gets_no_events, bridge) {
  settings.plane.projects_exclude = {learned(other_project)};
  start();
  run_for(10s);
  const auto in = create("In", "2026-12-04");
  const auto out = create_in(other_project, "Out", "2026-12-04");
  BOOST_TEST(settle());
  BOOST_TEST(dav.find(in) != nullptr);
  BOOST_TEST(dav.count(out) == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_webhook_before_the_projects_are_read_neither_plans_nor_removes, bridge) {
  settings.plane.projects_include = {learned(project)};
  start();
  run_for(10s);
  const auto item = create("Old", "2026-12-04");
  BOOST_TEST(settle());
  BOOST_REQUIRE(dav.find(item) != nullptr);
  kill();
  faults.push_back({.what = wire_fault::kind::reset, .method = "GET", .url = "/projects/?"});
  const auto from = calls.size();
  start();
  run_for(5s);
  edit(item, R"({"name":"New"})");
  run_for(20s);
  BOOST_TEST(dav_writes(from) == 0u);
  faults.clear();
  // As soon as they are read, it is made up for.
  BOOST_TEST(run_until(
      [&] {
        const auto* e = dav.find(item);
        return e != nullptr && e->text.find("New") != std::string::npos;
      },
      15min));
}

BOOST_FIXTURE_TEST_CASE(a_project_that_was_out_only_while_a_removal_was_under_way_keeps_its_events,
                        bridge) {
  start();
  run_for(10s);
  const auto item = create("Item", "2026-12-04");
  BOOST_TEST(settle());
  BOOST_REQUIRE(dav.find(item) != nullptr);
  const auto name = identifier_of(project);
  // Its next write waits for a calendar server that is away; then the project is taken out.
  faults.push_back({.what = wire_fault::kind::status, .url = "dav.test", .status = 503});
  edit(item, R"({"name":"Other"})");
  run_for(2s);
  settings.plane.projects_exclude = {name};
  reload();
  // The removal is on the wire when the project is taken in again and all is compared anew.
  bool removing = false, removed = false, slow = false;
  on_call = [&](const protocol::http_request& r) {
    if (r.method == "DELETE" && !std::exchange(removing, true)) slow = true;
  };
  leg = [&] { return milliseconds{std::exchange(slow, false) ? 20'000 : 5}; };
  on_answer = [&](const sent_call& c, const auto&) { removed = removed || c.method == "DELETE"; };
  faults.clear();
  BOOST_TEST(run_until([&] { return removing; }, 30min));
  settings.plane.projects_exclude.clear();
  reload();
  sync_now();
  BOOST_TEST(!removed);
  BOOST_TEST(settle(1h));
  BOOST_TEST(removed);
  const auto* e = dav.find(item);
  BOOST_REQUIRE(e != nullptr);
  BOOST_TEST(e->text.find("Other") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_project_taken_out_while_a_write_looks_for_its_calendar_gets_no_event,
                        bridge) {
  start();
  run_for(10s);
  const auto name = identifier_of(project);
  bool looking = false;
  on_call = [&](const protocol::http_request& r) {
    if (r.method == "PROPFIND" && !looking) {
      looking = true;
      settings.plane.projects_exclude = {name};
      reload();
    }
  };
  const auto item = create("Item", "2026-12-04");
  BOOST_TEST(run_until([&] { return looking; }));
  BOOST_TEST(settle(1h));
  sync_now();
  BOOST_TEST(settle(1h));
  BOOST_TEST(dav.count(item) == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_removal_that_waits_at_a_restart_does_not_become_a_write, bridge) {
  const auto name = learned(project);
  start();
  run_for(10s);
  const auto item = create("Item", "2026-12-04");
  BOOST_TEST(settle());
  BOOST_REQUIRE(dav.find(item) != nullptr);
  // Its project is taken out; the calendar server is away when its event should go.
  faults.push_back({.what = wire_fault::kind::status, .url = "dav.test", .status = 503});
  settings.plane.projects_exclude = {name};
  reload();
  edit(item, R"({"name":"Other"})");
  run_for(30s);
  kill();
  faults.clear();
  // The next one learns late which project is called so.
  faults.push_back({.what = wire_fault::kind::reset, .method = "GET", .url = "/projects/?"});
  const auto from = calls.size();
  start();
  run_for(1min);
  BOOST_TEST(calls_to("PUT", "dav.test", from).empty());
  faults.clear();
  BOOST_TEST(run_until([&] { return dav.count(item) == 0; }, 1h));
  BOOST_TEST(settle(1h));
  BOOST_TEST(dav.count(item) == 0u);
}
