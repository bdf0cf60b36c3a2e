// What operators hear of trouble in the chat that they named, end to end on virtual time: each kind
// once, and its end.
#define BOOST_TEST_MODULE actors_alarms
#include <boost/test/unit_test.hpp>

#include "app/lark_wiring.hpp"
#include "bound_chat.hpp"
#include "persistence/inline_store.hpp"
#include "protocol/lark/requests.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(trouble_is_told_in_the_alarm_chat_once_and_its_end_too) {
  bound s;
  s.settings.concurrency.breaker_failures = 3;
  s.settings.lark.alarm_chat = chat_world::chat_id;
  s.start();
  s.pass(1min);
  s.faults.push_back({.what = wire_fault::kind::reset, .url = "plane.test"});
  s.pass(20min);
  BOOST_TEST(s.chat.saying("is not to be reached") == 1u);
  s.faults.clear();
  s.pass(5min);
  BOOST_TEST(s.chat.saying("is reached again") == 1u);
  s.pass(2h);
  s.rest();
  BOOST_TEST(s.chat.saying("plane is") == 2u);
}

BOOST_AUTO_TEST_CASE(a_reload_changes_where_trouble_is_told) {
  bound s;
  s.settings.concurrency.breaker_failures = 3;
  s.start();
  s.pass(1min);
  s.faults.push_back({.what = wire_fault::kind::reset, .url = "plane.test"});
  s.pass(20min);
  BOOST_TEST(s.chat.messages.empty());
  std::size_t told = 0;
  for (const auto* chat : {chat_world::chat_id, "oc_other"}) {
    s.settings.lark.alarm_chat = chat;
    s.reload();
    s.pass(20min);  // it goes on, and this chat has not heard of it
    BOOST_TEST(s.chat.saying("is not to be reached") == ++told);
    BOOST_TEST(s.chat.messages.back().chat == chat);
  }
  s.settings.lark.alarm_chat.clear();
  s.reload();
  s.faults.clear();
  s.pass(10min);
  BOOST_TEST(s.chat.messages.size() == told);
}

BOOST_AUTO_TEST_CASE(trouble_with_the_chat_itself_makes_no_alarm_of_alarms) {
  bound s;
  s.settings.concurrency.breaker_failures = 3;
  s.settings.concurrency.max_attempts = 2;
  s.settings.lark.alarm_chat = chat_world::chat_id;
  s.start();
  s.pass(1min);
  s.faults.push_back({.what = wire_fault::kind::reset, .url = "lark.test"});
  s.faults.push_back({.what = wire_fault::kind::reset, .url = "plane.test"});
  s.pass(3h);
  std::size_t alarms = 0;
  for (const auto& d : s.deliveries())
    if (d.form == "chat.alarm") ++alarms;
  BOOST_TEST(alarms <= 6u);
}

BOOST_AUTO_TEST_CASE(credentials_that_plane_refuses_are_told_once_and_their_end_too) {
  bound s;
  s.settings.lark.alarm_chat = chat_world::chat_id;
  s.start();
  s.pass(1min);
  s.faults.push_back({.what = wire_fault::kind::status, .url = "plane.test", .status = 401});
  s.pass(40min);
  BOOST_TEST(s.chat.saying("plane refuses its credentials") == 1u);
  s.faults.clear();
  s.pass(10min);
  BOOST_TEST(s.chat.saying("plane takes its credentials again") == 1u);
  s.rest();
  BOOST_TEST(s.chat.messages.size() == 2u);
}

BOOST_AUTO_TEST_CASE(webhooks_that_are_missing_are_told_once_with_the_remedy_and_their_end_too) {
  bound s;
  s.settings.lark.alarm_chat = chat_world::chat_id;
  s.start();
  std::vector<std::string> items;
  for (int n = 0; n < 6; ++n) items.push_back(s.create("Item " + std::to_string(n)));
  int edits = 0;
  const auto work = [&](int times) {
    for (int n = 0; n < times; ++n) {
      s.edit(items[static_cast<std::size_t>(n) % items.size()],
             R"({"name":"Name )" + std::to_string(++edits) + "\"}");
      s.pass(5min);
    }
  };
  work(24);  // what is announced is known then
  BOOST_TEST(s.chat.messages.empty());
  const auto hook = std::string{
      boost::json::parse(s.page("GET", "webhooks/").body).as_array().front().at("id").as_string()};
  const auto switched = [&](const char* body) { s.page("PATCH", "webhooks/" + hook + "/", body); };
  switched(R"({"is_active":false})");
  work(6);
  BOOST_TEST(s.chat.saying("webhooks are missing since") == 1u);
  BOOST_TEST(s.chat.saying("webhooks") == 1u);
  switched(R"({"is_active":true})");
  work(6);
  BOOST_TEST(s.chat.saying("webhooks arrive again") == 1u);
  s.rest();
}

