// actors/project_news: a project is new in the workspace, which no work item's actor hears of. To
// the chats that want to hear of new projects, once for each, however often and by whatever way it
// was noticed. Its name is asked for there: what told us may not have it. Called by the dispatcher.
#pragma once
#include <memory>

#include "actors/context.hpp"
#include "actors/messages.hpp"

namespace pb::actors {

/// Settles the delivery; while the store is away it stays pending, and is handed out again.
void tell_of_project(const context_ptr& ctx, const dispatcher_actor& self,
                     const std::shared_ptr<const persistence::delivery>& d);

}  // namespace pb::actors
