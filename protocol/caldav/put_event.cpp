#include "protocol/caldav/exchanges.hpp"

namespace pb::protocol::caldav {
namespace {
constexpr std::string_view calendar_type = "text/calendar; charset=utf-8";

bool strong(std::string_view etag) { return !etag.empty() && !etag.starts_with("W/"); }

std::string etag_in(const multistatus& body) {
  for (const auto& r : body.responses)
    if (auto etag = r.text_of(xml_space::dav, "getetag"); !etag.empty()) return etag;
  return {};
}
}  // namespace

std::string event_href(std::string_view calendar, std::string_view uid) {
  return as_collection(calendar) + percent_encode(uid) + ".ics";
}

put_event_exchange::put_event_exchange(put_event_request request, host_policy hosts)
    : dav_exchange("caldav.put_event", std::move(hosts)), request_(std::move(request)) {}

step put_event_exchange::begin() {
  if (auto sane = validate(request_.wanted); !sane) return sane.error();
  wanted_ = normalized(request_.wanted);
  out_ = {};
  out_.hash = content_hash(wanted_);
  out_.labels = wanted_.categories;
  merged_ = {};
  rounds_ = 0;
  creating_ = shortened_ = looked_for_uid_ = false;
  conflict_.reset();
  const bool stored = !request_.href.empty();
  href_ = stored ? request_.href : event_href(request_.calendar, wanted_.uid);
  // Once: whoever starts anew does not know how the first time ended.
  const auto known = std::exchange(request_.known_text, {});
  from_memory_ = stored && !known.empty() && strong(request_.known_etag);
  if (from_memory_) {
    server_etag_ = request_.known_etag;
    return merge_with(known);
  }
  return stored || !request_.create_if_missing ? read() : create();
}

step put_event_exchange::read() {
  stage_ = stage::read;
  from_memory_ = false;
  out_.put_back = false;  // judged by what stands there now
  return send("GET", href_, {{"Accept", "text/calendar"}});
}

step put_event_exchange::create() {
  creating_ = true;
  out_.sequence = std::max(request_.last_sequence, 0);
  text_ = build_event(wanted_, request_.alarm, out_.sequence);
  return write("If-None-Match", "*");
}

step put_event_exchange::write(std::string_view precondition, std::string_view value) {
  stage_ = stage::write;
  std::vector<http_header> headers{{"Content-Type", std::string{calendar_type}}};
  if (!precondition.empty()) headers.push_back({std::string{precondition}, std::string{value}});
  return send("PUT", href_, std::move(headers), text_);
}

step put_event_exchange::another_round() {
  if (++rounds_ > round_limit)
    return fail(errc::conflict, "the event changed under our hands in every round");
  return read();
}

step put_event_exchange::done() {
  out_.href = href_;
  return finished{};
}

step put_event_exchange::on_answer(const http_response& answer) {
  switch (stage_) {
    case stage::read:
      return on_read(answer);
    case stage::write:
      return on_written(answer);
    case stage::etag_before:
      return on_etag_before(answer);
    case stage::etag_after:
      return on_etag_after(answer);
    case stage::find_uid:
      return on_found_uid(answer);
    case stage::look_for_calendar:
      if (answer.status == 404 || answer.status == 410)
        return collection_failure(where(), answer.status);
      if (answer.status != 207) return fail(answer);
      out_.missing = true;
      return done();
  }
  return fail(answer);
}

step put_event_exchange::on_read(const http_response& answer) {
  if (answer.status == 404 || answer.status == 410) return on_gone(answer);
  if (answer.status != 200) return fail(answer);
  server_etag_ = answer.header("ETag");
  return merge_with(answer.body);
}

step put_event_exchange::merge_with(std::string_view server_copy) {
  const auto current = read_owned(server_copy, wanted_.uid);
  if (!current) {
    if (current.error().code != errc::not_found) {
      auto wrong = current.error();
      wrong.where = where();
      wrong.code = errc::unexpected_answer;
      return wrong;
    }
    out_.foreign = true;
    return done();
  }
  auto merging =
      merge_event(server_copy, wanted_, request_.base_labels, request_.now, request_.last_sequence);
  if (!merging) return merging.error();
  // That nothing is to be written may be because somebody changed it: only a look tells.
  if (from_memory_ && !merging->changed) return read();
  merged_ = std::move(*merging);
  creating_ = false;
  out_.sequence = merged_.sequence;
  out_.notes = merged_.notes;
  // Only what was agreed on before can have been edited by somebody else.
  out_.put_back =
      merged_.changed && !request_.known_hash.empty() &&
      content_hash(*current, request_.base_labels, request_.base_labels) != request_.known_hash;
  if (!merged_.changed) {
    out_.etag = server_etag_;
    if (strong(out_.etag)) out_.text = merged_.text;
    if (!out_.etag.empty()) return done();
    stage_ = stage::etag_after;
    return propfind(href_, 0, body_get_etag());
  }
  text_ = merged_.text;
  if (!server_etag_.empty()) return write_over(server_etag_);
  stage_ = stage::etag_before;
  return propfind(href_, 0, body_get_etag());
}

step put_event_exchange::write_over(const std::string& etag) {
  // A weak etag must not stand in If-Match, and `If-Match: *` is answered wrongly by Radicale.
  // Without a strong one the write follows the read at once, unguarded.
  if (!strong(etag)) return write({}, {});
  return write("If-Match", etag);
}

step put_event_exchange::on_etag_before(const http_response& answer) {
  std::string etag;
  if (answer.status == 207) {
    const auto body = parse_multistatus(answer.body);
    if (!body) return body.error();
    etag = etag_in(*body);
  }
  return write_over(etag);
}

step put_event_exchange::on_gone(const http_response&) {
  if (request_.create_if_missing) return create();
  // A deleted calendar is not a person's decision about one event.
  stage_ = stage::look_for_calendar;
  return propfind(as_collection(request_.calendar), 0, body_collection_state());
}

step put_event_exchange::on_written(const http_response& answer) {
  if (!status_of(answer).ok()) return on_refused(answer);
  out_.wrote = true;
  out_.created = creating_;
  href_ = current_url();  // after a redirect
  out_.etag = answer.header("ETag");
  if (strong(out_.etag)) out_.text = std::move(text_);
  if (!out_.etag.empty()) return done();
  stage_ = stage::etag_after;
  return propfind(href_, 0, body_get_etag());
}

step put_event_exchange::on_etag_after(const http_response& answer) {
  // The write itself is done: an etag that cannot be had is only one read more next time.
  if (answer.status == 207)
    if (const auto body = parse_multistatus(answer.body)) out_.etag = etag_in(*body);
  if (out_.etag.empty()) out_.notes.emplace_back("the server gives no etag for the event");
  return done();
}

step put_event_exchange::on_refused(const http_response& answer) {
  const auto effective = status_of(answer);
  // What is remembered stands there no more: from here on as if nothing had been.
  if (from_memory_ && (effective.status == 404 || effective.status == 409 ||
                       effective.status == 410 || effective.status == 412))
    return read();
  if (effective.condition == "no-uid-conflict") {
    // Another href holds our UID: found once, or reported.
    conflict_ = fail(answer);
    conflict_->code = errc::conflict;
    if (looked_for_uid_) return *conflict_;
    looked_for_uid_ = true;
    stage_ = stage::find_uid;
    return report(as_collection(request_.calendar), body_query_uid(wanted_.uid));
  }
  auto wrong = fail(answer);
  if (wrong.code == errc::bad_input || wrong.code == errc::unauthorized) return wrong;
  if (effective.status == 412) return another_round();
  if (effective.status == 404 || effective.status == 410 ||
      (effective.status == 409 && effective.condition.empty()))
    return collection_failure(where(), effective.status);
  if (wrong.code == errc::too_large && !shortened_ &&
      wanted_.description.size() > shortened_description) {
    shortened_ = true;
    wanted_.description = cut_text(wanted_.description, shortened_description);
    out_.notes.emplace_back("the server takes no event of this size: its description was cut");
    return creating_ ? create() : read();
  }
  return wrong;
}

step put_event_exchange::on_found_uid(const http_response& answer) {
  if (answer.status != 207) return fail(answer);
  const auto body = parse_multistatus(answer.body);
  if (!body) return body.error();
  for (const auto& r : body->responses) {
    if (r.status >= 300) continue;
    auto href = follow(r.href);
    if (href.empty() || same_href(href, current_url())) continue;
    href_ = std::move(href);
    return read();  // adopted only if it really holds our UID
  }
  conflict_->remedy = "the server still holds this UID where we cannot see it (a trash bin?)";
  return *conflict_;
}

}  // namespace pb::protocol::caldav
