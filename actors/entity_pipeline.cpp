#include "actors/entity_pipeline.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "actors/effect_lane.hpp"
#include "actors/front.hpp"
#include "base/log.hpp"

namespace pb::actors {
namespace json = boost::json;
namespace {
constexpr std::int64_t effects_per_cause = 256;
constexpr std::size_t plans_per_commit = 64;
}  // namespace

entity_pipeline::entity_pipeline(entity_actor::pointer self) : self_(self) {}
entity_pipeline::~entity_pipeline() = default;

entity_actor::behavior_type entity_pipeline::begin(const char* kind, context_ptr ctx,
                                                   entity_key key, std::uint64_t incarnation,
                                                   dispatcher_actor dispatcher) {
  kind_ = kind;
  ctx_ = std::move(ctx);
  key_ = std::move(key);
  incarnation_ = incarnation;
  dispatcher_ = std::move(dispatcher);
  probe_ = ctx_->probes.add(kind_, key_.text(), "dispatcher");
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
          [this](const fact_told& m) { on_fact_told(m); },
          [this](const lane_due& m) { on_lane_due(m); }};
}

void entity_pipeline::load() {
  phase_ = phase::loading;
  probe_->state("waiting for store", ctx_->clock.now());
  auto self = entity_actor{self_};
  ctx_->store.load(key_, [self](result<persistence::entity_state> s) {
    caf::anon_send(
        self,
        entity_loaded{std::make_shared<const result<persistence::entity_state>>(std::move(s))});
  });
}

void entity_pipeline::on_loaded(const result<persistence::entity_state>& state) {
  if (!state) return give_back(storage_pause, "store: " + describe(state.error()));
  row_.key = key_;
  if (state->row) row_ = *state->row;
  effects_ = state->unfinished;
  recall(*state);
  std::string{}.swap(row_.known);  // whoever recalled it has it
  for (auto& l : lanes_)
    if (l) l->loaded();
  phase_ = phase::idle;
  probe_->state("idle", ctx_->clock.now());
  go_on();
}

effect_lane& entity_pipeline::add_lane(std::unique_ptr<effect_lane> lane) {
  auto& place = lanes_[0] ? lanes_[1] : lanes_[0];
  place = std::move(lane);
  return *place;
}

template <class F>
bool entity_pipeline::any_lane(F holds) const {
  return std::any_of(lanes_.begin(), lanes_.end(),
                     [&](const auto& l) { return l != nullptr && holds(*l); });
}

void entity_pipeline::go_on() {
  if (steps_down_) return leave();
  plan_waiting();
  if (phase_ == phase::loading || phase_ == phase::stopped) return;
  for (auto& l : lanes_)
    if (l) l->dispatch();
  report_idle();
  if (const auto n = std::exchange(passed_over_, 0); n > 0) report_finished(n);
}

/// A read changes nothing and is not waited for; a write and the commits are.
void entity_pipeline::leave() {
  if (phase_ == phase::committing || phase_ == phase::stopped ||
      any_lane([](const effect_lane& l) { return l.busy(); }))
    return;
  phase_ = phase::stopped;
  probe_->state("ended: what is stored is read again", ctx_->clock.now());
  self_->send(dispatcher_, entity_reported{key_, incarnation_, 0, false, false, milliseconds{0}});
}

