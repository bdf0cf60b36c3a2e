// POST /webhooks/plane at the running daemon: what is answered, and what is in the journal
// afterwards.
#define BOOST_TEST_MODULE webhooks
#include <boost/test/unit_test.hpp>

#include "tests/app/bridge.hpp"

using namespace pb::app::testing;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

const std::string workspace = "5e000000-0000-4000-8000-0000000000aa";

json::object issue_event(const std::string& project, const std::string& item) {
  return {{"event", "issue"},
          {"action", "updated"},
          {"webhook_id", "5e000000-0000-4000-8000-0000000000ab"},
          {"workspace_id", workspace},
          {"data",
           {{"id", item},
            {"name", "by webhook"},
            {"sequence_id", 7},
            {"project", project},
            {"workspace", workspace},
            {"target_date", "2027-11-01"},
            {"created_at", "2026-01-01T00:00:00.000000Z"},
            {"updated_at", "2026-01-02T00:00:00.000000Z"}}},
          {"activity", {{"field", "name"}, {"actor", {{"id", workspace}, {"display_name", "a"}}}}}};
}
const std::string an_item = "5e000000-0000-4000-8000-0000000000b1";
const std::string a_project = "5e000000-0000-4000-8000-0000000000b2";

struct running : bridge {
  explicit running(bool secret = true, bool at_once = true) {
    if (secret) environment["PLANE_WEBHOOK_SECRET"] = webhook_secret;
    if (at_once) start();
  }
  [[nodiscard]] json::array rows(const std::string& path) const {
    const auto v = at(json(path), "/data");
    return v.is_array() ? v.get_array() : json::array{};
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(without_a_secret_the_answer_names_entry_variable_and_place) {
  const running b{false};
  const auto a = b.webhook(json::serialize(issue_event(a_project, an_item)), "issue");
  BOOST_TEST(a.status == 503);
  const auto v = a.json();
  BOOST_TEST(text_at(v, "/error/code") == "KEY_MISSING");
  BOOST_TEST(a.body.find("plane.webhook_secret") != std::string::npos, a.body);
  BOOST_TEST(a.body.find("PLANE_WEBHOOK_SECRET") != std::string::npos, a.body);
  BOOST_TEST(a.body.find("ssot_ref") != std::string::npos, a.body);
  BOOST_TEST(a.body.find("docs/secrets.md#plane-webhook-secret") != std::string::npos, a.body);
  BOOST_TEST(b.rows("/api/v1/deliveries").empty());
}

BOOST_AUTO_TEST_CASE(a_bad_signature_is_refused_counted_and_not_journaled) {
  const running b;
  const auto body = json::serialize(issue_event(a_project, an_item));
  BOOST_TEST(b.webhook(body, "issue", "wrong").status == 401);
  BOOST_TEST(ask({.method = "POST", .url = b.url() + "/webhooks/plane", .body = body}).status ==
             401);
  BOOST_TEST(b.rows("/api/v1/deliveries").empty());
  BOOST_TEST(b.rows("/api/v1/dead-letters").empty());
  const auto figures = ask({.url = b.url() + "/metrics"}).body;
  BOOST_TEST(figures.find("reason=\"bad_signature\",source=\"plane\"} 1") != std::string::npos,
             figures);
}

BOOST_AUTO_TEST_CASE(a_delivery_is_accepted_once_and_then_a_duplicate) {
  const running b;
  const auto body = json::serialize(issue_event(a_project, an_item));
  const auto first = b.webhook(body, "issue");
  BOOST_TEST(first.status == 200);
  BOOST_TEST(text_at(first.json(), "/data/status") == "accepted");
  // A retry of Plane's has another delivery id and the same body.
  BOOST_TEST(text_at(b.webhook(body, "issue").json(), "/data/status") == "duplicate");
  BOOST_TEST(b.rows("/api/v1/deliveries").size() == 1u);
}

BOOST_AUTO_TEST_CASE(an_event_that_is_not_used_is_recorded_as_ignored_with_its_reason) {
  const running b;
  const auto a = b.webhook(json::serialize(json::object{{"event", "module"},
                                                        {"action", "create"},
                                                        {"webhook_id", workspace},
                                                        {"workspace_id", workspace},
                                                        {"data", {{"id", an_item}}}}),
                           "module");
  BOOST_TEST(a.status == 200);
  BOOST_TEST(text_at(a.json(), "/data/status") == "ignored");
  const auto rows = b.rows("/api/v1/deliveries?status=ignored");
  BOOST_TEST_REQUIRE(rows.size() == 1u);
  BOOST_TEST(!text_at(rows[0], "/reason").empty());
}

BOOST_AUTO_TEST_CASE(bad_json_under_a_good_signature_is_a_dead_letter_with_the_parse_error) {
  const running b;
  const auto a = b.webhook("{\"event\":\"issue\",", "issue");
  BOOST_TEST(a.status == 200);
  const auto rows = b.rows("/api/v1/dead-letters");
  BOOST_TEST_REQUIRE(rows.size() == 1u);
  BOOST_TEST(!text_at(rows[0], "/reason").empty());
  const auto id = text_at(rows[0], "/id");
  BOOST_TEST(id.starts_with("d"));

  const auto shown = b.command_line({"dead-letters", "show", id});
  BOOST_TEST(shown.code == 0, shown.err);
  BOOST_TEST(shown.out.find("\\\"event\\\":\\\"issue\\\"") != std::string::npos, shown.out);
  BOOST_TEST(b.command_line({"dead-letters", "export"}).out.find(id) != std::string::npos);
  const auto retried = b.command_line({"dead-letters", "retry", id});
  BOOST_TEST(retried.code == 0, retried.err);
  BOOST_TEST_REQUIRE(eventually(10s, [&] {
    const auto now = b.rows("/api/v1/dead-letters");
    return now.size() == 1 && text_at(now[0], "/id") != id;
  }));
  const auto again = text_at(b.rows("/api/v1/dead-letters")[0], "/id");
  const auto skipped = b.command_line({"dead-letters", "skip", again});
  BOOST_TEST(skipped.code == 0, skipped.err);
  BOOST_TEST(b.rows("/api/v1/dead-letters").empty());
}

BOOST_AUTO_TEST_CASE(a_body_too_large_to_keep_is_verified_answered_and_read_from_plane_later) {
  plane_side plane;
  running b{false, false};
  plane.configure(b);
  b.environment["PLANEBRIDGE_PLANE_POLL_INTERVAL_S"] = "86400";
  b.environment["PLANEBRIDGE_PLANE_SCAN_INTERVAL_S"] = "604800";
  b.start();
  const auto item = plane.create("as Plane has it", "2027-11-02");
  // The first round after the start reads everything once; what follows is the webhook's doing.
  BOOST_TEST_REQUIRE(eventually(
      20s, [&] { return !text_at(b.json("/api/v1/health"), "/data/gaps/last_scan").empty(); }));
  plane.change(item, json::object{{"name", "read later"}});
  auto event = issue_event(plane.project(), item);
  event["data"].as_object()["description_html"] = std::string(20u * 1024 * 1024, 'x');
  const auto body = json::serialize(event);
  BOOST_TEST(b.webhook(body, "issue", "wrong").status == 401);
  const auto a = b.webhook(body, "issue");
  BOOST_TEST_REQUIRE(a.status == 200, a.body);
  BOOST_TEST(text_at(a.json(), "/data/status") == "accepted");
  json::value row;
  const bool read = eventually(20s, [&] {
    for (const auto& r : b.rows("/api/v1/deliveries?limit=200&body=1"))
      if (text_at(r, "/form") == "plane.touch") row = r;
    return text_at(row, "/status") == "done";
  });
  BOOST_TEST(read, json::serialize(row) << b.log());
  BOOST_TEST(text_at(row, "/reason") == "applied: read");
  BOOST_TEST(text_at(row, "/entity") == "plane:issue:" + item);
  // What is kept of it is small.
  BOOST_TEST(json::serialize(row).size() < 4096u);
  BOOST_TEST(b.get("/readyz").status == 200);
}

BOOST_AUTO_TEST_CASE(a_body_beyond_every_limit_is_413) {
  bridge b;
  b.environment["PLANE_WEBHOOK_SECRET"] = webhook_secret;
  b.start();
  raw_connection peer{b.port()};
  peer.send(
      "POST /webhooks/plane HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Content-Length: 70000000\r\n\r\n");
  BOOST_TEST(peer.read_until("\r\n").find(" 413 ") != std::string::npos);
}
