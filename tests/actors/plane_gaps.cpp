// What no webhook told: found by polls and scans, and confirmed before anything is deleted.
#define BOOST_TEST_MODULE actors_plane_gaps
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "actors/delivery_forms.hpp"
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
  std::string dated(const std::string& name = "Item") {
    const auto item = create(name, "2026-12-04");
    BOOST_REQUIRE(settle());
    run_for(2min);
    return item;
  }
  /// What people do all day, told by webhooks.
  void usual_work(const std::string& item) {
    for (int n = 0; n < 3; ++n) {
      rename(item, n);
      prioritize(item, n);
      move_to(item, "2026-12-0" + std::to_string(n + 1));
      run_for(1min);
    }
    BOOST_REQUIRE(settle());
  }
  void rename(const std::string& item, int n) {
    edit(item, R"({"name":"Name )" + std::to_string(n) + "\"}");
  }
  void prioritize(const std::string& item, int n) {
    edit(item, n % 2 == 0 ? R"({"priority":"high"})" : R"({"priority":"low"})");
  }
  json::object gaps() {
    return json::parse(inspector().health(true)).at("data").at("gaps").as_object();
  }
};

bool logged(const std::string& piece) {
  for (const auto& l : world::log())
    if (l.find(piece) != std::string::npos) return true;
  return false;
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_deletion_without_a_webhook_is_found_by_a_scan_and_confirmed_by_a_read,
                        bridge) {
  const auto item = dated();
  remove(item);
  const auto from = calls.size();
  BOOST_TEST(run_until([&] { return dav.count(item) == 0; }, 20min));
  BOOST_TEST(settle());
  const auto reads = calls_to("GET", item, from);
  BOOST_REQUIRE(!reads.empty());
  BOOST_TEST(reads.front().status == 404);
  // And that its project answers was asked too.
  bool asked = false;
  for (const auto& c : calls_to("GET", "/projects/" + project + "/", from))
    asked = asked || (c.url.ends_with(project + "/") && c.status == 200);
  BOOST_TEST(asked);
  BOOST_TEST(entity(item).row->tombstone);
}

