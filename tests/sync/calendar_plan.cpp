// What a changed work item means for its event: plan_calendar(), wants_event(), fingerprint().
#define BOOST_TEST_MODULE calendar_plan
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <set>
#include <tuple>
#include <vector>

#include "calendar_support.hpp"

using namespace pb;
using namespace sync_calendar;
using namespace std::chrono_literals;
using ids = std::vector<std::int64_t>;

namespace {
calendar_plan plan(const item_knowledge& k, const calendar_link& link,
                   const std::vector<queued_effect>& queued = {}, double now = 100,
                   const calendar_rules& rules = live_rules) {
  return plan_calendar(k, link, queued, at(now), rules);
}
item_knowledge without_date(item_knowledge k) {
  k.target_date.clear();
  return k;
}
}  // namespace

BOOST_AUTO_TEST_CASE(an_event_is_wanted_for_a_listed_item_with_a_target_date) {
  using change = void (*)(item_knowledge&);
  const std::vector<std::pair<change, bool>> table{
      {[](auto&) {}, true},
      {[](auto& k) { k.target_date.clear(); }, false},
      {[](auto& k) { k.draft = true; }, false},
      {[](auto& k) { k.where = presence::archived; }, false},
      {[](auto& k) { k.where = presence::gone; }, false},
      {[](auto& k) { k.where = presence::unknown; }, false},
      {[](auto& k) { k.start_date = "2027-01-01"; }, true},
      {[](auto& k) { k.state.group = plane::state_group::cancelled; }, true},
  };
  for (const auto& [make, wanted] : table) {
    auto k = known_item(1);
    make(k);
    BOOST_TEST(wants_event(k, live_rules) == wanted);
    BOOST_TEST(print_of(k).empty() == !wanted);
  }
}

BOOST_AUTO_TEST_CASE(projects_are_all_mirrored_unless_filtered) {
  const auto k = known_item(1);
  calendar_rules rules;
  rules.only_projects = {other_project};
  BOOST_TEST(!wants_event(k, rules));
  rules.only_projects.emplace_back(project_id);
  BOOST_TEST(wants_event(k, rules));
  rules.without_projects = {project_id};
  BOOST_TEST(!wants_event(k, rules));
}

namespace {
plane::project named(const char* id, const char* identifier) {
  plane::project p;
  p.id = id;
  p.identifier = identifier;
  return p;
}
}  // namespace

BOOST_AUTO_TEST_CASE(projects_are_filtered_by_identifier_as_well_as_by_uuid) {
  const std::vector<plane::project> all{named(project_id, "WEB"), named(other_project, "OPS")};
  auto k = known_item(1);
  for (const auto& [only, without, wanted] :
       std::vector<std::tuple<std::vector<std::string>, std::vector<std::string>, bool>>{
           {{}, {}, true},
           {{"WEB"}, {}, true},
           {{"OPS"}, {}, false},
           {{"OPS", project_id}, {}, true},
           {{}, {"WEB"}, false},
           {{}, {"OPS"}, true},
           {{}, {"web"}, true},  // Plane's identifiers are in upper case
           {{"NONE"}, {}, false}}) {
    calendar_rules rules;
    rules.only_projects = only;
    rules.without_projects = without;
    const auto named_rules = with_names(rules, all, true);
    BOOST_TEST(!named_rules.names_pending);
    BOOST_TEST(wants_event(k, named_rules) == wanted);
    // Again, with what it gave: the same.
    BOOST_TEST(with_names(named_rules, all, true).only_projects == named_rules.only_projects);
  }
}

