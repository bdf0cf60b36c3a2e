#define BOOST_TEST_MODULE thread_rules
#include "sync/thread_rules.hpp"

#include <rapidcheck.h>

#include <algorithm>

#include "sync/audience.hpp"
#include "thread_world.hpp"

using namespace thread_world;

// Binding ----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_link_binds_the_conversation_tells_the_item_and_shows_its_card) {
  for (const std::string text :
       {"/bind https://plane.example.com/acme/browse/WEB-42/", "绑定 WEB-42", "/bind web-42",
        "/bind [WEB-42](https://plane.example.com/acme/browse/WEB-42)",
        "/bind https://plane.example.com/acme/projects/11111111-1111-4111-8111-111111111111/issues/"
        "42424242-4242-4242-8242-424242424242",
        "/bind https://plane.example.com/acme/projects/11111111-1111-4111-8111-111111111111/"
        "archives/issues/42424242-4242-4242-8242-424242424242/",
        "/bind https://plane.example.com/spaces/issues/"
        "board?peekId=42424242-4242-4242-8242-424242424242"})
    BOOST_TEST_CONTEXT(text) {
      world w;
      const auto p = w.say(text);
      BOOST_TEST(p.rule == "applied: bound");
      BOOST_TEST(p.now.item.id == item_42);
      BOOST_TEST(p.now.bound_by == "ou_li");
      const auto told = handed<thread_bound>(p);
      BOOST_REQUIRE_EQUAL(told.size(), 2U);  // the item and the chat
      BOOST_TEST((told[0].bound && told[0].thread == "om_root" && told[0].chat == "oc_web"));
      BOOST_TEST(p.hand_overs[0].to.text() == "plane:issue:" + item_42);
      BOOST_TEST(p.hand_overs[1].to.text() == "lark:chat:oc_web");
      BOOST_TEST(says(p, "WEB-42"));
      BOOST_TEST(count(p, "lark.reply") == 2U);
      BOOST_TEST(payload(p.effects[1]).msg_type == "interactive");
      BOOST_TEST(payload(p.effects[1]).in_thread);
    }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_bound_is_refused_with_the_reason) {
  struct row {
    const char* text;
    const char* by;
    const char* answer;
  };
  const row rows[]{
      {"/bind https://evil.example/acme/browse/WEB-42/", "ou_li", "neither a link"},
      {"/bind https://plane.example.com/other/browse/WEB-42/", "ou_li", "workspace \\\"other"},
      {"/bind https://plane.example.com/acme/projects/11111111-1111-4111-8111-111111111111/cycles/"
       "42424242-4242-4242-8242-424242424242",
       "ou_li", "link to a cycle"},
      {"/bind WEB-9999", "ou_li", "no work item WEB-9999"},
      {"绑定 WEB-9999", "ou_li", "找不到工作项 WEB-9999"},
      {"/bind WEB-42", "ou_new", "/connect"},
      {"绑定 WEB-42", "ou_new", "/连接"},
      {"/bind WEB-42", "ou_nobody", "not mapped"},
      {"/bind WEB-42", "ou_guest", "not a member of project Website"},
      {"/bind OPS-7", "ou_li", "may not be shown in this chat"},
      {"/bind", "ou_li", "Add the link"},
      {"/bnid WEB-42", "ou_li", "Did you mean /bind"}};
  for (const auto& r : rows) BOOST_TEST_CONTEXT(r.text << " by " << r.by) {
      world w;
      const auto p = w.say(r.text, r.by);
      BOOST_TEST(says(p, r.answer));
      BOOST_TEST(p.now.item.id.empty());
      BOOST_TEST(p.hand_overs.empty());
      BOOST_TEST(count(p, "lark.reply") == 1U);
    }
}

BOOST_AUTO_TEST_CASE(an_administrator_binds_without_being_a_member) {
  world w;
  BOOST_TEST(w.say("/bind WEB-42", "ou_admin").now.item.id == item_42);
}

BOOST_AUTO_TEST_CASE(the_integrations_own_rights_and_the_state_of_the_item_count) {
  world w;
  w.all.items["WEB-42"].how = item_fact::found::forbidden;
  BOOST_TEST(says(w.say("/bind WEB-42"), "I may not see WEB-42"));
  w.all.items["WEB-42"].how = item_fact::found::yes;
  w.all.items["WEB-42"].view.archived = true;
  BOOST_TEST(says(w.say("/bind WEB-42"), "archived"));
  w.refused = {{need::kind::item, "WEB-43"}};
  BOOST_TEST(says(w.say("/bind WEB-43"), "cannot be read at the moment"));
  w.refused = {{need::kind::person, "ou_li"}};
  BOOST_TEST(says(w.say("/bind WEB-43"), "cannot be checked"));
}

