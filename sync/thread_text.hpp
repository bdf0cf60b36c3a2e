// sync/thread_text: all that planebridge says in a conversation in its own words, in Chinese and
// English, in one place. Pure; any thread. Text of other people is put in as it is: what makes it
// harmless is who renders the message (protocol/lark/chat_text).
#pragma once
#include <initializer_list>
#include <string>
#include <string_view>

#include "sync/thread_commands.hpp"

namespace pb::sync {

enum class phrase : std::uint8_t {
  // binding
  bound,            ///< {0} item
  bound_replacing,  ///< {0} item, {1} item before
  already_bound,    ///< {0}
  unbound,          ///< {0}
  not_bound,        //
  not_an_address,   ///< {0} as given
  other_workspace,  ///< {0} slug
  not_an_item,      ///< {0} what the link leads to
  item_missing,     ///< {0}
  item_archived,    ///< {0}
  item_forbidden,   ///< {0}
  item_unknown,     ///< {0}: could not be read now
  item_gone,        ///< {0}
  // who may
  not_mapped,     //
  not_a_member,   ///< {0} project
  not_shown,      ///< {0} project
  not_external,   ///< {0} project
  facts_missing,  //
  // what is set
  no_such_state,       ///< {0} given, {1} all of them
  no_such_state_near,  ///< {0} given, {1} nearest
  no_such_label,       ///< {0}
  no_such_label_near,  ///< {0}, {1}
  no_such_person,      ///< {0}
  no_such_person_near,
  person_not_mapped,    ///< {0} name
  person_not_a_member,  ///< {0} name, {1} project
  nothing_to_change,    ///< {0} item
  due_before_start,     ///< {0} start date
  old_card,             //
  // new items
  no_project,       ///< {0} identifiers
  no_such_project,  ///< {0}
  no_such_project_near,
  created,  ///< {0} number and name, {1} address
  // what the thread gets and gives
  sync_on,
  sync_off,
  sync_comments,
  sync_commands,
  sync_is,       ///< {0} what it gets, {1} what it gives
  sync_is_off,   //
  muted,         //
  unmuted,       //
  quiet_hours,   ///< {0}, {1}
  quiet_off,     //
  link_private,  ///< answered in a group
  link_needs_mapping,
  connect,    ///< {0} address
  reconnect,  ///< {0} address
  // mistakes
  unknown_command,       ///< {0}
  unknown_command_near,  ///< {0}, {1}
  needs_address,
  needs_comment,
  needs_title,
  needs_whom,
  needs_state,
  bad_priority,
  bad_priority_near,
  needs_date,
  bad_date,
  bad_date_near,
  needs_label,
  bad_mode,
  bad_mode_near,
  bad_hours,
  bad_mute,
  no_text,  ///< {0} command
  // help
  help,
  help_short,
  use_comment,  ///< addressed, bound, but no command
  // outcomes
  not_done,  ///< {0} reason
  not_done_plain,
  alarm,  ///< {0}
};

std::string say(phrase p, bool chinese, std::initializer_list<std::string_view> parts = {});
/// What is wrong with a command, and its nearest valid form.
std::string explain(const mistake& m);
/// Every phrase, for tests and the docs: how many there are.
inline constexpr std::size_t phrase_count = static_cast<std::size_t>(phrase::alarm) + 1;

}  // namespace pb::sync