BOOST_AUTO_TEST_CASE(before_the_projects_are_read_nothing_is_planned_and_nothing_removed) {
  calendar_rules rules;
  rules.only_projects = {"WEB"};
  const auto pending = with_names(rules, {}, false);
  BOOST_TEST(pending.names_pending);
  const auto k = known_item(1);
  const auto changed = known_item(2, "New name");
  BOOST_TEST(undecided(k, pending));
  for (const auto& link : {calendar_link{}, written(k)}) {
    const auto p = plan_calendar(changed, link, {}, at(100), pending);
    nothing_happens(p, link);
    BOOST_TEST(p.rule.starts_with("parked: "));
    observed_event seen = untouched(written(k), k);
    seen.etag = "\"other\"";
    for (const auto& look : {seen, absent()})
      nothing_happens(judge_observation(look, changed, link, {}, false, at(100), pending).plan,
                      link);
  }
  // What is no longer wanted for another reason goes all the same.
  auto gone = k;
  gone.where = presence::gone;
  BOOST_TEST(plan_calendar(gone, written(k), {}, at(100), pending).effect.has_value());
  // A project that is named by its uuid is decided, and so is one whose identifier was found.
  rules.only_projects.emplace_back(project_id);
  BOOST_TEST(!undecided(k, with_names(rules, {}, false)));
  rules.only_projects = {"WEB"};
  BOOST_TEST(!with_names(rules, std::vector{named(project_id, "WEB")}, false).names_pending);
  // Then it is planned.
  const auto known = with_names(rules, std::vector{named(project_id, "WEB")}, true);
  BOOST_TEST(plan_calendar(changed, written(k), {}, at(100), known).effect.has_value());
}

BOOST_AUTO_TEST_CASE(the_fingerprint_changes_with_what_the_event_shows_and_with_nothing_else) {
  const auto k = known_item(1);
  std::set<std::string> prints{print_of(k)};
  using change = void (*)(item_knowledge&);
  const std::vector<change> shown{
      [](auto& i) { i.name = "x"; },
      [](auto& i) { i.text = "x"; },
      [](auto& i) { i.prio = plane::priority::low; },
      [](auto& i) { i.target_date = "2026-11-22"; },
      [](auto& i) { i.state.name = "Doing"; },
      [](auto& i) { i.state.group = plane::state_group::completed; },
      [](auto& i) { i.assignees = {"ada"}; },
      [](auto& i) {
        i.assignees = {"ada", "lin", "api", "web"};
        i.labels.clear();
      },
      [](auto& i) { i.labels = {"api"}; },
      [](auto& i) { i.labels = {"api, web"}; },
      [](auto& i) { i.sequence_id = 43; },
      [](auto& i) { i.project = other_project; },
  };
  for (const auto make : shown) {
    auto other = k;
    make(other);
    BOOST_TEST(prints.insert(print_of(other)).second);
  }
  const std::vector<change> hidden{
      [](auto& i) { i.updated_at = time_text(9); },
      [](auto& i) { i.last_event_at = at(9); },
      [](auto& i) { i.state.id = "s9"; },
      [](auto& i) { i.start_date = "2026-11-01"; },
  };
  for (const auto make : hidden) {
    auto other = k;
    make(other);
    BOOST_TEST(print_of(other) == print_of(k));
  }
  calendar_rules span;
  span.start_to_target = true;
  auto started = k;
  started.start_date = "2026-11-01";
  BOOST_TEST(fingerprint(started, span) != fingerprint(k, span));
}

BOOST_AUTO_TEST_CASE(the_first_change_goes_at_once) {
  const auto k = known_item(1);
  const auto p = plan(k, {});
  BOOST_REQUIRE(p.effect);
  BOOST_TEST((p.effect->operation == calendar_operation::put));
  BOOST_TEST((p.effect->due_at == at(100)));
  BOOST_TEST(p.effect->fingerprint == print_of(k));
  BOOST_TEST(!p.effect->withheld);
  BOOST_TEST(!p.replace.has_value());
  BOOST_TEST(p.link_changed);
  BOOST_TEST((p.link.state == link_state::live));
  BOOST_TEST(p.link.base.planned == print_of(k));
  BOOST_TEST(p.link.base.agreed.empty());  // agreed only when it is written
}

BOOST_AUTO_TEST_CASE(further_changes_within_the_window_go_as_one_trailing_call) {
  const auto a = known_item(1), b = known_item(2, "B"), c = known_item(3, "C");
  const auto link = written(a, 98);
  const auto first = plan(b, link, {}, 100);
  BOOST_REQUIRE(first.effect);
  BOOST_TEST((first.effect->due_at == at(103)));  // 5 s after what went out at 98
  const auto second = plan(c, first.link, {waiting(7, print_of(b))}, 101);
  BOOST_REQUIRE(second.effect);
  BOOST_TEST(second.replace.value() == 7);
  BOOST_TEST((second.effect->due_at == at(103)));
  BOOST_TEST((plan(b, link, {}, 103.5).effect->due_at == at(103.5)));  // the window is over
}

