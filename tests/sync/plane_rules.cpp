#define BOOST_TEST_MODULE plane_rules
#include "sync/plane_rules.hpp"

#include <boost/test/unit_test.hpp>

#include "items.hpp"

using namespace pb;
using namespace pb::sync;
using namespace sync_items;
using plane::action;

BOOST_AUTO_TEST_CASE(the_first_snapshot_is_taken_whatever_its_action_says) {
  for (const auto what : {action::created, action::updated, action::other}) {
    const auto s = settled_by({}, webhook(work_item(5), 6, what));
    BOOST_TEST(s.changed);
    BOOST_TEST(s.rule == "applied: snapshot");
    BOOST_TEST(s.now.name == "Ship it");
    BOOST_TEST((s.now.last_event_at == at(6)));
  }
}

BOOST_AUTO_TEST_CASE(a_newer_snapshot_is_applied) {
  const auto s = settled_by(known_item(5), webhook(work_item(6, "New"), 7));
  BOOST_TEST(s.changed);
  BOOST_TEST(s.now.name == "New");
  BOOST_TEST(s.now.updated_at == time_text(6));
}

BOOST_AUTO_TEST_CASE(an_older_snapshot_never_rolls_a_field_back) {
  const auto s = settled_by(known_item(5), webhook(work_item(4.999999, "Old"), 7));
  BOOST_TEST(!s.changed);
  BOOST_TEST(s.rule == "stale: older than what is known");
  BOOST_TEST(s.now.name == "Ship it");
  BOOST_TEST(s.now.updated_at == time_text(5));
  BOOST_TEST((s.now.last_event_at == at(7)));  // heard all the same
}

BOOST_AUTO_TEST_CASE(a_creation_that_arrives_after_its_update_is_stale) {
  const auto s = settled_by(known_item(5, "Renamed"), webhook(work_item(1), 7, action::created));
  BOOST_TEST(!s.changed);
  BOOST_TEST(s.now.name == "Renamed");
}

BOOST_AUTO_TEST_CASE(equal_values_are_an_echo_at_the_same_and_at_a_later_time) {
  for (const double updated : {5.0, 6.0}) {
    const auto s = settled_by(known_item(5), webhook(work_item(updated), 7));
    BOOST_TEST(!s.changed);
    BOOST_TEST(s.rule == "absorbed: echo-by-value");
    BOOST_TEST(s.now.updated_at == time_text(updated));
  }
}

BOOST_AUTO_TEST_CASE(one_time_with_two_values_cannot_be_ordered_and_is_read) {
  BOOST_TEST(asks_for_a_read(known_item(5), webhook(work_item(5, "Other"), 7)));
}

BOOST_AUTO_TEST_CASE(times_are_compared_as_moments_and_not_as_text) {
  auto item = work_item(5, "Other");
  item.updated_at = "2026-03-01T08:00:06+08:00";  // 00:00:06Z
  BOOST_TEST(settled_by(known_item(5), webhook(item, 7)).changed);
  item.updated_at = "2026-03-01 00:00:04.5+00";
  BOOST_TEST(!settled_by(known_item(5), webhook(item, 7)).changed);
}

BOOST_AUTO_TEST_CASE(without_a_readable_time_the_item_is_read) {
  for (const char* time : {"", "yesterday"}) {
    auto item = work_item(5, "Other");
    item.updated_at = time;
    BOOST_TEST(asks_for_a_read(known_item(5), webhook(item, 7)), time);
    auto known = known_item(5);
    known.updated_at = time;
    BOOST_TEST(asks_for_a_read(known, webhook(work_item(6, "Other"), 7)), time);
  }
}

BOOST_AUTO_TEST_CASE(events_that_are_not_about_the_item_change_nothing) {
  auto comment = std::get<heard_webhook>(bare(9, 9));
  comment.event.about = plane::subject::comment;
  for (const auto what : {action::created, action::updated, action::deleted}) {
    comment.event.what = what;
    const auto s = settled_by(known_item(5), comment);
    BOOST_TEST(!s.changed);
    BOOST_TEST(s.rule.starts_with("ignored: "));
  }
  for (const char* field : {"link", "cycles", "modules", "reaction", ""}) {
    auto side = std::get<heard_webhook>(bare(9, 9, action::deleted));
    side.event.side_effect_only = true;
    side.event.field = field;
    const auto s = settled_by(known_item(5), side);
    BOOST_TEST((s.now.where == presence::here), field);
    BOOST_TEST(s.rule.starts_with("ignored: "));
  }
}

