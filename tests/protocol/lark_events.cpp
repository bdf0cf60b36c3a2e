#define BOOST_TEST_MODULE lark_events
#include "protocol/lark/events.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <set>

#include "lark_fixture.hpp"

using namespace pb::protocol::lark;
namespace fixture = lark_fixture;
using pb::from_micros;

namespace {
event read(const std::string& name) {
  auto e = parse_event(fixture::sample(name));
  if (!e) BOOST_FAIL(name + ": " + pb::describe(e.error()));
  return *e;
}
template <class T>
T read_as(const std::string& name) {
  auto e = read(name);
  BOOST_REQUIRE_MESSAGE(std::holds_alternative<T>(e.what), name);
  return std::get<T>(e.what);
}
message received(const std::string& kind) {
  return read_as<message>("event.im.message.receive_v1." + kind + ".json");
}
const std::string user_a = "ou_5d3c1b9a7f6e4d2c8b0a9f8e7d6c5b4a";
const std::string user_b = "ou_6e4d2c0b8a7f5e3d1c9b0a8f7e6d5c4b";
const std::string group = "oc_2b4d6f8a0c1e3a5b7d9f1b3d5f7a9c0e";
const std::string root = "om_9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b";
}  // namespace

BOOST_AUTO_TEST_CASE(every_sample_of_an_event_and_of_a_callback_reads) {
  std::set<std::size_t> kinds;
  std::size_t count = 0;
  for (const auto* prefix : {"event.", "callback."})
    for (const auto& name : fixture::names(prefix)) {
      if (name.find("response") != std::string::npos) continue;
      const auto e = read(name);
      BOOST_TEST_CONTEXT(name) {
        BOOST_TEST(name.find(e.type) != std::string::npos);
        BOOST_TEST(!e.id.empty());
        BOOST_TEST(e.app_id == "cli_a7f3c0d2e5b8100c");
        BOOST_TEST(e.tenant_key == "1a2b3c4d5e6f7081");
        BOOST_TEST(e.token == fixture::verification_token);
        BOOST_TEST((e.created_at >= from_micros(1732147100000000) &&
                    e.created_at < from_micros(1732148000000000)));
        BOOST_TEST(e.schema == (name.starts_with("event.v1.") ? 1 : 2));
        kinds.insert(e.what.index());
      }
      ++count;
    }
  BOOST_TEST(count == 28u);
  BOOST_TEST(kinds.size() >= 8u);
}

BOOST_AUTO_TEST_CASE(a_command_in_a_group) {
  const auto m = received("text_command");
  BOOST_TEST(m.message_id == root);
  BOOST_TEST(m.root() == root);
  BOOST_TEST(m.chat_id == group);
  BOOST_TEST(m.thread_id.empty());
  BOOST_TEST((m.chat == chat_kind::group));
  BOOST_TEST(m.type == "text");
  BOOST_TEST(m.content == "{\"text\":\"@_user_1 /plane create 登录页在 Safari 17 上白屏\"}");
  BOOST_TEST(m.sender.open_id == user_a);
  BOOST_TEST(m.sender.union_id == "on_3f8e1c7a9b2d4e6f8091a2b3c4d5e6f7");
  BOOST_TEST(!m.from_bot);
  BOOST_TEST((m.created_at == from_micros(1732147199875000)));
  BOOST_REQUIRE(m.mentions.size() == 1u);
  BOOST_TEST(m.mentions[0].key == "@_user_1");
  BOOST_TEST(m.mentions[0].who.open_id == fixture::bot_open_id);
  BOOST_TEST(m.mentions[0].name == "PlaneBridge");
  BOOST_TEST(m.mentions[0].bot);
}

