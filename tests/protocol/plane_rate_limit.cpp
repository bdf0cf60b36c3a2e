#define BOOST_TEST_MODULE plane_rate_limit
#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>

#include "plane_fixture.hpp"
#include "protocol/plane/rate_limit.hpp"

using namespace pb::protocol::plane;
namespace fixture = plane_fixture;
using pb::errc;
using pb::failure;
using pb::steady_time;
using pb::protocol::http_response;
using namespace std::chrono_literals;
using std::chrono::milliseconds;
using then = retry_decision::then;
BOOST_TEST_DONT_PRINT_LOG_VALUE(then)

namespace {

const steady_time t0 = steady_time{} + 1h;

http_response with_remaining(int n) {
  return {200, {{"X-RateLimit-Remaining", std::to_string(n), false}}, {}};
}
std::size_t admitted_at(request_budget& b, steady_time now, purpose why, std::size_t tries = 500) {
  std::size_t n = 0;
  while (n < tries && b.admit(now, why).go) ++n;
  return n;
}

/// Plane's own throttle: a list of accepted requests, those older than the window forgotten.
class sliding_window_server {
public:
  explicit sliding_window_server(std::size_t limit) : limit_(limit) {}
  http_response at(steady_time now) {
    while (!taken_.empty() && taken_.back() + 60s <= now) taken_.pop_back();
    if (taken_.size() >= limit_) {
      const auto wait = std::chrono::ceil<std::chrono::seconds>(taken_.back() + 60s - now);
      return {429, {{"Retry-After", std::to_string(wait.count()), false}}, {}};
    }
    taken_.push_front(now);
    return with_remaining(static_cast<int>(limit_ - taken_.size()));
  }

private:
  std::size_t limit_;
  std::deque<steady_time> taken_;
};

failure f(errc code, std::optional<milliseconds> after = {}) {
  return {.code = code, .retry_after = after};
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_window_takes_the_limit_and_then_what_it_gives_back) {
  request_budget b{60};
  BOOST_TEST(admitted_at(b, t0, purpose::person) == 60u);
  const auto refused = b.admit(t0 + 10s, purpose::person);
  BOOST_TEST(!refused.go);
  BOOST_TEST((refused.wait == 50s));
  BOOST_TEST(!b.admit(t0 + 60s - 1ms, purpose::person).go);
  BOOST_TEST(admitted_at(b, t0 + 60s, purpose::person) == 60u);
}

BOOST_AUTO_TEST_CASE(the_window_slides_and_does_not_jump) {
  request_budget b{3};
  BOOST_TEST(b.admit(t0, purpose::person).go);
  BOOST_TEST(b.admit(t0 + 20s, purpose::person).go);
  BOOST_TEST(b.admit(t0 + 40s, purpose::person).go);
  BOOST_TEST((b.admit(t0 + 41s, purpose::person).wait == 19s));
  BOOST_TEST(b.admit(t0 + 60s, purpose::person).go);
  BOOST_TEST((b.admit(t0 + 60s, purpose::person).wait == 20s));
}

BOOST_AUTO_TEST_CASE(scans_keep_to_their_share_and_leave_room_for_people) {
  request_budget b{60, 30};
  BOOST_TEST(b.scan_limit() == 18u);
  BOOST_TEST(admitted_at(b, t0, purpose::scan) == 18u);
  BOOST_TEST((b.admit(t0 + 1s, purpose::scan).wait == 59s));
  BOOST_TEST(admitted_at(b, t0, purpose::repair) == 36u);  // up to nine tenths in all
  BOOST_TEST(admitted_at(b, t0, purpose::person) == 6u);
  request_budget busy{60, 100};
  BOOST_TEST(admitted_at(busy, t0, purpose::scan) == 54u);
  BOOST_TEST(admitted_at(busy, t0, purpose::person) == 6u);
}

BOOST_AUTO_TEST_CASE(the_smallest_budgets_still_serve_every_purpose) {
  for (const auto limit : {1u, 2u, 9u})
    for (const auto why : {purpose::person, purpose::scan, purpose::repair}) {
      request_budget b{limit, 1};
      BOOST_TEST(b.admit(t0, why).go);
    }
  request_budget zero{0, 0};
  BOOST_TEST(zero.admit(t0, purpose::scan).go);
}

BOOST_AUTO_TEST_CASE(what_others_used_of_the_key_is_learned_from_the_header) {
  request_budget b{60};
  BOOST_TEST(b.admit(t0, purpose::person).go);
  b.note_response(t0, with_remaining(10));
  BOOST_TEST((b.look(t0).remote_remaining == 10));
  BOOST_TEST(admitted_at(b, t0 + 1s, purpose::person) == 10u);
}

BOOST_AUTO_TEST_CASE(requests_in_flight_are_taken_off_what_the_header_says) {
  request_budget b{60};
  for (int i = 0; i < 4; ++i) BOOST_TEST(b.admit(t0, purpose::person).go);
  b.note_response(t0, with_remaining(10));  // three more may not be counted yet
  BOOST_TEST(admitted_at(b, t0, purpose::person) == 7u);
}

BOOST_AUTO_TEST_CASE(below_five_left_only_what_the_window_refills_is_used) {
  request_budget b{60};
  BOOST_TEST(b.admit(t0, purpose::person).go);
  BOOST_TEST(b.admit(t0 + 10s, purpose::person).go);
  b.note_response(t0 + 11s, with_remaining(30));
  b.note_response(t0 + 12s, with_remaining(4));
  const auto v = b.admit(t0 + 13s, purpose::person);
  BOOST_TEST(!v.go);
  BOOST_TEST((v.wait == 47s));  // when the first leaves the window
  BOOST_TEST(b.admit(t0 + 60s, purpose::person).go);
  BOOST_TEST((b.admit(t0 + 60s, purpose::person).wait == 10s));
  BOOST_TEST(b.admit(t0 + 70s, purpose::person).go);
  // the reset header is an upper bound: a window after the answer nothing of it counts
  BOOST_TEST((b.admit(t0 + 70s, purpose::person).wait == 2s));
  BOOST_TEST(admitted_at(b, t0 + 72s, purpose::person) == 58u);
}

BOOST_AUTO_TEST_CASE(answers_without_or_with_odd_headers_change_nothing) {
  request_budget b{60};
  BOOST_TEST(b.admit(t0, purpose::person).go);
  b.note_response(t0, {401, {}, {}});
  for (const auto* odd : {"", "-1", "many", "5x", "99999999999999999999"})
    b.note_response(t0, {200, {{"X-RateLimit-Remaining", odd, false}}, {}});
  BOOST_TEST(!b.look(t0).remote_remaining.has_value());
  BOOST_TEST(admitted_at(b, t0, purpose::person) == 59u);
}

BOOST_AUTO_TEST_CASE(a_429_blocks_everyone_for_the_asked_time_and_then_lets_one_go) {
  request_budget b{60};
  BOOST_TEST(b.admit(t0, purpose::person).go);
  b.note_429(t0 + 1s, 20s);
  BOOST_TEST((b.look(t0 + 1s).blocked_for == 20s));
  for (const auto why : {purpose::person, purpose::scan, purpose::repair})
    BOOST_TEST((b.admit(t0 + 2s, why).wait == 19s));
  BOOST_TEST(b.admit(t0 + 21s, purpose::person).go);
  BOOST_TEST(!b.admit(t0 + 21s, purpose::person).go);
  b.note_response(t0 + 22s, with_remaining(40));
  BOOST_TEST(admitted_at(b, t0 + 22s, purpose::person) == 40u);
}

BOOST_AUTO_TEST_CASE(the_recorded_limit_answers_are_understood) {
  request_budget b{60};
  BOOST_TEST(b.admit(t0, purpose::person).go);
  b.note_response(t0, fixture::recorded("155-ratelimit-00").answer);
  BOOST_TEST((b.look(t0).remote_remaining == 59));
}

BOOST_AUTO_TEST_CASE(against_a_true_sliding_window_the_budget_never_meets_a_429) {
  const bool held =
      rc::check("alone on the key", [](const std::vector<std::uint8_t>& gaps, bool scan) {
        sliding_window_server server{60};
        request_budget b{60};
        auto now = t0;
        for (const auto gap : gaps)
          for (int i = 0; i < 4; ++i) {
            now += milliseconds{gap} * 8;
            const auto v = b.admit(now, scan ? purpose::scan : purpose::person);
            RC_ASSERT(v.go == (v.wait == 0ms));
            if (!v.go) continue;
            const auto a = server.at(now);
            RC_ASSERT(a.status == 200);
            b.note_response(now, a);
          }
      });
  BOOST_TEST(held);
}

BOOST_AUTO_TEST_CASE(waiting_as_told_is_always_enough_and_always_ends) {
  const bool held =
      rc::check("shared key", [](const std::vector<std::pair<std::uint8_t, std::uint8_t>>& steps) {
        sliding_window_server server{60};
        request_budget b{60};
        auto now = t0;
        for (const auto& [gap, others] : steps) {
          now += milliseconds{gap} * 16;
          for (int i = 0; i < others % 8; ++i) (void)server.at(now);
          auto v = b.admit(now, others % 3 == 0 ? purpose::scan : purpose::person);
          int waits = 0;
          while (!v.go) {
            RC_ASSERT(v.wait > 0ms);
            RC_ASSERT(v.wait <= 61s);
            now += v.wait;
            v = b.admit(now, purpose::person);
            RC_ASSERT(++waits < 10);
          }
          const auto a = server.at(now);
          if (a.status == 429) {
            b.note_429(now, milliseconds{std::stoi(std::string{a.header("Retry-After")}) * 1000});
          } else {
            b.note_response(now, a);
          }
        }
      });
  BOOST_TEST(held);
}

BOOST_AUTO_TEST_CASE(what_becomes_of_a_failed_call_as_a_table) {
  struct row {
    failure why;
    std::uint32_t tries;
    double draw;
    bool idempotent;
    then next;
    milliseconds pause;
    bool unknown;
  };
  const row rows[] = {
      {f(errc::rate_limited, 23s), 1, 0.0, true, then::again, 23s, false},
      {f(errc::rate_limited, 23s), 1, 0.5, true, then::again, 23'500ms, false},
      {f(errc::rate_limited), 1, 0.5, true, then::again, 1s, false},
      {f(errc::rate_limited), 2, 0.5, true, then::again, 2s, false},
      {f(errc::rate_limited), 3, 0.5, true, then::again, 4s, false},
      {f(errc::rate_limited), 1, 0.0, true, then::again, 750ms, false},
      {f(errc::rate_limited), 1, 1.0, true, then::again, 1250ms, false},
      {f(errc::rate_limited), 4, 0.5, true, then::durable, 4s, false},
      {f(errc::rate_limited, 10min), 1, 0.0, true, then::durable, 10min, false},
      {f(errc::rate_limited), 1, 0.5, false, then::again, 1s, false},
      {f(errc::upstream_down), 1, 0.3, true, then::again, 2s, false},
      {f(errc::upstream_down), 2, 0.3, true, then::durable, 2s, false},
      {f(errc::upstream_down, 30s), 1, 0.3, true, then::again, 30s, false},
      {f(errc::upstream_down, 5min), 1, 0.3, true, then::durable, 5min, false},
      {f(errc::upstream_down), 1, 0.3, false, then::durable, 2s, true},
      {f(errc::timed_out), 1, 0.0, true, then::again, 2s, false},
      {f(errc::timed_out), 2, 0.0, true, then::durable, 2s, false},
      {f(errc::timed_out), 1, 0.0, false, then::durable, 2s, true},
      {f(errc::dns), 1, 0.0, true, then::durable, 0s, false},
      {f(errc::tls), 1, 0.0, true, then::durable, 0s, false},
      {f(errc::breaker_open, 7s), 1, 0.0, true, then::durable, 7s, false},
      {f(errc::cancelled), 1, 0.0, true, then::durable, 0s, false},
      {f(errc::bad_input), 1, 0.0, true, then::final, 0s, false},
      {f(errc::unauthorized), 1, 0.0, true, then::final, 0s, false},
      {f(errc::forbidden), 1, 0.0, true, then::final, 0s, false},
      {f(errc::not_found), 1, 0.0, true, then::final, 0s, false},
      {f(errc::conflict), 1, 0.0, true, then::final, 0s, false},
      {f(errc::too_large), 1, 0.0, true, then::final, 0s, false},
      {f(errc::unexpected_answer), 1, 0.0, true, then::final, 0s, false},
  };
  for (const auto& r : rows) {
    BOOST_TEST_CONTEXT(pb::to_string(r.why.code) << " after " << r.tries << " tries") {
      const auto d = next_try(r.why, r.tries, r.draw, r.idempotent);
      BOOST_TEST(d.next == r.next);
      BOOST_TEST(d.pause.count() == r.pause.count());
      BOOST_TEST(d.outcome_unknown == r.unknown);
    }
  }
}
