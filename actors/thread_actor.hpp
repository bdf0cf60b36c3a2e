// actors/thread_actor: one per conversation in Feishu (its first message and the replies) and one
// per chat. The same pipeline as a work item's actor (actors/entity_pipeline); judgement is in
// sync/thread_rules, what it lacks comes from the facts desk.
#pragma once
#include "actors/chat_calls.hpp"
#include "actors/context.hpp"
#include "actors/facts_desk.hpp"
#include "actors/messages.hpp"
#include "actors/remotes.hpp"

namespace pb::actors {

struct thread_peers {
  connector_port lark, plane;
  std::shared_ptr<const remotes> calls;
  std::shared_ptr<const chat_calls> chat;  ///< nothing: Feishu is not configured
  std::shared_ptr<facts_desk> facts;       ///< likewise
};

entity_actor spawn_thread(caf::actor_system& system, context_ptr ctx, const entity_key& key,
                          std::uint64_t incarnation, dispatcher_actor dispatcher,
                          thread_peers peers);

}  // namespace pb::actors
