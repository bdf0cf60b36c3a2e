#define BOOST_TEST_MODULE plane_exchanges
#include <boost/test/unit_test.hpp>

#include "exchange_steps.hpp"
#include "plane_fixture.hpp"
#include "protocol/plane/change_item.hpp"
#include "protocol/plane/exchanges.hpp"

using namespace pb::protocol;
using namespace pb::protocol::plane;
namespace fixture = plane_fixture;
using pb::errc;

using namespace exchange_steps;

namespace {

const std::string pid = "f08062b3-a567-4b64-828d-08c780a8c3dc";
const std::string iid = "6eee29da-fa28-4ffe-911a-4c675858ec4e";
const api at{"https://plane.example.test", "fake-works", "issues"};

http_response recorded(const char* name) { return fixture::recorded(name).answer; }

std::string brief(char digit, const std::string& updated_at) {
  std::string id = iid;
  id[0] = digit;
  return R"({"id":")" + id + R"(","updated_at":")" + updated_at + R"(","project":")" + pid +
         R"("})";
}
std::string page_of(const std::vector<std::string>& items, const std::string& cursor, bool more) {
  std::string out = R"({"next_cursor":")" + cursor + R"(","next_page_results":)" +
                    (more ? "true" : "false") + R"(,"total_results":9,"results":[)";
  for (std::size_t i = 0; i < items.size(); ++i) out += (i == 0 ? "" : ",") + items[i];
  return out + "]}";
}
pb::timestamp when(std::string_view text) { return *pb::parse_rfc3339(text); }

}  // namespace

BOOST_AUTO_TEST_CASE(reading_an_item_asks_for_names_and_yields_it) {
  read_work_item x{at, pid, iid};
  const auto c = calls(x.start());
  BOOST_TEST(c.operation == "plane.get_work_item");
  BOOST_TEST(c.idempotent);
  BOOST_TEST(c.request.method == "GET");
  BOOST_TEST(has(c.request.url, "/issues/" + iid + "/?expand=state%2Cassignees%2Clabels"));
  ends(x.on_response(recorded("124-issue-get-expand")));
  BOOST_REQUIRE(std::holds_alternative<work_item>(x.reading()));
  BOOST_TEST(std::get<work_item>(x.reading()).state->name == "Done");
}

BOOST_AUTO_TEST_CASE(an_item_is_gone_only_when_its_project_still_answers) {
  read_work_item x{at, pid, iid};
  (void)x.start();
  const auto c = calls(x.on_response(recorded("151-issue-get-deleted")));
  BOOST_TEST(c.operation == "plane.get_project");
  BOOST_TEST(has(c.request.url, "/projects/" + pid + "/"));
  ends(x.on_response(recorded("006-project-get")));
  BOOST_TEST(std::holds_alternative<item_gone>(x.reading()));
}

BOOST_AUTO_TEST_CASE(a_lost_or_archived_project_deletes_nothing) {
  struct row {
    http_response second;
    bool archived;
  };
  auto archived = boost::json::parse(recorded("006-project-get").body).as_object();
  auto foreign = archived;
  archived["archived_at"] = "2026-11-21T07:19:00Z";
  foreign["is_member"] = false;
  const row rows[] = {{recorded("133-project-404"), false},
                      {recorded("141-forbidden-nonmember-project"), false},
                      {answer(200, boost::json::serialize(archived)), true},
                      {answer(200, boost::json::serialize(foreign)), false}};
  for (const auto& r : rows) {
    read_work_item x{at, pid, iid};
    (void)x.start();
    (void)calls(x.on_response(recorded("129-issue-get-404")));
    ends(x.on_response(r.second));
    BOOST_REQUIRE(std::holds_alternative<project_unreachable>(x.reading()));
    BOOST_TEST(std::get<project_unreachable>(x.reading()).archived == r.archived);
  }
  read_work_item direct{at, pid, iid};
  (void)direct.start();
  ends(direct.on_response(recorded("134-project-404-issues")));
  BOOST_TEST(std::get<project_unreachable>(direct.reading()).status == 403);
}

