#define BOOST_TEST_MODULE thread_rules
#include "sync/thread_rules.hpp"

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
