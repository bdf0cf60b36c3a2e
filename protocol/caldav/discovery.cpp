#include "protocol/caldav/discovery.hpp"

#include <algorithm>

namespace pb::protocol::caldav {
namespace {
bool may_write(const dav_response& r) {
  const auto* set = r.property(xml_space::dav, "current-user-privilege-set");
  // A server that does not tell is asked by trying.
  if (set == nullptr) return true;
  for (const auto& privilege : set->children)
    for (const auto& p : privilege.children)
      if (p.is(xml_space::dav, "all") || p.is(xml_space::dav, "write") ||
          p.is(xml_space::dav, "write-content"))
        return true;
  return false;
}

bool holds_events(const dav_response& r) {
  const auto* set = r.property(xml_space::caldav, "supported-calendar-component-set");
  if (set == nullptr || set->children.empty()) return true;  // absent: all are allowed
  return std::any_of(set->children.begin(), set->children.end(), [](const xml_node& comp) {
    return iequals(comp.attribute("name"), "VEVENT");
  });
}
}  // namespace

std::string calendar_slug(std::string_view project_uuid) {
  std::string out = "planebridge-";
  for (const char c : project_uuid)
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::string calendar_href(std::string_view home, std::string_view slug) {
  return as_collection(home) + percent_encode(slug) + "/";
}

std::optional<calendar_info> as_calendar(const dav_response& response, std::string href) {
  const auto* type = response.property(xml_space::dav, "resourcetype");
  if (type == nullptr || type->child(xml_space::caldav, "calendar") == nullptr ||
      type->child(xml_space::caldav, "schedule-inbox") != nullptr ||
      type->child(xml_space::caldav, "schedule-outbox") != nullptr || !holds_events(response))
    return std::nullopt;
  calendar_info out;
  out.href = as_collection(href);
  out.name = response.text_of(xml_space::dav, "displayname");
  out.color = response.text_of(xml_space::apple, "calendar-color");
  out.description = response.text_of(xml_space::caldav, "calendar-description");
  out.writable = may_write(response);
  out.ctag = response.text_of(xml_space::calendarserver, "getctag");
  out.sync_token = response.text_of(xml_space::dav, "sync-token");
  return out;
}

discover_exchange::discover_exchange(std::string configured_url,
                                     std::vector<std::string> allowed_hosts)
    : dav_exchange("caldav.discover", host_policy{configured_url, std::move(allowed_hosts)}),
      configured_url_(std::move(configured_url)) {}

step discover_exchange::begin() {
  const auto origin = origin_of(configured_url_);
  if (origin.empty())
    return fail(errc::bad_input, "calendar.url is not an http or https URL",
                "write it as https://host/path/");
  found_ = {};
  candidate_ = home_ = 0;
  stage_ = stage::principal;
  candidates_ = {origin + "/.well-known/caldav", origin + split_url(configured_url_).target};
  if (candidates_.back() != origin + "/") candidates_.push_back(origin + "/");
  return next_candidate();
}

step discover_exchange::next_candidate() {
  if (candidate_ == candidates_.size())
    return fail(errc::not_found, "no calendar account was found at " + origin_of(configured_url_),
                "set calendar.url to the server's CalDAV address or to a calendar's own URL");
  return propfind(candidates_[candidate_++], 0, body_find_principal());
}

step discover_exchange::on_answer(const http_response& answer) {
  switch (stage_) {
    case stage::principal:
      return on_principal(answer);
    case stage::home:
      return on_home(answer);
    case stage::listing:
      return on_listing(answer);
  }
  return fail(answer);
}

step discover_exchange::on_principal(const http_response& answer) {
  // What tells nothing about the address: credentials, an overload, an outage.
  if (answer.status == 401 || answer.status == 429 ||
      (answer.status >= 500 && answer.status != 501))
    return fail(answer);
  if (answer.status != 207) return next_candidate();
  const auto body = parse_multistatus(answer.body);
  if (!body) return next_candidate();
  for (const auto& r : body->responses) {
    for (const auto& href : r.hrefs_of(xml_space::dav, "current-user-principal")) {
      found_.principal = follow(href);
      if (found_.principal.empty()) continue;
      stage_ = stage::home;
      return propfind(found_.principal, 0, body_find_home());
    }
    // Servers without principals (docs/contracts/caldav.md): the URL of one calendar.
    if (as_calendar(r, current_url())) {
      stage_ = stage::listing;
      return propfind(as_collection(current_url()), 0, body_list_calendars());
    }
  }
  return next_candidate();
}

step discover_exchange::on_home(const http_response& answer) {
  if (answer.status != 207) return fail(answer);
  const auto body = parse_multistatus(answer.body);
  if (!body) return body.error();
  for (const auto& r : body->responses)
    for (const auto& href : r.hrefs_of(xml_space::caldav, "calendar-home-set")) {
      auto home = as_collection(follow(href));
      if (home != "/" && found_.homes.size() < home_limit) found_.homes.push_back(std::move(home));
    }
  if (found_.homes.empty())
    return fail(errc::unexpected_answer, "the calendar server names no home for this account",
                "set calendar.url to a calendar's own URL");
  stage_ = stage::listing;
  return next_home();
}

step discover_exchange::next_home() {
  if (home_ >= found_.homes.size()) return finished{};
  return propfind(found_.homes[home_++], 1, body_list_calendars());
}

step discover_exchange::on_listing(const http_response& answer) {
  if (answer.status != 207) return fail(answer);
  const auto body = parse_multistatus(answer.body);
  if (!body) return body.error();
  for (const auto& r : body->responses) {
    auto href = follow(r.href);
    if (href.empty()) continue;
    auto calendar = as_calendar(r, std::move(href));
    if (!calendar) continue;
    const bool known =
        std::any_of(found_.calendars.begin(), found_.calendars.end(),
                    [&](const auto& c) { return same_href(c.href, calendar->href); });
    if (known) continue;
    if (found_.calendars.size() == calendar_limit)
      return fail(errc::too_large, "the account has too many calendars");
    found_.calendars.push_back(std::move(*calendar));
  }
  return next_home();
}

}  // namespace pb::protocol::caldav
