// POST /webhooks/plane with a stand-in for the inbox: every signature vector, every recorded
// delivery, and what must never get through.
#define BOOST_TEST_MODULE http_plane_webhook
#include "http/plane_webhook.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/digest.hpp"
#include "drive.hpp"

using namespace pb;
using namespace pb::http;
namespace json = boost::json;
using persistence::delivery_append;
using persistence::delivery_status;

BOOST_TEST_DONT_PRINT_LOG_VALUE(pb::persistence::delivery_status)

namespace {

const std::string key = "plane_wh_4f1c0a9be2d84c7fa6b35d90e17c8a42";
const std::string item = "f3a9d7c5-2e60-4b18-94cf-7b5e0d8a1c36";

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  BOOST_REQUIRE_MESSAGE(in, path.string());
  return {std::istreambuf_iterator<char>{in}, {}};
}
std::filesystem::path fixtures() { return PB_FIXTURES; }
std::string sample(const std::string& name) { return read_file(fixtures() / "plane" / name); }
std::vector<std::filesystem::path> files(const std::string& folder) {
  std::vector<std::filesystem::path> out;
  for (const auto& e : std::filesystem::directory_iterator{fixtures() / folder})
    if (e.path().extension() == ".json") out.push_back(e.path());
  std::sort(out.begin(), out.end());
  BOOST_REQUIRE(!out.empty());
  return out;
}
std::string text(const json::value& v) { return v.is_null() ? "" : std::string{v.as_string()}; }

std::string sign(std::string_view body, std::string_view with = key) {
  return to_hex(hmac_sha256(with, body));
}

/// Keeps what it is given; duplicates by identity, as the store does it.
struct fake_inbox final : inbox {
  std::vector<delivery_append> rows;
  std::set<std::string> known;
  bool away = false;
  bool spools = false;
  std::vector<std::function<void()>> held;
  bool hold = false;

  void accept(delivery_append d, std::function<void(result<acceptance>)> done) override {
    if (away) return done(failure{.code = errc::storage, .where = "store", .detail = "away"});
    bool duplicate = false;
    for (const auto& i : d.identities) duplicate = !known.insert(i).second || duplicate;
    if (!duplicate) rows.push_back(std::move(d));
    auto finish = [done, duplicate, spools = spools, seq = static_cast<std::int64_t>(rows.size())] {
      if (spools) return done(acceptance{accepted_as::accepted, 0, true});
      done(acceptance{duplicate ? accepted_as::duplicate : accepted_as::accepted, seq});
    };
    if (hold)
      held.emplace_back(std::move(finish));
    else
      finish();
  }
};

