// actors/project_events: what Plane tells of a project as such, which concerns no single work item
// and has no actor. Called by the dispatcher.
#pragma once
#include <memory>

#include "actors/context.hpp"
#include "actors/messages.hpp"

namespace pb::actors {

/// A new project is announced (actors/project_news). A deleted project takes its items along: Plane
/// sends no event for them, and this one is explicit (no-delete-by-absence). Settles the delivery;
/// while the store is away it stays pending, and is handed out again.
void settle_project(const context_ptr& ctx, const dispatcher_actor& self,
                    const std::shared_ptr<const persistence::delivery>& d);

}  // namespace pb::actors
