// sync/lark_effects: the payloads of effects on lane "lark", as the outbox keeps them. Rules write
// them, the connector's glue reads them when an effect is dispatched. Pure.
//
//   operation          uses
//   lark.reply         root, in_thread, msg_type, content, fallback
//   lark.send          chat or open_id, msg_type, content, fallback
//   lark.update_card   message, content, fallback is not used: a card that is refused stays as it
//   is lark.edit          message, msg_type ("text" or "post"), content lark.react         message,
//   emoji lark.recall        message lark.connect_link  open_id, language: whoever carries it out
//   makes a one-time link, writes the
//                      text (sync/thread_text: connect_text) and sends it; the link is in no
//                      payload; content refused_key_link: because Plane refuses the key they gave
#pragma once
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/failure.hpp"

namespace pb::sync {

struct lark_effect {
  std::string root;           ///< first message of the conversation
  std::string chat, open_id;  ///< of lark.send: one of them
  std::string message;        ///< what is edited, reacted to, taken back
  bool in_thread = true;      ///< reply in topic form; without it when Feishu cannot (230071)
  std::string msg_type;       ///< "text", "post", "interactive"
  std::string content;        ///< JSON text, as Feishu takes it
  std::string fallback;  ///< plain text in place of a card or post that is refused; may be empty
  std::string emoji, language;
  /// What the rules want back with the outcome; JSON text that nobody else reads.
  std::string about;
  /// Set when an operator gave it a fresh age: it may have been sent since then.
  timestamp perhaps_sent_since{};
  friend bool operator==(const lark_effect&, const lark_effect&) = default;
};

inline constexpr std::string_view refused_key_link = "refused";

inline constexpr std::size_t max_lark_effect_bytes = 512U << 10;

std::string to_json(const lark_effect& e);
/// The payload of one that may have been sent since `when`; the earliest such time stays.
std::string sent_perhaps(const std::string& payload, timestamp when);
/// errc::bad_input for what is not such an object.
result<lark_effect> parse_lark_effect(std::string_view json);

}  // namespace pb::sync
