#define BOOST_TEST_MODULE thread_updates
#include <rapidcheck.h>

#include <algorithm>

#include "sync/thread_digest.hpp"
#include "thread_world.hpp"

using namespace thread_world;

namespace {

const field_change to_doing{"state", "Todo", "In Progress"};

thread_plan commented(world& w, item_commented c) {
  if (c.now.id.empty()) c.now = w.thread().item;
  return w.decide(entity_key::lark_thread("om_root"), between{c});
}
item_commented comment_of(std::string id, std::string html) {
  item_commented c;
  c.comment = std::move(id);
  c.html = std::move(html);
  c.author = "han.mei";
  c.author_id = mei_user;
  return c;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_card_that_was_on_its_way_while_the_item_changed_is_looked_at_again) {
  world w;
  const auto p = w.say("/bind WEB-42");
  BOOST_TEST(sent(w, p.effects.at(1), "om_card").hand_overs.empty());
  const auto late = w.say("/link");
  (void)w.changed({to_doing});
  w.thread().item.name = "Renamed meanwhile";
  const auto after = sent(w, late.effects.at(0), "om_late");
  BOOST_REQUIRE_EQUAL(after.hand_overs.size(), 1U);
  BOOST_TEST(after.hand_overs[0].to.text() == "plane:issue:" + item_42);  // it tells how it is
  BOOST_TEST(std::get<thread_bound>(after.hand_overs[0].what).bound);
}

// Changes ----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_change_waits_for_the_rest_of_its_burst_and_becomes_one_message) {
  world w;
  w.bound();
  const auto p = w.changed({to_doing});
  BOOST_REQUIRE_EQUAL(p.effects.size(), 1U);
  BOOST_TEST((p.effects[0].how == wanted_message::kind::digest));
  BOOST_TEST(p.effects[0].object == "digest");
  BOOST_TEST((p.effects[0].due_at == w.now + 5s));
  BOOST_TEST(payload(p.effects[0]).root == "om_root");
  BOOST_TEST(says(p, "In Progress"));
  BOOST_TEST(says(p, "han.mei"));
  std::string all = p.effects[0].payload;
  for (int i = 0; i < 19; ++i) {
    const auto from = "v" + std::to_string(i), to = "v" + std::to_string(i + 1);
    all = merge_digest(all, w.changed({{"name", from, to}}).effects.at(0).payload);
  }
  const auto d = digest_of(parse_lark_effect(all).value());
  BOOST_REQUIRE_EQUAL(d.entries.size(), 2U);
  BOOST_TEST(d.entries[1].before == "v0");
  BOOST_TEST(d.entries[1].after == "v19");
}

BOOST_AUTO_TEST_CASE(what_goes_back_to_where_it_was_is_not_told) {
  world w;
  w.bound();
  const auto there = w.changed({to_doing}).effects.at(0).payload;
  const auto back = w.changed({{"state", "In Progress", "Todo"}}).effects.at(0).payload;
  BOOST_TEST(merge_digest(there, back).empty());
  BOOST_TEST(merge_digest("", back) == back);
  BOOST_TEST(merge_digest(there, "") == there);
  BOOST_TEST(w.changed({to_doing, {"state", "In Progress", "Todo"}}).effects.empty());
  // Links are many: one added and one removed are two facts, the same one is none.
  BOOST_TEST(w.changed({{"link", "", "a"}, {"link", "b", ""}}).effects.size() == 1U);
  BOOST_TEST(w.changed({{"link", "", "a"}, {"link", "a", ""}}).effects.empty());
  BOOST_TEST(w.changed({{"deleted", "", ""}, {"restored", "", ""}}).effects.empty());
  BOOST_TEST(w.changed({{"description", "", ""}}).effects.size() == 1U);
}

