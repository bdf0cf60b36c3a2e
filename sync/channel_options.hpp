// sync/channel_options: the options of a channel mapping as the store keeps them
// (channel_mapping_row.options). Pure.
#pragma once
#include <string>
#include <string_view>

#include "base/failure.hpp"
#include "sync/facts.hpp"

namespace pb::sync {

/// All but chat and project.
std::string channel_options(const channel_mapping& m);
/// What is absent is as channel_mapping has it; what a later version added is passed over.
/// errc::bad_input: not an object, or a member of another type; the rest is no mapping then.
result<channel_mapping> read_channel_mapping(std::string chat, std::string project,
                                             std::string_view options);

}  // namespace pb::sync
