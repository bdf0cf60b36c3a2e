// The choices that the recordings do not cover: older servers, newer envelopes, no limit.
#define BOOST_TEST_MODULE sandbox_plane_options
#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include "sandbox/seed.hpp"

using namespace pb;
using namespace std::chrono_literals;
namespace sb = pb::sandbox;

namespace {

struct world {
  explicit world(sb::plane_options o = {})
      : plane(clock, random, o), seeds(sb::seed_demo(plane, secret{"key"})) {}
  protocol::http_response call(std::string method, std::string path, std::string body = {}) {
    sb::inbound in;
    in.method = std::move(method);
    in.path = "/api/v1/" + path;
    in.headers = {{"X-API-Key", "key"}, {"Content-Type", "application/json"}};
    in.body = std::move(body);
    return plane.handle(in);
  }
  std::string project() const { return "workspaces/demo/projects/" + seeds.projects[0].id + "/"; }
  manual_clock clock{from_micros(1'795'000'000'000'000)};
  seeded_random random{1};
  sb::plane plane;
  sb::seeded seeds;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_server_before_1_1_knows_issues_only) {
  world w{{.work_items_path = false}};
  BOOST_TEST(w.call("GET", w.project() + "issues/").status == 200);
  const auto missing = w.call("GET", w.project() + "work-items/");
  BOOST_TEST(missing.status == 404);
  BOOST_TEST(missing.body == R"({"error": "Page not found."})");
}

BOOST_AUTO_TEST_CASE(the_workspace_slug_is_in_the_envelope_when_asked_for) {
  world w{{.workspace_slug_in_webhooks = true}};
  w.plane.add_webhook("demo",
                      {.url = "http://a:b@bridge.test:81/hook?x=1", .signing_secret = secret{"s"}});
  BOOST_TEST(w.call("POST", w.project() + "issues/", R"({"name": "n"})").status == 201);
  const auto sent = w.plane.take_webhooks();
  BOOST_REQUIRE(sent.size() == 1u);
  BOOST_TEST(sent[0].url == "http://bridge.test:81/hook?x=1");
  BOOST_TEST(sent[0].headers.front().value == "bridge.test:81");
  BOOST_TEST(sent[0].headers.back().name == "Authorization");
  BOOST_TEST(sent[0].headers.back().value == "Basic YTpi");
  BOOST_TEST(sent[0].body.find(R"("workspace_slug": "demo", "data")") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_limit_slides_and_zero_means_none) {
  world limited{{.requests_per_minute = 2}};
  BOOST_TEST(limited.call("GET", "users/me/").header("X-RateLimit-Remaining") == "1");
  limited.clock.advance(20s);
  BOOST_TEST(limited.call("GET", "users/me/").status == 200);
  const auto refused = limited.call("GET", "users/me/");
  BOOST_TEST(refused.status == 429);
  BOOST_TEST(refused.header("Retry-After") == "40");
  limited.clock.advance(40s);
  BOOST_TEST(limited.call("GET", "users/me/").status == 200);

  world free{{.requests_per_minute = 0}};
  for (int i = 0; i < 200; ++i) BOOST_REQUIRE(free.call("GET", "users/me/").status == 200);
  BOOST_TEST(!free.call("GET", "users/me/").has_header("X-RateLimit-Remaining"));
}

BOOST_AUTO_TEST_CASE(the_same_seed_gives_the_same_ids) {
  world a, b;
  BOOST_TEST(a.seeds.projects[1].item_ids == b.seeds.projects[1].item_ids,
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(hostile_requests_get_plane_errors_and_not_more) {
  world w;
  for (const char* body :
       {"[]", "\"x\"", "{\"name\": [1]}", "{\"name\": {\"a\": 1}}",
        "{\"name\": \"n\", \"labels\": 5}", "{\"name\": \"n\", \"assignees\": [null]}",
        "{\"name\": \"n\", \"target_date\": 7}",
        "{\"name\": \"n\", \"description_html\": 3.5, \"state\": []}"}) {
    const auto a = w.call("POST", w.project() + "issues/", body);
    BOOST_TEST((a.status == 400 || a.status == 201), body << " gave " << a.status);
  }
  for (const char* path : {"", "//", "workspaces", "workspaces/%2e%2e/projects/", "users/me/x/",
                           "workspaces/demo/issues/-/"})
    BOOST_TEST(w.call("GET", path).status >= 400, path);
  BOOST_TEST(w.call("GET", w.project() + "issues/").status == 200);
}
