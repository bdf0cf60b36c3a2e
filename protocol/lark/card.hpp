// protocol/lark/card: the cards that planebridge shows in chats, card JSON 2.0
// (docs/contracts/lark.md, 4.1), and what stands for them where Feishu refuses a card. Text of
// other people stands in plain_text only. Pure; any thread; the output is bounded (30 KB, 200
// elements) whatever comes in, and what had to be left out is said on the card.
//
// What a click sends back, as the action's `value`: {"thread","item","do"}, and with it
//   do          the new value
//   "state"     option: the value of one of `states`
//   "priority"  option: "urgent", "high", "medium", "low", "none"
//   "assign"    option: the value of one of `members`, "none" for nobody; or an open_id from a
//               menu of people
//   "due"       option: "2026-04-01 +0800"; or value.to == "none" (the button that clears it)
//   "comment"   form: "comment"
// An empty "thread" means the conversation that the card's own message began.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/lark/words.hpp"
#include "protocol/plane/model.hpp"

namespace pb::protocol::lark {

inline constexpr std::size_t card_limit_bytes = 30 * 1024;
inline constexpr std::size_t card_limit_elements = 200;
inline constexpr std::string_view choice_nobody = "none";

/// One line of a menu.
struct card_choice {
  std::string value, text;
  friend bool operator==(const card_choice&, const card_choice&) = default;
};

enum class assign_menu : std::uint8_t {
  none,
  members,  ///< by their names in Plane
  people,   ///< Feishu's own picker, all members of the chat
};

struct card_input {
  std::string thread;  ///< root message id; empty on an announcement, which begins one
  std::string item;    ///< uuid
  std::string number;  ///< "WEB-42"
  std::string name;
  std::string url;  ///< of the item's page; anything but http and https is left out
  card_choice state;
  plane::state_group group = plane::state_group::backlog;
  std::vector<card_choice> states;  ///< in Plane's order; empty: no menu
  plane::priority prio = plane::priority::none;
  std::vector<card_choice> assignees;  ///< whose work it is now
  assign_menu assign = assign_menu::members;
  std::vector<card_choice> members;     ///< who can be chosen; empty: no menu
  std::string start_date, target_date;  ///< YYYY-MM-DD; anything else is none
  std::vector<std::string> labels;
  std::string excerpt;  ///< plain text
  bool gone = false, archived = false;
  bool announced = false;    ///< "new work item"
  std::string announced_by;  ///< display name; may be empty
  language lang = language::zh;
  /// Menus, date picker and comment form. Never on an item that is gone or archived.
  bool interactive = true;
};

/// The content of an `interactive` message.
std::string card_work_item(const card_input& in);
/// What the card says, as the text of a `text` message: safe (safe_text.hpp), at most 4 KB.
std::string card_fallback(const card_input& in);

struct project_card_input {
  std::string name, identifier, url, author;
  language lang = language::zh;
};
std::string card_project(const project_card_input& in);
std::string card_fallback(const project_card_input& in);

/// {"text": …} as the content of a `text` message.
/// @param safe  as for_message gives it, with mentions that are meant as mentions
std::string text_content(std::string_view safe);

}  // namespace pb::protocol::lark