BOOST_AUTO_TEST_CASE(chats_with_people_of_other_tenants_show_nothing_unless_that_is_allowed) {
  world w;
  const auto refused = w.hear(w.message("/bind WEB-42", "ou_li", true, "om_r", "oc_open"));
  BOOST_TEST(says(refused, "external members"));
  w.all.channels["oc_open"][0].external = true;
  BOOST_TEST(w.hear(w.message("/bind WEB-42", "ou_li", true, "om_r", "oc_open")).now.item.id ==
             item_42);
  // Whether there are any is not known: as if there were.
  world v;
  v.refused = {{need::kind::chat, "oc_web"}};
  BOOST_TEST(v.say("/bind WEB-42").now.item.id.empty());
}

BOOST_AUTO_TEST_CASE(the_audience_rule_reads_each_mapping_of_this_chat_only) {
  std::vector<channel_mapping> all(2);
  all[0].chat = "a", all[0].project = "p", all[0].shown = false;
  all[1].chat = "b", all[1].project = "p";
  BOOST_TEST((audience_of("p", "a", all, false) == audience::not_mapped));
  BOOST_TEST((audience_of("p", "b", all, false) == audience::shown));
  BOOST_TEST((audience_of("p", "b", all, true) == audience::external));
  BOOST_TEST((audience_of("", "b", all, false) == audience::not_mapped));
  all[1].external = true;
  BOOST_TEST((audience_of("p", "b", all, true) == audience::shown));
  BOOST_TEST(!shows_internal_comments("p", "b", all, false, false));
  BOOST_TEST(shows_internal_comments("p", "b", all, false, true));
  BOOST_TEST(!shows_internal_comments("p", "b", all, true, true));
  all[1].internal_comments = true;
  BOOST_TEST(shows_internal_comments("p", "b", all, true, false));
  BOOST_TEST(!shows_internal_comments("p", "a", all, false, true));
}

BOOST_AUTO_TEST_CASE(a_rebind_says_what_it_replaces_and_the_old_item_stops_telling) {
  world w;
  w.bound();
  BOOST_TEST(says(w.say("/bind WEB-42"), "already bound to WEB-42"));
  const auto p = w.say("/bind WEB-43");
  BOOST_TEST(says(p, "WEB-43"));
  BOOST_TEST(says(p, "bound to WEB-42"));
  BOOST_TEST(p.now.item.id == item_43);
  bool told_old = false;
  for (const auto& h : p.hand_overs)
    if (h.to.text() == "plane:issue:" + item_42) told_old = !std::get<thread_bound>(h.what).bound;
  BOOST_TEST(told_old);
}

BOOST_AUTO_TEST_CASE(unbind_ends_it_and_needs_the_same_right) {
  world w;
  w.bound();
  BOOST_TEST(w.say("/unbind", "ou_new").now.item.id == item_42);
  const auto p = w.say("解绑");
  BOOST_TEST(p.now.item.id.empty());
  BOOST_TEST(says(p, "已解除"));
  BOOST_TEST(!handed<thread_bound>(p).at(0).bound);
  BOOST_TEST(says(w.say("/unbind"), "not bound"));
}

// Commands on a bound item -----------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(commands_set_fields_of_the_item_as_their_author) {
  world w;
  w.bound();
  const auto edited = [&](const char* text) {
    const auto p = w.say(text, "ou_li", false);
    BOOST_REQUIRE_EQUAL(handed<thread_edited>(p).size(), 1U);
    BOOST_TEST(p.hand_overs[0].to.text() == "plane:issue:" + item_42);
    BOOST_TEST(p.effects.empty());
    auto e = handed<thread_edited>(p)[0];
    BOOST_TEST(e.author.plane_user == li_user);
    BOOST_TEST(e.thread == "om_root");
    return e;
  };
  BOOST_TEST(*edited("/state in progress").state == doing);
  BOOST_TEST(*edited("/状态 已完成").state == done_state);  // by its group
  BOOST_TEST((*edited("/priority high").prio == plane::priority::high));
  BOOST_TEST(*edited("/due tomorrow").target_date == "2026-11-26");
  BOOST_TEST(*edited("/截止 下周五").target_date == "2026-12-04");
  BOOST_TEST((*edited("/assign me").assignees == std::vector<std::string>{li_user}));
  BOOST_TEST((*edited("/assign han.mei").assignees == std::vector<std::string>{mei_user}));
  BOOST_TEST((edited("/label +bug").labels_added == std::vector<std::string>{bug}));
}

