// actors/plane_watch: finds what no webhook announced (gap-detect). A cheap poll per project by
// -updated_at down to the watermark, a slower full scan that confirms absences by reading, both
// inside the share of the request budget that scans may use, both through the journal.
#pragma once
#include <functional>

#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "actors/remotes.hpp"
#include "actors/sync_board.hpp"

namespace pb::actors {

struct plane_watch_peers {
  dispatcher_actor dispatcher;
  connector_port plane;
  calendar_watch_actor calendars;
  std::shared_ptr<const remotes> calls;
  std::shared_ptr<sync_board> board;
  std::shared_ptr<facts_desk> facts{};  ///< hears of projects that changed; may be null
};

plane_watch_actor spawn_plane_watch(caf::actor_system& system, context_ptr ctx,
                                    plane_watch_peers peers);

}  // namespace pb::actors
