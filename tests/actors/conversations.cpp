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

BOOST_AUTO_TEST_CASE(a_new_project_is_announced_once_however_often_it_is_noticed) {
  bound s;
  persistence::write unit;
  persistence::channel_mapping_row c;
  c.chat = chat_world::chat_id;
  c.project = s.project;
  c.options = R"({"announce_projects":true})";
  unit.channel_mappings.push_back(c);
  s.store().submit(std::move(unit), [](const auto& w) { BOOST_TEST(w.has_value()); });
  s.start();
  s.pass(10s);
  for (const auto* identity : {"by-webhook", "by-poll"}) {
    persistence::delivery_append d;
    d.row.tenant = "default";
    d.row.source = "plane";
    d.row.form = "plane.webhook";
    d.row.event = "project.created";
    d.row.entity = entity_key::plane_project("99999999-9999-4999-8999-999999999999");
    d.row.body = std::make_shared<const std::string>("{}");
    d.row.received_at = s.now();
    d.identities = {identity};
    s.inbox().accept(std::move(d), [](const auto& r) { BOOST_TEST(r.has_value()); });
    s.pass(20s);
  }
  s.rest();
  BOOST_TEST(s.chat.messages.size() == 1u);
  BOOST_TEST(s.chat.saying("Website") == 1u);
}

BOOST_AUTO_TEST_CASE(a_new_project_names_who_made_it_by_webhook_and_by_poll) {
  for (const bool lost : {false, true}) BOOST_TEST_CONTEXT("webhook lost " << lost) {
      bound s;
      persistence::write unit;
      persistence::channel_mapping_row c;
      c.chat = chat_world::chat_id;
      c.project = s.project;
      c.options = R"({"announce_projects":true})";
      unit.channel_mappings.push_back(c);
      s.store().submit(std::move(unit), [](const auto& w) { BOOST_TEST(w.has_value()); });
      s.start();
      s.pass(2min);
      s.lose_webhooks = lost;
      s.page("POST", "projects/", R"({"name":"Shop","identifier":"SHOP"})");
      s.pass(5min);
      s.rest();
      BOOST_REQUIRE(s.chat.messages.size() == 1u);
      BOOST_TEST(s.chat.saying("Li Lei") == 1u);  // the owner of the workspace, mapped
    }
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

namespace {

struct new_item : bound {
  void play() {
    root = say("/new Safari shows nothing\nonly version 17", {}, true);
    pass(30s);
    say("/comment since Monday", root, true);
    pass(5min);
    rest();
  }
  void check() {
    const auto made = items_named("Safari shows nothing");
    BOOST_TEST(made.size() == 1u);
    if (made.size() != 1) return;
    // Followed by its own conversation, and by the announcement in the other chat.
    const auto links = links_of(made.front());
    BOOST_TEST(std::count_if(links.begin(), links.end(), [&](const auto& l) {
                 return l.object == root && l.state == "live";
               }) == 1);
    BOOST_TEST(comments_with(made.front(), "since Monday") == 1u);
    // Told in its conversation, and announced in the other chat only.
    std::size_t here = 0, there = 0;
    for (const auto& m : chat.messages) {
      if (m.content.find("Safari shows nothing") == std::string::npos) continue;
      here += m.root == root && m.type != "interactive" ? 1u : 0u;
      BOOST_TEST(m.chat != std::string{chat_id});
      there += m.chat == "oc_other" ? 1u : 0u;
    }
    BOOST_TEST(here == 1u);
    BOOST_TEST(there == 1u);
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(new_makes_one_item_tells_of_it_and_binds_whenever_the_process_dies) {
  unsigned commits = 0, requests = 0;
  const auto run = [&](std::optional<crash_point> dies) {
    new_item s;
    s.map_channel();
    s.map_channel("oc_other");
    if (dies) s.crash_at(*dies);
    s.start();
    s.play();
    s.check();
    commits = s.commits();
    requests = s.requests();
  };
  run(std::nullopt);
  const auto last_commit = commits, last_request = requests;
  for (const auto where :
       {at::before_commit, at::after_commit, at::before_request, at::after_request}) {
    const bool commit = where == at::before_commit || where == at::after_commit;
    for (unsigned n = 1; n <= (commit ? last_commit : last_request); ++n)
      BOOST_TEST_CONTEXT("dies " << static_cast<int>(where) << " at " << n)
    run(crash_point{where, n});
  }
}

BOOST_AUTO_TEST_CASE(a_new_item_is_not_announced_where_it_was_made_whatever_is_heard_of_it_first) {
  // Its creation is told late or never: what it is bound to reads it, and the next thing heard of
  // it is a comment.
  bound s;
  s.map_channel();
  s.map_channel("oc_other");
  s.start();
  s.pass(10s);
  s.lose_webhooks = true;
  const auto root = s.say("/new Safari shows nothing", {}, true);
  s.pass(20s);
  const auto made = s.items_named("Safari shows nothing");
  BOOST_REQUIRE_EQUAL(made.size(), 1u);
  s.lose_webhooks = false;
  s.comment_in_plane(made.front(), "<p>seen</p>");
  s.pass(5min);
  s.rest();
  std::size_t elsewhere = 0;
  for (const auto& m : s.chat.messages) {
    if (m.content.find("Safari shows nothing") == std::string::npos) continue;
    BOOST_TEST(m.chat != std::string{chat_world::chat_id});
    elsewhere += m.chat == "oc_other" ? 1u : 0u;
  }
  BOOST_TEST(elsewhere == 1u);
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

BOOST_AUTO_TEST_CASE(a_new_item_is_announced_once_and_replies_become_comments) {
  in_any_order([](bound& s) {
    s.map_channel();
    s.start();
    s.pass(1s);
    const auto item = s.create("Login page is blank");
    s.edit(item, R"({"priority":"high"})");
    s.pass(1min);
    const auto* card = s.chat.card_in({});
    BOOST_REQUIRE(card != nullptr);
    const auto root = card->id;
    BOOST_TEST(card->chat == std::string{chat_world::chat_id});
    BOOST_TEST(s.links_of(item).size() == 1u);
    s.say("/comment from the announcement", root, true);
    s.pass(1min);
    s.comment_in_plane(item, "<p>from Plane</p>");
    s.pass(1min);
    s.rest();
    std::size_t announced = 0;
    for (const auto& m : s.chat.messages) announced += m.root.empty() ? 1u : 0u;
    BOOST_TEST(announced == 1u);
    BOOST_TEST(s.comments_with(item, "from the announcement") == 1u);
    BOOST_TEST(s.chat.saying("from the announcement") == 0u);
    BOOST_TEST(s.chat.saying("from Plane") == 1u);
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
  for (const auto& c : s.calls) BOOST_TEST(c.method == "GET", c.method << " " << c.url);
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
