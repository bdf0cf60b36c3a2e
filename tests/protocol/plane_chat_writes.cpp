// What chat has written to Plane: fields and label sets, struck comments, writing as somebody.
#define BOOST_TEST_MODULE plane_chat_writes
#include <rapidcheck.h>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "exchange_steps.hpp"
#include "plane_fixture.hpp"
#include "protocol/plane/change_item.hpp"
#include "protocol/plane/strike_comment.hpp"

using namespace pb;
using namespace pb::protocol;
using namespace pb::protocol::plane;
using namespace exchange_steps;
namespace json = boost::json;

namespace {

const api at{"https://plane.example", "fake", "work-items"};
const std::string pid = "aaaaaaaa-0000-4000-8000-00000000000a";
const std::string iid = "1a2b3c4d-0000-4000-8000-000000000001";
const std::string cid = "cccccccc-0000-4000-8000-000000000001";
std::string uuid(char c) { return std::string(8, c) + "-0000-4000-8000-00000000000" + c; }

json::array list_of(const std::vector<std::string>& ids) {
  json::array a;
  for (const auto& id : ids) a.emplace_back(id);
  return a;
}
http_response item_with(const std::vector<std::string>& labels,
                        const std::vector<std::string>& assignees) {
  return answer(200, json::serialize(json::object{{"id", iid},
                                                  {"project", pid},
                                                  {"sequence_id", 7},
                                                  {"name", "Seven"},
                                                  {"state", nullptr},
                                                  {"updated_at", "2026-11-20T05:10:44.120931Z"},
                                                  {"labels", list_of(labels)},
                                                  {"assignees", list_of(assignees)}}));
}
item_names all_names() {
  item_names n;
  for (const char c : {'a', 'b', 'c', 'd'}) {
    n.labels.push_back({uuid(c), std::string{"label "} + c});
    n.people.push_back({uuid(c), std::string{"person "} + c, ""});
  }
  return n;
}
json::object body_of(const call& c) { return json::parse(c.request.body).as_object(); }
std::vector<std::string> texts(const json::value& v) {
  std::vector<std::string> out;
  for (const auto& e : v.as_array()) out.emplace_back(e.as_string().c_str());
  return out;
}
std::string comment_json(const std::string& html, const std::string& external_id = "") {
  return json::serialize(json::object{{"id", cid},
                                      {"issue", iid},
                                      {"project", pid},
                                      {"comment_html", html},
                                      {"external_source", "planebridge"},
                                      {"external_id", external_id}});
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_no_set_is_written_without_reading) {
  item_change c;
  c.set.target_date = "2026-12-24";
  change_item x{at, pid, iid, c};
  const auto w = calls(x.start());
  BOOST_TEST(w.request.method == "PATCH");
  BOOST_TEST(w.idempotent);
  ends(x.on_response(item_with({}, {})));
  BOOST_TEST(x.item().name == "Seven");
}

BOOST_AUTO_TEST_CASE(labels_join_and_leave_the_set_that_is_there_when_it_is_read) {
  struct row {
    std::vector<std::string> there, added, removed, written;
    bool writes;
  };
  const auto a = uuid('a'), b = uuid('b'), c = uuid('c');
  const row rows[] = {
      {{a}, {b}, {}, {a, b}, true}, {{a, b}, {}, {a}, {b}, true}, {{a, b}, {c}, {b}, {a, c}, true},
      {{a}, {a}, {}, {}, false},    {{a}, {}, {b}, {}, false},    {{}, {a}, {a}, {a}, true},
      {{a}, {a}, {a}, {}, false},   {{a}, {}, {a}, {}, true},
  };
  for (const auto& r : rows) {
    item_change change;
    change.labels_added = r.added;
    change.labels_removed = r.removed;
    change_item x{at, pid, iid, change, all_names()};
    BOOST_TEST(calls(x.start()).request.method == "GET");
    const auto next = x.on_response(item_with(r.there, {}));
    if (!r.writes) {
      ends(next);
      continue;
    }
    const auto w = calls(next);
    BOOST_TEST(w.request.method == "PATCH");
    BOOST_TEST(texts(body_of(w).at("labels")) == r.written, boost::test_tools::per_element());
    BOOST_TEST(!body_of(w).contains("assignees"));
    ends(x.on_response(item_with(r.written, {})));
    BOOST_TEST(x.item().labels.size() == r.written.size());
  }
}

BOOST_AUTO_TEST_CASE(begun_anew_the_set_is_read_again) {
  item_change change;
  change.labels_added = {uuid('a')};
  change_item x{at, pid, iid, change, all_names()};
  (void)x.start();
  BOOST_TEST(calls(x.on_response(item_with({uuid('b')}, {}))).request.method == "PATCH");
  BOOST_TEST(calls(x.start()).request.method == "GET");
  // It was carried out after all: nothing is left to write.
  ends(x.on_response(item_with({uuid('a'), uuid('b')}, {})));
  BOOST_TEST(x.item().labels.front().name == "label a");
}

BOOST_AUTO_TEST_CASE(people_whom_plane_drops_do_not_cost_the_others_their_place) {
  item_change change;
  change.set.assignees = std::vector<std::string>{uuid('c')};
  change_item x{at, pid, iid, change, all_names()};
  BOOST_TEST(calls(x.start()).request.method == "GET");
  BOOST_TEST(calls(x.on_response(item_with({}, {uuid('a')}))).request.method == "PATCH");
  const auto back = calls(x.on_response(item_with({}, {})));  // the trap: cleared, with 200
  BOOST_TEST(back.request.method == "PATCH");
  BOOST_TEST(texts(body_of(back).at("assignees")) == std::vector{uuid('a')},
             boost::test_tools::per_element());
  ends(x.on_response(item_with({}, {uuid('a')})));
  BOOST_TEST(x.dropped_assignees() == std::vector{uuid('c')}, boost::test_tools::per_element());
  BOOST_TEST(x.item().assignees.front().display_name == "person a");
}

BOOST_AUTO_TEST_CASE(nobody_assigned_needs_no_reading_and_drops_nobody) {
  item_change change;
  change.set.assignees = std::vector<std::string>{};
  change_item x{at, pid, iid, change};
  BOOST_TEST(calls(x.start()).request.method == "PATCH");
  ends(x.on_response(item_with({}, {})));
  BOOST_TEST(x.dropped_assignees().empty());
}

BOOST_AUTO_TEST_CASE(a_name_that_is_not_known_costs_one_reading) {
  item_change change;
  change.set.name = "Seven";
  change_item x{at, pid, iid, change, all_names()};
  (void)x.start();
  const auto read = calls(x.on_response(item_with({uuid('e')}, {uuid('a')})));
  BOOST_TEST(read.request.method == "GET");
  BOOST_TEST(has(read.request.url, "expand="));
  ends(x.on_response(plane_fixture::recorded("124-issue-get-expand").answer));
  BOOST_TEST(!x.item().name.empty());
}

BOOST_AUTO_TEST_CASE(failures_of_each_step_end_it) {
  item_change change;
  change.labels_added = {uuid('a')};
  change_item x{at, pid, iid, change};
  (void)x.start();
  BOOST_TEST(fails(x.on_response(answer(404, R"({"error":"gone"})"))).code == errc::not_found);
  (void)x.start();
  BOOST_TEST(fails(x.on_response(answer(200, "[]"))).code == errc::unexpected_answer);
  (void)x.start();
  (void)x.on_response(item_with({}, {}));
  BOOST_TEST(fails(x.on_response(answer(403, R"({"detail":"no"})"))).code == errc::forbidden);
  item_change bad;
  bad.set.state = "Done";
  change_item y{at, pid, iid, bad};
  BOOST_TEST(fails(y.start()).code == errc::bad_input);
}

BOOST_AUTO_TEST_CASE(a_struck_text_stays_readable) {
  const std::pair<const char*, const char*> rows[] = {
      {"<p>Hello</p>", "<p><s>Hello</s></p>"},
      {"Hello", "<s>Hello</s>"},
      {"<p>a <b>c</b></p>", "<p><s>a </s><b><s>c</s></b></p>"},
      {"<p><s>done</s> more</p>", "<p><s>done</s><s> more</s></p>"},
      {"<ul>\n <li><p>x</p></li>\n</ul>", "<ul>\n <li><p><s>x</s></p></li>\n</ul>"},
      {"<p>1 < 2</p>", "<p><s>1 < 2</s></p>"},
      {"<p title=\"a>b\">x</p>", "<p title=\"a>b\"><s>x</s></p>"},
      {"<!-- no --><P>x</P>", "<!-- no --><P><s>x</s></P>"},
      {"<p>x</p><pre><code>y</code></pre>", "<p><s>x</s></p><pre><code>y</code></pre>"},
      {"<pre><code>y</code></pre>", "<pre><code>y</code></pre><p><s>recalled in chat</s></p>"},
      {"<p></p>", "<p></p><p><s>recalled in chat</s></p>"},
      {"", "<p><s>recalled in chat</s></p>"},
      {"<del>x</del>", "<del>x</del>"},
      {"</s>x", "</s><s>x</s>"},
      {"<p>x</p><!-- y <b>", "<p><s>x</s></p><s>&lt;!-- y &lt;b></s>"},
      {"<p>\xe6\x88\xaa</p>", "<p><s>\xe6\x88\xaa</s></p>"},
  };
  for (const auto& [html, struck] : rows) BOOST_TEST(strike_out(html) == struck);
}

BOOST_AUTO_TEST_CASE(struck_twice_is_struck_once) {
  BOOST_TEST(rc::check([] {
    static const std::vector<std::string> pieces{
        "<p>",     "</p>", "<s>",     "</s>", "<del>", "<pre>", "</pre>", "<code>",
        "</code>", "<",    ">",       "a",    " ",     "\"",    "'",      "<!--",
        "-->",     "/",    "<b x=\"", "s",    "&lt;",  "<!",    "é"};
    std::string html;
    for (const auto i : *rc::gen::container<std::vector<std::size_t>>(
             rc::gen::inRange<std::size_t>(0, pieces.size())))
      html += pieces[i];
    const auto once = strike_out(html);
    RC_ASSERT(strike_out(once) == once);
    RC_ASSERT(is_struck_out(once));
    // Nothing is lost, and nothing changes its place.
    const auto read = [](std::string text) {
      for (auto at = text.find("&lt;"); at != std::string::npos; at = text.find("&lt;"))
        text.replace(at, 4, "<");
      return text;
    };
    html = read(html);
    std::size_t kept = 0;
    for (const char c : read(once))
      if (kept < html.size() && html[kept] == c) ++kept;
    RC_ASSERT(kept == html.size());
  }));
}

BOOST_AUTO_TEST_CASE(a_comment_is_read_struck_and_written_once) {
  strike_comment x{at, pid, iid, cid, "planebridge", "lark:om_1"};
  BOOST_TEST(calls(x.start()).request.method == "GET");
  const auto w = calls(x.on_response(answer(200, comment_json("<p>Hello</p>"))));
  BOOST_TEST(w.request.method == "PATCH");
  BOOST_TEST(w.idempotent);
  BOOST_TEST(body_of(w).at("comment_html").as_string() == "<p><s>Hello</s></p>");
  BOOST_TEST(!body_of(w).contains("external_id"));
  BOOST_TEST(!body_of(w).contains("access"));
  ends(x.on_response(answer(200, comment_json("<p><s>Hello</s></p>"))));
  BOOST_TEST(!x.gone());
  // Again, after an outcome that nobody saw: nothing is written.
  (void)x.start();
  ends(x.on_response(answer(200, comment_json("<p><s>Hello</s></p>"))));
}

BOOST_AUTO_TEST_CASE(a_comment_whose_uuid_is_not_known_is_found_by_its_marker) {
  strike_comment x{at, pid, iid, "", "planebridge", "lark:om_1"};
  const auto page = [](const std::string& comments, bool more) {
    return answer(200, R"({"results":[)" + comments + R"(],"next_cursor":"100:1:0",)" +
                           R"("next_page_results":)" + (more ? "true}" : "false}"));
  };
  BOOST_TEST(has(calls(x.start()).request.url, "/comments/"));
  const auto next = calls(x.on_response(page(comment_json("<p>b</p>", "lark:om_2"), true)));
  BOOST_TEST(next.request.method == "GET");
  const auto w = calls(x.on_response(page(comment_json("<p>a</p>", "lark:om_1"), false)));
  BOOST_TEST(w.request.method == "PATCH");
  BOOST_TEST(x.comment_id() == cid);
  ends(x.on_response(answer(200, comment_json("<p><s>a</s></p>", "lark:om_1"))));
  (void)x.start();
  ends(x.on_response(page("", false)));
  BOOST_TEST(x.gone());
}

BOOST_AUTO_TEST_CASE(a_comment_that_is_gone_needs_no_striking) {
  strike_comment x{at, pid, iid, cid, "planebridge", "lark:om_1"};
  (void)x.start();
  ends(x.on_response(answer(404, R"({"error":"The requested resource does not exist."})")));
  BOOST_TEST(x.gone());
  (void)x.start();
  BOOST_TEST(!x.gone());
  BOOST_TEST(fails(x.on_response(answer(403, R"({"detail":"no"})"))).code == errc::forbidden);
}

BOOST_AUTO_TEST_CASE(a_comment_is_read_for_its_text) {
  read_comment x{at, pid, iid, cid};
  BOOST_TEST(has(calls(x.start()).request.url, "/comments/" + cid + "/"));
  ends(x.on_response(answer(200, comment_json("<p>Hello</p>"))));
  BOOST_REQUIRE(x.value().has_value());
  BOOST_TEST(x.value()->html == "<p>Hello</p>");
  BOOST_TEST(x.value()->internal());
  (void)x.start();
  ends(x.on_response(answer(404, R"({"error":"gone"})")));
  BOOST_TEST(!x.value().has_value());
}

BOOST_AUTO_TEST_CASE(each_call_of_a_person_s_exchange_carries_their_credential) {
  item_change change;
  change.labels_added = {uuid('a')};
  with_credential x{std::make_shared<change_item>(at, pid, iid, change, all_names()),
                    "plane.user.u1"};
  BOOST_TEST(calls(x.start()).credential == "plane.user.u1");
  BOOST_TEST(calls(x.on_response(item_with({}, {}))).credential == "plane.user.u1");
  ends(x.on_response(item_with({uuid('a')}, {})));
  const auto& inner = dynamic_cast<const change_item&>(x.inner());
  BOOST_TEST(inner.item().labels.size() == 1u);
}
