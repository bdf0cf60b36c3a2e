// What a look into the calendar, and the end of a write, mean: judge_observation() and settle().
#define BOOST_TEST_MODULE calendar_observation
#include <boost/test/unit_test.hpp>

#include "calendar_support.hpp"

using namespace pb;
using namespace sync_calendar;
using namespace std::chrono_literals;
using ids = std::vector<std::int64_t>;

namespace {

calendar_plan judged(const observed_event& seen, const item_knowledge& k, const calendar_link& link,
                     const std::vector<queued_effect>& queued = {}, bool just_read = false,
                     const calendar_rules& rules = live_rules) {
  auto v = judge_observation(seen, k, link, queued, just_read, at(100), rules);
  if (v.needs_read) BOOST_FAIL("a read is asked for: " + v.needs_read->why);
  return v.plan;
}
void puts(const calendar_plan& p, const std::string& rule) {
  BOOST_REQUIRE_MESSAGE(p.effect.has_value(), p.rule);
  BOOST_TEST((p.effect->operation == calendar_operation::put));
  BOOST_TEST(p.rule == rule);
  BOOST_TEST((p.link.state == link_state::live));
}
void removes(const calendar_plan& p) {
  BOOST_REQUIRE_MESSAGE(p.effect.has_value(), p.rule);
  BOOST_TEST((p.effect->operation == calendar_operation::remove));
  BOOST_TEST(p.rule == "calendar: orphan removed");
}
item_knowledge in_state(presence where) {
  auto k = known_item(1);
  k.where = where;
  return k;
}
observed_event stranger(const std::string& project = project_id) {
  observed_event seen;
  seen.present = true;
  seen.href = event_href;
  seen.etag = "\"9\"";
  seen.project = project;
  seen.rendered_hash = "hash of Ship it";
  return seen;
}

}  // namespace

BOOST_AUTO_TEST_CASE(nothing_is_sent_for_what_is_already_right) {
  const auto k = known_item(1);
  nothing_happens(judged(untouched(written(k), k), k, written(k)), written(k));
}

BOOST_AUTO_TEST_CASE(a_look_during_a_write_tells_nothing) {
  const auto k = known_item(1);
  auto edited = untouched(written(k), k);
  edited.etag = "\"other\"";
  for (const auto& seen : {edited, absent()})
    nothing_happens(judged(seen, k, written(k), {waiting(7, print_of(k), true)}), written(k));
}

BOOST_AUTO_TEST_CASE(an_event_deleted_by_a_person_stays_deleted) {
  const auto k = known_item(1);
  const auto p = judged(absent(), k, written(k));
  BOOST_TEST(!p.effect.has_value());
  BOOST_TEST(p.link_changed);
  BOOST_TEST((p.link.state == link_state::muted));
  BOOST_TEST(p.link.base.href.empty());
  BOOST_TEST(p.link.base.planned == print_of(k));
  // However often it is looked for.
  nothing_happens(judged(absent(), k, p.link), p.link);
}

BOOST_AUTO_TEST_CASE(an_operator_brings_a_deleted_event_back) {
  const auto k = known_item(1);
  auto seen = absent();
  const auto muted = judged(seen, k, written(k)).link;
  seen.forced = true;
  puts(judged(seen, k, muted), "calendar: put again on request");
  puts(judged(seen, k, written(k)), "calendar: put again on request");
}

BOOST_AUTO_TEST_CASE(where_deleted_events_are_to_be_restored_the_next_look_restores_them) {
  const auto k = known_item(1);
  const auto muted = judged(absent(), k, written(k)).link;
  calendar_rules restoring;
  restoring.restore_deleted = true;
  for (const auto& link : {written(k), muted})
    puts(judge_observation(absent(), k, link, {}, false, at(100), restoring).plan,
         "calendar: deleted by a person, put back");
}

BOOST_AUTO_TEST_CASE(an_event_that_a_person_restores_is_followed_again) {
  const auto k = known_item(1);
  const auto muted = judged(absent(), k, written(k)).link;
  puts(judged(stranger(), k, muted), "calendar: adopted");
}

BOOST_AUTO_TEST_CASE(a_missing_event_whose_write_had_died_is_written) {
  const auto k = known_item(1);
  auto link = written(k);
  link.state = link_state::diverged;
  puts(judged(absent(), k, link), "calendar: missing");
  link = planned(k);
  link.state = link_state::diverged;
  puts(judged(absent(), k, link), "calendar: missing");
}

