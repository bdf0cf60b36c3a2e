#define BOOST_TEST_MODULE sync_sentinel
#include "sync/sentinel.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

using namespace pb;
using namespace pb::sync;
using namespace std::chrono_literals;
using k = change_kind;

BOOST_TEST_DONT_PRINT_LOG_VALUE(webhook_state)

namespace {

const timestamp noon = *parse_rfc3339("2026-11-16T12:00:00Z");

/// A sentinel in a workspace where everything that Ada and Ben do on the page is announced.
struct watched {
  sentinel s;
  timestamp now = noon;
  int items = 0;

  explicit watched(bool experienced = true) {
    s.blind_until(now);
    now += 1min;
    if (!experienced) return;
    for (int n = 0; n < 4; ++n)
      for (const auto* who : {"ada", "ben"})
        for (const auto kind : {k::state, k::name, k::text, k::labels, k::created, k::dates})
          told(who, kind);
    now += 1min;
  }
  item_change change(const std::string& who, k kind, const std::string& item = {}) {
    item_change c;
    c.item = item.empty() ? "item-" + std::to_string(++items) : item;
    c.author = who;
    c.kinds.set(static_cast<std::size_t>(kind));
    c.made_at = now;
    return c;
  }
  void told(const std::string& who, k kind) {
    now += 1min;
    const auto c = change(who, kind);
    s.arrived(now + 300ms, true);
    s.told(c, now + 300ms);
  }
  /// Made now, found by the poll that comes after the grace.
  void missed(const std::string& who, k kind, const std::string& item = {}) {
    now += 31s;
    const auto c = change(who, kind, item);
    now += 90s;
    s.missed(c, now);
  }
  webhook_state state(sentinel_policy p = {}) {
    (void)s.judge(now, p);
    return s.verdict().state;
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(one_change_without_its_webhook_is_a_doubt_and_the_next_webhook_ends_it) {
  watched w;
  BOOST_TEST((w.state() == webhook_state::well));
  w.missed("ada", k::state);
  BOOST_TEST((w.state() == webhook_state::doubtful));
  BOOST_TEST(!remedy_of(w.s.verdict().state).empty());
  w.told("ben", k::name);
  BOOST_TEST((w.state() == webhook_state::well));
}

BOOST_AUTO_TEST_CASE(two_kinds_on_two_occasions_are_an_alarm_within_two_polls_of_the_second) {
  watched w;
  w.missed("ada", k::state);
  (void)w.state();
  w.missed("ben", k::text);
  BOOST_TEST((w.state() == webhook_state::silent));
  BOOST_TEST(w.s.verdict().unannounced == 2u);
}

BOOST_AUTO_TEST_CASE(one_kind_alone_must_be_missing_for_a_while) {
  watched w;
  w.missed("ada", k::state);
  w.missed("ben", k::state);
  BOOST_TEST((w.state() == webhook_state::doubtful));
  w.now += 10min;
  w.missed("ada", k::state);
  BOOST_TEST((w.state() == webhook_state::silent));
}

BOOST_AUTO_TEST_CASE(a_burst_is_one_occasion) {
  watched w;
  for (int n = 0; n < 20; ++n) {
    const auto c = w.change("ada", n % 2 == 0 ? k::state : k::labels);
    w.now += 1s;
    w.s.missed(c, w.now + 90s);
  }
  w.now += 2min;
  BOOST_TEST((w.state() == webhook_state::doubtful));
}

BOOST_AUTO_TEST_CASE(silence_without_changes_is_no_evidence) {
  watched w;
  w.now += 24h * 30;
  BOOST_TEST((w.state() == webhook_state::well));
}

BOOST_AUTO_TEST_CASE(where_no_webhook_ever_came_that_is_what_is_said) {
  watched w{false};
  for (const auto* who : {"ada", "ben", "ada"}) {
    w.missed(who, k::created);
    BOOST_TEST((w.state() == webhook_state::doubtful));
    BOOST_TEST(w.s.remedy() == remedy_of(webhook_state::never_arrived));
  }
  w.missed("ben", k::dates);
  BOOST_TEST((w.state() == webhook_state::never_arrived));
}

BOOST_AUTO_TEST_CASE(a_wrongly_signed_delivery_of_the_very_item_names_the_secret_at_once) {
  watched w;
  w.s.refused("item-x", w.now + 32s);
  w.missed("ada", k::state, "item-x");
  BOOST_TEST((w.state() == webhook_state::wrong_secret));
  BOOST_TEST(remedy_of(webhook_state::wrong_secret).find("PLANE_WEBHOOK_SECRET") !=
             std::string_view::npos);
}

BOOST_AUTO_TEST_CASE(wrongly_signed_deliveries_of_other_items_prove_nothing) {
  watched w;
  for (int n = 0; n < 1000; ++n) w.s.refused("forged-" + std::to_string(n), w.now);
  w.missed("ada", k::dates);
  BOOST_TEST(!is_alarm(w.state()));
  w.told("ada", k::state);
  BOOST_TEST((w.state() == webhook_state::well));
}

BOOST_AUTO_TEST_CASE(an_alarm_is_refined_when_the_cause_shows) {
  watched w;
  w.missed("ada", k::state);
  w.missed("ben", k::text);
  BOOST_TEST((w.state() == webhook_state::silent));
  w.s.refused("item-y", w.now + 32s);
  w.missed("ada", k::name, "item-y");
  BOOST_TEST((w.state() == webhook_state::wrong_secret));
}

BOOST_AUTO_TEST_CASE(webhooks_of_other_things_only_mean_that_work_items_are_not_ticked) {
  watched w;
  w.missed("ada", k::state);
  w.s.arrived(w.now, false);
  w.missed("ben", k::text);
  BOOST_TEST((w.state() == webhook_state::work_items_off));
  w.s.arrived(w.now + 1s, false);  // proves nothing now
  BOOST_TEST((w.state() == webhook_state::work_items_off));
  w.told("ada", k::state);
  BOOST_TEST((w.state() == webhook_state::well));
}

BOOST_AUTO_TEST_CASE(a_webhook_of_a_comment_ends_an_alarm_of_silence_once) {
  watched w;
  w.missed("ada", k::state);
  w.missed("ben", k::text);
  BOOST_TEST((w.state() == webhook_state::silent));
  w.s.arrived(w.now, false);
  BOOST_TEST((w.state() == webhook_state::well));
  w.missed("ada", k::state);
  w.s.arrived(w.now, false);
  w.missed("ben", k::text);
  BOOST_TEST((w.state() == webhook_state::work_items_off));
}

BOOST_AUTO_TEST_CASE(what_plane_may_make_without_a_webhook_is_no_alarm_however_often) {
  const struct {
    k kind;
    bool doubt;
  } rows[] = {{k::dates, true},     {k::created, true},  {k::touched, false},
              {k::archived, false}, {k::removed, false}, {k::other, false}};
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(to_string(row.kind)) {
      watched w;
      for (int n = 0; n < 40; ++n) {
        w.missed(n % 2 == 0 ? "ada" : "ben", row.kind);
        BOOST_TEST(!is_alarm(w.state()));
      }
      BOOST_TEST((w.state() == (row.doubt ? webhook_state::doubtful : webhook_state::well)));
    }
  }
}

BOOST_AUTO_TEST_CASE(even_those_are_believed_after_a_day_of_nothing_else) {
  watched w;
  for (int n = 0; n < 13; ++n) {
    w.missed(n % 2 == 0 ? "ada" : "ben", k::dates);
    w.now += 2h;
  }
  BOOST_TEST((w.state() == webhook_state::silent));
}

BOOST_AUTO_TEST_CASE(an_author_whose_writes_are_not_announced_is_learned_and_others_still_count) {
  watched w;
  for (int n = 0; n < 6; ++n) {  // by day, between what people do
    w.missed("program", k::state);
    w.told("ada", k::name);
    BOOST_TEST(!is_alarm(w.state()));
    w.now += 10min;
    (void)w.state();
  }
  for (int n = 0; n < 60; ++n) {  // a night of it
    w.missed("program", k::state);
    w.now += 8min;
    BOOST_TEST((w.state() == webhook_state::well));
  }
  w.missed("ada", k::state);
  BOOST_TEST((w.state() == webhook_state::doubtful));
  w.missed("ben", k::text);
  BOOST_TEST((w.state() == webhook_state::silent));
}

BOOST_AUTO_TEST_CASE(an_unknown_author_alone_raises_neither_doubt_nor_alarm) {
  watched w;
  for (int n = 0; n < 20; ++n) w.missed("new-program", k::state);
  BOOST_TEST((w.state() == webhook_state::well));
}

BOOST_AUTO_TEST_CASE(a_habit_that_causes_an_alarm_again_and_again_is_learned_too) {
  watched w;
  int alarms = 0;
  for (int night = 0; night < 20; ++night) {
    w.missed("ada", k::state);
    w.now += 15min;
    w.missed("ada", k::labels);
    if (is_alarm(w.state())) ++alarms;
    w.told("ben", k::name);
    (void)w.state();
    w.now += 12h;
    (void)w.state();
  }
  BOOST_TEST(alarms <= 3);
}

BOOST_AUTO_TEST_CASE(what_was_made_while_we_were_away_is_not_held_against_the_webhook) {
  watched w;
  const auto away = w.now;
  const auto a = w.change("ada", k::state), b = w.change("ben", k::text);
  w.now += 3h;
  w.s.blind_until(w.now);
  w.s.missed(a, w.now + 1s);
  w.s.missed(b, w.now + 1s);
  w.now += 1min;
  BOOST_TEST((w.state() == webhook_state::well));
  BOOST_TEST((away < w.now));
}

BOOST_AUTO_TEST_CASE(a_webhook_that_comes_late_after_all_counts_as_told) {
  watched w;
  const auto before = w.s.learned();
  const auto c = w.change("ada", k::state);
  w.now += 2min;
  w.s.missed(c, w.now);
  BOOST_TEST((w.state() == webhook_state::doubtful));
  auto again = c;
  again.kinds.reset();  // its value is known already
  w.s.told(again, w.now + 5min);
  w.now += 1h;
  BOOST_TEST((w.state() == webhook_state::well));
  const auto at = static_cast<std::size_t>(k::state);
  BOOST_TEST(w.s.learned()[at].missed == before[at].missed);
  BOOST_TEST(w.s.learned()[at].told == before[at].told + 1);
}

BOOST_AUTO_TEST_CASE(an_old_webhook_that_comes_late_does_not_end_an_alarm) {
  watched w;
  auto old = w.change("ada", k::priority);
  w.now += 5min;
  w.missed("ada", k::state);
  w.missed("ben", k::text);
  BOOST_TEST((w.state() == webhook_state::silent));
  w.s.arrived(w.now, true);
  w.s.told(old, w.now);
  BOOST_TEST((w.state() == webhook_state::silent));
}

BOOST_AUTO_TEST_CASE(a_webhook_that_waits_in_a_backlog_is_waited_for) {
  watched w;
  w.missed("ada", k::state);
  w.missed("ben", k::text);
  w.s.arrived(w.now, true);  // taken, not yet understood
  BOOST_TEST((w.state() == webhook_state::well));
  w.now += 3min;
  BOOST_TEST((w.state() == webhook_state::silent));
}

BOOST_AUTO_TEST_CASE(patience_zero_judges_nothing_and_a_long_one_doubts_longer) {
  watched w;
  w.missed("ada", k::state);
  w.missed("ben", k::text);
  sentinel_policy p;
  p.patience = 30min;
  BOOST_TEST((w.state(p) == webhook_state::doubtful));
  w.now += 30min;
  BOOST_TEST((w.state(p) == webhook_state::silent));
  p.patience = 0min;
  BOOST_TEST((w.state(p) == webhook_state::well));
}

BOOST_AUTO_TEST_CASE(a_verdict_and_what_was_learned_outlive_a_restart_without_being_told_again) {
  watched w;
  w.missed("ada", k::state);
  w.missed("ben", k::text);
  BOOST_TEST((w.state() == webhook_state::silent));
  auto before = sentinel::parse(w.s.to_json());
  BOOST_REQUIRE(before.has_value());
  BOOST_TEST(before->to_json() == w.s.to_json());
  sentinel after;
  after.restore(std::move(*before));
  after.blind_until(w.now);
  w.now += 1min;
  // What came before the restart is excused now, the alarm was not taken back by anything.
  BOOST_TEST((after.verdict().state == webhook_state::silent));
  BOOST_TEST(after.learned()[0].told == w.s.learned()[0].told);
  BOOST_TEST(!after.judge(w.now, {}));
  BOOST_TEST((after.verdict().state == webhook_state::silent));
}

BOOST_AUTO_TEST_CASE(what_is_stored_may_be_anything) {
  for (const auto* text : {"{", "[]", "1", "\"x\""}) BOOST_TEST(!sentinel::parse(text).has_value());
  const char* odd = R"({"heard":1,"life":-5,"offset_ms":1e9,"state":"odd","since":99999999999999999,
    "authors":{"a":[[1],[2,"x"],7,[-3,9999999]],"b":3},"misses":[1,{"kinds":99999,"made":-1}]})";
  const auto s = sentinel::parse(odd);
  BOOST_REQUIRE(s.has_value());
  auto copy = *s;
  (void)copy.judge(noon, {});
}

