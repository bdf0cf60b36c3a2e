// protocol/lark/content: what a message says, out of the content JSON of its type
// (docs/contracts/lark.md, 2.2 and 2.3). Total: what cannot be read is named in left_out, since a
// message that somebody wrote must not disappear. Pure; any thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "protocol/lark/model.hpp"
#include "protocol/lark/rich_text.hpp"

namespace pb::protocol::lark {

/// Mentions are resolved (open_id, name, bot) by the message's own list. Empty for a message that
/// was recalled already. left_out has types ("sticker", "vote", "interactive" …), unknown tags of
/// posts, "unreadable" and "too long".
rich_text read_content(const message& m);

/// What somebody said to the bot, ready for the commands' parser.
struct addressed {
  bool to_bot = false;  ///< the bot itself is mentioned; another bot does not count
  bool to_all = false;
  /// One line per paragraph, trimmed, without the bot's mention and one space beside it. Links as
  /// the bare URL where the label says nothing else, as "[label](url)" otherwise.
  std::string text;   ///< people as "@name"
  std::string keyed;  ///< people as their keys, "@_user_2", to be looked up in message.mentions
  std::vector<std::string> links;
};
/// @param bot_open_id  of bot/v3/info; empty: nothing is addressed to the bot
addressed addressed_to(const message& m, std::string_view bot_open_id);

/// Lines of text without any styles; people as "@name".
std::string plain(const rich_text& t);

}  // namespace pb::protocol::lark
