// tests/simulation/chat_story: what one seed tells of people who talk in Feishu and plan in Plane:
// what they write, click, take back and edit on both sides, and what goes wrong between. Pure: the
// same seed is the same story, and its first K steps are the same whatever K is.
#pragma once
#include <string_view>
#include <vector>

#include "story.hpp"

namespace pb::simulation {

enum class chat_deed : std::uint8_t {
  // People in chat
  start_thread,
  bind,
  unbind,
  comment,     ///< /comment
  reply,       ///< without a command: a comment where every reply is one
  takes,       ///< /sync on, off, comments or commands
  set_field,   ///< /state, /priority, /due, /assign, /label
  click,       ///< on a card: a menu, the date, the form; some twice
  recall,      ///< a message of theirs
  new_item,    ///< /new
  card,        ///< /link
  small_talk,  ///< /help, /mute, /quiet, what is no command
  stranger,    ///< the same by somebody whom Plane does not know
  // People in Plane
  create,
  rename,
  restate,
  prioritize,
  redate,
  burst,
  revert,
  write_comment,
  edit_comment,
  delete_comment,
  remove,
  archive,
  unarchive,
  // The world between
  weather,
  crash,
  stop,
  jump_clock,
  lose_store,
  lose_commit_answers,
  expire_tokens,
  pace,  ///< Feishu takes fewer calls, or as many as usual
  bot_leaves,
  bot_returns,
  dissolve,
  repeat_webhook,
  repeat_push,
  count_
};
std::string_view to_string(chat_deed d) noexcept;

struct chat_step {
  milliseconds pause{0};  ///< before it
  chat_deed what = chat_deed::create;
  std::uint64_t subject = 0;  ///< which conversation, item, comment
  std::uint64_t detail = 0;   ///< who, how much, which of them
};

struct chat_weather {
  double plane = 0, lark = 0;  ///< some fault of the wire
  double twice = 0, late = 0;  ///< of webhooks and pushes
};

struct chat_story {
  std::uint64_t seed = 0;
  bool shuffled = true;    ///< any ready actor may be the next
  bool slow_store = true;  ///< commits and reads take time
  std::vector<chat_step> steps;
};

/// @param at_most  steps; the rest of the story is left out
chat_story tell_chat(std::uint64_t seed, std::size_t at_most);
/// How the bridge of this seed is set up; addresses and secrets in `s` stay.
void set_up_chat(std::uint64_t seed, config::settings& s);
/// @param detail  of the step that changes the weather
chat_weather chat_forecast(std::uint64_t detail);

}  // namespace pb::simulation