struct fixture {
  manual_clock clock{from_micros(1'795'245'000'000'000)};
  fake_inbox inbox;
  std::map<std::string, int> counts;
  std::shared_ptr<secret_list> secrets =
      std::make_shared<secret_list>(secret_list::list{secret{key}});
  std::size_t keep = 16u << 20;

  route at() {
    plane_webhook_options o;
    o.secrets = secrets;
    o.keep_bytes = keep;
    return plane_webhook_route(std::move(o), inbox, clock,
                               [this](webhook_outcome w) { ++counts[std::string{to_string(w)}]; });
  }
  std::shared_ptr<drive::outcome> post(std::string body, const std::string& signature,
                                       std::vector<protocol::http_header> more = {}) {
    drive::given g;
    g.headers = std::move(more);
    if (!signature.empty()) g.headers.push_back({"x-plane-signature", signature});
    g.body = std::move(body);
    return drive::send(at(), std::move(g));
  }
  std::shared_ptr<drive::outcome> post_signed(const std::string& body,
                                              const std::string& delivery = "") {
    return post(body, sign(body), {{"X-Plane-Delivery", delivery}});
  }
};

std::string status_of(const drive::outcome& o) {
  BOOST_REQUIRE(o.answer);
  BOOST_REQUIRE(!o.answer->drop_connection);
  BOOST_TEST(o.answer->status == 200);
  return text(json::parse(o.answer->body).at("data").at("status"));
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(every_signature_vector_is_accepted_with_its_secret_and_no_other, fixture) {
  const auto vectors = json::parse(sample("signature_vectors.json"));
  for (const auto& v : vectors.as_array()) {
    const auto body = *from_base64(text(v.at("body_base64")));
    const auto signature = text(v.at("signature_hex"));
    BOOST_TEST_CONTEXT(text(v.at("note"))) {
      secrets->set({secret{"another"}, secret{text(v.at("secret"))}});
      BOOST_TEST(post(body, signature)->answer->status == 200);
      secrets->set({secret{"another"}});
      BOOST_TEST(post(body, signature)->answer->status == 401);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(every_recorded_delivery_is_taken_once, fixture) {
  std::size_t taken = 0;
  for (const auto* folder : {"plane-live/webhooks", "plane-live/failures",
                             "plane-live/several-webhooks", "plane-live/v0.25.3/webhooks"}) {
    for (const auto& path : files(folder)) {
      const auto v = json::parse(read_file(path));
      const auto body = text(v.at("body_raw"));
      const auto* holds =
          v.as_object().if_contains("signature_is_hmac_sha256_hex_of_full_body_bytes");
      BOOST_TEST_CONTEXT(path.filename().string()) {
        drive::given g;
        std::string signature;
        for (const auto& h : v.at("headers").as_array()) {
          g.headers.push_back({text(h.at(0)), text(h.at(1))});
          if (text(h.at(0)) == "X-Plane-Signature") signature = text(h.at(1));
        }
        const auto* with = v.as_object().if_contains("signing_secret");
        const auto secret_text = with != nullptr ? text(*with) : std::string{};
        secrets->set({secret{secret_text.empty() ? key : secret_text}});
        g.body = body;
        const bool good = holds != nullptr && holds->is_bool() && holds->as_bool() &&
                          sign(body, secret_text) == signature;
        const auto before = inbox.rows.size();
        const auto out = drive::send(at(), std::move(g));
        BOOST_REQUIRE(out->answer);
        BOOST_TEST(out->answer->status == (good ? 200 : 401));
        if (!good) {
          BOOST_TEST(inbox.rows.size() == before);
          continue;
        }
        ++taken;
        const auto status = status_of(*out);
        BOOST_TEST((status == "accepted" || status == "ignored" || status == "duplicate"));
        if (status == "duplicate") continue;
        const auto& row = inbox.rows.back().row;
        const bool ignored = row.status == delivery_status::ignored;
        BOOST_TEST(ignored == (status == "ignored"));
        BOOST_TEST(ignored == !row.reason.empty());
        BOOST_TEST(ignored == row.entity.empty());
        BOOST_TEST(*row.body == body);
        BOOST_TEST(row.remote_id.size() == 36u);
      }
    }
  }
  BOOST_TEST(taken > 100u);
  BOOST_TEST(counts["dead"] == 0);
  BOOST_TEST(counts["ignored"] > 0);
  // the failing receivers' recordings are retries of few deliveries
  BOOST_TEST(counts["duplicate"] > 10);
}

BOOST_FIXTURE_TEST_CASE(a_work_item_becomes_a_row_with_its_entity, fixture) {
  const auto body = sample("webhook_v1_issue_created.json");
  const auto out = post_signed(body, "6f2b8d90-4c1e-4a75-9d38-e0b7c5f1a264");
  BOOST_TEST(status_of(*out) == "accepted");
  BOOST_REQUIRE(inbox.rows.size() == 1u);
  const auto& d = inbox.rows.front();
  BOOST_TEST(d.row.tenant == "default");
  BOOST_TEST(d.row.source == "plane");
  BOOST_TEST(d.row.form == "plane.webhook");
  BOOST_TEST(d.row.event == "issue.created");
  BOOST_TEST(d.row.entity.text() == "plane:issue:" + item);
  BOOST_TEST(d.row.remote_id == "6f2b8d90-4c1e-4a75-9d38-e0b7c5f1a264");
  BOOST_TEST((d.row.status == delivery_status::pending));
  BOOST_TEST((d.row.received_at == clock.now()));
  BOOST_REQUIRE(d.identities.size() == 1u);
  const auto hash = sha256(body);
  BOOST_TEST(d.identities.front() ==
             "b:" + std::string(reinterpret_cast<const char*>(hash.data()), hash.size()));
}

BOOST_FIXTURE_TEST_CASE(kinds_and_their_answers, fixture) {
  struct row {
    const char* file;
    const char* event;
    const char* entity;
    const char* status;
  };
  const row rows[] = {
      {"webhook_v1_issue_updated_state_from_ui.json", "issue.updated", "plane:issue:", "accepted"},
      {"webhook_v1_issue_deleted.json", "issue.deleted", "plane:issue:", "accepted"},
      {"webhook_v1_issue_comment_created.json", "issue_comment.created",
       "plane:issue:", "accepted"},
      {"webhook_v1_issue_comment_deleted.json", "issue_comment.deleted", "", "ignored"},
      {"webhook_v1_project_updated.json", "project.updated", "plane:project:", "accepted"},
      {"webhook_v1_project_deleted.json", "project.deleted", "plane:project:", "accepted"},
      {"webhook_v1_cycle_created.json", "cycle.created", "", "ignored"},
      {"webhook_v1_module_updated.json", "module.updated", "", "ignored"},
      {"webhook_v2_workitem_updated.json", "issue.updated", "plane:issue:", "accepted"},
      {"webhook_v2_workitem_updated_docs_quirks.json", "issue.updated", "plane:issue:", "accepted"},
      {"webhook_v2_workitem_deleted.json", "issue.deleted", "plane:issue:", "accepted"},
      {"webhook_v2_workitem_comment_created.json", "issue_comment.created",
       "plane:issue:", "accepted"},
      {"webhook_app_agent_run_created.json", "agent_run.created", "", "ignored"},
  };
  for (const auto& r : rows) {
    BOOST_TEST_CONTEXT(r.file) {
      inbox = {};
      BOOST_TEST(status_of(*post_signed(sample(r.file))) == r.status);
      BOOST_REQUIRE(inbox.rows.size() == 1u);
      const auto& got = inbox.rows.front().row;
      BOOST_TEST(got.event == r.event);
      BOOST_TEST(got.entity.text().starts_with(r.entity));
      BOOST_TEST(got.entity.empty() == std::string_view{r.entity}.empty());
    }
  }
}

BOOST_FIXTURE_TEST_CASE(an_ignored_kind_is_journaled_with_its_reason, fixture) {
  const auto out = post_signed(sample("webhook_v1_cycle_created.json"));
  BOOST_TEST(text(json::parse(out->answer->body).at("data").at("reason")) == "cycles are not used");
  BOOST_REQUIRE(inbox.rows.size() == 1u);
  BOOST_TEST((inbox.rows.front().row.status == delivery_status::ignored));
  BOOST_TEST(counts["ignored"] == 1);
}

BOOST_FIXTURE_TEST_CASE(a_retry_with_a_new_delivery_id_is_a_duplicate, fixture) {
  const auto body = sample("webhook_v1_issue_created.json");
  BOOST_TEST(status_of(*post_signed(body, "first")) == "accepted");
  BOOST_TEST(status_of(*post_signed(body, "second")) == "duplicate");
  BOOST_TEST(inbox.rows.size() == 1u);
  BOOST_TEST(counts["duplicate"] == 1);
}

BOOST_FIXTURE_TEST_CASE(generation_two_is_known_by_its_event_id_not_by_its_bytes, fixture) {
  const auto first = sample("webhook_v2_workitem_updated.json");
  auto second = first;
  const auto id = text(json::parse(first).at("delivery_id"));
  second.replace(second.find(id), id.size(), "00000000-0000-4000-8000-000000000000");
  BOOST_TEST(status_of(*post_signed(first)) == "accepted");
  BOOST_TEST(status_of(*post_signed(second)) == "duplicate");
  BOOST_TEST(inbox.rows.front().identities.front() ==
             "e:" + text(json::parse(first).at("event_id")));
}

BOOST_FIXTURE_TEST_CASE(a_duplicate_without_a_time_causes_one_read_of_its_entity, fixture) {
  const auto body = sample("webhook_v1_issue_deleted.json");
  BOOST_REQUIRE(body.find("updated_at") == std::string::npos);
  BOOST_TEST(status_of(*post_signed(body, "one")) == "accepted");
  BOOST_TEST(status_of(*post_signed(body, "two")) == "duplicate");
  BOOST_REQUIRE(inbox.rows.size() == 2u);
  const auto& touch = inbox.rows.back();
  BOOST_TEST(touch.row.form == "plane.touch");
  BOOST_TEST(touch.row.entity.text() == inbox.rows.front().row.entity.text());
  BOOST_TEST(touch.identities == std::vector<std::string>{"t:two"},
             boost::test_tools::per_element());
  BOOST_TEST(json::parse(*touch.row.body).is_object());
  // the same attempt twice (a relay that repeats it) reads no second time
  BOOST_TEST(status_of(*post_signed(body, "two")) == "duplicate");
  BOOST_TEST(inbox.rows.size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(a_spooled_delivery_without_a_time_causes_its_read_at_once, fixture) {
  // Whether it is a duplicate will be known when nobody can be asked for the read any more.
  inbox.spools = true;
  BOOST_TEST(status_of(*post_signed(sample("webhook_v1_issue_deleted.json"), "one")) == "accepted");
  BOOST_REQUIRE(inbox.rows.size() == 2u);
  BOOST_TEST(inbox.rows.back().row.form == "plane.touch");
  const auto timed = sample("webhook_v1_issue_created.json");
  BOOST_REQUIRE(timed.find("updated_at") != std::string::npos);
  BOOST_TEST(status_of(*post_signed(timed, "two")) == "accepted");
  BOOST_TEST(inbox.rows.size() == 3u);
}

BOOST_FIXTURE_TEST_CASE(what_is_not_signed_is_refused_unread_and_not_journaled, fixture) {
  const auto body = sample("webhook_v1_issue_created.json");
  const auto good = sign(body);
  auto upper = good;
  for (auto& c : upper) c = static_cast<char>(std::toupper(c));
  auto flipped = good;
  flipped.back() = flipped.back() == '0' ? '1' : '0';
  for (const auto& signature :
       {std::string{}, flipped, upper, good.substr(1), good + "0", "sha256=" + good, good + " ",
        std::string(64, 'z'), sign(body, ""), sign(body, "other"), sign(body + " ")}) {
    BOOST_TEST_CONTEXT(signature) {
      const auto out = post(body, signature);
      BOOST_REQUIRE(out->answer);
      BOOST_TEST(out->answer->status == 401);
      const auto error = json::parse(out->answer->body).at("error");
      BOOST_TEST(text(error.at("code")) == "UNAUTHORIZED");
      BOOST_TEST(text(error.at("request_id")) == "req-1");
    }
  }
  BOOST_TEST(post("not json at all", good)->answer->status == 401);
  BOOST_TEST(inbox.rows.empty());
  BOOST_TEST(counts["unsigned"] == 1);
  BOOST_TEST(counts["bad_signature"] == 11);
}

BOOST_FIXTURE_TEST_CASE(without_a_secret_the_answer_names_the_entry, fixture) {
  const auto body = sample("webhook_v1_issue_created.json");
  secrets->set({secret{""}});
  for (const auto& signature : {std::string{}, sign(body), sign(body, "")}) {
    const auto out = post(body, signature);
    BOOST_TEST(out->answer->status == 503);
    const auto error = json::parse(out->answer->body).at("error");
    BOOST_TEST(text(error.at("code")) == "KEY_MISSING");
    BOOST_TEST(out->answer->body.find("plane.webhook_secret") != std::string::npos);
    BOOST_TEST(out->answer->body.find("PLANE_WEBHOOK_SECRET") != std::string::npos);
    BOOST_TEST(out->answer->body.find("docs/secrets.md#plane-webhook-secret") != std::string::npos);
  }
  BOOST_TEST(inbox.rows.empty());
}

BOOST_FIXTURE_TEST_CASE(secrets_rotate_without_a_restart, fixture) {
  const auto body = sample("webhook_v1_issue_created.json");
  const auto where = at();
  const auto post_to = [&](const std::string& with) {
    drive::given g;
    g.headers = {{"X-Plane-Signature", sign(body, with)}};
    g.body = body;
    return drive::send(where, std::move(g))->answer->status;
  };
  BOOST_TEST(post_to(key) == 200);
  BOOST_TEST(post_to("new") == 401);
  secrets->set({secret{key}, secret{"new"}});
  BOOST_TEST(post_to(key) == 200);
  BOOST_TEST(post_to("new") == 200);
  secrets->set({secret{"new"}});
  BOOST_TEST(post_to(key) == 401);
}

BOOST_FIXTURE_TEST_CASE(rightly_signed_nonsense_is_a_dead_letter_and_answered_200, fixture) {
  for (const std::string& body :
       {std::string{}, std::string{"{"}, std::string{"[]"}, std::string{"\xff\xfe"},
        std::string{R"({"event":"issue","action":"updated","data":{"id":"../x"}})"},
        R"({"event":"issue","action":)" + std::string(5000, '[')}) {
    BOOST_TEST_CONTEXT(body.substr(0, 40)) {
      inbox = {};
      BOOST_TEST(status_of(*post_signed(body)) == "accepted");
      BOOST_REQUIRE(inbox.rows.size() == 1u);
      const auto& row = inbox.rows.front().row;
      BOOST_TEST((row.status == delivery_status::dead));
      BOOST_TEST(!row.reason.empty());
      BOOST_TEST(*row.body == body);
      BOOST_TEST(status_of(*post_signed(body)) == "duplicate");
    }
  }
  BOOST_TEST(counts["dead"] == 6);
}

BOOST_FIXTURE_TEST_CASE(what_could_not_be_stored_gets_no_answer_at_all, fixture) {
  inbox.away = true;
  const auto out = post_signed(sample("webhook_v1_issue_created.json"));
  BOOST_REQUIRE(out->answer);
  BOOST_TEST(out->answer->drop_connection);
  BOOST_TEST(counts["storage"] == 1);
}

BOOST_FIXTURE_TEST_CASE(nothing_is_answered_before_the_commit, fixture) {
  inbox.hold = true;
  const auto out = post_signed(sample("webhook_v1_issue_created.json"));
  BOOST_TEST(!out->answer);
  inbox.held.front()();
  BOOST_TEST(status_of(*out) == "accepted");
}

BOOST_FIXTURE_TEST_CASE(more_than_can_be_answered_in_time_are_closed_and_come_again, fixture) {
  plane_webhook_options o;
  o.secrets = secrets;
  o.most_waiting = 2;
  const auto to = plane_webhook_route(std::move(o), inbox, clock, [this](webhook_outcome w) {
    ++counts[std::string{to_string(w)}];
  });
  const auto send = [&](const std::string& body, const std::string& with = key) {
    drive::given g;
    g.headers = {{"X-Plane-Signature", sign(body, with)}};
    g.body = body;
    return drive::send(to, std::move(g));
  };
  inbox.hold = true;
  const auto first = send(sample("webhook_v1_issue_created.json"));
  const auto second = send("{}");
  const auto third = send("[]");
  BOOST_REQUIRE(third->answer);
  BOOST_TEST(third->answer->drop_connection);
  BOOST_TEST(counts["busy"] == 1);
  // who is not signed learns nothing of it
  BOOST_TEST(send("x", "wrong")->answer->status == 401);
  BOOST_TEST(inbox.rows.size() == 2u);
  inbox.held[0]();
  inbox.held.erase(inbox.held.begin());
  BOOST_TEST(status_of(*first) == "accepted");
  BOOST_TEST(!send("[]")->answer);  // its place was free again
  BOOST_TEST(inbox.rows.size() == 3u);
}

BOOST_FIXTURE_TEST_CASE(a_body_too_large_to_keep_is_verified_whole_and_kept_as_ids, fixture) {
  keep = 100'000;
  auto body = sample("webhook_v1_issue_updated_description.json");
  const auto at_html = body.find("\"description_html\": \"") + 21;
  body.insert(at_html, std::string(300'000, 'x'));
  const auto out = post_signed(body, "big");
  BOOST_TEST(status_of(*out) == "accepted");
  BOOST_REQUIRE(inbox.rows.size() == 1u);
  const auto& d = inbox.rows.front();
  BOOST_TEST(d.row.form == "plane.touch");
  BOOST_TEST(d.row.event == "issue.updated");
  BOOST_TEST(d.row.entity.text().starts_with("plane:issue:"));
  BOOST_TEST(d.row.body->size() < 1000u);
  const auto kept = json::parse(*d.row.body);
  BOOST_TEST(kept.at("bytes").to_number<std::size_t>() == body.size());
  BOOST_TEST("plane:issue:" + text(kept.at("id")) == d.row.entity.text());
  const auto hash = sha256(body);
  BOOST_TEST(d.identities.front() ==
             "b:" + std::string(reinterpret_cast<const char*>(hash.data()), hash.size()));
  BOOST_TEST(status_of(*post_signed(body, "again")) == "duplicate");

  // the part that is not kept is signed, too
  auto changed = body;
  changed[changed.size() - 3] ^= 1;
  BOOST_TEST(post(changed, sign(body))->answer->status == 401);
  BOOST_TEST(inbox.rows.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(an_oversize_body_without_ids_is_recorded_as_ignored, fixture) {
  keep = 100;
  BOOST_TEST(status_of(*post_signed(std::string(500, '['))) == "ignored");
  BOOST_TEST(status_of(*post_signed(sample("webhook_v1_module_created.json"))) == "ignored");
  BOOST_TEST(inbox.rows.size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(hostile_headers_stay_short_and_printable, fixture) {
  const auto body = sample("webhook_v1_issue_created.json");
  post(body, sign(body),
       {{"X-Plane-Delivery", "a b\tc\xff" + std::string(1000, 'd')},
        {"X-Plane-Event", std::string(1000, 'e')}});
  BOOST_REQUIRE(inbox.rows.size() == 1u);
  BOOST_TEST(inbox.rows.front().row.remote_id.size() <= 64u);
  BOOST_TEST(inbox.rows.front().row.remote_id.starts_with("abcd"));
}

BOOST_FIXTURE_TEST_CASE(the_pieces_a_body_arrives_in_do_not_matter, fixture) {
  const auto body = sample("webhook_v1_issue_created.json");
  for (const std::size_t piece : {1u, 7u, 64u, 100'000u}) {
    inbox = {};
    drive::given g;
    g.headers = {{"X-Plane-Signature", sign(body)}};
    g.body = body;
    g.piece_bytes = piece;
    BOOST_TEST(status_of(*drive::send(at(), std::move(g))) == "accepted");
  }
}