BOOST_AUTO_TEST_CASE(mistakes_on_the_item_are_answered_with_the_nearest_that_there_is) {
  struct row {
    const char* text;
    const char* answer;
  };
  const row rows[]{{"/state in progres s", "Did you mean \\\"In Progress"},
                   {"/state purple", "There are: Todo, In Progress, Done"},
                   {"/状态 紫色", "可选：Todo"},
                   {"/label +bugg", "Did you mean \\\"bug"},
                   {"/label +colour", "Create it in the project"},
                   {"/assign li.lie", "Did you mean \\\"li.lei"},
                   {"/assign guest", "no member"},
                   {"/due 2026-11-01", "before the start date, 2026-11-20"},
                   {"/state todo", "like that already"},
                   {"/priority none", "like that already"},
                   {"/label -bug", "like that already"},
                   {"/assign nobody", "like that already"},
                   {"/prioritty high", "Did you mean /priority"},
                   {"/due tomorow", "Did you mean \\\"tomorrow"}};
  for (const auto& r : rows) BOOST_TEST_CONTEXT(r.text) {
      world w;
      w.bound();
      const auto p = w.say(r.text, "ou_li", false);
      BOOST_TEST(says(p, r.answer));
      BOOST_TEST(p.hand_overs.empty());
    }
}

BOOST_AUTO_TEST_CASE(only_members_change_the_item_and_the_refusal_says_how_to_become_one) {
  world w;
  w.bound();
  for (const char* text : {"/state done", "/priority high", "/due none", "/assign me",
                           "/label +bug", "/sync off", "/unbind", "/new Another"})
    for (const char* by : {"ou_new", "ou_guest", "ou_nobody"}) BOOST_TEST_CONTEXT(text << by) {
        const auto p = w.say(text, by, false);
        BOOST_TEST(p.hand_overs.empty());
        BOOST_TEST(count(p, "plane.create_item") == 0U);
        BOOST_TEST((says(p, "/connect") || says(p, "Ask one of its admins")));
      }
  // An administrator binds, but the item's fields are for members.
  BOOST_TEST(w.say("/state done", "ou_admin").hand_overs.empty());
}

BOOST_AUTO_TEST_CASE(assigning_somebody_who_is_not_mapped_or_no_member_names_them) {
  world w;
  w.bound();
  auto e = w.message("/assign @_user_2", "ou_li", false);
  std::get<lark::message>(e.what).mentions = {{"@_user_2", {"ou_new", "", ""}, "Newcomer", false}};
  BOOST_TEST(says(w.hear(e), "Newcomer is not mapped"));
  e = w.message("/assign @_user_2", "ou_li", false);
  std::get<lark::message>(e.what).mentions = {{"@_user_2", {"ou_mei", "", ""}, "Han", false}};
  BOOST_TEST(
      (*handed<thread_edited>(w.hear(e)).at(0).assignees == std::vector<std::string>{mei_user}));
}

