// actors/connector: the supervised owner of one remote account: credentials, rate limit, quick
// retries, circuit breaker. It drives exchanges (protocol/exchange.hpp) call by call through the
// transport; what it cannot finish soon it gives back, and the outbox makes it durable.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "actors/context.hpp"
#include "actors/messages.hpp"

namespace pb::actors {

/// Starts a connector under a supervisor of its own.
connector_port spawn_connector(caf::actor_system& system, context_ptr ctx,
                               std::function<connector_policy()> make_policy,
                               std::shared_ptr<connector_status> status);

/// The connector alone, monitored by its supervisor, which is the only one to call this.
connector_actor spawn_watched_connector(connector_port::pointer by, context_ptr ctx,
                                        connector_policy policy,
                                        std::shared_ptr<connector_status> status);

}  // namespace pb::actors
