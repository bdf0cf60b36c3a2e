#include "dav_server.hpp"

#include <stdexcept>

#include "protocol/caldav/event.hpp"

namespace pb::test {
namespace {
using protocol::http_request;
using protocol::http_response;

constexpr const char* home = "/cal/bot/";
constexpr const char* principal = "/principals/bot/";
constexpr const char* open_tag =
    "<?xml version=\"1.0\"?><multistatus xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\" "
    "xmlns:A=\"http://apple.com/ns/ical/\">";

std::string header(const http_request& r, std::string_view name) {
  for (const auto& h : r.headers)
    if (protocol::iequals(h.name, name)) return h.value;
  return {};
}

http_response plain(int status) {
  http_response a;
  a.status = status;
  return a;
}

http_response multi(const std::string& inner) {
  http_response a;
  a.status = 207;
  a.headers.push_back({"Content-Type", "application/xml; charset=utf-8"});
  a.body = open_tag + inner + "</multistatus>";
  return a;
}

std::string found(const std::string& href, const std::string& properties) {
  return "<response><href>" + href + "</href><propstat><prop>" + properties +
         "</prop><status>HTTP/1.1 200 OK</status></propstat></response>";
}

std::string of_calendar(const std::string& path, const std::string& name) {
  return found(path,
               "<resourcetype><collection/><C:calendar/></resourcetype><displayname>" + name +
                   "</displayname><C:supported-calendar-component-set><C:comp name=\"VEVENT\"/>"
                   "</C:supported-calendar-component-set><current-user-privilege-set><privilege>"
                   "<all/></privilege></current-user-privilege-set>");
}

std::string between(const std::string& text, const std::string& from, const std::string& to) {
  const auto a = text.find(from);
  if (a == std::string::npos) return {};
  const auto b = text.find(to, a + from.size());
  return b == std::string::npos ? "" : text.substr(a + from.size(), b - a - from.size());
}

}  // namespace

std::string property(const std::string& ics, const std::string& name) {
  std::string unfolded;
  for (std::size_t i = 0; i < ics.size(); ++i) {
    if (ics.compare(i, 3, "\r\n ") == 0) {
      i += 2;
      continue;
    }
    unfolded += ics[i];
  }
  std::size_t at = 0;
  while (at < unfolded.size()) {
    const auto end = std::min(unfolded.find("\r\n", at), unfolded.size());
    const auto line = unfolded.substr(at, end - at);
    if (line.starts_with(name) && line.size() > name.size() &&
        (line[name.size()] == ':' || line[name.size()] == ';'))
      return line.substr(line.find(':') + 1);
    at = end + 2;
  }
  return {};
}

std::string dav_server::next_etag() { return "\"e" + std::to_string(++last_etag_) + "\""; }

dav_server::calendar* dav_server::calendar_of(const std::string& path) {
  const auto it = calendars.find(path.substr(0, path.rfind('/') + 1));
  return it == calendars.end() ? nullptr : &it->second;
}

http_response dav_server::handle(const http_request& r) {
  const std::string path = protocol::percent_decode(r.url.substr(std::string{origin}.size()));
  if (r.method == "PROPFIND") return propfind(path, header(r, "Depth") == "1");
  if (r.method == "REPORT") return query(path, r.body);
  if (r.method == "PUT") return put(path, r);
  if (r.method == "DELETE") return drop(path, r);
  if (r.method == "MKCALENDAR") {
    if (calendars.contains(path)) return plain(405);
    calendars[path];
    return plain(201);
  }
  if (r.method == "PROPPATCH") {
    const auto it = calendars.find(path);
    if (it == calendars.end()) return plain(404);
    it->second.name = between(r.body, "<D:displayname>", "</D:displayname>");
    return multi(found(path, "<displayname/>"));
  }
  if (r.method == "GET") {
    auto* c = calendar_of(path);
    const auto it = c == nullptr ? decltype(c->events)::iterator{} : c->events.find(path);
    if (c == nullptr || it == c->events.end()) return plain(404);
    auto a = plain(200);
    a.headers = {{"Content-Type", "text/calendar"}, {"ETag", it->second.etag}};
    a.body = it->second.text;
    return a;
  }
  return plain(405);
}

http_response dav_server::propfind(const std::string& path, bool deep) {
  if (path == "/dav/")
    return multi(found(path, std::string{"<current-user-principal><href>"} + principal +
                                 "</href></current-user-principal>"));
  if (path == principal)
    return multi(found(
        path, std::string{"<C:calendar-home-set><href>"} + home + "</href></C:calendar-home-set>"));
  if (path == home) {
    std::string inner = found(path, "<resourcetype><collection/></resourcetype>");
    for (const auto& [p, c] : calendars) inner += of_calendar(p, c.name);
    return multi(inner);
  }
  if (const auto it = calendars.find(path); it != calendars.end()) {
    std::string inner = of_calendar(path, it->second.name);
    if (deep)
      for (const auto& [p, e] : it->second.events)
        inner += found(p, "<getetag>" + e.etag + "</getetag><resourcetype/>");
    return multi(inner);
  }
  auto* c = calendar_of(path);
  if (c != nullptr && c->events.contains(path))
    return multi(found(path, "<getetag>" + c->events[path].etag + "</getetag>"));
  return plain(404);
}

http_response dav_server::put(const std::string& path, const http_request& r) {
  auto* c = calendar_of(path);
  if (c == nullptr) return plain(409);
  const auto it = c->events.find(path);
  const bool there = it != c->events.end();
  if (header(r, "If-None-Match") == "*" && there) return plain(412);
  if (const auto match = header(r, "If-Match");
      !match.empty() && (!there || it->second.etag != match))
    return plain(412);
  auto& e = c->events[path];
  writes.push_back({path, r.body, e.text, unheard});
  e.text = r.body;
  e.etag = next_etag();
  auto a = plain(there ? 204 : 201);
  if (names_writes) a.headers.push_back({"ETag", e.etag});
  return a;
}

http_response dav_server::drop(const std::string& path, const http_request& r) {
  auto* c = calendar_of(path);
  if (c == nullptr || !c->events.contains(path)) return plain(404);
  if (const auto match = header(r, "If-Match"); !match.empty() && c->events[path].etag != match)
    return plain(412);
  writes.push_back({path, {}, c->events[path].text, unheard});
  c->events.erase(path);
  return plain(204);
}

http_response dav_server::query(const std::string& path, const std::string& body) {
  const auto it = calendars.find(path);
  if (it == calendars.end()) return plain(404);
  const auto uid = between(body, "<C:text-match collation=\"i;octet\">", "</C:text-match>");
  std::string inner;
  for (const auto& [p, e] : it->second.events)
    if (property(e.text, "UID") == uid) inner += found(p, "<getetag>" + e.etag + "</getetag>");
  return multi(inner);
}

const dav_server::event* dav_server::find(const std::string& item) const {
  const auto uid = protocol::caldav::uid_of(item);
  const event* out = nullptr;
  for (const auto& [path, c] : calendars)
    for (const auto& [p, e] : c.events)
      if (property(e.text, "UID") == uid) {
        if (out != nullptr) throw std::logic_error("the event of " + item + " is there twice");
        out = &e;
      }
  return out;
}

std::size_t dav_server::count(const std::string& item) const {
  const auto uid = protocol::caldav::uid_of(item);
  std::size_t n = 0;
  for (const auto& [path, c] : calendars)
    for (const auto& [p, e] : c.events) n += property(e.text, "UID") == uid ? 1u : 0u;
  return n;
}

std::size_t dav_server::events() const {
  std::size_t n = 0;
  for (const auto& [path, c] : calendars) n += c.events.size();
  return n;
}

void dav_server::edit(const std::string& item, const std::string& from, const std::string& to) {
  const auto uid = protocol::caldav::uid_of(item);
  bool seen = false, edited = false;
  // An item on its way between two calendars has a copy in each; one of them may differ.
  for (auto& [path, c] : calendars)
    for (auto& [p, e] : c.events) {
      if (property(e.text, "UID") != uid) continue;
      seen = true;
      const auto at = e.text.find(from);
      if (at == std::string::npos) continue;
      edited = true;
      e.text.replace(at, from.size(), to);
      e.etag = next_etag();
    }
  if (seen && !edited) throw std::logic_error("no \"" + from + "\" in the event");
}

void dav_server::remove(const std::string& item) {
  const auto uid = protocol::caldav::uid_of(item);
  for (auto& [path, c] : calendars)
    std::erase_if(c.events, [&](const auto& e) { return property(e.second.text, "UID") == uid; });
}

void dav_server::add(const std::string& calendar_path, const std::string& file,
                     const std::string& text) {
  calendars[calendar_path].events[calendar_path + file] = {next_etag(), text};
}

}  // namespace pb::test
