// protocol/plane/answers: what an answer that is not a success means. Texts of Plane are for
// people; the one text that is branched on is the 403 of a refused key. Called by the exchanges
// and by the connector for answers it consumes itself.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/failure.hpp"
#include "protocol/http_message.hpp"

namespace pb::protocol::plane {

/// @param operation  "plane.get_work_item"; becomes failure::where
failure classify(const http_response& answer, std::string_view operation);

/// The remote's sentence: error, else detail, message, error_message, else the fields with their
/// texts; one line, bounded. Empty when the body has none.
std::string remote_message(std::string_view body);

/// Retry-After as seconds or as an HTTP date; a date counts from the answer's own Date header
/// (no clock is read here), and without one is nothing. Never negative, at most a day.
std::optional<std::chrono::milliseconds> retry_after_of(const http_response& answer);

enum class write_kind : std::uint8_t { creation, patch };
/// A 409 with an id. On creation it is the existing object's, on a PATCH only the patched
/// object's own: which other one has the pair is not told.
struct conflict_info {
  std::string existing_id;
  std::string own_id;
  std::string message;
};
std::optional<conflict_info> conflict_of(const http_response& answer, write_kind kind);

/// Seconds since 1970 of an HTTP date in any of its three forms.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) noexcept;

}  // namespace pb::protocol::plane
