// protocol/lark/chat_text: the messages in which a conversation hears of its work item: a comment,
// a burst of changes, a short answer. Ready contents, safe and within Feishu's limits. Pure; any
// thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "protocol/lark/post.hpp"
#include "protocol/lark/rich_text.hpp"
#include "protocol/lark/words.hpp"

namespace pb::protocol::lark {

/// One message as im/v1/messages takes it.
struct shown_message {
  std::string msg_type;  ///< "post", "text"
  std::string content;   ///< JSON text
  std::string fallback;  ///< safe plain text for when Feishu refuses a post; empty for "text"
  friend bool operator==(const shown_message&, const shown_message&) = default;
};

/// The item that a message is about.
struct shown_item {
  std::string number, name, url;
};

struct comment_text {
  enum class what : std::uint8_t { written, edited, deleted };
  what how = what::written;
  std::string author;  ///< display name; empty: someone
  rich_text body;      ///< from_html()
  shown_item item;
  bool internal = false;
  language lang = language::zh;
};
/// One message, or several when the comment is long. "Name: …", with a link to the item behind it.
std::vector<shown_message> comment_messages(const comment_text& in);

/// One field that changed. `field` as sync::field_change names it: "state", "assignees",
/// "priority", "start_date", "target_date", "name", "labels", "description", "link", "attachment",
/// "cycle", "module", "parent", "estimate", "deleted", "archived", "restored"; others are shown as
/// they are called.
struct changed_field {
  std::string field, before, after;
};
struct called_person {
  std::string open_id, name;
};
struct changes_text {
  std::string actor;  ///< display name; empty: not known
  std::vector<changed_field> changes;
  std::vector<called_person> call;  ///< who is mentioned at the end
  shown_item item;
  language lang = language::zh;
};
/// "Name changed WEB-42: state A → B, due date – → 2026-04-01": one post, cut with a count when
/// there is too much.
shown_message changes_message(const changes_text& in);

/// A short answer as text. `words` may hold text of other people.
shown_message answer_message(std::string_view words);
/// The same, calling somebody first.
shown_message answer_message(const called_person& to, std::string_view words);

}  // namespace pb::protocol::lark