BOOST_AUTO_TEST_CASE(the_whole_item_on_a_side_effect_is_a_snapshot_like_any_other) {
  auto side = std::get<heard_webhook>(webhook(work_item(6, "New"), 7, action::deleted));
  side.event.side_effect_only = true;
  const auto s = settled_by(known_item(5), side);
  BOOST_TEST(s.changed);
  BOOST_TEST((s.now.where == presence::here));
  BOOST_TEST(s.now.name == "New");
}

BOOST_AUTO_TEST_CASE(an_explicit_deletion_leaves_a_tombstone_that_keeps_what_was_known) {
  const auto s = settled_by(known_item(5), bare(0, 9, action::deleted));
  BOOST_TEST(s.changed);
  BOOST_TEST((s.now.where == presence::gone));
  BOOST_TEST(s.now.name == "Ship it");
  BOOST_TEST(s.rule == "applied: deleted at the source");
  BOOST_TEST(!settled_by(s.now, bare(0, 10, action::deleted)).changed);
}

BOOST_AUTO_TEST_CASE(any_event_on_a_tombstone_causes_a_read) {
  for (const auto where : {presence::gone, presence::archived}) {
    auto known = known_item(5);
    known.where = where;
    BOOST_TEST(asks_for_a_read(known, webhook(work_item(4), 7)));
    BOOST_TEST(asks_for_a_read(known, webhook(work_item(6), 7)));
    BOOST_TEST(asks_for_a_read(known, bare(6, 7)));
    auto comment = std::get<heard_webhook>(bare(6, 7));
    comment.event.about = plane::subject::comment;
    BOOST_TEST(asks_for_a_read(known, comment));
    comment.event.about = plane::subject::work_item;
    comment.event.side_effect_only = true;
    BOOST_TEST(asks_for_a_read(known, comment));
    BOOST_TEST(asks_for_a_read(known, heard_hint{"a touch"}));
  }
}

BOOST_AUTO_TEST_CASE(a_read_that_finds_the_item_lifts_its_tombstone) {
  auto known = known_item(5);
  known.where = presence::gone;
  const auto s = settled_by(known, heard_item{work_item(5), at(9), true});
  BOOST_TEST(s.changed);
  BOOST_TEST((s.now.where == presence::here));
}

BOOST_AUTO_TEST_CASE(archived_and_draft_are_states_of_their_own) {
  auto item = work_item(6);
  item.archived_at = "2026-03-01";
  BOOST_TEST((settled_by(known_item(5), webhook(item, 7)).now.where == presence::archived));
  item = work_item(6);
  item.is_draft = true;
  const auto s = settled_by(known_item(5), webhook(item, 7));
  BOOST_TEST((s.now.where == presence::here));
  BOOST_TEST(s.now.draft);
}

BOOST_AUTO_TEST_CASE(
    an_archiving_without_the_item_counts_only_if_it_is_not_older_than_what_is_known) {
  BOOST_TEST(
      (settled_by(known_item(5), bare(6, 7, action::archived)).now.where == presence::archived));
  BOOST_TEST((settled_by({}, bare(6, 7, action::archived)).now.where == presence::archived));
  // Restored since, perhaps.
  BOOST_TEST(asks_for_a_read(known_item(8), bare(6, 9, action::archived)));
  auto untimed = std::get<heard_webhook>(bare(6, 9, action::archived));
  untimed.event.updated_at.clear();
  BOOST_TEST(asks_for_a_read(known_item(5), untimed));
}