BOOST_AUTO_TEST_CASE(where_a_message_belongs) {
  const auto in_thread = received("text_in_thread");
  BOOST_TEST(in_thread.root() == root);
  BOOST_TEST(in_thread.thread_id == "omt_19c4e7f20b6d");
  BOOST_TEST(in_thread.mentions.size() == 2u);
  BOOST_TEST(!in_thread.mentions[1].bot);
  const auto quote = received("text_quote_reply");
  BOOST_TEST(quote.root() == root);
  BOOST_TEST(quote.parent_id == "om_1fdc0f893412ce55f0d2811821b84d3b");
  BOOST_TEST(quote.thread_id.empty());
  const auto topic = received("topic_group_root");
  BOOST_TEST(topic.root() == topic.message_id);
  BOOST_TEST(topic.thread_id == "omt_1f2e3d4c5b6a");
  BOOST_TEST((received("p2p").chat == chat_kind::p2p));
  BOOST_TEST(received("from_bot").from_bot);
  BOOST_TEST(received("mention_all").mentions.empty());
}

BOOST_AUTO_TEST_CASE(what_else_happens_in_chats) {
  const auto recall = read_as<message_recalled>("event.im.message.recalled_v1.json");
  BOOST_TEST(recall.message_id == "om_d5d688ff92ae6117f18ea5c79dd5a95a");
  BOOST_TEST(recall.chat_id == group);
  BOOST_TEST(recall.by == "message_owner");
  BOOST_TEST((recall.at == from_micros(1732147600123000)));

  const auto made = read_as<reaction>("event.im.message.reaction.created_v1.json");
  BOOST_TEST(made.message_id == root);
  BOOST_TEST(made.emoji == "DONE");
  BOOST_TEST(made.who.open_id == user_b);
  BOOST_TEST(!made.removed);
  BOOST_TEST(read_as<reaction>("event.im.message.reaction.deleted_v1.json").removed);

  const auto added = read_as<chat_membership>("event.im.chat.member.bot.added_v1.json");
  BOOST_TEST(added.chat_id == group);
  BOOST_TEST(added.added);
  BOOST_TEST(!added.external);
  BOOST_TEST(added.by.open_id == user_a);
  BOOST_TEST(!read_as<chat_membership>("event.im.chat.member.bot.deleted_v1.json").added);
  BOOST_TEST(read_as<chat_changed>("event.im.chat.member.user.added_v1.json").chat_id == group);

  const auto menu = read_as<private_contact>("event.application.bot.menu_v6.json");
  BOOST_TEST(menu.menu_key == "plane_my_items");
  BOOST_TEST(menu.who.open_id == user_a);
  const auto first = read_as<private_contact>("event.v1.p2p_chat_create.json");
  BOOST_TEST(first.chat_id == "oc_26b66a5eb603162b849f91bcd8815b20");
  BOOST_TEST(first.who.open_id == user_a);
  BOOST_TEST((read("event.v1.p2p_chat_create.json").created_at == from_micros(1732147100441000)));
  read_as<other_event>("event.drive.file.edit_v1.json");
}

BOOST_AUTO_TEST_CASE(somebody_left_the_company) {
  const auto e = parse_event(
      R"({"schema":"2.0","header":{"event_id":"e1","event_type":"contact.user.deleted_v3"},)"
      R"("event":{"object":{"open_id":"ou_1","union_id":"on_1","name":"甲"},"old_object":{}}})");
  BOOST_REQUIRE(e.has_value());
  const auto& left = std::get<person_left>(e->what);
  BOOST_TEST(left.who.open_id == "ou_1");
  BOOST_TEST(left.name == "甲");
}

BOOST_AUTO_TEST_CASE(what_was_clicked) {
  const auto card = [](const std::string& kind) {
    return read_as<card_action>("callback.card.action.trigger." + kind + ".json");
  };
  const auto button = card("button");
  BOOST_TEST(button.by.open_id == user_a);
  BOOST_TEST(button.tag == "button");
  BOOST_TEST(button.value == R"({"v":1,"op":"set_state","item":"WEB-142","to":"done"})");
  BOOST_TEST(button.token == "c-9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a291807");
  BOOST_TEST(button.message_id == "om_77aa66bb55cc44dd33ee22ff11009988");
  BOOST_TEST(button.chat_id == group);
  BOOST_TEST(!button.on_preview);
  BOOST_TEST(!button.legacy);
  const auto form = card("form_submit");
  BOOST_TEST(form.name == "submit_comment");
  BOOST_REQUIRE(form.form.size() == 1u);
  BOOST_TEST(form.form[0].first == "comment");
  BOOST_TEST(form.form[0].second == "已定位：polyfill 缺失。\n明天合入 main。");
  BOOST_TEST(card("input").input == "收到");
  BOOST_TEST(card("select_person").option == user_b);
  BOOST_TEST(card("select_static").option == "in_progress");
  BOOST_TEST(card("from_link_preview").on_preview);
}

