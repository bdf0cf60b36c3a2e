// Do Plane and the calendar server say the same? The promise that everything else serves.
#pragma once
#include <string>

#include "tests/app/dav_server.hpp"
#include "tests/load/people.hpp"

namespace pb::app::testing {

/// An event of a person beside ours; not to be touched by anybody.
extern const std::string foreign_event_name;
/// Puts it into the project's calendar; false when the server refuses.
bool put_foreign_event(dav_server& calendars, const std::string& project);

/// What is wrong first, in words; empty when each wanted item is shown once and right, nothing else
/// of ours is there, and the foreign event is as it was put.
std::string disagreement(dav_server& calendars, const std::string& project, people& edited);

}  // namespace pb::app::testing