BOOST_AUTO_TEST_CASE(a_refused_key_or_a_broken_answer_is_a_failure_and_never_a_deletion) {
  for (const auto& [first, code] :
       {std::pair{recorded("138-auth-bad"), errc::unauthorized},
        {recorded("137-auth-none"), errc::unauthorized},
        {recorded("265-m6-race-get"), errc::upstream_down},
        {answer(200, "<html>"), errc::unexpected_answer},
        {recorded("127-issue-get-by-identifier"), errc::unexpected_answer}}) {
    read_work_item x{at, pid, iid};
    (void)x.start();
    BOOST_TEST(fails(x.on_response(first)).code == code);
  }
  read_work_item x{at, pid, iid};
  (void)x.start();
  (void)calls(x.on_response(answer(404)));
  BOOST_TEST(fails(x.on_response(answer(500))).code == errc::upstream_down);
  // begun anew it asks for the item again
  BOOST_TEST(calls(x.start()).operation == "plane.get_work_item");
  ends(x.on_response(recorded("124-issue-get-expand")));
  BOOST_TEST(std::holds_alternative<work_item>(x.reading()));
}

BOOST_AUTO_TEST_CASE(a_project_and_the_own_user_are_read) {
  read_project p{at, pid};
  BOOST_TEST(calls(p.start()).operation == "plane.get_project");
  ends(p.on_response(recorded("006-project-get")));
  BOOST_TEST(p.value().identifier == "FAKE");
  (void)p.start();
  BOOST_TEST(fails(p.on_response(recorded("133-project-404"))).code == errc::not_found);
  read_me me{at};
  BOOST_TEST(has(calls(me.start()).request.url, "/api/v1/users/me/"));
  ends(me.on_response(recorded("155-ratelimit-00")));
  BOOST_TEST(me.value().display_name == "carol.fake");
  BOOST_TEST(fails(me.on_response(recorded("138-auth-bad"))).code == errc::unauthorized);
}

BOOST_AUTO_TEST_CASE(lists_are_read_to_their_last_page_with_the_cursor_as_it_came) {
  list_projects_all x{at};
  const auto first = calls(x.start());
  BOOST_TEST(first.operation == "plane.list_projects");
  BOOST_TEST(has(first.request.url, "/projects/?per_page=100"));
  auto body = boost::json::parse(recorded("005-project-list").body).as_object();
  body["next_page_results"] = true;
  body["next_cursor"] = "any thing/at:all";
  const auto second = calls(x.on_response(answer(200, boost::json::serialize(body))));
  BOOST_TEST(has(second.request.url, "cursor=any%20thing%2Fat%3Aall"));
  ends(x.on_response(recorded("005-project-list")));
  BOOST_TEST(x.values().size() == 2 * body["results"].as_array().size());
  BOOST_TEST(x.values().front().is_member);

  (void)x.start();
  BOOST_TEST(x.values().empty());
  (void)calls(x.on_response(answer(200, boost::json::serialize(body))));
  const auto f = fails(x.on_response(answer(200, boost::json::serialize(body))));
  BOOST_TEST(f.code == errc::unexpected_answer);
  BOOST_TEST(f.where == "plane.list_projects");
}

BOOST_AUTO_TEST_CASE(states_labels_members_and_comments_are_listed) {
  list_states_all states{at, pid};
  BOOST_TEST(has(calls(states.start()).request.url, "/states/"));
  ends(states.on_response(recorded("011-state-list")));
  BOOST_TEST(states.values().size() == 5u);
  list_labels_all labels{at, pid};
  BOOST_TEST(has(calls(labels.start()).request.url, "/labels/"));
  ends(labels.on_response(recorded("023-label-list")));
  BOOST_TEST(labels.values().size() == 3u);
  list_members_all everyone{at, ""};
  BOOST_TEST(has(calls(everyone.start()).request.url, "/fake-works/members/"));
  ends(everyone.on_response(recorded("008-workspace-members")));
  BOOST_TEST(everyone.values().back().role == 20);
  list_members_all members{at, pid};
  BOOST_TEST(has(calls(members.start()).request.url, pid + "/members/"));
  ends(members.on_response(recorded("010-project-members")));
  BOOST_TEST(members.take().size() == 2u);
  list_comments_all comments{at, pid, iid};
  BOOST_TEST(has(calls(comments.start()).request.url, iid + "/comments/"));
  ends(comments.on_response(recorded("071-comment-list")));
  BOOST_TEST(comments.values().size() == 4u);
}

