// protocol/lark/post: neutral text as messages of Feishu: `post` with styles and links, and plain
// `text` (docs/contracts/lark.md, 2.2 and 3.2). Nobody is mentioned but runs of kind mention with
// an open_id; "everybody" never. Pure; any thread. What is too long for one message becomes
// several, cut between paragraphs where that is possible; nothing is lost without a marker.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/lark/rich_text.hpp"
#include "protocol/lark/words.hpp"

namespace pb::protocol::lark {

struct message_limits {
  std::size_t post_bytes = 28U * 1024;   ///< of the content as JSON; Feishu takes 30 KB
  std::size_t text_bytes = 140U * 1024;  ///< Feishu takes 150 KB for the whole body
  std::size_t messages = 8;              ///< more than that is cut with a marker
};

/// Contents (JSON texts) of `post` messages, at least one.
std::vector<std::string> post_contents(const rich_text& text, language lang,
                                       const message_limits& limits = {});
/// The same as safe plain text, for `text` messages (see text_content()), at least one.
std::vector<std::string> plain_texts(const rich_text& text, language lang,
                                     const message_limits& limits = {});

/// "ou_" and letters and digits: what may stand in a mention's user_id.
bool is_open_id(std::string_view id) noexcept;
/// <at user_id="ou_…">name</at> for the `text` of a message; "@name" when that is no open_id.
std::string at_tag(std::string_view open_id, std::string_view name);

}  // namespace pb::protocol::lark
