// What a chat is to the bot: new items from it, settings, announcements, who comes and goes.
#define BOOST_TEST_MODULE sync_thread_chats
#include "sync/thread_rules.hpp"

#include <algorithm>

#include "thread_world.hpp"

using namespace thread_world;

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