BOOST_AUTO_TEST_CASE(an_old_card_callback_is_flat) {
  const auto v = fixture::parsed("http.callback.card.action.trigger_v1.legacy.json");
  const auto e = parse_event(fixture::text(v, "body_raw"));
  BOOST_REQUIRE(e.has_value());
  BOOST_TEST(e->schema == 0);
  BOOST_TEST(e->id.empty());
  const auto& c = std::get<card_action>(e->what);
  BOOST_TEST(c.legacy);
  BOOST_TEST(c.by.open_id == user_a);
  BOOST_TEST(c.option == "in_progress");
  BOOST_TEST(c.timezone == "Asia/Shanghai");
  BOOST_TEST(c.value == R"({"op":"set_state","work_item":"WEB-142"})");
}

BOOST_AUTO_TEST_CASE(a_link_is_looked_at_sent_or_not) {
  const auto sent = read_as<preview_request>("callback.url.preview.get.json");
  BOOST_TEST(sent.url == "https://plane.example.com/acme/browse/WEB-142/");
  BOOST_TEST(sent.preview_token == "952te0c8-9ccf-463d-ad73-593f8f768a5c");
  BOOST_TEST(sent.viewer.open_id == user_a);
  BOOST_TEST(sent.chat_id == group);
  const auto draft = read_as<preview_request>("callback.url.preview.get.unsent_draft.json");
  BOOST_TEST(draft.url == sent.url);
  BOOST_TEST(draft.preview_token.empty());
  BOOST_TEST(draft.message_id.empty());
}

BOOST_AUTO_TEST_CASE(a_verification_says_what_to_answer) {
  const auto v = read_as<url_verification>("url_verification.request.json");
  BOOST_TEST(v.challenge == "1b6aef1a-401f-406a-be41-f48911eabcef");
  BOOST_TEST(v.token == fixture::verification_token);
}

BOOST_AUTO_TEST_CASE(times_are_told_apart_by_their_digits) {
  const struct {
    std::string_view text;
    std::int64_t micros;
  } table[]{
      {"1732147200", 1732147200000000},
      {"1732147200123", 1732147200123000},
      {"1732147260123456", 1732147260123456},
      {"1732147260123456789", 1732147260123456},
      {"1502199207.7171419", 1502199207717141},
      {"1502199207.", 1502199207000000},
      {"0", 0},
      {"", 0},
      {"-1732147200123", 0},
      {"1732147200x", 0},
      {"1.2.3", 0},
      {"99999999999999999999", 0},
      {"9999999999999999999", 0},
      {"今天", 0},
  };
  for (const auto& row : table) BOOST_TEST_CONTEXT(row.text) {
      BOOST_TEST((parse_time(row.text) == from_micros(row.micros)));
    }
}

