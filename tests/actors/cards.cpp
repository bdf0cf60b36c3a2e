// What a conversation and its card show of changes, and what setting a field from there costs: how
// much is sent, and when. On virtual time.
#define BOOST_TEST_MODULE actors_cards
#include <algorithm>
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "bound_chat.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(a_burst_of_edits_is_one_message) {
  bound s;
  s.start();
  s.bind();
  const auto before = s.chat.messages.size();
  const auto call = s.calls.size();
  for (int n = 0; n < 20; ++n) {
    s.edit(s.item, R"({"name":"Login page is blank )" + std::to_string(n) + "\"}");
    s.pass(100ms);
  }
  s.pass(1min);
  s.rest();
  BOOST_TEST(s.chat.messages.size() - before == 1u);
  BOOST_TEST(s.chat.saying("blank 19") == 1u);
  BOOST_TEST(s.calls_to("POST", chat_server::origin, call).size() == 1u);
  // The card with it.
  BOOST_TEST(s.calls_to("PATCH", chat_server::origin, call).size() == 1u);
  BOOST_REQUIRE(!s.chat.updates.empty());
  BOOST_TEST(s.chat.updates.back().content.find("blank 19") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_click_in_the_midst_of_a_burst_is_on_the_card_at_once) {
  bound s;
  s.settings.lark.digest_window = 40s;
  s.start();
  s.bind();
  const auto* card = s.chat.card_in(s.root);
  BOOST_REQUIRE(card != nullptr);
  const auto shown = *card;
  const auto shows = [&](const std::string& words) {
    return [&s, words] {
      return !s.chat.updates.empty() &&
             s.chat.updates.back().content.find(words) != std::string::npos;
    };
  };
  for (const auto* name : {"blank and blue", "blank and red"}) {
    s.edit(s.item, R"({"name":"Login page is )" + std::string{name} + "\"}");
    s.pass(2s);
  }
  BOOST_TEST(s.chat.updates.empty());
  s.click(shown, "state", s.state_id("Done"));
  BOOST_TEST(s.run_until(shows("Done"), 5s));
  BOOST_TEST(shows("blank and red")());
  BOOST_TEST(s.chat.saying("blank and red") == 0u);  // that waits still
  s.pass(1min);
  s.rest();
  BOOST_TEST(s.chat.updates.size() == 1u);
  BOOST_TEST(s.chat.saying("blank and red") == 1u);
}

