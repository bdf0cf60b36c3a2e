#include "actors/issue_actor.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <deque>
#include <unordered_map>

#include "actors/delivery_forms.hpp"
#include "actors/edge.hpp"
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
constexpr milliseconds storage_pause{2'000};
constexpr milliseconds read_pause{15'000};  ///< before a delivery whose read failed is taken again
constexpr std::size_t effects_per_cause = 256;

class issue_state {
public:
  static inline const char* name = "issue";
  explicit issue_state(entity_actor::pointer self) : self_(self) {}

  entity_actor::behavior_type start(context_ptr ctx, entity_key key, std::uint64_t incarnation,
                                    dispatcher_actor dispatcher, issue_peers peers) {
    ctx_ = std::move(ctx);
    key_ = std::move(key);
    incarnation_ = incarnation;
    dispatcher_ = std::move(dispatcher);
    peers_ = std::move(peers);
    uid_ = protocol::caldav::uid_of(std::string{key_.id()});
    probe_ = ctx_->probes.add("issue", key_.text(), "dispatcher");
    // A new dispatcher makes new actors: never two for one entity.
    self_->monitor(dispatcher_);
    self_->set_down_handler([this](caf::down_msg&) { self_->quit(); });
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
            [this](const entity_loaded& m) { on_loaded(*m.state); },
            [this](const plan_committed& m) { on_committed(m); },
            [this](const exchange_performed& m) { on_performed(m); },
            [this](const calendar_answered& m) { on_calendar(m); },
            [this](const lane_due& m) {
              if (m.generation == lane_generation_) {
                lane_armed_ = false;
                go_on();
              }
            }};
  }

private:
  enum class call { read, commit, outcome_commit, effect, project, calendar };
  enum class phase { loading, idle, reading, committing, stopped };

  /// The effect that is with a connector, and what it was rendered from.
  struct dispatched {
    std::int64_t id = 0;
    sync::calendar_operation operation = sync::calendar_operation::put;
    std::string project, fingerprint, calendar;
    bool asked_project = false;
    effect row;                ///< as stored, should handling it crash
    sync::calendar_link link;  ///< likewise
  };

  // Loading -----------------------------------------------------------------------------------
  void load() {
    phase_ = phase::loading;
    probe_->state("waiting for store", ctx_->clock.now());
    auto self = entity_actor{self_};
    ctx_->store.read([self, key = key_](result<persistence::reader*> r) {
      auto s = r ? (*r)->entity(key) : result<persistence::entity_state>{r.error()};
      caf::anon_send(
          self,
          entity_loaded{std::make_shared<const result<persistence::entity_state>>(std::move(s))});
    });
  }

  void on_loaded(const result<persistence::entity_state>& state) {
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

  // The serial pipeline of deliveries ------------------------------------------------------------
  void go_on() {
    if (phase_ == phase::idle && !queue_.empty()) {
      current_ = queue_.front();
      queue_.pop_front();
      probe_->queued(-1);
      just_read_ = false;
      handle_current();
    }
    if (phase_ == phase::loading || phase_ == phase::stopped) return;
    dispatch_lane();
    report_idle();
  }

  void handle_current() {
    const delivery& d = *current_;
    if (d.seq <= row_.cursor) return finish_current();  // handled before a crash or a sweep
    probe_->event(d.event + " (" + d.form + ") #" + std::to_string(d.seq), ctx_->clock.now());
    ctx_->figures.planning_started(
        std::chrono::duration_cast<std::chrono::microseconds>(ctx_->clock.now() - d.received_at));
    try {
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

  void judge(const sync::heard& what) {
    auto verdict = sync::judge(known_, what);
    if (const auto* needs = std::get_if<sync::needs_read>(&verdict)) return read_item(needs->why);
    auto& settled = std::get<sync::settled>(verdict);
    plan(std::move(settled.now), settled.rule);
  }

  void plan(sync::item_knowledge now_known, std::string rule) {
    known_ = std::move(now_known);
    auto plan =
        ctx_->opt().calendar_on
            ? sync::plan_calendar(known_, link_, queued(), ctx_->clock.now(), ctx_->opt().calendar)
            : sync::calendar_plan{};
    if (!ctx_->opt().calendar_on) plan.link = link_;
    commit_plan(plan, plan.effect || !plan.cancel.empty() ? rule + "; " + plan.rule : rule);
  }

  void commit_plan(const sync::calendar_plan& plan, const std::string& reason) {
    persistence::write unit;
    const auto now = ctx_->clock.now();
    row_.cursor = std::max(row_.cursor, current_->seq);
    row_.parent = known_.project;
    row_.known = sync::to_json(known_);
    row_.tombstone =
        known_.where == sync::presence::gone || known_.where == sync::presence::archived;
    row_.source_time = known_.updated_at;
    row_.changed_at = now;
    unit.entities.push_back(row_);
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
    ending_ = ignored ? "ignored" : "done";
    submit(std::move(unit));
    announce_plan(reason, plan);
  }

  const effect& upsert_effect(const sync::calendar_plan& plan, timestamp now) {
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
      std::erase_if(accepted_at_,
                    [this](const auto& a) { return find_effect(a.first) == nullptr; });
      accepted_at_[fresh.id] = current_->received_at;
      fresh.due_at = w.due_at;
      fresh.cause = current_->seq;
      effects_.push_back(std::move(fresh));
      e = &effects_.back();
    }
    // A replacement keeps the position, the age and the due time of what it replaces.
    ++e->revision;
    e->operation =
        w.operation == sync::calendar_operation::put ? "caldav.put_event" : "caldav.delete_event";
    e->rule = w.rule;
    e->payload = json::serialize(json::object{{"fingerprint", w.fingerprint}});
    e->status = w.withheld ? effect_status::withheld : effect_status::waiting;
    return *e;
  }

  std::int64_t next_effect_id(std::int64_t cause) const {
    std::int64_t id = cause * static_cast<std::int64_t>(effects_per_cause);
    for (const auto& e : effects_)
      if (e.cause == cause) id = std::max(id, e.id + 1);
    return id;
  }

  // Reading the item behind a hint
  // -----------------------------------------------------------------
  void read_item(const std::string& why) {
    const std::string project = !known_.project.empty() ? known_.project : project_hint_;
    if (!ctx_->opt().plane_on || project.empty())
      return plan(known_, "parked: cannot be read, " +
                              std::string{project.empty() ? "its project is not known"
                                                          : "Plane is not configured"});
    phase_ = phase::reading;
    probe_->state("waiting for plane", ctx_->clock.now());
    probe_->event("reads the item: " + why, ctx_->clock.now());
    const bool scan = current_->form == forms::plane_absent ||
                      current_->form == forms::plane_read ||
                      current_->form == forms::calendar_observed;
    ask(peers_.plane, peers_.calls->read_item(project, std::string{key_.id()}),
        scan ? urgency::repair : urgency::person, token_for(call::read));
  }

  void on_read(const performed& p) {
    phase_ = phase::idle;
    if (p.failed) return read_failed(*p.failed);
    // Something was journaled since the request was sent: what was read may be older than it.
    if (!queue_.empty() && ++rereads_ <= 3) return read_item("an event came while it was read");
    rereads_ = 0;
    just_read_ = true;
    auto what = remotes::heard_from(*p.what, p.started_at);
    if (current_->form == forms::calendar_observed) {
      auto verdict = sync::judge(known_, what);
      if (auto* s = std::get_if<sync::settled>(&verdict)) known_ = std::move(s->now);
      return judge_calendar();
    }
    judge(what);
  }

  /// Away for now: the delivery stays in the journal, and neither actor nor budget is pinned. An
  /// answer that will not get better by waiting is counted, and ends as a dead letter.
  void read_failed(const failure& f) {
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
    count_attempt(why);
    const auto doublings = std::min<std::int32_t>(current_->attempts, 5);
    give_back(f.retry_after.value_or(read_pause * (1 << doublings)), why);
  }

  // A look into the calendar
  // ------------------------------------------------------------------------
  void judge_calendar() {
    auto seen = parse_observed(*current_->body);
    if (!seen) return bury(describe(seen.error()));
    if (known_.project.empty()) project_hint_ = seen->project;
    if (sync::wants_event(known_, ctx_->opt().calendar))
      seen->rendered_hash = protocol::caldav::content_hash(render());
    auto v = sync::judge_observation(*seen, known_, link_, queued(), just_read_, ctx_->clock.now(),
                                     ctx_->opt().calendar);
    if (v.needs_read) return read_item(v.needs_read->why);
    commit_plan(v.plan, v.plan.rule);
  }

  // Committing
  // ---------------------------------------------------------------------------------------
  void submit(persistence::write unit) {
    phase_ = phase::committing;
    probe_->state("waiting for store", ctx_->clock.now());
    const auto token = token_for(call::commit);
    auto self = entity_actor{self_};
    ctx_->store.submit(std::move(unit), [self, token](const result<persistence::written>& w) {
      caf::anon_send(self,
                     plan_committed{token, w ? std::nullopt : std::optional<failure>{w.error()}});
    });
  }

  void on_committed(const plan_committed& m) {
    const auto it = calls_.find(m.token);
    if (it == calls_.end()) return;
    const call what = it->second;
    calls_.erase(it);
    if (m.failed) return give_back(storage_pause, "store: " + describe(*m.failed));
    if (what == call::outcome_commit) {
      after_outcome();
      return;
    }
    if (phase_ == phase::committing) phase_ = phase::idle;
    ctx_->figures.delivery_finished(ending_);
    log::info("delivery done",
              {log::kv("entity", key_), log::kv("seq", current_->seq),
               log::kv("event", current_->event), log::kv("delivery", current_->remote_id)});
    finish_current();
  }

  void finish_current() {
    probe_->handled();
    const auto seq = current_->seq;
    current_.reset();
    probe_->state(queue_.empty() ? resting_state() : "planning", ctx_->clock.now());
    self_->send(dispatcher_, entity_reported{key_, incarnation_, seq, is_idle(), std::nullopt});
    go_on();
  }

  void bury(const std::string& reason) {
    persistence::write unit;
    row_.cursor = std::max(row_.cursor, current_->seq);
    unit.entities.push_back(row_);
    unit.marks.push_back({current_->seq, delivery_status::dead, reason, current_->attempts + 1});
    log::error(
        "delivery is a dead letter",
        {log::kv("entity", key_), log::kv("delivery", current_->seq), log::kv("reason", reason)});
    probe_->failed();
    ending_ = "dead";
    submit(std::move(unit));
  }

  /// An exception while judging: counted on the delivery, which dies after its attempts.
  void poison(const std::string& what) {
    const bool last = current_->attempts + 1 >= ctx_->opt().poison_attempts;
    if (last) {
      ctx_->figures.delivery_finished("dead");
      log::error("delivery is a dead letter",
                 {log::kv("entity", key_), log::kv("delivery", current_->seq),
                  log::kv("reason", "poison: " + what)});
    }
    // The mark alone: what is in memory may be half changed, and is dropped.
    count_attempt(last ? "poison: " + what : what,
                  last ? delivery_status::dead : delivery_status::pending);
    give_back(milliseconds{200}, what);
  }

  void count_attempt(const std::string& why, delivery_status as = delivery_status::pending) {
    persistence::write unit;
    unit.marks.push_back({current_->seq, as, why, current_->attempts + 1});
    ctx_->store.submit(std::move(unit), [](const auto&) {});
  }

  /// Memory is dropped; everything is in the store. The dispatcher reads our deliveries again
  /// later.
  void give_back(milliseconds pause, const std::string& why) {
    probe_->failed();
    log::warn("entity pauses", {log::kv("entity", key_), log::kv("after_ms", pause.count()),
                                log::kv("reason", why)});
    phase_ = phase::stopped;
    probe_->state("suspended: " + why, ctx_->clock.now());
    self_->send(dispatcher_, entity_reported{key_, incarnation_, 0, false, pause});
  }

  // The lane
  // -----------------------------------------------------------------------------------------
  effect* lane_head() {
    effect* head = nullptr;
    for (auto& e : effects_)
      if (e.status == effect_status::waiting && e.integration == caldav &&
          (head == nullptr || e.id < head->id))
        head = &e;
    return head;
  }

  std::vector<sync::queued_effect> queued() const {
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
        if (const auto* f = v.get_object().if_contains("fingerprint");
            f != nullptr && f->is_string())
          q.fingerprint = f->get_string().c_str();
      out.push_back(std::move(q));
    }
    return out;
  }

  void dispatch_lane() {
    if (sent_ || outcome_committing_ || phase_ == phase::committing || phase_ == phase::stopped)
      return;
    effect* head = lane_head();
    if (head == nullptr || !ctx_->opt().calendar_on) return;
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
    s.project = known_.project;
    s.fingerprint =
        head->object == uid_ ? sync::fingerprint(known_, ctx_->opt().calendar) : std::string{};
    s.row = *head;
    s.link = link_;
    sent_ = s;
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

  /// An exception here is the effect's: it uses up an attempt, as a failure would, and what is in
  /// memory is dropped, since it may be half changed.
  template <class F>
  void in_lane(F work) {
    try {
      work();
    } catch (const std::exception& e) {
      if (!sent_) throw;
      effect row = sent_->row;
      link_ = sent_->link;
      persistence::write unit;
      const failure f{errc::crashed, "issue", e.what(), "", 0, "", {}};
      ++row.attempts;
      mark_failed(row, f, true, unit);
      unit.attempts.push_back(attempt_row(row, performed{}, f));
      ctx_->store.submit(std::move(unit), [](const auto&) {});
      give_back(milliseconds{200}, e.what());
    }
  }

  void send_delete(const effect& e) {
    std::string href = link_.base.href, etag = link_.base.etag;
    if (e.object != uid_) read_target(e.payload, href, etag);  // the copy in a former calendar
    if (href.empty()) {
      // Never known to be written, yet possibly sent: look where it would be.
      return ask_calendar();
    }
    ask(peers_.caldav, peers_.calls->delete_event(href, etag), urgency::person,
        token_for(call::effect));
  }

  static void read_target(const std::string& payload, std::string& href, std::string& etag) {
    boost::system::error_code ec;
    auto v = json::parse(payload, ec);
    if (ec || !v.is_object()) return;
    if (const auto* h = v.get_object().if_contains("href"); h != nullptr && h->is_string())
      href = h->get_string().c_str();
    if (const auto* t = v.get_object().if_contains("etag"); t != nullptr && t->is_string())
      etag = t->get_string().c_str();
  }

  /// The page link and the project line need the project's names: asked for once, a bounded time.
  void want_facts() {
    if (ctx_->projects.find(sent_->project) || sent_->asked_project || !ctx_->opt().plane_on)
      return ask_calendar();
    sent_->asked_project = true;
    const auto token = token_for(call::project);
    ask(peers_.plane, peers_.calls->read_project(sent_->project), urgency::person, token);
    self_->delayed_send(self_, ctx_->opt().facts_wait, exchange_performed{token, nullptr});
  }

  void ask_calendar() {
    const auto token = token_for(call::calendar);
    auto self = entity_actor{self_};
    const auto reply = std::make_shared<reply_once<result<calendar_found>>>(
        [self, token](result<calendar_found> r) {
          caf::anon_send(self,
                         calendar_answered{
                             token, std::make_shared<const result<calendar_found>>(std::move(r))});
        },
        result<calendar_found>{
            failure{errc::crashed, "calendar", "the calendar watcher restarted", "", 0, "", {}}});
    self_->send(peers_.calendars, want_calendar{sent_->project, reply});
  }

  void on_calendar(const calendar_answered& m) {
    const auto it = calls_.find(m.token);
    if (it == calls_.end() || !sent_) return;
    calls_.erase(it);
    in_lane([&] { take_calendar(m); });
  }

  void take_calendar(const calendar_answered& m) {
    // Nothing of this effect was sent: no attempt of its own is spent.
    if (!*m.found) return effect_failed(m.found->error(), performed{}, false);
    sent_->calendar = (*m.found)->href;
    if (sent_->operation == sync::calendar_operation::remove)
      return ask(peers_.caldav,
                 peers_.calls->delete_event(remotes::event_href(sent_->calendar, uid_), ""),
                 urgency::person, token_for(call::effect));
    put_request r;
    r.calendar_href = sent_->calendar;
    if (link_.base.project == sent_->project) r.event_href = link_.base.href;
    r.wanted = render();
    r.etag = r.event_href.empty() ? "" : link_.base.etag;
    r.hash = link_.base.hash;
    r.base_labels = link_.base.labels;
    r.last_sequence = link_.base.sequence;
    r.alarm_minutes = ctx_->opt().alarm_minutes;
    r.now = ctx_->clock.now();
    // What goes out is what is known now, not what was known when the facts were asked for.
    sent_->fingerprint = sync::fingerprint(known_, ctx_->opt().calendar);
    ask(peers_.caldav, peers_.calls->put_event(r), urgency::person, token_for(call::effect));
  }

  protocol::caldav::event_values render() const {
    return sync::render_event(known_, ctx_->projects.find(known_.project), ctx_->opt().rendering,
                              ctx_->opt().calendar);
  }

  // Outcomes
  // -----------------------------------------------------------------------------------------
  void on_performed(const exchange_performed& m) {
    const auto it = calls_.find(m.token);
    if (it == calls_.end()) return;
    const call what = it->second;
    calls_.erase(it);
    if (what == call::read) {
      try {
        if (m.outcome) on_read(*m.outcome);
      } catch (const std::exception& e) {
        poison(e.what());
      }
      return;
    }
    if (sent_) in_lane([&] { take_outcome(what, m); });
  }

  void take_outcome(call what, const exchange_performed& m) {
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

  void effect_done(const performed& p) {
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
    e->status = effect_status::done;
    e->finished_at = now;
    ++e->attempts;
    e->last_error.clear();
    std::string rule = "calendar: removed";
    if (e->object == uid_) {
      sync::calendar_outcome o;
      o.operation = sent_->operation;
      o.project = sent_->project;
      o.fingerprint =
          sent_->operation == sync::calendar_operation::remove ? "" : sent_->fingerprint;
      o.at = now;
      if (o.operation == sync::calendar_operation::put) {
        auto r = remotes::put_from(*p.what);
        o.href = std::move(r.href);
        o.etag = std::move(r.etag);
        o.hash = std::move(r.hash);
        o.labels = std::move(r.labels);
        o.sequence = r.sequence;
        o.wrote = r.wrote;
        o.put_back = r.put_back;
        e->remote_id = o.href;
      }
      auto settled = sync::settle(o, link_);
      link_ = settled.link;
      rule = settled.rule;
      if (settled.stale_href)
        unit.effects.push_back(delete_elsewhere(*e, *settled.stale_href, *settled.stale_etag, now));
      e = find_effect(sent_->id);  // the vector may have grown
      unit.links.push_back(link_row());
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
    ctx_->figures.effect_finished(
        caldav, "done", std::chrono::duration_cast<std::chrono::microseconds>(now - since));
    announce_effect(*e, rule, p, std::nullopt);
    log::info("effect done",
              {log::kv("entity", key_), log::kv("effect", e->id), log::kv("cause", e->cause),
               log::kv("operation", e->operation), log::kv("rule", rule)});
    std::erase_if(effects_, [](const effect& x) {
      return x.status == effect_status::done || x.status == effect_status::superseded;
    });
    commit_outcome(std::move(unit));
  }

  effect delete_elsewhere(const effect& cause, const std::string& href, const std::string& etag,
                          timestamp now) {
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
    effects_.push_back(d);
    return d;
  }

  void effect_failed(const failure& f, const performed& p, bool sent) {
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

  /// The effect's next attempt, or its end as a dead letter; true: it is tried again.
  bool mark_failed(effect& e, const failure& f, bool sent, persistence::write& unit) {
    const auto now = ctx_->clock.now();
    // What was not sent has spent nothing, whatever its number of attempts says.
    const auto attempts =
        sent ? e.attempts : std::min(e.attempts, ctx_->opt().retry.max_attempts - 1);
    const auto v = sync::next_attempt(f, std::max<std::int32_t>(attempts, 1), e.created_at, now,
                                      ctx_->random.unit_draw(), ctx_->opt().retry);
    e.last_error = v.again_at ? describe(f) : v.why;
    if (v.again_at) {
      e.due_at = *v.again_at;
      log::warn("effect failed, will be tried again",
                {log::kv("entity", key_), log::kv("effect", e.id), log::kv("attempt", e.attempts),
                 log::kv("failure", f),
                 log::kv("after_ms",
                         std::chrono::duration_cast<milliseconds>(*v.again_at - now).count())});
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

  persistence::attempt attempt_row(const effect& e, const performed& p,
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

  void commit_outcome(persistence::write unit) {
    outcome_committing_ = true;
    const auto token = token_for(call::outcome_commit);
    auto self = entity_actor{self_};
    ctx_->store.submit(std::move(unit), [self, token](const result<persistence::written>& w) {
      caf::anon_send(self,
                     plan_committed{token, w ? std::nullopt : std::optional<failure>{w.error()}});
    });
  }

  void after_outcome() {
    outcome_committing_ = false;
    possibly_sent_ = 0;
    drop_sent();
    go_on();
  }

  void drop_sent() {
    sent_.reset();
    probe_->in_flight({});
  }

  // Small change
  // -------------------------------------------------------------------------------------
  std::uint64_t token_for(call what) {
    calls_.emplace(++last_token_, what);
    return last_token_;
  }

  void ask(const connector_port& whom, exchange_ptr what, urgency how, std::uint64_t token) {
    auto self = entity_actor{self_};
    performed lost;
    lost.what = what;
    lost.failed = failure{errc::crashed,
                          "connector",
                          "the connector crashed with this call in flight",
                          "",
                          0,
                          "",
                          {}};
    lost.started_at = ctx_->clock.now();
    auto reply = std::make_shared<reply_once<performed>>(
        [self, token](performed p) {
          caf::anon_send(
              self, exchange_performed{token, std::make_shared<const performed>(std::move(p))});
        },
        std::move(lost));
    self_->send(whom, perform{std::move(what), how, key_.text(), std::move(reply)});
  }

  effect* find_effect(std::int64_t id) {
    for (auto& e : effects_)
      if (e.id == id) return &e;
    return nullptr;
  }

  persistence::link_row link_row() const {
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

  void arm_lane(milliseconds wait) {
    // Far ones wait in the outbox: the dispatcher's sweep wakes us, so no timer pins this actor.
    if (lane_armed_ || wait > ctx_->opt().passivate_after) return;
    lane_armed_ = true;
    self_->delayed_send(self_, wait, lane_due{++lane_generation_});
  }

  bool is_idle() const {
    return phase_ == phase::idle && queue_.empty() && !current_ && !sent_ && !outcome_committing_ &&
           !lane_armed_;
  }

  void report_idle() {
    if (!is_idle()) return;
    if (woken_ || !reported_idle_) {
      woken_ = false;
      self_->send(dispatcher_, entity_reported{key_, incarnation_, 0, true, std::nullopt});
    }
    reported_idle_ = true;
    probe_->state(resting_state(), ctx_->clock.now());
  }

  /// What it is in when no delivery is being planned: what its lane does.
  std::string resting_state() {
    if (sent_) return "waiting for caldav";
    const auto* head = lane_head();
    return head != nullptr ? "backing off until " + format_rfc3339(head->due_at) : "idle";
  }

  void announce_plan(const std::string& reason, const sync::calendar_plan& plan) {
    reported_idle_ = false;
    if (!ctx_->bus.listened()) return;
    json::object o{{"seq", current_->seq}, {"entity", key_.text()},
                   {"name", known_.name},  {"n", known_.sequence_id},
                   {"rule", reason},       {"effect", plan.effect.has_value()}};
    ctx_->bus.publish("plan", json::serialize(o));
  }
  void announce_effect(const effect& e, const std::string& how, const performed& p,
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

  entity_actor::pointer self_;
  context_ptr ctx_;
  entity_key key_;
  std::uint64_t incarnation_ = 0;
  dispatcher_actor dispatcher_;
  issue_peers peers_;
  std::string uid_;
  std::shared_ptr<probe> probe_;

  phase phase_ = phase::loading;
  persistence::entity_row row_;
  sync::item_knowledge known_;
  sync::calendar_link link_;
  std::vector<effect> effects_;
  /// When the deliveries of effects planned in this life came; after a restart their plan's time.
  std::unordered_map<std::int64_t, timestamp> accepted_at_;
  std::string_view ending_ = "done";  ///< of the delivery being committed, for metrics
  std::deque<std::shared_ptr<const delivery>> queue_;
  std::shared_ptr<const delivery> current_;
  std::optional<dispatched> sent_;
  timestamp sent_at_{};
  std::int64_t possibly_sent_ = 0;
  std::unordered_map<std::uint64_t, call> calls_;
  std::uint64_t last_token_ = 0, lane_generation_ = 0;
  std::string project_hint_;
  int rereads_ = 0;
  bool just_read_ = false, lane_armed_ = false, outcome_committing_ = false, woken_ = false,
       reported_idle_ = false;
};

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