// Comments ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_comment_becomes_one_also_from_somebody_who_is_not_mapped) {
  world w;
  w.bound();
  auto p = w.say("/comment looks good", "ou_new", false);
  BOOST_REQUIRE_EQUAL(handed<thread_commented>(p).size(), 1U);
  auto c = handed<thread_commented>(p)[0];
  BOOST_TEST(c.html.find("looks good") != std::string::npos);
  BOOST_TEST(c.html.find("comment") == std::string::npos);
  BOOST_TEST(c.author.name == "Newcomer");
  BOOST_TEST(c.author.plane_user.empty());
  p = w.say("/评论 很好", "ou_mei", false);
  c = handed<thread_commented>(p).at(0);
  BOOST_TEST(c.author.own_key);
  BOOST_TEST(c.html.find("很好") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(plain_replies_become_comments_only_where_that_was_asked_for) {
  world w;
  BOOST_TEST(does_nothing(w.say("hello", "ou_li", false)));
  w.bound();
  BOOST_TEST(does_nothing(w.say("hello", "ou_li", false)));
  BOOST_TEST(says(w.say("hello"), "/comment"));
  BOOST_TEST(handed<thread_bound>(w.say("/sync all")).size() == 1U);
  auto p = w.say("hello <there>", "ou_li", false);
  BOOST_TEST(handed<thread_commented>(p).at(0).html.find("&lt;there&gt;") != std::string::npos);
  p = w.say("hello you", "ou_li", true);
  BOOST_TEST(handed<thread_commented>(p).at(0).html.find("planebridge") == std::string::npos);
  (void)w.say("/sync off");
  BOOST_TEST(does_nothing(w.say("hello", "ou_li", false)));
  BOOST_TEST(w.say("/comment hello").hand_overs.empty());
  (void)w.say("/同步 开");
  BOOST_TEST(handed<thread_commented>(w.say("/comment hello")).size() == 1U);
}

BOOST_AUTO_TEST_CASE(bots_ourselves_and_recalled_messages_are_not_heard) {
  world w;
  w.bound();
  (void)w.say("/sync all");
  auto e = w.message("/state done", "ou_x", false);
  std::get<lark::message>(e.what).from_bot = true;
  BOOST_TEST(does_nothing(w.hear(e)));
  e = w.message("", "ou_li", false);
  std::get<lark::message>(e.what).content.clear();
  BOOST_TEST(does_nothing(w.hear(e)));
  e = w.message("/state done", "ou_bot", true);
  BOOST_TEST(does_nothing(w.hear(e)));
  // Another bot's name is not ours.
  world v;
  e = v.message("/bind WEB-42");
  std::get<lark::message>(e.what).mentions[0].who.open_id = "ou_other_bot";
  BOOST_TEST(does_nothing(v.hear(e)));
}

BOOST_AUTO_TEST_CASE(a_message_that_comes_again_has_no_second_effect) {
  world w;
  w.bound();
  (void)w.say("/sync all");
  for (const char* text : {"/comment a", "words", "/state done", "/help", "/nwe x", "/new y"})
    BOOST_TEST_CONTEXT(text) {
      const auto e = w.message(text, "ou_li", false);
      BOOST_TEST(!does_nothing(w.hear(e)));
      const auto again = w.hear(e);
      BOOST_TEST(does_nothing(again));
      BOOST_TEST(again.rule == "ignored: echo-by-receipt: handled before");
    }
}

BOOST_AUTO_TEST_CASE(a_recall_goes_by_the_chat_to_the_conversation_to_the_item) {
  world w;
  w.bound();
  const auto e = w.message("/comment oops", "ou_li", false);
  const auto id = w.message_of(e).message_id;
  (void)w.hear(e);
  lark::event r;
  r.what = lark::message_recalled{id, "oc_web", "message_owner", w.now};
  const auto chat = w.decide(entity_key::lark_chat("oc_web"), r);
  BOOST_REQUIRE_EQUAL(chat.hand_overs.size(), 1U);
  BOOST_TEST(chat.hand_overs[0].to.text() == "lark:thread:om_root");
  // The comment is known once the item answered.
  (void)w.decide(entity_key::lark_thread("om_root"),
                 between{item_answered{id, true, "", "c-1", {}}});
  const auto p = w.decide(chat.hand_overs[0].to, chat.hand_overs[0].what);
  BOOST_REQUIRE_EQUAL(p.hand_overs.size(), 1U);
  BOOST_TEST(p.hand_overs[0].to.text() == "plane:issue:" + item_42);
  BOOST_TEST(handed<thread_recalled>(p)[0].comment == "c-1");
  BOOST_TEST(handed<thread_recalled>(p)[0].message == id);
  // Of a conversation that follows another item by now, too.
  (void)w.say("/bind WEB-43");
  BOOST_TEST(w.decide(chat.hand_overs[0].to, chat.hand_overs[0].what).hand_overs.at(0).to.text() ==
             "plane:issue:" + item_42);
}

BOOST_AUTO_TEST_CASE(a_recall_that_overtakes_its_message_is_not_forgotten) {
  const auto chat = entity_key::lark_chat("oc_web");
  lark::event r;
  {  // The conversation still works on the message: the recall is judged behind it.
    world w;
    w.bound();
    const auto e = w.message("/comment oops", "ou_li", false);
    const auto id = w.message_of(e).message_id;
    w.all.places[id] = "lark:thread:om_root";
    r.what = lark::message_recalled{id, "oc_web", "message_owner", w.now};
    const auto p = w.decide(chat, r);
    BOOST_REQUIRE_EQUAL(handed<thread_recalled>(p).size(), 1U);
    BOOST_TEST(p.hand_overs[0].to.text() == "lark:thread:om_root");
  }
  {  // It is not here yet: it will find the note, or the second look finds it.
    world w;
    w.bound();
    const auto e = w.message("/comment oops", "ou_li", false);
    const auto id = w.message_of(e).message_id;
    r.what = lark::message_recalled{id, "oc_web", "message_owner", w.now};
    const auto p = w.decide(chat, r);
    BOOST_REQUIRE_EQUAL(handed<thread_recalled>(p).size(), 1U);
    BOOST_TEST((p.hand_overs[0].to == chat));
    BOOST_TEST(does_nothing(w.decide(chat, p.hand_overs[0].what)));
    w.all.places[id] = "lark:thread:om_root";
    BOOST_TEST(w.decide(chat, p.hand_overs[0].what).hand_overs.at(0).to.text() ==
               "lark:thread:om_root");
    BOOST_TEST(w.hear(e).rule == "ignored: recalled already");
  }
}

// New items --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(new_makes_an_item_of_the_chats_project_and_binds_to_it) {
  world w;
  const auto e = w.message("/new Button is gone\nSince Monday");
  const auto p = w.hear(e);
  BOOST_REQUIRE_EQUAL(count(p, "plane.create_item"), 1U);
  BOOST_TEST(p.effects[0].lane == "plane");
  const auto wish = parse_between(thread_wants_item::form, p.effects[0].payload);
  BOOST_REQUIRE(wish.has_value());
  const auto& want = std::get<thread_wants_item>(*wish);
  BOOST_TEST(want.project == web);
  BOOST_TEST(want.name == "Button is gone");
  BOOST_TEST(want.html.find("Since Monday") != std::string::npos);
  BOOST_TEST(want.message == w.message_of(e).message_id);
  item_answered a{want.message, true, "", "", view(item_43, web, "WEB", 43)};
  const auto bound = w.decide(entity_key::lark_thread("om_root"), between{a});
  BOOST_TEST(bound.now.item.id == item_43);
  BOOST_TEST(says(bound, "Created WEB-43"));
  BOOST_TEST(handed<thread_bound>(bound).size() == 2U);
}

