// protocol/lark/words: the words that people in chat read, in the two languages that Feishu's
// clients of this bot speak. Pure; any thread.
#pragma once
#include <cstdint>
#include <string_view>

#include "protocol/plane/model.hpp"

namespace pb::protocol::lark {

enum class language : std::uint8_t { en, zh };
/// "zh", "zh-CN", "zh_cn" … are Chinese; everything else is English.
language language_of(std::string_view tag) noexcept;
std::string_view to_string(language l) noexcept;

enum class word : std::uint8_t {
  state,
  priority,
  assignees,
  start_date,
  due_date,
  labels,
  name,
  description,
  link,
  attachment,
  cycle,
  module,
  estimate,
  parent,
  nobody,           ///< no assignee, as a choice and as a value
  none,             ///< no value
  change_state,     ///< placeholder of a menu
  change_priority,  ///< placeholder of a menu
  assign_to,        ///< placeholder of a menu
  set_due_date,     ///< placeholder of the date picker
  clear_due_date,   ///< button
  write_comment,    ///< placeholder of the comment field
  send_comment,     ///< button
  open_in_plane,    ///< button
  new_item,
  new_project,
  deleted,
  archived,
  restored,
  someone,
  everybody,
  image,
  file,
  work_item,
  internal,
  not_shown,   ///< before a list of what could not be shown
  more_lines,  ///< "… more in Plane"
  changed,     ///< "<name> changed"
  edited_comment,
  deleted_comment,
  created,         ///< of a link, an attachment: "added"
  removed,         ///< the opposite
  saving,          ///< toast: the click is kept, the work follows
  not_understood,  ///< toast: the card's data cannot be read
  colon,           ///< ": " or "："
  comma,           ///< ", " or "、"
};
std::string_view say(word w, language l) noexcept;
std::string_view priority_name(plane::priority p, language l) noexcept;

}  // namespace pb::protocol::lark
