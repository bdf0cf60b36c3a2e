// What a click on a card does, who may click, and when it is one click.
#define BOOST_TEST_MODULE sync_thread_clicks
#include "thread_world.hpp"

using namespace thread_world;

BOOST_AUTO_TEST_CASE(a_click_does_what_its_menu_says_as_whoever_clicked) {
  world w;
  bound_with_card(w);
  const auto edited = [&](const lark::event& e) {
    const auto p = w.clicked(e);
    BOOST_REQUIRE_EQUAL(handed<thread_edited>(p).size(), 1U);
    BOOST_TEST(count(p, "lark.reply") == 0U);
    return handed<thread_edited>(p)[0];
  };
  BOOST_TEST(*edited(w.click("state", doing)).state == doing);
  BOOST_TEST((*edited(w.click("priority", "high")).prio == plane::priority::high));
  BOOST_TEST(
      (*edited(w.click("assign", mei_user)).assignees == std::vector<std::string>{mei_user}));
  BOOST_TEST((*edited(w.click("assign", "ou_li")).assignees == std::vector<std::string>{li_user}));
  BOOST_TEST(*edited(w.click("due", "2026-12-01 +0800")).target_date == "2026-12-01");
  auto e = w.click("comment", "");
  std::get<lark::card_action>(e.what).form = {{"comment", "two\nlines"}};
  const auto p = w.clicked(e);
  BOOST_REQUIRE_EQUAL(handed<thread_commented>(p).size(), 1U);
  BOOST_TEST(handed<thread_commented>(p)[0].html.find("lines") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_double_click_is_one_and_a_late_one_is_its_own) {
  world w;
  bound_with_card(w);
  BOOST_TEST(w.clicked(w.click("state", doing)).hand_overs.size() == 1U);
  w.now += 4s;
  BOOST_TEST(does_nothing(w.clicked(w.click("state", doing))));
  BOOST_TEST(w.clicked(w.click("state", done_state)).hand_overs.size() == 1U);
  BOOST_TEST(w.clicked(w.click("state", doing, "ou_mei")).hand_overs.size() == 1U);
  w.now += 2s;
  BOOST_TEST(w.clicked(w.click("state", doing)).hand_overs.size() == 1U);
  // The value that is there already is none.
  w.now += 10s;
  BOOST_TEST(w.clicked(w.click("state", todo)).rule == "absorbed: echo-by-value");
}

BOOST_AUTO_TEST_CASE(two_comments_of_the_same_words_have_ids_of_their_own) {
  world w;
  bound_with_card(w);
  auto e = w.click("comment", "");
  std::get<lark::card_action>(e.what).form = {{"comment", "ok"}};
  const auto first = handed<thread_commented>(w.clicked(e)).at(0).message;
  w.now += 60s;
  e.id = "another";
  BOOST_TEST(first != handed<thread_commented>(w.clicked(e)).at(0).message);
}

BOOST_AUTO_TEST_CASE(clicks_by_people_who_may_not_are_answered_to_them) {
  world w;
  bound_with_card(w);
  for (const char* by : {"ou_new", "ou_guest"}) {
    const auto p = w.clicked(w.click("state", doing, by));
    BOOST_TEST(p.hand_overs.empty());
    BOOST_TEST(count(p, "lark.reply") == 1U);
  }
  // Comments are for all in the chat.
  auto e = w.click("comment", "", "ou_new");
  std::get<lark::card_action>(e.what).form = {{"comment", "hello"}};
  BOOST_TEST(handed<thread_commented>(w.clicked(e)).size() == 1U);
}

BOOST_AUTO_TEST_CASE(forged_choices_change_nothing) {
  world w;
  bound_with_card(w);
  for (const auto& [what, option] :
       {std::pair<const char*, const char*>{"state", "52222222-0000-4000-8000-000000000001"},
        {"state", ""},
        {"priority", "highest"},
        {"assign", "ou_new"},
        {"assign", "aaaaaaaa-0000-4000-8000-000000000003"},
        {"due", "soon"},
        {"due", ""},
        {"delete", "yes"},
        {"", ""}})
    BOOST_TEST_CONTEXT(what << ' ' << option) {
      BOOST_TEST(w.clicked(w.click(what, option)).hand_overs.empty());
    }
  for (const char* value : {"", "{", "[]", "{\"do\":\"state\"}", "{\"do\":1,\"item\":\"x\"}"}) {
    auto e = w.click("state", doing);
    std::get<lark::card_action>(e.what).value = value;
    BOOST_TEST(does_nothing(w.clicked(e)));
  }
  // A card of an item that is not bound here is judged by that item's own project.
  BOOST_TEST(w.clicked(w.click("state", doing, "ou_li", "om_card", item_ops)).hand_overs.empty());
  BOOST_TEST(
      handed<thread_edited>(w.clicked(w.click("state", doing, "ou_li", "om_c", item_43))).size() ==
      1U);
}

BOOST_AUTO_TEST_CASE(a_card_beyond_its_window_is_replaced_when_somebody_uses_it) {
  world w;
  bound_with_card(w);
  w.now += 24h * 15;
  const auto p = w.clicked(w.click("state", doing));
  BOOST_TEST(handed<thread_edited>(p).size() == 1U);
  BOOST_REQUIRE_EQUAL(count(p, "lark.reply"), 1U);
  BOOST_TEST(payload(p.effects[0]).msg_type == "interactive");
  BOOST_TEST(p.now.cards.empty());
}
