// protocol/caldav/event: a work item's calendar event as values, and its form as iCalendar text
// (docs/contracts/caldav.md, "The event"). Filled by sync/'s rendering; written by put_event.
#pragma once
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/failure.hpp"
#include "protocol/caldav/content_line.hpp"

namespace pb::protocol::caldav {

inline constexpr std::size_t description_limit = 32 * 1024;

/// Dates are civil and floating: no zone, no instant.
struct event_values {
  std::string uid;
  std::string summary;
  std::string description;  ///< plain text, LF between lines
  std::chrono::year_month_day start{};
  std::chrono::year_month_day end_exclusive{};
  bool cancelled = false;
  std::string color;  ///< CSS3 name; empty: no COLOR
  std::string url;    ///< empty: no URL
  std::vector<std::string> categories;
  timestamp created{};
  timestamp updated{};
};

/// "plane-issue-{uuid}@calplanebot".
std::string uid_of(std::string_view work_item_uuid);
/// The work item of such a UID; nothing for a UID that is not ours.
std::optional<std::string> work_item_of(std::string_view uid);

/// "2028-02-29"; nothing for a date that no calendar has.
std::optional<std::chrono::year_month_day> parse_civil_date(std::string_view text);
/// "20280229".
std::string format_date(std::chrono::year_month_day date);
std::optional<std::chrono::year_month_day> parse_date(std::string_view text);
/// One civil day later; never 86,400 seconds (the day of a DST change has 23 or 25 hours).
std::chrono::year_month_day day_after(std::chrono::year_month_day date);
/// "20261121T060000Z", truncated to seconds.
std::string format_instant(timestamp t);
std::optional<timestamp> parse_instant(std::string_view text);

/// At most `limit` bytes on a character border, ending in "…(cut)" when something was cut.
std::string cut_text(std::string_view text, std::size_t limit);
/// As they can be stored and come back: one-line SUMMARY, DESCRIPTION without controls and at most
/// description_limit, "," in labels as U+201A (Xandikos loses its escape), labels sorted and
/// single, URL in ASCII, COLOR in lower case. Applying it twice changes nothing.
event_values normalized(event_values values);
/// What makes an event impossible: errc::bad_input.
result<void> validate(const event_values& values);

/// One VCALENDAR with one VEVENT. Needs validate(values).
/// @param alarm     before the day begins; written on create only
/// @param sequence  0 for a first write; never lower than what was written before
std::string build_event(const event_values& values,
                        std::optional<std::chrono::minutes> alarm = std::nullopt, int sequence = 0);
/// The VEVENT's lines alone, for a feed.
void append_event(std::vector<content_line>& lines, const event_values& values,
                  std::optional<std::chrono::minutes> alarm, int sequence);

/// The owned values as their property values; what is hashed and what is compared.
struct owned_values {
  std::string summary, description;  ///< unescaped
  std::string start, end;            ///< "20280229", anything else when a client rewrote it
  std::string status, color, url;
  std::vector<std::string> labels;  ///< sorted
  friend bool operator==(const owned_values&, const owned_values&) = default;
};
owned_values owned_by(const event_values& values);
/// Timestamps are not in it (docs/contracts/caldav.md, "When it is written").
std::string content_hash(const owned_values& owned);
std::string content_hash(const event_values& values);

}  // namespace pb::protocol::caldav
