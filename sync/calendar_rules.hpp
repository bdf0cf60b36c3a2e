// sync/calendar_rules: how a work item's calendar event follows it. Pure. Plane is the master, one
// way; the event is one *state* effect per UID, rendered when dispatched (docs/sync-rules.md:
// coalesce, echo-by-value, base, no-delete-by-absence).
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "protocol/plane/model.hpp"
#include "sync/knowledge.hpp"

namespace pb::sync {

struct calendar_rules {
  bool start_to_target = false;  ///< calendar.span
  std::chrono::milliseconds window{5'000};
  bool shadow = false;
  /// An event that a person deleted: false, it stays deleted until the item changes; true, the next
  /// look puts it back.
  bool restore_deleted = false;
  /// A client's edits of our values are put back so often within the time; then a person must look.
  std::size_t put_back_limit = 3;
  std::chrono::minutes put_back_window{60};
  /// Uuids, and identifiers as people write them; only empty: all. See with_names().
  std::vector<std::string> only_projects, without_projects;
  bool names_pending = false;  ///< an identifier among them has no uuid yet
};

/// The filters with the uuid of each identifier beside it, since an item knows its project's uuid
/// only. @param listed  all of Plane's projects are in `known`: what is not among them is nothing
calendar_rules with_names(calendar_rules rules, std::span<const protocol::plane::project> known,
                          bool listed);
/// Whether its project is mirrored cannot be told before Plane's projects are read: nothing is
/// planned for it, and nothing of it is removed, until then.
bool undecided(const item_knowledge& k, const calendar_rules& rules);

/// Should there be an event for it?
bool wants_event(const item_knowledge& k, const calendar_rules& rules);
/// Names the values that the event shows; empty when no event is wanted.
std::string fingerprint(const item_knowledge& k, const calendar_rules& rules);

enum class link_state : std::uint8_t {
  none,      ///< never planned
  live,      ///< follows the item
  muted,     ///< a person deleted the event: stays away until the item changes
  diverged,  ///< an effect died: the next success or full sync mends it
  conflict,  ///< put back three times in an hour: a person must look
  removed,   ///< our event is gone and none is wanted
};
std::string_view to_string(link_state s) noexcept;
link_state parse_link_state(std::string_view text) noexcept;

struct calendar_link {
  link_state state = link_state::none;
  calendar_base base;
};

/// An unfinished effect of this object in the lane, as far as planning cares.
struct queued_effect {
  std::int64_t id = 0;
  std::int64_t revision = 0;
  bool attempted = false;  ///< sent at least once, or possibly sent before a restart
  bool withheld = false;   ///< planned in shadow mode
  std::string fingerprint;
};

enum class calendar_operation : std::uint8_t { put, remove };

/// What is to happen; nothing set: nothing to do.
struct calendar_plan {
  calendar_link link;  ///< to be stored when link_changed
  bool link_changed = false;
  std::optional<std::int64_t> replace;  ///< this waiting effect takes the operation below
  std::vector<std::int64_t> cancel;     ///< effects that are no longer wanted
  struct wanted {
    calendar_operation operation = calendar_operation::put;
    std::string fingerprint;
    timestamp due_at{};
    std::string rule;
    bool withheld = false;
  };
  std::optional<wanted> effect;
  std::string rule;  ///< for the timeline
};

/// After the item's knowledge changed (or a wake-up re-examines it).
calendar_plan plan_calendar(const item_knowledge& now_known, const calendar_link& link,
                            std::span<const queued_effect> queued, timestamp now,
                            const calendar_rules& rules);

/// What a look into the calendar showed of our UID.
struct observed_event {
  bool present = false;
  std::string href, etag;
  bool forced = false;        ///< an operator's "sync now": mends what people deleted too
  std::string rendered_hash;  ///< content hash of what would be written now; empty when none
  std::string names;          ///< rendered_names() behind it
  std::string project;        ///< whose calendar was looked into
};
/// Needs a direct read of the item before it can be judged: an event we hold no link for.
struct unknown_event {
  std::string why;
};
struct observation_verdict {
  std::optional<unknown_event> needs_read;
  calendar_plan plan;
};
/// `just_read`: the item was read for this very observation.
observation_verdict judge_observation(const observed_event& seen, const item_knowledge& known,
                                      const calendar_link& link,
                                      std::span<const queued_effect> queued, bool just_read,
                                      timestamp now, const calendar_rules& rules);

/// How a dispatched effect ended well.
struct calendar_outcome {
  calendar_operation operation = calendar_operation::put;
  std::string project, href, etag, hash, names;
  std::vector<std::string> labels;
  int sequence = 0;
  bool wrote = true;        ///< false: the server copy already held our values
  bool put_back = false;    ///< the effect's cause was a look that found our values edited
  std::string fingerprint;  ///< of the values rendered at dispatch
  timestamp at{};
};
struct outcome_plan {
  calendar_link link;
  /// The event moved to another project's calendar: the old one is to be deleted now.
  std::optional<std::string> stale_href, stale_etag;
  std::string rule;
};
outcome_plan settle(const calendar_outcome& outcome, const calendar_link& link,
                    const calendar_rules& rules = {});

}  // namespace pb::sync
