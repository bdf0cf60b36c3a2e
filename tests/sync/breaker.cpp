#define BOOST_TEST_MODULE breaker
#include "sync/breaker.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

using namespace pb::sync;
using namespace std::chrono_literals;
using ms = std::chrono::milliseconds;
using state = breaker::state;

BOOST_TEST_DONT_PRINT_LOG_VALUE(state)

namespace {

constexpr breaker_policy policy{3, 10s, 30s, 2};

/// Three failures in a row, the last one at `when`.
breaker opened(ms when) {
  breaker b{policy};
  for (int i = 0; i < 3; ++i) b.failed(when);
  return b;
}
bool lets_through(breaker& b, ms now) { return !b.refuse(now).has_value(); }

}  // namespace

BOOST_AUTO_TEST_CASE(failures_in_a_row_within_the_window_open_it) {
  breaker b{policy};
  b.failed(0s);
  b.failed(5s);
  BOOST_TEST((b.now_in() == state::closed));
  BOOST_TEST(lets_through(b, 5s));
  b.failed(10s);  // the first one is exactly a window old: it counts
  BOOST_TEST((b.now_in() == state::open));
}

BOOST_AUTO_TEST_CASE(failures_further_apart_than_the_window_do_not_add_up) {
  breaker b{policy};
  for (int i = 0; i < 50; ++i) b.failed(i * 5'001ms);
  BOOST_TEST((b.now_in() == state::closed));
}

BOOST_AUTO_TEST_CASE(a_success_between_failures_starts_the_count_anew) {
  breaker b{policy};
  for (int i = 0; i < 50; ++i) {
    b.failed(ms{i});
    b.failed(ms{i});
    b.succeeded(ms{i});
  }
  BOOST_TEST((b.now_in() == state::closed));
}

BOOST_AUTO_TEST_CASE(open_it_refuses_and_says_how_long) {
  auto b = opened(100s);
  BOOST_TEST(b.refuse(100s).value().count() == ms{30s}.count());
  BOOST_TEST(b.refuse(129'999ms).value().count() == 1);
  BOOST_TEST((b.now_in() == state::open));
}

BOOST_AUTO_TEST_CASE(answers_of_calls_sent_before_it_opened_change_nothing) {
  auto b = opened(100s);
  b.succeeded(101s);
  for (int i = 0; i < 5; ++i) b.failed(129s);
  BOOST_TEST(b.refuse(129s).has_value());
  BOOST_TEST(lets_through(b, 130s));  // not prolonged by the late failures
}

BOOST_AUTO_TEST_CASE(half_open_lets_one_probe_through_at_a_time) {
  auto b = opened(0s);
  BOOST_TEST(lets_through(b, 30s));
  BOOST_TEST((b.now_in() == state::half_open));
  BOOST_TEST(b.refuse(30s).value().count() > 0);
  b.succeeded(31s);
  BOOST_TEST((b.now_in() == state::half_open));  // one good probe is not enough
  BOOST_TEST(lets_through(b, 31s));
  BOOST_TEST(b.refuse(31s).has_value());
  b.succeeded(32s);
  BOOST_TEST((b.now_in() == state::closed));
  BOOST_TEST(lets_through(b, 32s));
  BOOST_TEST(lets_through(b, 32s));
}

BOOST_AUTO_TEST_CASE(a_failed_probe_opens_it_for_the_whole_time_again) {
  auto b = opened(0s);
  BOOST_TEST(lets_through(b, 30s));
  b.succeeded(31s);
  BOOST_TEST(lets_through(b, 31s));
  b.failed(40s);
  BOOST_TEST((b.now_in() == state::open));
  BOOST_TEST(b.refuse(40s).value().count() == ms{30s}.count());
  // Good probes of an earlier time do not count.
  BOOST_TEST(lets_through(b, 70s));
  b.succeeded(71s);
  BOOST_TEST((b.now_in() == state::half_open));
}

BOOST_AUTO_TEST_CASE(after_closing_the_count_starts_from_nothing) {
  auto b = opened(0s);
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST(lets_through(b, 30s));
    b.succeeded(30s);
  }
  b.failed(31s);
  b.failed(31s);
  BOOST_TEST((b.now_in() == state::closed));
}

BOOST_AUTO_TEST_CASE(a_probe_that_was_not_sent_after_all_gives_its_place_back) {
  auto b = opened(0s);
  BOOST_TEST(lets_through(b, 30s));
  b.not_tried();
  BOOST_TEST(lets_through(b, 30s));
}

BOOST_AUTO_TEST_CASE(a_probe_of_which_nothing_is_heard_does_not_hold_it_for_ever) {
  auto b = opened(0s);
  BOOST_TEST(lets_through(b, 30s));
  BOOST_TEST(b.refuse(59'999ms).has_value());
  BOOST_TEST(lets_through(b, 60s));
  BOOST_TEST(b.refuse(60s).has_value());  // its successor counts like any probe
  BOOST_TEST(lets_through(b, 90s));
}

BOOST_AUTO_TEST_CASE(states_have_names) {
  BOOST_TEST(to_string(state::closed) == "closed");
  BOOST_TEST(to_string(state::open) == "open");
  BOOST_TEST(to_string(state::half_open) == "half-open");
}

BOOST_AUTO_TEST_CASE(whatever_happens_it_lets_a_call_through_again_in_the_end) {
  BOOST_TEST(rc::check([] {
    breaker b{policy};
    ms now{0};
    for (int steps = *rc::gen::inRange(1, 60); steps > 0; --steps) {
      now += ms{*rc::gen::inRange(0, 20'000)};
      switch (*rc::gen::inRange(0, 4)) {
        case 0:
          (void)b.refuse(now);
          break;
        case 1:
          b.succeeded(now);
          break;
        case 2:
          b.failed(now);
          break;
        default:
          b.not_tried();
          break;
      }
      if (const auto wait = b.refuse(now)) RC_ASSERT(*wait > 0ms && *wait <= policy.open_for);
    }
    RC_ASSERT(!b.refuse(now + policy.open_for).has_value());
  }));
}

BOOST_AUTO_TEST_CASE(a_remote_that_is_down_sees_one_call_in_each_open_time) {
  BOOST_TEST(rc::check([] {
    auto b = opened(0s);
    int calls = 0;
    ms now{0};
    const ms end{10min};
    while (now < end) {
      now += ms{*rc::gen::inRange(1, 3'000)};
      if (lets_through(b, now)) {
        ++calls;
        b.failed(now);
      }
    }
    RC_ASSERT(calls <= 20);  // ten minutes of 30 s
    RC_ASSERT(calls >= 15);
  }));
}
