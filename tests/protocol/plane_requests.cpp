#define BOOST_TEST_MODULE plane_requests
#include <boost/test/unit_test.hpp>

#include "plane_fixture.hpp"
#include "protocol/plane/requests.hpp"

using namespace pb::protocol::plane;
namespace fixture = plane_fixture;
using pb::protocol::http_request;

namespace {
const std::string pid = "f08062b3-a567-4b64-828d-08c780a8c3dc";
const std::string item = "6eee29da-fa28-4ffe-911a-4c675858ec4e";
const std::string user = "5b8e2a17-6c4d-4f93-a0e1-7d2c9b3f8e54";
const api cloud{"https://plane.example.test", "fake-works", "issues"};
const std::string p = "https://plane.example.test/api/v1/workspaces/fake-works/projects/" + pid;

std::string line(const http_request& r) { return r.method + ' ' + r.url; }
std::string body_of(const pb::result<http_request>& r) {
  BOOST_REQUIRE_MESSAGE(r.has_value(), (r ? std::string{} : pb::describe(r.error())));
  return r->body;
}
}  // namespace

BOOST_AUTO_TEST_CASE(every_call_has_its_method_and_its_path_with_a_trailing_slash) {
  list_query q;
  q.per_page = 100;
  q.cursor = "100:1:0";
  q.order_by = "-updated_at";
  q.fields = "id,updated_at";
  q.expand = "state";
  const std::string query =
      "?per_page=100&cursor=100%3A1%3A0&order_by=-updated_at&fields=id%2Cupdated_at&expand=state";
  const std::string i = p + "/issues/" + item;
  const std::string w = "https://plane.example.test/api/v1/workspaces/fake-works";
  item_fields named;
  named.name = "x";
  const std::pair<http_request, std::string> rows[] = {
      {get_me(cloud), "GET https://plane.example.test/api/v1/users/me/"},
      {list_projects(cloud, q), "GET " + w + "/projects/" + query},
      {get_project(cloud, pid), "GET " + p + "/"},
      {list_work_items(cloud, pid, q), "GET " + p + "/issues/" + query},
      {list_work_items(cloud, pid, {}), "GET " + p + "/issues/"},
      {get_work_item(cloud, pid, item), "GET " + i + "/?expand=state%2Cassignees%2Clabels"},
      {get_work_item(cloud, pid, item, ""), "GET " + i + "/"},
      {get_by_identifier(cloud, "FAKE", 2, ""), "GET " + w + "/issues/FAKE-2/"},
      {by_external_id(cloud, pid, "planebridge", "a b&c"),
       "GET " + p + "/issues/?external_id=a%20b%26c&external_source=planebridge"},
      {list_states(cloud, pid, {}), "GET " + p + "/states/"},
      {list_labels(cloud, pid, {}), "GET " + p + "/labels/"},
      {list_workspace_members(cloud), "GET " + w + "/members/"},
      {list_project_members(cloud, pid), "GET " + p + "/members/"},
      {list_comments(cloud, pid, item, {}), "GET " + i + "/comments/"},
      {get_comment(cloud, pid, item, user), "GET " + i + "/comments/" + user + "/"},
      {list_links(cloud, pid, item, {}), "GET " + i + "/links/"},
      {*create_work_item(cloud, pid, named), "POST " + p + "/issues/"},
      {*update_work_item(cloud, pid, item, named), "PATCH " + i + "/"},
      {delete_work_item(cloud, pid, item), "DELETE " + i + "/"},
      {create_comment(cloud, pid, item, {"<p>x</p>", "", "", ""}), "POST " + i + "/comments/"},
      {update_comment(cloud, pid, item, user, {"<p>x</p>", "", "", ""}),
       "PATCH " + i + "/comments/" + user + "/"},
      {delete_comment(cloud, pid, item, user), "DELETE " + i + "/comments/" + user + "/"},
      {*create_state(cloud, pid, "Review", "#fff", state_group::started), "POST " + p + "/states/"},
      {create_label(cloud, pid, "bug", "#f00"), "POST " + p + "/labels/"},
      {create_link(cloud, pid, item, "https://example.test", "t"), "POST " + i + "/links/"},
      {delete_link(cloud, pid, item, user), "DELETE " + i + "/links/" + user + "/"},
  };
  for (const auto& [request, want] : rows) BOOST_TEST(line(request) == want);
}

BOOST_AUTO_TEST_CASE(base_addresses_with_and_without_slashes_give_the_same_request) {
  const auto want = line(get_me(cloud));
  for (const auto* base :
       {"https://plane.example.test/", "https://plane.example.test//",
        "https://plane.example.test/api/v1", "https://plane.example.test/api/v1/"})
    BOOST_TEST(line(get_me({base, "fake-works", "issues"})) == want);
}

BOOST_AUTO_TEST_CASE(pieces_of_a_path_cannot_leave_their_place) {
  api odd = cloud;
  odd.workspace_slug = "a/../b?c#d";
  BOOST_TEST(get_project(odd, "../x").url ==
             "https://plane.example.test/api/v1/workspaces/a%2F..%2Fb%3Fc%23d/projects/..%2Fx/");
}

