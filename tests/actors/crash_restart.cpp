// The process dies at every commit and at every request of a scenario, before it and after it. The
// next one over the same store ends with the same calendar, each effect carried out once, nothing
// left unfinished.
#define BOOST_TEST_MODULE actors_crash_restart
#include <boost/test/unit_test.hpp>

#include "world.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;
using at = crash_point::at;

namespace {

struct scenario : world {
  explicit scenario(std::uint64_t seed = 1) : world(seed) {
    settings.concurrency.breaker_failures = 1000;
  }
  std::string moved, dropped, late, deleted;

  void play() {
    moved = create("Moved", "2026-12-04");
    dropped = create("Dropped", "2026-12-05");
    deleted = create("Deleted", "2026-12-06");
    pass(7s);
    move_to(moved, "2026-12-14");
    pass(1s);
    move_to(moved, "2026-12-15");
    move_to(dropped, "");
    remove(deleted);
    pass(8s);
    late = create("Late");
    edit(moved, R"({"name":"Moved far"})");
    pass(4s);
    move_to(late, "2027-01-01");
    pass(20s);
    // Deletions are found by a scan; lost webhooks by a poll.
    pass(20min);
    come_to_rest();
  }

  void check() {
    BOOST_TEST(left_over() == "");
    BOOST_TEST(dav.count(dropped) == 0u);
    BOOST_TEST(dav.count(deleted) == 0u);
    BOOST_TEST(dav.events() == 2u);
    BOOST_REQUIRE(dav.count(moved) == 1u);
    BOOST_REQUIRE(dav.count(late) == 1u);
    BOOST_TEST(property(dav.find(moved)->text, "DTSTART") == "20261215");
    BOOST_TEST(property(dav.find(moved)->text, "SUMMARY") == "[1] Moved far");
    BOOST_TEST(property(dav.find(late)->text, "DTSTART") == "20270101");
    BOOST_TEST(dav.calendars.size() == 1u);
    // Once: no write repeats the one before it, and SEQUENCE counts on.
    std::map<std::string, std::pair<std::string, int>> last;
    for (const auto& w : dav.writes) {
      if (w.text.empty()) {
        BOOST_TEST(!last[w.path].first.empty());
        last[w.path].first.clear();
        continue;
      }
      const auto date = property(w.text, "DTSTART");
      const auto shown = date + property(w.text, "SUMMARY") + property(w.text, "STATUS") +
                         property(w.text, "DESCRIPTION");
      const int sequence = std::stoi(property(w.text, "SEQUENCE"));
      auto& before = last[w.path];
      BOOST_TEST(shown != before.first);
      // SEQUENCE counts moves in time, each once.
      if (!before.first.empty())
        BOOST_TEST(sequence == before.second + (before.first.starts_with(date) ? 0 : 1));
      last[w.path] = {shown, sequence};
    }
    for (const auto& item : {moved, late}) BOOST_TEST(link(item)->state == "live");
    // And nothing is left to do: another full sync finds all right.
    const auto before = dav_writes();
    (void)sync_now();
    BOOST_TEST(settle());
    BOOST_TEST(dav_writes() == before);
  }
};

struct totals {
  unsigned commits = 0, requests = 0;
};
totals undisturbed() {
  scenario s;
  s.start();
  s.play();
  const totals t{s.commits(), s.requests()};
  s.check();
  return t;
}

void die_at_each(at where, unsigned upto) {
  for (unsigned n = 1; n <= upto; ++n) {
    BOOST_TEST_CONTEXT("at " << n << " of " << upto) {
      scenario s;
      s.crash_at({where, n});
      s.start();
      s.play();
      BOOST_TEST(s.crashes() == 1u);
      s.check();
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(without_a_crash_the_scenario_ends_right) {
  const auto t = undisturbed();
  BOOST_TEST(t.commits > 20u);
  BOOST_TEST(t.requests > 20u);
}
BOOST_AUTO_TEST_CASE(dying_just_before_any_commit_loses_and_doubles_nothing) {
  die_at_each(at::before_commit, undisturbed().commits);
}
BOOST_AUTO_TEST_CASE(dying_just_after_any_commit_loses_and_doubles_nothing) {
  die_at_each(at::after_commit, undisturbed().commits);
}
BOOST_AUTO_TEST_CASE(dying_just_before_any_request_loses_and_doubles_nothing) {
  die_at_each(at::before_request, undisturbed().requests);
}
BOOST_AUTO_TEST_CASE(dying_between_a_request_and_its_answer_loses_and_doubles_nothing) {
  die_at_each(at::after_request, undisturbed().requests);
}

BOOST_AUTO_TEST_CASE(dying_again_and_again_at_random_steps_still_ends_right) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      scenario s{seed};
      seeded_random draw{seed * 7919};
      const auto next = [&] { s.crash_at({at(draw.next() % 4), unsigned(draw.next() % 12) + 1}); };
      int left = 8;
      s.before_restart = [&] {
        if (--left > 0) next();
      };
      next();
      s.start();
      s.play();
      s.check();
    }
  }
}
