// actors/issue_actor: one per Plane work item. Handles its deliveries one at a time in journal
// order (load → judge → plan → one transaction), and runs its lane towards the calendar, one
// effect at a time. Judgement is in sync/; this file only carries out.
#pragma once
#include "actors/chat_calls.hpp"
#include "actors/context.hpp"
#include "actors/file_turns.hpp"
#include "actors/messages.hpp"
#include "actors/remotes.hpp"

namespace pb::actors {

/// Where pictures and files of conversations come from; unset without Feishu.
struct file_peers {
  connector_port lark;
  std::shared_ptr<const chat_calls> chat;
  std::shared_ptr<file_turns> turns;
};
struct issue_peers {
  connector_port plane, caldav;
  calendar_watch_actor calendars;
  std::shared_ptr<const remotes> calls;
  file_peers files{};
};

entity_actor spawn_issue(caf::actor_system& system, context_ptr ctx, const entity_key& key,
                         std::uint64_t incarnation, dispatcher_actor dispatcher, issue_peers peers);

}  // namespace pb::actors
