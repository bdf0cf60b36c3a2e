#include "protocol/caldav/discovery.hpp"

namespace pb::protocol::caldav {

ensure_calendar_exchange::ensure_calendar_exchange(ensure_calendar_request request,
                                                   host_policy hosts)
    : dav_exchange("caldav.ensure_calendar", std::move(hosts)),
      request_(std::move(request)),
      href_(calendar_href(request_.home, request_.slug)) {}

step ensure_calendar_exchange::begin() {
  calendar_ = {};
  created_ = patched_ = false;
  refused_.reset();
  notes_.clear();
  return look(stage::look);
}

step ensure_calendar_exchange::look(stage as) {
  stage_ = as;
  return propfind(href_, 0, body_list_calendars());
}

step ensure_calendar_exchange::patch() {
  patched_ = true;
  stage_ = stage::patch;
  return send("PROPPATCH", href_, {{"Content-Type", "application/xml; charset=utf-8"}},
              body_patch_properties(request_.properties));
}

failure ensure_calendar_exchange::by_hand(const http_response& answer) const {
  auto out = fail(answer);
  if (react(out) == reaction::dead_letter)
    out.remedy = "make the calendar by hand and set calendar.url to its own URL";
  return out;
}

step ensure_calendar_exchange::on_answer(const http_response& answer) {
  switch (stage_) {
    case stage::look:
    case stage::read_back:
      return on_look(answer);
    case stage::make:
    case stage::make_collection:
      return on_made(answer);
    case stage::patch:
      if (answer.status != 207 && answer.status != 200 && answer.status != 204)
        notes_.push_back("name and colour were not taken: status " + std::to_string(answer.status));
      return look(stage::read_back);
  }
  return fail(answer);
}

step ensure_calendar_exchange::on_look(const http_response& answer) {
  bool missing = answer.status == 404 || answer.status == 410;
  if (answer.status == 207) {
    const auto body = parse_multistatus(answer.body);
    if (!body) return body.error();
    missing = body->says_missing();
    for (const auto& r : body->responses) {
      auto href = follow(r.href);
      if (href.empty() || !same_href(href, current_url())) href = current_url();
      auto found = as_calendar(r, std::move(href));
      if (!found) continue;
      calendar_ = std::move(*found);
      // No name: made a moment ago, or by us just before a crash.
      const bool unnamed = calendar_.name.empty() || calendar_.name == request_.slug;
      if (unnamed && !patched_ && calendar_.writable && !request_.properties.name.empty())
        return patch();
      return finished{};
    }
    if (!missing)
      return fail(errc::conflict, "something that is not a calendar is at the calendar's place",
                  "remove or rename " + path_of(href_));
  }
  if (!missing) return fail(answer);
  if (refused_) return *refused_;
  if (stage_ == stage::read_back) return collection_failure(where(), 404);
  stage_ = stage::make;
  return send("MKCALENDAR", href_, {{"Content-Type", "application/xml; charset=utf-8"}},
              body_make_calendar(request_.properties));
}

step ensure_calendar_exchange::on_made(const http_response& answer) {
  const auto effective = status_of(answer);
  if (effective.ok()) {
    created_ = true;
    // Xandikos stores name and colour by PROPPATCH only, whatever MKCALENDAR answered.
    return patch();
  }
  if (answer.status == 401 || answer.status == 429 || effective.status == 507 ||
      (effective.status >= 500 && effective.status != 501))
    return fail(answer);
  // 405 is also what RFC 4791 servers say for "exists"; only a look can tell.
  const bool exists = effective.condition == "resource-must-be-null";
  const bool not_this_way =
      effective.status == 403 || effective.status == 405 || effective.status == 501;
  if (!exists && not_this_way && stage_ == stage::make) {
    stage_ = stage::make_collection;
    return send("MKCOL", href_, {{"Content-Type", "application/xml; charset=utf-8"}},
                body_make_collection(request_.properties));
  }
  refused_ = by_hand(answer);
  return look(stage::look);
}

}  // namespace pb::protocol::caldav
