#define BOOST_TEST_MODULE retry
#include "sync/retry.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <optional>
#include <vector>

using namespace pb;
using namespace pb::sync;
using namespace std::chrono_literals;
using ms = std::chrono::milliseconds;

namespace {

const retry_limits limits{8, 24h, 2s, 10min};
const timestamp born{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1}};

failure failed_with(errc code, int status = 0, std::optional<ms> asked = std::nullopt) {
  failure f{code, "caldav.put_event", "the server says no"};
  f.status = status;
  f.retry_after = asked;
  return f;
}
/// The pause before the next attempt, or nothing for a dead letter.
std::optional<ms> pause(const failure& f, std::int32_t attempts, double draw, ms age = 1min,
                        const retry_limits& l = limits) {
  const auto now = born + age;
  const auto v = next_attempt(f, attempts, born, now, draw, l);
  BOOST_TEST(v.again_at.has_value() == v.why.empty());
  if (!v.again_at) return std::nullopt;
  return std::chrono::duration_cast<ms>(*v.again_at - now);
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_a_failure_means_for_its_effect_as_a_table) {
  struct row {
    errc code;
    int status;
    bool again;
  };
  for (const auto& [code, status, again] : std::vector<row>{
           {errc::bad_input, 400, false},
           {errc::unauthorized, 401, true},  // someone mends the credentials
           {errc::rate_limited, 429, true},
           {errc::upstream_down, 0, true},
           {errc::upstream_down, 503, true},
           {errc::storage, 0, true},
           {errc::key_missing, 0, false},
           {errc::not_found, 404, true},  // the calendar is looked for again
           {errc::conflict, 409, true},
           {errc::timed_out, 0, true},
           {errc::tls, 0, true},
           {errc::dns, 0, true},
           {errc::too_large, 413, false},
           {errc::forbidden, 403, false},
           {errc::precondition, 412, true},
           {errc::unexpected_answer, 200, true},  // a proxy's page, perhaps
           {errc::unexpected_answer, 405, false},
           {errc::unexpected_answer, 501, false},
           {errc::breaker_open, 0, true},
           {errc::cancelled, 0, true},
           {errc::insufficient_storage, 507, true},
           {errc::crashed, 0, true},
       }) {
    BOOST_TEST_CONTEXT(to_string(code) << " " << status) {
      const auto v = next_attempt(failed_with(code, status), 1, born, born + 1s, 0.5, limits);
      BOOST_TEST(v.again_at.has_value() == again);
      if (!again) BOOST_TEST(v.why.starts_with("cannot heal by itself: caldav.put_event"));
    }
  }
}

BOOST_AUTO_TEST_CASE(pauses_double_up_to_the_cap) {
  std::vector<ms::rep> got;
  retry_limits many = limits;
  many.max_attempts = 100;
  for (const int attempts : {1, 2, 3, 4, 9, 10, 11, 40, 99})
    got.push_back(pause(failed_with(errc::timed_out), attempts, 0.0, 1min, many).value().count());
  // Half of 2 s, 4 s, 8 s … and half of ten minutes: the other half is drawn.
  BOOST_TEST(got == (std::vector<ms::rep>{1'000, 2'000, 4'000, 8'000, 256'000, 300'000, 300'000,
                                          300'000, 300'000}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(half_of_each_pause_is_drawn_so_that_many_effects_spread) {
  BOOST_TEST(pause(failed_with(errc::timed_out), 3, 0.0).value().count() == 4'000);
  BOOST_TEST(pause(failed_with(errc::timed_out), 3, 0.5).value().count() == 6'000);
  BOOST_TEST(pause(failed_with(errc::timed_out), 3, 0.75).value().count() == 7'000);
}

BOOST_AUTO_TEST_CASE(the_pause_that_the_remote_asks_for_beats_our_schedule) {
  const auto asked = [](ms p, int attempts) {
    return pause(failed_with(errc::rate_limited, 429, p), attempts, 0.9);
  };
  BOOST_TEST(asked(17s, 1).value().count() == 17'000);
  BOOST_TEST(asked(17s, 7).value().count() == 17'000);         // shorter than ours
  BOOST_TEST(asked(5h, 1).value().count() == ms{5h}.count());  // longer than our cap
  BOOST_TEST(asked(0s, 1).value().count() == 1'000);           // "at once": our shortest pause
  BOOST_TEST(asked(-5s, 1).value().count() == 1'000);
  BOOST_TEST(!asked(17s, 8).has_value());  // it does not add attempts
}

BOOST_AUTO_TEST_CASE(a_pause_beyond_the_age_is_not_waited_for) {
  const auto f = failed_with(errc::rate_limited, 429, 2h);
  BOOST_TEST(pause(f, 1, 0.5, 22h).has_value());
  BOOST_TEST(!pause(f, 1, 0.5, 22h + 1ms).has_value());
  // Neither may a hostile number overflow the sum.
  BOOST_TEST(!pause(failed_with(errc::rate_limited, 429, ms::max()), 1, 0.5).has_value());
  const auto v = next_attempt(failed_with(errc::timed_out), 2, born, born + 25h, 0.5, limits);
  BOOST_TEST(v.why.starts_with("the next attempt would be later than 24 h after it was planned: "));
}

BOOST_AUTO_TEST_CASE(after_the_last_attempt_it_is_a_dead_letter) {
  BOOST_TEST(pause(failed_with(errc::timed_out), 7, 0.5).has_value());
  for (const int attempts : {8, 9, 1'000'000}) {
    const auto v = next_attempt(failed_with(errc::timed_out), attempts, born, born, 0.5, limits);
    BOOST_TEST(!v.again_at.has_value());
    BOOST_TEST(v.why.starts_with("all 8 attempts used: caldav.put_event"));
  }
}

BOOST_AUTO_TEST_CASE(what_was_never_sent_costs_no_attempt_and_only_grows_old) {
  for (const auto code : {errc::breaker_open, errc::cancelled}) {
    BOOST_TEST(pause(failed_with(code), 1'000, 0.5, 23h).has_value());
    BOOST_TEST(!pause(failed_with(code), 1, 0.5, 24h).has_value());
  }
}

BOOST_AUTO_TEST_CASE(an_attempt_count_below_one_is_a_first_attempt) {
  for (const int attempts : {0, -1, -2'000'000'000})
    BOOST_TEST(pause(failed_with(errc::timed_out), attempts, 0.0).value().count() == 1'000);
}

BOOST_AUTO_TEST_CASE(an_effect_that_always_fails_ends_within_its_attempts_and_its_age) {
  BOOST_TEST(rc::check([] {
    const retry_limits l{*rc::gen::inRange(1, 12), ms{*rc::gen::inRange(1, 100'000'000)},
                         ms{*rc::gen::inRange(2, 10'000)}, ms{*rc::gen::inRange(2, 1'000'000)}};
    auto now = born;
    std::int32_t attempts = 0;
    while (true) {
      ++attempts;
      RC_ASSERT(attempts <= l.max_attempts);
      auto f = failed_with(errc::upstream_down, 503);
      if (*rc::gen::inRange(0, 3) == 0) f.retry_after = ms{*rc::gen::inRange(-1'000, 10'000'000)};
      const auto v = next_attempt(f, attempts, born, now, *rc::gen::inRange(0, 1'000) / 1000.0, l);
      if (!v.again_at) {
        RC_ASSERT(!v.why.empty());
        return;
      }
      RC_ASSERT(*v.again_at > now);
      RC_ASSERT(*v.again_at <= born + l.max_age);
      now = *v.again_at;
    }
  }));
}