BOOST_AUTO_TEST_CASE(a_plan_that_died_is_not_looked_for_once_nothing_is_wanted) {
  const auto k = in_state(presence::gone);
  calendar_link given_up;
  given_up.state = link_state::diverged;
  given_up.base.planned = "as it was wanted once";
  const auto p = judged(absent(), k, given_up);
  BOOST_TEST(!p.effect.has_value());
  BOOST_TEST(p.link_changed);
  BOOST_TEST((p.link.state == link_state::removed));
  BOOST_TEST(p.link.base.planned.empty());
}

BOOST_AUTO_TEST_CASE(what_is_absent_and_not_wanted_settles_the_link) {
  const auto gone = in_state(presence::gone);
  const auto p = judged(absent(), gone, written(known_item(1)));
  BOOST_TEST(!p.effect.has_value());
  BOOST_TEST(p.link_changed);
  BOOST_TEST((p.link.state == link_state::removed));
  BOOST_TEST(p.link.base.href.empty());
  BOOST_TEST(p.link.base.planned.empty());
  nothing_happens(judged(absent(), gone, p.link), p.link);
  nothing_happens(judged(absent(), gone, {}), {});
}

BOOST_AUTO_TEST_CASE(a_fresh_database_deletes_nothing) {
  // Never seen: asked first. Still unknown after the read (its project refuses us): left alone.
  const auto v = judge_observation(stranger(), {}, {}, {}, false, at(100), live_rules);
  BOOST_TEST(v.needs_read.has_value());
  nothing_happens(judged(stranger(), {}, {}, {}, true), {});
  // Known, without a date, a draft or filtered, and no link of ours: another installation's.
  auto k = known_item(1);
  k.target_date.clear();
  nothing_happens(judged(stranger(), k, {}), {});
  k = known_item(1);
  k.draft = true;
  nothing_happens(judged(stranger(), k, {}), {});
  calendar_rules filtered;
  filtered.without_projects = {project_id};
  nothing_happens(judged(stranger(), known_item(1), {}, {}, false, filtered), {});
}

BOOST_AUTO_TEST_CASE(an_orphan_is_removed_when_it_is_tombstoned_here) {
  for (const auto where : {presence::gone, presence::archived}) {
    const auto p = judged(stranger(), in_state(where), {});
    removes(p);
    BOOST_TEST(p.link.base.href == event_href);
    BOOST_TEST(p.link.base.etag == "\"9\"");
    BOOST_TEST(p.link.base.project == project_id);
  }
}

BOOST_AUTO_TEST_CASE(an_orphan_is_removed_when_it_was_linked_here) {
  auto k = known_item(1);
  const auto link = written(k);
  k.target_date.clear();
  removes(judged(untouched(link, k), k, link));
}

BOOST_AUTO_TEST_CASE(an_event_that_comes_back_after_we_removed_it_is_removed_again) {
  // A write that was given up on landed late. The item is still there, without a date.
  auto k = known_item(1);
  k.target_date.clear();
  calendar_link removed;
  removed.state = link_state::removed;
  removed.base.project = k.project;
  removed.base.sent_at = at(50);
  const auto v = judge_observation(stranger(), k, removed, {}, false, at(100), live_rules);
  BOOST_REQUIRE(v.plan.effect.has_value());
  BOOST_TEST((v.plan.effect->operation == calendar_operation::remove));
  BOOST_TEST(v.plan.link.base.href == stranger().href);
}

BOOST_AUTO_TEST_CASE(a_linked_event_is_removed_before_a_copy_of_it_elsewhere) {
  auto k = known_item(1);
  const auto link = written(k);
  k.target_date.clear();
  auto copy = stranger(other_project);
  copy.href = former_href;
  const auto p = judged(copy, k, link);
  removes(p);
  BOOST_TEST(p.link.base.href == event_href);
  BOOST_TEST(p.link.base.project == project_id);
}

BOOST_AUTO_TEST_CASE(an_event_of_an_item_that_wants_one_is_adopted) {
  const auto k = known_item(1);
  const auto p = judged(stranger(), k, {});
  puts(p, "calendar: adopted");
  BOOST_TEST(p.link.base.href == event_href);
  BOOST_TEST(p.link.base.etag.empty());  // read and merged first
  BOOST_TEST(p.link.base.project == k.project);
}

BOOST_AUTO_TEST_CASE(what_differs_on_the_server_is_put_right) {
  const auto k = known_item(1);
  auto seen = untouched(written(k), k);
  seen.etag = "\"other\"";
  const auto edited = judged(seen, k, written(k));
  puts(edited, "calendar: edited in a client");
  // The etag that we know goes along: that it is another's edit shows by it.
  BOOST_TEST(edited.link.base.etag == "\"1\"");
  seen = untouched(written(k), k);
  seen.rendered_hash = "the project has a new name";
  puts(judged(seen, k, written(k)), "calendar: content differs");
  auto diverged = written(k);
  diverged.state = link_state::diverged;
  puts(judged(untouched(diverged, k), k, diverged), "calendar: content differs");
}

