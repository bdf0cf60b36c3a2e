// actors/front: takes verified deliveries from the HTTP threads, has them committed, answers, and
// tells the dispatcher. The batch is whatever waits when the store starts a transaction.
#pragma once
#include <functional>
#include <vector>

#include "actors/context.hpp"
#include "actors/messages.hpp"

namespace pb::actors {

/// @param seen  its probe: whoever sends to it counts what is queued
front_actor spawn_front(caf::actor_system& system, context_ptr ctx, dispatcher_actor dispatcher,
                        std::shared_ptr<probe> seen);

/// Journals deliveries that we made ourselves (polls, scans, looks into calendars) in one unit;
/// `done` gets how many were new, on the store's thread.
void journal_own(const context_ptr& ctx, const dispatcher_actor& dispatcher,
                 std::vector<persistence::delivery_append> deliveries,
                 std::function<void(result<std::size_t>)> done);

/// A delivery that planebridge makes for itself. The identity makes it unique for its source.
persistence::delivery_append own_delivery(const context& ctx, std::string source, std::string form,
                                          std::string event, entity_key entity, std::string body,
                                          std::string identity);

}  // namespace pb::actors
