// The daemon's reading and writing of Feishu's protocol against the sandbox's, which was written
// without it: calls and their answers, refusals, pushes, cards and clicks.
#define BOOST_TEST_MODULE sandbox_lark_agreement
#include <boost/test/unit_test.hpp>

#include "protocol/lark/card.hpp"
#include "protocol/lark/card_check.hpp"
#include "protocol/lark/content.hpp"
#include "protocol/lark/events.hpp"
#include "protocol/lark/exchanges.hpp"
#include "protocol/lark/from_html.hpp"
#include "protocol/lark/intake.hpp"
#include "protocol/lark/post.hpp"
#include "protocol/lark/preview.hpp"
#include "tests/sandbox/lark_world.hpp"

using namespace pb;
using namespace std::chrono_literals;
namespace sb = pb::sandbox;
namespace pl = pb::protocol::lark;
namespace json = boost::json;

namespace {

constexpr auto key = "an encrypt key";
constexpr auto verification = "vt-agreement";

sb::lark_options locked() {
  sb::lark_options o;
  o.encrypt_key = secret{key};
  o.verification_token = secret{verification};
  return o;
}

struct world : test::lark_world {
  explicit world(sb::lark_options o = locked()) : lark_world(std::move(o)) {}

  protocol::http_response carry(protocol::http_request r) {
    pl::authorize(r, secret{bearer.empty() ? token() : bearer});
    sb::inbound in;
    const auto from = r.url.find('/', r.url.find("://") + 3);
    const auto question = r.url.find('?');
    in.method = r.method;
    in.path = protocol::percent_decode(r.url.substr(from, question - from));
    in.query = question == std::string::npos ? "" : r.url.substr(question + 1);
    in.headers = r.headers;
    in.body = r.body;
    return lark.handle(in);
  }
  /// To its end; the failure, if that is how it ended.
  std::optional<failure> run(protocol::exchange& e) {
    auto step = e.start();
    for (int n = 0; n < 100; ++n) {
      if (const auto* f = std::get_if<failure>(&step)) return *f;
      if (std::holds_alternative<protocol::finished>(step)) return std::nullopt;
      step = e.on_response(carry(std::get<protocol::call>(step).request));
    }
    BOOST_FAIL("an exchange without an end");
    return std::nullopt;
  }
  pl::posting text_posting(std::string text, std::string uuid) {
    pl::posting p;
    p.to = p.chat = chat;
    p.what = {"text", json::serialize(json::object{{"text", std::move(text)}}), std::move(uuid)};
    p.now = time.clock.now();
    p.app_id = lark.options().app_id;
    return p;
  }
  std::string card_in_chat(const std::string& card) {
    pl::posting p = text_posting("", "");
    p.what = {"interactive", card, ""};
    pl::post_message e{api, p};
    BOOST_REQUIRE(!run(e));
    return e.sent().message_id;
  }
  /// What the daemon's gate makes of a push.
  pl::opened open(const sb::lark_push& push, bool legacy = false) {
    const auto post = lark.sealed(push);
    pl::push_headers h;
    for (const auto& each : post.headers) {
      if (each.name == "X-Lark-Request-Timestamp") h.timestamp = each.value;
      if (each.name == "X-Lark-Request-Nonce") h.nonce = each.value;
      if (each.name == "X-Lark-Signature") h.signature = each.value;
    }
    auto opened = pl::open_push(
        h, post.body, {lark.options().encrypt_key, lark.options().verification_token, legacy});
    if (!opened) BOOST_FAIL(describe(opened.error()));
    return std::move(*opened);
  }
  template <typename Said>
  Said said() {
    const auto due = pushes();
    BOOST_REQUIRE(due.size() == 1u);
    const auto opened = open(due[0]);
    BOOST_REQUIRE(std::holds_alternative<Said>(opened.what.what));
    return std::get<Said>(opened.what.what);
  }

