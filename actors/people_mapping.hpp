// actors/people_mapping: Plane's members and Feishu's users matched by e-mail address, all at once.
// Plane is asked for the workspace's members, Feishu for the open_id of each address (50 at a
// time). What a person mapped by hand is left as it is. Offered to the administrators' endpoints.
#pragma once
#include <functional>

#include "actors/facts_directory.hpp"
#include "actors/people_report.hpp"

namespace pb::actors {

/// @param dry_run  writes nothing
/// @param done     once, on any thread; with the failure that ended it. Nothing is half written.
void map_people(const facts_sources& from, bool dry_run,
                std::function<void(result<people_report>)> done);
}  // namespace pb::actors
