// The exchanges that read, list and delete; writing is in put_event.cpp.
#include "protocol/caldav/exchanges.hpp"

namespace pb::protocol::caldav {
namespace {
bool gone(int status) noexcept { return status == 404 || status == 410; }

bool is_collection(const dav_response& r) {
  const auto* type = r.property(xml_space::dav, "resourcetype");
  return type != nullptr && type->child(xml_space::dav, "collection") != nullptr;
}
}  // namespace

delete_event_exchange::delete_event_exchange(delete_event_request request, host_policy hosts)
    : dav_exchange("caldav.delete_event", std::move(hosts)), request_(std::move(request)) {}

step delete_event_exchange::begin() {
  rounds_ = 0;
  deleted_ = foreign_ = false;
  // A weak etag must not stand in If-Match: read, look whose it is, delete at once.
  const bool guarded = !request_.etag.empty() && !request_.etag.starts_with("W/");
  return guarded ? remove(request_.etag) : read();
}

step delete_event_exchange::read() {
  stage_ = stage::read;
  return send("GET", request_.href, {{"Accept", "text/calendar"}});
}

step delete_event_exchange::remove(const std::string& etag) {
  stage_ = stage::remove;
  std::vector<http_header> headers;
  if (!etag.empty() && !etag.starts_with("W/")) headers.push_back({"If-Match", etag});
  return send("DELETE", request_.href, std::move(headers));
}

step delete_event_exchange::on_answer(const http_response& answer) {
  if (stage_ == stage::read) return on_read(answer);
  const auto effective = status_of(answer);
  if (effective.ok()) {
    deleted_ = true;
    return finished{};
  }
  if (gone(effective.status)) return finished{};
  if (effective.status != 412) return fail(answer);
  if (++rounds_ > round_limit)
    return fail(errc::conflict, "the event changed under our hands in every round");
  return read();
}

step delete_event_exchange::on_read(const http_response& answer) {
  if (gone(answer.status)) return finished{};
  if (answer.status != 200) return fail(answer);
  const auto event = read_owned(answer.body);
  if (!event && event.error().code == errc::too_large) return event.error();
  if (!event || !work_item_of(event->uid)) {
    foreign_ = true;
    return finished{};
  }
  return remove(std::string{answer.header("ETag")});
}

list_events_exchange::list_events_exchange(std::string calendar, host_policy hosts)
    : dav_exchange("caldav.list_events", std::move(hosts)), calendar_(as_collection(calendar)) {}

step list_events_exchange::begin() {
  events_.clear();
  return propfind(calendar_, 1, body_list_etags());
}

step list_events_exchange::on_answer(const http_response& answer) {
  if (gone(answer.status)) return collection_failure(where(), answer.status);
  if (answer.status != 207) return fail(answer);
  const auto body = parse_multistatus(answer.body);
  if (!body) return body.error();
  // An empty listing would mean that all events were deleted.
  if (body->says_missing()) return collection_failure(where(), 404);
  for (const auto& r : body->responses) {
    auto href = follow(r.href);
    if (href.empty() || r.status >= 300 || is_collection(r) || same_href(href, current_url()))
      continue;
    if (events_.size() == event_limit)
      return fail(errc::too_large, "the calendar holds too many events");
    events_.push_back({std::move(href), r.text_of(xml_space::dav, "getetag")});
  }
  return finished{};
}

fetch_events_exchange::fetch_events_exchange(std::string calendar, std::vector<std::string> hrefs,
                                             host_policy hosts)
    : dav_exchange("caldav.fetch_events", std::move(hosts)),
      calendar_(as_collection(calendar)),
      hrefs_(std::move(hrefs)) {}

step fetch_events_exchange::begin() {
  events_.clear();
  asked_ = 0;
  return next();
}

step fetch_events_exchange::next() {
  if (asked_ >= hrefs_.size()) return finished{};
  const auto count = std::min(hrefs_per_call, hrefs_.size() - asked_);
  const auto from = hrefs_.begin() + static_cast<std::ptrdiff_t>(asked_);
  asked_ += count;
  return report(calendar_, body_multiget({from, from + static_cast<std::ptrdiff_t>(count)}));
}

step fetch_events_exchange::on_answer(const http_response& answer) {
  if (gone(answer.status)) return collection_failure(where(), answer.status);
  if (answer.status != 207) return fail(answer);
  const auto body = parse_multistatus(answer.body);
  if (!body) return body.error();
  for (const auto& r : body->responses) {
    auto href = follow(r.href);
    // More answers than questions are not ours to keep.
    if (href.empty() || events_.size() >= asked_) continue;
    fetched_event event{std::move(href), r.text_of(xml_space::dav, "getetag"),
                        r.text_of(xml_space::caldav, "calendar-data"), gone(r.status)};
    if (event.data.empty() && !event.missing) continue;
    events_.push_back(std::move(event));
  }
  return next();
}

probe_calendar_exchange::probe_calendar_exchange(std::string calendar, host_policy hosts)
    : dav_exchange("caldav.probe_calendar", std::move(hosts)), calendar_(as_collection(calendar)) {}

step probe_calendar_exchange::begin() {
  state_ = {};
  return propfind(calendar_, 0, body_collection_state());
}

step probe_calendar_exchange::on_answer(const http_response& answer) {
  if (gone(answer.status)) return collection_failure(where(), answer.status);
  if (answer.status != 207) return fail(answer);
  const auto body = parse_multistatus(answer.body);
  if (!body) return body.error();
  for (const auto& r : body->responses) {
    if (state_.ctag.empty()) state_.ctag = r.text_of(xml_space::calendarserver, "getctag");
    if (state_.sync_token.empty()) state_.sync_token = r.text_of(xml_space::dav, "sync-token");
  }
  return finished{};
}

sync_calendar_exchange::sync_calendar_exchange(std::string calendar, std::string token,
                                               host_policy hosts)
    : dav_exchange("caldav.sync_calendar", std::move(hosts)),
      calendar_(as_collection(calendar)),
      token_(std::move(token)) {}

step sync_calendar_exchange::begin() {
  out_ = {};
  out_.token = token_;
  out_.reset = token_.empty();
  pages_ = 0;
  return ask();
}

step sync_calendar_exchange::ask() {
  ++pages_;
  return report(calendar_, body_sync(out_.token));
}

step sync_calendar_exchange::on_answer(const http_response& answer) {
  // With a token, 410 may be about the token; without one it is about the calendar.
  if (answer.status == 404 || (out_.token.empty() && gone(answer.status)))
    return collection_failure(where(), answer.status);
  const auto body =
      answer.status == 207 ? parse_multistatus(answer.body) : result<multistatus>{fail(answer)};
  if (!body) {
    const bool passing = answer.status == 401 || answer.status == 429 || answer.status == 503;
    if (out_.token.empty() || passing) return body.error();
    // Servers say "unknown token" with 403, 409, 410 or even 500: start over with none.
    out_ = {};
    out_.reset = true;
    return ask();
  }
  bool truncated = false;
  for (const auto& r : body->responses) {
    auto href = follow(r.href);
    if (href.empty()) continue;
    if (r.status == 507) {
      truncated = true;
    } else if (same_href(href, current_url())) {
      continue;
    } else if (gone(r.status)) {
      out_.removed.push_back(std::move(href));
    } else {
      out_.changed.push_back({std::move(href), r.text_of(xml_space::dav, "getetag")});
    }
    if (out_.changed.size() + out_.removed.size() > list_events_exchange::event_limit)
      return fail(errc::too_large, "the calendar reports too many changes");
  }
  const bool further = truncated && !body->sync_token.empty() && body->sync_token != out_.token;
  out_.token = body->sync_token;
  if (!truncated) return finished{};
  if (!further || pages_ >= page_limit)
    return fail(errc::unexpected_answer, "the calendar server's partial answers do not go on");
  return ask();
}

}  // namespace pb::protocol::caldav
