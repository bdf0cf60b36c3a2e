#define BOOST_TEST_MODULE plane_parse
#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>
#include <map>

#include "plane_fixture.hpp"
#include "protocol/plane/parse.hpp"

using namespace pb::protocol::plane;
namespace fixture = plane_fixture;

namespace {

template <class T>
T ok(pb::result<T> r) {
  BOOST_REQUIRE_MESSAGE(r.has_value(), (r ? std::string{} : pb::describe(r.error())));
  return std::move(*r);
}
pb::failure bad(const std::string& body) {
  const auto r = parse_work_item(std::string_view{body});
  BOOST_REQUIRE(r.has_error());
  return r.error();
}
bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_recorded_work_item_and_list_of_the_api_is_read) {
  std::map<std::string, int> read_as;
  for (const auto* folder : {"plane-live/rest", "plane-live/v0.25.3/rest"}) {
    for (const auto& path : fixture::files(folder)) {
      const auto e = fixture::load_exchange(path);
      // The page's own session API is not ours; the recording cut the largest bodies.
      if (e.answer.status >= 300 || e.answer.body.empty() || e.cut || has(e.step, "app-") ||
          has(e.path, "/api/workspaces/"))
        continue;
      BOOST_TEST_CONTEXT(path.filename().string()) {
        const std::string& body = e.answer.body;
        const auto v = boost::json::parse(body);
        const auto query = e.path.find('?');
        auto route = e.path.substr(0, query);
        const auto args = query == std::string::npos ? "" : e.path.substr(query);
        while (!route.empty() && route.back() == '/') route.pop_back();
        const auto last = route.substr(route.rfind('/') + 1);
        const bool is_page = v.is_object() && v.as_object().contains("results");
        const bool cut_down = has(args, "fields=");
        if (is_page && (last == "issues" || last == "work-items")) {
          ++read_as[cut_down ? "briefs" : "items"];
          if (cut_down)
            ok(parse_page<work_item_brief>(body, "t"));
          else
            BOOST_TEST(ok(parse_page<work_item>(body, "t")).results.size() ==
                       v.at("count").as_int64());
        } else if (is_page && last == "states") {
          ++read_as["states"];
          BOOST_TEST(ok(parse_page<project_state>(body, "t")).results.size() >= 2u);
        } else if (is_page && last == "labels") {
          ++read_as["labels"];
          ok(parse_page<label>(body, "t"));
        } else if (is_page && last == "comments") {
          ++read_as["comments"];
          for (const auto& c : ok(parse_page<comment>(body, "t")).results) {
            BOOST_TEST(!c.work_item.empty());
            BOOST_TEST(!c.actor.empty());
          }
        } else if (is_page && last == "links") {
          ++read_as["links"];
          ok(parse_page<item_link>(body, "t"));
        } else if (is_page && last == "projects") {
          ++read_as["projects"];
          for (const auto& p : ok(parse_page<project>(body, "t")).results)
            BOOST_TEST(!p.identifier.empty());
        } else if (v.is_array() && last == "members") {
          ++read_as["members"];
          const auto p = ok(parse_page<member>(body, "t"));
          BOOST_TEST(p.results.size() == v.as_array().size());
          BOOST_TEST(!p.has_next);
        } else if (v.is_object() && v.as_object().contains("sequence_id")) {
          ++read_as["item"];
          const auto item = ok(parse_work_item(std::string_view{body}));
          BOOST_TEST(!item.created_at.empty());
          BOOST_TEST(item.sequence_id > 0);
        } else if (v.is_object() && v.as_object().contains("comment_html")) {
          ++read_as["comment"];
          ok(parse_object<comment>(body, "t"));
        } else if (v.is_object() && v.as_object().contains("is_member") &&
                   v.as_object().contains("identifier")) {
          ++read_as["project"];
          ok(parse_object<project>(body, "t"));
        } else if (v.is_object() && v.as_object().contains("group")) {
          ++read_as["state"];
          ok(parse_object<project_state>(body, "t"));
        } else if (v.is_object() && v.as_object().contains("display_name")) {
          ++read_as["me"];
          ok(parse_object<member>(body, "t"));
        }
      }
    }
  }
  for (const auto* kind : {"items", "briefs", "states", "labels", "comments", "links", "projects",
                           "members", "item", "comment", "project", "state", "me"}) {
    BOOST_TEST_MESSAGE(kind << ": " << read_as[kind]);
    BOOST_TEST(read_as[kind] > 0, kind);
  }
}

