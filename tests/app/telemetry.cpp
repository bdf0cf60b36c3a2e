// What is told to the telemetry is what /metrics shows.
#define BOOST_TEST_MODULE app_telemetry
#include "app/telemetry.hpp"

#include <boost/test/unit_test.hpp>

#include "app/lark_account.hpp"
#include "persistence/inline_store.hpp"

using namespace pb;
using namespace pb::app;
using namespace std::chrono_literals;

namespace {

struct no_transport final : http::transport {
  void send(protocol::http_request, http::call_limits, completion) override {}
};

struct fixture {
  void expect(const std::string& line) {
    const auto text = "\n" + it.render();
    BOOST_TEST((text.find("\n" + line + "\n") != std::string::npos), line << " is not in" << text);
  }
  manual_clock clock{timestamp{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}}};
  secure_random random;
  no_transport transport;
  std::unique_ptr<persistence::inline_store> store =
      persistence::inline_store::open_in_memory().value();
  metrics_telemetry it;
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_dead_letter_is_counted_wherever_it_comes_from, fixture) {
  it.webhook("lark", http::webhook_outcome::dead);
  it.delivery_finished("dead");
  it.effect_finished("caldav", "dead", 0ms);
  it.effect_finished("caldav", "retry", 0ms);
  expect("planebridge_dead_letters_total{kind=\"delivery\"} 2");
  expect("planebridge_dead_letters_total{kind=\"effect\"} 1");
}

BOOST_FIXTURE_TEST_CASE(only_what_was_not_journaled_is_rejected, fixture) {
  using enum http::webhook_outcome;
  for (const auto outcome : {accepted, duplicate, ignored, dead, unsigned_, busy})
    it.webhook("plane", outcome);
  expect("planebridge_deliveries_rejected_total{reason=\"unsigned\",source=\"plane\"} 1");
  expect("planebridge_deliveries_rejected_total{reason=\"busy\",source=\"plane\"} 1");
  BOOST_TEST(it.render().find("reason=\"dead\"") == std::string::npos);
  BOOST_TEST(it.render().find("reason=\"accepted\"") == std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(the_smaller_of_our_count_and_the_remotes_is_what_is_left, fixture) {
  protocol::plane::request_budget budget{60};
  it.watch("plane", [&] { return budget.look(clock.steady_now()); });
  expect("planebridge_rate_limit_remaining_requests{integration=\"plane\"} 60");
  expect("planebridge_rate_limit_window_requests{integration=\"plane\"} 60");
  BOOST_TEST(budget.admit(clock.steady_now(), protocol::plane::purpose::person).go);
  expect("planebridge_rate_limit_remaining_requests{integration=\"plane\"} 59");
  protocol::http_response answer;
  answer.status = 200;
  answer.headers.push_back({"X-RateLimit-Remaining", "7"});
  budget.note_response(clock.steady_now(), answer);
  expect("planebridge_rate_limit_remaining_requests{integration=\"plane\"} 7");
  budget.note_429(clock.steady_now(), 2s);
  expect("planebridge_rate_limit_pause_seconds{integration=\"plane\"} 2");
}

BOOST_FIXTURE_TEST_CASE(queues_store_and_breakers_are_shown_from_the_first_scrape_on, fixture) {
  persistence::write unit;
  persistence::delivery_append a;
  a.row.source = "plane";
  a.row.received_at = clock.now();
  a.row.entity = entity_key::plane_issue("00000000-0000-4000-8000-000000000001");
  unit.appends.push_back(std::move(a));
  store->submit(std::move(unit), {});
  clock.advance(90s);
  const auto ctx =
      std::make_shared<actors::context>(*store, transport, clock, random, it, actors::options{});
  (void)ctx->queues.look();
  it.watch(ctx);
  expect("planebridge_queue_rows{queue=\"deliveries_pending\"} 1");
  expect("planebridge_queue_age_seconds{queue=\"deliveries\"} 90");
  expect("planebridge_store_up 1");
  expect("planebridge_breaker_state{integration=\"caldav\",state=\"closed\"} 1");
  store->fail_with(failure{.code = errc::storage, .where = "store", .detail = "away"});
  clock.advance(10s);
  expect("planebridge_store_up 0");
  expect("planebridge_queue_age_seconds{queue=\"deliveries\"} 100");
}

BOOST_FIXTURE_TEST_CASE(the_listeners_figures_are_shown, fixture) {
  http::server listener{{}, clock, random};
  it.watch(listener);
  expect("planebridge_http_connections 0");
  expect("planebridge_http_requests_total 0");
}

BOOST_FIXTURE_TEST_CASE(feishus_account_its_pushes_and_its_callbacks_are_shown, fixture) {
  protocol::lark::pace_limits limits;
  limits.per_minute = 3;
  limits.per_month = 10'000;
  limits.chat_per_second = 1;
  const auto account = std::make_shared<app::lark_account>(app::lark_credentials{}, limits, clock,
                                                           app::lark_account::hooks{});
  it.watch(account);
  protocol::call c;
  c.operation = "lark.reply";
  c.budget_key = "oc_1";
  for (int n = 0; n < 3; ++n) (void)account->admit(clock.steady_now(), c);
  expect("planebridge_month_calls{integration=\"lark\"} 1");
  expect("planebridge_month_limit_calls{integration=\"lark\"} 10000");
  expect("planebridge_rate_limit_remaining_requests{integration=\"lark\"} 2");
  expect("planebridge_pace_waits_total{integration=\"lark\",reason=\"chat\"} 2");
  for (const char* chat : {"oc_2", "oc_3", "oc_4"}) {
    c.budget_key = chat;
    (void)account->admit(clock.steady_now(), c);
  }
  expect("planebridge_rate_limit_remaining_requests{integration=\"lark\"} 0");
  expect("planebridge_pace_waits_total{integration=\"lark\",reason=\"account\"} 1");
  it.webhook("lark", http::webhook_outcome::accepted);
  it.webhook("lark", http::webhook_outcome::duplicate);
  it.webhook("lark", http::webhook_outcome::accepted);
  expect("planebridge_pushes_total{outcome=\"accepted\",source=\"lark\"} 2");
  expect("planebridge_pushes_total{outcome=\"duplicate\",source=\"lark\"} 1");
  it.callback_answered("click");
  expect("planebridge_lark_callbacks_answered_total{kind=\"click\"} 1");
}
