// Answers of DAV servers. Bounded, and what was understood survives being written and read again.
#include <string>

#include "protocol/caldav/dav_xml.hpp"
#include "tests/fuzz/property.hpp"

namespace {

namespace caldav = pb::protocol::caldav;
using caldav::xml_node;
using caldav::xml_space;
using fuzz::must;

std::string_view uri_of(xml_space s) {
  switch (s) {
    case xml_space::none:
      return "";
    case xml_space::dav:
      return "DAV:";
    case xml_space::caldav:
      return "urn:ietf:params:xml:ns:caldav";
    case xml_space::calendarserver:
      return "http://calendarserver.org/ns/";
    case xml_space::apple:
      return "http://apple.com/ns/ical/";
    case xml_space::other:
      break;
  }
  return "urn:x:other";
}

std::size_t depth_of(const xml_node& n) {
  std::size_t deepest = 0;
  for (const auto& c : n.children) deepest = std::max(deepest, depth_of(c));
  return deepest + 1;
}

/// Spaces and texts only: attributes lose their prefix, which two of them may share.
void write(const xml_node& n, std::string& out) {
  out += '<' + n.name + " xmlns=\"" + std::string{uri_of(n.space)} + "\">" +
         caldav::escape_xml(n.text);
  for (const auto& c : n.children) write(c, out);
  out += "</" + n.name + '>';
}

bool same(const xml_node& a, const xml_node& b) {
  if (a.name != b.name || a.space != b.space || a.text != b.text ||
      a.children.size() != b.children.size())
    return false;
  for (std::size_t i = 0; i < a.children.size(); ++i)
    if (!same(a.children[i], b.children[i])) return false;
  return true;
}

/// A tree whose names and texts XML can carry at all: pugixml reads more than that.
bool writable(const xml_node& n) {
  if (n.name.empty()) return false;
  for (std::size_t i = 0; i < n.name.size(); ++i) {
    const auto u = static_cast<unsigned char>(n.name[i]);
    const bool letter = (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || u == '_';
    const bool later = (u >= '0' && u <= '9') || u == '-' || u == '.';
    if (!letter && (!later || i == 0)) return false;
  }
  for (const char c : n.text)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) return false;
  if (n.text.find_first_not_of(' ') == std::string::npos && !n.text.empty()) return false;
  for (const auto& c : n.children)
    if (!writable(c)) return false;
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text_of(data, size);
  if (const auto root = caldav::parse_xml(input)) {
    must(depth_of(*root) <= caldav::xml_limits{}.depth, "the depth is bounded");
    if (writable(*root)) {
      std::string text;
      write(*root, text);
      const auto again = caldav::parse_xml(text);
      must(again && same(*root, *again), "written and read again: the same tree");
    }
  } else {
    must(describe(root.error()).size() < 300, "an error is a sentence");
  }
  if (const auto all = caldav::parse_multistatus(input)) {
    for (const auto& r : all->responses) {
      must(r.status == 0 || (r.status >= 100 && r.status <= 999), "a status has three digits");
      (void)r.property(xml_space::dav, "getetag");
      (void)r.text_of(xml_space::dav, "displayname");
      (void)r.hrefs_of(xml_space::caldav, "calendar-home-set");
    }
    (void)all->says_missing();
  }
  for (const int status : {207, 403, 409}) {
    pb::protocol::http_response answer;
    answer.status = status;
    answer.body = input;
    const auto said = caldav::status_of(answer);
    must(said.description.size() <= 300, "the server's words are cut");
  }
  const auto line = caldav::parse_status_line(input);
  must(line == 0 || (line >= 100 && line <= 999), "a status line has three digits");

  // what we send holds whatever people named their calendars
  const std::string name{input.substr(0, 200)};
  for (const auto& body :
       {caldav::body_make_calendar({name, "#11223344", name}), caldav::body_query_uid(name),
        caldav::body_sync(name), caldav::body_multiget({"https://x.example/" + name}),
        caldav::body_patch_properties({name, "", ""})})
    must(bool{caldav::parse_xml(body)}, "our own requests are XML");
  return 0;
}
