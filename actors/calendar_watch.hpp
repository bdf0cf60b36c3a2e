// actors/calendar_watch: knows where the calendars are (discovery, cached), makes missing ones, and
// looks into each of them once in a while: what differs from the links becomes a delivery of the
// item's actor. It writes no event itself.
#pragma once
#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "actors/remotes.hpp"
#include "actors/sync_board.hpp"

namespace pb::actors {

calendar_watch_actor spawn_calendar_watch(caf::actor_system& system, context_ptr ctx,
                                          dispatcher_actor dispatcher, connector_port caldav,
                                          std::shared_ptr<const remotes> calls,
                                          std::shared_ptr<sync_board> board);

}  // namespace pb::actors