namespace {

/// The account of Feishu's app as the daemon makes it, its requests answered by the test.
struct account_of_feishu {
  struct no_wire final : http::transport {
    void send(protocol::http_request, http::call_limits, completion) override {}
  };
  manual_clock clock{from_micros(1'795'000'000'000'000)};
  seeded_random random{1};
  std::unique_ptr<persistence::inline_store> store =
      *persistence::inline_store::open_in_memory(&random);
  no_wire wire;
  actors::telemetry figures;
  actors::context_ptr ctx =
      std::make_shared<actors::context>(*store, wire, clock, random, figures, with_alarm_chat());
  std::vector<std::string> told;
  actors::connector_policy policy;

  explicit account_of_feishu(std::size_t monthly_calls = 0) {
    ctx->alarms.connect([this](const std::string& chat, std::string text) {
      BOOST_TEST(chat == "oc_ops");
      told.push_back(std::move(text));
    });
    config::settings s;
    s.lark.app_id = "cli_1";
    s.lark.app_secret = secret{"hush"};
    s.lark.monthly_calls = monthly_calls;
    actors::runtime_parts parts;
    parts.ctx = ctx;
    BOOST_REQUIRE(app::join_lark(parts, s, *store, clock) != nullptr);
    policy = parts.lark();
  }
  static actors::options with_alarm_chat() {
    actors::options o;
    o.alarm_chat = "oc_ops";
    return o;
  }
  void call(unsigned times) {
    protocol::call c;
    c.operation = "lark.reply";
    for (; times > 0; --times, clock.advance(100ms))
      (void)policy.admit(clock.steady_now(), actors::urgency::person, c);
  }
  /// Feishu is asked for a token, and gives this answer. False: none is wanted.
  bool renew(const std::string& answer) {
    auto exchange = policy.renewal(clock.now());
    if (!exchange) return false;
    actors::performed done;
    done.started_at = clock.now();
    (void)exchange->start();
    auto end = exchange->on_response({200, {}, answer});
    if (auto* f = std::get_if<failure>(&end)) done.failed = std::move(*f);
    done.what = std::move(exchange);
    policy.renewed(done);
    return true;
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(calls_of_the_month_that_run_low_are_told) {
  account_of_feishu f{100};
  f.call(79);
  BOOST_TEST(f.told.empty());
  f.call(1);
  BOOST_REQUIRE(f.told.size() == 1u);
  BOOST_TEST(f.told.back().starts_with("80 % of this month's 100 calls"));
  // The same kind at most once an hour.
  f.call(16);
  BOOST_TEST(f.told.size() == 1u);
  f.clock.advance(1h);
  f.call(4);
  BOOST_REQUIRE(f.told.size() == 2u);
  BOOST_TEST(f.told.back().starts_with("100 %"));
  // Once Feishu takes no call any more, it takes no alarm either.
  const result<protocol::http_response> no{
      protocol::http_response{400, {}, R"({"code":99991403,"msg":"quota"})"}};
  protocol::call c;
  c.operation = "lark.reply";
  f.clock.advance(2h);
  f.policy.note(f.clock.steady_now(), c, no);
  BOOST_TEST(f.told.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_token_that_is_not_renewed_is_told_while_it_lasts_and_its_end_once) {
  const std::string good = R"({"code":0,"expire":7200,"tenant_access_token":"t-1"})";
  const std::string bad = R"({"code":10014,"msg":"app secret invalid"})";
  account_of_feishu f;
  BOOST_TEST(f.renew(good));
  BOOST_TEST(!f.renew(good));
  f.clock.advance(100min);
  for (int n = 0; n < 10; ++n, f.clock.advance(1min)) BOOST_TEST(f.renew(bad));
  BOOST_REQUIRE(f.told.size() == 1u);
  BOOST_TEST(f.told.back().starts_with("Feishu gives no new token; the present one ends at "));
  for (const auto* hidden : {"t-1", "hush"})
    BOOST_TEST(f.told.back().find(hidden) == std::string::npos);
  BOOST_TEST(f.renew(good));
  BOOST_REQUIRE(f.told.size() == 2u);
  BOOST_TEST(f.told.back() == "Feishu gives new tokens again");
  // Without a token nothing could be sent, and nothing is said.
  account_of_feishu none;
  BOOST_TEST(none.renew(bad));
  BOOST_TEST(none.told.empty());
}

BOOST_AUTO_TEST_CASE(a_dead_letter_is_told_with_the_command_that_lists_it) {
  bound s;
  s.settings.lark.alarm_chat = chat_world::chat_id;
  s.settings.concurrency.max_attempts = 2;
  s.start();
  s.bind();
  s.faults.push_back(
      {.what = wire_fault::kind::status, .method = "POST", .url = "/comments/", .status = 400});
  s.say("/comment refused", s.root, true);
  s.pass(5min);
  BOOST_TEST(s.chat.saying("planebridge dead-letters list") == 1u);
  BOOST_TEST(s.comments_with(s.item, "refused") == 0u);
}