BOOST_AUTO_TEST_CASE(while_a_call_is_under_way_the_next_one_is_a_trailing_one) {
  const auto a = known_item(1), b = known_item(2, "B");
  // The very first write: nothing was ever confirmed as sent.
  const auto p = plan(b, planned(a), {waiting(7, print_of(a), true)}, 100);
  BOOST_REQUIRE(p.effect);
  BOOST_TEST((p.effect->due_at == at(105)));
}

BOOST_AUTO_TEST_CASE(values_already_planned_cause_nothing) {
  const auto k = known_item(1);
  nothing_happens(plan(k, written(k)), written(k));
  nothing_happens(plan(k, planned(k), {waiting(7, print_of(k))}), planned(k));
  nothing_happens(plan(without_date(k), {}), {});
  auto touched = k;
  touched.updated_at = time_text(9);
  nothing_happens(plan(touched, written(k)), written(k));
}

BOOST_AUTO_TEST_CASE(what_waits_unsent_is_replaced_under_its_own_id) {
  const auto a = known_item(1), b = known_item(2, "B");
  auto p = plan(b, planned(a), {waiting(7, print_of(a))});
  BOOST_TEST(p.replace.value() == 7);
  BOOST_TEST((p.effect->operation == calendar_operation::put));
  BOOST_TEST(p.cancel.empty());
  // Also a write by a removal.
  p = plan(without_date(b), written(a), {waiting(8, print_of(b))});
  BOOST_TEST(p.replace.value() == 8);
  BOOST_TEST((p.effect->operation == calendar_operation::remove));
}

BOOST_AUTO_TEST_CASE(of_two_that_were_never_sent_the_newer_is_replaced_and_both_are_withdrawn) {
  // The first was under way when the second was planned, and was given back unsent.
  const auto a = known_item(1), b = known_item(2, "B"), c = known_item(3, "C");
  auto link = written(a);
  link.base.planned = print_of(b);
  const std::vector<queued_effect> two{waiting(7, "something else"), waiting(9, print_of(b))};
  BOOST_TEST(plan(c, link, two).replace.value() == 9);
  BOOST_TEST(plan(a, link, two).cancel == (ids{7, 9}));
  link = {};
  link.base.planned = print_of(b);
  BOOST_TEST(plan(without_date(b), link, two).cancel == (ids{7, 9}));
}

BOOST_AUTO_TEST_CASE(what_was_attempted_is_never_replaced_or_cancelled) {
  const auto a = known_item(1), b = known_item(2, "B"), c = known_item(3, "C");
  auto link = written(a);
  link.base.planned = print_of(b);
  for (const auto& next : {c, a, without_date(c)}) {
    const auto p = plan(next, link, {waiting(7, print_of(b), true)});
    BOOST_REQUIRE(p.effect);
    BOOST_TEST(!p.replace.has_value());
    BOOST_TEST(p.cancel.empty());
    // With a younger one behind it, that one is replaced.
    link.base.planned = "something else";
    BOOST_TEST(plan(next, link, {waiting(7, print_of(b), true), waiting(9, "something else")})
                   .replace.value() == 9);
    link.base.planned = print_of(b);
  }
}

BOOST_AUTO_TEST_CASE(a_revert_to_the_base_cancels_what_waits) {
  const auto a = known_item(1), b = known_item(2, "B");
  auto link = written(a);
  link.base.planned = print_of(b);
  const auto p = plan(a, link, {waiting(7, print_of(b))});
  BOOST_TEST(!p.effect.has_value());
  BOOST_TEST(p.cancel == ids{7});
  BOOST_TEST(p.link_changed);
  same_link(p.link, written(a));
}

BOOST_AUTO_TEST_CASE(a_date_that_comes_back_before_the_removal_was_sent_cancels_it) {
  const auto a = known_item(1);
  auto link = written(a);
  link.base.planned.clear();
  const auto p = plan(a, link, {waiting(7, "")});
  BOOST_TEST(p.cancel == ids{7});
  BOOST_TEST(!p.effect.has_value());
  BOOST_TEST((p.link.state == link_state::live));
}

