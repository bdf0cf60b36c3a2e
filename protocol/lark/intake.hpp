// protocol/lark/intake: from a push to a row of the journal and an answer, without doing either.
// open_push() is the gate of the webhook; take_in() serves the webhook and the long connection
// alike (docs/contracts/lark.md, 1 and 4.3 to 4.6). Pure; any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/entity.hpp"
#include "base/failure.hpp"
#include "base/secret.hpp"
#include "protocol/lark/crypto.hpp"
#include "protocol/lark/model.hpp"

namespace pb::protocol::lark {

struct push_keys {
  secret encrypt_key;         ///< empty: pushes come plain and only the token vouches for them
  secret verification_token;  ///< never empty for the webhook
  bool legacy_cards = false;  ///< take card.action.trigger_v1
};

/// A push that may be believed; `body` is what parse_event() read.
struct opened {
  std::string body;
  event what;
};

/// The gate. In this order: size, signature over the raw bytes before anything is read, decryption,
/// parse, Verification Token in constant time.
/// - With an Encrypt Key: a plain body is refused, signed or not. Without a signature only an
///   encrypted url_verification with the right token passes; it is small, so more is not opened.
/// - Without: the token must be right; an encrypted body asks for the key.
/// - Old cards, where they are allowed, are plain and signed with SHA-1; their url_verification is
///   plain with the right token.
/// Errors: too_large; unauthorized (signature, token, plain body); key_missing (detail names the
/// entry); bad_input (rightly signed, but not what the contract allows).
result<opened> open_push(const push_headers& h, std::string_view raw_body, const push_keys& keys);

/// Entities of what belongs to no chat: who left the company, and the bot's private menu.
entity_key directory_entity();

/// What to do with an event.
struct intake {
  enum class use : std::uint8_t {
    journal,    ///< write the row, then answer
    ignore,     ///< the same, with status ignored and `reason`
    challenge,  ///< answer at once, write nothing
    preview,  ///< answer from the store (url.preview.get), write nothing; `answer` is the empty one
  };
  use what = use::journal;
  entity_key entity;                    ///< empty when ignored
  std::string event;                    ///< "im.message.receive_v1"
  std::vector<std::string> identities;  ///< "e:<event id>", "m:<message id>"
  std::string reason;                   ///< why it is ignored; a sentence's half
  std::string body;                     ///< form lark.event; the Verification Token is masked
  /// JSON for the sender, after the commit: "{}" for events, a toast for clicks, the challenge.
  std::string answer;
  bool callback = false;  ///< the answer reaches the person who clicked or looks
};

/// What the journal knows a message by, whichever event tells of it.
std::string message_identity(std::string_view message_id);

/// The form of journaled pushes: their body is what parse_event() reads.
inline constexpr std::string_view event_form = "lark.event";

/// @param decrypted_body  what parse_event() made `e` of
intake take_in(const event& e, std::string decrypted_body);

/// The answer of a click that could not be taken (storage away): an error toast.
std::string refused_toast();

}  // namespace pb::protocol::lark