BOOST_AUTO_TEST_CASE(an_event_without_the_whole_item_is_read) {
  BOOST_TEST(asks_for_a_read({}, bare(1, 1, action::created)));
  BOOST_TEST(asks_for_a_read(known_item(5), bare(6, 7)));
  BOOST_TEST(asks_for_a_read(known_item(5), bare(4, 7)));
}

BOOST_AUTO_TEST_CASE(one_read_answers_a_whole_burst_of_events_without_items) {
  const auto read = settled_by(known_item(5), heard_item{work_item(9, "New"), at(10), true});
  for (const double updated : {7.0, 8.0, 9.0}) {
    const auto s = settled_by(read.now, bare(updated, 9.5));
    BOOST_TEST(!s.changed);
    BOOST_TEST(s.rule == "absorbed: read after this event");
  }
  BOOST_TEST(asks_for_a_read(read.now, bare(8, 10.5)));   // journaled after the read was sent
  BOOST_TEST(asks_for_a_read(read.now, bare(9.1, 9.5)));  // newer than what was read
}

BOOST_AUTO_TEST_CASE(a_direct_read_is_the_present_even_when_plane_went_back_in_time) {
  const auto s = settled_by(known_item(5, "Lost"), heard_item{work_item(2), at(9), true});
  BOOST_TEST(s.changed);
  BOOST_TEST(s.now.name == "Ship it");
  BOOST_TEST(s.now.updated_at == time_text(2));
  BOOST_TEST(s.rule == "applied: read, source went back");
  // And life goes on from there.
  BOOST_TEST(settled_by(s.now, webhook(work_item(3, "Again"), 10)).changed);
}

BOOST_AUTO_TEST_CASE(a_list_asked_for_before_a_webhook_came_never_overwrites_it) {
  auto known = settled_by(known_item(5), webhook(work_item(8, "New"), 9)).now;
  BOOST_TEST(settled_by(known, heard_item{work_item(5), at(8.5), false}).rule ==
             "stale: listed before what is known");
  BOOST_TEST(settled_by(known, heard_item{work_item(8, "New"), at(8.5), false}).now.name == "New");
  // Newer by Plane's time, yet asked for before: only a read can tell.
  BOOST_TEST(asks_for_a_read(known, heard_item{work_item(8.7, "Newer"), at(8.5), false}));
  // Asked for after the webhook: the present.
  BOOST_TEST(settled_by(known, heard_item{work_item(8.7, "Newer"), at(9.5), false}).changed);
  BOOST_TEST(settled_by(known, heard_item{work_item(3), at(9.5), false}).changed);
}

BOOST_AUTO_TEST_CASE(a_list_asked_for_before_a_read_neither_overwrites_nor_revives) {
  const auto read = settled_by(known_item(5), heard_item{work_item(8, "New"), at(9), true}).now;
  BOOST_TEST(settled_by(read, heard_item{work_item(5), at(8), false}).now.name == "New");
  const auto gone = settled_by(known_item(5), heard_gone{at(9)}).now;
  const auto s = settled_by(gone, heard_item{work_item(5), at(8), false});
  BOOST_TEST((s.now.where == presence::gone));
  BOOST_TEST(asks_for_a_read(gone, heard_item{work_item(6), at(8), false}));
  // A list asked for afterwards that shows it is an answer of Plane: it is there.
  BOOST_TEST(
      (settled_by(gone, heard_item{work_item(6), at(10), false}).now.where == presence::here));
}

BOOST_AUTO_TEST_CASE(absence_is_a_question_and_a_confirmed_404_is_the_answer) {
  BOOST_TEST(asks_for_a_read(known_item(5), heard_hint{"a full scan did not list it"}));
  const auto s = settled_by(known_item(5), heard_gone{at(9)});
  BOOST_TEST((s.now.where == presence::gone));
  BOOST_TEST(s.rule == "applied: gone, confirmed by reading");
}

BOOST_AUTO_TEST_CASE(a_project_that_refuses_us_is_not_a_deletion) {
  const auto s = settled_by(known_item(5), heard_unreachable{"the project answers 403"});
  BOOST_TEST(!s.changed);
  BOOST_TEST((s.now.where == presence::here));
  BOOST_TEST(s.rule == "parked: the project answers 403");
}