/// One after the other, each on what the one before it left; committed together.
void entity_pipeline::plan_waiting() {
  while (phase_ == phase::idle && !current_ && !queue_.empty() && goes_along(*queue_.front()) &&
         !waits_for_outcome(*queue_.front())) {
    current_ = queue_.front();
    queue_.pop_front();
    probe_->queued(-1);
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
bool entity_pipeline::goes_along(const delivery& d) const {
  if (planned_.empty()) return true;
  return planned_.size() < plans_per_commit && d.attempts == 0 &&
         planned_.back().what->attempts == 0;
}

bool entity_pipeline::wait_at_most(const delivery& d, milliseconds at_most) {
  const auto left = d.received_at + at_most - ctx_->clock.now();
  if (left <= left.zero()) return false;
  if (std::exchange(outcome_awaited_, d.seq) != d.seq)
    self_->delayed_send(self_, std::chrono::ceil<milliseconds>(left), lane_due{0});
  return true;
}

void entity_pipeline::handle_current() {
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
    judge_current();
  } catch (const std::exception& e) {
    poison(e.what());
  }
}

bool entity_pipeline::begin_reading(const char* from, const std::string& why) {
  if (!planned_.empty()) {  // must not wait for it
    queue_.push_front(std::move(current_));
    current_.reset();
    probe_->queued(1);
    submit_planned();
    return false;
  }
  phase_ = phase::reading;
  probe_->state(std::string{"waiting for "} + from, ctx_->clock.now());
  probe_->event(why, ctx_->clock.now());
  self_->send(dispatcher_, entity_reported{key_, incarnation_, 0, false, true, std::nullopt});
  return true;
}

void entity_pipeline::conclude(const std::string& reason) {
  const bool ignored = reason.starts_with("ignored");
  unit_.marks.push_back({current_->seq, ignored ? delivery_status::ignored : delivery_status::done,
                         reason, current_->attempts});
  planned(ignored ? "ignored" : "done");
}

void entity_pipeline::planned(std::string_view ending) {
  row_.cursor = std::max(row_.cursor, current_->seq);
  planned_.push_back({std::move(current_), ending});
  current_.reset();
}

void entity_pipeline::submit_planned() {
  keep_row(unit_);
  phase_ = phase::committing;
  probe_->state("waiting for store", ctx_->clock.now());
  submit(std::exchange(unit_, {}), token_for(call_commit));
}

void entity_pipeline::submit(persistence::write unit, std::uint64_t token) {
  auto self = entity_actor{self_};
  auto told = [self, token](const result<persistence::written>& w) {
    caf::anon_send(self,
                   plan_committed{token, w ? std::nullopt : std::optional<failure>{w.error()}});
  };
  if (unit.appends.empty()) {
    ctx_->store.submit(std::move(unit), std::move(told));
  } else {
    // Those it was planned for hear of it first, so that nobody works on what is not handed on.
    auto rows = own_rows(unit.appends);
    ctx_->store.submit(std::move(unit), [ctx = ctx_, dispatcher = dispatcher_, rows,
                                         told](const result<persistence::written>& w) {
      hand_over_own(ctx, dispatcher, *rows, w);
      told(w);
    });
  }
  ++commits_;
}

std::int64_t entity_pipeline::next_effect_id(std::int64_t cause) const {
  std::int64_t id = cause * effects_per_cause;
  for (const auto& e : effects_)
    if (e.cause == cause) id = std::max(id, e.id + 1);
  return id;
}

persistence::effect& entity_pipeline::add_effect(const char* integration,
                                                 persistence::effect_class kind, std::string object,
                                                 timestamp now, timestamp due_at,
                                                 const origin& from) {
  effect fresh;
  fresh.id = next_effect_id(from.cause);
  // Effects of this cause may have ended, and are not in memory any more. What follows from one has
  // the upper half of its numbers to itself.
  if (from.after != 0)
    fresh.id = std::max(fresh.id, from.after % effects_per_cause < effects_per_cause / 2
                                      ? from.after + effects_per_cause / 2
                                      : from.after + 1);
  fresh.entity = key_;
  fresh.integration = integration;
  fresh.kind = kind;
  fresh.object = std::move(object);
  fresh.created_at = now;
  std::erase_if(accepted_at_, [this](const auto& a) { return find_effect(a.first) == nullptr; });
  accepted_at_[fresh.id] = from.since;
  fresh.due_at = due_at;
  fresh.cause = from.cause;
  effects_.push_back(std::move(fresh));
  return effects_.back();
}

void entity_pipeline::note_hurry(const effect& e) {
  std::erase_if(hurried_, [this](std::int64_t id) { return find_effect(id) == nullptr; });
  if (hurry() == urgency::person) hurried_.insert(e.id);
}

std::string entity_pipeline::origin::identity() const {
  return after != 0 ? "effect:" + std::to_string(after) : "plan:" + std::to_string(cause);
}

void entity_pipeline::hand_over(const std::vector<sync::handed_over>& what, const origin& from,
                                persistence::write& unit) {
  const auto identity = from.identity();
  std::size_t n = 0;
  for (const auto& h : what) {
    const std::string form{sync::form_of(h.what)};
    unit.appends.push_back(own_delivery(*ctx_, "internal", form, form, h.to, sync::to_json(h.what),
                                        identity + ":" + std::to_string(n++)));
  }
}

void entity_pipeline::keep_row(persistence::write& unit) {
  auto known = write_row();
  row_.changed_at = ctx_->clock.now();
  unit.entities.push_back(row_);
  unit.entities.back().known = std::move(known);
}

persistence::effect* entity_pipeline::find_effect(std::int64_t id) {
  for (auto& e : effects_)
    if (e.id == id) return &e;
  return nullptr;
}

void entity_pipeline::cancel_effects(const std::vector<std::int64_t>& ids, const std::string& rule,
                                     persistence::write& unit) {
  for (const auto id : ids)
    if (auto* e = find_effect(id)) {
      e->status = effect_status::cancelled;
      e->finished_at = ctx_->clock.now();
      e->last_error = rule;
      unit.effects.push_back(*e);
    }
}

void entity_pipeline::on_committed(const plan_committed& m) {
  const auto call = take_call(m.token);
  if (!call) return;
  --commits_;
  if (phase_ == phase::stopped) return go_when_ended();
  if (m.failed) return give_back(storage_pause, "store: " + describe(*m.failed));
  if (call->lane != nullptr) {
    call->lane->on_outcome_committed();
    return go_on();
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
  committed();
  for (auto& l : lanes_)
    if (l) l->go_on_with_outcome();
  if (phase_ == phase::stopped) return;
  probe_->state(queue_.empty() ? resting_state() : "planning", ctx_->clock.now());
  // First what follows from it: whoever has an effect under way is not idle.
  go_on();
  report_finished(how_many);
}

void entity_pipeline::on_performed(const exchange_performed& m) {
  const auto call = take_call(m.token);
  if (!call) return;
  if (call->lane != nullptr) return call->lane->on_outcome(call->what, m);
  if (phase_ == phase::stopped) return;
  go_on_with([&] { on_answer(m); });
}

void entity_pipeline::on_fact_told(const fact_told& m) {
  if (phase_ != phase::reading) return;
  go_on_with([&] { on_fact(m); });
}

template <class F>
void entity_pipeline::go_on_with(F work) {
  // Planned now, it would be in memory only, and an outcome that is waited for would keep a part
  // of it.
  if (steps_down_) return;
  try {
    work();
  } catch (const std::exception& e) {
    poison(e.what());
  }
  if (phase_ == phase::idle && !current_) go_on();
}

void entity_pipeline::on_lane_due(const lane_due& m) {
  bool ours = m.generation == 0;  // none of a lane's: a delivery has waited long enough
  for (auto& l : lanes_)
    if (l && l->on_due(m.generation)) ours = true;
  if (ours) go_on();
}

void entity_pipeline::report_finished(std::size_t how_many) {
  self_->send(dispatcher_, entity_reported{key_, incarnation_, how_many, is_idle(),
                                           phase_ == phase::reading, std::nullopt});
}

void entity_pipeline::go_when_ended() {
  const bool on_the_wire = any_lane([](const effect_lane& l) { return l.on_the_wire(); });
  if (!on_the_wire && commits_ == 0)
    self_->send(dispatcher_, entity_reported{key_, incarnation_, 0, false, false, pause_});
}

std::uint64_t entity_pipeline::token_for(std::uint8_t what, effect_lane* lane) {
  calls_.emplace(++last_token_, pending_call{lane, what});
  return last_token_;
}

std::optional<entity_pipeline::pending_call> entity_pipeline::take_call(std::uint64_t token) {
  const auto it = calls_.find(token);
  if (it == calls_.end()) return std::nullopt;
  const auto call = it->second;
  calls_.erase(it);
  return call;
}

void entity_pipeline::ask(const connector_port& whom, exchange_ptr what, urgency how,
                          std::uint64_t token) {
  self_->send(whom, call_for(entity_actor{self_}, token, std::move(what), how, key_.text(),
                             ctx_->clock.now()));
}

bool entity_pipeline::is_idle() const {
  return phase_ == phase::idle && queue_.empty() && !current_ &&
         !any_lane([](const effect_lane& l) { return l.busy() || l.armed(); });
}

void entity_pipeline::report_idle() {
  if (!is_idle()) return;
  if (woken_ || !reported_idle_) {
    woken_ = false;
    self_->send(dispatcher_, entity_reported{key_, incarnation_, 0, true, false, std::nullopt});
  }
  reported_idle_ = true;
  probe_->state(resting_state(), ctx_->clock.now());
}

std::string entity_pipeline::resting_state() {
  const effect* first = nullptr;
  for (const auto& l : lanes_) {
    if (!l) continue;
    if (l->busy()) return std::string{"waiting for "} + l->integration();
    const auto* head = l->head();
    if (head != nullptr && (first == nullptr || head->due_at < first->due_at)) first = head;
  }
  return first != nullptr ? "backing off until " + format_rfc3339(first->due_at) : "idle";
}

void entity_pipeline::announce_plan(const std::string& reason, bool with_effect) {
  reported_idle_ = false;
  if (!ctx_->bus.listened()) return;
  json::object o{{"seq", current_->seq}, {"entity", key_.text()}};
  tell_about(o);
  o["rule"] = reason;
  o["effect"] = with_effect;
  ctx_->bus.publish("plan", json::serialize(o));
}

}  // namespace pb::actors
