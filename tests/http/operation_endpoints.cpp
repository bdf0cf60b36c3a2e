#define BOOST_TEST_MODULE http_operation_endpoints
#include <boost/test/unit_test.hpp>

#include "ask.hpp"
#include "http/journal_endpoints.hpp"
#include "http/journal_query.hpp"

using namespace pb;
using namespace pb::http;

namespace {

struct recorded final : operations {
  std::vector<std::string> calls;
  result<std::string> outcome = std::string{R"({"id":"run-1"})"};
  std::vector<std::function<void(result<std::string>)>> held;
  bool hold = false;

  void tell(std::string call, std::function<void(result<std::string>)> done) {
    calls.push_back(std::move(call));
    if (hold)
      held.push_back(std::move(done));
    else
      done(outcome);
  }
  void retry_dead_letter(const std::string& id,
                         std::function<void(result<std::string>)> done) override {
    tell("retry " + id, std::move(done));
  }
  void skip_dead_letter(const std::string& id,
                        std::function<void(result<std::string>)> done) override {
    tell("skip " + id, std::move(done));
  }
  void sync_now(const sync_request& r, std::function<void(result<std::string>)> done) override {
    tell("sync " + r.project + (r.dry_run ? " dry" : ""), std::move(done));
  }
  std::string sync_status(const std::string& id) const override {
    return id == "run-1" ? R"({"state":"running"})" : "";
  }
};

struct fixture {
  recorded ops;
  admin_auth auth{secret_list::list{secret{ask::admin_token}}};
  std::vector<route> routes = operation_routes(ops, auth);

  response letter(const std::string& id, const std::string& what) {
    ask::question q;
    q.path_params["id"] = id;
    return ask::now(routes, "POST", "/api/v1/dead-letters/{id}/" + what, std::move(q));
  }
  response sync(const std::string& body) {
    ask::question q;
    q.body = body;
    return ask::now(routes, "POST", "/api/v1/sync", std::move(q));
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(dead_letters_are_retried_and_skipped_by_their_ids, fixture) {
  const auto out = letter("d12", "retry");
  BOOST_TEST(out.status == 200);
  BOOST_TEST(ask::text(ask::json_of(out).at("data"), "id") == "run-1");
  BOOST_TEST(letter("e3073", "skip").status == 200);
  BOOST_TEST(ops.calls == (std::vector<std::string>{"retry d12", "skip e3073"}),
             boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(what_is_no_id_is_not_handed_on, fixture) {
  for (const auto* id : {"", "12", "d", "x12", "d12 ", "d-1", "../d1", "e99999999999999999999"}) {
    BOOST_TEST(letter(id, "retry").status == 404);
    BOOST_TEST(letter(id, "skip").status == 404);
  }
  BOOST_TEST(ops.calls.empty());
}

BOOST_FIXTURE_TEST_CASE(failures_of_an_operation_are_answered_as_what_they_are, fixture) {
  ops.outcome = failure{.code = errc::not_found, .where = "dead_letter", .detail = "d12"};
  BOOST_TEST(letter("d12", "retry").status == 404);
  ops.outcome = failure{.code = errc::storage, .where = "store", .detail = "away"};
  const auto out = letter("d12", "skip");
  BOOST_TEST(out.status == 503);
  BOOST_TEST(!ask::header(out, "Retry-After").empty());
}

BOOST_FIXTURE_TEST_CASE(a_sync_takes_project_and_dry_run, fixture) {
  const auto out = sync(R"({"project":"FAKE","dry_run":true})");
  BOOST_TEST(out.status == 202);
  BOOST_TEST(ask::text(ask::json_of(out).at("data"), "id") == "run-1");
  for (const auto* all : {"", "{}", R"({"project":null})", R"({"project":""})"})
    BOOST_TEST(sync(all).status == 202);
  BOOST_TEST(ops.calls.front() == "sync FAKE dry");
  BOOST_TEST(ops.calls.back() == "sync ");
}

BOOST_FIXTURE_TEST_CASE(a_sync_with_an_odd_body_is_refused, fixture) {
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  for (const auto& body : {std::string{"x"}, std::string{"[]"}, std::string{R"({"project":1})"},
                           std::string{R"({"dry_run":"yes"})"}, std::string{R"({"dryrun":true})"},
                           deep, R"({"project":")" + std::string(65, 'a') + "\"}"}) {
    const auto out = sync(body);
    BOOST_TEST(out.status == 400);
    BOOST_TEST(ask::code_of(out) == "BAD_REQUEST");
  }
  BOOST_TEST(ops.calls.empty());
}

BOOST_FIXTURE_TEST_CASE(a_sync_run_tells_how_far_it_is, fixture) {
  ask::question q;
  q.path_params["id"] = "run-1";
  const auto out = ask::now(routes, "GET", "/api/v1/sync/{id}", q);
  BOOST_TEST(ask::text(ask::json_of(out).at("data"), "state") == "running");
  q.path_params["id"] = "run-2";
  BOOST_TEST(ask::now(routes, "GET", "/api/v1/sync/{id}", q).status == 404);
}

BOOST_FIXTURE_TEST_CASE(nothing_happens_without_the_admins_token, fixture) {
  for (const auto& r : routes) {
    ask::question q;
    q.headers.clear();
    q.path_params["id"] = "d12";
    BOOST_TEST(ask::now(routes, r.method, r.pattern, q).status == 401);
  }
  BOOST_TEST(ops.calls.empty());
}

BOOST_FIXTURE_TEST_CASE(the_answer_waits_for_the_operation, fixture) {
  ops.hold = true;
  ask::question q;
  q.path_params["id"] = "d12";
  const auto out = ask::start(routes, "POST", "/api/v1/dead-letters/{id}/retry", q);
  BOOST_TEST(!out->has_value());
  ops.held.front()(ops.outcome);
  BOOST_REQUIRE(out->has_value());
  BOOST_TEST((*out)->status == 200);
}
