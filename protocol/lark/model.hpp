// protocol/lark/model: what Feishu/Lark tells us, as values (docs/contracts/lark.md, sections 1, 2,
// 4). All ids are opaque text, bounded when they are read. Pure values; any thread.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"

namespace pb::protocol::lark {

/// One person as events name them. Only open_id is always there; it differs between apps.
struct person {
  std::string open_id, union_id, user_id;
  friend bool operator==(const person&, const person&) = default;
};

struct mention {
  std::string key;  ///< "@_user_1" in the text
  person who;
  std::string name;
  bool bot = false;
};

enum class chat_kind : std::uint8_t { p2p, group };

/// im.message.receive_v1, or one row of a list of messages.
struct message {
  std::string message_id, root_id, parent_id, thread_id, chat_id;
  chat_kind chat = chat_kind::group;
  std::string type;     ///< "text", "post", "image" …
  std::string content;  ///< JSON text as sent; may be empty when it was recalled already
  std::vector<mention> mentions;
  person sender;
  bool from_bot = false;
  timestamp created_at{};
  bool deleted = false;  ///< lists only: recalled
  /// What a conversation is known by: its first message.
  [[nodiscard]] const std::string& root() const noexcept {
    return root_id.empty() ? message_id : root_id;
  }
};

struct message_recalled {
  std::string message_id, chat_id, by;  ///< by: "message_owner" …
  timestamp at{};
};
struct reaction {
  std::string message_id, emoji;
  person who;
  bool by_app = false, removed = false;
};
/// The bot came into a chat or left it; or the chat was dissolved.
struct chat_membership {
  std::string chat_id, name;
  bool added = false, external = false, disbanded = false;
  person by;
};
struct chat_changed {
  std::string chat_id;
};
struct person_left {
  person who;
  std::string name;
};
/// First contact in private, or an entry of the bot's menu.
struct private_contact {
  person who;
  std::string chat_id, menu_key;
};

/// card.action.trigger, and the old card.action.trigger_v1.
struct card_action {
  person by;
  std::string token;  ///< "c-…": 30 minutes, two uses
  std::string message_id, chat_id;
  std::string tag, name, option, input, timezone;
  std::string value;                                      ///< JSON object as text; may be empty
  std::vector<std::pair<std::string, std::string>> form;  ///< one pair per value
  std::vector<std::string> options;
  bool checked = false, on_preview = false, legacy = false;
};

/// url.preview.get.
struct preview_request {
  person viewer;
  std::string url, preview_token, message_id, chat_id;  ///< all but url empty while it is unsent
};

struct url_verification {
  std::string challenge, token;
};
/// A kind that planebridge does not use.
struct other_event {};

using said = std::variant<other_event, url_verification, message, message_recalled, reaction,
                          chat_membership, chat_changed, person_left, private_contact, card_action,
                          preview_request>;

/// One push, whatever its envelope.
struct event {
  std::string id;    ///< event_id or uuid; empty for url_verification and old cards
  std::string type;  ///< "im.message.receive_v1"
  std::string app_id, tenant_key, token;  ///< token: the Verification Token as sent
  timestamp created_at{};
  int schema = 2;  ///< 2, 1, or 0 for flat bodies
  said what;
};

}  // namespace pb::protocol::lark