BOOST_AUTO_TEST_CASE(what_is_not_as_the_contract_says_is_refused_without_repeating_it) {
  const std::string header =
      R"("header":{"event_id":"e1","event_type":"im.message.receive_v1","token":"C4nary"})";
  for (
      const auto& body : {
          std::string{},
          std::string{"null"},
          std::string{"[]"},
          std::string{"{}"},
          std::string{R"({"schema":"3.0","header":{}})"},
          std::string{R"({"schema":2})"},
          std::string{R"({"schema":"2.0"})"},
          std::string{R"({"schema":"2.0","header":{"event_type":"x"}})"},
          std::string{R"({"schema":"2.0","header":{"event_id":"a b","event_type":"x"}})"},
          std::string{R"({"schema":"2.0","header":{"event_id":"e","event_type":"x y"}})"},
          "{\"schema\":\"2.0\"," + header + "}",
          "{\"schema\":\"2.0\"," + header + R"(,"event":{"sender":{},"message":{}}})",
          "{\"schema\":\"2.0\"," + header +
              R"(,"event":{"sender":{},"message":{"message_id":"C4nary C4nary","chat_id":"oc_1"}}})",
          "{\"schema\":\"2.0\"," + header + R"(,"event":{"sender":{},"message":{"message_id":")" +
              std::string(201, 'a') + R"(","chat_id":"oc_1"}}})",
          std::string{R"({"type":"url_verification"})"},
          std::string{R"({"type":"url_verification","challenge":{}})"},
          std::string{R"({"type":"event_callback","uuid":"u"})"},
          std::string{R"({"action":{},"token":"c-1"})"},
          std::string{
              R"({"schema":"2.0","header":{"event_id":"e1","event_type":"url.preview.get"},)"
              R"("event":{"operator":{"open_id":"ou_1"},"context":{"url":""}}})"},
          std::string{"{\"type\":\"\xff\"}"},
          std::string(200, '['),
      })
    BOOST_TEST_CONTEXT(body) {
      const auto e = parse_event(body);
      BOOST_REQUIRE(e.has_error());
      BOOST_TEST(e.error().code == pb::errc::bad_input);
      BOOST_TEST(pb::describe(e.error()).find("C4nary") == std::string::npos);
    }
  BOOST_TEST(parse_event(std::string(max_push_bytes + 1, ' ')).error().code == pb::errc::too_large);
}

BOOST_AUTO_TEST_CASE(an_unknown_kind_of_event_reads_whatever_its_body_is) {
  for (const auto* body : {"[]", "null", "7", "\"x\"", R"({"message":[]})"}) {
    const auto e = parse_event(
        R"({"schema":"2.0","header":{"event_id":"e1","event_type":"im.future_v9"},"event":)" +
        std::string{body} + "}");
    BOOST_REQUIRE(e.has_value());
    BOOST_TEST(std::holds_alternative<other_event>(e->what));
  }
}

BOOST_AUTO_TEST_CASE(a_recalled_message_may_come_empty) {
  const auto e = parse_event(
      R"({"schema":"2.0","header":{"event_id":"e1","event_type":"im.message.receive_v1"},)"
      R"("event":{"sender":{"sender_id":{"open_id":"ou_1"},"sender_type":"user"},)"
      R"("message":{"message_id":"om_1","chat_id":"oc_1","chat_type":"group","content":null}}})");
  BOOST_REQUIRE(e.has_value());
  BOOST_TEST(std::get<message>(e->what).content.empty());
}

BOOST_AUTO_TEST_CASE(more_mentions_than_anybody_writes_are_cut) {
  std::string list;
  for (int i = 0; i < 600; ++i)
    list += std::string{i == 0 ? "" : ","} + R"({"key":"@_user_)" + std::to_string(i) +
            R"(","id":{"open_id":"ou_1"}})";
  const auto e = parse_event(
      R"({"schema":"2.0","header":{"event_id":"e1","event_type":"im.message.receive_v1"},)"
      R"("event":{"sender":{},"message":{"message_id":"om_1","chat_id":"oc_1","mentions":[)" +
      list + "]}}}");
  BOOST_REQUIRE(e.has_value());
  BOOST_TEST(std::get<message>(e->what).mentions.size() == 500u);
}

BOOST_AUTO_TEST_CASE(a_sample_cut_anywhere_never_reads_as_something_else) {
  const bool ok = rc::check("a cut push is refused", [] {
    static const auto names = fixture::names("event.im");
    const auto body = fixture::sample(*rc::gen::elementOf(names));
    const auto at = *rc::gen::inRange<std::size_t>(0, body.find_last_of('}'));
    RC_ASSERT(parse_event(std::string_view{body}.substr(0, at)).has_error());
  });
  BOOST_TEST(ok);
}
