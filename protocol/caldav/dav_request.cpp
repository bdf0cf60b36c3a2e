// The request bodies of dav_xml.hpp.
#include "protocol/caldav/dav_xml.hpp"
#include "protocol/caldav/href.hpp"
#include "protocol/html/utf8.hpp"

namespace pb::protocol::caldav {
namespace {
constexpr std::string_view head = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
constexpr std::string_view spaces =
    " xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\""
    " xmlns:CS=\"http://calendarserver.org/ns/\" xmlns:A=\"http://apple.com/ns/ical/\">";

std::string document(std::string_view element, std::string_view inner) {
  std::string out{head};
  out.append("<").append(element).append(spaces).append(inner);
  return out.append("</").append(element).append(">\n");
}

std::string find(std::string_view properties) {
  return document("D:propfind", "<D:prop>" + std::string{properties} + "</D:prop>");
}

std::string name_and_color(const calendar_properties& p) {
  auto out = "<D:displayname>" + escape_xml(p.name) + "</D:displayname>";
  if (!p.color.empty()) out += "<A:calendar-color>" + escape_xml(p.color) + "</A:calendar-color>";
  return out;
}

std::string set(std::string_view properties) {
  return "<D:set><D:prop>" + std::string{properties} + "</D:prop></D:set>";
}

std::string described(const calendar_properties& p) {
  auto out = name_and_color(p);
  if (!p.description.empty())
    out += "<C:calendar-description>" + escape_xml(p.description) + "</C:calendar-description>";
  return out +
         "<C:supported-calendar-component-set><C:comp name=\"VEVENT\"/>"
         "</C:supported-calendar-component-set>";
}
}  // namespace

std::string escape_xml(std::string_view text) {
  std::string out;
  for (const char c : html::valid_utf8(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // XML 1.0 has no other controls.
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') out += c;
    }
  }
  return out;
}

std::string body_find_principal() { return find("<D:current-user-principal/><D:resourcetype/>"); }
std::string body_find_home() { return find("<C:calendar-home-set/>"); }
std::string body_list_calendars() {
  return find(
      "<D:resourcetype/><D:displayname/><A:calendar-color/><C:calendar-description/>"
      "<C:supported-calendar-component-set/><CS:getctag/><D:sync-token/>"
      "<D:current-user-privilege-set/>");
}
std::string body_list_etags() { return find("<D:getetag/><D:resourcetype/>"); }
std::string body_get_etag() { return find("<D:getetag/>"); }
std::string body_collection_state() { return find("<CS:getctag/><D:sync-token/>"); }

std::string body_make_calendar(const calendar_properties& p) {
  return document("C:mkcalendar", set(described(p)));
}
std::string body_make_collection(const calendar_properties& p) {
  return document("D:mkcol", set("<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>" +
                                 described(p)));
}
std::string body_patch_properties(const calendar_properties& p) {
  return document("D:propertyupdate", set(name_and_color(p)));
}

std::string body_multiget(const std::vector<std::string>& hrefs) {
  std::string inner = "<D:prop><D:getetag/><C:calendar-data/></D:prop>";
  for (const auto& href : hrefs) inner += "<D:href>" + escape_xml(path_of(href)) + "</D:href>";
  return document("C:calendar-multiget", inner);
}

std::string body_query_uid(std::string_view uid) {
  return document("C:calendar-query",
                  "<D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name=\"VCALENDAR\">"
                  "<C:comp-filter name=\"VEVENT\"><C:prop-filter name=\"UID\">"
                  "<C:text-match collation=\"i;octet\">" +
                      escape_xml(uid) +
                      "</C:text-match></C:prop-filter></C:comp-filter></C:comp-filter></C:filter>");
}

std::string body_sync(std::string_view token) {
  return document("D:sync-collection", "<D:sync-token>" + escape_xml(token) +
                                           "</D:sync-token><D:sync-level>1</D:sync-level>"
                                           "<D:prop><D:getetag/></D:prop>");
}

}  // namespace pb::protocol::caldav