BOOST_AUTO_TEST_CASE(both_spellings_of_the_items_path_are_used_as_probed) {
  api now = cloud;
  now.items_path = "work-items";
  BOOST_TEST(list_work_items(now, pid, {}).url == p + "/work-items/");
  BOOST_TEST(get_by_identifier(now, "GW", 42, "").url ==
             "https://plane.example.test/api/v1/workspaces/fake-works/work-items/GW-42/");
}

BOOST_AUTO_TEST_CASE(writes_use_the_names_that_the_api_honours) {
  item_fields f;
  f.name = "登录";
  f.description_html = "";
  f.state = item;
  f.prio = priority::urgent;
  f.assignees = std::vector{user};
  f.labels = std::vector<std::string>{};
  f.parent = "";
  f.start_date = "2026-11-20";
  f.target_date = "";
  f.external_source = "planebridge";
  f.external_id = "x-1";
  f.extra["estimate_point"] = nullptr;
  BOOST_TEST(body_of(create_work_item(cloud, pid, f)) ==
             R"({"estimate_point":null,"name":"登录","description_html":"<p></p>","state":")" +
                 item + R"(","priority":"urgent","assignees":[")" + user +
                 R"("],"labels":[],"parent":null,"start_date":"2026-11-20","target_date":null,)" +
                 R"("external_source":"planebridge","external_id":"x-1"})");
  item_fields one;
  one.target_date = "2026-12-01";
  BOOST_TEST(body_of(update_work_item(cloud, pid, item, one)) == R"({"target_date":"2026-12-01"})");
}

BOOST_AUTO_TEST_CASE(what_the_api_would_ignore_or_refuse_is_refused_here_and_named) {
  const auto says = [](const item_fields& f, std::string_view field) {
    const auto r = update_work_item(cloud, pid, item, f);
    BOOST_REQUIRE_MESSAGE(r.has_error(), field);
    BOOST_TEST(r.error().code == pb::errc::bad_input);
    BOOST_TEST(r.error().detail.starts_with(std::string{field} + ":"), r.error().detail);
  };
  for (const auto* key : {"state_id", "assignee_ids", "label_ids", "parent_id", "id", "sequence_id",
                          "project", "workspace", "created_at", "updated_at"}) {
    item_fields f;
    f.extra[key] = "x";
    says(f, key);
  }
  const auto with = [](auto set) {
    item_fields f;
    set(f);
    return f;
  };
  says({}, "body");
  says(with([](auto& f) { f.name = ""; }), "name");
  says(with([](auto& f) { f.name = std::string(256, 'x'); }), "name");
  says(with([](auto& f) { f.state = "Done"; }), "state");
  says(with([](auto& f) { f.state = ""; }), "state");
  says(with([](auto& f) { f.assignees = std::vector<std::string>{"me"}; }), "assignees");
  says(with([](auto& f) { f.target_date = "2026-2-3"; }), "target_date");
  says(with([](auto& f) { f.external_id = "only one"; }), "external_id");
  BOOST_TEST(create_work_item(cloud, pid, {}).has_error());
  BOOST_TEST(create_state(cloud, pid, "T", "#fff", state_group::triage).has_error());
  std::string letters;
  for (int i = 0; i < 255; ++i) letters += "字";
  BOOST_TEST(
      update_work_item(cloud, pid, item, with([&](auto& f) { f.name = letters; })).has_value());
}

BOOST_AUTO_TEST_CASE(comments_are_never_empty_and_carry_the_pair_only_together) {
  BOOST_TEST(create_comment(cloud, pid, item, {}).body == R"({"comment_html":"<p></p>"})");
  BOOST_TEST(
      create_comment(cloud, pid, item, {"<p>a</p>", "INTERNAL", "planebridge", "c-1"}).body ==
      R"({"comment_html":"<p>a</p>","access":"INTERNAL",)"
      R"("external_source":"planebridge","external_id":"c-1"})");
  BOOST_TEST(create_comment(cloud, pid, item, {"<p>a</p>", "", "planebridge", ""}).body ==
             R"({"comment_html":"<p>a</p>"})");
}

BOOST_AUTO_TEST_CASE(credentials_are_one_sensitive_header) {
  auto r = get_me(cloud);
  authorize(r, {credential::kind::api_key, pb::secret{"plane_api_x"}});
  BOOST_TEST(r.headers.back().name == "X-API-Key");
  BOOST_TEST(r.headers.back().value == "plane_api_x");
  BOOST_TEST(r.headers.back().sensitive);
  const auto count = r.headers.size();
  authorize(r, {credential::kind::bearer, pb::secret{"tok"}});
  BOOST_TEST(r.headers.size() == count);
  BOOST_TEST(r.headers.back().name == "Authorization");
  BOOST_TEST(r.headers.back().value == "Bearer tok");
  BOOST_TEST(r.headers.back().sensitive);
  BOOST_TEST(r.url.find("tok") == std::string::npos);
}
