// http/webhook_outcome: what became of a request to a webhook, in the words that metrics and logs
// carry. Of all sources.
#pragma once
#include <cstdint>
#include <functional>
#include <string_view>

namespace pb::http {

enum class webhook_outcome : std::uint8_t {
  accepted,
  duplicate,
  ignored,
  dead,       ///< rightly signed, but not what the contract allows
  unsigned_,  ///< no signature, or one that is none
  bad_signature,
  key_missing,
  malformed,  ///< not signed, and nothing that could be
  challenge,  ///< a proof that the address is ours; nothing to journal
  preview,    ///< a question that is answered and not journaled
  busy,       ///< too many wait to be journaled
  storage,    ///< nothing durable took it
};
std::string_view to_string(webhook_outcome o) noexcept;
/// Turned away, and not in the journal: what counts as rejected.
bool is_rejected(webhook_outcome o) noexcept;

/// Any thread, must not block.
using webhook_counter = std::function<void(webhook_outcome)>;

}  // namespace pb::http
