#include "actors/issue_actor.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "actors/edge.hpp"
#include "actors/issue_state.hpp"
#include "base/log.hpp"
#include "sync/sentinel.hpp"

namespace pb::actors {
namespace json = boost::json;
using persistence::delivery;
using persistence::delivery_status;
using persistence::effect;
using persistence::effect_status;
using std::chrono::milliseconds;
namespace {
constexpr const char* caldav = "caldav";
constexpr milliseconds storage_pause{2'000};
constexpr milliseconds read_pause{15'000};  ///< before a delivery whose read failed is taken again
constexpr std::size_t effects_per_cause = 256;
constexpr std::size_t plans_per_commit = 64;
}  // namespace

entity_actor::behavior_type issue_state::start(context_ptr ctx, entity_key key,
                                               std::uint64_t incarnation,
                                               dispatcher_actor dispatcher, issue_peers peers) {
  ctx_ = std::move(ctx);
  key_ = std::move(key);
  incarnation_ = incarnation;
  dispatcher_ = std::move(dispatcher);
  peers_ = std::move(peers);
  uid_ = protocol::caldav::uid_of(std::string{key_.id()});
  probe_ = ctx_->probes.add("issue", key_.text(), "dispatcher");
  load();
  return {[this](const handle_delivery& m) {
            queue_.push_back(m.what);
            probe_->queued(1);
            go_on();
          },
          [this](const wake&) {
            woken_ = true;
            go_on();
          },
          [this](const step_down&) {
            steps_down_ = true;
            go_on();
          },
          [this](const entity_loaded& m) { on_loaded(*m.state); },
          [this](const plan_committed& m) { on_committed(m); },
          [this](const exchange_performed& m) { on_performed(m); },
          [this](const calendar_answered& m) { on_calendar(m); },
          [this](const lane_due& m) {
            if (m.generation == lane_generation_) lane_armed_ = false;
            // Generation 0 is none of the lane's: an observation has waited long enough.
            if (m.generation == lane_generation_ || m.generation == 0) go_on();
          }};
}

void issue_state::load() {
  phase_ = phase::loading;
  probe_->state("waiting for store", ctx_->clock.now());
  auto self = entity_actor{self_};
  ctx_->store.load(key_, [self](result<persistence::entity_state> s) {
    caf::anon_send(
        self,
        entity_loaded{std::make_shared<const result<persistence::entity_state>>(std::move(s))});
  });
}

void issue_state::on_loaded(const result<persistence::entity_state>& state) {
  if (!state) return give_back(storage_pause, "store: " + describe(state.error()));
  row_.key = key_;
  if (state->row) row_ = *state->row;
  auto known = sync::parse_item_knowledge(row_.known);
  if (!known) {
    log::error("stored knowledge unreadable, starting anew",
               {log::kv("entity", key_), log::kv("failure", known.error())});
    known = sync::item_knowledge{};
  }
  known_ = std::move(*known);
  std::string{}.swap(row_.known);  // known_ has it
  for (const auto& l : state->links) {
    if (l.integration != caldav || l.object != uid_) continue;
    auto base = sync::parse_calendar_base(l.base);
    link_.state = sync::parse_link_state(l.state);
    if (base) link_.base = std::move(*base);
    link_.base.href = l.remote_id;
  }
  effects_ = state->unfinished;
  // The head of the lane may have been sent before a restart: it is never replaced.
  if (auto* head = lane_head()) possibly_sent_ = head->id;
  phase_ = phase::idle;
  probe_->state("idle", ctx_->clock.now());
  go_on();
}

void issue_state::go_on() {
  if (steps_down_) return leave();
  plan_waiting();
  if (phase_ == phase::loading || phase_ == phase::stopped) return;
  dispatch_lane();
  report_idle();
  if (const auto n = std::exchange(passed_over_, 0); n > 0) report_finished(n);
}

/// A read changes nothing and is not waited for; a write and the commits are.
void issue_state::leave() {
  if (phase_ == phase::committing || phase_ == phase::stopped || sent_ || outcome_committing_)
    return;
  phase_ = phase::stopped;
  probe_->state("ended: what is stored is read again", ctx_->clock.now());
  self_->send(dispatcher_, entity_reported{key_, incarnation_, 0, false, false, milliseconds{0}});
}

/// One after the other, each on what the one before it left; committed together.
void issue_state::plan_waiting() {
  while (phase_ == phase::idle && !current_ && !queue_.empty() && goes_along(*queue_.front()) &&
         !waits_for_outcome(*queue_.front())) {
    current_ = queue_.front();
    queue_.pop_front();
    probe_->queued(-1);
    just_read_ = false;
    handle_current();
  }
  if (phase_ != phase::idle || planned_.empty()) return;
  try {
    submit_planned();
  } catch (const std::exception& e) {
    poison(e.what());
  }
}

/// With what is planned already. One that failed before stands alone, so that it takes no other
/// with it.
bool issue_state::goes_along(const delivery& d) const {
  if (planned_.empty()) return true;
  return planned_.size() < plans_per_commit && d.attempts == 0 &&
         planned_.back().what->attempts == 0;
}

bool issue_state::waits_for_outcome(const delivery& d) {
  if (d.form != forms::calendar_observed || (!sent_ && !outcome_committing_)) return false;
  const auto left = d.received_at + ctx_->opt().outcome_wait - ctx_->clock.now();
  if (left <= left.zero()) return false;
  if (std::exchange(outcome_awaited_, d.seq) != d.seq)
    self_->delayed_send(self_, std::chrono::ceil<milliseconds>(left), lane_due{0});
  return true;
}

void issue_state::handle_current() {
  const delivery& d = *current_;
  if (d.seq <= row_.cursor) {  // handled before a crash or a sweep
    current_.reset();
    probe_->handled();
    ++passed_over_;
    return;
  }
  const auto now = ctx_->clock.now();
  probe_->event(d.event + " (" + d.form + ") #" + std::to_string(d.seq), now);
  std::optional<std::chrono::microseconds> since_commit;
  if (d.committed_at) since_commit = now - *d.committed_at;
  ctx_->figures.planning_started(now - d.received_at, since_commit);
  try {
    project_hint_.clear();
    if (d.form == forms::calendar_observed) return judge_calendar();
    if (auto named = project_named_in(d); !named.empty()) project_hint_ = std::move(named);
    auto what = hear(d);
    if (!what) return bury(describe(what.error()));
    if (const auto* w = std::get_if<sync::heard_webhook>(&*what)) {
      if (!w->event.project_id.empty()) project_hint_ = w->event.project_id;
      known_.last_event_at = std::max(known_.last_event_at, w->received_at);
    }
    judge(*what);
  } catch (const std::exception& e) {
    poison(e.what());
  }
}

void issue_state::judge(const sync::heard& what) {
  auto verdict = sync::judge(known_, what);
  auto* news = std::get_if<sync::settled>(&verdict);
  if (const auto* w = std::get_if<sync::heard_webhook>(&what)) tell_sentinel(*w, news);
  if (const auto* needs = std::get_if<sync::needs_read>(&verdict)) return read_item(needs->why);
  auto& settled = *news;
  plan(std::move(settled.now), settled.rule);
}

void issue_state::tell_sentinel(const sync::heard_webhook& w, const sync::settled* news) {
  const auto& e = w.event;
  if (e.about != protocol::plane::subject::work_item) return;
  sync::item_change c;
  c.item = std::string{key_.id()};
  c.author = e.item ? sync::author_of(*e.item) : e.actor_id;
  if (news != nullptr && news->changed) c.kinds = sync::changes_between(known_, news->now);
  if (const auto made = parse_rfc3339(e.item ? e.item->updated_at : e.updated_at))
    c.made_at = *made;
  ctx_->gaps.told(c, w.received_at);
}

void issue_state::plan(sync::item_knowledge now_known, std::string rule) {
  known_ = std::move(now_known);
  auto plan = ctx_->opt().calendar_on ? sync::plan_calendar(known_, link_, queued(),
                                                            ctx_->clock.now(), ctx_->opt().calendar)
                                      : sync::calendar_plan{};
  if (!ctx_->opt().calendar_on) plan.link = link_;
  commit_plan(plan, plan.effect || !plan.cancel.empty() ? rule + "; " + plan.rule : rule);
}

void issue_state::commit_plan(const sync::calendar_plan& plan, const std::string& reason) {
  auto& unit = unit_;
  const auto now = ctx_->clock.now();
  for (const auto id : plan.cancel)
    if (auto* e = find_effect(id)) {
      e->status = effect_status::cancelled;
      e->finished_at = now;
      e->last_error = plan.rule;
      unit.effects.push_back(*e);
    }
  if (plan.effect) unit.effects.push_back(upsert_effect(plan, now));
  if (plan.link_changed) {
    link_ = plan.link;
    // Also an event that was never written is looked for where it belongs.
    if (link_.base.href.empty()) link_.base.project = known_.project;
    unit.links.push_back(link_row());
  }
  const bool ignored = reason.starts_with("ignored");
  unit.marks.push_back({current_->seq, ignored ? delivery_status::ignored : delivery_status::done,
                        reason, current_->attempts});
  std::erase_if(effects_, [](const effect& e) { return e.status == effect_status::cancelled; });
  announce_plan(reason, plan);
  planned(ignored ? "ignored" : "done");
}

void issue_state::planned(std::string_view ending) {
  row_.cursor = std::max(row_.cursor, current_->seq);
  planned_.push_back({std::move(current_), ending});
  current_.reset();
}

void issue_state::submit_planned() {
  row_.parent = known_.project;
  row_.tombstone = known_.where == sync::presence::gone || known_.where == sync::presence::archived;
  row_.source_time = known_.updated_at;
  row_.changed_at = ctx_->clock.now();
  unit_.entities.push_back(row_);
  unit_.entities.back().known = sync::to_json(known_);
  phase_ = phase::committing;
  probe_->state("waiting for store", ctx_->clock.now());
  const auto token = token_for(call::commit);
  auto self = entity_actor{self_};
  ctx_->store.submit(
      std::exchange(unit_, {}), [self, token](const result<persistence::written>& w) {
        caf::anon_send(self,
                       plan_committed{token, w ? std::nullopt : std::optional<failure>{w.error()}});
      });
  ++commits_;
}

const effect& issue_state::upsert_effect(const sync::calendar_plan& plan, timestamp now) {
  const auto& w = *plan.effect;
  effect* e = plan.replace ? find_effect(*plan.replace) : nullptr;
  if (e == nullptr) {
    effect fresh;
    fresh.id = next_effect_id(current_->seq);
    fresh.entity = key_;
    fresh.integration = caldav;
    fresh.kind = persistence::effect_class::state;
    fresh.object = uid_;
    fresh.idempotency_key = uid_;
    fresh.created_at = now;
    std::erase_if(accepted_at_, [this](const auto& a) { return find_effect(a.first) == nullptr; });
    accepted_at_[fresh.id] = current_->received_at;
    fresh.due_at = w.due_at;
    fresh.cause = current_->seq;
    effects_.push_back(std::move(fresh));
    e = &effects_.back();
  }
  std::erase_if(hurried_, [this](std::int64_t id) { return find_effect(id) == nullptr; });
  if (hurry() == urgency::person) hurried_.insert(e->id);
  // A replacement keeps the position, the age and the due time of what it replaces.
  revise(*e, w);
  return *e;
}

void issue_state::revise(effect& e, const sync::calendar_plan::wanted& as) {
  ++e.revision;
  e.operation =
      as.operation == sync::calendar_operation::put ? "caldav.put_event" : "caldav.delete_event";
  e.rule = as.rule;
  e.payload = json::serialize(json::object{{"fingerprint", as.fingerprint}});
  e.status = as.withheld ? effect_status::withheld : effect_status::waiting;
}

std::int64_t issue_state::next_effect_id(std::int64_t cause) const {
  std::int64_t id = cause * static_cast<std::int64_t>(effects_per_cause);
  for (const auto& e : effects_)
    if (e.cause == cause) id = std::max(id, e.id + 1);
  return id;
}

urgency issue_state::hurry() const {
  const auto& form = current_->form;
  const bool told = form == forms::plane_webhook ||
                    (form == forms::plane_touch && current_->event != "issue.touched");
  return told ? urgency::person : urgency::repair;
}

void issue_state::read_item(const std::string& why, bool elsewhere) {
  const std::string project = elsewhere || known_.project.empty() ? project_hint_ : known_.project;
  if (!ctx_->opt().plane_on || project.empty())
    return plan(known_, "parked: cannot be read, " + std::string{project.empty()
                                                                     ? "its project is not known"
                                                                     : "Plane is not configured"});
  if (!planned_.empty()) {  // must not wait for Plane
    queue_.push_front(std::move(current_));
    current_.reset();
    probe_->queued(1);
    return submit_planned();
  }
  phase_ = phase::reading;
  probe_->state("waiting for plane", ctx_->clock.now());
  probe_->event("reads the item: " + why, ctx_->clock.now());
  self_->send(dispatcher_, entity_reported{key_, incarnation_, 0, false, true, std::nullopt});
  read_in_ = project;
  ask(peers_.plane, peers_.calls->read_item(project, std::string{key_.id()}), hurry(),
      token_for(call::read));
}

void issue_state::on_read(const performed& p) {
  phase_ = phase::idle;
  if (p.failed) return read_failed(*p.failed);
  // Something was journaled since the request was sent: what was read may be older than it.
  if (!queue_.empty() && ++rereads_ <= 3) {
    first_answer_.reset();
    return read_item("an event came while it was read");
  }
  auto what = remotes::heard_from(*p.what, p.started_at);
  if (!std::holds_alternative<sync::heard_item>(what)) {
    if (!first_answer_ && !project_hint_.empty() && project_hint_ != read_in_) {
      first_answer_ = std::make_unique<sync::heard>(std::move(what));
      return read_item("not in its former project", true);
    }
    if (first_answer_) what = std::move(*first_answer_);
  }
  first_answer_.reset();
  rereads_ = 0;
  just_read_ = true;
  if (current_->form == forms::calendar_observed) {
    auto verdict = sync::judge(known_, what);
    if (auto* s = std::get_if<sync::settled>(&verdict)) known_ = std::move(s->now);
    return judge_calendar();
  }
  judge(what);
}

void issue_state::read_failed(const failure& f) {
  const auto why = "plane: " + describe(f);
  switch (f.code) {
    case errc::bad_input:
    case errc::unexpected_answer:
    case errc::too_large:
    case errc::forbidden:
    case errc::not_found:
      break;
    default:
      return give_back(f.retry_after.value_or(read_pause), why);
  }
  if (current_->attempts + 1 >= ctx_->opt().retry.max_attempts) return bury(why);
  count_attempt(*current_, why);
  const auto doublings = std::min<std::int32_t>(current_->attempts, 5);
  give_back(f.retry_after.value_or(read_pause * (1 << doublings)), why);
}

void issue_state::judge_calendar() {
  auto seen = parse_observed(*current_->body);
  if (!seen) return bury(describe(seen.error()));
  if (stands_ && (!seen->present || seen->etag != stands_->etag)) stands_.reset();
  if (known_.project.empty()) project_hint_ = seen->project;
  if (sync::wants_event(known_, ctx_->opt().calendar)) {
    seen->rendered_hash = protocol::caldav::content_hash(render());
    seen->names = names();
  }
  auto v = sync::judge_observation(*seen, known_, link_, queued(), just_read_, ctx_->clock.now(),
                                   ctx_->opt().calendar);
  if (v.needs_read) return read_item(v.needs_read->why);
  commit_plan(v.plan, v.plan.rule);
}

void issue_state::on_committed(const plan_committed& m) {
  const auto it = calls_.find(m.token);
  if (it == calls_.end()) return;
  const call what = it->second;
  calls_.erase(it);
  --commits_;
  if (phase_ == phase::stopped) return go_when_ended();
  if (m.failed) return give_back(storage_pause, "store: " + describe(*m.failed));
  if (what == call::outcome_commit) {
    after_outcome();
    return;
  }
  if (phase_ == phase::committing) phase_ = phase::idle;
  row_.stored = true;
  for (const auto& p : planned_) {
    ctx_->figures.delivery_finished(p.ending);
    probe_->handled();
    log::info("delivery done",
              {log::kv("entity", key_), log::kv("seq", p.what->seq),
               log::kv("event", p.what->event), log::kv("delivery", p.what->remote_id)});
  }
  const auto how_many = planned_.size();
  planned_.clear();
  probe_->state(queue_.empty() ? resting_state() : "planning", ctx_->clock.now());
  // First what follows from it: whoever has an effect under way is not idle.
  go_on();
  report_finished(how_many);
}

void issue_state::report_finished(std::size_t how_many) {
  self_->send(dispatcher_, entity_reported{key_, incarnation_, how_many, is_idle(),
                                           phase_ == phase::reading, std::nullopt});
}

void issue_state::bury(const std::string& reason) {
  unit_.marks.push_back({current_->seq, delivery_status::dead, reason, current_->attempts + 1});
  log::error(
      "delivery is a dead letter",
      {log::kv("entity", key_), log::kv("delivery", current_->seq), log::kv("reason", reason)});
  probe_->failed();
  planned("dead");
}

void issue_state::poison(const std::string& what) {
  // Judging it failed, or committing what was planned, and then any of them may be the reason.
  std::vector<std::shared_ptr<const delivery>> suspects;
  if (current_) {
    suspects.push_back(current_);
  } else {
    for (const auto& p : planned_) suspects.push_back(p.what);
  }
  for (const auto& d : suspects) {
    const bool last = d->attempts + 1 >= ctx_->opt().poison_attempts;
    if (last) {
      ctx_->figures.delivery_finished("dead");
      log::error("delivery is a dead letter", {log::kv("entity", key_), log::kv("delivery", d->seq),
                                               log::kv("reason", "poison: " + what)});
    }
    // The mark alone: what is in memory may be half changed, and is dropped.
    count_attempt(*d, last ? "poison: " + what : what,
                  last ? delivery_status::dead : delivery_status::pending);
  }
  give_back(milliseconds{200}, what);
}

void issue_state::count_attempt(const delivery& d, const std::string& why, delivery_status as) {
  persistence::write unit;
  unit.marks.push_back({d.seq, as, why, d.attempts + 1});
  ctx_->store.submit(std::move(unit), [](const auto&) {});
}

void issue_state::give_back(milliseconds pause, const std::string& why) {
  stands_.reset();
  probe_->failed();
  log::warn("entity pauses",
            {log::kv("entity", key_), log::kv("after_ms", pause.count()), log::kv("reason", why)});
  phase_ = phase::stopped;
  pause_ = pause;
  probe_->state("suspended: " + why, ctx_->clock.now());
  go_when_ended();
}

void issue_state::go_when_ended() {
  const bool on_the_wire = sent_ && !outcome_committing_;
  if (!on_the_wire && commits_ == 0)
    self_->send(dispatcher_, entity_reported{key_, incarnation_, 0, false, false, pause_});
}

std::uint64_t issue_state::token_for(call what) {
  calls_.emplace(++last_token_, what);
  return last_token_;
}

void issue_state::ask(const connector_port& whom, exchange_ptr what, urgency how,
                      std::uint64_t token) {
  self_->send(whom, call_for(entity_actor{self_}, token, std::move(what), how, key_.text(),
                             ctx_->clock.now()));
}

effect* issue_state::find_effect(std::int64_t id) {
  for (auto& e : effects_)
    if (e.id == id) return &e;
  return nullptr;
}

persistence::link_row issue_state::link_row() const {
  persistence::link_row l;
  l.entity = key_;
  l.integration = caldav;
  l.object = uid_;
  l.remote_id = link_.base.href;
  l.state = std::string{sync::to_string(link_.state)};
  l.base = sync::to_json(link_.base);
  l.changed_at = ctx_->clock.now();
  return l;
}

void issue_state::arm_lane(milliseconds wait) {
  // Far ones wait in the outbox: the dispatcher's sweep wakes us, so no timer pins this actor.
  if (lane_armed_ || wait > ctx_->opt().passivate_after) return;
  lane_armed_ = true;
  self_->delayed_send(self_, wait, lane_due{++lane_generation_});
}

bool issue_state::is_idle() const {
  return phase_ == phase::idle && queue_.empty() && !current_ && !sent_ && !outcome_committing_ &&
         !lane_armed_;
}

void issue_state::report_idle() {
  if (!is_idle()) return;
  if (woken_ || !reported_idle_) {
    woken_ = false;
    self_->send(dispatcher_, entity_reported{key_, incarnation_, 0, true, false, std::nullopt});
  }
  reported_idle_ = true;
  probe_->state(resting_state(), ctx_->clock.now());
}

std::string issue_state::resting_state() {
  if (sent_) return "waiting for caldav";
  const auto* head = lane_head();
  return head != nullptr ? "backing off until " + format_rfc3339(head->due_at) : "idle";
}

void issue_state::announce_plan(const std::string& reason, const sync::calendar_plan& plan) {
  reported_idle_ = false;
  if (!ctx_->bus.listened()) return;
  json::object o{{"seq", current_->seq}, {"entity", key_.text()},
                 {"name", known_.name},  {"n", known_.sequence_id},
                 {"rule", reason},       {"effect", plan.effect.has_value()}};
  ctx_->bus.publish("plan", json::serialize(o));
}

void issue_state::announce_effect(const effect& e, const std::string& how, const performed& p,
                                  const std::optional<failure>& f) {
  reported_idle_ = false;
  if (!ctx_->bus.listened()) return;
  json::object o{{"effect", e.id},
                 {"entity", key_.text()},
                 {"operation", e.operation},
                 {"object", e.object},
                 {"how", how},
                 {"status", p.status},
                 {"took_us", p.took.count()},
                 {"attempt", e.attempts},
                 {"name", known_.name}};
  if (f) o["failure"] = describe(*f);
  ctx_->bus.publish("effect", json::serialize(o));
}

namespace {

entity_actor::behavior_type issue(entity_actor::stateful_pointer<issue_state> self, context_ptr ctx,
                                  entity_key key, std::uint64_t incarnation,
                                  dispatcher_actor dispatcher, issue_peers peers) {
  install_exception_edge(self, "issue");
  return self->state.start(std::move(ctx), std::move(key), incarnation, std::move(dispatcher),
                           std::move(peers));
}

}  // namespace

entity_actor spawn_issue(caf::actor_system& system, context_ptr ctx, const entity_key& key,
                         std::uint64_t incarnation, dispatcher_actor dispatcher,
                         issue_peers peers) {
  return system.spawn(issue, std::move(ctx), key, incarnation, std::move(dispatcher),
                      std::move(peers));
}

}  // namespace pb::actors