BOOST_AUTO_TEST_CASE(a_plain_read_has_ids_and_an_expanded_one_has_names) {
  const auto plain =
      ok(parse_work_item(std::string_view{fixture::recorded("123-issue-get-plain").answer.body}));
  const auto rich =
      ok(parse_work_item(std::string_view{fixture::recorded("124-issue-get-expand").answer.body}));
  BOOST_TEST(plain.id == rich.id);
  BOOST_TEST(plain.project == rich.project);
  BOOST_TEST(plain.parent == rich.parent);
  BOOST_TEST(plain.created_by == rich.created_by);
  BOOST_REQUIRE(plain.state.has_value());
  BOOST_REQUIRE(rich.state.has_value());
  BOOST_TEST(plain.state->id == rich.state->id);
  BOOST_TEST(plain.state->name.empty());
  BOOST_TEST(rich.state->name == "Done");
  BOOST_TEST((rich.state->group == state_group::completed));
  BOOST_REQUIRE(plain.assignees.size() == rich.assignees.size());
  for (std::size_t i = 0; i < plain.assignees.size(); ++i) {
    BOOST_TEST(plain.assignees[i].id == rich.assignees[i].id);
    BOOST_TEST(plain.assignees[i].display_name.empty());
    BOOST_TEST(!rich.assignees[i].display_name.empty());
  }
  BOOST_TEST(rich.labels.at(0).name == "feature");
  BOOST_TEST(rich.target_date == "2026-12-31");
}

BOOST_AUTO_TEST_CASE(every_written_sample_of_the_api_is_read) {
  const auto file = [](const char* name) { return fixture::sample(name); };
  const auto item = ok(parse_work_item(std::string_view{file("rest_work_item.json")}));
  BOOST_TEST(item.external_source == "feishu");
  BOOST_TEST(item.external_id == "t-7421093");
  const auto rich = ok(parse_work_item(
      std::string_view{file("rest_work_item_expand_state_assignees_labels_project.json")}));
  BOOST_TEST(!rich.state->name.empty());
  const auto first = ok(parse_page<work_item>(file("rest_work_items_page.json"), "t"));
  BOOST_TEST(first.has_next);
  const auto last = ok(parse_page<work_item>(file("rest_work_items_last_page.json"), "t"));
  BOOST_TEST(!last.has_next);
  BOOST_TEST(!last.next_cursor.empty());
  ok(parse_page<project>(file("rest_projects_page.json"), "t"));
  ok(parse_page<project_state>(file("rest_states_page.json"), "t"));
  ok(parse_page<label>(file("rest_labels_page.json"), "t"));
  ok(parse_page<comment>(file("rest_comments_page.json"), "t"));
  ok(parse_object<comment>(file("rest_comment_created_201.json"), "t"));
  ok(parse_object<item_link>(file("rest_link_created_201.json"), "t"));
  BOOST_TEST(ok(parse_page<member>(file("rest_project_members.json"), "t")).results.size() == 3u);
  BOOST_TEST(ok(parse_page<member>(file("rest_workspace_members.json"), "t")).results.at(0).role >
             0);
  const auto p = ok(parse_object<project>(file("rest_project.json"), "t"));
  BOOST_TEST(p.identifier == "GW");
  BOOST_TEST(p.timezone == "Asia/Shanghai");
  BOOST_TEST(p.is_member);
  BOOST_TEST(!ok(parse_object<member>(file("rest_users_me.json"), "t")).user.id.empty());
}

BOOST_AUTO_TEST_CASE(an_item_cut_down_by_fields_is_a_brief) {
  const auto b =
      ok(parse_object<work_item_brief>(fixture::recorded("125-issue-get-fields").answer.body, "t"));
  BOOST_TEST(!b.id.empty());
  BOOST_TEST(b.updated_at.empty());
  BOOST_TEST(
      has(bad(fixture::recorded("125-issue-get-fields").answer.body).detail, "project: missing"));
}

