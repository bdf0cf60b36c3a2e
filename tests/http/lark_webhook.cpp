// POST /webhooks/lark/… with a stand-in for the inbox: what Feishu sends is taken once and answered
// after the commit, and nothing else gets through.
#define BOOST_TEST_MODULE http_lark_webhook
#include "http/lark_webhook.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "drive.hpp"
#include "protocol/lark/crypto.hpp"

using namespace pb;
using namespace pb::http;
namespace json = boost::json;
namespace lark = pb::protocol::lark;
using persistence::delivery_append;
using persistence::delivery_status;

BOOST_TEST_DONT_PRINT_LOG_VALUE(pb::persistence::delivery_status)

namespace {

const std::string key = "kW3pR9xQ2mZt7vLs";
const std::string token = "vt-Q7mX2cK9planebridge";
const std::string message_id = "om_9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b";

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  BOOST_REQUIRE_MESSAGE(in, path.string());
  return {std::istreambuf_iterator<char>{in}, {}};
}
std::string sample(const std::string& name) {
  return read_file(std::filesystem::path{PB_FIXTURES} / "lark" / name);
}
std::string text(const json::value& v) { return v.is_null() ? "" : std::string{v.as_string()}; }

struct fake_inbox final : inbox {
  std::vector<delivery_append> rows;
  std::set<std::string> known;
  bool away = false;
  bool hold = false;
  std::vector<std::function<void()>> held;

  void accept(delivery_append d, std::function<void(result<acceptance>)> done) override {
    if (away) return done(failure{.code = errc::storage, .where = "store", .detail = "away"});
    bool duplicate = false;
    for (const auto& i : d.identities) duplicate = !known.insert(i).second || duplicate;
    if (!duplicate) rows.push_back(std::move(d));
    auto finish = [done, duplicate, seq = static_cast<std::int64_t>(rows.size())] {
      done(acceptance{duplicate ? accepted_as::duplicate : accepted_as::accepted, seq});
    };
    if (hold)
      held.emplace_back(std::move(finish));
    else
      finish();
  }
};

struct fake_previews final : preview_source {
  std::vector<std::string> asked;
  void preview(const lark::preview_request& what, std::function<void(std::string)> done) override {
    asked.push_back(what.url);
    done(R"({"inline":{"i18n_title":{"en_us":"WEB-142"}}})");
  }
};

