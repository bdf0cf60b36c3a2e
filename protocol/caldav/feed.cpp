#include "protocol/caldav/feed.hpp"

#include "protocol/html/utf8.hpp"

namespace pb::protocol::caldav {

std::string build_feed(std::string_view name, std::span<const event_values> events) {
  const auto title = escape_text(html::valid_utf8(name));
  std::vector<content_line> lines;
  lines.push_back(make_line("BEGIN", "VCALENDAR"));
  lines.push_back(make_line("VERSION", "2.0"));
  lines.push_back(make_line("PRODID", "-//planebridge//calplanebot 1.0//EN"));
  lines.push_back(make_line("CALSCALE", "GREGORIAN"));
  if (!title.empty()) {
    lines.push_back(make_line("NAME", title));  // RFC 7986
    lines.push_back(make_line("X-WR-CALNAME", title));
  }
  lines.push_back(make_line("REFRESH-INTERVAL", "PT15M", ";VALUE=DURATION"));
  lines.push_back(make_line("X-PUBLISHED-TTL", "PT15M"));
  for (const auto& event : events)
    if (validate(event)) append_event(lines, event, std::nullopt, 0);
  lines.push_back(make_line("END", "VCALENDAR"));
  return write_lines(lines);
}

}  // namespace pb::protocol::caldav