BOOST_AUTO_TEST_CASE(a_poll_goes_down_to_the_watermark_and_no_further) {
  poll_work_items x{at, pid, when("2026-11-21T07:00:00Z")};
  const auto c = calls(x.start());
  BOOST_TEST(has(c.request.url, "per_page=100&order_by=-updated_at&fields=id%2Cupdated_at"));
  (void)calls(x.on_response(answer(200, page_of({brief('1', "2026-11-21T08:00:00+00:00"),
                                                 brief('2', "2026-11-21T15:30:00+08:00")},
                                                "a", true))));
  // another offset, another order of text: instants are compared
  ends(x.on_response(answer(
      200, page_of({brief('2', "2026-11-21T15:30:00+08:00"), brief('3', "2026-11-21T07:00:00Z"),
                    brief('4', "2026-11-21T14:59:59+08:00"), brief('5', "2026-11-20T00:00:00Z")},
                   "b", true))));
  BOOST_TEST(x.changed().size() == 3u);  // once each, the one at the mark included
  BOOST_TEST((x.newest() == when("2026-11-21T08:00:00Z")));
}

BOOST_AUTO_TEST_CASE(a_poll_of_a_quiet_project_ends_with_nothing) {
  poll_work_items x{at, pid, when("2027-01-01T00:00:00Z")};
  (void)x.start();
  ends(x.on_response(recorded("118-issue-list-order-updated")));
  BOOST_TEST(x.changed().empty());
  BOOST_TEST((x.newest() == when("2027-01-01T00:00:00Z")));
}

BOOST_AUTO_TEST_CASE(a_poll_refuses_a_repeated_cursor_and_times_that_are_none) {
  poll_work_items x{at, pid, when("2020-01-01T00:00:00Z")};
  (void)x.start();
  const auto same = page_of({brief('1', "2026-11-21T08:00:00Z")}, "100:1:0", true);
  (void)calls(x.on_response(answer(200, same)));
  BOOST_TEST(fails(x.on_response(answer(200, same))).code == errc::unexpected_answer);
  (void)x.start();
  BOOST_TEST(
      fails(x.on_response(answer(200, page_of({brief('1', "yesterday")}, "", false)))).code ==
      errc::unexpected_answer);
  poll_work_items bounded{at, pid, when("2020-01-01T00:00:00Z"), 1};
  (void)bounded.start();
  BOOST_TEST(fails(bounded.on_response(answer(200, same))).code == errc::unexpected_answer);
}

BOOST_AUTO_TEST_CASE(a_scan_falls_back_to_pages_of_100_and_reads_all) {
  scan_work_items x{at, pid};
  const auto first = calls(x.start());
  BOOST_TEST(has(first.request.url, "per_page=1000&order_by=created_at&fields=id%2C"));
  const auto again = calls(x.on_response(recorded("115-issue-list-per-page-too-big")));
  BOOST_TEST(has(again.request.url, "per_page=100&"));
  BOOST_TEST(x.page_size() == 100u);
  const auto next =
      calls(x.on_response(answer(200, page_of({brief('1', ""), brief('2', "")}, "100:1:0", true))));
  BOOST_TEST(has(next.request.url, "per_page=100&cursor=100%3A1%3A0"));
  BOOST_TEST(!x.complete());
  BOOST_TEST(x.take().size() == 2u);
  ends(x.on_response(answer(200, page_of({brief('3', "")}, "100:2:0", false))));
  BOOST_TEST(x.complete());
  BOOST_TEST(x.take().size() == 1u);
  BOOST_TEST(x.total() == 9);
  BOOST_TEST(!x.first_error().has_value());
}

BOOST_AUTO_TEST_CASE(a_scan_goes_on_where_it_failed_and_remembers_the_first_error) {
  scan_work_items x{at, pid};
  (void)x.start();
  (void)calls(x.on_response(answer(200, page_of({brief('1', "")}, "1000:1:0", true))));
  BOOST_TEST(fails(x.on_response(answer(502))).code == errc::upstream_down);
  BOOST_TEST(!x.complete());
  const auto again = calls(x.resume());
  BOOST_TEST(has(again.request.url, "cursor=1000%3A1%3A0"));
  BOOST_TEST(fails(x.on_response(answer(403, R"({"detail":"no"})"))).code == errc::forbidden);
  BOOST_TEST(x.first_error()->code == errc::upstream_down);
  (void)calls(x.resume());
  ends(x.on_response(answer(200, page_of({brief('2', "")}, "1000:2:0", false))));
  BOOST_TEST(x.found().size() == 2u);
  ends(x.resume());
  (void)calls(x.start());
  BOOST_TEST(x.found().empty());
  BOOST_TEST(!x.complete());
}

