// SIGHUP: what can change does, what cannot is named, and a broken file changes nothing.
#define BOOST_TEST_MODULE reload
#include <boost/test/unit_test.hpp>
#include <csignal>

#include "config/entry.hpp"
#include "config/value.hpp"
#include "tests/app/bridge.hpp"

using namespace pb::app::testing;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

std::size_t count(const std::string& text, const std::string& piece) {
  std::size_t n = 0;
  for (std::size_t i = 0; (i = text.find(piece, i)) != std::string::npos; i += piece.size()) ++n;
  return n;
}

struct configured_by_file : bridge {
  explicit configured_by_file(const std::string& text) {
    environment.erase("ADMIN_TOKEN");
    rewrite(text);
    start();
  }
  void rewrite(const std::string& text) const {
    write_file(folder() / "planebridge.toml",
               "[security]\nadmin_token = \"" + admin_token + "\"\n" + text);
  }
  /// Rewrites and sends SIGHUP; the log since then, once it has this.
  std::string reload(const std::string& text, const std::string& until) {
    rewrite(text);
    const auto from = log().size();
    process().signal(SIGHUP);
    BOOST_TEST_REQUIRE(logs(until, from), log().substr(from));
    return log().substr(from);
  }
};

const std::string module_event =
    R"({"event":"module","action":"create","webhook_id":"5e000000-0000-4000-8000-0000000000ab",)"
    R"("workspace_id":"5e000000-0000-4000-8000-0000000000ac","data":{"id":")";
std::string event_number(int n) { return module_event + std::to_string(n) + "\"}}"; }

}  // namespace

BOOST_AUTO_TEST_CASE(secrets_tokens_and_the_log_level_change_while_running) {
  configured_by_file b{
      "metrics_token = \"m1\"\n[plane]\nwebhook_secret = \"old\"\n[calendar]\nfeed_token = "
      "\"feed-old\"\n"};
  BOOST_TEST(b.webhook(event_number(1), "module", "old").status == 200);
  BOOST_TEST(b.webhook(event_number(2), "module", "new").status == 401);
  BOOST_TEST(ask({.url = b.url() + "/calendar/feed-old.ics"}).status == 200);

  b.reload(
      "[plane]\nwebhook_secret = [\"old\", \"new\"]\n[calendar]\nfeed_token = "
      "\"feed-new\"\n[log]\nlevel = \"debug\"\nformat = \"json\"\n",
      "\"entry\":\"log.format\"");
  BOOST_TEST(b.webhook(event_number(3), "module", "old").status == 200);
  BOOST_TEST(b.webhook(event_number(4), "module", "new").status == 200);
  BOOST_TEST(ask({.url = b.url() + "/calendar/feed-old.ics"}).status == 404);
  BOOST_TEST(ask({.url = b.url() + "/calendar/feed-new.ics"}).status == 200);

  b.rewrite("[plane]\nwebhook_secret = \"new\"\n");
  const std::string second = "admin-second-0123456789";
  write_file(b.folder() / "planebridge.toml",
             "[security]\nadmin_token = \"" + second + "\"\n[plane]\nwebhook_secret = \"new\"\n");
  const auto from = b.log().size();
  b.process().signal(SIGHUP);
  BOOST_TEST_REQUIRE(b.logs("entry=log.level", from), b.log());
  BOOST_TEST(b.webhook(event_number(5), "module", "old").status == 401);
  BOOST_TEST(b.get("/debug/config").status == 401);
  BOOST_TEST(
      ask({.url = b.url() + "/debug/config", .fields = {{"Authorization", "Bearer " + second}}})
          .status == 200);
}

BOOST_AUTO_TEST_CASE(what_needs_a_restart_is_named_and_keeps_its_value) {
  configured_by_file b{"[server]\nmax_connections = 100\n[plane]\npoll_interval_s = 30\n"};
  const auto said = b.reload("[server]\nmax_connections = 200\n[plane]\npoll_interval_s = 40\n",
                             "message=\"needs a restart\" entry=server.max_connections");
  BOOST_TEST(count(said, "message=\"reloaded\" entry=plane.poll_interval_s") == 1u, said);
  BOOST_TEST(count(said, "level=warn") == 1u, said);
  BOOST_TEST(b.configured("server.max_connections") == "100");
  BOOST_TEST(b.configured("plane.poll_interval_s") == "40");
}

BOOST_AUTO_TEST_CASE(a_broken_file_keeps_the_old_settings_and_is_told_in_one_line) {
  configured_by_file b{"[plane]\npoll_interval_s = 30\n"};
  for (const std::string broken : {"[plane]\npoll_interval_s = 40\npoll_intervall_s = 1\n",
                                   "[plane\n", "[plane]\npoll_interval_s = \"soon\"\n"}) {
    const auto said = b.reload(broken, "not reloaded");
    BOOST_TEST(count(said, "\n") == 1u, said);
    BOOST_TEST(said.find("level=error") != std::string::npos);
    BOOST_TEST(said.find("planebridge.toml:") != std::string::npos, said);
    BOOST_TEST(b.configured("plane.poll_interval_s") == "30");
    BOOST_TEST(b.get("/readyz").status == 200);
  }
  b.reload("[plane]\npoll_interval_s = 50\n", "message=\"reloaded\" entry=plane.poll_interval_s");
  BOOST_TEST(b.configured("plane.poll_interval_s") == "50");
}

BOOST_AUTO_TEST_CASE(a_reload_without_a_change_says_that_nothing_changed) {
  configured_by_file b{"[plane]\npoll_interval_s = 30\n"};
  b.reload("[plane]\npoll_interval_s = 30\n", "nothing changed");
}

BOOST_AUTO_TEST_CASE(the_request_budget_follows_a_reload) {
  plane_side plane;
  bridge b;
  plane.configure(b);
  b.environment.erase("PLANEBRIDGE_PLANE_REQUESTS_PER_MINUTE");
  write_file(b.folder() / "planebridge.toml", "[plane]\nrequests_per_minute = 20\n");
  b.start();
  const auto limit = [&] {
    const auto figures = ask({.url = b.url() + "/metrics"}).body;
    const std::string name = "planebridge_rate_limit_window_requests{integration=\"plane\"} ";
    const auto i = figures.find(name);
    return i == std::string::npos
               ? figures.substr(
                     figures.find("rate") == std::string::npos ? 0 : figures.find("rate"), 600)
               : figures.substr(i + name.size(), figures.find('\n', i) - i - name.size());
  };
  BOOST_TEST(limit() == "20");
  write_file(b.folder() / "planebridge.toml", "[plane]\nrequests_per_minute = 40\n");
  b.process().signal(SIGHUP);
  BOOST_TEST_REQUIRE(b.logs("message=\"reloaded\" entry=plane.requests_per_minute"), b.log());
  BOOST_TEST(limit() == "40");
}