BOOST_AUTO_TEST_CASE(a_date_taken_away_before_anything_was_written_leaves_nothing_to_do) {
  const auto k = known_item(1);
  const auto p = plan(without_date(k), planned(k), {waiting(7, print_of(k))});
  BOOST_TEST(!p.effect.has_value());
  BOOST_TEST(p.cancel == ids{7});
  BOOST_TEST(p.link.base.planned.empty());
  BOOST_TEST((p.link.state == link_state::removed));
  // But possibly sent is possibly written: then it has to be removed.
  const auto sent = plan(without_date(k), planned(k), {waiting(7, print_of(k), true)});
  BOOST_REQUIRE(sent.effect);
  BOOST_TEST((sent.effect->operation == calendar_operation::remove));
  BOOST_TEST(sent.cancel.empty());
}

BOOST_AUTO_TEST_CASE(an_event_that_is_no_longer_wanted_is_removed) {
  const auto k = known_item(1);
  auto gone = k;
  gone.where = presence::gone;
  auto draft = k;
  draft.draft = true;
  for (const auto& now_known : {without_date(k), gone, draft}) {
    const auto p = plan(now_known, written(k));
    BOOST_REQUIRE(p.effect);
    BOOST_TEST((p.effect->operation == calendar_operation::remove));
    BOOST_TEST(p.effect->fingerprint.empty());
    BOOST_TEST(p.link.base.href == event_href);  // needed for the removal itself
  }
  calendar_rules filtered;
  filtered.without_projects = {project_id};
  BOOST_TEST(
      (plan(k, written(k), {}, 100, filtered).effect->operation == calendar_operation::remove));
}

BOOST_AUTO_TEST_CASE(a_muted_event_stays_away_until_the_item_changes) {
  const auto a = known_item(1);
  auto link = written(a);
  link = judge_observation(absent(), a, link, {}, false, at(50), live_rules).plan.link;
  BOOST_TEST((link.state == link_state::muted));
  nothing_happens(plan(a, link), link);
  const auto p = plan(known_item(2, "B"), link);
  BOOST_REQUIRE(p.effect);
  BOOST_TEST((p.effect->operation == calendar_operation::put));
  BOOST_TEST((p.link.state == link_state::live));
  // Back again before that was sent: the item did change, so the event comes back.
  const auto back = plan(a, p.link, {waiting(7, p.effect->fingerprint)});
  BOOST_TEST(back.replace.value_or(0) == 7);
}

BOOST_AUTO_TEST_CASE(shadow_mode_withholds_and_never_moves_a_base) {
  const auto a = known_item(1), b = known_item(2, "B");
  for (const auto& link : {calendar_link{}, written(a)}) {
    const auto p = plan(b, link, {}, 100, shadow_rules());
    BOOST_REQUIRE(p.effect);
    BOOST_TEST(p.effect->withheld);
    BOOST_TEST(!p.link_changed);
    same_link(p.link, link);
    // Not again for the same values; a further change takes the place of the withheld one.
    nothing_happens(plan(b, link, {withheld(7, print_of(b))}, 101, shadow_rules()), link);
    const auto next =
        plan(known_item(3, "C"), link, {withheld(7, print_of(b))}, 102, shadow_rules());
    BOOST_TEST(next.replace.value() == 7);
    BOOST_TEST(next.effect->withheld);
    BOOST_TEST(!next.link_changed);
  }
}

BOOST_AUTO_TEST_CASE(in_shadow_mode_too_a_revert_cancels_what_was_withheld) {
  const auto a = known_item(1), b = known_item(2, "B");
  const auto p = plan(a, written(a), {withheld(7, print_of(b))}, 100, shadow_rules());
  BOOST_TEST(!p.effect.has_value());
  BOOST_TEST(p.cancel == ids{7});
  BOOST_TEST(!p.link_changed);
}

BOOST_AUTO_TEST_CASE(going_live_drops_what_was_withheld_and_plans_anew) {
  const auto a = known_item(1), b = known_item(2, "B");
  const auto p = plan(b, {}, {withheld(7, print_of(a)), withheld(8, print_of(b))});
  BOOST_TEST(p.cancel == (ids{7, 8}));
  BOOST_REQUIRE(p.effect);
  BOOST_TEST(!p.effect->withheld);
  BOOST_TEST(!p.replace.has_value());
  // Also when nothing is to be done beside it.
  const auto quiet = plan(a, written(a), {withheld(7, print_of(b))});
  BOOST_TEST(quiet.cancel == ids{7});
  BOOST_TEST(!quiet.effect.has_value());
}