BOOST_AUTO_TEST_CASE(new_says_which_project_is_missing_and_takes_the_quoted_text) {
  world w;
  w.all.channels["oc_web"] = {};
  BOOST_TEST(says(w.say("/new Button"), "Say which project"));
  BOOST_TEST(says(w.say("/新建 按钮"), "请指明项目"));
  w = world{};
  BOOST_TEST(says(w.say("/new Button in WBE"), "Did you mean WEB"));
  BOOST_TEST(says(w.say("/new Button in OPS"), "may not be shown"));
  w.all.quoted["om_q"] = "It is broken";
  auto e = w.message("/new Button in WEB");
  std::get<lark::message>(e.what).parent_id = "om_q";
  const auto p = w.hear(e);
  BOOST_REQUIRE_EQUAL(p.effects.size(), 1U);
  BOOST_TEST(p.effects[0].payload.find("It is broken") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(new_in_a_bound_conversation_leaves_it_bound_as_it_is) {
  world w;
  w.bound();
  const auto e = w.message("/new Another");
  (void)w.hear(e);
  const item_answered a{w.message_of(e).message_id, true, "", "", view(item_43, web, "WEB", 43)};
  const auto p = w.decide(entity_key::lark_thread("om_root"), between{a});
  BOOST_TEST(p.now.item.id == item_42);
  BOOST_TEST(says(p, "Created WEB-43"));
}

// Settings, help, in private ---------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(help_is_given_in_the_language_of_the_question) {
  world w;
  BOOST_TEST(says(w.say("help"), "/bind link"));
  BOOST_TEST(says(w.say("帮助"), "/绑定 链接"));
  BOOST_TEST(!payload(w.say("help").effects.at(0)).in_thread);
  w.bound();
  BOOST_TEST(payload(w.say("help").effects.at(0)).in_thread);
}

BOOST_AUTO_TEST_CASE(the_link_for_the_own_account_is_sent_in_private_only) {
  world w;
  const auto p = w.say("/connect");
  BOOST_REQUIRE_EQUAL(count(p, "lark.connect_link"), 1U);
  BOOST_TEST(payload(p.effects[0]).open_id == "ou_li");
  BOOST_TEST(says(p, "in private"));
  BOOST_TEST(count(w.say("/connect", "ou_new"), "lark.connect_link") == 0U);
  auto e = w.message("连接", "ou_li", false, "", "oc_p2p");
  std::get<lark::message>(e.what).chat = lark::chat_kind::p2p;
  const auto alone = w.hear(e);
  BOOST_TEST(count(alone, "lark.connect_link") == 1U);
  BOOST_TEST(count(alone, "lark.reply") == 0U);
}

BOOST_AUTO_TEST_CASE(what_the_thread_gets_and_gives_is_told_and_set) {
  world w;
  w.bound();
  BOOST_TEST(says(w.say("/sync"), "comments and changes"));
  const auto p = w.say("/sync comments");
  BOOST_TEST((p.now.gets_comments && !p.now.gets_changes));
  BOOST_TEST((handed<thread_bound>(p).at(0).comments && !handed<thread_bound>(p).at(0).changes));
  BOOST_TEST(w.say("/mute").now.muted.size() == 1U);
  BOOST_TEST(w.say("/mute").now.muted.size() == 1U);
  BOOST_TEST(w.say("/unmute").now.muted.empty());
  BOOST_TEST(w.say("/quiet 20:00-8:00").now.quiet_from == "20:00");
  BOOST_TEST(w.thread().quiet_to == "08:00");
  BOOST_TEST(w.say("/quiet off").now.quiet_from.empty());
  BOOST_TEST(payload(w.say("/link").effects.at(0)).msg_type == "interactive");
  w.all.channels["oc_web"] = {};
  BOOST_TEST(says(w.say("/link"), "may not be shown"));
}

// The chat ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(when_the_bot_leaves_all_conversations_of_the_chat_end) {
  for (const bool disbanded : {false, true}) {
    world w;
    const auto bound = w.say("/bind WEB-42");
    (void)w.decide(bound.hand_overs[1].to, bound.hand_overs[1].what);
    lark::event e;
    e.what = lark::chat_membership{"oc_web", "Web", false, false, disbanded, {}};
    const auto p = w.decide(entity_key::lark_chat("oc_web"), e);
    BOOST_REQUIRE_EQUAL(p.hand_overs.size(), 1U);
    BOOST_TEST(p.hand_overs[0].to.text() == "lark:thread:om_root");
    const auto ended = w.decide(p.hand_overs[0].to, p.hand_overs[0].what);
    BOOST_TEST(ended.now.item.id.empty());
    BOOST_TEST(!handed<thread_bound>(ended).at(0).bound);
    BOOST_TEST(ended.effects.empty());
    BOOST_TEST(does_nothing(w.decide(p.hand_overs[0].to, p.hand_overs[0].what)));
  }
}

