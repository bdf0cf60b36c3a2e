// The lane of a work item towards the calendar: one effect in flight, its outcome, its next
// attempt.
#include <algorithm>
#include <boost/json.hpp>

#include "actors/issue_state.hpp"
#include "base/log.hpp"

namespace pb::actors {
namespace json = boost::json;
using persistence::delivery;
using persistence::delivery_status;
using persistence::effect;
using persistence::effect_status;
using std::chrono::milliseconds;
namespace {
constexpr const char* caldav = "caldav";
/// Of an event's text that a live actor holds; most have some 1 kB.
constexpr std::size_t remembered_bytes = 16 * 1024;
}  // namespace

effect* issue_state::lane_head() {
  effect* head = nullptr;
  for (auto& e : effects_)
    if (e.status == effect_status::waiting && e.integration == caldav &&
        (head == nullptr || e.id < head->id))
      head = &e;
  return head;
}

std::vector<sync::queued_effect> issue_state::queued() const {
  std::vector<sync::queued_effect> out;
  for (const auto& e : effects_) {
    if (e.object != uid_ || e.status == effect_status::dead) continue;
    sync::queued_effect q;
    q.id = e.id;
    q.revision = e.revision;
    q.attempted = e.attempts > 0 || e.id == possibly_sent_ || (sent_ && sent_->id == e.id);
    q.withheld = e.status == effect_status::withheld;
    boost::system::error_code ec;
    if (auto v = json::parse(e.payload, ec); !ec && v.is_object())
      if (const auto* f = v.get_object().if_contains("fingerprint"); f != nullptr && f->is_string())
        q.fingerprint = f->get_string().c_str();
    out.push_back(std::move(q));
  }
  return out;
}

void issue_state::dispatch_lane() {
  if (sent_ || outcome_committing_ || phase_ == phase::committing || phase_ == phase::stopped)
    return;
  effect* head = lane_head();
  if (head == nullptr || !ctx_->opt().calendar_on) return;
  // What it needs cannot be told yet. The dispatcher's sweep wakes us: what is due waits in the
  // outbox.
  if (head->object == uid_ && sync::undecided(known_, ctx_->opt().calendar)) return;
  const auto now = ctx_->clock.now();
  if (head->due_at > now) {
    arm_lane(std::chrono::duration_cast<milliseconds>(head->due_at - now) + milliseconds{1});
    return;
  }
  dispatched s;
  s.id = head->id;
  s.operation = head->operation == "caldav.delete_event" ? sync::calendar_operation::remove
                                                         : sync::calendar_operation::put;
  // Rendered from now: what the item needs today, whatever it needed when this was planned.
  if (head->object == uid_ && !sync::wants_event(known_, ctx_->opt().calendar))
    s.operation = sync::calendar_operation::remove;
  else if (head->object == uid_)
    s.operation = sync::calendar_operation::put;
  s.how = hurried_.contains(head->id) ? urgency::person : urgency::repair;
  s.project = known_.project;
  s.fingerprint =
      head->object == uid_ ? sync::fingerprint(known_, ctx_->opt().calendar) : std::string{};
  s.row = *head;
  s.link = link_;
  sent_ = std::make_unique<dispatched>(s);
  sent_at_ = now;
  probe_->in_flight(head->operation + " #" + std::to_string(head->id));
  if (phase_ == phase::idle) probe_->state("waiting for caldav", now);
  in_lane([&] {
    if (s.operation == sync::calendar_operation::remove)
      send_delete(*head);
    else
      want_facts();
  });
}

void issue_state::send_delete(const effect& e) {
  std::string href = link_.base.href, etag = link_.base.etag;
  if (e.object != uid_) read_target(e.payload, href, etag);  // the copy in a former calendar
  if (href.empty()) {
    // Never known to be written, yet possibly sent: look where it would be.
    return ask_calendar();
  }
  ask(peers_.caldav, peers_.calls->delete_event(href, etag), sent_->how, token_for(call::effect));
}

void issue_state::read_target(const std::string& payload, std::string& href, std::string& etag) {
  boost::system::error_code ec;
  auto v = json::parse(payload, ec);
  if (ec || !v.is_object()) return;
  if (const auto* h = v.get_object().if_contains("href"); h != nullptr && h->is_string())
    href = h->get_string().c_str();
  if (const auto* t = v.get_object().if_contains("etag"); t != nullptr && t->is_string())
    etag = t->get_string().c_str();
}

void issue_state::want_facts() {
  if (ctx_->projects.find(sent_->project) || sent_->asked_project || !ctx_->opt().plane_on)
    return ask_calendar();
  sent_->asked_project = true;
  const auto token = token_for(call::project);
  ask(peers_.plane, peers_.calls->read_project(sent_->project), sent_->how, token);
  self_->delayed_send(self_, ctx_->opt().facts_wait, exchange_performed{token, nullptr});
}

void issue_state::ask_calendar() {
  const auto token = token_for(call::calendar);
  auto self = entity_actor{self_};
  const auto reply = std::make_shared<reply_once<result<calendar_found>>>(
      [self, token](result<calendar_found> r) {
        caf::anon_send(
            self,
            calendar_answered{token, std::make_shared<const result<calendar_found>>(std::move(r))});
      },
      result<calendar_found>{
          failure{errc::crashed, "calendar", "the calendar watcher restarted", "", 0, "", {}}});
  self_->send(peers_.calendars, want_calendar{sent_->project, reply});
}

void issue_state::on_calendar(const calendar_answered& m) {
  const auto it = calls_.find(m.token);
  if (it == calls_.end() || !sent_) return;
  calls_.erase(it);
  if (phase_ == phase::stopped) return drop_outcome();
  in_lane([&] { take_calendar(m); });
}

void issue_state::take_calendar(const calendar_answered& m) {
  // Nothing of this effect was sent: no attempt of its own is spent.
  if (!*m.found) return effect_failed(m.found->error(), performed{}, false);
  sent_->calendar = (*m.found)->href;
  // What goes out is what is known and asked for now, not when the facts were asked for.
  const auto* e = find_effect(sent_->id);
  if (e == nullptr) return drop_sent();
  if (e->object == uid_ && !sync::wants_event(known_, ctx_->opt().calendar)) {
    sent_->operation = sync::calendar_operation::remove;
    if (!link_.base.href.empty()) return send_delete(*e);
  }
  if (sent_->operation == sync::calendar_operation::remove)
    return ask(peers_.caldav,
               peers_.calls->delete_event(remotes::event_href(sent_->calendar, uid_), ""),
               sent_->how, token_for(call::effect));
  put_request r;
  r.calendar_href = sent_->calendar;
  if (link_.base.project == sent_->project) r.event_href = link_.base.href;
  r.wanted = render();
  sent_->names = names();
  r.etag = r.event_href.empty() ? "" : link_.base.etag;
  r.hash = link_.base.hash;
  if (stands_ && stands_->href == r.event_href && stands_->etag == r.etag) r.text = stands_->text;
  r.base_labels = link_.base.labels;
  r.last_sequence = link_.base.sequence;
  r.alarm_minutes = ctx_->opt().alarm_minutes;
  r.now = ctx_->clock.now();
  sent_->fingerprint = sync::fingerprint(known_, ctx_->opt().calendar);
  ask(peers_.caldav, peers_.calls->put_event(r), sent_->how, token_for(call::effect));
}

protocol::caldav::event_values issue_state::render() const {
  return sync::render_event(known_, ctx_->projects.find(known_.project), ctx_->opt().rendering,
                            ctx_->opt().calendar);
}

std::string issue_state::names() const {
  return sync::rendered_names(ctx_->projects.find(known_.project), ctx_->opt().rendering);
}

void issue_state::on_performed(const exchange_performed& m) {
  const auto it = calls_.find(m.token);
  if (it == calls_.end()) return;
  const call what = it->second;
  calls_.erase(it);
  if (phase_ == phase::stopped) return what == call::read || !sent_ ? void() : drop_outcome();
  if (what == call::read) {
    // Planned now, it would be in memory only, and an outcome that is waited for would keep a
    // part of it.
    if (steps_down_) return;
    try {
      if (m.outcome) on_read(*m.outcome);
    } catch (const std::exception& e) {
      poison(e.what());
    }
    if (phase_ == phase::idle && !current_) go_on();
    return;
  }
  if (sent_) in_lane([&] { take_outcome(what, m); });
}

void issue_state::take_outcome(call what, const exchange_performed& m) {
  if (what == call::project) {
    if (m.outcome && !m.outcome->failed)
      if (auto p = remotes::project_from(*m.outcome->what))
        ctx_->projects.put(*p, ctx_->clock.now());
    return ask_calendar();
  }
  if (!m.outcome) return;
  if (m.outcome->failed) {
    const auto code = m.outcome->failed->code;
    return effect_failed(*m.outcome->failed, *m.outcome,
                         code != errc::breaker_open && code != errc::cancelled);
  }
  effect_done(*m.outcome);
}

void issue_state::effect_done(const performed& p) {
  effect* e = find_effect(sent_->id);
  persistence::write unit;
  const auto now = ctx_->clock.now();
  if (e == nullptr) return drop_sent();
  if (sent_->operation == sync::calendar_operation::put && e->object == uid_ &&
      remotes::put_from(*p.what).foreign)
    return effect_failed({errc::forbidden,
                          "caldav.put_event",
                          "another's object is at this event's address",
                          "remove or rename it; it is never overwritten",
                          0,
                          "",
                          {}},
                         p, true);
  if (e->object == uid_) stands_.reset();
  e->status = effect_status::done;
  e->finished_at = now;
  ++e->attempts;
  e->last_error.clear();
  std::string rule = "calendar: removed";
  if (e->object == uid_) {
    sync::calendar_outcome o;
    o.operation = sent_->operation;
    o.project = sent_->project;
    o.fingerprint = sent_->operation == sync::calendar_operation::remove ? "" : sent_->fingerprint;
    o.at = now;
    if (o.operation == sync::calendar_operation::put) {
      auto r = remotes::put_from(*p.what);
      remember_event(r);
      o.href = std::move(r.href);
      o.etag = std::move(r.etag);
      o.hash = std::move(r.hash);
      o.names = sent_->names;
      o.labels = std::move(r.labels);
      o.sequence = r.sequence;
      o.wrote = r.wrote;
      o.put_back = r.put_back;
      e->remote_id = o.href;
    }
    // A reload may have made something else of the effect than what was planned; while nothing
    // else waits, what was carried out is the plan.
    const bool last = std::none_of(effects_.begin(), effects_.end(), [&](const effect& x) {
      return x.id != e->id && x.object == uid_ && x.status == effect_status::waiting;
    });
    if (last) link_.base.planned = o.fingerprint;
    auto settled = sync::settle(o, link_, ctx_->opt().calendar);
    link_ = settled.link;
    rule = settled.rule;
    if (settled.stale_href)
      unit.effects.push_back(delete_elsewhere(*e, *settled.stale_href, *settled.stale_etag, now));
    e = find_effect(sent_->id);  // the vector may have grown
    if (last && !steps_down_) plan_anew(*e, unit);
    unit.links.push_back(link_row());
    e = find_effect(sent_->id);
    // A dead effect on this object is mended by this success.
    for (auto& other : effects_)
      if (other.object == uid_ && other.status == effect_status::dead) {
        other.status = effect_status::superseded;
        other.finished_at = now;
        unit.effects.push_back(other);
      }
  }
  unit.effects.push_back(*e);
  unit.attempts.push_back(attempt_row(*e, p, std::nullopt));
  unit.provenances.push_back({e->id, e->tenant, key_, e->integration, e->operation, e->object,
                              e->remote_id, e->rule, e->cause, now});
  const auto accepted = accepted_at_.find(e->id);
  const auto since = accepted == accepted_at_.end() ? e->created_at : accepted->second;
  ctx_->figures.effect_finished(caldav, "done",
                                std::chrono::duration_cast<std::chrono::microseconds>(now - since));
  announce_effect(*e, rule, p, std::nullopt);
  log::info("effect done",
            {log::kv("entity", key_), log::kv("effect", e->id), log::kv("cause", e->cause),
             log::kv("operation", e->operation), log::kv("rule", rule)});
  std::erase_if(effects_, [](const effect& x) {
    return x.status == effect_status::done || x.status == effect_status::superseded;
  });
  commit_outcome(std::move(unit));
}

/// Rules that changed while this effect was under way asked of it what they no longer ask; whoever
/// compared items with the new rules still saw it planned as they want it.
void issue_state::plan_anew(const effect& carried_out, persistence::write& unit) {
  const auto now = ctx_->clock.now();
  const auto plan = sync::plan_calendar(known_, link_, {}, now, ctx_->opt().calendar);
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
  effects_.push_back(std::move(next));
}

effect issue_state::delete_elsewhere(const effect& cause, const std::string& href,
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
  if (hurried_.contains(cause.id)) hurried_.insert(d.id);
  effects_.push_back(d);
  return d;
}

void issue_state::remember_event(const put_result& r) {
  if (r.text.empty() || r.text.size() > remembered_bytes) return;
  stands_ = standing_event{r.href, r.etag, r.text};
}

void issue_state::effect_failed(const failure& f, const performed& p, bool sent) {
  stands_.reset();  // it may have been written all the same
  effect* e = find_effect(sent_->id);
  if (e == nullptr) return drop_sent();
  if (f.code == errc::not_found && sent_->operation == sync::calendar_operation::put)
    self_->send(peers_.calendars, forget_calendar{sent_->project});
  if (sent) ++e->attempts;
  persistence::write unit;
  const bool again = mark_failed(*e, f, sent, unit);
  if (sent) unit.attempts.push_back(attempt_row(*e, p, f));
  announce_effect(*e, again ? "retry" : "dead", p, f);
  commit_outcome(std::move(unit));
}

bool issue_state::mark_failed(effect& e, const failure& f, bool sent, persistence::write& unit) {
  const auto now = ctx_->clock.now();
  // What was not sent has spent nothing, whatever its number of attempts says.
  const auto attempts =
      sent ? e.attempts : std::min(e.attempts, ctx_->opt().retry.max_attempts - 1);
  const auto v = sync::next_attempt(f, std::max<std::int32_t>(attempts, 1), e.created_at, now,
                                    ctx_->random.unit_draw(), ctx_->opt().retry);
  e.last_error = v.again_at ? describe(f) : v.why;
  if (v.again_at) {
    e.due_at = *v.again_at;
    log::warn(
        "effect failed, will be tried again",
        {log::kv("entity", key_), log::kv("effect", e.id), log::kv("attempt", e.attempts),
         log::kv("failure", f),
         log::kv("after_ms", std::chrono::duration_cast<milliseconds>(*v.again_at - now).count())});
  } else {
    e.status = effect_status::dead;
    if (e.object == uid_) {
      link_.state = sync::link_state::diverged;
      unit.links.push_back(link_row());
    }
    log::error("effect is a dead letter",
               {log::kv("entity", key_), log::kv("effect", e.id), log::kv("failure", f)});
  }
  probe_->failed();
  unit.effects.push_back(e);
  ctx_->figures.effect_finished(caldav, v.again_at ? "retry" : "dead",
                                std::chrono::microseconds{0});
  return v.again_at.has_value();
}

persistence::attempt issue_state::attempt_row(const effect& e, const performed& p,
                                              const std::optional<failure>& f) const {
  persistence::attempt a;
  a.effect = e.id;
  a.number = e.attempts;
  a.started_at = p.started_at == timestamp{} ? ctx_->clock.now() : p.started_at;
  a.took = p.took;
  a.status = p.status;
  a.code = std::string{to_string(f ? f->code : errc::none)};
  a.detail = f ? describe(*f).substr(0, 500) : "";
  a.request_id = p.request_id;
  return a;
}

void issue_state::commit_outcome(persistence::write unit) {
  outcome_committing_ = true;
  const auto token = token_for(call::outcome_commit);
  auto self = entity_actor{self_};
  ctx_->store.submit(std::move(unit), [self, token](const result<persistence::written>& w) {
    caf::anon_send(self,
                   plan_committed{token, w ? std::nullopt : std::optional<failure>{w.error()}});
  });
  ++commits_;
}

void issue_state::after_outcome() {
  outcome_committing_ = false;
  drop_sent();
  go_on();
}

/// What is in memory is not to be kept any more, so neither is what follows from it: the next life
/// takes the effect as possibly sent.
void issue_state::drop_outcome() {
  drop_sent();
  go_when_ended();
}

void issue_state::drop_sent() {
  sent_.reset();
  probe_->in_flight({});
}

}  // namespace pb::actors
