// protocol/caldav/feed: many events as one calendar, for clients that subscribe to
// /calendar/{token}.ics. Built from stored values only.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "protocol/caldav/event.hpp"

namespace pb::protocol::caldav {

/// The same events in the same order give the same bytes: its hash can be the ETag. Events that do
/// not pass validate() are left out.
std::string build_feed(std::string_view name, std::span<const event_values> events);

}  // namespace pb::protocol::caldav