BOOST_AUTO_TEST_CASE(an_announcement_starts_the_conversation_that_is_bound_to_its_item) {
  world w;
  chat_announcement a;
  a.item = view(item_42, web, "WEB", 42);
  a.author = "han.mei";
  const auto chat = entity_key::lark_chat("oc_web");
  const auto p = w.decide(chat, between{a});
  BOOST_REQUIRE_EQUAL(count(p, "lark.send"), 1U);
  BOOST_TEST(payload(p.effects[0]).chat == "oc_web");
  const auto s = settle(p.now, p.effects[0], {true, "om_announced", {}, 0}, w.now, w.rules);
  BOOST_REQUIRE_EQUAL(s.hand_overs.size(), 1U);
  BOOST_TEST(s.hand_overs[0].to.text() == "lark:thread:om_announced");
  const auto t = w.decide(s.hand_overs[0].to, s.hand_overs[0].what);
  BOOST_TEST(t.now.item.id == item_42);
  BOOST_TEST(t.now.cards.at(0).message_id == "om_announced");
  BOOST_TEST(handed<thread_bound>(t).size() == 2U);
  // Replies follow.
  const auto reply = w.hear(w.message("/state done", "ou_li", false, "om_announced"));
  BOOST_TEST(handed<thread_edited>(reply).size() == 1U);
  // Where the project is not shown, nothing is announced.
  BOOST_TEST(does_nothing(w.decide(entity_key::lark_chat("oc_other"), between{a})));
  BOOST_TEST(does_nothing(w.decide(entity_key::lark_chat("oc_open"), between{a})));
}

