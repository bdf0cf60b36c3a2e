// No secret in anything the daemon writes or answers, nor in what the command line prints.
#define BOOST_TEST_MODULE secrets
#include <boost/test/unit_test.hpp>

#include "tests/app/bridge.hpp"

using namespace pb::app::testing;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

using command_lines = std::vector<std::vector<std::string>>;

/// Unusual values: with what escaping, quoting and URL-encoding would change.
const std::map<std::string, std::string> planted = {
    {"ADMIN_TOKEN", "zQ7-admin=%41&x-long-enough"},
    {"METRICS_TOKEN", "zQ7-metrics'\"x"},
    {"INTEGRATION_TOKEN", "zQ7-integration+1"},
    {"PLANE_API_KEY", "zQ7-plane-api"},
    {"PLANE_WEBHOOK_SECRET", "zQ7-hook one"},
    {"PLANE_CLIENT_SECRET", "zQ7-client-secret"},
    {"CALDAV_PASSWORD", "zQ7-p@ss:wört"},
    {"CALENDAR_FEED_TOKEN", "zQ7feedtoken0123456789"},
    {"ENCRYPTION_KEY", "elE3ZW5jcnlwdGlvbmtleTAxMjM0NTY3ODlhYmNkZWY="},
    {"HTTPS_PROXY", "http://someone:zQ7proxypass@127.0.0.1:1"},
};

void expect_none(const std::string& text, const std::string& where) {
  BOOST_TEST(text.find("zQ7") == std::string::npos, where << " shows a secret: " << text);
  BOOST_TEST(text.find(planted.at("ENCRYPTION_KEY")) == std::string::npos, where);
}

}  // namespace

BOOST_AUTO_TEST_CASE(no_secret_appears_in_logs_answers_metrics_or_command_output) {
  plane_side plane;
  bridge b;
  plane.configure(b);
  for (const auto& [name, value] : planted) b.environment[name] = value;
  b.environment["PLANE_CLIENT_ID"] = "client";
  b.environment["PLANEBRIDGE_SERVER_PUBLIC_URL"] = "https://bridge.example.org";
  b.environment["CALDAV_URL"] = "http://127.0.0.1:1/";
  b.environment["CALDAV_USERNAME"] = "u";
  b.environment["PLANEBRIDGE_LOG_LEVEL"] = "debug";
  b.environment["PLANEBRIDGE_CONCURRENCY_BACKOFF_BASE_MS"] = "50";
  b.environment["PLANEBRIDGE_CONCURRENCY_MAX_ATTEMPTS"] = "2";
  b.environment["PLANEBRIDGE_CONCURRENCY_BREAKER_FAILURES"] = "1000";
  b.start();
  // Plane refuses the key, the calendar refuses the connection: failures are written about.
  const std::string body =
      json::serialize(json::object{{"event", "issue"},
                                   {"action", "updated"},
                                   {"webhook_id", "5e000000-0000-4000-8000-0000000000ab"},
                                   {"workspace_id", "5e000000-0000-4000-8000-0000000000ac"},
                                   {"data",
                                    {{"id", "5e000000-0000-4000-8000-0000000000ad"},
                                     {"name", "n"},
                                     {"sequence_id", 1},
                                     {"project", plane.project()},
                                     {"target_date", "2027-11-01"},
                                     {"updated_at", "2026-01-02T00:00:00.000000Z"}}}});
  const auto took = b.webhook(body, "issue", planted.at("PLANE_WEBHOOK_SECRET"));
  BOOST_TEST(took.status == 200, took.body);
  expect_none(b.webhook(body, "issue", "wrong").body, "a refused webhook");
  expect_none(b.webhook("{", "issue", planted.at("PLANE_WEBHOOK_SECRET")).body, "a broken webhook");

  const http_fields admin = {{"Authorization", "Bearer " + planted.at("ADMIN_TOKEN")}};
  const auto get = [&](const std::string& path) {
    return ask({.url = b.url() + path, .fields = admin});
  };
  BOOST_TEST(eventually(20s,
                        [&] {
                          const auto v = get("/api/v1/health").json();
                          return !text_at(v, "/data/dependencies/plane/last_failure").empty() ||
                                 !text_at(v, "/data/dependencies/plane/paused_until").empty();
                        }),
             b.log());
  for (const auto* path :
       {"/debug/config", "/debug/actors?limit=200", "/debug/scheduler", "/api/v1/health",
        "/api/v1/deliveries?body=1", "/api/v1/effects?body=1", "/api/v1/dead-letters?body=1",
        "/api/v1/dead-letters/export", "/api/v1/links", "/metrics", "/openapi.json", "/docs",
        "/api/v1/timeline/plane:issue:5e000000-0000-4000-8000-0000000000ad"}) {
    const auto a = get(path);
    BOOST_TEST(a.status == 200, path << ": " << a.status);
    expect_none(a.body, path);
  }
  BOOST_TEST(get("/calendar/zQ7feedtoken0123456789.ics").status == 200);
  expect_none(get("/calendar/zQ7feedtoken0123456789x.ics").body, "a refused feed");
  expect_none(get("/plane/oauth/callback?code=zQ7code&state=zQ7state").body, "a refused callback");
  for (const auto& words : command_lines{{"config", "show"},
                                         {"config", "show", "--json"},
                                         {"config", "check"},
                                         {"actors"},
                                         {"dead-letters", "list"},
                                         {"dead-letters", "export"},
                                         {"migrate", "--status"},
                                         {"sync", "now"},
                                         {"healthcheck"}}) {
    const auto f = b.command_line(words);
    expect_none(f.out + f.err, words.front());
  }
  BOOST_TEST(b.stop() == 0);
  expect_none(b.log(), "the log");
}

BOOST_AUTO_TEST_CASE(no_secret_appears_in_the_report_of_a_wrong_configuration) {
  bridge b;
  b.environment["ENCRYPTION_KEY"] = "zQ7 not base64";
  b.environment["DATABASE_URL"] = "mysql://someone:zQ7pass@localhost/x";
  b.environment["HTTPS_PROXY"] = "ftp://someone:zQ7pass@localhost/";
  b.environment["PLANE_WEBHOOK_SECRET_FILE"] = "/nowhere/secret";
  write_file(
      b.folder() / "planebridge.toml",
      "[security]\nadmin_token = 7\n[plane]\napi_key = [\"zQ7list\"]\nwebhook_secret = zQ7bare\n");
  for (const auto& words : command_lines{{"config", "check"}, {"config", "show"}, {"serve"}}) {
    const auto f = b.command_line(words);
    BOOST_TEST(f.code == 2);
    expect_none(f.out + f.err, words.back());
  }
  b.environment["DATABASE_URL"] = "postgres://someone:zQ7pass@127.0.0.1:1/x";
  b.environment.erase("ENCRYPTION_KEY");
  b.environment.erase("HTTPS_PROXY");
  b.environment.erase("PLANE_WEBHOOK_SECRET_FILE");
  write_file(b.folder() / "planebridge.toml", "");
  for (const auto& words : command_lines{{"serve"}, {"migrate"}, {"migrate", "--status"}}) {
    const auto f = b.command_line(words);
    BOOST_TEST(f.code == 1, f.out << f.err);
    expect_none(f.out + f.err, words.back());
  }
}
