#define BOOST_TEST_MODULE http_system_endpoints
#include "http/system_endpoints.hpp"

#include <boost/test/unit_test.hpp>
#include <set>

#include "ask.hpp"
#include "http/calendar_feed.hpp"
#include "http/journal_endpoints.hpp"
#include "http/lark_webhook.hpp"
#include "http/mapping_endpoints.hpp"
#include "http/metrics.hpp"
#include "http/personal_key.hpp"

using namespace pb;
using namespace pb::http;

namespace {

struct figures final : inspector {
  mutable actor_query asked;
  std::string status = "ok";
  bool ready_now = true;

  std::string actors(const actor_query& q) const override {
    asked = q;
    return R"({"data":[],"page":{"next_cursor":null,"has_more":false}})";
  }
  std::string actor(const std::string& id) const override {
    return id == "7" ? R"({"data":{"id":"7"}})" : "";
  }
  std::string scheduler() const override { return R"({"data":{"threads":2}})"; }
  std::string health(bool detailed) const override {
    return R"({"data":{"status":")" + status + "\"" +
           (detailed ? R"(,"dependencies":{"store":{}})" : "") + "}}";
  }
  bool ready() const override { return ready_now; }
  void subscribe(std::function<bool(std::string_view, std::string_view)>) override {}
};

struct fixture {
  figures live;
  secret_list::list admin{secret{ask::admin_token}};
  secret_list::list scrape{secret{"scrape-token"}};

