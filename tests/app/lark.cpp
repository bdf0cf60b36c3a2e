// What Feishu needs of the running daemon: its addresses, the mappings over API and command line,
// and the page for personal keys.
#define BOOST_TEST_MODULE lark
#include <boost/test/unit_test.hpp>
#include <csignal>

#include "protocol/lark/crypto.hpp"
#include "tests/app/bridge.hpp"

using namespace pb::app::testing;
namespace json = boost::json;

namespace {

const std::string encrypt_key = "kW3pR9xQ2mZt7vLs";
const std::string verification_token = "vt-Q7mX2cK9planebridge";
const std::string project = "11111111-1111-4111-8111-111111111111";
const std::string member = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";

bool has(const std::string& text, const std::string& piece) {
  return text.find(piece) != std::string::npos;
}
std::string sample(const std::string& name) {
  return file_text(std::string{PB_FIXTURES} + "/lark/" + name);
}

struct running : bridge {
  explicit running(bool configured = true, bool app = false) {
    if (configured) {
      environment["LARK_ENCRYPT_KEY"] = encrypt_key;
      environment["LARK_VERIFICATION_TOKEN"] = verification_token;
    }
    if (app) {  // nobody is there: what can be seen without Feishu is enough
      environment["LARK_APP_ID"] = "cli_a7f3c0d2e5b8100c";
      environment["LARK_APP_SECRET"] = "app-secret-7Kq";
      environment["LARK_BASE_URL"] = "http://127.0.0.1:9";
      environment["PLANEBRIDGE_LARK_MONTHLY_CALLS"] = "10000";
    }
    start();
  }
  [[nodiscard]] answer push(const std::string& plain, const std::string& key = encrypt_key) const {
    namespace lark = pb::protocol::lark;
    const pb::secret with{key};
    const auto body =
        json::serialize(json::object{{"encrypt", lark::encrypt(plain, with, "0123456789abcdef")}});
    return ask({.method = "POST",
                .url = url() + "/webhooks/lark/events",
                .fields = {{"Content-Type", "application/json;charset=utf-8"},
                           {"X-Lark-Request-Timestamp", "1732147201"},
                           {"X-Lark-Request-Nonce", "n"},
                           {"X-Lark-Signature", lark::signature_of("1732147201", "n", with, body)}},
                .body = body});
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(an_event_is_in_the_journal_once_it_is_answered) {
  const running b;
  const auto event = sample("event.im.message.receive_v1.text_command.json");
  const auto first = b.push(event);
  BOOST_TEST(first.status == 200);
  BOOST_TEST(b.push(event).status == 200);
  BOOST_TEST(b.push(event, "another").status == 401);
  const auto rows = at(b.json("/api/v1/deliveries?source=lark"), "/data");
  BOOST_REQUIRE(rows.is_array());
  BOOST_REQUIRE(rows.get_array().size() == 1u);
  const auto& row = rows.get_array().front();
  BOOST_TEST(text_at(row, "/form") == "lark.event");
  BOOST_TEST(text_at(row, "/event") == "im.message.receive_v1");
  BOOST_TEST(text_at(row, "/entity").starts_with("lark:thread:om_"));
  BOOST_TEST(!has(b.log(), verification_token));
  const auto figures = ask({.url = b.url() + "/metrics"}).body;
  BOOST_TEST(has(figures, "reason=\"bad_signature\",source=\"lark\"} 1"), figures);
  BOOST_TEST(b.push(R"({"challenge":"c","token":")" + verification_token +
                    R"(","type":"url_verification"})")
                 .body == R"({"challenge":"c"})");
}

BOOST_AUTO_TEST_CASE(the_account_and_its_pushes_are_shown_to_operators) {
  const running b{true, true};
  BOOST_TEST(b.push(sample("event.im.message.receive_v1.text_command.json")).status == 200);
  const auto scheduler = b.json("/debug/scheduler");
  BOOST_TEST(text_at(scheduler, "/data/lark_account/month_limit") == "10000");
  BOOST_TEST(text_at(scheduler, "/data/lark_account/minute_limit") == "1000");
  BOOST_TEST(text_at(scheduler, "/data/lark_account/waited/chat") == "0");
  const auto figures = ask({.url = b.url() + "/metrics"}).body;
  BOOST_TEST(has(figures, "planebridge_pushes_total{outcome=\"accepted\",source=\"lark\"} 1"));
  BOOST_TEST(has(figures, "planebridge_month_limit_calls{integration=\"lark\"} 10000"));
  BOOST_TEST(has(figures, "planebridge_breaker_state{integration=\"lark\","));
  BOOST_TEST(has(figures, "planebridge_lanes{integration=\"lark\",state=\"idle\"}"));
}

BOOST_AUTO_TEST_CASE(without_key_and_token_the_answer_names_the_entry) {
  const running b{false};
  const auto a = b.push("{}");
  BOOST_TEST(a.status == 503);
  BOOST_TEST(text_at(a.json(), "/error/code") == "KEY_MISSING");
  BOOST_TEST(has(a.body, "docs/secrets.md#lark-verification-token"), a.body);
}

BOOST_AUTO_TEST_CASE(events_come_over_a_connection_of_its_own) {
  namespace sb = pb::sandbox;
  sb::run_options o;
  o.port = 0;
  o.lark_long_connection = true;
  o.link.reconnect_nonce = std::chrono::seconds{1};
  const auto feishu = *sb::sandbox_server::start(o);
  running b{false};
  BOOST_TEST(b.push("{}").status == 503);
  b.stop();
  b.environment["LARK_APP_ID"] = o.lark.app_id;
  b.environment["LARK_APP_SECRET"] = o.lark.app_secret.reveal();
  b.environment["LARK_BASE_URL"] = feishu->url();
  b.environment["PLANEBRIDGE_LARK_TRANSPORT"] = "websocket";
  b.start();
  const std::string link = "/data/dependencies/lark/long_connection";
  const auto opened = [&](const std::string& times) {
    return eventually(milliseconds{20'000}, [&] {
      const auto h = b.json("/api/v1/health");
      return text_at(h, link + "/state") == "open" && text_at(h, link + "/reconnects") == times;
    });
  };
  BOOST_REQUIRE(opened("0"));
  feishu->link().cut();
  BOOST_REQUIRE(opened("1"));
  const auto& seeds = feishu->lark_seeds();
  BOOST_REQUIRE(
      feishu->chats()
          .say({.chat = seeds.group, .by = seeds.owner, .text = "/help", .mention_bot = true})
          .has_value());
  feishu->pushes().pump();
  BOOST_TEST(eventually(milliseconds{20'000}, [&] {
    return feishu->pushes().unfinished() == 0 && feishu->chats().messages(seeds.group).size() > 1;
  }));
  BOOST_TEST(text_at(b.json("/api/v1/deliveries?source=lark"), "/data/0/event") ==
             "im.message.receive_v1");
  BOOST_TEST(b.push("{}").status == 404);
  const auto health = b.json("/api/v1/health");
  BOOST_TEST(!text_at(health, link + "/last_reason").empty());
  BOOST_TEST(!text_at(health, link + "/last_frame").empty());
  const auto figures = ask({.url = b.url() + "/metrics"}).body;
  BOOST_TEST(has(figures, "planebridge_long_connection_open{integration=\"lark\"} 1"), figures);
  BOOST_TEST(b.stop() == 0);
  BOOST_TEST(eventually(milliseconds{20'000}, [&] { return feishu->link().connections() == 0; }));
  for (const auto* text : {"ticket", "access_key", "wss://", "ws://"})
    BOOST_TEST(!has(b.log() + json::serialize(health), text), text);
  BOOST_TEST(!has(b.log(), o.lark.app_secret.reveal()));
}

BOOST_AUTO_TEST_CASE(a_connection_that_feishu_refuses_is_told_and_tried_again_after_a_reload) {
  namespace sb = pb::sandbox;
  sb::run_options o;
  o.port = 0;
  o.lark_long_connection = true;
  const auto feishu = *sb::sandbox_server::start(o);
  running b{false};
  b.stop();
  b.environment["LARK_APP_ID"] = o.lark.app_id;
  b.environment["LARK_APP_SECRET"] = "another-app-secret";
  b.environment["LARK_BASE_URL"] = feishu->url();
  b.environment["PLANEBRIDGE_LARK_TRANSPORT"] = "websocket";
  b.environment["PLANEBRIDGE_LARK_ALARM_CHAT"] = "oc_0123456789abcdef0123456789abcdef";
  b.start();
  const std::string end = "the long connection to Feishu gave up";
  BOOST_REQUIRE(b.logs(end));
  const auto health = b.json("/api/v1/health");
  BOOST_TEST(text_at(health, "/data/status") == "degraded");
  BOOST_TEST(has(json::serialize(at(health, "/data/down")), "lark_long_connection"));
  BOOST_TEST(
      has(text_at(health, "/data/dependencies/lark/long_connection/remedy"), "lark.app_secret"));
  BOOST_TEST(text_at(ask({.url = b.url() + "/health"}).json(), "/data/status") == "degraded");
  const auto before = b.log().size();
  b.process().signal(SIGHUP);
  BOOST_TEST(b.logs(end, before));
  // Operators are told, once.
  const auto alarms = b.json("/api/v1/deliveries?source=internal");
  BOOST_TEST(text_at(alarms, "/data/0/event") == "chat.alarm");
  BOOST_TEST(at(alarms, "/data").as_array().size() == 1u);
  BOOST_TEST(b.stop() == 0);
}

BOOST_AUTO_TEST_CASE(mappings_are_set_listed_imported_and_deleted_by_the_command_line) {
  const running b;
  auto f = b.command_line({"mappings", "users", "set", "ou_a", "-s", "plane_user=" + member, "-s",
                           "name==Ann, \"小安\""});
  BOOST_TEST(f.code == 0, f.err);
  f = b.command_line({"mappings", "users", "list"});
  BOOST_TEST(f.out == "open_id,plane_user,name,email,union_id\nou_a," + member +
                          ",\" =Ann, \"\"小安\"\"\",,\n");
  // What is listed can be taken back.
  write_file(b.folder() / "people.csv", f.out + "ou_b,,Bob,bob@example.org,\n");
  f = b.command_line({"mappings", "users", "import", b.folder() / "people.csv", "--dry-run"});
  BOOST_TEST(has(f.out, R"("created":1)"), f.out + f.err);
  BOOST_TEST(has(f.out, R"("unchanged":1)"), f.out + f.err);
  BOOST_TEST(!has(b.command_line({"mappings", "users", "list"}).out, "ou_b"));
  BOOST_TEST(b.command_line({"mappings", "users", "import", b.folder() / "people.csv"}).code == 0);
  BOOST_TEST(has(b.command_line({"mappings", "users", "list"}).out, "ou_b"));
  write_file(b.folder() / "bad.csv", "open_id,plane_user\nou_c,\nx,\nou_d,y\n");
  f = b.command_line({"mappings", "users", "import", b.folder() / "bad.csv"});
  BOOST_TEST(f.code == 1);
  BOOST_TEST(has(f.err, "line 3, column 1: open_id"), f.err);
  BOOST_TEST(has(f.err, "line 4, column 6: plane_user"), f.err);
  BOOST_TEST(b.command_line({"mappings", "users", "delete", "ou_b"}).code == 0);
  f = b.command_line({"mappings", "users", "delete", "ou_b"});
  BOOST_TEST(f.code == 1);
  BOOST_TEST(has(f.err, "no such mapping"), f.err);

  f = b.command_line({"mappings", "channels", "set", "oc_a", project, "-s", "default=yes", "-s",
                      "states=Todo;In Progress"});
  BOOST_TEST(f.code == 0, f.err);
  f = b.command_line({"mappings", "channels", "list"});
  BOOST_TEST(
      has(f.out, "oc_a," + project + ",true,true,true,false,false,false,Todo;In Progress,,,\n"),
      f.out);
  BOOST_TEST(b.command_line({"mappings", "channels", "delete", "oc_a", project}).code == 0);
  BOOST_TEST(b.command_line({"mappings", "channels", "set", "oc_a", "NOPE"}).code == 1);
  BOOST_TEST(b.command_line({"mappings", "channels", "set", "oc_a"}).code == 2);
  BOOST_TEST(ask({.url = b.url() + "/admin/mappings/users"}).status == 401);
}

BOOST_AUTO_TEST_CASE(the_page_for_keys_knows_no_link_that_was_not_given) {
  const running b;
  const auto url = b.url() + "/connect/" + std::string(43, 'A');
  BOOST_TEST(ask({.url = url}).status == 503);  // no ENCRYPTION_KEY here
  BOOST_TEST(has(ask({.url = url}).body, "ENCRYPTION_KEY"));
  running sealed{};
  sealed.stop();
  sealed.environment["ENCRYPTION_KEY"] = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
  sealed.start();
  const auto a = ask({.url = sealed.url() + "/connect/" + std::string(43, 'A'),
                      .fields = {{"Accept-Language", "zh-CN"}}});
  BOOST_TEST(a.status == 404);
  BOOST_TEST(has(a.body, "请向机器人索取新的链接"), a.body);
  BOOST_TEST(!has(sealed.log(), std::string(43, 'A')));
}
