#define BOOST_TEST_MODULE restart
#include "sync/restart.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

using namespace pb::sync;
using namespace std::chrono_literals;
using ms = std::chrono::milliseconds;

namespace {
constexpr restart_policy policy{4, 60s, 100ms, 30s};
}

BOOST_AUTO_TEST_CASE(each_restart_within_the_window_waits_twice_as_long_at_most) {
  std::deque<ms> history;
  for (const auto expected : {100, 200, 400, 800}) {
    const auto v = decide_restart(history, policy, 1s, 1.0);
    BOOST_TEST(!v.beyond_intensity);
    BOOST_TEST(v.delay.count() == expected);
  }
}

BOOST_AUTO_TEST_CASE(the_wait_is_drawn_between_nothing_and_its_ceiling) {
  for (const auto& [draw, expected] : std::initializer_list<std::pair<double, int>>{
           {0.0, 0}, {0.25, 50}, {0.5, 100}, {0.75, 150}}) {
    std::deque<ms> history{1s};
    BOOST_TEST(decide_restart(history, policy, 1s, draw).delay.count() == expected);
  }
}

BOOST_AUTO_TEST_CASE(beyond_the_intensity_it_waits_the_cap_and_says_so) {
  std::deque<ms> history{1s, 2s, 3s, 4s};
  for (int i = 0; i < 3; ++i) {
    const auto v = decide_restart(history, policy, 5s, 0.0);
    BOOST_TEST(v.beyond_intensity);
    BOOST_TEST(v.delay.count() == ms{30s}.count());
    BOOST_TEST(history.size() == 4U);  // refusals do not prolong themselves
  }
}

BOOST_AUTO_TEST_CASE(restarts_older_than_the_window_are_forgotten) {
  std::deque<ms> history{1s, 2s, 3s, 4s};
  BOOST_TEST(decide_restart(history, policy, 61s, 0.0).beyond_intensity);
  const auto v = decide_restart(history, policy, 61'001ms, 1.0);
  BOOST_TEST(!v.beyond_intensity);
  BOOST_TEST(v.delay.count() == 800);  // the fourth that is remembered
  BOOST_TEST(decide_restart(history, policy, 1h, 1.0).delay.count() == 100);
}

BOOST_AUTO_TEST_CASE(the_wait_never_exceeds_the_cap_however_many_there_were) {
  restart_policy many = policy;
  many.max_restarts = 100'000;
  std::deque<ms> history;
  for (int i = 0; i < 200; ++i)
    BOOST_TEST(decide_restart(history, many, 1s, 1.0).delay <= many.cap);
}

BOOST_AUTO_TEST_CASE(no_window_has_more_restarts_than_the_intensity_allows) {
  BOOST_TEST(rc::check([] {
    std::deque<ms> history;
    std::deque<ms> started;
    ms now{0};
    for (int n = *rc::gen::inRange(1, 80); n > 0; --n) {
      now += ms{*rc::gen::inRange(0, 20'000)};
      const auto v = decide_restart(history, policy, now, *rc::gen::inRange(0, 1'000) / 1000.0);
      RC_ASSERT(v.delay >= 0ms && v.delay <= policy.cap);
      RC_ASSERT(history.size() <= policy.max_restarts);
      if (v.beyond_intensity) continue;
      started.push_back(now);
      while (now - started.front() > policy.window) started.pop_front();
      RC_ASSERT(started.size() <= policy.max_restarts);
    }
  }));
}
