// The Feishu app as the connector uses it: its token, its pace, its month, under a real connector
// on virtual time, against a Feishu of a few lines.
#define BOOST_TEST_MODULE actors_lark_account
#include "app/lark_account.hpp"

#include <boost/test/unit_test.hpp>
#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <deque>

#include "actors/connector.hpp"
#include "persistence/inline_store.hpp"
#include "protocol/lark/exchanges.hpp"

using namespace pb;
using namespace pb::actors;
using namespace std::chrono_literals;
namespace lark = protocol::lark;
using protocol::http_request;
using protocol::http_response;
using std::chrono::milliseconds;

namespace {

http_response coded(std::int64_t code, int status = 400) {
  return {status, {}, R"({"code":)" + std::to_string(code) + R"(,"msg":"words"})"};
}

struct bench {
  struct wire final : http::transport {
    explicit wire(bench& b) : of(b) {}
    void send(http_request r, http::call_limits, completion done) override {
      of.waiting.emplace_back(std::move(r), std::move(done));
    }
    bench& of;
  };
  manual_clock clock{from_micros(1'795'000'000'000'000)};
  seeded_random random{1};
  std::unique_ptr<persistence::inline_store> store =
      *persistence::inline_store::open_in_memory(&random);
  wire way{*this};
  telemetry figures;
  context_ptr ctx = std::make_shared<context>(*store, way, clock, random, figures, options{});
  caf::actor_system_config config;
  caf::actor_system system{config.set("scheduler.policy", caf::atom("testing"))};
  std::deque<std::pair<http_request, http::transport::completion>> waiting;

  std::vector<std::string> saved, told;
  std::shared_ptr<app::lark_account> account = std::make_shared<app::lark_account>(
      app::lark_credentials{{"https://feishu.test"}, {"cli_1", secret{"hush"}}},
      lark::pace_limits{}, clock,
      app::lark_account::hooks{[this](const std::string& s) { saved.push_back(s); },
                               [this](const lark::pace_notice& n) { told.push_back(n.text); }});
  std::shared_ptr<connector_status> status = std::make_shared<connector_status>();
  connector_port port = spawn_connector(system, ctx, app::lark_policy({}, account), status);

  // Feishu
  int tokens_asked = 0, life_s = 7'200;
  std::string good_token;
  std::optional<std::int64_t> token_refused;
  std::deque<http_response> answers;  ///< to calls; then code 0
  std::vector<std::string> used;      ///< Authorization of each call

  std::vector<std::string> ended;
  std::optional<failure> last;

  ~bench() {
    caf::anon_send_exit(port, caf::exit_reason::user_shutdown);
    port = nullptr;
    scheduler().run();
  }
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }
  http_response answer(const http_request& r) {
    if (r.url.ends_with("/tenant_access_token/internal")) {
      ++tokens_asked;
      if (token_refused) return coded(*token_refused);
      good_token = "t-" + std::to_string(tokens_asked);
      return {200,
              {},
              R"({"code":0,"expire":)" + std::to_string(life_s) + R"(,"tenant_access_token":")" +
                  good_token + "\"}"};
    }
    std::string token;
    for (const auto& h : r.headers)
      if (h.name == "Authorization") token = h.value;
    used.push_back(token);
    if (!answers.empty()) {
      auto a = answers.front();
      answers.pop_front();
      return a;
    }
    if (token != "Bearer " + good_token) return coded(99991663);
    return {200, {}, R"({"code":0,"data":{}})"};
  }
  void run() {
    scheduler().run();
    while (!waiting.empty()) {
      auto [r, done] = std::move(waiting.front());
      waiting.pop_front();
      done(answer(r));
      scheduler().run();
    }
  }
  void run_for(milliseconds span, milliseconds step = 50ms) {
    run();
    for (auto left = span; left > 0ms; left -= step) {
      clock.advance(step);
      scheduler().advance_time(step);
      run();
    }
  }
  void ask(const std::string& name, const std::string& chat = "oc_a") {
    auto e = std::make_shared<lark::single_call>(
        http_request{"PUT", "https://feishu.test/" + name, {}, {}}, "lark.edit", chat);
    caf::anon_send(port, perform{e, urgency::person, "test",
                                 std::make_shared<reply_once<performed>>(
                                     [this, name](const performed& p) {
                                       ended.push_back(p.failed ? name + "!" : name);
                                       if (p.failed) last = p.failed;
                                     },
                                     performed{})});
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(many_calls_share_one_token_that_is_asked_for_once, bench) {
  for (int n = 0; n < 5; ++n) ask("c" + std::to_string(n), "oc" + std::to_string(n));
  run();
  BOOST_TEST(ended.size() == 5u);
  BOOST_TEST(!last.has_value());
  BOOST_TEST(tokens_asked == 1);
  for (const auto& t : used) BOOST_TEST(t == "Bearer t-1");
}

BOOST_FIXTURE_TEST_CASE(it_is_renewed_with_half_an_hour_left_and_not_before, bench) {
  ask("a");
  run();
  clock.advance(89min);
  ask("b");
  run();
  BOOST_TEST(tokens_asked == 1);
  clock.advance(2min);
  ask("c");
  run();
  BOOST_TEST(tokens_asked == 2);
  BOOST_TEST(used.back() == "Bearer t-2");
}

BOOST_FIXTURE_TEST_CASE(a_renewal_that_fails_leaves_the_old_one_in_use_until_its_end, bench) {
  ask("a");
  run();
  clock.advance(95min);
  token_refused = 1500;
  ask("b");
  run_for(10s);
  BOOST_TEST(ended.back() == "b");
  BOOST_TEST(used.back() == "Bearer t-1");
  clock.advance(30min);
  ask("c");
  run_for(5s);
  BOOST_TEST(ended.back() == "c!");
  BOOST_REQUIRE(last.has_value());
  BOOST_TEST(last->retry_after.has_value());
  token_refused.reset();
  clock.advance(20s);
  ask("d");
  run_for(1s);
  BOOST_TEST(ended.back() == "d");
}

BOOST_FIXTURE_TEST_CASE(a_refused_token_is_dropped_and_the_call_made_once_more, bench) {
  for (const std::int64_t code : {99991663, 99991664, 99991671, 99991661, 99991665}) {
    ask("a");
    run_for(1s);
    clock.advance(1min);
    const auto before = tokens_asked;
    answers.push_back(coded(code));
    ask("b");
    run_for(1s);
    BOOST_TEST(ended.back() == "b", code);
    BOOST_TEST(tokens_asked == before + 1, code);
    BOOST_TEST(used.back() == "Bearer " + good_token);
  }
  BOOST_TEST(!last.has_value());
}

BOOST_FIXTURE_TEST_CASE(a_new_token_that_is_refused_too_is_no_endless_loop, bench) {
  ask("a");
  run();
  clock.advance(1min);
  for (int n = 0; n < 100; ++n) answers.push_back(coded(99991663));
  for (int n = 0; n < 10; ++n) ask("b", "oc" + std::to_string(n));
  run_for(5s);
  BOOST_TEST(ended.size() == 11u);
  BOOST_TEST(tokens_asked <= 3);
  BOOST_TEST(used.size() <= 1u + 2u * 8u);
  BOOST_TEST(status->suspended_until_us.load() > to_micros(clock.now()));
}

BOOST_FIXTURE_TEST_CASE(a_wrong_secret_stops_the_connector_and_is_told, bench) {
  token_refused = 10014;
  ask("a");
  run_for(1s);
  BOOST_TEST(ended.back() == "a!");
  BOOST_TEST(used.empty());
  BOOST_TEST(told.size() == 1u);
  BOOST_TEST(told.front().find("lark.app_secret") != std::string::npos);
  for (int n = 0; n < 20; ++n) ask("b");
  run_for(1s);
  BOOST_TEST(tokens_asked <= 2);
}

BOOST_FIXTURE_TEST_CASE(a_used_up_month_suspends_everything, bench) {
  ask("a");
  run();
  answers.push_back(coded(99991403));
  ask("b");
  run_for(1s);
  BOOST_TEST(ended.back() == "b!");
  const auto calls = used.size();
  for (int n = 0; n < 5; ++n) ask("c");
  run_for(10s);
  BOOST_TEST(used.size() == calls);
  BOOST_TEST(ended.size() == 7u);
  BOOST_TEST((last->code == errc::breaker_open));
  BOOST_TEST((*last->retry_after > 5h));
  BOOST_TEST(told.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_refusal_of_one_message_does_not_open_the_breaker, bench) {
  ask("a");
  run();
  for (int n = 0; n < 20; ++n) answers.push_back(coded(230011));
  for (int n = 0; n < 20; ++n) ask("b", "oc" + std::to_string(n));
  run_for(1s);
  BOOST_TEST(status->breaker.load() == 0);
  ask("c");
  run_for(1s);
  BOOST_TEST(ended.back() == "c");
}

BOOST_FIXTURE_TEST_CASE(a_chat_at_its_limit_is_tried_again_and_others_go_on, bench) {
  ask("first", "oc_b");
  run();
  answers.push_back(coded(230020));
  ask("a");
  run();
  ask("b", "oc_b");
  run();
  BOOST_TEST(ended.back() == "b");
  run_for(2s);
  BOOST_TEST(ended.back() == "a");
  BOOST_TEST(!last.has_value());
}

BOOST_FIXTURE_TEST_CASE(the_month_is_kept_ahead_and_never_before_it_was_read, bench) {
  ask("a");
  run();
  BOOST_TEST(saved.empty());
  account->restore_month("2026-11 500");
  ask("b");
  run();
  BOOST_TEST(account->look().this_month == 502);
  BOOST_REQUIRE(!saved.empty());
  const auto count = saved.size();
  for (int n = 0; n < 40; ++n) ask("c", "oc" + std::to_string(n));
  run_for(2s);
  BOOST_TEST(saved.size() <= count + 1);  // not at every call
}
