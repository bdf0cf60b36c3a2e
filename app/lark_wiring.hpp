// app/lark_wiring: what the runtime needs for conversations in Feishu: the account behind its
// connector, the calls that effects become, and the long connection. Called once, the first before
// the runtime is made.
#pragma once
#include <memory>

#include "actors/runtime.hpp"
#include "app/lark_account.hpp"
#include "config/settings.hpp"
#include "http/lark_long_connection.hpp"
#include "persistence/store.hpp"

namespace pb::app {

protocol::lark::pace_limits lark_pace(const config::settings& s);
/// Nothing, and `parts` as they were, when Feishu is not configured. Reads the month's calls:
/// blocks for as long as the store takes. The store and the clock outlive what is returned.
std::shared_ptr<lark_account> join_lark(actors::runtime_parts& parts, const config::settings& s,
                                        persistence::store& store, const clock_source& clock);

/// Feishu's events over a connection of ours; nothing unless the transport is "websocket". Not
/// started. When it gives up, operators are told. All that is given outlives it.
std::unique_ptr<http::lark_long_connection> lark_link(
    const config::settings& s, const actors::context_ptr& ctx,
    std::shared_ptr<http::lark_reception> reception);

}  // namespace pb::app
