// protocol/lark/events: what a push says, once it is open (open_push) or came over the long
// connection (docs/contracts/lark.md, 1.4, 2.1, 2.5, 4.3, 4.5, 4.6, 4.7). Used by intake, by the
// actors that read the journal and by replay. Pure; any thread.
#pragma once
#include <cstddef>
#include <string_view>

#include "base/clock.hpp"
#include "base/failure.hpp"
#include "protocol/lark/model.hpp"

namespace pb::protocol::lark {

/// Larger pushes are refused. A message has at most 150 KB, base64 and escaping included twice.
inline constexpr std::size_t max_push_bytes = 1u << 20;
/// Ids are opaque; longer ones, or ones with other than printable ASCII, are none.
inline constexpr std::size_t max_id_bytes = 200;

/// Envelope 2.0, 1.0, the flat old card callback, or url_verification: told apart by `schema` and
/// `type`. A kind of event that is not used is `other_event`, whatever its body looks like.
/// Errors: bad_input (what and where, never a value of the body), too_large.
result<event> parse_event(std::string_view decrypted_json);

/// Seconds (with a fraction or not), milliseconds, microseconds or nanoseconds since 1970, told
/// apart by the number of digits, since the same field has several units. The epoch when it is no
/// such time.
timestamp parse_time(std::string_view digits) noexcept;

/// An id that may go into a path, a key or a log.
bool is_id(std::string_view text) noexcept;

}  // namespace pb::protocol::lark