BOOST_AUTO_TEST_CASE(a_conflict_waits_for_a_person_who_then_starts_the_count_anew) {
  const auto k = known_item(1);
  auto link = written(k);
  link.state = link_state::conflict;
  link.base.put_back = {at(90), at(91), at(92)};
  auto seen = untouched(link, k);
  seen.etag = "\"other\"";
  nothing_happens(judged(seen, k, link), link);
  seen.forced = true;
  const auto p = judged(seen, k, link);
  puts(p, "calendar: edited in a client");
  auto o = put_outcome(k, 101);
  o.put_back = true;
  BOOST_TEST((settle(o, p.link).link.state == link_state::live));
}

BOOST_AUTO_TEST_CASE(a_copy_in_a_calendar_that_the_item_has_left_goes_only_if_linked_here) {
  const auto k = known_item(1);
  auto copy = stranger(other_project);
  copy.href = former_href;
  calendar_link planned;  // and on its way, or given up
  planned.base.planned = print_of(k);
  nothing_happens(judged(copy, k, planned), planned);
  const auto p = judged(copy, k, written(k));
  puts(p, "calendar: a copy in a former calendar");
  // The write confirms the right event first; the copy is deleted after.
  const auto s = settle(put_outcome(k, 101), p.link);
  BOOST_TEST(s.stale_href.value() == former_href);
  BOOST_TEST(s.stale_etag.value() == "\"9\"");
  BOOST_TEST(s.link.base.href == event_href);
  BOOST_TEST(s.link.base.project == project_id);
}

BOOST_AUTO_TEST_CASE(a_copy_elsewhere_does_not_stand_for_the_event_that_was_never_planned) {
  const auto k = known_item(1);
  auto copy = stranger(other_project);
  copy.href = former_href;
  calendar_link removed;  // while its project was not mirrored
  removed.state = link_state::removed;
  removed.base.project = other_project;
  const auto p = judged(copy, k, removed);
  puts(p, "calendar: missing, with a copy elsewhere");
  BOOST_TEST(p.link.base.project == project_id);
  BOOST_TEST(p.link.base.href.empty());
}

BOOST_AUTO_TEST_CASE(in_one_calendar_for_all_projects_there_are_no_copies_elsewhere) {
  const auto k = known_item(1);
  puts(judged(stranger(""), k, {}), "calendar: adopted");
  auto link = written(k);
  link.base.project = other_project;  // moved since it was written
  auto seen = untouched(link, k);
  seen.project = other_project;
  nothing_happens(judged(seen, k, link), link);
}

BOOST_AUTO_TEST_CASE(shadow_mode_looks_and_does_nothing_and_says_so_once) {
  const auto k = known_item(1);
  auto seen = untouched(written(k), k);
  seen.etag = "\"other\"";
  const auto p = judged(seen, k, written(k), {}, false, shadow_rules());
  BOOST_REQUIRE(p.effect);
  BOOST_TEST(p.effect->withheld);
  BOOST_TEST(!p.link_changed);
  const auto again = judged(seen, k, written(k), {withheld(7, print_of(k))}, false, shadow_rules());
  nothing_happens(again, written(k));
  BOOST_TEST(!judged(absent(), k, written(k), {}, false, shadow_rules()).link_changed);
  BOOST_TEST(!judged(absent(), in_state(presence::gone), written(k), {}, false, shadow_rules())
                  .link_changed);
}

BOOST_AUTO_TEST_CASE(a_look_after_going_live_drops_what_was_withheld) {
  const auto k = known_item(1);
  const auto p = judged(stranger(), k, {}, {withheld(7, print_of(k))});
  puts(p, "calendar: adopted");
  BOOST_TEST(p.cancel == ids{7});
}

BOOST_AUTO_TEST_CASE(a_written_event_becomes_the_base) {
  const auto k = known_item(1);
  auto o = put_outcome(k, 101);
  o.sequence = 3;
  const auto s = settle(o, planned(k));
  BOOST_TEST(s.rule == "calendar: written");
  BOOST_TEST((s.link.state == link_state::live));
  BOOST_TEST(s.link.base.href == event_href);
  BOOST_TEST(s.link.base.etag == "\"2\"");
  BOOST_TEST(s.link.base.agreed == print_of(k));
  BOOST_TEST(s.link.base.labels == k.labels);
  BOOST_TEST(s.link.base.sequence == 3);
  BOOST_TEST((s.link.base.sent_at == at(101)));
  BOOST_TEST(!s.stale_href.has_value());
  o.wrote = false;
  BOOST_TEST(settle(o, planned(k)).rule == "calendar: already right");
}

