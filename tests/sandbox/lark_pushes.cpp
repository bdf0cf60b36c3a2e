// What the in-memory Lark sends out: envelopes, encryption, signatures, its schedule of retries,
// and callbacks with their three seconds.
#define BOOST_TEST_MODULE sandbox_lark_pushes
#include <boost/test/unit_test.hpp>

#include "base/digest.hpp"
#include "sandbox/lark_sender.hpp"
#include "sandbox/lark_state.hpp"
#include "tests/sandbox/lark_world.hpp"

using namespace pb;
using namespace std::chrono_literals;
namespace sb = pb::sandbox;
namespace json = boost::json;
using world = test::lark_world;

namespace {

/// Answers what it is told to, and remembers.
struct target final : http::transport {
  explicit target(test::virtual_time& t) : time(t) {}
  void send(protocol::http_request request, http::call_limits limits, completion done) override {
    got.push_back(std::move(request));
    at.push_back(time.clock.now());
    const auto after = time.scheduler();
    if (silent)
      return after(limits.headers, [done] {
        done(failure{errc::timed_out, "test", "", "", 0, {}, {}});
      });
    after(1ms, [done, status = status, body = body] {
      done(protocol::http_response{status, {}, body});
    });
  }
  test::virtual_time& time;
  int status = 200;
  bool silent = false;
  std::string body = "{}";
  std::vector<protocol::http_request> got;
  std::vector<timestamp> at;
};

sb::lark_options locked() {
  sb::lark_options o;
  o.encrypt_key = secret{"kW3pR9xQ2mZt7vLs"};
  o.verification_token = secret{"vt-Q7mX2cK9planebridge"};
  return o;
}

struct sending : world {
  explicit sending(sb::lark_options o = {}) : world(std::move(o)) {}
  /// A card in the chat; its message id.
  std::string card() {
    return id_of(call("POST", "im/v1/messages?receive_id_type=chat_id",
                      card_body(test::lark_sample("card.v2.work_item.json"))));
  }
  sb::lark_interaction last() const { return lark.interactions().back(); }
  std::uint64_t click_done(const std::string& id) {
    const auto n = lark.click({.message_id = id, .by = bo, .on = "标记完成"});
    BOOST_REQUIRE(n.has_value());
    sender.pump();
    time.run_for(10s);
    return *n;
  }
  sb::fault_set faults{random};
  target peer{time};
  sb::lark_sender sender{
      lark, faults, peer, time.scheduler(), {.event_url = "http://bridge.test/events"}};
};

/// The keys in their order, of objects inside too; ids and times differ between worlds.
void same_form(const json::value& got, const json::value& want, const std::string& at) {
  BOOST_TEST(static_cast<int>(got.kind()) == static_cast<int>(want.kind()), at);
  if (got.is_object() && want.is_object()) {
    auto mine = got.get_object().begin();
    for (const auto& [key, inner] : want.get_object()) {
      BOOST_REQUIRE_MESSAGE(mine != got.get_object().end() && mine->key() == key,
                            at << " wants " << std::string{key});
      same_form(mine->value(), inner, at + "." + std::string{key});
      ++mine;
    }
    BOOST_TEST((mine == got.get_object().end()), at);
  } else if (got.is_array() && want.is_array() && !want.get_array().empty()) {
    BOOST_REQUIRE(!got.get_array().empty());
    same_form(got.get_array()[0], want.get_array()[0], at + "[0]");
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(encryption_gives_the_vectors_of_the_contract) {
  struct fixed final : random_source {
    explicit fixed(std::string b) : bytes(std::move(b)) {}
    std::uint64_t next() override { return 0; }
    void fill(std::span<unsigned char> out) override {
      std::copy_n(bytes.begin(), out.size(), out.begin());
    }
    std::string bytes;
  };
  const auto vectors = test::lark_sample("crypto_vectors.json");
  for (const auto& v : vectors.at("encryption").as_array()) {
    fixed iv{*from_hex(std::string{v.at("iv_hex").as_string()})};
    BOOST_TEST(sb::lark_encrypt(std::string{v.at("encrypt_key").as_string()},
                                std::string{v.at("plaintext").as_string()},
                                iv) == std::string{v.at("encrypt_base64").as_string()});
  }
}

BOOST_AUTO_TEST_CASE(a_push_is_encrypted_and_signed_over_its_raw_body) {
  world w{locked()};
  BOOST_REQUIRE(w.lark.say({.chat = w.chat, .by = w.anna, .text = "hi"}));
  const auto push = w.pushes().at(0);
  const auto post = w.lark.sealed(push);
  const auto header = [&](std::string_view name) {
    for (const auto& h : post.headers)
      if (h.name == name) return h.value;
    return std::string{};
  };
  BOOST_TEST(header("X-Lark-Signature") ==
             sha256_hex(header("X-Lark-Request-Timestamp") + header("X-Lark-Request-Nonce") +
                        "kW3pR9xQ2mZt7vLs" + post.body));
  BOOST_TEST(post.body.starts_with(R"({"encrypt":")"));
  // As a JavaScript client would write what it parsed: not a byte more.
  BOOST_TEST(json::serialize(json::parse(post.body)) == post.body);
  // Every attempt has its own IV and nonce.
  BOOST_TEST(w.lark.sealed(push).body != post.body);
  const auto challenge = w.lark.sealed(w.lark.challenge());
  for (const auto& h : challenge.headers) BOOST_TEST(h.name != "X-Lark-Signature");
  world plain;
  BOOST_REQUIRE(plain.lark.say({.chat = plain.chat, .by = plain.anna, .text = "hi"}));
  const auto bare = plain.lark.sealed(plain.pushes().at(0));
  BOOST_TEST(bare.body.starts_with(R"({"schema":"2.0")"));
}

BOOST_AUTO_TEST_CASE(events_have_the_form_of_the_samples) {
  world w;
  const auto told = [&](const std::string& sample) {
    const auto due = w.pushes();
    BOOST_REQUIRE_MESSAGE(due.size() == 1u, sample << ": " << due.size());
    same_form(json::parse(due[0].body), test::lark_sample(sample), sample);
  };
  const std::string bot = R"(<at user_id="bot"></at> )";
  const auto root = *w.lark.say({.chat = w.chat, .by = w.anna, .text = bot + "/plane"});
  told("event.im.message.receive_v1.text_command.json");
  (void)w.lark.say({.by = w.anna, .text = bot + "x", .reply_to = root, .in_thread = true});
  told("event.im.message.receive_v1.text_in_thread.json");
  const auto second = *w.lark.say({.by = w.bo, .text = "y", .reply_to = root});
  told("event.im.message.receive_v1.text_in_thread_no_mention.json");
  const auto other = *w.lark.say({.chat = w.chat, .by = w.anna, .text = "@all"});
  told("event.im.message.receive_v1.mention_all.json");
  (void)w.lark.say({.by = w.bo, .text = "同意", .reply_to = other});
  told("event.im.message.receive_v1.text_quote_reply.json");
  (void)w.lark.say({.by = w.anna, .text = "/plane help"});
  told("event.im.message.receive_v1.p2p.json");
  (void)w.lark.say_file({.by = w.anna, .reply_to = root, .type = "image"}, "a.png", "x");
  told("event.im.message.receive_v1.image.json");
  (void)w.lark.say_file({.chat = w.chat, .by = w.anna, .type = "file"}, "网关日志.txt", "x");
  told("event.im.message.receive_v1.file.json");
  (void)w.lark.say({.chat = w.chat,
                    .by = w.anna,
                    .type = "post",
                    .content =
                        R"({"title":"t","content":[[{"tag":"at","user_id":"bot","user_name":"B",)"
                        R"("style":[]},{"tag":"text","text":" /plane","style":[]}]]})"});
  told("event.im.message.receive_v1.post.json");
  BOOST_REQUIRE(w.lark.recall(second, w.bo));
  told("event.im.message.recalled_v1.json");
  BOOST_REQUIRE(w.lark.react(root, w.bo, "DONE"));
  told("event.im.message.reaction.created_v1.json");
  BOOST_REQUIRE(w.lark.react(root, w.bo, "DONE", true));
  told("event.im.message.reaction.deleted_v1.json");
  w.lark.open_menu(w.anna, "plane_my_items");
  told("event.application.bot.menu_v6.json");
  w.lark.remove_member(w.chat, w.bo);
  (void)w.pushes();
  w.lark.add_member(w.chat, w.bo);
  told("event.im.chat.member.user.added_v1.json");
  w.lark.remove_bot(w.chat, w.anna);
  told("event.im.chat.member.bot.deleted_v1.json");
  w.lark.add_bot(w.chat, w.anna);
  told("event.im.chat.member.bot.added_v1.json");
}

BOOST_AUTO_TEST_CASE(callbacks_have_the_form_of_the_samples) {
  sending w;
  const auto id = w.card();
  const auto told = [&](const std::string& sample) {
    const auto due = w.lark.take_due_pushes();
    BOOST_REQUIRE_MESSAGE(due.size() == 1u, sample << ": " << due.size());
    same_form(json::parse(due[0].body), test::lark_sample(sample), sample);
  };
  BOOST_REQUIRE(w.lark.click({.message_id = id, .by = w.anna, .on = "标记完成"}));
  told("callback.card.action.trigger.button.json");
  BOOST_REQUIRE(w.lark.click({.message_id = id, .by = w.anna, .on = "state", .option = "done"}));
  told("callback.card.action.trigger.select_static.json");
  BOOST_REQUIRE(w.lark.click({.message_id = id, .by = w.anna, .on = "assignee", .option = w.bo}));
  told("callback.card.action.trigger.select_person.json");
  BOOST_REQUIRE(w.lark.click(
      {.message_id = id, .by = w.anna, .on = "submit_comment", .form = {{"comment", "已定位"}}}));
  told("callback.card.action.trigger.form_submit.json");
  const auto said = *w.lark.say({.chat = w.chat, .by = w.anna, .text = "https://plane.test/x"});
  w.time.run_for(1s);
  (void)w.lark.take_due_pushes();
  BOOST_REQUIRE(w.lark.view_link(said, w.bo, "https://plane.test/x"));
  told("callback.url.preview.get.json");
  (void)w.lark.type_link(w.bo, "https://plane.test/x");
  told("callback.url.preview.get.unsent_draft.json");
}

BOOST_AUTO_TEST_CASE(what_the_client_does_not_offer_is_not_sent) {
  sending w;
  const auto id = w.card();
  const auto no = [&](sb::lark_click c) {
    c.message_id = id;
    if (c.by.empty()) c.by = w.anna;
    return !w.lark.click(c).has_value();
  };
  BOOST_TEST(no({.by = "", .on = "nothing of that name"}));
  BOOST_TEST(no({.by = "", .on = "state", .option = "not an option"}));
  BOOST_TEST(no({.by = "", .on = "在 Plane 中打开"}));  // only opens a page
  BOOST_TEST(no({.by = "", .on = "submit_comment"}));   // required and empty
  BOOST_TEST(no({.by = "", .on = "submit_comment", .form = {{"other", "x"}}}));
  BOOST_TEST(no({.by = "ou_stranger", .on = "标记完成"}));
  w.time.run_for(std::chrono::days{15});
  BOOST_TEST(no({.by = "", .on = "标记完成"}));
}

BOOST_AUTO_TEST_CASE(an_event_is_sent_again_after_15_s_5_min_1_h_and_6_h_and_then_no_more) {
  sending w;
  w.peer.status = 500;
  BOOST_REQUIRE(w.lark.say({.chat = w.chat, .by = w.anna, .text = "x"}));
  w.sender.pump();
  w.time.run_for(48h);
  BOOST_REQUIRE(w.peer.at.size() == 5u);
  const std::chrono::microseconds want[] = {15s, 5min, 1h, 6h};
  for (std::size_t n = 0; n < 4; ++n) {
    const auto gap = w.peer.at[n + 1] - w.peer.at[n];
    BOOST_TEST((gap >= want[n] && gap < want[n] + 10ms), n);
  }
  BOOST_TEST(w.sender.log().back().state == "given_up");
  BOOST_TEST(w.sender.unfinished() == 0u);
  // The same event, whatever the attempt.
  const auto id = [&](std::size_t n) {
    return std::string{json::parse(w.peer.got[n].body).at("header").at("event_id").as_string()};
  };
  BOOST_TEST(id(0) == id(4));
}

BOOST_AUTO_TEST_CASE(a_redirect_is_no_success_and_an_answer_in_time_is) {
  sending w;
  w.peer.status = 302;
  BOOST_REQUIRE(w.lark.say({.chat = w.chat, .by = w.anna, .text = "x"}));
  w.sender.pump();
  w.time.run_for(1s);
  BOOST_TEST(w.sender.log().back().state == "waiting");
  w.peer.status = 200;
  w.time.run_for(1min);
  BOOST_TEST(w.sender.log().back().state == "delivered");
  BOOST_TEST(w.peer.got.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_callbacks_answer_shows_and_its_failures_have_their_codes) {
  sending w;
  const auto id = w.card();
  w.peer.body = R"({"toast":{"type":"success","content":"好"}})";
  w.click_done(id);
  BOOST_TEST(w.last().state == "answered");
  BOOST_TEST(w.last().toast == "好");
  const auto shows = [&](int status, std::string body) {
    w.peer.status = status;
    w.peer.body = std::move(body);
    w.click_done(id);
    return w.last().shown_error;
  };
  BOOST_TEST(shows(200, "{}") == 0);
  BOOST_TEST(shows(302, "{}") == 200671);
  BOOST_TEST(shows(200, "no") == 200672);
  BOOST_TEST(shows(200, R"({"toast":{"type":"loud","content":"x"}})") == 200672);
  BOOST_TEST(shows(200, R"({"card":{"type":"raw","data":{"elements":[]}}})") == 200830);
  BOOST_TEST(shows(200, R"({"card":{"type":"raw","data":{"schema":"2.0","bodi":{}}}})") == 200673);
  w.peer.silent = true;
  const auto before = w.peer.got.size();
  w.click_done(id);
  BOOST_TEST(w.last().shown_error == 200341);
  w.time.run_for(24h);
  BOOST_TEST(w.peer.got.size() == before + 1);  // never again
}

BOOST_AUTO_TEST_CASE(the_answers_card_replaces_the_old_one_and_the_token_updates_it_twice) {
  sending w;
  const auto id = w.card();
  auto next = test::lark_sample("callback.card.action.trigger.response.toast_and_card.json");
  w.peer.body = json::serialize(next);
  w.click_done(id);
  BOOST_TEST(w.last().state == "answered");
  const auto shown = [&] {
    return json::parse(
        std::string{w.lark.messages(w.chat).at(0).at("body").at("content").as_string()});
  };
  BOOST_TEST(shown() == next.at("card").at("data"));
  const std::string token{json::parse(w.peer.got.back().body).at("event").at("token").as_string()};
  auto card = test::lark_sample("card.v2.work_item.json");
  const json::object update{{"token", token}, {"card", card}};
  const auto code = [&] { return w.code_of("POST", "interactive/v1/card/update", update); };
  BOOST_TEST(code() == 0);
  BOOST_TEST(shown() == card);
  BOOST_TEST(code() == 0);
  BOOST_TEST(code() == 300040);
  w.peer.body = "{}";
  w.click_done(id);
  const std::string later{json::parse(w.peer.got.back().body).at("event").at("token").as_string()};
  w.time.run_for(31min);
  BOOST_TEST(w.code_of("POST", "interactive/v1/card/update", {{"token", later}, {"card", card}}) ==
             300030);
  BOOST_TEST(w.code_of("POST", "interactive/v1/card/update", {{"token", "c-x"}, {"card", card}}) ==
             300020);
}

BOOST_AUTO_TEST_CASE(faults_lose_duplicate_and_delay_events) {
  sending w;
  const auto post = [&] {
    BOOST_REQUIRE(w.lark.say({.chat = w.chat, .by = w.anna, .text = "x"}));
    w.sender.pump();
    const auto before = w.peer.got.size();
    w.time.run_for(1s);
    return w.peer.got.size() - before;
  };
  w.faults.add({.kind = sb::fault_kind::webhook_lost, .count = 1u});
  BOOST_TEST(post() == 0u);
  w.faults.add(
      {.kind = sb::fault_kind::webhook_duplicated, .method = "im.message.receive_v1", .count = 1u});
  BOOST_TEST(post() == 2u);
  const auto event_id = [&](std::size_t from_end) {
    const auto v = json::parse(w.peer.got[w.peer.got.size() - from_end].body);
    return std::string{v.at("header").at("event_id").as_string()};
  };
  BOOST_TEST(event_id(1) != event_id(2));  // a message comes again under another id
  w.faults.add({.kind = sb::fault_kind::webhook_reordered, .count = 1u, .delay = 5s});
  BOOST_TEST(post() == 0u);
  BOOST_TEST(post() == 1u);
}

BOOST_AUTO_TEST_CASE(an_old_card_is_clicked_in_the_old_form_with_its_sha1) {
  auto o = locked();
  o.legacy_cards = true;
  sending w{o};
  const auto id = world::id_of(w.call("POST", "im/v1/messages?receive_id_type=chat_id",
                                      w.card_body(test::lark_sample("card.v1.work_item.json"))));
  BOOST_REQUIRE(w.lark.click(
      {.message_id = id, .by = w.anna, .on = "/elements/1/actions/0", .option = "in_progress"}));
  w.peer.body = R"({"toast":{"type":"success","content":"已更新"}})";
  w.sender.pump();
  w.time.run_for(1s);
  const auto& got = w.peer.got.back();
  const auto sent = json::parse(got.body);
  auto want = test::lark_sample("http.callback.card.action.trigger_v1.legacy.json").at("parsed");
  want.at("action").as_object()["value"] = sent.at("action").at("value");  // the card's own
  same_form(sent, want, "legacy");
  std::string time, nonce, signature;
  for (const auto& h : got.headers) {
    if (h.name == "X-Lark-Request-Timestamp") time = h.value;
    if (h.name == "X-Lark-Request-Nonce") nonce = h.value;
    if (h.name == "X-Lark-Signature") signature = h.value;
  }
  BOOST_TEST(signature == sb::sha1_hex(time + nonce + "vt-Q7mX2cK9planebridge" + got.body));
  BOOST_TEST(w.last().toast == "已更新");
}