BOOST_AUTO_TEST_CASE(a_clock_of_planes_that_is_ahead_or_behind_shows_in_its_webhooks) {
  for (const auto skew : {-600s, -3s, 0s, 3s, 600s}) {
    BOOST_TEST_CONTEXT(skew.count()) {
      watched w{false};
      for (int n = 0; n < 8; ++n) {
        w.now += 1min;
        auto c = w.change("ada", k::state);
        c.made_at = w.now + skew;
        w.s.told(c, w.now + 200ms);
      }
      const auto expected = skew == -3s || skew == 3s || skew == 0s ? 0 : skew.count();
      BOOST_TEST(std::abs(w.s.clock_offset().count() - expected * 1000) <= 200);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_row_from_the_future_tells_that_plane_is_ahead_before_any_webhook_does) {
  sentinel s;
  s.listed(noon + 10min, noon);
  BOOST_TEST(s.clock_offset().count() == 600'000);
  s.listed(noon - 10min, noon);
  BOOST_TEST(s.clock_offset().count() == 600'000);
}

BOOST_AUTO_TEST_CASE(what_differs_between_two_states_of_an_item_is_named) {
  item_knowledge none, a;
  a.where = presence::here;
  a.name = "x";
  const auto only = [](change_kinds kinds, k one) {
    return kinds.count() == 1 && kinds.test(static_cast<std::size_t>(one));
  };
  BOOST_TEST(only(changes_between(none, a), k::created));
  BOOST_TEST(only(changes_between(a, a), k::touched));
  const auto with = [&](auto change) {
    auto b = a;
    change(b);
    return changes_between(a, b);
  };
  BOOST_TEST(only(with([](auto& b) { b.name = "y"; }), k::name));
  BOOST_TEST(only(with([](auto& b) { b.text = "y"; }), k::text));
  BOOST_TEST(only(with([](auto& b) { b.state.id = "y"; }), k::state));
  BOOST_TEST(only(with([](auto& b) { b.labels = {"y"}; }), k::labels));
  BOOST_TEST(only(with([](auto& b) { b.assignees = {"y"}; }), k::assignees));
  BOOST_TEST(only(with([](auto& b) { b.target_date = "2026-01-01"; }), k::dates));
  BOOST_TEST(only(with([](auto& b) { b.draft = true; }), k::other));
  BOOST_TEST(only(with([](auto& b) { b.where = presence::archived; }), k::archived));
  BOOST_TEST(only(with([](auto& b) { b.where = presence::gone; }), k::removed));
}

BOOST_AUTO_TEST_CASE(
    whatever_comes_no_alarm_without_a_find_and_every_alarm_ends_with_a_sign_of_life) {
  const bool ok = rc::check("any mixture", [](const std::vector<std::uint8_t>& steps) {
    watched w;
    std::size_t finds = 0;
    for (const auto step : steps) {
      const auto kind = static_cast<k>(step % change_kinds_known);
      const std::string who = step % 3 == 0 ? "ada" : step % 3 == 1 ? "ben" : "program";
      switch (step / 64) {
        case 0:
          w.told(who, kind);
          break;
        case 1:
          w.missed(who, kind);
          ++finds;
          break;
        case 2:
          w.s.arrived(w.now, false);
          break;
        default:
          w.now += std::chrono::minutes{step};
      }
      const auto state = w.state();
      RC_ASSERT(finds > 0 || state == webhook_state::well);
      RC_ASSERT(w.s.to_json().size() < 100'000);
      auto stored = sentinel::parse(w.s.to_json());
      const bool same = stored.has_value() && stored->to_json() == w.s.to_json();
      RC_ASSERT(same);
    }
    w.told("ada", k::state);
    RC_ASSERT(w.state() == webhook_state::well);
  });
  BOOST_TEST(ok);
}
