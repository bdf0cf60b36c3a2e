// protocol/caldav/merge: our values written into a server's copy of an event without touching
// anything else in it (docs/contracts/caldav.md, "Update in place"). Works on content lines:
// libical's round trip loses what it does not know. Called by put_event and by the calendar sync.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/failure.hpp"
#include "protocol/caldav/event.hpp"

namespace pb::protocol::caldav {

/// What a server copy holds of the master event with one UID.
struct server_event {
  std::string uid;
  owned_values owned;  ///< labels: every category found, sorted
  int sequence = 0;
  std::optional<timestamp> last_modified;
  bool recurring = false;  ///< a client added RRULE, RDATE or RECURRENCE-ID siblings
};
/// errc::bad_input or too_large: not readable. errc::not_found: no master VEVENT with this UID.
/// An empty UID takes the first master VEVENT, whatever its UID.
result<server_event> read_owned(std::string_view server_copy, std::string_view uid = {});

/// Hash of the server copy's owned values as content_hash() would make it: of its categories only
/// those count that were ours (`base_labels`) or are wanted.
std::string content_hash(const server_event& event, const std::vector<std::string>& wanted_labels,
                         const std::vector<std::string>& base_labels);

struct merged {
  std::string text;  ///< to be written; the server copy itself when nothing changed
  int sequence = 0;
  bool changed = false;            ///< false: the owned values already hold, nothing to write
  std::vector<std::string> notes;  ///< for the log
};
/// @param base_labels    labels last written; empty (lost): none of the server's is removed
/// @param now            used when a client's edit is later than Plane's own time
/// @param last_sequence  last written; SEQUENCE never goes below it
/// Errors as read_owned, and errc::bad_input when validate(wanted) fails.
result<merged> merge_event(std::string_view server_copy, const event_values& wanted,
                           const std::vector<std::string>& base_labels, timestamp now,
                           int last_sequence);

}  // namespace pb::protocol::caldav
