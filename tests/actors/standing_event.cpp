// An item's actor knows what it wrote: the next write goes out without a look first, and nothing of
// what people change meanwhile is lost by it.
#define BOOST_TEST_MODULE actors_standing_event
#include <boost/test/unit_test.hpp>

#include "world.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;

namespace {

struct bridge : world {
  bridge() {
    start();
    run_for(10s);
    item = create("Item", "2026-12-04");
    BOOST_REQUIRE(settle());
    run_for(20s);  // no trailing window any more, and the actor still lives
  }
  /// The methods of what went to the calendar since `from`, for this item.
  std::string methods(std::size_t from) const {
    std::string out;
    for (const auto& c : calls_to("", item, from))
      if (c.url.starts_with(dav_server::origin)) out += (out.empty() ? "" : " ") + c.method;
    return out;
  }
  /// One edit, to its end, and what it took.
  std::string after_edit(const std::string& json) {
    const auto from = calls.size();
    edit(item, json);
    BOOST_REQUIRE(settle());
    return methods(from);
  }
  std::string shown(const std::string& name) const { return property(dav.find(item)->text, name); }
  std::string item;
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_burst_of_edits_to_a_live_item_costs_two_writes_and_no_read, bridge) {
  const auto from = calls.size();
  for (int n = 0; n < 20; ++n) {
    edit(item, R"({"name":"Name )" + std::to_string(n) + "\"}");
    run_for(250ms);
  }
  BOOST_REQUIRE(settle());
  BOOST_TEST(methods(from) == "PUT PUT");
  BOOST_TEST(shown("SUMMARY").find("Name 19") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(what_a_person_added_between_two_writes_survives, bridge) {
  dav.edit(item, "END:VEVENT",
           "LOCATION:Room 5\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT1H\r\n"
           "DESCRIPTION:mine\r\nEND:VALARM\r\nEND:VEVENT");
  BOOST_TEST(after_edit(R"({"name":"Other"})") == "PUT GET PUT");
  BOOST_TEST(shown("LOCATION") == "Room 5");
  BOOST_TEST(shown("TRIGGER") == "-PT1H");
  BOOST_TEST(shown("SUMMARY").find("Other") != std::string::npos);
  run_for(10s);
  // Known from the write before, theirs along with ours.
  BOOST_TEST(after_edit(R"({"name":"Third"})") == "PUT");
  BOOST_TEST(shown("LOCATION") == "Room 5");
  BOOST_TEST(shown("TRIGGER") == "-PT1H");
}

BOOST_FIXTURE_TEST_CASE(a_persons_edit_of_our_values_between_two_writes_is_counted, bridge) {
  dav.edit(item, shown("SUMMARY"), "Renamed by hand");
  BOOST_TEST(after_edit(R"({"priority":"high"})") == "PUT GET PUT");
  BOOST_TEST(shown("SUMMARY").find("Item") != std::string::npos);
  const auto base = sync::parse_calendar_base(link(item)->base);
  BOOST_REQUIRE(base.has_value());
  BOOST_TEST(base->put_back.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(an_event_that_a_person_deleted_between_two_writes_is_made_anew, bridge) {
  dav.remove(item);
  BOOST_TEST(after_edit(R"({"name":"Other"})") == "PUT GET PUT");
  BOOST_TEST(dav.count(item) == 1u);
  BOOST_TEST(shown("SUMMARY").find("Other") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_sequence_goes_on_from_what_was_written, bridge) {
  for (int n = 1; n <= 3; ++n) {
    const auto from = calls.size();
    move_to(item, "2026-12-1" + std::to_string(n));
    BOOST_REQUIRE(settle());
    BOOST_TEST(methods(from) == "PUT");
    BOOST_TEST(shown("SEQUENCE") == std::to_string(n));
    run_for(10s);
  }
}

BOOST_FIXTURE_TEST_CASE(a_write_whose_answer_was_lost_is_looked_for, bridge) {
  faults.push_back({.what = wire_fault::kind::lost, .method = "PUT", .url = item, .count = 1});
  BOOST_TEST(after_edit(R"({"name":"Other"})") == "PUT GET");
  BOOST_TEST(shown("SUMMARY").find("Other") != std::string::npos);
  run_for(10s);
  BOOST_TEST(after_edit(R"({"name":"Third"})") == "PUT");  // the look told what stands there
}

BOOST_FIXTURE_TEST_CASE(a_server_that_does_not_name_what_it_wrote_is_read_each_time, bridge) {
  dav.names_writes = false;
  BOOST_TEST(after_edit(R"({"name":"Other"})") == "PUT PROPFIND");
  run_for(10s);
  BOOST_TEST(after_edit(R"({"name":"Third"})") == "GET PUT PROPFIND");
}

BOOST_FIXTURE_TEST_CASE(an_event_too_large_to_be_held_by_each_of_many_is_read, bridge) {
  const std::string text(20'000, 'x');
  BOOST_TEST(after_edit(R"({"description_html":"<p>)" + text + R"(</p>"})") == "PUT");
  run_for(10s);
  BOOST_TEST(after_edit(R"({"name":"Other"})") == "GET PUT");
}

BOOST_FIXTURE_TEST_CASE(an_item_that_came_back_from_the_store_reads_first, bridge) {
  BOOST_TEST(run_until([&] { return actors("issue").find(item) == std::string::npos; }, 5min));
  BOOST_TEST(after_edit(R"({"name":"Other"})") == "GET PUT");
}
