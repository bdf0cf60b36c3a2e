#define BOOST_TEST_MODULE lark_pace
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <map>

#include "protocol/lark/pace.hpp"

using namespace pb;
using namespace pb::protocol::lark;
using namespace std::chrono_literals;
using protocol::call;
using protocol::http_response;
using std::chrono::milliseconds;
using who = pace_verdict::who;

namespace {

const steady_time t0 = steady_time{} + 1h;
const timestamp november = parse_rfc3339("2026-11-21T06:00:00Z").value();

call to(const std::string& chat, const std::string& operation = "lark.send") {
  call c;
  c.operation = operation;
  c.budget_key = chat;
  return c;
}
call refresh(const std::string& card) {
  auto c = to(card, "lark.update_card");
  c.deferrable = true;
  return c;
}
http_response coded(std::int64_t code, int status = 400, const char* reset = nullptr) {
  http_response r{status, {}, R"({"code":)" + std::to_string(code) + "}"};
  if (reset != nullptr) r.headers.push_back({"x-ogw-ratelimit-reset", reset, false});
  return r;
}
std::size_t go_at(pace& p, steady_time now, const call& c, std::size_t tries = 2'000) {
  std::size_t n = 0;
  while (n < tries && p.admit(now, november, c).waits == who::nobody) ++n;
  return n;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_chat_takes_five_a_second_and_others_do_not_notice) {
  pace p{{}};
  BOOST_TEST(go_at(p, t0, to("oc_a")) == 5u);
  const auto refused = p.admit(t0 + 300ms, november, to("oc_a"));
  BOOST_TEST((refused.waits == who::chat));
  BOOST_TEST((refused.wait == 800ms));
  BOOST_TEST(go_at(p, t0 + 300ms, to("oc_b")) == 5u);
  BOOST_TEST(go_at(p, t0 + 300ms, to("")) == 40u);  // the app's fifty
  BOOST_TEST(go_at(p, t0 + 1099ms, to("oc_a")) == 0u);
  BOOST_TEST(go_at(p, t0 + 1100ms, to("oc_a")) == 5u);
}

BOOST_AUTO_TEST_CASE(a_card_takes_five_a_second_of_its_own_beside_its_chat) {
  pace p{{}};
  BOOST_TEST(go_at(p, t0, to("oc_a")) == 5u);
  BOOST_TEST(go_at(p, t0, refresh("om_1")) == 5u);
  BOOST_TEST(go_at(p, t0, refresh("om_2")) == 5u);
  BOOST_TEST((p.admit(t0, november, refresh("om_1")).waits == who::chat));
  const auto limited = coded(230020);
  p.note(t0 + 1100ms, november, refresh("om_1"), &limited);
  BOOST_TEST(go_at(p, t0 + 1100ms, refresh("om_1")) == 0u);
  BOOST_TEST(go_at(p, t0 + 1100ms, to("oc_a")) == 5u);
}

BOOST_AUTO_TEST_CASE(the_app_takes_fifty_a_second_and_a_thousand_a_minute) {
  pace p{{}};
  BOOST_TEST(go_at(p, t0, to("")) == 50u);
  const auto refused = p.admit(t0 + 400ms, november, to("oc_new"));
  BOOST_TEST((refused.waits == who::account));
  BOOST_TEST((refused.wait == 600ms));
  std::size_t sent = 50;
  for (auto t = t0 + 1s; t < t0 + 30s; t += 1s) sent += go_at(p, t, to(""));
  BOOST_TEST(sent == 1'000u);
  BOOST_TEST((p.admit(t0 + 30s, november, to("")).wait == 30s));
  BOOST_TEST(go_at(p, t0 + 60s, to("")) == 50u);
}

BOOST_AUTO_TEST_CASE(no_window_ever_holds_more_than_the_limits_however_calls_arrive) {
  BOOST_TEST(rc::check([] {
    const pace_limits l{*rc::gen::inRange<std::uint32_t>(1, 60),
                        *rc::gen::inRange<std::uint32_t>(1, 300),
                        *rc::gen::inRange<std::uint32_t>(1, 9), 0};
    pace p{l};
    std::vector<milliseconds> all;
    std::map<std::string, std::vector<milliseconds>> by_chat;
    auto now = 0ms;
    const auto steps = *rc::gen::container<std::vector<std::pair<int, int>>>(
        400, rc::gen::pair(rc::gen::inRange(0, 400), rc::gen::inRange(0, 4)));
    for (const auto& [pause, chat] : steps) {
      now += milliseconds{pause};
      const auto key = "oc" + std::to_string(chat);
      const auto v = p.admit(t0 + now, november, to(key));
      if (v.waits != who::nobody) {
        RC_ASSERT(v.wait > 0ms && v.wait <= 60s);
        // Asked again at the time it named, its own limit lets it go.
        continue;
      }
      all.push_back(now);
      by_chat[key].push_back(now);
    }
    const auto within = [](const std::vector<milliseconds>& times, milliseconds window,
                           std::size_t limit) {
      for (std::size_t n = limit; n < times.size(); ++n)
        if (times[n] - times[n - limit] < window) return false;
      return true;
    };
    RC_ASSERT(within(all, 1'000ms, l.per_second));
    RC_ASSERT(within(all, 60'000ms, l.per_minute));
    for (const auto& [key, times] : by_chat) RC_ASSERT(within(times, 1'000ms, l.chat_per_second));
  }));
}

BOOST_AUTO_TEST_CASE(who_waits_as_long_as_told_may_go) {
  pace p{{}};
  auto now = t0;
  for (int n = 0; n < 500; ++n) {
    const auto v = p.admit(now, november, to("oc_a"));
    if (v.waits == who::nobody) continue;
    now += v.wait;
    BOOST_TEST((p.admit(now, november, to("oc_a")).waits == who::nobody));
  }
}

BOOST_AUTO_TEST_CASE(a_chat_that_others_use_too_is_slowed_down_and_recovers) {
  pace p{{}};
  BOOST_TEST(go_at(p, t0, to("oc_a")) == 5u);
  const auto limited = coded(230020);
  p.note(t0, november, to("oc_a"), &limited);
  BOOST_TEST((p.admit(t0 + 500ms, november, to("oc_a")).waits == who::chat));
  BOOST_TEST(go_at(p, t0 + 500ms, to("oc_b")) == 5u);
  BOOST_TEST(go_at(p, t0 + 1100ms, to("oc_a")) == 2u);
  p.note(t0 + 1200ms, november, to("oc_a"), &limited);  // the second in a row: two seconds
  BOOST_TEST((p.admit(t0 + 3199ms, november, to("oc_a")).waits == who::chat));
  BOOST_TEST(go_at(p, t0 + 3200ms, to("oc_a")) == 1u);
  const auto fine = coded(0, 200);
  p.note(t0 + 3300ms, november, to("oc_a"), &fine);
  p.note(t0 + 5s, november, to("oc_a"), &limited);  // one second again, but still slow
  BOOST_TEST(go_at(p, t0 + 6s, to("oc_a")) == 1u);
  BOOST_TEST(p.look(t0 + 6s, november).slow_chats == 1u);
  BOOST_TEST(go_at(p, t0 + 2min + 5s, to("oc_a")) == 3u);
  BOOST_TEST(go_at(p, t0 + 10min, to("oc_a")) == 5u);
  BOOST_TEST(p.look(t0 + 10min, november).slow_chats == 0u);
}

BOOST_AUTO_TEST_CASE(a_pause_of_a_chat_never_exceeds_half_a_minute) {
  pace p{{}};
  const auto limited = coded(230020);
  for (int n = 0; n < 50; ++n) p.note(t0, november, to("oc_a"), &limited);
  BOOST_TEST((p.admit(t0, november, to("oc_a")).wait == 30s));
  BOOST_TEST(go_at(p, t0 + 30s, to("oc_a")) == 1u);
}

BOOST_AUTO_TEST_CASE(a_frequency_limit_holds_its_operation_back_as_long_as_told) {
  pace p{{}};
  const auto limited = coded(99991400, 429, "52");
  p.note(t0, november, to("", "lark.user_ids"), &limited);
  const auto v = p.admit(t0 + 2s, november, to("", "lark.user_ids"));
  BOOST_TEST((v.waits == who::call));
  BOOST_TEST((v.wait == 50s));
  BOOST_TEST(go_at(p, t0 + 2s, to("oc_a")) == 5u);
  BOOST_TEST((p.admit(t0 + 52s, november, to("", "lark.user_ids")).waits == who::nobody));
}

BOOST_AUTO_TEST_CASE(a_chat_limit_without_a_chat_holds_the_operation_back) {
  pace p{{}};
  const auto limited = coded(11233);
  p.note(t0, november, to(""), &limited);
  BOOST_TEST((p.admit(t0 + 999ms, november, to("oc_a")).waits == who::call));
  BOOST_TEST((p.admit(t0 + 1s, november, to("oc_a")).waits == who::nobody));
}

BOOST_AUTO_TEST_CASE(a_used_up_month_or_a_disabled_app_stops_everything_and_is_told_once) {
  struct {
    std::int64_t code;
    milliseconds pause;
  } const stops[] = {
      {99991403, 6h}, {99991662, 5min}, {99991673, 5min}, {10014, 5min}, {99991401, 5min}};
  for (const auto& s : stops) BOOST_TEST_CONTEXT(s.code) {
      pace p{{}};
      const auto no = coded(s.code);
      p.note(t0, november, to("oc_a"), &no);
      p.note(t0 + 1s, november, to("oc_b"), &no);
      BOOST_TEST((p.stopped_for(t0 + 1s) == s.pause));
      BOOST_TEST(!p.why_stopped().empty());
      BOOST_TEST((p.admit(t0 + 2s, november, to("oc_c")).waits == who::call));
      const auto told = p.take_notices();
      BOOST_REQUIRE(told.size() == 1u);
      BOOST_TEST(told.front().urgent);
      BOOST_TEST(p.take_notices().empty());
      BOOST_TEST((p.admit(t0 + 1s + s.pause, november, to("oc_c")).waits == who::nobody));
      p.note(t0 + 2s + s.pause, november, to("oc_a"), &no);
      BOOST_TEST(p.take_notices().size() == 1u);
      p.resume();
      BOOST_TEST((p.stopped_for(t0 + 2s + s.pause) == 0ms));
    }
}

BOOST_AUTO_TEST_CASE(what_refuses_one_message_stops_nobody) {
  for (const auto code : {230001, 230002, 230011, 230025, 230099, 99991672, 99991663, 230031}) {
    pace p{{}};
    const auto no = coded(code);
    p.note(t0, november, to("oc_a"), &no);
    BOOST_TEST(go_at(p, t0, to("oc_a")) == 5u, code);
    BOOST_TEST(p.take_notices().empty());
  }
  pace p{{}};
  p.note(t0, november, to("oc_a"), nullptr);
  BOOST_TEST(go_at(p, t0, to("oc_a")) == 5u);
}

BOOST_AUTO_TEST_CASE(the_month_warns_early_and_thins_card_refreshes_out_first) {
  pace p{{50, 1'000, 5, 1'000}};
  auto now = t0;
  const auto use = [&](int n) {
    for (int i = 0; i < n; ++i, now += 100ms)
      BOOST_TEST((p.admit(now, november, to("")).waits == who::nobody));
  };
  use(799);
  BOOST_TEST(p.take_notices().empty());
  BOOST_TEST((p.admit(now, november, refresh("om_1")).waits == who::nobody));
  BOOST_TEST((p.admit(now, november, refresh("om_2")).waits == who::call));  // 80 % now
  const auto first = p.take_notices();
  BOOST_REQUIRE(first.size() == 1u);
  BOOST_TEST(first.front().text.starts_with("80 %"));
  BOOST_TEST(!first.front().urgent);
  BOOST_TEST((p.admit(now + 1min, november, refresh("om_2")).waits == who::nobody));
  now += 2min;
  use(149);
  BOOST_TEST(p.take_notices().size() == 1u);  // 95 %
  const auto scarce = p.admit(now, november, refresh("om_3"));
  BOOST_TEST((scarce.waits == who::call));
  BOOST_TEST((scarce.wait > 5min));
  use(200);  // answers go on: Feishu counts, not we
  BOOST_TEST(p.take_notices().size() == 1u);
  BOOST_TEST(p.look(now, november).this_month == 1'150);
}

BOOST_AUTO_TEST_CASE(a_new_month_begins_at_nothing_and_a_clock_set_back_gives_nothing_back) {
  pace p{{50, 1'000, 5, 100}};
  for (auto t = t0; t < t0 + 9s; t += 100ms) (void)p.admit(t, november, to(""));
  BOOST_TEST(p.look(t0 + 9s, november).this_month == 90);
  BOOST_TEST(p.look(t0 + 9s, november - std::chrono::days{40}).this_month == 90);
  // China's December begins eight hours earlier.
  BOOST_TEST(p.look(t0 + 9s, parse_rfc3339("2026-11-30T15:59:59Z").value()).this_month == 90);
  BOOST_TEST(p.look(t0 + 9s, parse_rfc3339("2026-11-30T16:00:00Z").value()).this_month == 0);
  (void)p.take_notices();
  for (auto t = t0 + 1min; t < t0 + 1min + 9s; t += 100ms)
    (void)p.admit(t, november + std::chrono::days{20}, to(""));
  BOOST_TEST(p.take_notices().size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_is_kept_over_a_restart_is_never_less_than_what_was_used) {
  BOOST_TEST(rc::check([] {
    std::string kept;
    std::int64_t used = 0;
    const auto runs = *rc::gen::container<std::vector<int>>(5, rc::gen::inRange(0, 130));
    for (const int n : runs) {  // each run ends by a crash
      pace p{{10'000, 1'000'000, 5, 0}};
      const int before = *rc::gen::inRange(0, 3);  // sent before the store was read
      for (int i = 0; i < before; ++i, ++used) (void)p.admit(t0, november, to(""));
      p.restore(kept);
      if (p.unsaved()) kept = p.take_saved();
      for (int i = 0; i < n; ++i, ++used) {
        (void)p.admit(t0, november, to(""));
        if (p.unsaved()) kept = p.take_saved();
      }
      RC_ASSERT(p.look(t0, november).this_month >= used);
      // No more is lost to crashes than was kept ahead.
      RC_ASSERT(p.look(t0, november).this_month <= used + 6 * (pace::save_step + 3));
    }
  }));
}

BOOST_AUTO_TEST_CASE(odd_texts_restore_nothing) {
  for (const auto* text : {"", "2026-11", "2026-11 x", "2026-11 -5", "5 2026-11", "2026-11 5 5",
                           "2026-11 99999999999999999999"}) {
    pace p{{}};
    p.restore(text);
    BOOST_TEST(p.look(t0, november).this_month == 0, text);
  }
  pace p{{}};
  p.restore("2026-10 500");
  BOOST_TEST(p.look(t0, november).this_month == 0);
  p.restore("2026-11 500");
  BOOST_TEST(p.look(t0, november).this_month == 500);
}

BOOST_AUTO_TEST_CASE(what_is_tried_again_at_once_and_what_is_not) {
  struct {
    const char* what;
    std::optional<http_response> answer;
    unsigned tries;
    bool idempotent, keyed, again;
  } const rows[] = {
      {"no answer", {}, 1, true, true, true},
      {"no answer twice", {}, 2, true, true, false},
      {"no answer to what may not be repeated", {}, 1, false, true, false},
      {"a gateway", coded(1500, 500), 1, true, true, true},
      {"internal under 200", coded(2200, 200), 1, true, true, true},
      {"internal twice", coded(2200, 200), 2, true, true, false},
      {"in progress", coded(230049), 3, true, true, true},
      {"in progress, even of what may not be repeated", coded(18121), 1, false, true, true},
      {"in progress for ever", coded(230049), 4, true, true, false},
      {"the chat's limit", coded(230020), 1, true, true, true},
      {"the chat's limit without a chat", coded(230020), 1, true, false, false},
      {"the chat's limit again and again", coded(230020), 4, true, true, false},
      {"a short frequency limit", coded(99991400, 429, "1"), 1, true, true, true},
      {"a long frequency limit", coded(99991400, 429, "52"), 1, true, true, false},
      {"the token", coded(99991663), 1, true, true, false},
      {"the month", coded(99991403), 1, true, true, false},
      {"recalled", coded(230011), 1, true, true, false},
      {"unknown", coded(4711), 1, true, true, false},
      {"done", coded(0, 200), 1, true, true, false},
  };
  for (const auto& r : rows) {
    auto c = to(r.keyed ? "oc_a" : "");
    c.idempotent = r.idempotent;
    for (const double draw : {0.0, 0.5, 0.999}) {
      const auto pause = next_try(r.answer ? &*r.answer : nullptr, c, r.tries, draw);
      BOOST_TEST(pause.has_value() == r.again, r.what);
      if (pause) BOOST_TEST((*pause > 0ms && *pause <= 7s), r.what);
    }
  }
}

BOOST_AUTO_TEST_CASE(many_chats_leave_no_trace) {
  pace p{{100'000, 1'000'000, 5, 0}};
  for (int n = 0; n < 100'000; ++n)
    (void)p.admit(t0 + n * 10ms, november, to("oc" + std::to_string(n)));
  BOOST_TEST(p.chats_kept() < 10'000u);
}