BOOST_AUTO_TEST_CASE(a_new_project_is_announced_where_a_mapping_says_so) {
  world w;
  chat_announcement a;
  a.project = web;  // its name is asked for
  const auto in = [&](const char* chat) {
    return w.decide(entity_key::lark_chat(chat), between{a});
  };
  BOOST_TEST(does_nothing(in("oc_web")));
  for (auto& [chat, channels] : w.all.channels)
    for (auto& c : channels) {
      c.project = ops;
      c.announce_projects = true;
    }
  BOOST_TEST(says(in("oc_web"), "Website"));
  BOOST_TEST(does_nothing(in("oc_other")));
  BOOST_TEST(does_nothing(in("oc_open")));  // people of other tenants
  w.all.channels["oc_open"].at(0).external = true;
  BOOST_TEST(says(in("oc_open"), "Website"));
  w.all.projects[web] = std::nullopt;
  BOOST_TEST(does_nothing(in("oc_web")));
}

BOOST_AUTO_TEST_CASE(who_made_a_new_project_is_named_as_they_are_known) {
  struct {
    const char *id, *name;
    const char* shown;
  } const rows[] = {
      {li_user.c_str(), "li.lei", "李雷"},            // mapped: their name in chat
      {li_user.c_str(), "", "李雷"},                  // a poll knows the uuid alone
      {"u9", "", "New project · nina"},               // not mapped: as Plane shows them
      {"somebody-else", "ada", "New project · ada"},  // no member any more
      {"", "ada", "New project · ada"},
      {"", "", ""},
  };
  for (const auto& r : rows) BOOST_TEST_CONTEXT(r.id << ' ' << r.name) {
      world w;
      for (auto& [chat, channels] : w.all.channels)
        for (auto& c : channels) c.announce_projects = true;
      w.all.projects[web]->members.push_back({{"u9", "nina", ""}, "", false});
      chat_announcement a;
      a.project = web;
      a.author_id = r.id;
      a.author = r.name;
      const auto p = w.decide(entity_key::lark_chat("oc_web"), between{a});
      BOOST_TEST(says(p, "Website"));
      BOOST_TEST(says(p, r.shown));
      for (const auto* calls : {"<at", "ou_li"}) BOOST_TEST(!says(p, calls));
      if (*r.shown == '\0') BOOST_TEST(!says(p, "New project · "));
    }
}

BOOST_AUTO_TEST_CASE(who_left_is_in_the_plan) {
  world w;
  lark::event e;
  e.what = lark::person_left{{"ou_li", "on_li", ""}, "李雷"};
  const auto p = w.decide(entity_key::lark_chat("directory"), e);
  BOOST_REQUIRE_EQUAL(p.leavers.size(), 1U);
  BOOST_TEST(p.leavers[0].who.open_id == "ou_li");
  BOOST_TEST(p.effects.empty());
}

BOOST_AUTO_TEST_CASE(alarms_and_first_contacts_are_answered) {
  world w;
  BOOST_TEST(says(w.decide(entity_key::lark_chat("oc_web"), between{chat_alarm{"breaker open"}}),
                  "breaker open"));
  lark::event e;
  e.what = lark::private_contact{{"ou_li", "", ""}, "", "help"};
  const auto p = w.decide(entity_key::lark_chat("oc_p2p"), e);
  BOOST_TEST(payload(p.effects.at(0)).open_id == "ou_li");
}

// Properties -------------------------------------------------------------------------------------