BOOST_AUTO_TEST_CASE(a_scan_refuses_a_repeated_cursor_and_a_400_on_a_later_page) {
  scan_work_items x{at, pid};
  (void)x.start();
  const auto same = page_of({brief('1', "")}, "1000:1:0", true);
  (void)calls(x.on_response(answer(200, same)));
  BOOST_TEST(fails(x.on_response(answer(200, same))).code == errc::unexpected_answer);
  BOOST_TEST(x.first_error().has_value());
  scan_work_items y{at, pid};
  (void)y.start();
  (void)calls(y.on_response(answer(200, same)));
  BOOST_TEST(fails(y.on_response(recorded("114-issue-list-bad-cursor"))).code == errc::bad_input);
}

BOOST_AUTO_TEST_CASE(the_items_path_is_probed_once_and_falls_back) {
  probe_items_path now{at, pid};
  BOOST_TEST(has(calls(now.start()).request.url, "/work-items/?per_page=1"));
  ends(now.on_response(recorded("243-m6-issue-list-fields-expand")));
  BOOST_TEST(now.items_path() == "work-items");
  probe_items_path old{at, pid};
  (void)old.start();
  BOOST_TEST(
      has(calls(old.on_response(recorded("136-path-404"))).request.url, "/issues/?per_page=1"));
  ends(old.on_response(recorded("110-issue-list-page1")));
  BOOST_TEST(old.items_path() == "issues");
  probe_items_path neither{at, pid};
  (void)neither.start();
  (void)calls(neither.on_response(answer(404)));
  BOOST_TEST(fails(neither.on_response(answer(404))).code == errc::not_found);
  probe_items_path foreign{at, pid};
  (void)foreign.start();
  BOOST_TEST(fails(foreign.on_response(recorded("134-project-404-issues"))).code ==
             errc::forbidden);
}

namespace {
item_fields new_item() {
  item_fields f;
  f.name = "Full fake item";
  f.external_source = "fake-src";
  f.external_id = "ext-1";
  return f;
}
}  // namespace

BOOST_AUTO_TEST_CASE(creating_an_item_posts_once_and_tells_who_was_dropped) {
  auto fields = new_item();
  fields.assignees = std::vector<std::string>{"31db1155-fc3f-48f4-b991-6fd43e85d109"};
  create_item x{at, pid, fields};
  const auto c = calls(x.start());
  BOOST_TEST(c.operation == "plane.create_work_item");
  BOOST_TEST(c.request.method == "POST");
  BOOST_TEST(c.idempotent);
  ends(x.on_response(recorded("035-issue-create-nonmember-assignee")));
  BOOST_TEST(!x.existed());
  BOOST_TEST(!x.item().id.empty());
  BOOST_TEST(x.dropped_assignees().size() == 1u);
}

BOOST_AUTO_TEST_CASE(without_an_external_pair_a_creation_is_not_repeatable) {
  item_fields f;
  f.name = "x";
  create_item x{at, pid, f, true};
  const auto c = calls(x.start());
  BOOST_TEST(c.request.method == "POST");
  BOOST_TEST(!c.idempotent);
}

BOOST_AUTO_TEST_CASE(a_conflict_on_creation_means_that_it_exists_and_is_read) {
  create_item x{at, pid, new_item()};
  (void)x.start();
  const auto c = calls(x.on_response(recorded("029-issue-create-duplicate-external")));
  BOOST_TEST(c.request.method == "GET");
  BOOST_TEST(has(c.request.url, "/issues/1199e738-39cb-4c01-a8a9-f08fcb4deec2/"));
  ends(x.on_response(recorded("127-issue-get-by-identifier")));
  BOOST_TEST(x.existed());
  BOOST_TEST(x.item().external_id == "ext-1");
  (void)x.start();
}

