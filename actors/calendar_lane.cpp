#include "actors/calendar_lane.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "base/log.hpp"

namespace pb::actors {
namespace json = boost::json;
using persistence::effect_status;
using std::chrono::milliseconds;
namespace {

/// Of an event's text that a live actor holds; most have some 1 kB.
constexpr std::size_t remembered_bytes = 16 * 1024;

void read_target(const std::string& payload, std::string& href, std::string& etag) {
  boost::system::error_code ec;
  auto v = json::parse(payload, ec);
  if (ec || !v.is_object()) return;
  if (const auto* h = v.get_object().if_contains("href"); h != nullptr && h->is_string())
    href = h->get_string().c_str();
  if (const auto* t = v.get_object().if_contains("etag"); t != nullptr && t->is_string())
    etag = t->get_string().c_str();
}

}  // namespace

void calendar_lane::take_link(const persistence::link_row& l) {
  if (l.integration != name || l.object != uid_) return;
  auto base = sync::parse_calendar_base(l.base);
  link_.state = sync::parse_link_state(l.state);
  if (base) link_.base = std::move(*base);
  link_.base.href = l.remote_id;
}

persistence::link_row calendar_lane::link_row() const {
  persistence::link_row l;
  l.entity = key();
  l.integration = name;
  l.object = uid_;
  l.remote_id = link_.base.href;
  l.state = std::string{sync::to_string(link_.state)};
  l.base = sync::to_json(link_.base);
  l.changed_at = ctx().clock.now();
  return l;
}

std::vector<sync::queued_effect> calendar_lane::queued() const {
  std::vector<sync::queued_effect> out;
  for (const auto& e : effects()) {
    if (e.object != uid_ || e.status == effect_status::dead) continue;
    sync::queued_effect q;
    q.id = e.id;
    q.revision = e.revision;
    q.attempted = possibly_sent(e);
    q.withheld = e.status == effect_status::withheld;
    boost::system::error_code ec;
    if (auto v = json::parse(e.payload, ec); !ec && v.is_object())
      if (const auto* f = v.get_object().if_contains("fingerprint"); f != nullptr && f->is_string())
        q.fingerprint = f->get_string().c_str();
    out.push_back(std::move(q));
  }
  return out;
}

void calendar_lane::revise(effect& e, const sync::calendar_plan::wanted& as) {
  ++e.revision;
  e.operation =
      as.operation == sync::calendar_operation::put ? "caldav.put_event" : "caldav.delete_event";
  e.rule = as.rule;
  e.payload = json::serialize(json::object{{"fingerprint", as.fingerprint}});
  e.status = as.withheld ? effect_status::withheld : effect_status::waiting;
}

bool calendar_lane::may_send(const effect& head) {
  if (!ctx().opt().calendar_on) return false;
  // What it needs cannot be told yet. The dispatcher's sweep wakes us: what is due waits in the
  // outbox.
  return head.object != uid_ || !sync::undecided(known_, ctx().opt().calendar);
}

void calendar_lane::take_up(const effect& head) {
  auto r = std::make_unique<rendering>();
  r->operation = head.operation == "caldav.delete_event" ? sync::calendar_operation::remove
                                                         : sync::calendar_operation::put;
  // Rendered from now: what the item needs today, whatever it needed when this was planned.
  if (head.object == uid_ && !sync::wants_event(known_, ctx().opt().calendar))
    r->operation = sync::calendar_operation::remove;
  else if (head.object == uid_)
    r->operation = sync::calendar_operation::put;
  r->project = known_.project;
  r->fingerprint =
      head.object == uid_ ? sync::fingerprint(known_, ctx().opt().calendar) : std::string{};
  r->link = link_;
  now_ = std::move(r);
}

void calendar_lane::carry_out(effect& head) {
  if (now_->operation == sync::calendar_operation::remove)
    send_delete(head);
  else
    want_facts();
}

void calendar_lane::send_delete(const effect& e) {
  std::string href = link_.base.href, etag = link_.base.etag;
  if (e.object != uid_) read_target(e.payload, href, etag);  // the copy in a former calendar
  if (href.empty()) {
    // Never known to be written, yet possibly sent: look where it would be.
    return ask_calendar();
  }
  ask(peers_.caldav, peers_.calls->delete_event(href, etag));
}

void calendar_lane::want_facts() {
  if (ctx().projects.find(now_->project) || now_->asked_project || !ctx().opt().plane_on)
    return ask_calendar();
  now_->asked_project = true;
  const auto token = token_for(call_project);
  ask_with(peers_.plane, peers_.calls->read_project(now_->project), token);
  self()->delayed_send(self(), ctx().opt().facts_wait, exchange_performed{token, nullptr});
}

void calendar_lane::ask_calendar() {
  const auto token = token_for(call_calendar);
  auto self_handle = entity_actor{self()};
  const auto reply = std::make_shared<reply_once<result<calendar_found>>>(
      [self_handle, token](result<calendar_found> r) {
        caf::anon_send(
            self_handle,
            calendar_answered{token, std::make_shared<const result<calendar_found>>(std::move(r))});
      },
      result<calendar_found>{
          failure{errc::crashed, "calendar", "the calendar watcher restarted", "", 0, "", {}}});
  self()->send(peers_.calendars, want_calendar{now_->project, reply});
}

void calendar_lane::on_calendar(const calendar_answered& m) {
  if (!sent_ || !take_call(m.token)) return;
  if (entity_stopped()) return drop_outcome();
  guarded([&] { take_calendar(m); });
}

void calendar_lane::take_calendar(const calendar_answered& m) {
  // Nothing of this effect was sent: no attempt of its own is spent.
  if (!*m.found) return effect_failed(m.found->error(), performed{}, false);
  now_->calendar = (*m.found)->href;
  // What goes out is what is known and asked for now, not when the facts were asked for.
  const auto* e = find_effect(sent_->id);
  if (e == nullptr) return drop_sent();
  if (e->object == uid_ && !sync::wants_event(known_, ctx().opt().calendar)) {
    now_->operation = sync::calendar_operation::remove;
    if (!link_.base.href.empty()) return send_delete(*e);
  }
  if (now_->operation == sync::calendar_operation::remove)
    return ask(peers_.caldav,
               peers_.calls->delete_event(remotes::event_href(now_->calendar, uid_), ""));
  put_request r;
  r.calendar_href = now_->calendar;
  if (link_.base.project == now_->project) r.event_href = link_.base.href;
  r.wanted = render();
  now_->names = names();
  r.etag = r.event_href.empty() ? "" : link_.base.etag;
  r.hash = link_.base.hash;
  if (stands_ && stands_->href == r.event_href && stands_->etag == r.etag) r.text = stands_->text;
  r.base_labels = link_.base.labels;
  r.last_sequence = link_.base.sequence;
  r.alarm_minutes = ctx().opt().alarm_minutes;
  r.now = ctx().clock.now();
  now_->fingerprint = sync::fingerprint(known_, ctx().opt().calendar);
  ask(peers_.caldav, peers_.calls->put_event(r));
}

protocol::caldav::event_values calendar_lane::render() const {
  return sync::render_event(known_, ctx().projects.find(known_.project), ctx().opt().rendering,
                            ctx().opt().calendar);
}

std::string calendar_lane::names() const {
  return sync::rendered_names(ctx().projects.find(known_.project), ctx().opt().rendering);
}

bool calendar_lane::take_answer(std::uint8_t what, const exchange_performed& m) {
  if (what != call_project) return false;
  if (m.outcome && !m.outcome->failed)
    if (auto p = remotes::project_from(*m.outcome->what)) ctx().projects.put(*p, ctx().clock.now());
  ask_calendar();
  return true;
}

std::optional<failure> calendar_lane::refuses(const effect& e, const performed& p) {
  if (now_->operation != sync::calendar_operation::put || e.object != uid_ ||
      !remotes::put_from(*p.what).foreign)
    return std::nullopt;
  return failure{errc::forbidden,
                 "caldav.put_event",
                 "another's object is at this event's address",
                 "remove or rename it; it is never overwritten",
                 0,
                 "",
                 {}};
}

std::string calendar_lane::settle(effect& e, const performed& p, persistence::write& unit) {
  if (e.object != uid_) return "calendar: removed";
  return settle_ours(e.id, p, unit);
}

std::string calendar_lane::settle_ours(std::int64_t id, const performed& p,
                                       persistence::write& unit) {
  const auto now = ctx().clock.now();
  stands_.reset();
  effect* e = find_effect(id);
  sync::calendar_outcome o;
  o.operation = now_->operation;
  o.project = now_->project;
  o.fingerprint = now_->operation == sync::calendar_operation::remove ? "" : now_->fingerprint;
  o.at = now;
  if (o.operation == sync::calendar_operation::put) {
    auto r = remotes::put_from(*p.what);
    remember_event(r);
    o.href = std::move(r.href);
    o.etag = std::move(r.etag);
    o.hash = std::move(r.hash);
    o.names = now_->names;
    o.labels = std::move(r.labels);
    o.sequence = r.sequence;
    o.wrote = r.wrote;
    o.put_back = r.put_back;
    e->remote_id = o.href;
  }
  // A reload may have made something else of the effect than what was planned; while nothing
  // else waits, what was carried out is the plan.
  const bool last = std::none_of(effects().begin(), effects().end(), [&](const effect& x) {
    return x.id != id && x.object == uid_ && x.status == effect_status::waiting;
  });
  if (last) link_.base.planned = o.fingerprint;
  auto settled = sync::settle(o, link_, ctx().opt().calendar);
  link_ = settled.link;
  if (settled.stale_href)
    unit.effects.push_back(delete_elsewhere(*e, *settled.stale_href, *settled.stale_etag, now));
  e = find_effect(id);  // the vector may have grown
  if (last && !steps_down()) plan_anew(*e, unit);
  unit.links.push_back(link_row());
  // A dead effect on this object is mended by this success.
  for (auto& other : effects())
    if (other.object == uid_ && other.status == effect_status::dead) {
      other.status = effect_status::superseded;
      other.finished_at = now;
      unit.effects.push_back(other);
    }
  return settled.rule;
}

/// Rules that changed while this effect was under way asked of it what they no longer ask; whoever
/// compared items with the new rules still saw it planned as they want it.
void calendar_lane::plan_anew(const effect& carried_out, persistence::write& unit) {
  const auto now = ctx().clock.now();
  const auto plan = sync::plan_calendar(known_, link_, {}, now, ctx().opt().calendar);
  if (!plan.effect) return;
  effect next = carried_out;
  next.id = next_effect_id(carried_out.cause);
  next.revision = 0;
  revise(next, *plan.effect);
  next.attempts = 0;
  next.created_at = now;
  next.due_at = plan.effect->due_at;
  next.finished_at.reset();
  next.remote_id.clear();
  link_ = plan.link;
  unit.effects.push_back(next);
  effects().push_back(std::move(next));
}

persistence::effect calendar_lane::delete_elsewhere(const effect& cause, const std::string& href,
                                                    const std::string& etag, timestamp now) {
  effect d = cause;
  d.id = next_effect_id(cause.cause);
  d.object = uid_ + "@" + href;
  d.operation = "caldav.delete_event";
  d.rule = "calendar: moved to another project's calendar";
  d.payload = json::serialize(json::object{{"href", href}, {"etag", etag}});
  d.status = effect_status::waiting;
  d.attempts = 0;
  d.created_at = d.due_at = now;
  d.finished_at.reset();
  d.remote_id = href;
  hurry_like(cause, d);
  effects().push_back(d);
  return d;
}

void calendar_lane::remember_event(const put_result& r) {
  if (r.text.empty() || r.text.size() > remembered_bytes) return;
  stands_ = standing_event{r.href, r.etag, r.text};
}

bool calendar_lane::before_failure(effect& /*e*/, const failure& f, const performed& /*p*/,
                                   persistence::write& /*unit*/) {
  stands_.reset();  // it may have been written all the same
  if (f.code == errc::not_found && now_->operation == sync::calendar_operation::put)
    self()->send(peers_.calendars, forget_calendar{now_->project});
  return true;
}

void calendar_lane::died(const effect& e, const failure& /*f*/, persistence::write& unit) {
  if (e.object != uid_) return;
  link_.state = sync::link_state::diverged;
  unit.links.push_back(link_row());
}

}  // namespace pb::actors