BOOST_AUTO_TEST_CASE(a_later_plan_is_not_overwritten_by_the_end_of_an_earlier_call) {
  const auto a = known_item(1), b = known_item(2, "B");
  const auto s = settle(put_outcome(a, 101), planned(b));
  BOOST_TEST(s.link.base.agreed == print_of(a));
  BOOST_TEST(s.link.base.planned == print_of(b));
}

BOOST_AUTO_TEST_CASE(a_removed_event_leaves_its_sequence_behind) {
  const auto k = known_item(1);
  auto link = written(k);
  link.base.planned.clear();
  link.base.sequence = 4;
  calendar_outcome o;
  o.operation = calendar_operation::remove;
  o.at = at(101);
  const auto s = settle(o, link);
  BOOST_TEST((s.link.state == link_state::removed));
  BOOST_TEST(s.link.base.href.empty());
  BOOST_TEST(s.link.base.hash.empty());
  BOOST_TEST(s.link.base.labels.empty());
  BOOST_TEST(s.link.base.agreed.empty());
  BOOST_TEST(s.link.base.sequence == 4);  // never lower, when it comes back
  link.base.planned = print_of(k);        // planned again meanwhile
  BOOST_TEST((settle(o, link).link.state == link_state::live));
}

BOOST_AUTO_TEST_CASE(an_item_that_moved_to_another_project_leaves_a_copy_to_delete) {
  auto k = known_item(1);
  auto link = written(k);
  link.base.project = other_project;
  link.base.href = former_href;
  const auto s = settle(put_outcome(k, 101), link);
  BOOST_TEST(s.stale_href.value() == former_href);
  BOOST_TEST(s.stale_etag.value() == "\"1\"");
  BOOST_TEST(s.link.base.project == project_id);
  BOOST_TEST(s.link.base.href == event_href);
}

BOOST_AUTO_TEST_CASE(a_move_within_one_calendar_for_all_deletes_nothing) {
  const auto k = known_item(1);
  auto link = written(k);
  link.base.project = other_project;
  BOOST_TEST(!settle(put_outcome(k, 101), link).stale_href.has_value());
  // The same resource, spelled by the server in its own way.
  link.base.href = "https://dav.example.org/home/planebridge-a/plane-issue-1@calplanebot.ics";
  BOOST_TEST(!settle(put_outcome(k, 101), link).stale_href.has_value());
}

BOOST_AUTO_TEST_CASE(three_edits_put_back_within_an_hour_are_a_conflict) {
  const auto k = known_item(1);
  auto link = written(k);
  const auto put_back = [&](double when) {
    auto o = put_outcome(k, when);
    o.put_back = true;
    link = settle(o, link).link;
    return link.state == link_state::conflict;
  };
  BOOST_TEST(!put_back(0));
  BOOST_TEST(!put_back(1800));
  BOOST_TEST(!put_back(3601));  // the first is longer ago than an hour
  BOOST_TEST(put_back(3700));
  // How often, and within what time, is a matter of configuration.
  calendar_rules patient;
  patient.put_back_limit = 2;
  patient.put_back_window = std::chrono::minutes{10};
  for (const auto& [again, conflict] : {std::pair{601.0, false}, std::pair{599.0, true}}) {
    auto o = put_outcome(k, 0);
    o.put_back = true;
    const auto first = settle(o, written(k), patient).link;
    o.at = at(again);
    BOOST_TEST((settle(o, first, patient).link.state == link_state::conflict) == conflict);
  }
  // What changed nothing, and what was our own change, does not count.
  link = written(k);
  for (int n = 0; n < 5; ++n) {
    auto o = put_outcome(k, n);
    o.wrote = n % 2 == 0;
    o.put_back = !o.wrote;
    link = settle(o, link).link;
  }
  BOOST_TEST((link.state == link_state::live));
}

BOOST_AUTO_TEST_CASE(the_words_of_link_states_are_read_back) {
  for (const auto s : {link_state::none, link_state::live, link_state::muted, link_state::diverged,
                       link_state::conflict, link_state::removed})
    BOOST_TEST((parse_link_state(to_string(s)) == s));
  BOOST_TEST((parse_link_state("garbage") == link_state::none));
}
