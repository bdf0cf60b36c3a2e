// actors/dispatcher: entity key → actor. Activation, passivation, the in-memory budget, replay from
// the journal, wake-ups of waiting lanes. It is the only sender of deliveries to entity actors, so
// it alone decides when one may sleep.
#pragma once
#include <functional>

#include "actors/context.hpp"
#include "actors/messages.hpp"

namespace pb::actors {

using entity_factory =
    std::function<entity_actor(const entity_key&, std::uint64_t incarnation, dispatcher_actor)>;

dispatcher_actor spawn_dispatcher(caf::actor_system& system, context_ptr ctx, entity_factory make);

}  // namespace pb::actors
