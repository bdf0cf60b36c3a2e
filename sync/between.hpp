// sync/between: what the actors of a work item and of a conversation hand each other, as values
// with a JSON form. Each travels as an internal delivery (source "internal", form = its `form`),
// journaled in the planner's own transaction. Pure.
#pragma once
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/failure.hpp"
#include "protocol/plane/change_item.hpp"
#include "sync/item_view.hpp"

namespace pb::sync {

/// Who did something in chat, and as whom it is written to Plane.
struct chat_author {
  std::string open_id, name;
  std::string plane_user;  ///< uuid; empty: not mapped
  bool own_key = false;    ///< they connected their Plane account: write as themselves
};

/// A picture or file of a message.
struct chat_file {
  std::string key, name;  ///< key: Feishu's; name: as it is called in Plane
  bool image = false;     ///< else a file, a recording or a video
  friend bool operator==(const chat_file&, const chat_file&) = default;
};

// Conversation → work item: each names the item's project, since the item's side may not have heard
// of the item yet and has to read it. ------------------------------------------------------------
/// A reply or /comment that becomes a comment. `message` is its external id. `html` is the content
/// alone: the item's side puts the author's name in front when they do not write as themselves.
struct thread_commented {
  static constexpr std::string_view form = "thread.commented";
  std::string thread, chat, message, html;
  chat_author author;
  std::string project{};           ///< uuid
  std::vector<chat_file> files{};  ///< they become attachments of the item
};
/// The message was recalled: the comment is struck out.
struct thread_recalled {
  static constexpr std::string_view form = "thread.recalled";
  std::string thread, message, comment;  ///< comment: uuid, empty when not known yet
};
/// A command or a click wants fields set. Only what is set is changed; empty values clear.
struct thread_edited {
  static constexpr std::string_view form = "thread.edited";
  std::string thread, chat, message;  ///< message: what the author gets an answer under
  chat_author author;
  std::optional<std::string> state, target_date, start_date, name;  ///< state: uuid
  std::optional<protocol::plane::priority> prio;
  std::optional<std::vector<std::string>> assignees;      ///< uuids, the whole set
  std::vector<std::string> labels_added, labels_removed;  ///< uuids
  std::string project{};                                  ///< uuid
  /// What is set here by uuid, as far as the conversation knows it: who writes it need not ask.
  protocol::plane::item_names names{};
};
/// The conversation now follows this item, or does not any more.
struct thread_bound {
  static constexpr std::string_view form = "thread.bound";
  std::string thread, chat;
  bool bound = true;
  bool comments = true, changes = true;  ///< what the thread gets
  std::string project{};                 ///< uuid
};
/// /new: create an item. No work item has an actor yet: the conversation's own lane "plane" makes
/// it (operation "plane.create_item", this JSON as payload, external id `message`), and its outcome
/// enters the conversation as an item_answered whose `now` is the item.
struct thread_wants_item {
  static constexpr std::string_view form = "thread.wants_item";
  std::string thread, chat, message, project, name, html;
  chat_author author;
};

template <class T>
concept asks_item = std::same_as<T, thread_commented> || std::same_as<T, thread_edited> ||
    std::same_as<T, thread_bound>;

// Work item → conversation -----------------------------------------------------------------------
/// Fields changed. One burst becomes one message: the conversation's digest effect merges them.
struct item_changed {
  static constexpr std::string_view form = "item.changed";
  item_view now;
  std::vector<field_change> changes;  ///< empty: only the card is refreshed
  std::string actor;                  ///< display name; empty: not known
  std::string actor_id;
  /// The conversation and its message behind it, when it was ours: who asked is answered by
  /// item_answered and gets no digest of it.
  std::string caused_by_thread, caused_by_message;
};
/// A comment was written, edited or deleted in Plane.
struct item_commented {
  static constexpr std::string_view form = "item.commented";
  enum class what : std::uint8_t { written, edited, deleted };
  what how = what::written;
  std::string comment, html, author, author_id;
  /// Plane's access INTERNAL: for members of the workspace. It is Plane's default for every comment
  /// (only published boards offer another), so it keeps a comment from chats with people of other
  /// tenants, not from chats of the team.
  bool internal = false;
  /// The conversation and the message that it came from, when it is ours: it is not sent back to
  /// that conversation, others of the item get it.
  std::string from_thread, from_message;
  item_view now;
};
/// What became of something that this conversation asked for.
struct item_answered {
  static constexpr std::string_view form = "item.answered";
  std::string message;  ///< the chat message that asked; empty: none
  bool ok = true;
  std::string text;     ///< one sentence with cause and remedy when not ok
  std::string comment;  ///< uuid of the comment that was made
  std::optional<item_view> now;
};
/// To a chat (entity lark:chat:<id>): a new work item or project is announced there.
struct chat_announcement {
  static constexpr std::string_view form = "chat.announce";
  std::optional<item_view> item;
  std::string project, project_name, identifier, url;  ///< when `item` is empty
  std::string author;                                  ///< Plane's display name; empty: not known
  std::string author_id;  ///< of a project: Plane's uuid, as far as it is known
};
/// To a chat: a line for operators.
struct chat_alarm {
  static constexpr std::string_view form = "chat.alarm";
  std::string text;
};
/// Chat → conversation: the announcement `thread` was sent, and its replies follow the item.
struct thread_started {
  static constexpr std::string_view form = "thread.started";
  std::string thread, chat;
  item_view item;
  std::string shown, announced_by;  ///< as in thread_knowledge::card
};
/// Chat → conversation: the bot left, or the chat is no more.
struct thread_ended {
  static constexpr std::string_view form = "thread.ended";
  std::string thread, chat;
  std::string why;  ///< "bot removed", "chat dissolved"
};

/// A lane → conversation: Plane does not take this person's own key any more. What they wrote is
/// written by the bot; they are told in private how to connect again.
struct key_refused {
  static constexpr std::string_view form = "person.key_refused";
  std::string open_id;
};

using between =
    std::variant<thread_commented, thread_recalled, thread_edited, thread_bound, thread_wants_item,
                 item_changed, item_commented, item_answered, chat_announcement, chat_alarm,
                 thread_started, thread_ended, key_refused>;
std::string_view form_of(const between& b) noexcept;
std::string to_json(const between& b);
/// The project that a conversation's request names; empty: none.
std::string_view project_named_in(const between& b) noexcept;
/// errc::bad_input when form or body does not read; too_large beyond max_between_bytes.
inline constexpr std::size_t max_between_bytes = 2U << 20;
result<between> parse_between(std::string_view form, std::string_view json);

}  // namespace pb::sync