namespace {

/// A lane as the issue actor keeps it, at a server that does what it is told.
struct lane {
  calendar_link link;
  std::vector<queued_effect> queued;
  std::int64_t last_id = 0;
  std::string on_server;  ///< fingerprint of what the calendar shows
  unsigned calls = 0;

  void take(const calendar_plan& p) {
    for (const auto id : p.cancel) {
      const auto it =
          std::find_if(queued.begin(), queued.end(), [id](const auto& q) { return q.id == id; });
      RC_ASSERT(it != queued.end());
      RC_ASSERT(!it->attempted);
      queued.erase(it);
    }
    if (p.replace) {
      auto& q = *std::find_if(queued.begin(), queued.end(),
                              [&](const auto& e) { return e.id == *p.replace; });
      RC_ASSERT(!q.attempted);
      q.fingerprint = p.effect->fingerprint;
    } else if (p.effect) {
      queued.push_back(waiting(++last_id, p.effect->fingerprint));
    }
    if (p.link_changed) link = p.link;
    RC_ASSERT(queued.size() <= 2U);  // one under way and one behind it
  }
  void send() {
    if (!queued.empty()) queued.front().attempted = true;
  }
  /// It was not sent after all: the connector let nothing through.
  void give_back() {
    if (!queued.empty()) queued.front().attempted = false;
  }
  /// The head ends well; it was rendered from what is known now.
  void succeed(const item_knowledge& k, double now) {
    if (queued.empty()) return;
    ++calls;
    const auto print = print_of(k);
    auto o = put_outcome(k, now);
    if (print.empty()) {
      o = {};
      o.operation = calendar_operation::remove;
      o.at = at(now);
    }
    on_server = print;
    link = settle(o, link).link;
    queued.erase(queued.begin());
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(whatever_happens_in_whatever_order_the_calendar_ends_as_the_item_is) {
  BOOST_TEST(rc::check([] {
    for (int n = 0; n < 20; ++n) {
      lane l;
      auto k = known_item(1);
      double now = 100;
      for (int steps = *rc::gen::inRange(1, 25); steps > 0; --steps) {
        now += *rc::gen::inRange(0, 4'000) / 1000.0;
        switch (*rc::gen::inRange(0, 6)) {
          case 0:
            k.name = std::string(1, static_cast<char>('a' + *rc::gen::inRange(0, 3)));
            break;
          case 1:
            k.target_date = *rc::gen::arbitrary<bool>() ? "2026-11-21" : "";
            break;
          case 2:
            k.where = *rc::gen::arbitrary<bool>() ? presence::here : presence::gone;
            break;
          case 3:
            l.send();
            break;
          case 4:
            l.give_back();
            break;
          default:
            l.send();
            l.succeed(k, now);
            break;
        }
        l.take(plan(k, l.link, l.queued, now));
        RC_ASSERT(l.link.base.planned == print_of(k));
      }
      while (!l.queued.empty()) l.succeed(k, now += 10);
      RC_ASSERT(l.on_server == print_of(k));
      RC_ASSERT(l.link.base.agreed == print_of(k));
      RC_ASSERT(l.link.base.href.empty() == print_of(k).empty());
      RC_ASSERT((l.link.state == link_state::live) == !print_of(k).empty());
    }
  }));
}

BOOST_AUTO_TEST_CASE(a_burst_of_any_length_costs_at_most_two_calls) {
  BOOST_TEST(rc::check([] {
    lane l;
    auto k = known_item(1);
    double now = 100;
    for (int edits = *rc::gen::inRange(1, 40); edits > 0; --edits) {
      k.name += "x";
      now += 0.05;
      const auto p = plan(k, l.link, l.queued, now);
      const bool at_once = p.effect && !p.replace && p.effect->due_at <= at(now);
      l.take(p);
      if (at_once) {  // and the answer takes longer than the next edits
        l.send();
        RC_ASSERT(l.calls == 0U);
      }
      if (edits % 5 == 0 && !l.queued.empty() && l.queued.front().attempted) l.succeed(k, now);
    }
    while (!l.queued.empty()) l.succeed(k, now += 10);
    RC_ASSERT(l.calls <= 2U);
    RC_ASSERT(l.on_server == print_of(k));
  }));
}
