// protocol/lark/content_raw: contents before mentions are resolved. Used inside content*.cpp only.
#pragma once
#include <string_view>
#include <vector>

#include "protocol/lark/model.hpp"
#include "protocol/lark/rich_text.hpp"

namespace pb::protocol::lark {

/// Like read_content(), but a mention's `key` is still the message's own "@_user_1".
rich_text read_raw(const message& m);

/// By key or open_id; nullptr when the message mentions nobody so.
const mention* mention_of(const std::vector<mention>& all, std::string_view key) noexcept;

}  // namespace pb::protocol::lark
