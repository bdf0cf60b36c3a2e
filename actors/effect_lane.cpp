#include "actors/effect_lane.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "base/log.hpp"

namespace pb::actors {
namespace json = boost::json;

/// Of one object the older goes first, or what is shown at last would be what was planned first.
bool effect_lane::overtakes(const effect& e, timestamp now) const {
  return !holds_back(e) &&
         std::any_of(of_.effects_.begin(), of_.effects_.end(), [&](const effect& o) {
           return o.id < e.id && o.object == e.object && o.integration == integration_ &&
                  o.status == effect_status::waiting && o.due_at > now;
         });
}

const persistence::effect* effect_lane::head() const {
  const auto now = ctx().clock.now();
  const effect *first = nullptr, *later = nullptr;
  for (const auto& e : of_.effects_) {
    if (e.status != effect_status::waiting || e.integration != integration_) continue;
    if (e.due_at > now && !holds_back(e)) {
      if (later == nullptr || e.due_at < later->due_at) later = &e;
    } else if ((first == nullptr || e.id < first->id) && !overtakes(e, now)) {
      first = &e;
    }
  }
  if (first == nullptr) return later;
  // One that waits for its time holds back those behind it, not those in front.
  const bool sooner = later != nullptr && later->id < first->id && later->due_at < first->due_at;
  return first->due_at > now && sooner ? later : first;
}
persistence::effect* effect_lane::head() {
  return const_cast<effect*>(std::as_const(*this).head());
}

/// The head of the lane may have been sent before a restart: it is never replaced. It is one of
/// those in front of the first that holds back, or that one.
void effect_lane::loaded() {
  const auto now = ctx().clock.now();
  std::vector<const effect*> all;
  for (const auto& e : of_.effects_)
    if (e.status == effect_status::waiting && e.integration == integration_) all.push_back(&e);
  std::sort(all.begin(), all.end(), [](const auto* a, const auto* b) { return a->id < b->id; });
  for (const auto* e : all) {
    const bool last = holds_back(*e);
    if (last || e->due_at <= now) possibly_sent_.push_back(e->id);
    if (last) return;
  }
}

void effect_lane::dispatch() {
  using phase = entity_pipeline::phase;
  if (busy() || of_.phase_ == phase::committing || of_.phase_ == phase::stopped) return;
  effect* first = head();
  if (first == nullptr || !may_send(*first)) return;
  const auto now = ctx().clock.now();
  if (first->due_at > now) return arm(first->due_at);
  take_up(*first);
  const auto how = of_.hurried_.contains(first->id) ? urgency::person : urgency::repair;
  sent_ = std::make_unique<dispatched>(dispatched{first->id, how, *first});
  of_.probe_->in_flight(first->operation + " #" + std::to_string(first->id));
  if (of_.phase_ == phase::idle) of_.probe_->state(std::string{"waiting for "} + integration_, now);
  guarded([&] { carry_out(*first); });
}

void effect_lane::crashed(const char* what) {
  effect row = sent_->row;
  restore();
  persistence::write unit;
  const failure f{errc::crashed, of_.kind_, what, "", 0, "", {}};
  ++row.attempts;
  mark_failed(row, f, true, unit);
  unit.attempts.push_back(attempt_row(row, performed{}, f));
  ctx().store.submit(std::move(unit), [](const auto&) {});
  drop_sent();  // whatever was under way has come back
  of_.give_back(milliseconds{200}, what);
}

std::uint64_t effect_lane::token_for(std::uint8_t what) { return of_.token_for(what, this); }

void effect_lane::ask_with(const connector_port& whom, exchange_ptr what, std::uint64_t token) {
  of_.ask(whom, std::move(what), sent_->how, token);
}

void effect_lane::on_outcome(std::uint8_t what, const exchange_performed& m) {
  if (!sent_) return;
  if (entity_stopped()) return drop_outcome();
  if (changes_knowledge() && of_.phase_ == entity_pipeline::phase::committing) {
    held_ = std::make_unique<held_outcome>(held_outcome{what, m});
    return;
  }
  guarded([&] {
    if (take_answer(what, m) || !m.outcome) return;
    if (m.outcome->failed) {
      const auto code = m.outcome->failed->code;
      return effect_failed(*m.outcome->failed, *m.outcome,
                           code != errc::breaker_open && code != errc::cancelled);
    }
    effect_done(*m.outcome);
  });
}

void effect_lane::go_on_with_outcome() {
  if (!held_) return;
  const auto h = std::move(held_);
  on_outcome(h->what, h->answer);
}

void effect_lane::effect_done(const performed& p) {
  effect* e = find_effect(sent_->id);
  persistence::write unit;
  const auto now = ctx().clock.now();
  if (e == nullptr) return drop_sent();
  if (const auto refused = refuses(*e, p)) return effect_failed(*refused, p, true);
  e->status = effect_status::done;
  e->finished_at = now;
  ++e->attempts;
  e->last_error.clear();
  const auto rule = settle(*e, p, unit);
  e = find_effect(sent_->id);  // the vector may have grown
  unit.effects.push_back(*e);
  unit.attempts.push_back(attempt_row(*e, p, std::nullopt));
  unit.provenances.push_back({e->id, e->tenant, key(), e->integration, e->operation, e->object,
                              e->remote_id, e->rule, e->cause, now});
  const auto accepted = of_.accepted_at_.find(e->id);
  const auto since = accepted == of_.accepted_at_.end() ? e->created_at : accepted->second;
  ctx().figures.effect_finished(integration_, "done",
                                std::chrono::duration_cast<std::chrono::microseconds>(now - since));
  announce(*e, rule, p, std::nullopt);
  log::info("effect done",
            {log::kv("entity", key()), log::kv("effect", e->id), log::kv("cause", e->cause),
             log::kv("operation", e->operation), log::kv("rule", rule)});
  std::erase_if(of_.effects_, [](const effect& x) {
    return x.status == effect_status::done || x.status == effect_status::superseded;
  });
  commit_outcome(std::move(unit));
}

void effect_lane::effect_failed(const failure& f, const performed& p, bool sent) {
  effect* e = find_effect(sent_->id);
  if (e == nullptr) return drop_sent();
  persistence::write unit;
  const bool counts = before_failure(*e, f, p, unit);
  e = find_effect(sent_->id);
  // A try that left and could not be repeated at once spends nothing, but the effect may have been
  // done: it is not replaced any more, and looked for before it is repeated.
  const bool first_try = !sent && p.sent && e->attempts == 0;
  if (sent || first_try) ++e->attempts;
  bool again = true;
  if (counts)
    again = mark_failed(*e, f, sent, unit);
  else
    unit.effects.push_back(*e);
  e = find_effect(sent_->id);
  if (sent || first_try) unit.attempts.push_back(attempt_row(*e, p, f));
  const bool ended = e->status == effect_status::cancelled;
  announce(*e, ended ? "given up" : again ? "retry" : "dead", p, f);
  if (ended) std::erase_if(of_.effects_, [id = e->id](const effect& x) { return x.id == id; });
  commit_outcome(std::move(unit));
}

bool effect_lane::mark_failed(effect& e, const failure& f, bool sent, persistence::write& unit) {
  const auto now = ctx().clock.now();
  // What was not sent has spent nothing, whatever its number of attempts says.
  const auto attempts =
      sent ? e.attempts : std::min(e.attempts, ctx().opt().retry.max_attempts - 1);
  auto v = sync::next_attempt(f, std::max<std::int32_t>(attempts, 1), e.created_at, now,
                              ctx().random.unit_draw(), ctx().opt().retry);
  if (v.again_at && is_final(f)) v = {std::nullopt, "not to be repeated: " + pb::describe(f)};
  e.last_error = v.again_at ? pb::describe(f) : v.why;
  if (v.again_at) {
    e.due_at = *v.again_at;
    log::warn(
        "effect failed, will be tried again",
        {log::kv("entity", key()), log::kv("effect", e.id), log::kv("attempt", e.attempts),
         log::kv("failure", f),
         log::kv("after_ms", std::chrono::duration_cast<milliseconds>(*v.again_at - now).count())});
  } else {
    e.status = effect_status::dead;
    of_.ring_for_dead("an effect", pb::describe(f));
    log::error("effect is a dead letter",
               {log::kv("entity", key()), log::kv("effect", e.id), log::kv("failure", f)});
  }
  of_.probe_->failed();
  unit.effects.push_back(e);
  ctx().figures.effect_finished(integration_, v.again_at ? "retry" : "dead",
                                std::chrono::microseconds{0});
  if (!v.again_at) {
    const effect dead = e;  // what follows may add others, and move it
    died(dead, f, unit);
  }
  return v.again_at.has_value();
}

persistence::attempt effect_lane::attempt_row(const effect& e, const performed& p,
                                              const std::optional<failure>& f) const {
  persistence::attempt a;
  a.effect = e.id;
  a.number = e.attempts;
  a.started_at = p.started_at == timestamp{} ? ctx().clock.now() : p.started_at;
  a.took = p.took;
  a.status = p.status;
  a.code = std::string{to_string(f ? f->code : errc::none)};
  a.detail = f ? describe(*f).substr(0, 500) : "";
  a.request_id = p.request_id;
  return a;
}

void effect_lane::hurry_like(const effect& cause, const effect& e) {
  if (of_.hurried_.contains(cause.id)) of_.hurried_.insert(e.id);
}

void effect_lane::commit_outcome(persistence::write unit) {
  committing_ = true;
  of_.submit(std::move(unit), token_for(call_outcome_commit));
}

void effect_lane::on_outcome_committed() {
  committing_ = false;
  drop_sent();
}

/// What is in memory is not to be kept any more, so neither is what follows from it: the next life
/// takes the effect as possibly sent.
void effect_lane::drop_outcome() {
  drop_sent();
  of_.go_when_ended();
}

void effect_lane::drop_sent() {
  sent_.reset();
  released();
  of_.probe_->in_flight({});
}

void effect_lane::arm(timestamp due) {
  const auto wait =
      std::chrono::duration_cast<milliseconds>(due - ctx().clock.now()) + milliseconds{1};
  // Far ones wait in the outbox: the dispatcher's sweep wakes us, so no timer pins this actor.
  if ((armed_ && armed_for_ <= due) || wait > ctx().opt().passivate_after) return;
  armed_ = true;
  armed_for_ = due;
  generation_ = ++of_.last_generation_;
  self()->delayed_send(self(), wait, lane_due{generation_});
}

bool effect_lane::on_due(std::uint64_t generation) {
  if (generation == 0 || generation != generation_) return false;
  armed_ = false;
  return true;
}

void effect_lane::announce(const effect& e, const std::string& how, const performed& p,
                           const std::optional<failure>& f) {
  of_.reported_idle_ = false;
  if (!ctx().bus.listened()) return;
  json::object o{{"effect", e.id},
                 {"entity", key().text()},
                 {"operation", e.operation},
                 {"object", e.object},
                 {"how", how},
                 {"status", p.status},
                 {"took_us", p.took.count()},
                 {"attempt", e.attempts}};
  of_.tell_about(o);
  if (f) o["failure"] = describe(*f);
  ctx().bus.publish("effect", json::serialize(o));
}

}  // namespace pb::actors