  response get(const std::string& pattern, ask::question q = {}) {
    const auto routes = system_routes({live, admin_auth{admin}, [] { return "a_metric 1\n"; },
                                       scrape, [] { return R"({"entries":[]})"; }});
    return ask::now(routes, "GET", pattern, std::move(q));
  }
  static ask::question nobody() {
    ask::question q;
    q.headers.clear();
    return q;
  }
  static ask::question bearer(const std::string& token) {
    ask::question q;
    q.headers = {{"Authorization", "Bearer " + token, true}};
    return q;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(liveness_asks_nobody, fixture) {
  live.status = "down";
  live.ready_now = false;
  const auto out = get("/healthz", nobody());
  BOOST_TEST(out.status == 200);
  BOOST_TEST(ask::text(ask::json_of(out).at("data"), "status") == "ok");
}

BOOST_FIXTURE_TEST_CASE(readiness_follows_the_inspector, fixture) {
  BOOST_TEST(get("/readyz", nobody()).status == 200);
  live.ready_now = false;
  const auto out = get("/readyz", nobody());
  BOOST_TEST(out.status == 503);
  BOOST_TEST(ask::code_of(out) == "NOT_READY");
  BOOST_TEST(ask::header(out, "Retry-After") == "1");
}

BOOST_FIXTURE_TEST_CASE(health_is_an_error_only_when_down, fixture) {
  for (const auto* pattern : {"/health", "/api/v1/health"}) {
    for (const auto& [status, expected] :
         std::vector<std::pair<std::string, int>>{{"ok", 200}, {"degraded", 200}, {"down", 503}}) {
      live.status = status;
      const auto out = get(pattern, nobody());
      BOOST_TEST(out.status == expected);
      BOOST_TEST(out.body.find("\"" + status + "\"") != std::string::npos);
      BOOST_TEST(out.body.find("dependencies") == std::string::npos);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(the_detailed_health_is_for_the_admin, fixture) {
  BOOST_TEST(get("/api/v1/health").body.find("dependencies") != std::string::npos);
  BOOST_TEST(get("/health").body.find("dependencies") == std::string::npos);
  BOOST_TEST(get("/api/v1/health", bearer("wrong")).status == 401);
  live.status = "down";
  const auto out = get("/api/v1/health");
  BOOST_TEST(out.status == 503);
  BOOST_TEST(ask::json_of(out).at("error").at("details").as_object().contains("dependencies"));
}

BOOST_FIXTURE_TEST_CASE(metrics_are_for_loopback_and_for_who_has_a_token, fixture) {
  auto near = nobody();
  near.loopback = true;
  for (const auto& q : {near, bearer("scrape-token"), bearer(ask::admin_token)}) {
    const auto out = get("/metrics", q);
    BOOST_TEST(out.status == 200);
    BOOST_TEST(out.content_type == metrics_content_type);
    BOOST_TEST(out.body == "a_metric 1\n");
  }
  for (const auto& q : {nobody(), bearer("wrong"), bearer("")})
    BOOST_TEST(get("/metrics", q).status == 401);
}

BOOST_FIXTURE_TEST_CASE(metrics_without_any_token_name_the_entry_to_others_than_loopback, fixture) {
  admin.clear();
  scrape.clear();
  const auto out = get("/metrics", nobody());
  BOOST_TEST(out.status == 503);
  BOOST_TEST(ask::text(ask::json_of(out).at("error").at("details"), "entry") ==
             "security.metrics_token");
  auto near = nobody();
  near.loopback = true;
  BOOST_TEST(get("/metrics", near).status == 200);
}

BOOST_FIXTURE_TEST_CASE(the_debug_endpoints_are_for_the_admin, fixture) {
  for (const auto* pattern :
       {"/debug/actors", "/debug/actors/{id}", "/debug/scheduler", "/debug/config"}) {
    auto q = nobody();
    q.path_params["id"] = "7";
    BOOST_TEST(get(pattern, q).status == 401);
    q.headers = {{"Authorization", "Bearer wrong", true}};
    BOOST_TEST(get(pattern, q).status == 401);
    q.headers = {{"Authorization", "Bearer " + ask::admin_token, true}};
    BOOST_TEST(get(pattern, q).status == 200);
  }
  admin.clear();
  const auto out = get("/debug/config");
  BOOST_TEST(out.status == 503);
  BOOST_TEST(ask::code_of(out) == "KEY_MISSING");
}

BOOST_FIXTURE_TEST_CASE(actors_are_filtered_sorted_and_paged, fixture) {
  ask::question q;
  q.query = "kind=issue&key=plane%3Aissue%3A1&state=idle&sort=mailbox&cursor=50&limit=20";
  BOOST_TEST(get("/debug/actors", q).status == 200);
  BOOST_TEST(live.asked.kind == "issue");
  BOOST_TEST(live.asked.key == "plane:issue:1");
  BOOST_TEST(live.asked.state == "idle");
  BOOST_TEST(live.asked.sort == "mailbox");
  BOOST_TEST(live.asked.cursor == "50");
  BOOST_TEST(live.asked.limit == 20u);
  q.query = "limit=201";
  BOOST_TEST(get("/debug/actors", q).status == 400);
}

BOOST_FIXTURE_TEST_CASE(one_actor_is_found_or_missing, fixture) {
  ask::question q;
  q.path_params["id"] = "7";
  BOOST_TEST(get("/debug/actors/{id}", q).status == 200);
  q.path_params["id"] = "8";
  BOOST_TEST(get("/debug/actors/{id}", q).status == 404);
}

BOOST_FIXTURE_TEST_CASE(configuration_and_scheduler_have_the_shape_of_the_api, fixture) {
  BOOST_TEST(ask::json_of(get("/debug/config")).at("data").as_object().contains("entries"));
  BOOST_TEST(ask::json_of(get("/debug/scheduler")).at("data").as_object().contains("threads"));
}

BOOST_FIXTURE_TEST_CASE(the_description_has_every_route_and_no_other, fixture) {
  const auto described = ask::json_of(get("/openapi.json", nobody()));
  std::set<std::string> paths;
  for (const auto& [path, methods] : described.at("paths").as_object())
    for (const auto& [method, operation] : methods.as_object()) {
      std::string verb{method};
      for (char& c : verb) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      paths.insert(verb + " " + std::string{path});
      BOOST_TEST(operation.as_object().contains("summary"), path);
      BOOST_TEST(!operation.at("responses").as_object().empty(), path);
    }
  // never called here: the routes are only listed
  struct no_store final : persistence::store {
    void submit(persistence::write, done) override {}
    void read(std::function<void(result<persistence::reader*>)>) override {}
    persistence::store_health health() const noexcept override { return {}; }
    void retain(persistence::retention_limits, std::function<void(result<std::int64_t>)>) override {
    }
  } store;
  struct no_operations final : operations {
    void retry_dead_letter(const std::string&, std::function<void(result<std::string>)>) override {}
    void skip_dead_letter(const std::string&, std::function<void(result<std::string>)>) override {}
    void sync_now(const sync_request&, std::function<void(result<std::string>)>) override {}
    std::string sync_status(const std::string&) const override { return {}; }
  } ops;
  std::set<std::string> routes{"GET /debug/stream", "POST /webhooks/plane",
                               "GET /plane/oauth/start", "GET /plane/oauth/callback"};
  const admin_auth auth{admin};
  const manual_clock clock{{}};
  for (const auto& list :
       {system_routes({live, auth, {}, scrape, {}}), journal_routes(store, ops, auth),
        lark_webhook_routes({}, nullptr), mapping_routes({store, clock, auth, {}, {}}),
        personal_key_routes({store, clock, {}, {}, {}, {}}),
        std::vector<route>{calendar_feed_route({}, {})}})
    for (const auto& r : list) routes.insert(r.method + " " + r.pattern);
  BOOST_TEST(paths == routes, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(the_page_for_people_shows_the_same_paths_and_runs_nothing, fixture) {
  const auto out = get("/docs", nobody());
  BOOST_TEST(out.status == 200);
  BOOST_TEST(out.content_type == "text/html; charset=utf-8");
  BOOST_TEST(out.body.find("/api/v1/timeline/{entity}") != std::string::npos);
  BOOST_TEST(out.body.find("<script") == std::string::npos);
  BOOST_TEST(ask::header(out, "Content-Security-Policy").find("default-src 'none'") !=
             std::string::npos);
}
