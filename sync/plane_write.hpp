// sync/plane_write: what chat wants written to Plane, as the lane "plane" keeps it: the payload of
// an effect, its JSON form, and what came of it. Pure values; remotes::write() turns one into
// calls, sync/issue_chat decides what follows.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/failure.hpp"
#include "protocol/plane/change_item.hpp"
#include "sync/between.hpp"
#include "sync/facts.hpp"
#include "sync/knowledge.hpp"

namespace pb::sync {

/// external_source of all that we create.
inline constexpr std::string_view our_source = "planebridge";
/// field_edit.field of one label: "label:<uuid>".
inline constexpr std::string_view label_prefix = "label:";
/// external_id of what a chat message became: "lark:<message>".
std::string marker_of(std::string_view message);
/// The same for a new item: "lark:<message>@<chat>".
std::string marker_of(const thread_wants_item& w);
/// The same for a file of a message, at most 255 bytes.
std::string marker_of_file(std::string_view message, std::string_view key);
/// The message behind our marker; nothing: the pair is not ours. That of an item names its chat
/// too, so that the item is not announced where it was made.
struct marked {
  std::string message, chat;
};
std::optional<marked> read_marker(std::string_view external_source, std::string_view external_id);

/// Who asked, and where the answer goes.
struct asker {
  std::string thread, message;
  chat_author author;
};

/// plane.create_comment. Appended: each stands for itself, its marker makes it one.
struct comment_creation {
  static constexpr std::string_view operation = "plane.create_comment";
  std::string html;  ///< the content alone
  std::string chat;
  asker by;
};
/// With the author's name in front, unless they write as themselves.
std::string html_to_write(const comment_creation& c);
/// plane.strike_comment: a recalled message; the text stays, struck out.
struct comment_strike {
  static constexpr std::string_view operation = "plane.strike_comment";
  std::string comment;  ///< uuid; empty: found by the marker
  asker by;
};
/// plane.attach_file: a picture or file of a message becomes an attachment. Appended behind the
/// message's comment; its marker makes it one. What was said is in the comment whatever becomes of
/// this.
struct file_copy {
  static constexpr std::string_view operation = "plane.attach_file";
  chat_file what;
  asker by;
  static constexpr std::size_t most_of_a_message = 20;
};
/// One field of a work item as asked for. `field`: "state", "priority", "name", "start_date",
/// "target_date", "assignees" (uuids, comma between), or "label:<uuid>" with value "on" or "off".
struct field_edit {
  std::string field, value;
  std::string base;  ///< what it was when this was asked for, same form; "?": not known
  timestamp at{};    ///< when
  /// Whoever asked for this value, first the first; all are answered. At most max_askers.
  std::vector<asker> by;
  protocol::plane::item_names names{};  ///< of the uuids in `value`, as far as they are known
  static constexpr std::size_t max_askers = 8;
};
/// plane.update_item: a state effect of object fields_object.
struct item_update {
  static constexpr std::string_view operation = "plane.update_item";
  std::vector<field_edit> fields;
};
/// plane.create_item is the conversation's own: its payload is a thread_wants_item.
inline constexpr std::string_view create_item_operation = "plane.create_item";
using plane_write =
    std::variant<comment_creation, comment_strike, item_update, thread_wants_item, file_copy>;
inline constexpr std::string_view fields_object = "fields";

std::string_view operation_of(const plane_write& w) noexcept;
std::string to_json(const plane_write& w);
/// errc::storage when it does not read.
result<plane_write> parse_plane_write(std::string_view operation, std::string_view payload);
/// The person (open_id) whose own key this is written with; empty: the integration's.
std::string own_key_of(const plane_write& w);
/// The conversation of whoever it is written for first; empty: nobody's.
std::string thread_of(const plane_write& w);
/// The same write with the integration's key, for an installation that holds no personal ones: the
/// author's name is then in front.
plane_write as_integration(plane_write w);
/// The name that key is sealed under; empty: the integration's.
std::string credential_of(const plane_write& w);
/// What Plane is asked to do for it. Values that Plane would refuse are refused when it is sent.
protocol::plane::item_change change_of(const item_update& w);
/// Names that save a read after the write: of what is set, and of the item as known.
protocol::plane::item_names names_for(const item_update& w, const item_knowledge& known);

/// A new effect of the lane "plane", or a new payload for one that waits.
struct wanted_plane_write {
  enum class kind : std::uint8_t { append, state };
  kind how = kind::append;
  std::optional<std::int64_t> replace;  ///< this waiting effect takes the payload, and keeps its
                                        ///< place, age and due time
  std::string operation, object, payload, idempotency_key;
  timestamp due_at{};
  std::string rule;
};
/// An unfinished effect of the lane, as far as planning cares.
struct queued_write {
  std::int64_t id = 0;
  std::string operation, object, payload;
  bool attempted = false;  ///< sent at least once, or possibly sent before a restart
};

/// How a write ended.
struct plane_outcome {
  std::optional<failure> failed;  ///< it is given up: the rest is empty
  std::string comment;            ///< uuid: made, found or struck
  std::string attachment;         ///< uuid: made, or found
  bool gone = false;              ///< the comment or the item is not there any more
  std::optional<protocol::plane::work_item> item;  ///< as it is now, names resolved
  std::vector<std::string> dropped;                ///< assignees that Plane did not take: uuids
};

}  // namespace pb::sync