  pl::api api{"https://lark.test/"};
  std::string bearer;
};

pl::card_input full_card(pl::language lang) {
  pl::card_input in;
  in.item = "8f14e45f-ceea-467f-9575-6c1b2ac8a1f3";
  in.number = "WEB-42";
  in.name = "登录页 <at id=all></at> **x** & Safari";
  in.url = "https://plane.test/acme/browse/WEB-42/";
  in.state = {"s-1", "Todo"};
  in.group = protocol::plane::state_group::unstarted;
  in.states = {{"s-1", "Todo"}, {"s-2", "Done"}};
  in.prio = protocol::plane::priority::high;
  in.assignees = {{"u-1", "A"}};
  in.members = {{"u-1", "A"}, {"u-2", "B"}};
  in.start_date = "2026-11-01";
  in.target_date = "2028-02-29";
  in.labels = {"bug", "需求"};
  in.excerpt = "line\nline <font color='red'>";
  in.thread = "om_" + std::string(32, 'a');
  in.lang = lang;
  return in;
}

/// Where the component is whose callback says so; empty when there is none.
std::string pointer_to(const json::value& v, std::string_view what, const std::string& path = "") {
  if (v.is_array()) {
    std::size_t n = 0;
    for (const auto& e : v.get_array())
      if (auto found = pointer_to(e, what, path + "/" + std::to_string(n++)); !found.empty())
        return found;
  }
  if (!v.is_object()) return {};
  const auto& o = v.get_object();
  if (const auto* behaviors = o.if_contains("behaviors"); behaviors && behaviors->is_array())
    for (const auto& b : behaviors->get_array()) {
      boost::system::error_code ec;
      const auto* deed = b.find_pointer("/value/do", ec);
      if (deed != nullptr && *deed == json::value(what) && !b.as_object().contains("to"))
        return path;
    }
  for (const auto& [name, inner] : o)
    if (auto found = pointer_to(inner, what, path + "/" + std::string{name}); !found.empty())
      return found;
  return {};
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_daemons_calls_are_understood_and_their_answers_too) {
  world w;
  pl::renew_token renewal{w.api, {w.lark.options().app_id, w.lark.options().app_secret}};
  BOOST_REQUIRE(!w.run(renewal));
  BOOST_TEST(renewal.value().token.reveal() == w.token());
  BOOST_TEST((renewal.value().valid_for == 7200s));
  pl::read_bot bot{w.api};
  BOOST_REQUIRE(!w.run(bot));
  BOOST_TEST(bot.value().open_id == w.lark.options().bot_open_id);
  pl::read_chat chat{w.api, w.chat};
  BOOST_REQUIRE(!w.run(chat));
  BOOST_TEST(chat.value().name == "PlaneBridge 项目群");
  BOOST_TEST(!chat.value().external);
  const auto topics =
      w.lark.add_chat({.name = "t", .topic_group = true, .external = true, .members = {w.anna}});
  pl::read_chat other{w.api, topics};
  BOOST_REQUIRE(!w.run(other));
  BOOST_TEST(other.value().topic);
  BOOST_TEST(other.value().external);
  pl::read_person person{w.api, w.bo};
  BOOST_REQUIRE(!w.run(person));
  BOOST_TEST(person.value().name == "测试用户乙");
  BOOST_TEST(person.value().email == "user.b@example.com");
  std::vector<std::string> emails;
  for (int n = 0; n < 120; ++n) emails.push_back("nobody" + std::to_string(n) + "@example.com");
  emails[99] = "user.b@example.com";
  pl::look_up_people people{w.api, emails};
  BOOST_REQUIRE(!w.run(people));
  BOOST_REQUIRE(people.values().size() == 120u);
  BOOST_TEST(people.values()[99].open_id == w.bo);
  BOOST_TEST(people.values()[98].open_id.empty());
}

BOOST_AUTO_TEST_CASE(a_message_is_sent_once_whatever_was_heard_of_the_first_try) {
  world w;
  auto p = w.text_posting("x", pl::send_uuid(7));
  pl::post_message first{w.api, p};
  BOOST_REQUIRE(!w.run(first));
  w.time.run_for(54min);
  pl::post_message again{w.api, p};
  BOOST_REQUIRE(!w.run(again));
  BOOST_TEST(again.sent().message_id == first.sent().message_id);
  // Beyond the uuid's hour it is looked for instead.
  w.time.run_for(2h);
  p.unknown_since = p.now;
  p.now = w.time.clock.now();
  pl::post_message late{w.api, p};
  BOOST_REQUIRE(!w.run(late));
  BOOST_TEST(late.existed());
  BOOST_TEST(late.sent().message_id == first.sent().message_id);
  BOOST_TEST(w.lark.messages(w.chat).size() == 1u);
  // The same for a reply in a thread.
  const auto root = *w.lark.say({.chat = w.chat, .by = w.anna, .text = "root"});
  auto r = w.text_posting("y", pl::reply_uuid(8));
  r.reply_to = root;
  pl::post_message reply{w.api, r};
  BOOST_REQUIRE(!w.run(reply));
  BOOST_TEST(reply.sent().root() == root);
  BOOST_TEST(!reply.sent().thread_id.empty());
  w.time.run_for(2h);
  r.unknown_since = r.now;
  r.now = w.time.clock.now();
  pl::post_message found{w.api, r};
  BOOST_REQUIRE(!w.run(found));
  BOOST_TEST(found.existed());
  BOOST_TEST(w.lark.messages(w.chat).size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_refused_card_is_sent_as_its_text) {
  world w;
  auto p = w.text_posting("", "pb-s-1");
  p.what.msg_type = "interactive";
  p.what.content = R"({"schema":"2.0","body":{"elements":[{"tag":"note"}]}})";
  p.fallback_text = R"({"text":"instead"})";
  pl::post_message e{w.api, p};
  BOOST_REQUIRE(!w.run(e));
  BOOST_TEST(e.fell_back().has_value());
  const auto there = w.lark.messages(w.chat);
  BOOST_REQUIRE(there.size() == 1u);
  BOOST_TEST(there[0].at("msg_type").as_string() == "text");
}

BOOST_AUTO_TEST_CASE(a_long_topic_is_read_to_its_end) {
  world w;
  const auto root = *w.lark.say({.chat = w.chat, .by = w.anna, .text = "root"});
  for (int n = 0; n < 120; ++n)
    BOOST_REQUIRE(
        w.lark.say({.by = w.bo, .text = std::to_string(n), .reply_to = root, .in_thread = true}));
  pl::read_message read{w.api, root};
  BOOST_REQUIRE(!w.run(read));
  pl::list_thread_all all{w.api, read.value().thread_id};
  BOOST_REQUIRE(!w.run(all));
  BOOST_TEST(all.values().size() == 121u);
  BOOST_TEST(all.values().back().sender.open_id == w.bo);
}

BOOST_AUTO_TEST_CASE(refusals_lead_to_what_the_contract_says) {
  world w;
  const auto ends_with = [&](protocol::http_request r, std::string_view operation) {
    pl::single_call e{std::move(r), operation, w.chat};
    const auto f = w.run(e);
    return f ? std::string{pl::to_string(pl::remedy_of(*f))} : std::string{"fine"};
  };
  const auto is = [](pl::remedy r) { return std::string{pl::to_string(r)}; };
  const auto send = [&] {
    return pl::send_message(w.api, pl::receiver::chat, w.chat, {"text", R"({"text":"x"})", ""});
  };
  namespace op = pl::operation;
  const auto card = w.card_in_chat(pl::card_work_item(full_card(pl::language::en)));
  const auto next = pl::card_work_item(full_card(pl::language::zh));
  BOOST_TEST(ends_with(pl::patch_card(w.api, card, next), op::update_card) == "fine");
  for (int n = 0; n < 4; ++n) BOOST_TEST(ends_with(send(), op::send) == "fine");
  BOOST_TEST(ends_with(send(), op::send) == is(pl::remedy::wait));
  w.time.run_for(2s);
  const auto hers = *w.lark.say({.chat = w.chat, .by = w.anna, .text = "hers"});
  BOOST_REQUIRE(w.lark.recall(hers, w.anna));
  BOOST_TEST(ends_with(pl::reply_message(w.api, hers, {"text", R"({"text":"x"})", ""}, true),
                       op::reply) == is(pl::remedy::drop_message));
  w.bearer = "t-gone";
  BOOST_TEST(ends_with(send(), op::send) == is(pl::remedy::refresh_token));
  w.bearer.clear();
  w.time.run_for(std::chrono::days{15});
  BOOST_TEST(ends_with(pl::patch_card(w.api, card, next), op::update_card) ==
             is(pl::remedy::new_card));
  w.lark.set_scope_missing("im:message:send_as_bot", true);
  w.lark.set_scope_missing("im:message", true);
  BOOST_TEST(ends_with(send(), op::send) == is(pl::remedy::alert));
  w.lark.set_scope_missing("im:message", false);
  w.lark.remove_bot(w.chat, w.anna);
  BOOST_TEST(ends_with(send(), op::send) == is(pl::remedy::unlink));
  w.lark.set_limits({.monthly_calls = 1});
  BOOST_TEST(ends_with(send(), op::send) == is(pl::remedy::stop));
}

BOOST_AUTO_TEST_CASE(what_people_do_is_read_as_what_they_did) {
  world w;
  const auto root = *w.lark.say(
      {.chat = w.chat, .by = w.anna, .text = "/bind https://plane.test/x", .mention_bot = true});
  const auto first = w.said<pl::message>();
  BOOST_TEST(first.message_id == root);
  BOOST_TEST(first.chat_id == w.chat);
  BOOST_TEST(first.sender.open_id == w.anna);
  BOOST_TEST(pl::addressed_to(first, w.lark.options().bot_open_id).to_bot);
  BOOST_TEST(pl::addressed_to(first, w.lark.options().bot_open_id).text ==
             "/bind https://plane.test/x");
  const auto answer = *w.lark.say({.by = w.bo, .text = "y", .reply_to = root, .in_thread = true});
  const auto second = w.said<pl::message>();
  BOOST_TEST(second.root() == root);
  BOOST_TEST(!second.thread_id.empty());
  BOOST_REQUIRE(w.lark.recall(answer, w.bo));
  BOOST_TEST(w.said<pl::message_recalled>().message_id == answer);
  BOOST_REQUIRE(w.lark.react(root, w.bo, "DONE"));
  BOOST_TEST(w.said<pl::reaction>().emoji == "DONE");
  w.lark.remove_bot(w.chat, w.anna);
  BOOST_TEST(!w.said<pl::chat_membership>().added);
  w.lark.add_bot(w.chat, w.anna);
  BOOST_TEST(w.said<pl::chat_membership>().added);
  w.lark.leave_company(w.bo);
  BOOST_TEST(w.said<pl::person_left>().who.open_id == w.bo);
  w.lark.open_menu(w.anna, "items");
  BOOST_TEST(w.said<pl::private_contact>().menu_key == "items");
  w.lark.dissolve(w.chat, w.anna);
  BOOST_TEST(w.said<pl::chat_membership>().disbanded);
  const auto challenge = w.open(w.lark.challenge());
  BOOST_TEST(std::holds_alternative<pl::url_verification>(challenge.what.what));
}

BOOST_AUTO_TEST_CASE(a_push_is_taken_in_with_its_identities) {
  world w;
  const auto id = *w.lark.say({.chat = w.chat, .by = w.anna, .text = "x"});
  const auto push = w.pushes().at(0);
  const auto taken = [&](const sb::lark_push& p) {
    auto opened = w.open(p);
    return pl::take_in(opened.what, opened.body);
  };
  const auto one = taken(push);
  BOOST_TEST((one.what == pl::intake::use::journal));
  BOOST_TEST((std::ranges::find(one.identities, "m:" + id) != one.identities.end()));
  // Told again under another event_id, the message is the same.
  const auto two = taken(w.lark.repeated(push));
  BOOST_TEST((one.identities != two.identities));
  BOOST_TEST((std::ranges::find(two.identities, "m:" + id) != two.identities.end()));
  BOOST_TEST((taken(w.lark.challenge()).what == pl::intake::use::challenge));
}

BOOST_AUTO_TEST_CASE(our_cards_are_accepted_and_every_component_answers) {
  world w;
  for (const auto lang : {pl::language::zh, pl::language::en}) {
    w.time.run_for(2s);
    const auto card = pl::card_work_item(full_card(lang));
    const auto id = w.card_in_chat(card);
    (void)w.lark.take_due_pushes();
    const auto parsed = json::parse(card);
    const auto clicked = [&](std::string_view what, sb::lark_click c) {
      c.message_id = id;
      c.by = w.bo;
      c.on = pointer_to(parsed, what);
      BOOST_TEST(!c.on.empty(), what);
      const auto number = w.lark.click(c);
      if (!number) BOOST_FAIL(std::string{what} + ": " + number.error().detail);
      return w.said<pl::card_action>();
    };
    const auto state = clicked("state", {.option = "s-2"});
    BOOST_TEST(state.option == "s-2");
    BOOST_TEST(state.by.open_id == w.bo);
    BOOST_TEST(state.message_id == id);
    BOOST_TEST(json::parse(state.value).at("do").as_string() == "state");
    BOOST_TEST(clicked("priority", {.option = "urgent"}).option == "urgent");
    BOOST_TEST(clicked("assign", {.option = "u-2"}).option == "u-2");
    BOOST_TEST(clicked("due", {.option = "2026-04-01"}).option == "2026-04-01 +0800");
    const auto comment = clicked("comment", {.form = {{"comment", "说明"}}});
    BOOST_REQUIRE(comment.form.size() == 1u);
    BOOST_TEST(comment.form[0].second == "说明");
    w.time.run_for(2s);
    (void)w.card_in_chat(pl::card_project({"项目", "WEB", "https://plane.test/x", "A", lang}));
    auto people = full_card(lang);
    people.assign = pl::assign_menu::people;
    people.thread.clear();
    people.announced = true;
    people.announced_by = "A";
    (void)w.card_in_chat(pl::card_work_item(people));
    people.gone = true;
    (void)w.card_in_chat(pl::card_work_item(people));
  }
}

BOOST_AUTO_TEST_CASE(an_unknown_property_anywhere_is_refused_by_both_checks) {
  world w;
  auto card = json::parse(pl::card_work_item(full_card(pl::language::en)));
  std::size_t places = 0;
  // What a callback carries is ours to choose; all else is Feishu's.
  const std::function<void(json::value&, std::string_view)> spoil = [&](json::value& v,
                                                                        std::string_view name) {
    if (v.is_array())
      for (auto& e : v.get_array()) spoil(e, name);
    if (!v.is_object() || name == "value") return;
    for (auto& [inner_name, inner] : v.get_object()) spoil(inner, inner_name);
    v.get_object()["not_a_property"] = 1;
    const std::string text = json::serialize(card);
    w.time.run_for(1s);
    BOOST_TEST(!pl::validate_card(text).has_value());
    BOOST_TEST(
        w.code_of("POST", "im/v1/messages?receive_id_type=chat_id", w.card_body(card)) == 230099,
        text);
    v.get_object().erase("not_a_property");
    ++places;
  };
  spoil(card, "");
  BOOST_TEST(places > 20u);
}

BOOST_AUTO_TEST_CASE(planes_text_is_accepted_as_post_and_as_text_and_calls_nobody_by_accident) {
  world w;
  const std::string html =
      "<p>Hi <strong>bold</strong> <em>x</em> <a href=\"https://plane.test/x\">link</a> "
      "&lt;at user_id=\"" +
      w.bo +
      "\"&gt;乙&lt;/at&gt; &lt;at "
      "user_id=\"all\"&gt;&lt;/at&gt;</p><ul><li>one</li><li>two</li></ul>"
      "<pre><code>int x = 1;\n</code></pre><blockquote><p>quoted</p></blockquote><hr>"
      "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>";
  const auto text = pl::from_html(html);
  const auto sent = [&](const std::string& type, const std::string& content) {
    auto p = w.text_posting("", "");
    p.what = {type, content, ""};
    pl::post_message e{w.api, p};
    if (const auto f = w.run(e)) BOOST_FAIL(describe(*f));
    return e.sent();
  };
  for (const auto lang : {pl::language::zh, pl::language::en}) {
    for (const auto& content : pl::post_contents(text, lang)) {
      const auto m = sent("post", content);
      BOOST_TEST(m.mentions.empty(), content);
      BOOST_TEST(m.content.find("@_all") == std::string::npos, content);
      BOOST_TEST(m.content.find("quoted") != std::string::npos, content);
    }
    for (const auto& content : pl::plain_texts(text, lang)) {
      const auto m = sent("text", pl::text_content(content));
      BOOST_TEST(m.mentions.empty(), m.content);
      BOOST_TEST(m.content.find("@_all") == std::string::npos, m.content);
    }
    w.time.run_for(2s);
  }
  // Who is meant to be called, is.
  const auto called = sent("text", pl::text_content(pl::at_tag(w.bo, "乙") + " x"));
  BOOST_REQUIRE(called.mentions.size() == 1u);
  BOOST_TEST(called.mentions[0].who.open_id == w.bo);
  // Very long ones come in parts, each of a size that is taken.
  std::string much;
  for (int n = 0; n < 3'000; ++n) much += "<p>一段很长的文字 " + std::to_string(n) + "</p>";
  for (const auto& content : pl::post_contents(pl::from_html(much), pl::language::zh)) {
    w.time.run_for(1s);
    (void)sent("post", content);
  }
}

BOOST_AUTO_TEST_CASE(answers_of_callbacks_are_shown_without_an_error) {
  world w;
  const auto shown = [&](const sb::lark_push& push, const std::string& body) {
    w.lark.answered(push, body);
    return w.lark.interactions().back();
  };
  (void)w.lark.type_link(w.bo, "https://plane.test/x");
  const auto line =
      shown(w.lark.take_due_pushes().at(0), pl::preview_answer(full_card(pl::language::zh), true));
  BOOST_TEST(line.shown_error == 0);
  BOOST_TEST(line.inline_title.find("WEB-42") != std::string::npos);
  const auto id = w.card_in_chat(pl::card_work_item(full_card(pl::language::en)));
  const auto on = pointer_to(json::parse(pl::card_work_item(full_card(pl::language::en))), "state");
  for (const auto& body : {pl::toast_answer(pl::toast::success, "Saved", "已保存"),
                           pl::refused_toast(), pl::no_preview()}) {
    BOOST_REQUIRE(w.lark.click({.message_id = id, .by = w.bo, .on = on, .option = "s-2"}));
    const auto toast = shown(w.lark.take_due_pushes().at(0), body);
    BOOST_TEST(toast.state == "answered");
    BOOST_TEST(toast.shown_error == 0);
  }
}

BOOST_AUTO_TEST_CASE(an_old_click_and_a_preview_are_read_too) {
  auto o = locked();
  o.legacy_cards = true;
  world w{o};
  const auto id = w.card_in_chat(json::serialize(test::lark_sample("card.v1.work_item.json")));
  BOOST_REQUIRE(w.lark.click(
      {.message_id = id, .by = w.anna, .on = "/elements/1/actions/0", .option = "in_progress"}));
  const auto due = w.lark.take_due_pushes();
  const auto opened = w.open(due.at(0), true);
  BOOST_REQUIRE(std::holds_alternative<pl::card_action>(opened.what.what));
  BOOST_TEST(std::get<pl::card_action>(opened.what.what).legacy);
  BOOST_TEST(std::get<pl::card_action>(opened.what.what).option == "in_progress");
  const auto said = *w.lark.say({.chat = w.chat, .by = w.anna, .text = "https://plane.test/x"});
  (void)w.pushes();
  BOOST_REQUIRE(w.lark.view_link(said, w.bo, "https://plane.test/x"));
  const auto look = w.said<pl::preview_request>();
  BOOST_TEST(look.url == "https://plane.test/x");
  BOOST_TEST(look.viewer.open_id == w.bo);
  BOOST_TEST(look.message_id == said);
  BOOST_TEST(!look.preview_token.empty());
}
