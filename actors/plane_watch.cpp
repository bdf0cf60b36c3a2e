#include "actors/plane_watch.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "actors/delivery_forms.hpp"
#include "actors/edge.hpp"
#include "actors/front.hpp"
#include "base/digest.hpp"
#include "base/log.hpp"
#include "sync/gap.hpp"

namespace pb::actors {
using std::chrono::milliseconds;
namespace {

constexpr std::size_t entities_page = 2'000;
constexpr std::size_t journal_slice = 200;
constexpr std::size_t touch_at_most = 3;  ///< more differences than this: read whole pages instead
constexpr const char* watermark_prefix = "plane.watermark/";

class plane_watch_state {
public:
  static inline const char* name = "plane-watch";
  explicit plane_watch_state(plane_watch_actor::pointer self) : self_(self) {}

  plane_watch_actor::behavior_type start(context_ptr ctx, plane_watch_peers peers) {
    ctx_ = std::move(ctx);
    peers_ = std::move(peers);
    probe_ = ctx_->probes.add("plane-watch", "plane", "planebridge");
    probe_->state("idle", ctx_->clock.now());
    if (ctx_->opt().plane_on) read_watermarks();
    return {[this](const round_due& m) {
              if (m.generation == generation_) poll_now();
            },
            [this](const start_sync& m) { on_sync(m); },
            [this](const exchange_performed& m) { on_performed(m); },
            [this](const known_entities_read& m) { on_known(m); },
            [this](const states_read& m) { on_states(m); },
            [this](const deliveries_accepted& m) { on_accepted(m); }};
  }

private:
  enum class kind { projects, probe, poll, scan, scan_whole };
  struct task {
    kind what = kind::poll;
    std::string project, sync_id;
    bool forced = false, dry_run = false;
    /// Of a whole scan: the items whose rows are wanted.
    std::shared_ptr<std::unordered_set<std::string>> wanted;
    bool first_sync = false;
  };
  struct known_item {
    std::string source_time;
    bool tombstone = false;
  };

  // Rounds
  // -----------------------------------------------------------------------------------------------
  void read_watermarks() {
    auto self = plane_watch_actor{self_};
    ctx_->store.read([self](result<persistence::reader*> r) {
      using entries = std::vector<std::pair<std::string, std::string>>;
      auto s = r ? (*r)->states(watermark_prefix) : result<entries>{r.error()};
      caf::anon_send(self, states_read{std::make_shared<const result<entries>>(std::move(s))});
    });
  }

  void on_states(const states_read& m) {
    if (!*m.entries) {
      self_->delayed_send(self_, ctx_->opt().sweep_every, states_read{m.entries});
      return read_watermarks();
    }
    for (const auto& [key, value] : **m.entries)
      watermarks_[key.substr(std::string_view{watermark_prefix}.size())] = value;
    next_scan_ = ctx_->steady_ms();  // the first round scans
    poll_now();
  }

  /// One round: a poll of each project, or its scan when one is due (a scan sees all a poll sees).
  void poll_now() {
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
    tasks_.push_back({kind::projects, {}, {}, false, false, nullptr, false});
    next();
  }

  void on_sync(const start_sync& m) {
    peers_.board->update(m.id, [&](sync_report& r) {
      r.project = m.project;
      r.dry_run = m.dry_run;
      r.started_at = ctx_->clock.now();
      r.step = "work items";
    });
    if (!ctx_->opt().plane_on) return pass_on(m);
    asked_.push_back(m);
    tasks_.push_back({kind::projects, {}, m.id, true, m.dry_run, nullptr, false});
    next();
  }

