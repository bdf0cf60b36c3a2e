// What hangs is seen while it hangs: the debug view reads probes and waits for nobody.
#define BOOST_TEST_MODULE actors_stuck_actor
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "world.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

struct bridge : world {
  bridge() {
    start();
    run_for(10s);
  }
  json::object only(const std::string& kind, const std::string& key) {
    const auto all = json::parse(actors(kind, key)).at("data").as_array();
    BOOST_REQUIRE_EQUAL(all.size(), 1u);
    return all.front().as_object();
  }
};
std::string text(const json::object& o, const char* key) {
  return std::string{o.at(key).as_string()};
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_write_that_never_ends_is_seen_with_its_effect_in_flight, bridge) {
  const auto item = create("Stuck", "2026-12-04");
  faults.push_back({.what = wire_fault::kind::never, .method = "PUT", .url = item});
  BOOST_TEST(run_until([&] { return !calls_to("PUT", item).empty(); }, 10s));
  run_for(10min);
  const auto row = only("issue", item);
  for (const auto* key : {"id", "kind", "key", "parent", "state", "mailbox", "handled", "failed",
                          "restarts", "since", "last_event", "in_flight"})
    BOOST_TEST(row.contains(key), key);
  BOOST_TEST(text(row, "parent") == "dispatcher");
  BOOST_TEST(text(row, "state") == "waiting for caldav");
  BOOST_TEST(text(row, "in_flight").starts_with("caldav.put_event"), text(row, "in_flight"));
  BOOST_TEST(row.at("handled").to_number<int>() == 1);
  const auto one = json::parse(inspector().actor(text(row, "id"))).at("data").as_object();
  BOOST_TEST(text(one, "effect").starts_with("caldav.put_event"));
  BOOST_TEST(!one.at("recent").as_array().empty());
  const auto connector = only("connector", "caldav");
  BOOST_TEST(text(connector, "in_flight").find(item) != std::string::npos);
  BOOST_TEST(text(connector, "state") == "waiting for caldav");
}

BOOST_FIXTURE_TEST_CASE(a_read_that_never_ends_shows_what_waits_and_how_much_waits_behind_it,
                        bridge) {
  const auto item = create("Stuck", "2026-12-04");
  BOOST_TEST(settle());
  run_for(30s);
  faults.push_back({.what = wire_fault::kind::never, .method = "GET", .url = item});
  // A repeated snapshot time with other values cannot be ordered: the item is read.
  auto body = webhook_bodies.back();
  const auto at = body.find("Stuck");
  BOOST_REQUIRE(at != std::string::npos);
  body.replace(at, 5, "Other");
  BOOST_TEST(post_webhook(body) == 200);
  BOOST_TEST(run_until([&] { return !calls_to("GET", item).empty(); }, 10s));
  move_to(item, "2026-12-05");
  move_to(item, "2026-12-06");
  run_for(1min);
  const auto row = only("issue", item);
  BOOST_TEST(text(row, "state") == "waiting for plane");
  BOOST_TEST(row.at("mailbox").to_number<int>() == 2);
}

BOOST_FIXTURE_TEST_CASE(actors_can_be_filtered_sorted_and_paged_through, bridge) {
  for (int n = 0; n < 5; ++n) create("Item " + std::to_string(n), "2026-12-04");
  BOOST_TEST(settle());
  http::inspector::actor_query q;
  q.kind = "issue";
  q.sort = "key";
  q.limit = 2;
  std::vector<std::string> keys;
  for (int page_no = 0; page_no < 5; ++page_no) {
    const auto page_json = json::parse(inspector().actors(q));
    for (const auto& row : page_json.at("data").as_array())
      keys.push_back(text(row.as_object(), "key"));
    if (!page_json.at("page").at("has_more").as_bool()) break;
    q.cursor = std::string{page_json.at("page").at("next_cursor").as_string()};
  }
  BOOST_TEST(keys.size() == 5u);
  BOOST_TEST(std::is_sorted(keys.begin(), keys.end()));
  BOOST_TEST(inspector().actor("999999").empty());
  BOOST_TEST(inspector().actor("nonsense").empty());
}