BOOST_AUTO_TEST_CASE(an_existing_item_that_cannot_be_read_stays_a_conflict) {
  create_item x{at, pid, new_item()};
  (void)x.start();
  (void)calls(x.on_response(recorded("029-issue-create-duplicate-external")));
  BOOST_TEST(fails(x.on_response(recorded("129-issue-get-404"))).code == errc::conflict);
}

BOOST_AUTO_TEST_CASE(begun_anew_a_creation_looks_before_it_posts_again) {
  create_item x{at, pid, new_item()};
  BOOST_TEST(calls(x.start()).request.method == "POST");
  const auto look = calls(x.start());
  BOOST_TEST(look.operation == "plane.find_by_external_id");
  BOOST_TEST(has(look.request.url, "/issues/?external_id=ext-1&external_source=fake-src"));
  ends(x.on_response(recorded("121-issue-list-external")));
  BOOST_TEST(x.existed());
  (void)x.start();
  BOOST_TEST(calls(x.on_response(recorded("122-issue-list-external-none"))).request.method ==
             "POST");
  ends(x.on_response(recorded("028-issue-create-full")));
  BOOST_TEST(!x.existed());
  (void)x.start();
  BOOST_TEST(fails(x.on_response(recorded("265-m6-race-get"))).code == errc::upstream_down);
}

BOOST_AUTO_TEST_CASE(refused_creations_carry_the_remote_reason) {
  for (const auto& [name, text] : {std::pair{"031-issue-create-bad-priority", "priority"},
                                   {"032-issue-create-bad-dates", "date"},
                                   {"030-issue-create-missing-name", "name"}}) {
    create_item x{at, pid, new_item()};
    (void)x.start();
    const auto f = fails(x.on_response(recorded(name)));
    BOOST_TEST(f.code == errc::bad_input);
    BOOST_TEST(has(f.detail, text), f.detail);
  }
  item_fields bad = new_item();
  bad.extra["state_id"] = iid;
  create_item x{at, pid, bad};
  BOOST_TEST(fails(x.start()).code == errc::bad_input);
}

BOOST_AUTO_TEST_CASE(an_update_patches_and_a_conflict_of_it_is_a_failure) {
  item_fields f;
  f.target_date = "2026-12-24";
  change_item x{at, pid, iid, {f, {}, {}}};
  const auto c = calls(x.start());
  BOOST_TEST(c.request.method == "PATCH");
  BOOST_TEST(c.idempotent);
  // Plane answers with uuids: one read gives them names.
  const auto named = calls(x.on_response(recorded("047-issue-update-target-date")));
  BOOST_TEST(named.request.method == "GET");
  BOOST_TEST(!x.item().target_date.empty());
  (void)x.start();
  const auto conflict = fails(x.on_response(recorded("063-issue-update-external-conflict")));
  BOOST_TEST(conflict.code == errc::conflict);
  BOOST_TEST(!conflict.remedy.empty());
  (void)x.start();
  BOOST_TEST(fails(x.on_response(recorded("152-issue-patch-deleted"))).code == errc::not_found);
}

BOOST_AUTO_TEST_CASE(a_comment_is_written_once) {
  create_item_comment x{at, pid, iid, {"<p>a</p>", "", "fake-src", "ext-c-1"}};
  const auto c = calls(x.start());
  BOOST_TEST(c.operation == "plane.create_comment");
  BOOST_TEST(c.idempotent);
  ends(x.on_response(recorded("067-comment-create-external")));
  BOOST_TEST(!x.existed());
  BOOST_TEST(!x.value().id.empty());
  (void)x.start();
  const auto read = calls(x.on_response(recorded("068-comment-create-duplicate-external")));
  BOOST_TEST(read.request.method == "GET");
  BOOST_TEST(has(read.request.url, "/comments/"));
  ends(x.on_response(recorded("072-comment-get")));
  BOOST_TEST(x.existed());
  create_item_comment plain{at, pid, iid, {"<p>a</p>", "", "", ""}};
  BOOST_TEST(!calls(plain.start()).idempotent);
  BOOST_TEST(fails(plain.on_response(recorded("249-m6-comment-404"))).code == errc::bad_input);
}
