// actors/facts_directory: the facts desk of a running bridge: what it looks up, where, and how long
// it believes it. Store and connectors answer; a bounded cache is shared by all actors; the same
// question is under way once. Made by the runtime.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "actors/context.hpp"
#include "actors/facts_desk.hpp"
#include "actors/messages.hpp"
#include "actors/remotes.hpp"
#include "protocol/lark/requests.hpp"

namespace pb::actors {

struct facts_sources {
  context_ptr ctx;
  connector_port plane, lark;  ///< lark: null when Feishu is not configured
  std::shared_ptr<const remotes> calls;
  protocol::lark::api lark_api;
  std::string bot_open_id;          ///< as configured; empty: asked
  std::vector<std::string> admins;  ///< open_ids
};

std::shared_ptr<facts_desk> make_facts_directory(facts_sources from);

}  // namespace pb::actors