BOOST_AUTO_TEST_CASE(quiet_hours_hold_digests_back_until_their_end) {
  world w;
  w.bound();
  (void)w.say("/quiet 11:00-14:30");  // it is noon in Shanghai
  BOOST_TEST(format_rfc3339(w.changed({to_doing}).effects.at(0).due_at) == "2026-11-25T06:30:00Z");
  (void)w.say("/quiet 20:00-08:00");
  BOOST_TEST((w.changed({to_doing}).effects.at(0).due_at == w.now + 5s));
  w.now += 10h;  // 22:00
  BOOST_TEST(format_rfc3339(w.changed({to_doing}).effects.at(0).due_at) == "2026-11-26T00:00:00Z");
  // Comments are told at once.
  BOOST_TEST((commented(w, comment_of("c-1", "<p>x</p>")).effects.at(0).due_at == w.now));
}

BOOST_AUTO_TEST_CASE(the_assignee_of_a_change_is_mentioned_unless_muted_or_the_one_who_made_it) {
  world w;
  w.bound();
  w.thread().item.assignees = {{li_user, "li.lei", ""}, {mei_user, "han.mei", ""}};
  auto p = w.changed({to_doing}, "han.mei", mei_user);
  BOOST_TEST(says(p, "ou_li"));
  BOOST_TEST(!says(p, "ou_mei"));
  (void)w.say("/mute", "ou_li");
  BOOST_TEST(!says(w.changed({to_doing}, "han.mei", mei_user), "ou_li"));
  BOOST_TEST(says(w.changed({to_doing}, "somebody", "x"), "ou_mei"));
}

BOOST_AUTO_TEST_CASE(who_asked_for_a_change_here_is_not_told_of_it_but_the_card_follows) {
  world w;
  bound_with_card(w);
  item_changed c;
  c.now = w.thread().item;
  c.now.state = {doing, "In Progress", plane::state_group::started};
  c.changes = {to_doing};
  c.caused_by_thread = "om_root";
  auto p = w.decide(entity_key::lark_thread("om_root"), between{c});
  BOOST_TEST(p.rule == "absorbed: asked for here");
  BOOST_TEST(count(p, "lark.reply") == 0U);
  BOOST_TEST(count(p, "lark.update_card") == 1U);
  c.caused_by_thread = "om_elsewhere";
  c.now.state = {done_state, "Done", plane::state_group::completed};
  p = w.decide(entity_key::lark_thread("om_root"), between{c});
  BOOST_TEST(count(p, "lark.reply") == 1U);
}

BOOST_AUTO_TEST_CASE(a_card_is_refreshed_when_it_shows_something_else_at_most_once_a_second) {
  world w;
  bound_with_card(w);
  const auto first = w.thread().cards.at(0);
  BOOST_TEST(first.message_id == "om_card");
  item_changed c;
  c.now = w.thread().item;
  const auto decide = [&] { return w.decide(entity_key::lark_thread("om_root"), between{c}); };
  BOOST_TEST(decide().effects.empty());  // it shows that already
  w.now += 10s;
  c.now.prio = plane::priority::high;
  auto p = decide();
  BOOST_REQUIRE_EQUAL(p.effects.size(), 1U);
  BOOST_TEST((p.effects[0].how == wanted_message::kind::state));
  BOOST_TEST(p.effects[0].object == "om_card");
  const auto window_ends = w.now + 5s;
  BOOST_TEST((p.effects[0].due_at == window_ends));
  c.now.prio = plane::priority::low;
  w.now += 100ms;
  BOOST_TEST((decide().effects.at(0).due_at == window_ends));  // the one that waits
  w.now = window_ends + 100ms;
  c.now.prio = plane::priority::urgent;
  c.caused_by_thread = "om_elsewhere";
  BOOST_TEST((decide().effects.at(0).due_at == window_ends + 1s));
  c.caused_by_thread.clear();
  w.now += 24h * 14;
  c.now.prio = plane::priority::none;
  p = decide();
  BOOST_TEST(count(p, "lark.update_card") == 0U);
  BOOST_TEST(p.now.cards.empty());
}

