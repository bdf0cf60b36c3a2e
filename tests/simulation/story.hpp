// tests/simulation/story: what one seed tells: how the bridge is set up, and what people, Plane,
// the calendar server, the network and the machine do, step by step. Pure: the same seed is the
// same story, and its first K steps are the same whatever K is. A step names its subject by a draw;
// which item or event that is, the stage finds when the step comes.
#pragma once
#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "config/settings.hpp"

namespace pb::simulation {
using std::chrono::milliseconds;

enum class deed : std::uint8_t {
  // People in Plane
  create,
  rename,
  describe,
  set_date,
  clear_date,
  set_start,
  set_priority,
  set_people,
  complete,
  reopen,
  burst,    ///< several changes of one item at once
  revert,   ///< a change, and back again a little later
  comment,  ///< changes nothing that an event shows
  remove,
  archive,
  unarchive,
  move,  ///< to the other project
  rename_project,
  // People in their calendar client
  retitle_event,
  redate_event,
  note_in_event,  ///< a location: theirs, it stays
  delete_event,
  delete_calendar,
  add_foreign,
  edit_foreign,
  // The world between
  weather,  ///< other rates of faults, or none
  crash,    ///< at one of the next commits or requests, which may be none at all
  stop,     ///< in order, and started again
  jump_clock,
  lose_store,
  lose_commit_answers,
  back_up_plane,
  restore_plane,
  switch_webhook_off,
  resend_webhook,  ///< an old body once more
  // Operators
  sync_now,
  reload,
  count_
};
std::string_view to_string(deed d) noexcept;

struct step {
  milliseconds pause{0};  ///< before it
  deed what = deed::create;
  std::uint64_t subject = 0;  ///< which item, event, project
  std::uint64_t detail = 0;   ///< how much, which of them, how long
};

/// Shares of calls that go wrong, 0 to 1.
struct weather {
  double plane = 0, dav = 0;  ///< some fault of the wire
  double webhook_lost = 0, webhook_twice = 0, webhook_late = 0;
};

struct story {
  std::uint64_t seed = 0;
  bool shuffled = true;    ///< any ready actor may be the next
  bool slow_store = true;  ///< commits and reads take time
  bool old_plane = false;  ///< 0.25's webhooks instead of 1.3's
  std::vector<step> steps;
};

/// @param at_most  steps; the rest of the story is left out
story tell(std::uint64_t seed, std::size_t at_most);
/// How the bridge of this seed is set up; the addresses in `s` stay. `version` counts reloads.
void set_up(std::uint64_t seed, unsigned version, config::settings& s);
/// @param detail  of the step that changes the weather
weather forecast(std::uint64_t detail);

}  // namespace pb::simulation
