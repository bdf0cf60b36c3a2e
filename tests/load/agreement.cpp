#include "tests/load/agreement.hpp"

#include <set>

namespace pb::app::testing {
namespace {

const std::string foreign_text =
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a person//EN\r\nBEGIN:VEVENT\r\n"
    "UID:lunch@example.test\r\nDTSTAMP:20270101T000000Z\r\nDTSTART;VALUE=DATE:20270817\r\n"
    "SUMMARY:Lunch\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

}  // namespace

const std::string foreign_event_name = "lunch.ics";

bool put_foreign_event(dav_server& calendars, const std::string& project) {
  return calendars.put(calendars.calendar(project) + foreign_event_name, foreign_text) == 201;
}

std::string disagreement(dav_server& calendars, const std::string& project, people& edited) {
  const auto names = calendars.names(project);
  std::set<std::string> there{names.begin(), names.end()};
  if (there.erase(foreign_event_name) != 1) return "the foreign event is gone";
  const auto lunch = calendars.event(calendars.calendar(project) + foreign_event_name);
  if (!lunch || lunch->value("SUMMARY") != "Lunch" || lunch->value("DTSTART") != "20270817" ||
      lunch->value("DTSTAMP") != "20270101T000000Z")
    return "the foreign event was changed:\n" + (lunch ? lunch->text : "");
  const auto wanted = edited.wanted();
  for (const auto& [id, shown] : wanted) {
    const auto e = calendars.event(calendars.event_url(project, id));
    if (!e) return "no event of " + id + " " + shown.name;
    if (e->value("DTSTART") != shown.date || !e->value("SUMMARY").ends_with(shown.name))
      return "the event of " + id + " should show " + shown.name + " on " + shown.date + ":\n" +
             e->text;
  }
  if (there.size() != wanted.size())
    return std::to_string(there.size()) + " events for " + std::to_string(wanted.size()) + " items";
  return {};
}

}  // namespace pb::app::testing