BOOST_FIXTURE_TEST_CASE(a_project_that_refuses_the_key_deletes_nothing, bridge) {
  for (const int status : {403, 404}) {
    BOOST_TEST_CONTEXT(status) {
      const auto item = dated("Item " + std::to_string(status));
      faults.push_back({.what = wire_fault::kind::status,
                        .url = "/projects/" + project + "/",
                        .status = status});
      run_for(1h);
      (void)sync_now();
      run_for(10min);
      BOOST_TEST(dav.count(item) == 1u);
      BOOST_TEST(!entity(item).row->tombstone);
      faults.clear();
      run_for(20min);
      BOOST_TEST(dav.count(item) == 1u);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(an_empty_project_list_deletes_nothing, bridge) {
  const auto item = dated();
  // A lost membership: the project is not listed any more, and refuses.
  faults.push_back(
      {.what = wire_fault::kind::status, .url = "/projects/" + project, .status = 403});
  run_for(1h);
  (void)sync_now();
  run_for(10min);
  BOOST_TEST(dav.count(item) == 1u);
}

BOOST_FIXTURE_TEST_CASE(an_item_that_a_list_forgets_while_it_still_exists_stays, bridge) {
  const auto item = dated();
  const auto other = dated("Other");
  // An absence is journaled, as a scan would; the read finds the item.
  persistence::delivery_append a;
  a.row.tenant = "default";
  a.row.source = "plane";
  a.row.form = "plane.absent";
  a.row.event = "issue.absent";
  a.row.entity = entity_key::plane_issue(item);
  a.row.body = std::make_shared<const std::string>(R"({"project":")" + project + R"("})");
  a.row.received_at = now();
  a.identities.push_back("gone:test");
  inbox().accept(std::move(a), [](const auto&) {});
  BOOST_TEST(settle());
  run_for(10s);
  BOOST_TEST(dav.count(item) == 1u);
  BOOST_TEST(!entity(item).row->tombstone);
}

BOOST_FIXTURE_TEST_CASE(a_change_whose_webhook_was_lost_is_found_by_the_poll, bridge) {
  const auto item = dated();
  lose_webhooks = true;
  move_to(item, "2026-12-24");
  const auto fresh = create("Fresh", "2026-12-26");
  BOOST_TEST(run_until(
      [&] {
        return property(dav.find(item)->text, "DTSTART") == "20261224" && dav.count(fresh) == 1;
      },
      5min));
  BOOST_TEST(gaps().at("unannounced").to_number<int>() >= 2);
}

BOOST_FIXTURE_TEST_CASE(a_webhook_on_its_way_is_not_counted_as_missing, bridge) {
  const auto item = dated();
  const auto before = gaps().at("unannounced").to_number<int>();
  for (int n = 0; n < 10; ++n) {
    move_to(item, "2026-12-1" + std::to_string(n));
    run_for(37s);
  }
  run_for(5min);
  BOOST_TEST(gaps().at("unannounced").to_number<int>() == before);
}

BOOST_FIXTURE_TEST_CASE(silence_of_the_webhook_while_polls_find_changes_is_said_with_the_remedy,
                        bridge) {
  const auto item = dated();
  usual_work(item);
  BOOST_TEST(gaps().at("webhook").at("state").as_string() == "well");
  lose_webhooks = true;
  prioritize(item, 5);
  run_for(2min);  // two poll periods
  BOOST_TEST(gaps().at("webhook").at("state").as_string() == "doubtful");
  BOOST_TEST(!gaps().at("webhook_silent").as_bool());
  rename(item, 5);
  run_for(2min);
  BOOST_TEST(gaps().at("webhook").at("state").as_string() == "silent");
  BOOST_TEST(gaps().at("webhook_silent").as_bool());
  BOOST_TEST(std::string{gaps().at("remedy").as_string()}.find("/webhooks/plane") !=
             std::string::npos);
  BOOST_TEST(logged("webhooks are missing"));
  BOOST_TEST(json::parse(inspector().health(false)).at("data").at("status").as_string() ==
             "degraded");
  lose_webhooks = false;
  move_to(item, "2026-12-28");
  BOOST_TEST(settle());
  run_for(2min);
  BOOST_TEST(!gaps().at("webhook_silent").as_bool());
  BOOST_TEST(logged("webhooks arrive again"));
}

BOOST_FIXTURE_TEST_CASE(a_quiet_workspace_is_not_taken_for_a_broken_webhook, bridge) {
  dated();
  run_for(6h);
  BOOST_TEST(!gaps().at("webhook_silent").as_bool());
}

BOOST_FIXTURE_TEST_CASE(an_archived_item_loses_its_event_and_gets_it_back_when_restored, bridge) {
  const auto item = dated();
  complete(item);
  BOOST_TEST(settle());
  run_for(1min);
  page("POST", "projects/" + project + "/issues/" + item + "/archive/");
  BOOST_TEST(run_until([&] { return dav.count(item) == 0; }, 20min));
  page("DELETE", "projects/" + project + "/issues/" + item + "/archive/");
  BOOST_TEST(run_until([&] { return dav.count(item) == 1; }, 20min));
}

BOOST_FIXTURE_TEST_CASE(after_a_time_away_the_first_round_finds_what_happened_meanwhile, bridge) {
  const auto moved = dated("Moved");
  const auto gone = dated("Gone");
  stop();
  move_to(moved, "2027-02-01");
  remove(gone);
  const auto fresh = create("Fresh", "2027-02-02");
  run_for(2h);
  start();
  BOOST_TEST(run_until(
      [&] {
        return property(dav.find(moved)->text, "DTSTART") == "20270201" && dav.count(gone) == 0 &&
               dav.count(fresh) == 1;
      },
      3min));
}

BOOST_FIXTURE_TEST_CASE(a_deleted_project_takes_its_events_along_and_leaves_the_others, bridge) {
  const auto item = dated();
  const auto other = create_in(other_project, "Other", "2026-12-05");
  BOOST_TEST(settle());
  page("DELETE", "projects/" + project + "/");
  BOOST_TEST(run_until([&] { return dav.count(item) == 0; }, 20min));
  BOOST_TEST(settle());
  BOOST_TEST(dav.count(other) == 1u);
}

BOOST_FIXTURE_TEST_CASE(an_item_that_moved_without_a_webhook_is_found_in_its_new_project, bridge) {
  const auto item = dated();
  lose_webhooks = true;
  BOOST_REQUIRE(move_between(item, other_project));
  BOOST_TEST(run_until(
      [&] {
        return dav.count(item) == 1 && entity(item).row->parent == other_project &&
               link(item)->remote_id.find(other_project) != std::string::npos;
      },
      40min));
  BOOST_TEST(settle());
  const auto journaled = deliveries().size();
  run_for(1h);
  BOOST_TEST(deliveries().size() == journaled);
}

BOOST_FIXTURE_TEST_CASE(an_item_that_moved_unseen_and_was_held_as_gone_comes_back_by_a_poll,
                        bridge) {
  const auto item = dated();
  lose_webhooks = true;
  BOOST_REQUIRE(move_between(item, other_project));
  faults.push_back({.method = "GET", .url = other_project + "/work-items/", .status = 503});
  BOOST_TEST(run_until([&] { return dav.count(item) == 0; }, 2h));
  faults.clear();
  BOOST_TEST(run_until([&] { return dav.count(item) == 1; }, 5min));
}

BOOST_FIXTURE_TEST_CASE(what_a_poll_found_once_is_found_again_after_a_late_webhook_undid_it,
                        bridge) {
  const auto item = dated();
  complete(item);
  BOOST_REQUIRE(settle());
  run_for(2min);
  back_up_plane();
  const auto told = webhook_bodies.size();
  page("POST", "projects/" + project + "/issues/" + item + "/archive/");
  prioritize(item, 0);  // the archiving itself is not told
  BOOST_REQUIRE(run_until([&] { return dav.count(item) == 0; }, 20min));
  BOOST_REQUIRE(webhook_bodies.size() == told + 1);
  const auto archived = webhook_bodies.back();
  // Plane goes back to where the item was at work; a poll sees that.
  BOOST_REQUIRE(restore_plane());
  BOOST_TEST(run_until([&] { return dav.count(item) == 1; }, 30min));
  // Its archiving, told once more, is later than what the backup says.
  BOOST_TEST(post_webhook(archived + "\n", "late") == 200);
  BOOST_TEST(run_until([&] { return dav.count(item) == 0; }, 1min));
  BOOST_TEST(run_until([&] { return dav.count(item) == 1; }, 45min));
}

BOOST_AUTO_TEST_CASE(a_listed_item_names_its_project) {
  // Read again where it is said to be, not only where it was: it may have moved.
  persistence::delivery d;
  d.form = std::string{actors::forms::plane_read};
  d.body = std::make_shared<const std::string>(
      actors::read_body(timestamp{}, R"({"id":"i","project":"there"})"));
  BOOST_TEST(actors::project_named_in(d) == "there");
}
