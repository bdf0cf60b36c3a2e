#include "chat_story.hpp"

#include <array>

#include "base/random.hpp"
#include "deck.hpp"

namespace pb::simulation {
using namespace std::chrono_literals;
namespace {

/// In the order of `chat_deed`.
constexpr std::array<card, static_cast<std::size_t>(chat_deed::count_)> lines{
    {{"start_thread", 25},  {"bind", 45},
     {"unbind", 8},         {"comment", 60},
     {"reply", 40},         {"takes", 15},
     {"set_field", 50},     {"click", 40},
     {"recall", 25},        {"new_item", 12},
     {"card", 8},           {"small_talk", 8},
     {"stranger", 8},       {"create", 15},
     {"rename", 20},        {"restate", 15},
     {"prioritize", 12},    {"redate", 12},
     {"burst", 15},         {"revert", 8},
     {"write_comment", 45}, {"edit_comment", 12},
     {"delete_comment", 8}, {"remove", 5},
     {"archive", 3},        {"unarchive", 3},
     {"weather", 35},       {"crash", 45},
     {"stop", 8},           {"jump_clock", 8},
     {"lose_store", 6},     {"lose_commit_answers", 6},
     {"expire_tokens", 10}, {"pace", 6},
     {"bot_leaves", 4},     {"bot_returns", 6},
     {"dissolve", 2},       {"repeat_webhook", 6},
     {"repeat_push", 8}}};

constexpr std::size_t index(chat_deed d) { return static_cast<std::size_t>(d); }
/// Without these there is nothing to tell.
constexpr bool essential(std::size_t i) {
  return i <= index(chat_deed::bind) || i == index(chat_deed::comment) ||
         i == index(chat_deed::write_comment);
}
/// How every story begins.
constexpr std::array beginning{chat_deed::create, chat_deed::start_thread, chat_deed::bind};

constexpr std::array<pause_share, 6> pauses{
    {{15, 0ms}, {35, 100ms}, {60, 2s}, {85, 12s}, {98, 60s}, {100, 400s}}};

}  // namespace

std::string_view to_string(chat_deed d) noexcept { return lines[index(d)].name; }

chat_story tell_chat(std::uint64_t seed, std::size_t at_most) {
  seeded_random r{seed * 2 + 1'000'003};
  chat_story s;
  s.seed = seed;
  s.shuffled = r.next() % 8 != 0;
  s.slow_store = r.next() % 4 != 0;
  const deck kinds{lines, essential, r};
  const std::size_t length = 8 + r.next() % 36;
  for (std::size_t n = 0; n < length; ++n) {
    chat_step one;
    one.pause = draw_pause(pauses, r);
    const auto i = kinds.draw(r);
    one.what = n < beginning.size() ? beginning[n] : static_cast<chat_deed>(i);
    one.subject = r.next();
    one.detail = r.next();
    if (s.steps.size() < at_most) s.steps.push_back(one);
  }
  return s;
}

void set_up_chat(std::uint64_t seed, config::settings& s) {
  seeded_random fixed{seed * 37 + 5};
  const auto one_in = [&](unsigned n) { return fixed.next() % n == 0; };
  s.calendar.url.clear();
  s.plane.poll_interval = std::chrono::seconds{one_in(2) ? 120 : 300};
  s.plane.scan_interval = std::chrono::seconds{600};
  s.concurrency.passivate_after = std::chrono::seconds{one_in(3) ? 2 : 60};
  if (one_in(5)) s.concurrency.in_memory_events = 1 + fixed.next() % 6;
  if (one_in(5)) s.concurrency.live_actors = 1 + fixed.next() % 4;
  if (one_in(4)) s.concurrency.breaker_failures = 1'000;
  s.lark.digest_window = std::array{0ms, 1'000ms, 5'000ms, 20'000ms}[fixed.next() % 4];
}

chat_weather chat_forecast(std::uint64_t detail) {
  seeded_random r{detail};
  chat_weather w;
  const auto rate = [&](unsigned one_in, double upto) {
    const auto draw = r.unit_draw();
    return r.next() % one_in == 0 ? draw * upto : 0.0;
  };
  if (r.next() % 4 == 0) return w;  // calm
  w.plane = rate(2, 0.4);
  w.lark = rate(2, 0.5);
  if (r.next() % 10 == 0) w.plane = 1;
  if (r.next() % 10 == 0) w.lark = 1;
  w.twice = rate(3, 0.8);
  w.late = rate(3, 0.8);
  return w;
}

}  // namespace pb::simulation
