#include "story.hpp"

#include <array>

#include "base/random.hpp"
#include "deck.hpp"

namespace pb::simulation {
using namespace std::chrono_literals;
namespace {

/// In the order of `deed`.
constexpr std::array<card, static_cast<std::size_t>(deed::count_)> lines{
    {{"create", 60},
     {"rename", 40},
     {"describe", 15},
     {"set_date", 60},
     {"clear_date", 20},
     {"set_start", 8},
     {"set_priority", 15},
     {"set_people", 10},
     {"complete", 15},
     {"reopen", 8},
     {"burst", 25},
     {"revert", 20},
     {"comment", 8},
     {"remove", 20},
     {"archive", 8},
     {"unarchive", 8},
     {"move", 12},
     {"rename_project", 3},
     {"retitle_event", 12},
     {"redate_event", 10},
     {"note_in_event", 12},
     {"delete_event", 12},
     {"delete_calendar", 3},
     {"add_foreign", 10},
     {"edit_foreign", 8},
     {"weather", 40},
     {"crash", 45},
     {"stop", 8},
     {"jump_clock", 10},
     {"lose_store", 8},
     {"lose_commit_answers", 8},
     {"back_up_plane", 8},
     {"restore_plane", 8},
     {"switch_webhook_off", 3},
     {"resend_webhook", 12},
     {"sync_now", 10},
     {"reload", 8}}};

constexpr std::size_t index(deed d) { return static_cast<std::size_t>(d); }
/// Without these there is nothing to tell.
constexpr bool essential(std::size_t i) {
  return i == index(deed::create) || i == index(deed::set_date) || i == index(deed::rename);
}

constexpr std::array<pause_share, 6> pauses{
    {{20, 0ms}, {40, 100ms}, {60, 2s}, {80, 12s}, {96, 90s}, {100, 600s}}};

}  // namespace

std::string_view to_string(deed d) noexcept { return lines[index(d)].name; }

story tell(std::uint64_t seed, std::size_t at_most) {
  seeded_random r{seed * 2 + 1};
  story s;
  s.seed = seed;
  s.shuffled = r.next() % 8 != 0;
  s.slow_store = r.next() % 4 != 0;
  s.old_plane = r.next() % 5 == 0;
  const deck kinds{lines, essential, r};
  const std::size_t length = 8 + r.next() % 40;
  for (std::size_t n = 0; n < length; ++n) {
    step one;
    one.pause = draw_pause(pauses, r);
    const auto i = kinds.draw(r);
    one.what = n < 2 ? deed::create : static_cast<deed>(i);
    one.subject = r.next();
    one.detail = r.next();
    if (s.steps.size() < at_most) s.steps.push_back(one);
  }
  return s;
}

void set_up(std::uint64_t seed, unsigned version, config::settings& s) {
  seeded_random fixed{seed * 31 + 7};
  const auto one_in = [](random_source& r, unsigned n) { return r.next() % n == 0; };
  s.plane.poll_interval = std::chrono::seconds{one_in(fixed, 2) ? 60 : 180};
  s.plane.scan_interval = std::chrono::seconds{one_in(fixed, 2) ? 300 : 600};
  s.calendar.full_sync_interval = std::chrono::seconds{one_in(fixed, 2) ? 300 : 600};
  s.calendar.layout =
      one_in(fixed, 10) ? config::calendar_layout::single : config::calendar_layout::per_project;
  s.concurrency.passivate_after = std::chrono::seconds{one_in(fixed, 3) ? 2 : 60};
  if (one_in(fixed, 5)) s.concurrency.in_memory_events = 1 + fixed.next() % 6;
  if (one_in(fixed, 5)) s.concurrency.live_actors = 1 + fixed.next() % 4;
  if (one_in(fixed, 5)) s.concurrency.plane_parallel = 1;
  if (one_in(fixed, 5)) s.concurrency.caldav_parallel = 1;
  if (one_in(fixed, 4)) s.concurrency.breaker_failures = 1'000;
  s.plane.requests_per_minute = one_in(fixed, 4) ? 20 : 50;
  // What a reload may change.
  seeded_random now{seed * 131 + version};
  s.calendar.window = std::array{0ms, 5'000ms, 5'000ms, 30'000ms}[now.next() % 4];
  s.calendar.span =
      one_in(now, 4) ? config::calendar_span::start_to_target : config::calendar_span::target;
  s.calendar.deleted_by_person = one_in(now, 4) ? config::deleted_event_policy::restore
                                                : config::deleted_event_policy::keep_deleted;
  s.plane.projects_exclude.clear();
  if (one_in(now, 6)) s.plane.projects_exclude.push_back("OPS");
}

weather forecast(std::uint64_t detail) {
  seeded_random r{detail};
  weather w;
  const auto rate = [&](unsigned one_in, double upto) {
    const auto draw = r.unit_draw();
    return r.next() % one_in == 0 ? draw * upto : 0.0;
  };
  if (r.next() % 4 == 0) return w;  // calm
  w.plane = rate(2, 0.5);
  w.dav = rate(2, 0.6);
  if (r.next() % 8 == 0) w.plane = 1;
  if (r.next() % 8 == 0) w.dav = 1;
  w.webhook_lost = rate(3, 0.8);
  w.webhook_twice = rate(3, 0.8);
  w.webhook_late = rate(3, 0.8);
  return w;
}

}  // namespace pb::simulation
