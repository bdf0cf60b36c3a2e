// app/lark_wiring: what the runtime needs for conversations in Feishu: the account behind its
// connector and the calls that effects become. Called once, before the runtime is made.
#pragma once
#include <memory>

#include "actors/runtime.hpp"
#include "app/lark_account.hpp"
#include "config/settings.hpp"
#include "persistence/store.hpp"

namespace pb::app {

protocol::lark::pace_limits lark_pace(const config::settings& s);
/// Nothing, and `parts` as they were, when Feishu is not configured. Reads the month's calls:
/// blocks for as long as the store takes. The store and the clock outlive what is returned.
std::shared_ptr<lark_account> join_lark(actors::runtime_parts& parts, const config::settings& s,
                                        persistence::store& store, const clock_source& clock);

}  // namespace pb::app