namespace {

bool calls(std::string_view text) {
  return text.find("<at ") != std::string_view::npos ||
         text.find("<person ") != std::string_view::npos;
}
/// Does a part of a content call somebody? What stands in plain_text is shown as it is.
bool calls(const boost::json::value& v) {
  if (const auto* a = v.if_array())
    return std::any_of(a->begin(), a->end(), [](const auto& e) { return calls(e); });
  const auto* o = v.if_object();
  if (o == nullptr) return false;
  const auto* tag = o->if_contains("tag");
  const bool marked = tag != nullptr && (*tag == "markdown" || *tag == "lark_md" || *tag == "md");
  if (tag != nullptr && *tag == "at") return true;
  for (const auto& m : *o) {
    const bool text = m.value().is_string() && (marked || tag == nullptr) && o->size() <= 2;
    if (text && m.key() == "text" && calls(std::string_view{m.value().get_string()})) return true;
    if (marked && m.value().is_string() && calls(std::string_view{m.value().get_string()}))
      return true;
    if (calls(m.value())) return true;
  }
  return false;
}
bool calls(const thread_plan& p) {
  return std::any_of(p.effects.begin(), p.effects.end(), [](const wanted_message& m) {
    const auto e = payload(m);
    return calls(e.fallback) || (!e.content.empty() && calls(boost::json::parse(e.content)));
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(no_plan_mentions_anybody_because_of_a_text) {
  // The check itself finds what it looks for.
  BOOST_TEST(calls(boost::json::parse(R"({"text":"<at user_id=\"all\"></at>"})")));
  BOOST_TEST(
      calls(boost::json::parse(R"({"zh_cn":{"content":[[{"tag":"at","user_id":"all"}]]}})")));
  BOOST_TEST(calls(boost::json::parse(R"([{"tag":"markdown","content":"<at id=all></at>"}])")));
  BOOST_TEST(!calls(boost::json::parse(R"([{"tag":"plain_text","content":"<at id=all></at>"}])")));
  static const std::vector<std::string> traps{"<at user_id=\"all\"></at>",
                                              "<at user_id=\"ou_mei\">x</at>",
                                              "<at id=all></at>",
                                              "@_all",
                                              "@_user_1",
                                              "<at",
                                              "[a](b)",
                                              "</at>",
                                              "<person id='ou_mei'>",
                                              "登录"};
  const auto trap = [] {
    std::string out;
    for (int n = *rc::gen::inRange(1, 5); n > 0; --n)
      out += traps[*rc::gen::inRange<std::size_t>(0, traps.size())];
    return out;
  };
  BOOST_TEST(rc::check([&] {
    world w;
    auto v = view(item_42, web, "WEB", 42);
    v.name = trap();
    v.excerpt = trap();
    v.state.name = trap();
    v.labels = {{bug, trap()}};
    w.put(v);
    w.all.projects[web]->states[0].name = trap();
    w.all.projects[web]->members[0].user.display_name = trap();
    const auto thread = entity_key::lark_thread("om_root");
    RC_ASSERT(!calls(w.say("/bind WEB-42")));
    RC_ASSERT(
        !calls(w.changed({{"name", trap(), trap()}, {"state", trap(), trap()}}, trap(), "x")));
    item_commented c;
    c.comment = "c-9";
    c.html = "<p>" + trap() + "</p>";
    c.author = trap();
    c.now = w.thread().item;
    RC_ASSERT(!calls(w.decide(thread, between{c})));
    RC_ASSERT(!calls(w.decide(thread, between{item_answered{"om_1", false, trap(), "", {}}})));
    RC_ASSERT(!calls(w.say("/state " + trap())));
    RC_ASSERT(!calls(w.say("/link")));
    chat_announcement a;
    a.item = w.thread().item;
    a.author = trap();
    RC_ASSERT(!calls(w.decide(entity_key::lark_chat("oc_web"), between{a})));
  }));
}

BOOST_AUTO_TEST_CASE(whatever_is_written_in_a_bound_conversation_is_decided_within_few_rounds) {
  BOOST_TEST(rc::check([] {
    world w;
    if (*rc::gen::arbitrary<bool>()) w.bound();
    static const std::vector<std::string> starts{"",       "/",        "/state ",  "/bind ",
                                                 "/new ",  "/label ",  "/assign ", "/due ",
                                                 "/sync ", "/comment "};
    const auto text =
        starts[*rc::gen::inRange<std::size_t>(0, starts.size())] + *rc::gen::string<std::string>();
    std::string clean;
    for (const char ch : text)
      if (ch >= ' ' && ch < 0x7f) clean += ch;
    const auto p = w.say(clean, *rc::gen::elementOf(std::vector<std::string>{"ou_li", "ou_new"}),
                         *rc::gen::arbitrary<bool>());
    RC_ASSERT(!p.rule.empty());
    RC_ASSERT(p.effects.size() <= 3);
  }));
}
