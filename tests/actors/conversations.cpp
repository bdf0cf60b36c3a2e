// Conversations and work items, end to end on virtual time: what is said in a bound conversation
// becomes a comment once, what happens in Plane is told there once, whenever the process dies.
#define BOOST_TEST_MODULE actors_conversations
#include <algorithm>
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "bound_chat.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;
using at = crash_point::at;

namespace {

/// Bind, a comment from the chat, one from Plane, a burst of edits.
struct scenario : bound {
  explicit scenario(std::uint64_t seed = 1) : bound(seed) {}
  void play() {
    bind();
    say("/comment seen on Safari 17", root, true);
    pass(15s);
    comment_in_plane(item, "<p>cannot reproduce</p>");
    pass(15s);
    for (int n = 0; n < 20; ++n) {
      edit(item, R"({"priority":")" + std::string{n % 2 == 0 ? "high" : "urgent"} + "\"}");
      pass(100ms);
    }
    pass(10min);
    rest();
  }
  void check() {
    BOOST_TEST(comments_with(item, "seen on Safari 17") == 1u);
    BOOST_TEST(comments_with(item, "cannot reproduce") == 1u);
    // In the conversation once, and its own comment is not sent back to it.
    BOOST_TEST(chat.saying("cannot reproduce") == 1u);
    BOOST_TEST(chat.saying("seen on Safari 17") == 0u);
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_conversation_is_bound_and_comments_go_both_ways_once) {
  scenario s;
  s.start();
  s.play();
  s.check();
  BOOST_TEST(s.links_of(s.item).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_comment_of_ours_that_comes_back_before_its_answer_is_not_told) {
  bound s;
  s.start();
  s.bind();
  const auto before = s.chat.messages.size();
  // The answer of the write takes longer than the webhook that it causes.
  s.slow = "/comments/";
  s.say("/comment from the chat", s.root, true);
  s.pass(3min);
  s.rest();
  BOOST_TEST(s.comments_with(s.item, "from the chat") == 1u);
  for (auto n = before; n < s.chat.messages.size(); ++n)
    BOOST_TEST(s.chat.messages[n].content.find("from the chat") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(dying_at_any_commit_or_request_loses_and_doubles_nothing) {
  unsigned commits = 0, requests = 0;
  {
    scenario s;
    s.start();
    s.play();
    s.check();
    commits = s.commits();
    requests = s.requests();
  }
  for (const auto where :
       {at::before_commit, at::after_commit, at::before_request, at::after_request}) {
    const bool commit = where == at::before_commit || where == at::after_commit;
    for (unsigned n = 1; n <= (commit ? commits : requests); ++n) {
      BOOST_TEST_CONTEXT("dies " << static_cast<int>(where) << " at " << n) {
        scenario s;
        s.crash_at({where, n});
        s.start();
        s.play();
        s.check();
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(an_item_that_nobody_told_of_is_bound_and_followed) {
  bound s;
  s.start();
  s.pass(1min);
  s.lose_webhooks = true;
  const auto item = s.create("Never announced");
  const auto root = s.say("look at this");
  s.pass(1s);
  s.say("/bind " + s.link_of(item), root, true);
  s.pass(2s);
  s.lose_webhooks = false;
  s.comment_in_plane(item, "<p>from Plane</p>");
  s.pass(20s);
  BOOST_TEST(s.links_of(item).size() == 1u);
  BOOST_TEST(s.chat.saying("from Plane") == 1u);
  s.rest();
}

BOOST_AUTO_TEST_CASE(who_left_is_unmapped_and_their_key_is_gone_whenever_the_process_dies) {
  for (const auto where : {at::before_commit, at::after_commit})
    for (unsigned n = 1; n <= 4; ++n) BOOST_TEST_CONTEXT(static_cast<int>(where) << " " << n) {
        bound s;
        persistence::write unit;
        unit.user_mappings.push_back({"ou_ann", "default", "", "Ann", "", "u1"});
        unit.credentials.push_back({"default", "lark.person.ou_ann", "k", "sealed", s.now()});
        s.store().submit(std::move(unit), [](const auto& w) { BOOST_TEST(w.has_value()); });
        s.run_for(1s);
        s.crash_at({where, n});
        s.start();
        s.push(
            R"({"schema":"2.0","header":{"event_id":"e-left","event_type":"contact.user.deleted_v3",)"
            R"("create_time":"1795000000000","token":"vt","app_id":"cli_a","tenant_key":"t"},)"
            R"("event":{"object":{"open_id":"ou_ann","union_id":"on_a","name":"Ann"}}})");
        s.pass(1min);
        s.rest();
        bool read = false;
        s.store().read([&](result<persistence::reader*> r) {
          BOOST_REQUIRE(r.has_value());
          const auto row = (*r)->user_mapping("ou_ann");
          BOOST_REQUIRE((row && *row));
          BOOST_TEST((*row)->left);
          const auto key = (*r)->credential("default", "lark.person.ou_ann");
          BOOST_TEST((key && !*key));
          read = true;
        });
        s.run_for(1s);
        BOOST_TEST(read);
      }
}

BOOST_AUTO_TEST_CASE(a_recalled_message_strikes_its_comment_out) {
  in_any_order([](bound& s) {
    s.start();
    s.bind();
    const auto message = s.say("/comment taken back", s.root, true);
    s.pass(1min);
    BOOST_TEST(s.comments_with(s.item, "taken back") == 1u);
    s.recall(message);
    s.pass(1min);
    s.rest();
    BOOST_TEST(s.comments_with(s.item, "taken back</s>") == 1u);
    BOOST_TEST(s.chat.saying("taken back") == 0u);
  });
}

BOOST_AUTO_TEST_CASE(a_message_that_is_recalled_at_once_leaves_no_words_in_plane) {
  // Before it was decided, after that, while the comment is on its way.
  for (const bool held : {true, false})
    for (const auto wait : {0ms, 2ms, 20ms, 500ms})
      in_any_order([&](bound& s) {
        BOOST_TEST_CONTEXT("held " << held << ", after " << wait.count() << " ms") {
          s.start();
          s.bind();
          s.hold_facts = held;
          const auto message = s.say("/comment taken back", s.root, true);
          s.run_for(wait);
          s.recall(message);
          s.run_for(wait);
          s.release_facts();
          s.pass(2min);
          s.rest();
          BOOST_TEST(s.comments_with(s.item, "taken back") ==
                     s.comments_with(s.item, "taken back</s>"));
        }
      });
}

BOOST_AUTO_TEST_CASE(shadow_mode_plans_and_records_and_sends_nothing) {
  bound s;
  s.map_channel();
  const auto live = s.tune;
  s.tune = [live](actors::options& o) {
    live(o);
    o.conversations.shadow = true;
  };
  s.start();
  s.bind();
  s.say("/comment seen on Safari 17", s.root, true);
  s.say("/state Done", s.root, true);
  s.say("/new Another", {}, true);
  s.comment_in_plane(s.item, "<p>cannot reproduce</p>");
  s.pass(5min);
  BOOST_TEST(s.chat.calls == 0u);
  BOOST_TEST(s.comments_with(s.item, "Safari") == 0u);
  BOOST_TEST(s.items_named("Another").empty());
  const auto planned = s.effects();
  BOOST_TEST(planned.size() >= 4u);
  for (const auto& e : planned)
    BOOST_TEST((e.status == persistence::effect_status::withheld), e.operation);
  for (const auto& d : s.deliveries())
    BOOST_TEST((d.status == persistence::delivery_status::done ||
                d.status == persistence::delivery_status::ignored));
}

BOOST_AUTO_TEST_CASE(a_dissolved_chat_unbinds_all_its_conversations) {
  in_any_order([](bound& s) {
    s.start();
    s.bind();
    const auto second = s.create("Another");
    s.pass(5s);
    const auto other = s.say("this too");
    s.pass(2s);
    s.say("/bind " + s.link_of(second), other, true);
    const auto third = s.say("and the first again");
    s.pass(2s);
    s.say("/bind " + s.link_of(s.item), third, true);
    s.pass(20s);
    s.dissolve();
    s.pass(20s);
    for (const auto& item : {s.item, second})
      for (const auto& l : s.links_of(item)) BOOST_TEST(l.state == "off");
    BOOST_TEST(s.links_of(s.item).size() == 2u);
    BOOST_TEST(s.links_of(second).size() == 1u);
    const auto calls = s.chat.calls;
    s.comment_in_plane(s.item, "<p>nobody hears this</p>");
    s.edit(second, R"({"priority":"high"})");
    s.pass(1min);
    s.rest();
    BOOST_TEST(s.chat.calls == calls);
  });
}

BOOST_AUTO_TEST_CASE(what_died_unanswered_is_looked_for_before_an_operator_has_it_said_again) {
  bound s;
  s.start();
  s.bind();
  // Each call is carried out, and its answer is lost; Feishu knows a repetition for an hour.
  s.faults.push_back({.what = wire_fault::kind::half, .url = "lark.test"});
  s.comment_in_plane(s.item, "<p>the button is green</p>");
  BOOST_TEST(s.run_until([&] { return s.counts().dead_effects > 0; }, 48h));
  s.pass(2h);
  s.faults.clear();
  for (const auto& e : s.effects())
    if (e.status == persistence::effect_status::dead)
      BOOST_TEST(s.retry("e" + std::to_string(e.id)).has_value());
  s.rest();
  BOOST_TEST(s.chat.saying("the button is green") == 1u);
}