BOOST_AUTO_TEST_CASE(
    a_card_shows_at_once_what_was_asked_for_whatever_waits_for_the_end_of_a_burst) {
  world w;
  bound_with_card(w);
  w.now += 10s;
  auto item = w.thread().item;
  item.prio = plane::priority::high;
  item_changed c;
  c.now = item;
  auto p = w.decide(entity_key::lark_thread("om_root"), between{c});
  BOOST_TEST((p.effects.at(0).due_at == w.now + 5s));
  w.now += 2s;
  item_answered a;
  a.message = "om_card#1";
  item.state = {doing, "In Progress", plane::state_group::started};
  a.now = item;
  p = w.decide(entity_key::lark_thread("om_root"), between{a});
  BOOST_REQUIRE_EQUAL(p.effects.size(), 1U);
  BOOST_TEST(p.effects[0].operation == "lark.update_card");
  BOOST_TEST((p.effects[0].due_at == w.now));
  // The next burst has a window of its own again, and a second click keeps to its second.
  w.now += 100ms;
  item.prio = plane::priority::low;
  c.now = item;
  p = w.decide(entity_key::lark_thread("om_root"), between{c});
  BOOST_TEST((p.effects.at(0).due_at == w.now + 5s));
  item.state = {done_state, "Done", plane::state_group::completed};
  a.now = item;
  p = w.decide(entity_key::lark_thread("om_root"), between{a});
  BOOST_TEST((p.effects.at(0).due_at == w.now + 900ms));
}

BOOST_AUTO_TEST_CASE(nothing_is_told_of_an_item_that_may_not_be_shown_here_any_more) {
  world w;
  bound_with_card(w);
  w.all.channels["oc_web"][0].shown = false;
  auto p = w.changed({to_doing});
  BOOST_TEST(p.rule == "ignored: private-stays-private");
  BOOST_TEST(p.effects.empty());
  BOOST_TEST(commented(w, comment_of("c-1", "<p>x</p>")).effects.empty());
  w.all.channels["oc_web"][0].shown = true;
  w.all.chats["oc_web"]->external = true;
  BOOST_TEST(w.changed({to_doing}).effects.empty());
  // What was heard last counts while Feishu cannot be asked.
  w.refused = {{need::kind::chat, "oc_web"}};
  BOOST_TEST(w.changed({to_doing}).effects.empty());
}

BOOST_AUTO_TEST_CASE(changes_of_another_item_or_of_one_that_was_left_are_not_told) {
  world w;
  item_changed c;
  c.now = view(item_42, web, "WEB", 42);
  c.changes = {to_doing};
  BOOST_TEST(does_nothing(w.decide(entity_key::lark_thread("om_root"), between{c})));
  w.bound();
  c.now.id = item_43;
  BOOST_TEST(does_nothing(w.decide(entity_key::lark_thread("om_root"), between{c})));
  (void)w.say("/sync comments");
  BOOST_TEST(w.changed({to_doing}).effects.empty());
}

BOOST_AUTO_TEST_CASE(a_deleted_item_is_said_to_be_and_takes_no_commands) {
  world w;
  w.bound();
  item_changed c;
  c.now = w.thread().item;
  c.now.gone = true;
  c.changes = {{"deleted", "", ""}};
  const auto told = w.decide(entity_key::lark_thread("om_root"), between{c});
  BOOST_TEST((says(told, "deleted") || says(told, "Deleted")));
  BOOST_TEST(says(w.say("/state done"), "was deleted"));
  BOOST_TEST(says(w.say("/comment x"), "was deleted"));
  BOOST_TEST(w.thread().item.id == item_42);  // it may be restored
}