  void pass_on(const start_sync& m) {
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

  void next() {
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
      case kind::poll: {
        probe_->state("polling " + now_.project, requested_at_);
        const auto it = watermarks_.find(now_.project);
        if (it == watermarks_.end()) return done_with_task();
        return ask(peers_.calls->poll_items(
                       now_.project, sync::poll_down_to(it->second, ctx_->opt().poll_overlap)),
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

  void done_with_task() {
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

  void end_round() {
    probe_->state("idle", ctx_->clock.now());
    if (round_started_ == milliseconds{0}) return;
    const auto took = ctx_->steady_ms() - round_started_;
    round_started_ = milliseconds{0};
    ctx_->gaps.poll_done(ctx_->clock.now(), took, round_failure_);
    if (scanning_) ctx_->gaps.scan_done(ctx_->clock.now(), took, scanned_items_, round_failure_);
    round_failure_.clear();
    scanned_items_ = 0;
    scanning_ = false;
    const auto gaps = ctx_->gaps.look(ctx_->clock.now(), ctx_->opt().silence);
    if (gaps.webhook_silent && !said_silent_)
      log::error("no webhook while polls find changes: the webhook is off or misdirected",
                 {log::kv("minutes", ctx_->opt().silence.count()),
                  log::kv("unannounced", gaps.unannounced),
                  log::kv("remedy",
                          "in Plane: workspace settings, webhooks: is it active, is its URL this "
                          "service's /webhooks/plane, is its secret PLANE_WEBHOOK_SECRET?")});
    said_silent_ = gaps.webhook_silent;
  }

  // What the calls brought
  // -----------------------------------------------------------------------------------
  void on_performed(const exchange_performed& m) {
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
    if (now_.what == kind::projects) return on_projects(remotes::projects_from(*p.what));
    if (now_.what == kind::probe) {
      peers_.calls->learn_items_path(*p.what);
      probed_ = true;
      return done_with_task();
    }
    rows_ = remotes::items_from(*p.what);
    if (now_.what == kind::poll) return compare_poll();
    if (now_.what == kind::scan_whole) return journal_whole();
    known_.clear();
    scanned_items_ += rows_.size();
    peers_.board->update(now_.sync_id, [&](sync_report& r) { r.items_seen += rows_.size(); });
    read_known({});
  }

  void on_projects(const std::vector<protocol::plane::project>& all) {
    bool probing = false;
    const auto asked = std::find_if(asked_.begin(), asked_.end(),
                                    [&](const start_sync& s) { return s.id == now_.sync_id; });
    const std::string only = asked == asked_.end() ? "" : asked->project;
    bool found = only.empty();
    for (const auto& p : all) {
      ctx_->projects.put(p, ctx_->clock.now());
      if (!mirrored(p)) continue;
      if (!only.empty() && only != p.id && only != p.identifier) continue;
      found = true;
      if (!only.empty()) asked->project = p.id;  // the calendars know uuids only
      if (!probed_ && !probing) {
        probing = true;
        tasks_.push_front(
            {kind::probe, p.id, now_.sync_id, now_.forced, now_.dry_run, nullptr, false});
      }
      const bool known = watermarks_.contains(p.id);
      const bool scan = now_.forced || scanning_ || !known;
      tasks_.push_back({scan ? kind::scan : kind::poll, p.id, now_.sync_id, now_.forced,
                        now_.dry_run, nullptr, !known});
    }
    ctx_->projects_listed();
    peers_.board->update(now_.sync_id, [&](sync_report& r) {
      r.steps_total = tasks_.size() + 1;
      if (!found) r.failures.push_back("there is no mirrored project " + only);
    });
    done_with_task();
  }

  bool mirrored(const protocol::plane::project& p) const {
    if (!p.is_member || !p.archived_at.empty()) return false;
    const auto names = [&](const std::vector<std::string>& list) {
      return std::find(list.begin(), list.end(), p.id) != list.end() ||
             std::find(list.begin(), list.end(), p.identifier) != list.end();
    };
    const auto& c = ctx_->opt().calendar;
    return (c.only_projects.empty() || names(c.only_projects)) && !names(c.without_projects);
  }

  bool young(const std::string& updated_at) const {
    return sync::is_young(updated_at, requested_at_, ctx_->opt().poll_grace);
  }

  /// Few rows come down to the watermark: each is looked up by its key.
  void compare_poll() {
    std::vector<entity_key> keys;
    for (const auto& r : rows_) keys.push_back(entity_key::plane_issue(r.id));
    auto self = plane_watch_actor{self_};
    ctx_->store.read(
        [self, token = token_, keys = std::move(keys)](result<persistence::reader*> r) {
          result<std::vector<persistence::entity_row>> rows{std::vector<persistence::entity_row>{}};
          if (!r)
            rows = r.error();
          else
            for (const auto& key : keys) {
              auto e = (*r)->entity(key);
              if (!e) {
                rows = e.error();
                break;
              }
              if (e->row) rows->push_back(std::move(*e->row));
            }
          caf::anon_send(
              self, known_entities_read{
                        token, std::make_shared<const result<std::vector<persistence::entity_row>>>(
                                   std::move(rows))});
        });
  }

  void read_known(const std::string& after) {
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

  void on_known(const known_entities_read& m) {
    if (m.token != token_) return;
    if (!*m.rows) {
      round_failure_ = describe(m.rows->error());
      return done_with_task();
    }
    const auto& rows = **m.rows;
    for (const auto& row : rows)
      known_[std::string{row.key.id()}] = {row.source_time, row.tombstone};
    if (now_.what == kind::scan && rows.size() == entities_page)
      return read_known(rows.back().key.text());
    if (now_.what == kind::poll)
      finish_poll();
    else
      finish_scan();
  }

  void finish_poll() {
    std::vector<persistence::delivery_append> found;
    std::string mark = watermarks_[now_.project];
    for (const auto& r : rows_) {
      if (young(r.updated_at))
        continue;  // its webhook may still come; the watermark stays below it
      if (mark.empty() || sync::is_later(r.updated_at, mark)) mark = r.updated_at;
      const auto it = known_.find(r.id);
      if (it != known_.end() && !it->second.tombstone &&
          !sync::is_later(r.updated_at, it->second.source_time))
        continue;
      found.push_back(row_delivery(r));
    }
    if (!found.empty()) ctx_->gaps.unannounced_found(ctx_->clock.now(), found.size());
    journal(std::move(found), mark);
  }

  persistence::delivery_append row_delivery(const remotes::listed_item& r) const {
    return own_delivery(
        *ctx_, "plane", std::string{forms::plane_read}, "issue.read", entity_key::plane_issue(r.id),
        read_body(requested_at_, r.json),
        "poll:" + r.id + ":" + r.updated_at + ":" + sha256_hex(r.json).substr(0, 16));
  }

  void finish_scan() {
    std::unordered_set<std::string> listed;
    auto differ = std::make_shared<std::unordered_set<std::string>>();
    std::string mark = watermarks_[now_.project];
    for (const auto& r : rows_) {
      listed.insert(r.id);
      if (!young(r.updated_at) && sync::is_later(r.updated_at, mark)) mark = r.updated_at;
      const auto it = known_.find(r.id);
      if (it != known_.end() && !it->second.tombstone &&
          sync::is_same_moment(it->second.source_time, r.updated_at))
        continue;
      if (young(r.updated_at) && !now_.forced && !now_.first_sync) continue;
      differ->insert(r.id);
      peers_.board->update(now_.sync_id, [&](sync_report& s) {
        s.found("plane:issue:" + r.id, it == known_.end() ? "not known yet" : "changed in Plane");
      });
    }
    std::vector<persistence::delivery_append> found;
    for (const auto& [id, k] : known_) {
      if (k.tombstone || listed.contains(id)) continue;
      peers_.board->update(
          now_.sync_id, [&](sync_report& s) { s.found("plane:issue:" + id, "no longer listed"); });
      // Absence is a question: the item's actor reads it.
      found.push_back(own_delivery(*ctx_, "plane", std::string{forms::plane_absent}, "issue.absent",
                                   entity_key::plane_issue(id),
                                   touch_body(now_.project, "a full scan did not list it"),
                                   "gone:" + id + ":" + std::to_string(to_micros(requested_at_))));
    }
    if (now_.dry_run) return done_with_task();
    if (!now_.first_sync && !(differ->empty() && found.empty()))
      ctx_->gaps.unannounced_found(ctx_->clock.now(), differ->size() + found.size());
    if (differ->size() <= touch_at_most) {
      for (const auto& r : rows_)
        if (differ->contains(r.id))
          found.push_back(own_delivery(*ctx_, "plane", std::string{forms::plane_touch},
                                       "issue.touched", entity_key::plane_issue(r.id),
                                       touch_body(now_.project, "a scan found it changed"),
                                       "poll:" + r.id + ":" + r.updated_at + ":" +
                                           std::to_string(to_micros(requested_at_))));
    } else {
      auto whole = now_;
      whole.what = kind::scan_whole;
      whole.wanted = differ;
      tasks_.push_front(std::move(whole));
    }
    journal(std::move(found), mark);
  }

  void journal_whole() {
    std::vector<persistence::delivery_append> found;
    for (const auto& r : rows_)
      if (now_.wanted && now_.wanted->contains(r.id)) found.push_back(row_delivery(r));
    journal(std::move(found), watermarks_[now_.project]);
  }

  // Journaling
  // -------------------------------------------------------------------------------------------------
  void journal(std::vector<persistence::delivery_append> found, const std::string& watermark) {
    rows_.clear();
    known_.clear();
    found_ = std::move(found);
    new_mark_ = watermark;
    journal_slice_now();
  }

  void journal_slice_now() {
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

  void on_accepted(const deliveries_accepted& m) {
    if (m.token != token_) return;
    if (m.failed) {
      found_.clear();
      round_failure_ = describe(*m.failed);
      return done_with_task();  // the watermark stays: the next round finds it all again
    }
    journal_slice_now();
  }

  void store_watermark() {
    auto& mark = watermarks_[now_.project];
    const bool whole_follows = !tasks_.empty() && tasks_.front().what == kind::scan_whole &&
                               tasks_.front().project == now_.project;
    if (mark != new_mark_ && !whole_follows) {
      mark = new_mark_;
      persistence::write unit;
      unit.states.push_back({watermark_prefix + now_.project, mark});
      ctx_->store.submit(std::move(unit), [](const auto&) {});
    }
    done_with_task();
  }

  void ask(exchange_ptr what, urgency how) {
    const auto token = ++token_;
    self_->send(peers_.plane, call_for(plane_watch_actor{self_}, token, std::move(what), how,
                                       "plane-watch", ctx_->clock.now()));
  }

  plane_watch_actor::pointer self_;
  context_ptr ctx_;
  plane_watch_peers peers_;
  std::shared_ptr<probe> probe_;
  std::deque<task> tasks_;
  task now_;
  bool busy_ = false, scanning_ = false, said_silent_ = false, probed_ = false;
  std::vector<start_sync> asked_;
  std::map<std::string, std::string> watermarks_;
  std::vector<remotes::listed_item> rows_;
  std::unordered_map<std::string, known_item> known_;
  std::vector<persistence::delivery_append> found_;
  std::string new_mark_, round_failure_;
  std::size_t scanned_items_ = 0;
  timestamp requested_at_{};
  milliseconds next_scan_{0}, round_started_{0};
  std::uint64_t token_ = 0, generation_ = 0;
};

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