BOOST_AUTO_TEST_CASE(wrong_types_of_what_is_used_are_errors_and_unknown_keys_are_not) {
  const auto good = boost::json::parse(fixture::sample("rest_work_item.json")).as_object();
  const auto with = [&](const char* key, boost::json::value v) {
    auto o = good;
    o[key] = std::move(v);
    return boost::json::serialize(o);
  };
  ok(parse_work_item(std::string_view{with("brand_new", boost::json::object{{"a", 1}})}));
  struct row {
    const char* key;
    boost::json::value value;
    const char* says;
  };
  const row rows[] = {
      {"id", 7, "id: a string is due"},
      {"id", nullptr, "id: null"},
      {"id", "GW-42", "id: not a uuid"},
      {"project", "", "project: not a uuid"},
      {"sequence_id", "42", "sequence_id: a whole number"},
      {"sequence_id", 1.5, "sequence_id: a whole number"},
      {"name", boost::json::array{}, "name: a string is due"},
      {"state", 3, "state: a string is due"},
      {"state", boost::json::object{{"id", "x"}}, "state.id: not a uuid"},
      {"assignees", boost::json::object{}, "assignees: an array is due"},
      {"assignees", boost::json::array{boost::json::object{}}, "assignees[0].id: missing"},
      {"labels", boost::json::array{nullptr}, "labels[0].id: null"},
      {"target_date", "tomorrow", "target_date: not a date"},
      {"target_date", "2026-13-01", "target_date: not a date"},
      {"start_date", 20261127, "start_date: a string is due"},
      {"is_draft", "no", "is_draft: a boolean is due"},
      {"priority", "p1", "priority: not a priority"},
      {"parent", false, "parent: a string is due"},
  };
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.says) {
      const auto f = bad(with(row.key, row.value));
      BOOST_TEST(f.code == pb::errc::unexpected_answer);
      BOOST_TEST(f.where == "plane.get_work_item");
      BOOST_TEST(has(f.detail, row.says), f.detail);
    }
  }
  BOOST_TEST(bad("<html>login</html>").code == pb::errc::unexpected_answer);
  BOOST_TEST(bad("[]").code == pb::errc::unexpected_answer);
  BOOST_TEST(bad("").code == pb::errc::unexpected_answer);
}

BOOST_AUTO_TEST_CASE(a_page_that_is_none_is_an_error_that_names_the_element) {
  const auto says = [](const char* body, std::string_view text) {
    const auto r = parse_page<work_item_brief>(std::string_view{body}, "t");
    BOOST_REQUIRE(r.has_error());
    BOOST_TEST(has(r.error().detail, text), r.error().detail);
  };
  says("{}", "results: missing");
  says(R"({"results":{}})", "results: an array is due");
  says(R"({"results":[1]})", "results[0]: an object is due");
  says(R"({"results":[],"next_page_results":"yes"})", "next_page_results: a boolean");
  says(R"({"results":[],"next_cursor":5})", "next_cursor: a string");
  says(R"({"results":[{"id":"5b8e2a17-6c4d-4f93-a0e1-7d2c9b3f8e54"},{"id":"x"}]})",
       "results[1].id: not a uuid");
  says("7", "a page is due");
}

BOOST_AUTO_TEST_CASE(the_recorded_pages_are_walked_to_their_end) {
  page_walker w{"t"};
  std::size_t items = 0;
  std::string next;
  for (const auto* name :
       {"110-issue-list-page1", "111-issue-list-page2", "112-issue-list-page3"}) {
    const auto e = fixture::recorded(name);
    if (!next.empty()) BOOST_TEST(has(e.path, next));
    const auto p = ok(parse_page<work_item>(e.answer.body, "t"));
    items += p.results.size();
    next = ok(w.after(p));
  }
  BOOST_TEST(next.empty());
  BOOST_TEST(items == 7u);
  BOOST_TEST(w.pages() == 3u);
}

BOOST_AUTO_TEST_CASE(a_repeated_cursor_a_missing_one_and_too_many_pages_are_errors) {
  page_walker w{"plane.list_projects"};
  BOOST_TEST(ok(w.after("100:1:0", true)) == "100:1:0");
  const auto again = w.after("100:1:0", true);
  BOOST_REQUIRE(again.has_error());
  BOOST_TEST(again.error().code == pb::errc::unexpected_answer);
  BOOST_TEST(again.error().where == "plane.list_projects");
  page_walker missing{"t"};
  BOOST_TEST(missing.after("", true).has_error());
  page_walker bounded{"t", 2};
  BOOST_TEST(bounded.after("a", true).has_value());
  BOOST_TEST(bounded.after("b", true).has_error());
}

BOOST_AUTO_TEST_CASE(walking_any_sequence_of_pages_ends_and_never_asks_for_a_cursor_twice) {
  const bool held = rc::check("page walker", [](const std::vector<std::uint8_t>& cursors) {
    page_walker w{"t", 50};
    std::set<std::string> asked;
    std::size_t steps = 0;
    for (const auto c : cursors) {
      const auto next = w.after(std::to_string(c), true);
      ++steps;
      if (!next) {
        // an error only for a repetition or at the bound
        RC_ASSERT(asked.count(std::to_string(c)) == 1 || steps == 50);
        break;
      }
      RC_ASSERT(*next == std::to_string(c));
      RC_ASSERT(asked.insert(*next).second);
    }
    RC_ASSERT(steps <= 50);
  });
  BOOST_TEST(held);
  BOOST_TEST(rc::check("a last page ends whatever its cursor says", [](const std::string& cursor) {
    page_walker w{"t"};
    const auto next = w.after(cursor, false);
    RC_ASSERT(next.has_value() && next->empty());
  }));
}