struct fixture {
  manual_clock clock{from_micros(1'795'245'000'000'000)};
  fake_inbox inbox;
  std::map<std::string, int> counts;
  std::shared_ptr<fake_previews> previews = std::make_shared<fake_previews>();
  std::shared_ptr<secret_list> keys = std::make_shared<secret_list>(secret_list::list{secret{key}});
  std::shared_ptr<secret_list> tokens =
      std::make_shared<secret_list>(secret_list::list{secret{token}});
  bool legacy = false;
  std::size_t most_waiting = 1024;
  std::vector<route> made;

  const route& at(const std::string& pattern = "/webhooks/lark/events") {
    if (made.empty()) {
      lark_reception_options o;
      o.most_waiting = most_waiting;
      o.previews = previews;
      made = lark_webhook_routes(
          {keys, tokens, legacy},
          std::make_shared<lark_reception>(std::move(o), inbox, clock, [this](webhook_outcome w) {
            ++counts[std::string{to_string(w)}];
          }));
    }
    for (const auto& r : made)
      if (r.pattern == pattern) return r;
    throw std::runtime_error(pattern);
  }
  std::shared_ptr<drive::outcome> post(std::string body,
                                       std::vector<protocol::http_header> headers = {}) {
    drive::given g;
    g.headers = std::move(headers);
    g.body = std::move(body);
    return drive::send(at(), std::move(g));
  }
  static std::vector<protocol::http_header> signing(const std::string& body,
                                                    const std::string& with = key) {
    return {{"X-Lark-Request-Timestamp", "1732147201"},
            {"X-Lark-Request-Nonce", "n1"},
            {"X-Lark-Signature", lark::signature_of("1732147201", "n1", secret{with}, body)}};
  }
  static std::string sealed(const std::string& plain, const std::string& with = key) {
    return json::serialize(
        json::object{{"encrypt", lark::encrypt(plain, secret{with}, "0123456789abcdef")}});
  }
  /// As Feishu does it: encrypted, then signed.
  std::shared_ptr<drive::outcome> push(const std::string& plain, const std::string& with = key) {
    const auto body = sealed(plain, with);
    return post(body, signing(body, with));
  }
};

const json::value& answer_of(const std::shared_ptr<drive::outcome>& o) {
  static json::value kept;
  BOOST_REQUIRE(o->answer);
  BOOST_TEST(o->answer->status == 200);
  kept = json::parse(o->answer->body);
  return kept;
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_recorded_push_becomes_a_row_of_its_conversation, fixture) {
  const auto v = json::parse(sample("http.event.encrypted.json"));
  std::vector<protocol::http_header> headers;
  for (const auto& [name, value] : v.at("headers").as_object())
    headers.push_back({std::string{name}, text(value)});
  const auto out = post(text(v.at("body_raw")), headers);
  BOOST_REQUIRE(out->answer);
  BOOST_TEST(out->answer->status == 200);
  BOOST_TEST(out->answer->content_type == "application/json; charset=utf-8");
  BOOST_TEST(json::parse(out->answer->body).is_object());
  BOOST_REQUIRE(inbox.rows.size() == 1u);
  const auto& d = inbox.rows.front();
  BOOST_TEST(d.row.tenant == "default");
  BOOST_TEST(d.row.source == "lark");
  BOOST_TEST(d.row.form == "lark.event");
  BOOST_TEST(d.row.event == "im.message.receive_v1");
  BOOST_TEST(d.row.entity.text() == "lark:thread:" + message_id);
  BOOST_TEST((d.row.status == delivery_status::pending));
  BOOST_TEST((d.row.received_at == clock.now()));
  BOOST_TEST(d.row.remote_id == "6b42f3eb71dfb37c3738cbdd9b8b36ef");
  BOOST_TEST(d.row.body->find("@_user_1") != std::string::npos);
  // What vouches for events does not stay in the journal.
  BOOST_TEST(d.row.body->find(token) == std::string::npos);
  const std::set<std::string> identities(d.identities.begin(), d.identities.end());
  BOOST_TEST(identities.contains("e:6b42f3eb71dfb37c3738cbdd9b8b36ef"));
  BOOST_TEST(identities.contains("m:" + message_id));
  BOOST_TEST(counts["accepted"] == 1);
}

BOOST_FIXTURE_TEST_CASE(all_three_addresses_take_the_same, fixture) {
  const auto body = sealed(sample("event.im.message.receive_v1.text_command.json"));
  for (const std::string path :
       {"/webhooks/lark/events", "/webhooks/lark/interactivity", "/webhooks/lark/commands"}) {
    drive::given g;
    g.headers = signing(body);
    g.body = body;
    BOOST_TEST(drive::send(at(path), std::move(g))->answer->status == 200, path);
  }
  BOOST_TEST(inbox.rows.size() == 1u);
  BOOST_TEST(counts["duplicate"] == 2);
}

BOOST_FIXTURE_TEST_CASE(a_challenge_is_answered_without_the_store, fixture) {
  inbox.away = true;
  const std::string plain =
      R"({"challenge":"c-1","token":")" + token + R"(","type":"url_verification"})";
  BOOST_TEST(text(answer_of(post(sealed(plain))).at("challenge")) == "c-1");
  BOOST_TEST(text(answer_of(push(plain)).at("challenge")) == "c-1");
  keys->set({});
  made.clear();
  BOOST_TEST(text(answer_of(post(plain)).at("challenge")) == "c-1");
  BOOST_TEST(counts["challenge"] == 3);
  BOOST_TEST(
      post(R"({"challenge":"c","token":"other","type":"url_verification"})")->answer->status ==
      401);
}

BOOST_FIXTURE_TEST_CASE(what_is_not_feishus_is_refused_and_not_journaled, fixture) {
  const auto event = sample("event.im.message.receive_v1.text_command.json");
  const auto body = sealed(event);
  auto good = signing(body);
  auto flipped = good;
  flipped[2].value.back() = flipped[2].value.back() == '0' ? '1' : '0';
  auto other_time = good;
  other_time[0].value = "1732147202";
  auto cut = body;
  cut.resize(cut.size() - 2);
  auto stranger = event;
  stranger.replace(stranger.find(token), token.size(), std::string(token.size(), 'x'));
  struct row {
    const char* what;
    std::string body;
    std::vector<protocol::http_header> headers;
  };
  const std::vector<row> rows{
      {"no signature", body, {}},
      {"a flipped digit", body, flipped},
      {"another time", body, other_time},
      {"another body", sealed(event + " "), good},
      {"a truncated body", cut, good},
      {"another key", body, signing(body, "other")},
      {"encrypted with another key", sealed(event, "other"),
       signing(sealed(event, "other"), "other")},
      {"plain although a key is set", event, {}},
      {"plain and signed with the right key", event, signing(event)},
      {"nothing", "", {}},
      {"another token", sealed(stranger), signing(sealed(stranger))},
  };
  for (const auto& r : rows) {
    BOOST_TEST_CONTEXT(r.what) {
      const auto out = post(r.body, r.headers);
      BOOST_REQUIRE(out->answer);
      BOOST_TEST(out->answer->status == 401);
      BOOST_TEST(text(json::parse(out->answer->body).at("error").at("code")) == "UNAUTHORIZED");
      BOOST_TEST(out->answer->body.find(token) == std::string::npos);
    }
  }
  BOOST_TEST(inbox.rows.empty());
  BOOST_TEST(counts["accepted"] == 0);
  BOOST_TEST(counts["unsigned"] + counts["bad_signature"] == static_cast<int>(rows.size()));
}

BOOST_FIXTURE_TEST_CASE(without_a_key_the_token_vouches_and_a_wrong_one_does_not, fixture) {
  keys->set({});
  const auto event = sample("event.im.message.receive_v1.text_command.json");
  BOOST_TEST(post(event)->answer->status == 200);
  auto stranger = event;
  stranger.replace(stranger.find(token), token.size(), "vt-other");
  BOOST_TEST(post(stranger)->answer->status == 401);
  BOOST_TEST(inbox.rows.size() == 1u);
  // Not signed, so nobody knows whose it is: not kept.
  BOOST_TEST(post("{")->answer->status == 400);
  BOOST_TEST(counts["malformed"] == 1);
  BOOST_TEST(inbox.rows.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(without_anything_configured_the_answer_names_the_entry, fixture) {
  keys->set({secret{""}});
  tokens->set({});
  for (const auto& body : {sample("event.im.message.receive_v1.text_command.json"), sealed("{}")}) {
    const auto out = post(body);
    BOOST_TEST(out->answer->status == 503);
    BOOST_TEST(out->answer->body.find("KEY_MISSING") != std::string::npos);
    BOOST_TEST(out->answer->body.find("LARK_VERIFICATION_TOKEN") != std::string::npos);
  }
  // The app encrypts, and only the token is set.
  tokens->set({secret{token}});
  const auto out = post(sealed("{}"));
  BOOST_TEST(out->answer->status == 503);
  BOOST_TEST(out->answer->body.find("docs/secrets.md#lark-encrypt-key") != std::string::npos);
  BOOST_TEST(counts["key_missing"] == 3);
}

BOOST_FIXTURE_TEST_CASE(keys_and_tokens_rotate_without_a_restart, fixture) {
  const auto event = sample("event.im.message.recalled_v1.json");
  at();
  BOOST_TEST(push(event, "new")->answer->status == 401);
  keys->set({secret{key}, secret{"new"}});
  tokens->set({secret{"vt-new"}, secret{token}});
  BOOST_TEST(push(event, "new")->answer->status == 200);
  BOOST_TEST(push(event)->answer->status == 200);
  keys->set({secret{"new"}});
  BOOST_TEST(push(event)->answer->status == 401);
}

BOOST_FIXTURE_TEST_CASE(a_message_that_comes_again_under_another_event_id_is_a_duplicate, fixture) {
  const auto first = sample("event.im.message.receive_v1.text_command.json");
  auto again = first;
  const auto id = text(json::parse(first).at("header").at("event_id"));
  again.replace(again.find(id), id.size(), std::string(id.size(), 'f'));
  BOOST_TEST(push(first)->answer->status == 200);
  BOOST_TEST(push(again)->answer->status == 200);
  BOOST_TEST(inbox.rows.size() == 1u);
  BOOST_TEST(counts["duplicate"] == 1);
}

BOOST_FIXTURE_TEST_CASE(kinds_that_nothing_uses_are_recorded_as_ignored_and_answered_200, fixture) {
  const auto out = push(sample("event.drive.file.edit_v1.json"));
  BOOST_TEST(out->answer->status == 200);
  BOOST_REQUIRE(inbox.rows.size() == 1u);
  const auto& row = inbox.rows.front().row;
  BOOST_TEST((row.status == delivery_status::ignored));
  BOOST_TEST(!row.reason.empty());
  BOOST_TEST(row.event == "drive.file.edit_v1");
  BOOST_TEST(counts["ignored"] == 1);
}

BOOST_FIXTURE_TEST_CASE(a_click_is_answered_with_a_toast_after_the_commit, fixture) {
  inbox.hold = true;
  const auto out = push(sample("callback.card.action.trigger.select_static.json"));
  BOOST_TEST(!out->answer);
  BOOST_REQUIRE(inbox.held.size() == 1u);
  inbox.held.front()();
  const auto toast = answer_of(out).at("toast");
  BOOST_TEST(!text(toast.at("content")).empty());
  BOOST_TEST(text(toast.at("type")) != "error");
  BOOST_TEST(inbox.rows.front().row.event == "card.action.trigger");
}

BOOST_FIXTURE_TEST_CASE(what_could_not_be_stored_is_sent_again_and_a_click_is_told_so, fixture) {
  inbox.away = true;
  const auto event = push(sample("event.im.message.receive_v1.text_command.json"));
  BOOST_TEST(event->answer->status == 503);
  BOOST_TEST(event->header("Retry-After") == "15");
  const auto click = push(sample("callback.card.action.trigger.button.json"));
  BOOST_TEST(text(answer_of(click).at("toast").at("type")) == "error");
  BOOST_TEST(counts["storage"] == 2);
}

BOOST_FIXTURE_TEST_CASE(more_than_can_be_answered_in_time_are_sent_again, fixture) {
  most_waiting = 1;
  inbox.hold = true;
  const auto first = push(sample("event.im.message.receive_v1.text_command.json"));
  const auto second = push(sample("event.im.message.recalled_v1.json"));
  BOOST_REQUIRE(second->answer);
  BOOST_TEST(second->answer->status == 503);
  const auto click = push(sample("callback.card.action.trigger.button.json"));
  BOOST_TEST(text(answer_of(click).at("toast").at("type")) == "error");
  BOOST_TEST(counts["busy"] == 2);
  // a challenge needs no place
  BOOST_TEST(push(R"({"challenge":"c","token":")" + token + R"(","type":"url_verification"})")
                 ->answer->status == 200);
  // who is not believed learns nothing of it
  BOOST_TEST(post("x")->answer->status == 401);
  inbox.held.front()();
  inbox.held.clear();
  BOOST_TEST(first->answer->status == 200);
  BOOST_TEST(!push(sample("event.im.message.recalled_v1.json"))->answer);
}

BOOST_FIXTURE_TEST_CASE(previews_are_answered_and_not_journaled, fixture) {
  const auto out = push(sample("callback.url.preview.get.json"));
  BOOST_TEST(out->answer->body.find("WEB-142") != std::string::npos);
  BOOST_REQUIRE(previews->asked.size() == 1u);
  BOOST_TEST(previews->asked.front() == "https://plane.example.com/acme/browse/WEB-142/");
  BOOST_TEST(inbox.rows.empty());
  BOOST_TEST(counts["preview"] == 1);
  previews.reset();
  made.clear();
  BOOST_TEST(answer_of(push(sample("callback.url.preview.get.json"))).as_object().empty());
}

BOOST_FIXTURE_TEST_CASE(old_card_callbacks_are_taken_only_where_they_are_allowed, fixture) {
  const auto v = json::parse(sample("http.callback.card.action.trigger_v1.legacy.json"));
  std::vector<protocol::http_header> headers;
  for (const auto& [name, value] : v.at("headers").as_object())
    headers.push_back({std::string{name}, text(value)});
  const auto body = text(v.at("body_raw"));
  BOOST_TEST(post(body, headers)->answer->status == 401);
  legacy = true;
  made.clear();
  BOOST_TEST(post(body, headers)->answer->status == 200);
  BOOST_REQUIRE(inbox.rows.size() == 1u);
  headers[3].value = std::string(40, 'a');
  BOOST_TEST(post(body + " ", headers)->answer->status == 401);
  BOOST_TEST(inbox.rows.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(rightly_signed_nonsense_is_a_dead_letter_and_answered_200, fixture) {
  for (const std::string& plain :
       {std::string{"[]"}, std::string{"{"}, std::string{"\xff\xfe"},
        R"({"schema":"2.0","header":{"token":")" + token + R"(","event_type":7}})"}) {
    BOOST_TEST_CONTEXT(plain) {
      inbox.rows.clear();
      const auto out = push(plain);
      BOOST_REQUIRE(out->answer);
      BOOST_TEST(out->answer->status == 200);
      BOOST_REQUIRE(inbox.rows.size() == 1u);
      BOOST_TEST((inbox.rows.front().row.status == delivery_status::dead));
      BOOST_TEST(!inbox.rows.front().row.reason.empty());
      BOOST_TEST(push(plain)->answer->status == 200);
      BOOST_TEST(inbox.rows.size() == 1u);
    }
  }
  BOOST_TEST(counts["dead"] == 4);
}

BOOST_FIXTURE_TEST_CASE(bodies_are_bounded_by_the_listener, fixture) {
  for (const std::string path :
       {"/webhooks/lark/events", "/webhooks/lark/interactivity", "/webhooks/lark/commands"}) {
    const auto& r = at(path);
    BOOST_TEST(r.keep_body_bytes == std::size_t{1} << 20);
    BOOST_TEST(r.stream_body_bytes == 0u);
    BOOST_TEST(!r.silent_when_busy);  // Feishu repeats what got an error
  }
}
