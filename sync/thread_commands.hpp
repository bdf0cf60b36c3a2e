// sync/thread_commands: what people tell the bot, read from the text of a message. Chinese and
// English words, with or without a slash once the bot is addressed, "／" and ideographic blanks as
// well, case does not matter. Pure; any thread. Whether the person may do it, and whether the state
// or the label exists, is for the rules.
#pragma once
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/plane/model.hpp"

namespace pb::sync {

enum class verb : std::uint8_t {
  bind,      ///< text: an address or "WEB-42"
  unbind,    //
  comment,   ///< text: what to write, all lines
  create,    ///< text: title; body: following lines; project: identifier after "in", may be empty
  assign,    ///< whom, people or text (a name)
  state,     ///< text: its name
  priority,  ///< prio
  due,       ///< text: "2026-12-01"; empty: none
  label,     ///< added, removed: names
  link,      //
  sync,      ///< mode; nothing: ask
  mute,      ///< on
  quiet,     ///< from, to: minutes since midnight; both nothing: off
  help,      //
  connect,   //
};

struct command {
  enum class whom : std::uint8_t { nobody, me, people, name };
  enum class sync_mode : std::uint8_t { ask, on, off, comments, commands };
  verb what = verb::help;
  bool chinese = false;  ///< the language of the command, and of its answer
  std::string text, body, project;
  whom who = whom::nobody;
  std::vector<std::string> people;  ///< open_ids
  protocol::plane::priority prio = protocol::plane::priority::none;
  std::vector<std::string> added, removed;
  sync_mode mode = sync_mode::ask;
  bool on = true;
  std::optional<int> from, to;
  friend bool operator==(const command&, const command&) = default;
};

/// It was meant as a command and cannot be read as one.
struct mistake {
  enum class kind : std::uint8_t {
    unknown_word,   ///< got: the word
    needs_address,  ///< /bind without one
    needs_text,     ///< /comment, /new without
    needs_whom,
    needs_state,
    bad_priority,  ///< got
    bad_date,      ///< got; empty: missing
    needs_label,
    bad_mode,   ///< /sync; got
    bad_hours,  ///< /quiet; got
    bad_mute,   ///< got
    no_text,    ///< extra words after a command that takes none; got
  };
  kind what = kind::unknown_word;
  bool chinese = false;
  std::string got;
  std::string nearest;  ///< the whole valid form: "/state", "high"; may be empty
  verb of = verb::help;
  friend bool operator==(const mistake&, const mistake&) = default;
};
/// Ordinary words.
struct no_command {
  friend bool operator==(const no_command&, const no_command&) = default;
};
using reading = std::variant<no_command, command, mistake>;

/// What is said, without the bot's own name. Only the first 32 KB are looked at.
struct spoken {
  std::string text;                 ///< lines end in LF; people as "@Name"
  std::vector<std::string> people;  ///< open_ids of those mentioned in the text, in order; no bots
  /// The bot was named, or this is a conversation with it alone: words need no slash, and what is
  /// like no command is a mistake.
  bool addressed = false;
};

/// @param today  in the zone of the rules
reading read_command(const spoken& said, std::chrono::year_month_day today);

/// The part of `text` behind the command's word, as read_command cuts it: where a comment begins.
std::string_view after_word(std::string_view text);

/// "/bind", "/绑定".
std::string_view word_of(verb v, bool chinese) noexcept;
/// Text that reads as this command. Of commands that read_command gives:
/// read_command(format_command (c)) == c, when `people` are mentioned again.
spoken format_command(const command& c);

}  // namespace pb::sync
