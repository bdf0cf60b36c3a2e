// What conversations ask of a work item, and what they hear of it.
#define BOOST_TEST_MODULE issue_requests
#include <boost/test/unit_test.hpp>

#include "chat_items.hpp"

using namespace pb;
using namespace pb::sync;
using namespace chat_items;

namespace {

const std::vector<binding> two{follows("om_a"), follows("om_b")};

item_knowledge known() { return known_item(1); }

chat_plan asked(const between& what, const std::vector<queued_write>& queued = {},
                double now = 100) {
  return plan_of(plan_thread_request(what, known(), two, queued, false, at(now), setting()));
}
thread_commented comments(std::string message, chat_author who = author()) {
  return {"om_a", "oc_team", std::move(message), "<p>Hello</p>", std::move(who)};
}
thread_edited edits(std::string message, std::string thread = "om_a", chat_author who = author()) {
  thread_edited e;
  e.thread = std::move(thread);
  e.chat = "oc_team";
  e.message = std::move(message);
  e.author = std::move(who);
  return e;
}
thread_edited to_state(std::string message, std::string state, std::string thread = "om_a",
                       chat_author who = author()) {
  auto e = edits(std::move(message), std::move(thread), std::move(who));
  e.state = std::move(state);
  return e;
}
item_update update_in(const lane& l) { return std::get<item_update>(l.write()); }
failure broken(std::string detail) {
  return {
      errc::forbidden, "plane.update_work_item", std::move(detail), "ask an admin", 403, "", {}};
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_reply_becomes_a_comment_with_its_author_in_front) {
  const auto p = asked(comments("om_1"));
  BOOST_REQUIRE(p.writes.size() == 1u);
  const auto& w = p.writes[0];
  BOOST_TEST((w.how == wanted_plane_write::kind::append));
  BOOST_TEST(w.operation == "plane.create_comment");
  BOOST_TEST(w.object == "lark:om_1");
  BOOST_TEST(w.idempotency_key == "lark:om_1");
  BOOST_TEST((w.due_at == at(100)));
  BOOST_TEST(p.hand_overs.empty());
  lane l;
  l.take(p);
  const auto write = l.write();
  BOOST_TEST(html_to_write(std::get<comment_creation>(write)) ==
             "<p><strong>Mei:</strong> Hello</p>");
  BOOST_TEST(own_key_of(write).empty());
}

BOOST_AUTO_TEST_CASE(names_are_text_and_who_writes_as_themselves_needs_none) {
  const auto html = [](std::string name, std::string content, bool own) {
    return html_to_write({std::move(content), "", {"om_a", "om_1", author(std::move(name), own)}});
  };
  BOOST_TEST(html("<b>&", "<p>x</p>", false) == "<p><strong>&lt;b&gt;&amp;:</strong> x</p>");
  BOOST_TEST(html("", "<p>x</p>", false) == "<p><strong>Somebody:</strong> x</p>");
  BOOST_TEST(html("Mei", "<pre>x</pre>", false) == "<p><strong>Mei:</strong></p><pre>x</pre>");
  BOOST_TEST(html("Mei", "<p>x</p>", true) == "<p>x</p>");
  BOOST_TEST(html(std::string(5'000, 'x'), "<p>y</p>", false).size() < 200u);
  BOOST_TEST(own_key_of(comment_creation{"", "", {"om_a", "om_1", author("Mei", true)}}) ==
             "ou_Mei");
  BOOST_TEST(credential_of(comment_creation{"", "", {"om_a", "om_1", author("Mei", true)}}) ==
             "lark.person.ou_Mei");
  BOOST_TEST(credential_of(comment_creation{"", "", {"om_a", "om_1", author()}}).empty());
}

BOOST_AUTO_TEST_CASE(without_personal_keys_everybody_s_name_is_in_front) {
  auto edit = to_state("om_1", doing, "om_a", author("Mei", true));
  lane l;
  l.take(asked(edit));
  for (const plane_write& w :
       {plane_write{comment_creation{"<p>x</p>", "", {"om_a", "om_1", author("Mei", true)}}},
        plane_write{comment_strike{"c1", {"om_a", "om_1", author("Mei", true)}}}, l.write(),
        plane_write{thread_wants_item{"", "", "", "", "", "", author("Mei", true)}}}) {
    BOOST_TEST(!credential_of(w).empty());
    BOOST_TEST(credential_of(as_integration(w)).empty());
  }
  const plane_write c{comment_creation{"<p>x</p>", "", {"om_a", "om_1", author("Mei", true)}}};
  BOOST_TEST(html_to_write(std::get<comment_creation>(as_integration(c))) ==
             "<p><strong>Mei:</strong> x</p>");
}

BOOST_AUTO_TEST_CASE(a_message_becomes_one_comment_however_often_it_is_told) {
  lane l;
  l.take(asked(comments("om_1")));
  const auto again = asked(comments("om_1"), l.queued());
  BOOST_TEST(again.empty());
  l.take(asked(comments("om_2"), l.queued()));
  BOOST_TEST(l.queued().size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_comment_written_answers_its_author_and_tells_the_others) {
  lane l;
  l.take(asked(comments("om_1")));
  plane_outcome o;
  o.comment = "c1";
  const auto s = settle_plane_write(l.write(), o, known(), two, setting());
  BOOST_TEST(same_values(s.now, known()));
  BOOST_TEST(s.plan.hand_overs.size() == 2u);
  const auto a = told<item_answered>(s.plan, "om_a").at(0);
  BOOST_TEST(a.ok);
  BOOST_TEST(a.message == "om_1");
  BOOST_TEST(a.comment == "c1");
  BOOST_TEST(a.now->name == "Ship it");
  const auto t = told<item_commented>(s.plan, "om_b").at(0);
  BOOST_TEST(t.html == "<p>Hello</p>");
  BOOST_TEST(t.author == "Mei");
  BOOST_TEST(t.from_thread == "om_a");
  BOOST_TEST(t.from_message == "om_1");
}

BOOST_AUTO_TEST_CASE(a_comment_that_died_is_told_to_its_author_with_the_reason) {
  lane l;
  l.take(asked(comments("om_1")));
  plane_outcome o;
  o.failed = broken("You do not have permission");
  const auto s = settle_plane_write(l.write(), o, known(), two, setting());
  BOOST_TEST(s.plan.hand_overs.size() == 1u);
  const auto a = told<item_answered>(s.plan, "om_a").at(0);
  BOOST_TEST(!a.ok);
  BOOST_TEST(a.text == "the comment was not written: You do not have permission; ask an admin");
}

BOOST_AUTO_TEST_CASE(a_recalled_message_is_never_written_or_struck_out) {
  lane l;
  l.take(asked(comments("om_1")));
  const thread_recalled recalled{"om_a", "om_1", ""};
  BOOST_TEST(asked(recalled, l.queued()).cancel.size() == 1u);
  // Sent already: it is struck out behind it.
  l.head().attempted = true;
  const auto p = asked(recalled, l.queued());
  BOOST_TEST(p.cancel.empty());
  BOOST_TEST(p.writes.at(0).operation == "plane.strike_comment");
  l.take(p);
  BOOST_TEST(asked(recalled, l.queued()).empty());  // told twice
  l.pop();
  const auto write = l.write();
  BOOST_TEST(std::get<comment_strike>(write).by.message == "om_1");
  plane_outcome o;
  o.comment = "c1";
  const auto s = settle_plane_write(write, o, known(), two, setting());
  BOOST_TEST(told<item_commented>(s.plan, "om_a").empty());
  BOOST_TEST((told<item_commented>(s.plan, "om_b").at(0).how == item_commented::what::deleted));
  o.gone = true;
  BOOST_TEST(settle_plane_write(write, o, known(), two, setting()).plan.hand_overs.empty());
}

BOOST_AUTO_TEST_CASE(fields_asked_for_become_one_write) {
  auto e = edits("om_1");
  e.state = doing;
  e.prio = plane::priority::urgent;
  e.target_date = "2026-12-24";
  e.start_date = "";
  e.name = "Sail";
  e.assignees = std::vector<std::string>{"u3", "u1", "u3"};
  e.labels_added = {"l3"};
  e.labels_removed = {"l1"};
  const auto p = asked(e);
  BOOST_REQUIRE(p.writes.size() == 1u);
  BOOST_TEST((p.writes[0].how == wanted_plane_write::kind::state));
  BOOST_TEST(p.writes[0].object == "fields");
  lane l;
  l.take(p);
  const auto update = update_in(l);
  BOOST_TEST(update.fields.size() == 8u);
  BOOST_TEST(update.fields[0].base == "s1");
  const auto c = change_of(update);
  BOOST_TEST(*c.set.state == doing);
  BOOST_TEST((*c.set.prio == plane::priority::urgent));
  BOOST_TEST(*c.set.target_date == "2026-12-24");
  BOOST_TEST(c.set.start_date->empty());
  BOOST_TEST(*c.set.name == "Sail");
  BOOST_TEST(*c.set.assignees == (std::vector<std::string>{"u1", "u3"}),
             boost::test_tools::per_element());
  BOOST_TEST(c.labels_added == std::vector<std::string>{"l3"}, boost::test_tools::per_element());
  BOOST_TEST(c.labels_removed == std::vector<std::string>{"l1"}, boost::test_tools::per_element());
  auto nobody = edits("om_2");
  nobody.assignees = std::vector<std::string>{};
  lane n;
  n.take(asked(nobody));
  BOOST_TEST(change_of(update_in(n)).set.assignees->empty());
}

BOOST_AUTO_TEST_CASE(what_waits_takes_the_next_edit_and_the_one_it_replaces_is_answered) {
  lane l;
  l.take(asked(to_state("om_1", doing), l.queued()));
  auto due = edits("om_2", "om_b", author("Lin"));
  due.target_date = "2026-12-24";
  l.take(asked(due, l.queued()));
  BOOST_TEST(l.queued().size() == 1u);
  BOOST_TEST(update_in(l).fields.size() == 2u);
  const auto p = asked(to_state("om_3", done, "om_b"), l.queued());
  l.take(p);
  const auto update = update_in(l);
  BOOST_TEST(update.fields.size() == 2u);
  BOOST_TEST(update.fields[0].value == done);
  BOOST_TEST(update.fields[0].base == "s1");
  const auto a = told<item_answered>(p, "om_a").at(0);
  BOOST_TEST(a.message == "om_1");
  BOOST_TEST(!a.ok);
  BOOST_TEST(told<item_answered>(p, "om_b").empty());
}

BOOST_AUTO_TEST_CASE(the_same_wish_twice_is_one_write_and_both_are_answered) {
  lane l;
  l.take(asked(to_state("om_1", doing), l.queued()));
  l.take(asked(to_state("om_2", doing, "om_b"), l.queued()));
  l.take(asked(to_state("om_2", doing, "om_b"), l.queued()));
  BOOST_TEST(l.queued().size() == 1u);
  BOOST_TEST(update_in(l).fields.size() == 1u);
  plane_outcome o;
  o.item = work_item(2);
  o.item->state = plane::state_ref{doing, "Doing", plane::state_group::started};
  const auto s = settle_plane_write(l.write(), o, known(), two, setting());
  BOOST_TEST(told<item_answered>(s.plan, "om_a").size() == 1u);
  BOOST_TEST(told<item_answered>(s.plan, "om_b").size() == 1u);
  BOOST_TEST(told<item_changed>(s.plan, "om_a").empty());
  BOOST_TEST(told<item_changed>(s.plan, "om_b").empty());
  for (int n = 3; n < 40; ++n)
    l.take(asked(to_state("om_" + std::to_string(n), doing), l.queued()));
  BOOST_TEST(update_in(l).fields[0].by.size() == field_edit::max_askers);
}

BOOST_AUTO_TEST_CASE(back_to_where_it_was_before_it_was_sent_is_no_write_at_all) {
  lane l;
  l.take(asked(to_state("om_1", doing), l.queued()));
  const auto p = asked(to_state("om_2", "s1"), l.queued());
  BOOST_TEST(p.cancel.size() == 1u);
  BOOST_TEST(p.writes.empty());
  const auto a = told<item_answered>(p, "om_a");
  BOOST_TEST(a.size() == 2u);
  BOOST_TEST(!a[0].ok);
  BOOST_TEST(a[1].ok);
  l.take(p);
  BOOST_TEST(l.empty());
}

BOOST_AUTO_TEST_CASE(what_was_sent_is_never_replaced_and_its_value_is_the_next_one_s_base) {
  lane l;
  l.take(asked(to_state("om_1", doing), l.queued()));
  l.head().attempted = true;
  l.take(asked(to_state("om_2", done), l.queued(), 101));
  BOOST_TEST(l.queued().size() == 2u);
  const auto p = asked(to_state("om_3", doing), l.queued(), 102);
  BOOST_TEST(p.cancel == std::vector<std::int64_t>{2}, boost::test_tools::per_element());
  const auto later = asked(to_state("om_2", done), l.queued(), 101);
  BOOST_TEST(later.writes.at(0).replace.has_value());
  lane first;
  first.take(asked(to_state("om_1", doing), {}));
  first.head().attempted = true;
  BOOST_TEST((asked(to_state("om_2", done), first.queued(), 101).writes.at(0).due_at ==
              at(101) + setting().window));
}

BOOST_AUTO_TEST_CASE(people_with_keys_of_their_own_do_not_write_for_others) {
  lane l;
  l.take(asked(to_state("om_1", doing), l.queued()));
  l.take(asked(to_state("om_2", done, "om_a", author("Lin", true)), l.queued()));
  BOOST_TEST(l.queued().size() == 2u);
  // The bot's next edit must not go before Lin's.
  l.take(asked(to_state("om_3", todo), l.queued()));
  BOOST_TEST(l.queued().size() == 3u);
  l.pop();
  BOOST_TEST(own_key_of(l.write()) == "ou_Lin");
}

BOOST_AUTO_TEST_CASE(an_edit_that_arrived_answers_who_asked_and_tells_the_others) {
  lane l;
  l.take(asked(to_state("om_1", doing), l.queued()));
  plane_outcome o;
  o.item = work_item(2, "Sail");  // somebody renamed it meanwhile
  o.item->state = plane::state_ref{doing, "Doing", plane::state_group::started};
  const auto s = settle_plane_write(l.write(), o, known(), two, setting());
  BOOST_TEST(s.now.state.name == "Doing");
  BOOST_TEST(s.now.updated_at == time_text(2));
  const auto a = told<item_answered>(s.plan, "om_a").at(0);
  BOOST_TEST(a.ok);
  BOOST_TEST(a.now->state.name == "Doing");
  const auto here = told<item_changed>(s.plan, "om_a");
  BOOST_REQUIRE(here.size() == 1u);  // the name, by whomever; not the state
  BOOST_TEST(here[0].changes.size() == 1u);
  BOOST_TEST(here[0].changes[0].field == "name");
  const auto there = told<item_changed>(s.plan, "om_b");
  BOOST_REQUIRE(there.size() == 2u);
  BOOST_TEST(there[1].changes[0].field == "state");
  BOOST_TEST(there[1].actor == "Mei");
  BOOST_TEST(there[1].caused_by_thread == "om_a");
  BOOST_TEST(there[1].caused_by_message == "om_1");
}

BOOST_AUTO_TEST_CASE(a_webhook_before_our_own_answer_is_known_as_ours) {
  lane l;
  l.take(asked(to_state("om_1", doing), l.queued()));
  l.head().attempted = true;
  auto item = work_item(2);
  item.state = plane::state_ref{doing, "Doing", plane::state_group::started};
  const auto after = learn(known(), item);
  const auto event = said(plane::action::updated, "state");
  const auto p = plan_changes({known(), after, &event}, two, {}, l.queued(), at(101), setting());
  BOOST_TEST(told<item_changed>(p, "om_a").empty());
  BOOST_TEST(told<item_changed>(p, "om_b").at(0).caused_by_message == "om_1");
  // Then the answer comes: who asked is told, nobody is told again.
  plane_outcome o;
  o.item = item;
  const auto s = settle_plane_write(l.write(), o, after, two, setting());
  BOOST_TEST(s.plan.hand_overs.size() == 1u);
  BOOST_TEST(told<item_answered>(s.plan, "om_a").at(0).ok);
}

BOOST_AUTO_TEST_CASE(labels_of_ours_are_known_as_ours_only_when_all_of_them_are) {
  auto e = edits("om_1");
  e.labels_added = {"l3"};
  lane l;
  l.take(asked(e));
  l.head().attempted = true;
  auto item = work_item(2);
  item.labels.push_back({"l3", "bug"});
  auto p = plan_changes({known(), learn(known(), item)}, two, {}, l.queued(), at(101), setting());
  BOOST_TEST(told<item_changed>(p, "om_a").empty());
  BOOST_TEST(told<item_changed>(p, "om_b").at(0).caused_by_message == "om_1");
  item.labels.push_back({"l4", "ops"});
  p = plan_changes({known(), learn(known(), item)}, two, {}, l.queued(), at(101), setting());
  BOOST_TEST(told<item_changed>(p, "om_a").size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_newer_edit_in_plane_makes_what_waits_give_way) {
  struct row {
    const char* what;
    std::string state;
    double updated;
    bool attempted, gives_way;
  };
  for (const auto& r :
       {row{"newer", done, 200, false, true}, row{"older", done, 50, false, false},
        row{"the same wish", doing, 200, false, false}, row{"unchanged", "s1", 200, false, false},
        row{"sent already", done, 200, true, false}}) {
    BOOST_TEST_CONTEXT(r.what) {
      lane l;
      auto both = to_state("om_1", doing);
      both.target_date = "2026-12-24";
      l.take(asked(both));
      l.head().attempted = r.attempted;
      auto item = work_item(r.updated);
      item.state = plane::state_ref{r.state, "X", plane::state_group::started};
      if (r.state == "s1") item.state->name = "Todo";
      const auto p =
          plan_changes({known(), learn(known(), item)}, two, {}, l.queued(), at(201), setting());
      BOOST_TEST(p.writes.size() == (r.gives_way ? 1u : 0u));
      BOOST_TEST(told<item_answered>(p, "om_a").size() == (r.gives_way ? 1u : 0u));
      if (!r.gives_way) continue;
      l.take(p);
      BOOST_TEST(update_in(l).fields.size() == 1u);
      BOOST_TEST(update_in(l).fields[0].field == "target_date");
    }
  }
}

BOOST_AUTO_TEST_CASE(an_edit_that_died_tells_all_who_asked_once) {
  lane l;
  auto e = to_state("om_1", doing);
  e.prio = plane::priority::low;
  l.take(asked(e));
  l.take(asked(to_state("om_2", doing, "om_b"), l.queued()));
  plane_outcome o;
  o.failed = broken("no");
  const auto s = settle_plane_write(l.write(), o, known(), two, setting());
  BOOST_TEST(s.plan.hand_overs.size() == 2u);
  BOOST_TEST(told<item_answered>(s.plan, "om_a").at(0).text == "not changed: no; ask an admin");
  BOOST_TEST(!told<item_answered>(s.plan, "om_b").at(0).ok);
  BOOST_TEST(same_values(s.now, known()));
}

BOOST_AUTO_TEST_CASE(people_whom_plane_did_not_take_are_named) {
  lane l;
  auto e = edits("om_1");
  e.assignees = std::vector<std::string>{"u9"};
  l.take(asked(e));
  plane_outcome o;
  o.item = work_item(2);
  o.dropped = {"u9"};
  const auto s = settle_plane_write(l.write(), o, known(), two, setting());
  const auto a = told<item_answered>(s.plan, "om_a").at(0);
  BOOST_TEST(!a.ok);
  BOOST_TEST(a.text.find("u9") != std::string::npos);
  BOOST_TEST(told<item_changed>(s.plan, "om_a").empty());
}

BOOST_AUTO_TEST_CASE(what_is_asked_of_an_item_that_is_gone_is_refused_after_a_look) {
  auto gone = known();
  gone.where = presence::gone;
  for (const between& what : {between{comments("om_1")}, between{to_state("om_1", doing)}}) {
    const auto first = plan_thread_request(what, gone, two, {}, false, at(1), setting());
    BOOST_TEST(std::holds_alternative<needs_read>(first));
    const auto p = plan_of(plan_thread_request(what, gone, two, {}, true, at(1), setting()));
    BOOST_TEST(p.writes.empty());
    BOOST_TEST(!told<item_answered>(p, "om_a").at(0).ok);
  }
  const between bound{thread_bound{"om_c", "oc_team", true, true, true}};
  BOOST_TEST(std::holds_alternative<needs_read>(
      plan_thread_request(bound, {}, {}, {}, false, at(1), setting())));
}

BOOST_AUTO_TEST_CASE(conversations_come_and_go) {
  const auto bind = [](std::string thread, bool live, bool changes = true) {
    return between{thread_bound{std::move(thread), "oc_team", live, true, changes}};
  };
  const auto joined = asked(bind("om_c", true));
  BOOST_TEST((joined.bindings == std::vector{follows("om_c")}));
  BOOST_TEST(told<item_changed>(joined, "om_c").at(0).changes.empty());
  BOOST_TEST(told<item_changed>(joined, "om_c").at(0).now.name == "Ship it");
  BOOST_TEST(asked(bind("om_a", true)).bindings.empty());
  BOOST_TEST(asked(bind("om_a", true, false)).bindings.size() == 1u);
  const auto left = asked(bind("om_a", false));
  BOOST_TEST(!left.bindings.at(0).live);
  BOOST_TEST(left.hand_overs.empty());
  BOOST_TEST(asked(bind("om_never", false)).empty());
}

BOOST_AUTO_TEST_CASE(what_is_not_for_an_item_is_ignored_with_its_name) {
  const auto p = asked(between{chat_alarm{"x"}});
  BOOST_TEST(p.empty());
  BOOST_TEST(p.rule == "ignored: chat.alarm is not for a work item");
  const auto nothing = asked(between{edits("om_1")});
  BOOST_TEST(nothing.empty());
}

BOOST_AUTO_TEST_CASE(a_new_item_s_answer_carries_it) {
  const thread_wants_item w{"om_a", "oc_team", "om_1", project_id, "New", "", author()};
  plane_outcome o;
  o.item = work_item(1, "New");
  const auto a = settle_creation(w, o, setting());
  BOOST_TEST(a.ok);
  BOOST_TEST(a.message == "om_1");
  BOOST_TEST(a.now->name == "New");
  BOOST_TEST(marker_of(w) == "lark:om_1@oc_team");
  BOOST_TEST(read_marker("planebridge", marker_of(w))->chat == "oc_team");
  o.item.reset();
  o.failed = broken("no");
  BOOST_TEST(settle_creation(w, o, setting()).text ==
             "the work item was not created: no; ask an admin");
}

BOOST_AUTO_TEST_CASE(what_the_conversation_knows_by_name_is_not_asked_for_again) {
  lane l;
  auto e = to_state("om_1", doing);
  e.labels_added = {"l3"};
  e.assignees = {"u7"};
  e.names.states = {{doing, "In Progress", plane::state_group::started}, {"x", "Other", {}}};
  e.names.labels = {{"l3", "urgent"}, {"l4", "other"}};
  e.names.people = {{"u7", "gu.qi", ""}};
  l.take(asked(e));
  auto k = known();
  k.label_ids = {"l1"};
  k.labels = {"bug"};
  k.assignee_ids.clear();
  k.assignees.clear();
  const auto n = names_for(update_in(l), k);
  BOOST_REQUIRE(!n.states.empty());
  BOOST_TEST(n.states[0].name == "In Progress");
  BOOST_TEST((n.states[0].group == plane::state_group::started));
  for (const auto& s : n.states) BOOST_TEST(s.name != "Other");  // of what is set only
  BOOST_REQUIRE_EQUAL(n.labels.size(), 2U);
  BOOST_TEST(n.labels[0].name == "urgent");
  BOOST_TEST(n.labels[1].name == "bug");
  BOOST_REQUIRE_EQUAL(n.people.size(), 1U);
  BOOST_TEST(n.people[0].display_name == "gu.qi");
  // Another value has other names; an item heard of without names is to be read.
  auto later = to_state("om_2", "s9");
  later.names.states = {{"s9", "Review", plane::state_group::started}};
  l.take(asked(later, l.queued()));
  k.state.name.clear();
  k.labels = {""};
  const auto next = names_for(update_in(l), k);
  BOOST_REQUIRE_EQUAL(next.states.size(), 1U);
  BOOST_TEST(next.states[0].name == "Review");
  BOOST_REQUIRE_EQUAL(next.labels.size(), 1U);
}

BOOST_AUTO_TEST_CASE(an_edit_of_several_comes_back_from_its_payload_as_it_was) {
  lane l;
  auto e = to_state("om_1", doing, "om_a", author("梅 \"M\"", true));
  e.labels_added = {"l3"};
  e.names.states = {{doing, "进行中", plane::state_group::started}};
  e.names.labels = {{"l3", "urgent"}};
  l.take(asked(e));
  const auto w = update_in(l);
  const auto again = parse_plane_write(item_update::operation, to_json(plane_write{w}));
  BOOST_REQUIRE(again.has_value());
  BOOST_TEST(to_json(*again) == to_json(plane_write{w}));
  BOOST_TEST(own_key_of(*again) == own_key_of(plane_write{w}));
}
