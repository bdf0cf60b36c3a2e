#include "actors/plane_watch.hpp"

#include <algorithm>
#include <cstdlib>

#include "actors/delivery_forms.hpp"
#include "actors/edge.hpp"
#include "actors/front.hpp"
#include "actors/plane_watch_state.hpp"
#include "base/log.hpp"
#include "sync/gap.hpp"

namespace pb::actors {
using std::chrono::milliseconds;
namespace {

constexpr std::size_t entities_page = 2'000;
constexpr std::size_t journal_slice = 200;

}  // namespace

plane_watch_actor::behavior_type plane_watch_state::start(context_ptr ctx,
                                                          plane_watch_peers peers) {
  ctx_ = std::move(ctx);
  peers_ = std::move(peers);
  probe_ = ctx_->probes.add("plane-watch", "plane", "planebridge");
  probe_->state("idle", ctx_->clock.now());
  if (ctx_->opt().plane_on) read_states();
  return {[this](const round_due& m) {
            if (m.generation == generation_) poll_now();
          },
          [this](const start_sync& m) { on_sync(m); },
          [this](const exchange_performed& m) { on_performed(m); },
          [this](const known_entities_read& m) { on_known(m); },
          [this](const states_read& m) { on_states(m); },
          [this](const deliveries_accepted& m) { on_accepted(m); }};
}

// Rounds
// -----------------------------------------------------------------------------------------------
void plane_watch_state::read_states() {
  auto self = plane_watch_actor{self_};
  ctx_->store.read([self](result<persistence::reader*> r) {
    using entries = std::vector<std::pair<std::string, std::string>>;
    auto s = r ? (*r)->states(state_keys::all) : result<entries>{r.error()};
    caf::anon_send(self, states_read{std::make_shared<const result<entries>>(std::move(s))});
  });
}

void plane_watch_state::on_states(const states_read& m) {
  if (!m.entries) return read_states();
  if (!*m.entries) {
    self_->delayed_send(self_, ctx_->opt().sweep_every, states_read{nullptr});
    return;
  }
  std::string learned;
  timestamp alive{};
  for (const auto& [key, value] : **m.entries) {
    if (key == state_keys::sentinel) learned = value;
    if (key == state_keys::alive) alive = from_micros(std::strtoll(value.c_str(), nullptr, 10));
    if (key.starts_with(state_keys::watermark))
      watermarks_[key.substr(state_keys::watermark.size())] = value;
    if (key.starts_with(state_keys::lost)) add_lost(key.substr(state_keys::lost.size()), value);
  }
  ctx_->gaps.restore(learned, ctx_->clock.now());
  show_lost();
  was_away(alive);
  next_scan_ = ctx_->steady_ms();  // the first round scans
  poll_now();
}

void plane_watch_state::poll_now() {
  const auto now = ctx_->steady_ms();
  const bool idle = !busy_ && tasks_.empty();  // else the budget sets the pace
  const bool scan = idle && now >= next_scan_;
  if (scan) next_scan_ = now + ctx_->opt().scan_every;
  // A scan that is due while a round goes on waits for the next round.
  const auto until_scan = next_scan_ > now ? next_scan_ - now : ctx_->opt().poll_every;
  self_->delayed_send(self_, std::min<milliseconds>(ctx_->opt().poll_every, until_scan),
                      round_due{++generation_});
  if (!idle) return;
  round_started_ = now;
  scanning_ = scan;
  tasks_.push_back({kind::projects, {}, {}, false, false, nullptr, false, {}});
  next();
}

void plane_watch_state::on_sync(const start_sync& m) {
  peers_.board->update(m.id, [&](sync_report& r) {
    r.project = m.project;
    r.dry_run = m.dry_run;
    r.started_at = ctx_->clock.now();
    r.step = "work items";
  });
  if (!ctx_->opt().plane_on) return pass_on(m);
  asked_.push_back(m);
  tasks_.push_back({kind::projects, {}, m.id, true, m.dry_run, nullptr, false, {}});
  next();
}

void plane_watch_state::pass_on(const start_sync& m) {
  if (ctx_->opt().calendar_on) {
    auto forced = m;
    forced.forced = true;
    self_->send(peers_.calendars, forced);
    return;
  }
  peers_.board->update(m.id, [&](sync_report& r) {
    r.state = r.failures.empty() ? "done" : "failed";
    r.step = "done";
    r.finished_at = ctx_->clock.now();
  });
}

void plane_watch_state::next() {
  if (busy_) return;
  if (tasks_.empty()) return end_round();
  busy_ = true;
  now_ = tasks_.front();
  tasks_.pop_front();
  requested_at_ = ctx_->clock.now();
  const auto how = now_.forced ? urgency::repair : urgency::scan;
  switch (now_.what) {
    case kind::projects:
      probe_->state("reading the projects", requested_at_);
      return ask(peers_.calls->list_projects(), how);
    case kind::probe:
      return ask(peers_.calls->probe_items_path(now_.project), how);
    case kind::lost:
      probe_->state("looking for what is left of " + now_.project, requested_at_);
      ++token_;
      known_.clear();
      return read_known({});
    case kind::poll: {
      probe_->state("polling " + now_.project, requested_at_);
      const auto it = watermarks_.find(now_.project);
      if (it == watermarks_.end()) return done_with_task();
      return ask(peers_.calls->poll_items(now_.project,
                                          sync::poll_down_to(it->second, ctx_->opt().poll_overlap)),
                 how);
    }
    case kind::scan:
      probe_->state("scanning " + now_.project, requested_at_);
      return ask(peers_.calls->scan_items(now_.project, false), how);
    case kind::scan_whole:
      probe_->state("reading all of " + now_.project, requested_at_);
      return ask(peers_.calls->scan_items(now_.project, true), how);
  }
}

void plane_watch_state::done_with_task() {
  busy_ = false;
  if (!now_.sync_id.empty()) {
    peers_.board->update(now_.sync_id, [](sync_report& r) { ++r.steps_done; });
    const bool more = std::any_of(tasks_.begin(), tasks_.end(),
                                  [&](const task& t) { return t.sync_id == now_.sync_id; });
    if (!more) {
      const auto it = std::find_if(asked_.begin(), asked_.end(),
                                   [&](const start_sync& s) { return s.id == now_.sync_id; });
      if (it != asked_.end()) {
        const auto ask = *it;
        asked_.erase(it);
        pass_on(ask);
      }
    }
  }
  next();
}

void plane_watch_state::end_round() {
  probe_->state("idle", ctx_->clock.now());
  if (round_started_ == milliseconds{0}) return;
  const auto took = ctx_->steady_ms() - round_started_;
  round_started_ = milliseconds{0};
  ctx_->gaps.poll_done(ctx_->clock.now(), took, round_failure_);
  if (scanning_) ctx_->gaps.scan_done(ctx_->clock.now(), took, scanned_items_, round_failure_);
  if (after_absence_ && round_failure_.empty()) {
    after_absence_ = false;
    ctx_->gaps.hole_fetched(hole_found_, true);
    log::info(
        "what changed while this service was away is journaled",
        {log::kv("changes", std::exchange(hole_found_, 0)),
         log::kv("requests", std::exchange(hole_requests_, 0)), log::kv("after_ms", took.count())});
  }
  round_failure_.clear();
  scanned_items_ = 0;
  polled_.clear();
  scanning_ = false;
  judge_webhook();
  store_sentinel(false);
}

// What the calls brought
// -----------------------------------------------------------------------------------
void plane_watch_state::on_performed(const exchange_performed& m) {
  if (m.token != token_) return;
  const auto& p = *m.outcome;
  probe_->handled();
  if (p.failed) {
    probe_->failed();
    round_failure_ = describe(*p.failed);
    log::warn("gap detection: a read failed",
              {log::kv("operation", p.operation), log::kv("failure", *p.failed)});
    peers_.board->update(now_.sync_id,
                         [&](sync_report& r) { r.failures.push_back(describe(*p.failed)); });
    return done_with_task();
  }
  if (after_absence_) hole_requests_ += static_cast<std::size_t>(p.calls);
  if (now_.what == kind::projects) return on_projects(remotes::projects_from(*p.what));
  if (now_.what == kind::probe) {
    peers_.calls->learn_items_path(*p.what);
    probed_ = true;
    return done_with_task();
  }
  rows_ = remotes::items_from(*p.what);
  known_.clear();
  if (now_.what == kind::poll) return compare_poll();
  if (now_.what == kind::scan_whole) return journal_whole();
  scanned_items_ += rows_.size();
  peers_.board->update(now_.sync_id, [&](sync_report& r) { r.items_seen += rows_.size(); });
  read_known({});
}

void plane_watch_state::on_projects(const std::vector<protocol::plane::project>& all) {
  bool probing = false;
  const auto asked = std::find_if(asked_.begin(), asked_.end(),
                                  [&](const start_sync& s) { return s.id == now_.sync_id; });
  const std::string only = asked == asked_.end() ? "" : asked->project;
  bool found = only.empty();
  for (const auto& p : all) {
    if (const auto before = ctx_->projects.find(p.id);
        peers_.facts && (!before || before->name != p.name || before->identifier != p.identifier ||
                         before->archived_at != p.archived_at)) {
      peers_.facts->forget({sync::need::kind::project, p.id});
      peers_.facts->forget({sync::need::kind::projects, ""});
    }
    // After the first list of this run: its webhook may be lost, or Plane may send none.
    if (ctx_->projects.listed() && !ctx_->projects.find(p.id) && p.archived_at.empty())
      journal_own(ctx_, peers_.dispatcher,
                  {own_delivery(*ctx_, "plane", std::string{forms::plane_touch}, "project.created",
                                entity_key::plane_project(p.id), project_created_body(p),
                                "project:" + p.id)},
                  [](const auto&) {});
    ctx_->projects.put(p, ctx_->clock.now());
    if (!mirrored(p)) continue;
    if (!only.empty() && only != p.id && only != p.identifier) continue;
    found = true;
    if (!only.empty()) asked->project = p.id;  // the calendars know uuids only
    if (!probed_ && !probing) {
      probing = true;
      tasks_.push_front(
          {kind::probe, p.id, now_.sync_id, now_.forced, now_.dry_run, nullptr, false, {}});
    }
    const bool known = watermarks_.contains(p.id);
    // The poll goes first also when a scan follows: it brings exactly what changed, whole, and
    // leaves to the scan what only a scan can see.
    if (known && !now_.forced)
      tasks_.push_back({kind::poll, p.id, now_.sync_id, false, now_.dry_run, nullptr, false, {}});
    if (now_.forced || scanning_ || !known)
      tasks_.push_back(
          {kind::scan, p.id, now_.sync_id, now_.forced, now_.dry_run, nullptr, !known, {}});
  }
  ctx_->projects_listed();
  if (now_.sync_id.empty()) look_for_lost(all);
  peers_.board->update(now_.sync_id, [&](sync_report& r) {
    r.steps_total = tasks_.size() + 1;
    if (!found) r.failures.push_back("there is no mirrored project " + only);
  });
  done_with_task();
}

bool plane_watch_state::mirrored(const protocol::plane::project& p) const {
  if (!p.is_member || !p.archived_at.empty()) return false;
  const auto names = [&](const std::vector<std::string>& list) {
    return std::find(list.begin(), list.end(), p.id) != list.end() ||
           std::find(list.begin(), list.end(), p.identifier) != list.end();
  };
  const auto& c = ctx_->opt().calendar;
  return (c.only_projects.empty() || names(c.only_projects)) && !names(c.without_projects);
}

void plane_watch_state::read_known(const std::string& after) {
  auto self = plane_watch_actor{self_};
  ctx_->store.read(
      [self, token = token_, project = now_.project, after](result<persistence::reader*> r) {
        auto rows = r ? (*r)->entities_of(project, after, entities_page)
                      : result<std::vector<persistence::entity_row>>{r.error()};
        caf::anon_send(
            self, known_entities_read{
                      token, std::make_shared<const result<std::vector<persistence::entity_row>>>(
                                 std::move(rows))});
      });
}

void plane_watch_state::on_known(const known_entities_read& m) {
  if (m.token != token_) return;
  if (!*m.rows) {
    round_failure_ = describe(m.rows->error());
    return done_with_task();
  }
  const auto& rows = **m.rows;
  for (const auto& row : rows)
    known_[std::string{row.key.id()}] = {row.source_time,
                                         now_.what == kind::poll ? row.known : std::string{},
                                         row.tombstone, row.cursor};
  if (now_.what != kind::poll && rows.size() == entities_page)
    return read_known(rows.back().key.text());
  if (now_.what == kind::poll) return finish_poll();
  if (now_.what == kind::lost) return finish_lost();
  finish_scan();
}

// Journaling
// -------------------------------------------------------------------------------------------------
void plane_watch_state::journal(std::vector<persistence::delivery_append> found,
                                const std::string& watermark) {
  rows_.clear();
  known_.clear();
  found_ = std::move(found);
  new_mark_ = watermark;
  journal_slice_now();
}

void plane_watch_state::journal_slice_now() {
  if (found_.empty()) return store_watermark();
  const auto n = static_cast<std::ptrdiff_t>(std::min(journal_slice, found_.size()));
  std::vector<persistence::delivery_append> slice(std::make_move_iterator(found_.end() - n),
                                                  std::make_move_iterator(found_.end()));
  found_.erase(found_.end() - n, found_.end());
  auto self = plane_watch_actor{self_};
  journal_own(ctx_, peers_.dispatcher, std::move(slice),
              [self, token = token_](const result<std::size_t>& r) {
                caf::anon_send(self, deliveries_accepted{
                                         token, r ? *r : 0,
                                         r ? std::nullopt : std::optional<failure>{r.error()}});
              });
}

void plane_watch_state::on_accepted(const deliveries_accepted& m) {
  if (m.token != token_) return;
  if (m.failed) {
    found_.clear();
    round_failure_ = describe(*m.failed);
    return done_with_task();  // the watermark stays: the next round finds it all again
  }
  journal_slice_now();
}

std::string plane_watch_state::watermark() const {
  const auto it = watermarks_.find(now_.project);
  return it == watermarks_.end() ? std::string{} : it->second;
}

void plane_watch_state::store_watermark() {
  const bool whole_follows = !tasks_.empty() && tasks_.front().what == kind::scan_whole &&
                             tasks_.front().project == now_.project;
  if (!whole_follows) {
    const auto [mark, is_new] = watermarks_.try_emplace(now_.project);
    if (is_new || mark->second != new_mark_) {
      mark->second = new_mark_;
      persistence::write unit;
      unit.states.push_back({state_keys::watermark + now_.project, new_mark_});
      ctx_->store.submit(std::move(unit), [](const auto&) {});
    }
  }
  done_with_task();
}

void plane_watch_state::ask(exchange_ptr what, urgency how) {
  const auto token = ++token_;
  self_->send(peers_.plane, call_for(plane_watch_actor{self_}, token, std::move(what), how,
                                     "plane-watch", ctx_->clock.now()));
}

namespace {

plane_watch_actor::behavior_type plane_watch(
    plane_watch_actor::stateful_pointer<plane_watch_state> self, context_ptr ctx,
    plane_watch_peers peers) {
  install_exception_edge(self, "plane-watch");
  return self->state.start(std::move(ctx), std::move(peers));
}

}  // namespace

plane_watch_actor spawn_plane_watch(caf::actor_system& system, context_ptr ctx,
                                    plane_watch_peers peers) {
  return system.spawn(plane_watch, std::move(ctx), std::move(peers));
}

}  // namespace pb::actors
