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