BOOST_AUTO_TEST_CASE(a_refresh_that_is_tried_again_is_not_shown_over_a_newer_one) {
  bound s;
  s.start();
  s.bind();
  const auto before = s.chat.updates.size();
  s.faults.push_back({.what = wire_fault::kind::reset, .method = "PATCH", .url = "lark.test"});
  s.edit(s.item, R"({"name":"Login page is green"})");
  s.pass(3min);  // its refresh failed, and waits for the next attempt
  BOOST_TEST(s.chat.updates.size() == before);
  s.faults.clear();
  s.edit(s.item, R"({"name":"Login page is violet"})");
  s.pass(30min);
  s.rest();
  BOOST_REQUIRE(s.chat.updates.size() > before);
  BOOST_TEST(s.chat.updates.back().content.find("violet") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_refresh_that_the_breaker_gave_back_is_not_shown_over_a_newer_one) {
  // The breaker opens while it is on its way: after it was sent, or before, by a call of another
  // conversation. Meanwhile the item changes twice.
  for (const bool was_sent : {true, false}) BOOST_TEST_CONTEXT("was sent " << was_sent) {
      bound s;
      s.settings.concurrency.lark_parallel = 1;
      s.start();
      s.bind();
      const auto* card = s.chat.card_in(s.root);
      BOOST_REQUIRE(card != nullptr);
      const auto shown = *card;
      const auto other = s.say("what about lunch");
      s.pass(5s);
      s.settings.concurrency.breaker_failures = 1;
      s.reload();
      const auto before = s.chat.updates.size();
      const std::string fails = was_sent ? shown.id : "/reply";
      s.faults.push_back({.what = wire_fault::kind::status,
                          .method = was_sent ? "PATCH" : "POST",
                          .url = fails,
                          .status = 504,
                          .count = 1});
      s.on_call = [&s, fails](const protocol::http_request& r) {
        s.travel = r.url.find(fails) != std::string::npos ? 10s : 5ms;
      };
      if (!was_sent) s.say("/help", other, true);
      s.pass(1s);
      for (const auto* state : {"In Progress", "Done"}) {
        s.click(shown, "state", s.state_id(state));
        s.pass(3s);
      }
      BOOST_TEST(s.chat.updates.size() == before);
      s.pass(20s);  // the breaker is open
      s.click(shown, "state", s.state_id("Backlog"));
      s.pass(30min);
      s.rest();
      BOOST_REQUIRE(s.chat.updates.size() > before);
      const auto chosen = R"("initial_option":")" + s.state_id("Backlog") + '"';
      BOOST_TEST(s.chat.updates.back().content.find(chosen) != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(what_waits_for_the_end_of_quiet_hours_keeps_no_answer_waiting) {
  bound s;
  s.start();
  s.bind();
  s.say("/quiet 00:00-23:59", s.root, true);
  s.pass(10s);
  s.edit(s.item, R"({"name":"Renamed at night"})");
  s.pass(10s);
  BOOST_TEST(s.chat.saying("Login page is blank → Renamed at night") == 0u);
  const auto before = s.chat.messages.size();
  s.say("/help", s.root, true);
  s.comment_in_plane(s.item, "<p>from Plane</p>");
  s.pass(10s);
  BOOST_TEST(s.chat.messages.size() - before == 2u);
  BOOST_TEST(s.chat.saying("from Plane") == 1u);
  s.pass(25h);
  s.rest();
  BOOST_TEST(s.chat.messages.size() - before == 3u);  // told when the quiet hours end
}

BOOST_AUTO_TEST_CASE(a_reload_changes_how_long_changes_are_gathered) {
  bound s;
  s.start();
  s.bind();
  const auto told_after = [&](const std::string& name) {
    const auto from = s.now();
    s.edit(s.item, R"({"name":")" + name + "\"}");
    BOOST_TEST(s.run_until([&] { return s.chat.saying(name) > 0; }, 2min));
    return s.now() - from;
  };
  (void)told_after("one");
  s.pass(1min);
  s.settings.lark.digest_window = 40s;
  s.reload();
  BOOST_TEST((told_after("two") >= 40s));
}

BOOST_AUTO_TEST_CASE(a_click_sets_the_state_in_plane_once_and_the_card_shows_it) {
  in_any_order([](bound& s) {
    s.start();
    s.bind();
    const auto* card = s.chat.card_in(s.root);
    BOOST_REQUIRE(card != nullptr);
    const auto shown = *card;
    const auto from = s.calls.size(), said = s.chat.messages.size();
    s.click(shown, "state", s.state_id("Done"), 2);
    s.pass(1min);
    s.rest();
    BOOST_TEST(s.state_of(s.item) == s.state_id("Done"));
    BOOST_TEST(s.calls_to("PATCH", s.item, from).size() == 1u);
    BOOST_REQUIRE(!s.chat.updates.empty());
    BOOST_TEST(s.chat.updates.back().id == shown.id);
    BOOST_TEST(s.chat.updates.back().content.find("Done") != std::string::npos);
    BOOST_TEST(s.chat.messages.size() == said);  // whoever clicked knows
    // And what is set in Plane afterwards is on the card too, and told.
    s.edit(s.item, R"({"state_id":")" + s.state_id("Todo") + "\"}");
    s.pass(1min);
    s.rest();
    BOOST_TEST(s.chat.updates.back().content.find("Todo") != std::string::npos);
    BOOST_TEST(s.chat.messages.size() == said + 1);
  });
}

BOOST_AUTO_TEST_CASE(a_field_that_a_command_sets_costs_one_request) {
  bound s;
  s.start();
  s.bind();
  const auto requests_of = [&](const std::string& order) {
    const auto from = s.calls.size();
    s.say(order, s.root, true);
    s.pass(15s);
    return std::pair{s.calls_to("GET", s.item, from).size(),
                     s.calls_to("PATCH", s.item, from).size()};
  };
  for (const auto* order : {"/state Done", "/priority high", "/due 2031-05-06", "/due none"})
    BOOST_TEST_CONTEXT(order) {
      const auto [reads, writes] = requests_of(order);
      BOOST_TEST(reads == 0u);
      BOOST_TEST(writes == 1u);
    }
  BOOST_TEST(s.state_of(s.item) == s.state_id("Done"));
  // Plane replaces the whole set, so that is read first; and it is not read again for its names.
  const auto [reads, writes] = requests_of("/assign me");
  BOOST_TEST(reads == 1u);
  BOOST_TEST(writes == 1u);
  s.rest();
  // What the conversation's card says was known without a read.
  BOOST_REQUIRE(!s.chat.updates.empty());
  for (const auto* words : {"Done", "sandbox.owner"})
    BOOST_TEST(s.chat.updates.back().content.find(words) != std::string::npos, words);
}
