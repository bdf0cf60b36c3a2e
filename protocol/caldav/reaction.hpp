// protocol/caldav/reaction: what a failed calendar call means for the connector
// (docs/contracts/caldav.md, "Reactions"). Pure.
#pragma once
#include <cstdint>
#include <string_view>

#include "base/failure.hpp"
#include "protocol/caldav/dav_xml.hpp"

namespace pb::protocol::caldav {

enum class reaction : std::uint8_t {
  retry_later,      ///< passing: backoff with jitter, or the pause that the server asked for
  pause_connector,  ///< wrong credentials or a full disk: no more calls until probed
  dead_letter,      ///< repeating cannot help
  rediscover,       ///< the calendar is gone: look for it again, then retry
};
std::string_view to_string(reaction r) noexcept;

/// `detail` of the not_found failure that says: the calendar itself is gone, not an event in it.
inline constexpr std::string_view collection_gone = "collection";

reaction react(const failure& f) noexcept;

/// An answer that is not a success, as a failure: code, status, Retry-After, the server's words.
failure failure_of(std::string_view where, const http_response& answer);
failure collection_failure(std::string_view where, int status);

}  // namespace pb::protocol::caldav