// Comments ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_comment_is_shown_once_with_its_author) {
  world w;
  w.bound();
  auto p = commented(w, comment_of("c-1", "<p>Try <strong>this</strong></p>"));
  BOOST_REQUIRE_EQUAL(p.effects.size(), 1U);
  BOOST_TEST((p.effects[0].how == wanted_message::kind::append));
  BOOST_TEST(says(p, "han.mei"));
  BOOST_TEST(says(p, "this"));
  BOOST_TEST(commented(w, comment_of("c-1", "<p>again</p>")).effects.empty());
  const auto s = sent(w, p.effects[0], "om_shown");
  BOOST_TEST(s.receipts.at(0).remote_id == "om_shown");
  auto edit = comment_of("c-1", "<p>Try that</p>");
  edit.how = item_commented::what::edited;
  p = commented(w, edit);
  BOOST_REQUIRE_EQUAL(count(p, "lark.edit"), 1U);
  BOOST_TEST(payload(p.effects[0]).message == "om_shown");
  edit.how = item_commented::what::deleted;
  BOOST_TEST(count(commented(w, edit), "lark.edit") == 1U);
  edit.comment = "c-unknown";
  BOOST_TEST(does_nothing(commented(w, edit)));
}

BOOST_AUTO_TEST_CASE(a_comment_that_was_written_here_does_not_come_back_in_any_order) {
  for (const bool webhook_first : {true, false}) {
    world w;
    w.bound();
    const auto e = w.message("/comment hello", "ou_li", false);
    const auto id = w.message_of(e).message_id;
    (void)w.hear(e);
    auto c = comment_of("c-1", "<p>hello</p>");
    c.from_thread = "om_root";
    c.from_message = id;
    const between answer = item_answered{id, true, "", "c-1", {}};
    const auto thread = entity_key::lark_thread("om_root");
    if (!webhook_first) (void)w.decide(thread, answer);
    BOOST_TEST(commented(w, c).effects.empty());
    if (webhook_first) (void)w.decide(thread, answer);
    // Also when who tells does not know where it came from.
    c.from_thread.clear();
    BOOST_TEST(commented(w, c).effects.empty());
    c.from_thread = "om_elsewhere";
    c.comment = "c-2";
    BOOST_TEST(commented(w, c).effects.size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(internal_comments_stay_internal_unless_the_mapping_says_otherwise) {
  world w;
  w.bound();
  auto c = comment_of("c-1", "<p>secret</p>");
  c.internal = true;
  w.all.projects[web]->project.published = true;
  BOOST_TEST(!says(commented(w, c), "secret"));
  w.all.channels["oc_web"][0].internal_comments = true;
  BOOST_TEST(says(commented(w, c), "secret"));
  w.all.channels["oc_web"][0].internal_comments = false;
  w.rules.internal_comments = true;
  c.comment = "c-2";
  BOOST_TEST(says(commented(w, c), "secret"));
  (void)w.say("/sync off");
  c.comment = "c-3";
  BOOST_TEST(!says(commented(w, c), "secret"));
}

BOOST_AUTO_TEST_CASE(what_plane_calls_internal_without_a_choice_is_told_to_the_team_alone) {
  world w;
  w.bound();
  auto c = comment_of("c-1", "<p>ordinary</p>");
  c.internal = true;
  BOOST_TEST(says(commented(w, c), "ordinary"));
  c.comment = "c-2";
  w.all.chats["oc_web"]->external = true;
  w.all.channels["oc_web"][0].external = true;
  BOOST_TEST(!says(commented(w, c), "ordinary"));
}

// Answers ----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(who_asked_hears_what_became_of_it) {
  world w;
  w.bound();
  const auto thread = entity_key::lark_thread("om_root");
  auto e = w.message("/state done", "ou_li", false);
  (void)w.hear(e);
  auto p = w.decide(thread, between{item_answered{w.message_of(e).message_id, true, "", "", {}}});
  BOOST_REQUIRE_EQUAL(count(p, "lark.react"), 1U);
  BOOST_TEST(payload(p.effects[0]).message == w.message_of(e).message_id);
  p = w.decide(thread, between{item_answered{
                           w.message_of(e).message_id, false, "Plane refused the state", "", {}}});
  BOOST_TEST(says(p, "Plane refused the state"));
  // Of plain replies nothing is said when all went well.
  (void)w.say("/sync all");
  e = w.message("words", "ou_li", false);
  (void)w.hear(e);
  p = w.decide(thread, between{item_answered{w.message_of(e).message_id, true, "", "c-1", {}}});
  BOOST_TEST(p.effects.empty());
  BOOST_TEST(p.receipts.size() == 2U);
}

// Outcomes ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(outcomes_that_end_a_card_or_a_conversation_end_it) {
  world w;
  bound_with_card(w);
  item_changed c;
  c.now = w.thread().item;
  c.now.prio = plane::priority::high;
  const auto p = w.decide(entity_key::lark_thread("om_root"), between{c});
  const auto failed = [&](const wanted_message& m, int code) {
    return settle(w.thread(), m, {false, "", {}, code}, w.now, w.rules);
  };
  BOOST_TEST(failed(p.effects.at(0), 230031).now.cards.empty());
  BOOST_TEST(failed(p.effects.at(0), 230031).now.item.id == item_42);
  BOOST_TEST(failed(p.effects.at(0), 99991400).now.cards.size() == 1U);
  const auto reply = w.changed({to_doing}).effects.at(0);
  BOOST_TEST(failed(reply, 230002).now.item.id.empty());
  BOOST_TEST(!handed<thread_bound>(failed(reply, 230002)).at(0).bound);
  BOOST_TEST(failed(reply, 230011).now.item.id.empty());
  BOOST_TEST(failed(reply, 230020).now.item.id == item_42);
}

// Properties -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(any_partition_of_a_burst_merges_to_the_same_message) {
  BOOST_TEST(rc::check([] {
    world w;
    w.bound();
    // A chain of changes as Plane would tell them: each begins where the last ended.
    static const std::vector<std::string> fields{"state", "name", "priority", "target_date",
                                                 "labels"};
    // Of one person the very message; of several the same changes: who is named for a field that
    // went to and fro depends on what was left to say in between.
    const bool one_person = *rc::gen::arbitrary<bool>();
    std::map<std::string, std::string> now;
    std::vector<std::pair<field_change, std::string>> burst;
    for (int n = *rc::gen::inRange(1, 12); n > 0; --n) {
      const auto f = fields[*rc::gen::inRange<std::size_t>(0, fields.size())];
      const auto to = std::to_string(*rc::gen::inRange(0, 3));
      if (now[f] == to) continue;
      burst.push_back(
          {{f, now[f], to}, one_person || *rc::gen::arbitrary<bool>() ? "li.lei" : "han.mei"});
      now[f] = to;
    }
    const auto payload_of = [&](std::size_t i) {
      const auto p = w.changed({burst[i].first}, burst[i].second, burst[i].second);
      return p.effects.empty() ? std::string{} : p.effects[0].payload;
    };
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < burst.size(); ++i) parts.push_back(payload_of(i));
    std::string left;
    for (const auto& p : parts) left = merge_digest(left, p);
    // Any order of merging neighbours.
    while (parts.size() > 1) {
      const auto i = *rc::gen::inRange<std::size_t>(0, parts.size() - 1);
      parts[i] = merge_digest(parts[i], parts[i + 1]);
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    }
    const auto right = parts.empty() ? std::string{} : parts[0];
    if (one_person) RC_ASSERT(right == left);
    RC_ASSERT(right.empty() == left.empty());
    if (left.empty()) return;
    const auto a = digest_of(parse_lark_effect(left).value()).entries;
    const auto b = digest_of(parse_lark_effect(right).value()).entries;
    RC_ASSERT(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i)
      RC_ASSERT(a[i].field == b[i].field && a[i].before == b[i].before && a[i].after == b[i].after);
  }));
}

BOOST_AUTO_TEST_CASE(any_payload_merges_without_harm) {
  BOOST_TEST(rc::check([](const std::string& a, const std::string& b) {
    (void)merge_digest(a, b);
    lark_effect e;
    e.root = "r";
    e.about = a;
    (void)merge_digest(to_json(e), b);
  }));
}
