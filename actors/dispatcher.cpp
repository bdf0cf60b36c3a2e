#include "actors/dispatcher.hpp"

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <utility>

#include "actors/edge.hpp"
#include "actors/front.hpp"
#include "actors/project_events.hpp"

namespace pb::actors {
using std::chrono::milliseconds;
namespace {

constexpr std::size_t page_size = 500;
constexpr std::size_t due_limit = 1'000;
/// Entities that plan at once: more would only wait for each other's commits.
constexpr std::size_t planning_most = 256, planning_least = 8;
constexpr std::size_t burst = 256;       ///< deliveries that wait for an actor
constexpr unsigned unclaimed_every = 5;  ///< sweeps
/// Of a parked entity: until its actor has gone.
constexpr milliseconds while_it_ends = milliseconds::max();

class dispatcher_state {
public:
  static inline const char* name = "dispatcher";
  explicit dispatcher_state(dispatcher_actor::pointer self) : self_(self) {}
  dispatcher_state(const dispatcher_state&) = delete;
  dispatcher_state& operator=(const dispatcher_state&) = delete;
  /// However it ends: a new dispatcher makes new actors, and an entity never has two. (That they
  /// watch the dispatcher would say the same, but ten thousand watchers make each one's end slow.)
  ~dispatcher_state() {
    for (auto& [key, e] : live_) caf::anon_send_exit(e.handle, caf::exit_reason::user_shutdown);
  }

  dispatcher_actor::behavior_type start(context_ptr ctx, entity_factory make) {
    ctx_ = std::move(ctx);
    make_ = std::move(make);
    probe_ = ctx_->probes.add("dispatcher", "dispatcher", "planebridge");
    self_->set_down_handler([this](caf::down_msg& d) { on_down(d); });
    self_->set_exit_handler([this](caf::exit_msg& m) { self_->quit(std::move(m.reason)); });
    self_->send(self_, sweep_due{});
    show_state();
    take_journaled();
    return {[this](const deliveries_journaled&) { take_journaled(); },
            [this](const journal_page_read& m) { on_page(*m.page); },
            [this](const parked_page_read& m) { on_parked_page(m); },
            [this](const due_entities_read& m) { on_due(*m.keys); },
            [this](const entity_reported& m) { on_reported(m); },
            [this](const sweep_due&) { on_sweep(); },
            [this](const wake_entity& m) { wake_up(m.key); },
            [this](const reload_entity& m) { reload(m.key); }};
  }

private:
  using delivery_ptr = std::shared_ptr<const persistence::delivery>;
  struct live_entity {
    entity_actor handle;
    std::uint64_t incarnation = 0;
    std::size_t outstanding = 0;
    std::int64_t highest = 0;  ///< seq handed to this incarnation
    bool idle = false;
    bool planning = false;  ///< has something to plan, and waits for no remote system
    milliseconds last_used{0};
  };
  /// Of an entity without an actor: what waits in ready_.
  struct queued_entity {
    std::size_t how_many = 0;
    std::int64_t highest = 0;
    std::uint64_t generation = 0;  ///< entries of an earlier one are void
  };
  struct ready_delivery {
    delivery_ptr what;
    std::uint64_t generation = 0;
  };
  /// Its deliveries stay in the journal until `until`; then they are read again.
  struct parked_entity {
    milliseconds until{0};
    std::int64_t dropped = 0;  ///< highest seq that came meanwhile
    bool reading = false;
  };

  void take_journaled() {
    for (const auto& d : ctx_->journaled.take()) on_journaled(d);
    hand_ready();
    ctx_->journaled.congested(behind_ || ready_.size() >= burst);
    read_on();
  }

  void on_journaled(const delivery_ptr& d) {
    // Perhaps journaled, perhaps not: read before anything that follows is taken in.
    if (d->seq == 0) return reload(d->entity);
    probe_->handled();
    if (behind_ || in_memory_ >= ctx_->opt().in_memory_events) {
      behind_ = true;
      dropped_ = std::max(dropped_, d->seq);
      return;
    }
    take_in_next(d);
  }

  /// Room for one more actor.
  bool room() {
    if (live_.size() < ctx_->opt().live_actors) return true;
    return passivate(milliseconds{0}, 64) > 0;
  }

  /// In journal order: what is behind it was taken in.
  void take_in_next(const delivery_ptr& d) {
    last_handed_ = std::max(last_handed_, d->seq);
    take_in(d);
  }

  void take_in(const delivery_ptr& d) {
    if (d->entity.kind() == "project") {
      settle_project(ctx_, dispatcher_actor{self_}, d);
      return;
    }
    if (const auto p = parked_.find(d->entity); p != parked_.end()) {
      p->second.dropped = std::max(p->second.dropped, d->seq);
      return;
    }
    const auto queued = queued_.find(d->entity);
    if (queued != queued_.end()) {
      if (d->seq <= queued->second.highest) return;  // held already
    } else if (const auto e = live_.find(d->entity); e != live_.end()) {
      if (d->seq <= e->second.highest) return;  // likewise
      if (e->second.outstanding > 0) {          // it has its place already, and its own order
        ++in_memory_;
        return send_to(e->second, d);
      }
    }
    ++in_memory_;
    auto& q = queued_[d->entity];
    ++q.how_many;
    q.highest = d->seq;
    ready_.push_back({d, q.generation});
  }

  void send_to(live_entity& e, const delivery_ptr& d) {
    e.highest = d->seq;
    e.idle = false;
    e.last_used = ctx_->steady_ms();
    ++e.outstanding;
    plans(e, true);
    self_->send(e.handle, handle_delivery{d});
  }

  /// In journal order, while there is room for actors and for planning.
  void hand_ready() {
    while (!ready_.empty()) {
      const delivery_ptr d = ready_.front().what;
      const auto q = queued_.find(d->entity);
      const bool revoked = ready_.front().generation != q->second.generation;
      if (!revoked && !may_start(d->entity)) return;
      ready_.pop_front();
      if (--q->second.how_many == 0) queued_.erase(q);
      if (revoked)
        --in_memory_;
      else
        send_to(activate(d->entity), d);
    }
  }

  bool may_start(const entity_key& key) {
    const auto e = live_.find(key);
    if (e != live_.end() && e->second.outstanding > 0) return true;
    return planning_ < planning_window() && (e != live_.end() || room());
  }

  /// How many entities may plan at once. In a burst the answers to senders go first: planning gets
  /// little at the beginning, and more the longer the oldest of what waits has waited.
  std::size_t planning_window() const {
    if (ready_.size() < burst) return planning_most;
    const auto waited = ctx_->clock.now() - ready_.front().what->received_at;
    const auto steps = std::max<std::int64_t>(waited / milliseconds{500}, 0);
    return static_cast<std::size_t>(std::min<std::int64_t>(
        static_cast<std::int64_t>(planning_least) * (1 + steps * steps), planning_most));
  }

  void plans(live_entity& e, bool now) {
    if (std::exchange(e.planning, now) == now) return;
    if (now)
      ++planning_;
    else
      --planning_;
  }

  /// What waits for this entity here is read again from the journal later.
  void revoke(const entity_key& key) {
    const auto q = queued_.find(key);
    if (q == queued_.end()) return;
    ++q->second.generation;
    q->second.highest = 0;
  }

  live_entity& activate(const entity_key& key) {
    auto it = live_.find(key);
    if (it != live_.end()) return it->second;
    live_entity e;
    e.incarnation = ++last_incarnation_;
    e.handle = make_(key, e.incarnation, dispatcher_actor{self_});
    e.last_used = ctx_->steady_ms();
    self_->monitor(e.handle);
    addresses_[e.handle.address()] = key;
    ctx_->figures.live_entities(live_.size() + 1);
    return live_.emplace(key, std::move(e)).first->second;
  }

  void forget(std::unordered_map<entity_key, live_entity>::iterator it) {
    plans(it->second, false);
    in_memory_ -= it->second.outstanding;
    addresses_.erase(it->second.handle.address());
    self_->demonitor(it->second.handle.address());
    self_->send_exit(it->second.handle, caf::exit_reason::user_shutdown);
    if (const auto p = parked_.find(it->first);
        p != parked_.end() && p->second.until == while_it_ends)
      p->second.until = ctx_->steady_ms();
    live_.erase(it);
    ctx_->figures.live_entities(live_.size());
  }

  void on_reported(const entity_reported& m) {
    const auto it = live_.find(m.key);
    if (it == live_.end() || it->second.incarnation != m.incarnation) return;
    auto& e = it->second;
    if (const auto n = std::min(m.finished, e.outstanding); n > 0) {
      e.outstanding -= n;
      in_memory_ -= n;
      crashes_.erase(m.key);
    }
    e.idle = m.idle;
    e.last_used = ctx_->steady_ms();
    plans(e, e.outstanding > 0 && !m.waiting);
    if (m.park) park(it, *m.park);
    ctx_->figures.events_in_memory(in_memory_);
    hand_ready();
    read_on();
  }

  void park(std::unordered_map<entity_key, live_entity>::iterator it, milliseconds pause) {
    const entity_key key = it->first;
    revoke(key);
    auto& p = parked_[key];
    p.until = ctx_->steady_ms() + pause;
    forget(it);
    if (pause == milliseconds{0} && !p.reading) read_parked(key, p);
  }

  void on_down(const caf::down_msg& d) {
    const auto a = addresses_.find(d.source);
    if (a == addresses_.end()) return;
    const entity_key key = a->second;
    const auto it = live_.find(key);
    if (it == live_.end()) return;
    auto& history = crashes_[key];
    const auto v = sync::decide_restart(history, ctx_->opt().restart, ctx_->steady_ms(),
                                        ctx_->random.unit_draw());
    log::error("entity actor crashed",
               {log::kv("entity", key), log::kv("after_ms", v.delay.count())});
    ctx_->figures.actor_restarted(key.source() == "lark" ? "thread" : "issue");
    probe_->restarted();
    park(it, v.delay);
    hand_ready();
  }

  // Replay: pages of the journal behind the last one handed out, while there is room.
  void read_on() {
    if (!behind_ || reading_ || in_memory_ > ctx_->opt().in_memory_events / 2) return;
    reading_ = true;
    read_up_to_ = dropped_;
    auto self = dispatcher_actor{self_};
    ctx_->store.read([self, after = last_handed_](result<persistence::reader*> r) {
      auto page = r ? (*r)->pending({after, page_size})
                    : result<std::vector<persistence::delivery>>{r.error()};
      caf::anon_send(
          self,
          journal_page_read{
              std::make_shared<const result<std::vector<persistence::delivery>>>(std::move(page))});
    });
  }

  void on_page(const result<std::vector<persistence::delivery>>& page) {
    reading_ = false;
    if (!page) {
      log::warn("journal not readable, trying again", {log::kv("failure", page.error())});
      return;  // the next sweep asks again
    }
    if (std::exchange(went_back_, false)) return read_on();  // it begins behind what is wanted
    for (const auto& d : *page) take_in_next(std::make_shared<const persistence::delivery>(d));
    hand_ready();
    if (page->size() < page_size) {
      // What was dropped before this page was read was in it, or is handled already.
      last_handed_ = std::max(last_handed_, read_up_to_);
      if (dropped_ <= last_handed_) behind_ = false;
    }
    show_state();
    read_on();
  }

  void on_sweep() {
    self_->delayed_send(self_, ctx_->opt().sweep_every, sweep_due{});
    const auto now = ctx_->steady_ms();
    for (auto& [key, p] : parked_)
      if (!p.reading && now >= p.until) read_parked(key, p);
    passivate(ctx_->opt().passivate_after, live_.size());
    take_journaled();
    read_due();
    if (++sweeps_ % unclaimed_every == 0 && !behind_) read_unclaimed();
    show_state();
  }

  void read_parked(const entity_key& key, parked_entity& p) {
    p.reading = true;
    auto self = dispatcher_actor{self_};
    ctx_->store.read([self, key](result<persistence::reader*> r) {
      auto page = r ? (*r)->pending_of(key, page_size)
                    : result<std::vector<persistence::delivery>>{r.error()};
      caf::anon_send(
          self,
          parked_page_read{key, std::make_shared<const result<std::vector<persistence::delivery>>>(
                                    std::move(page))});
    });
  }

  void on_parked_page(const parked_page_read& m) {
    const auto it = parked_.find(m.key);
    if (it == parked_.end()) return;
    it->second.reading = false;
    if (!*m.page) {
      it->second.until = ctx_->steady_ms() + ctx_->opt().sweep_every;
      return;
    }
    const auto& page = **m.page;
    const auto last = page.empty() ? 0 : page.back().seq;
    const auto dropped = it->second.dropped;
    parked_.erase(it);
    for (const auto& d : page) take_in(std::make_shared<const persistence::delivery>(d));
    hand_ready();
    if (page.size() == page_size || dropped > last) {
      // Something came between the read and now, or more is left: the page-wise replay finds it.
      behind_ = true;
      dropped_ = std::max(dropped_, dropped);
      last_handed_ = std::min(last_handed_, std::max<std::int64_t>(last, 0));
      went_back_ = reading_;
      read_on();
    }
    wake_up(m.key);
  }

  void read_due() {
    if (due_reading_) return;
    due_reading_ = true;
    auto self = dispatcher_actor{self_};
    ctx_->store.read([self, now = ctx_->clock.now()](result<persistence::reader*> r) {
      auto keys = std::make_shared<std::vector<entity_key>>();
      if (r)
        if (auto due = (*r)->due_entities(now, due_limit)) *keys = std::move(*due);
      caf::anon_send(self, due_entities_read{std::move(keys)});
    });
  }

  void on_due(const std::vector<entity_key>& keys) {
    due_reading_ = false;
    for (const auto& key : keys) wake_up(key);
  }

  void wake_up(const entity_key& key) {
    if (key.kind() == "project") return;  // settled here, by no actor
    if (parked_.contains(key)) return;
    if (!live_.contains(key) && !room()) return;
    auto& e = activate(key);
    e.last_used = ctx_->steady_ms();
    e.idle = false;
    self_->send(e.handle, wake{});
  }

  void reload(const entity_key& key) {
    revoke(key);
    auto& p = parked_[key];
    if (const auto it = live_.find(key); it != live_.end()) {
      p.until = while_it_ends;
      self_->send(it->second.handle, step_down{});
      return;
    }
    p.until = ctx_->steady_ms();
    if (!p.reading) read_parked(key, p);
  }

  /// Committed and unclaimed for longer than it should be: a hand-over that got lost.
  void read_unclaimed() {
    auto self = dispatcher_actor{self_};
    if (reading_) return;
    reading_ = true;
    read_up_to_ = 0;
    ctx_->store.read([self, before = ctx_->clock.now() -
                                     std::chrono::seconds{5}](result<persistence::reader*> r) {
      auto page =
          r ? (*r)->pending({0, page_size}) : result<std::vector<persistence::delivery>>{r.error()};
      if (page) std::erase_if(*page, [before](const auto& d) { return d.received_at > before; });
      caf::anon_send(
          self,
          journal_page_read{
              std::make_shared<const result<std::vector<persistence::delivery>>>(std::move(page))});
    });
  }

  std::size_t passivate(milliseconds unused_for, std::size_t at_most) {
    const auto now = ctx_->steady_ms();
    std::size_t n = 0;
    for (auto it = live_.begin(); it != live_.end() && n < at_most;) {
      const auto here = it++;
      const auto& e = here->second;
      if (e.idle && e.outstanding == 0 && now - e.last_used >= unused_for) {
        forget(here);
        ++n;
      }
    }
    return n;
  }

  void show_state() {
    probe_->state(behind_ ? "reading on in the journal" : "idle", ctx_->clock.now());
  }

  dispatcher_actor::pointer self_;
  context_ptr ctx_;
  entity_factory make_;
  std::shared_ptr<probe> probe_;
  std::unordered_map<entity_key, live_entity> live_;
  std::unordered_map<entity_key, parked_entity> parked_;
  std::deque<ready_delivery> ready_;
  std::unordered_map<entity_key, queued_entity> queued_;  ///< what ready_ holds, by entity
  std::unordered_map<entity_key, std::deque<milliseconds>> crashes_;
  std::unordered_map<caf::actor_addr, entity_key> addresses_;
  std::size_t in_memory_ = 0, planning_ = 0;
  std::int64_t last_handed_ = 0, dropped_ = 0;
  std::int64_t read_up_to_ = 0;  ///< what was dropped when the page under way was asked for
  std::uint64_t last_incarnation_ = 0;
  unsigned sweeps_ = 0;
  bool behind_ = true;  ///< starts with the journal's own backlog
  bool reading_ = false, due_reading_ = false;
  bool went_back_ = false;  ///< last_handed_ did, while a page was under way
};

dispatcher_actor::behavior_type dispatcher(
    dispatcher_actor::stateful_pointer<dispatcher_state> self, context_ptr ctx,
    entity_factory make) {
  install_exception_edge(self, "dispatcher");
  return self->state.start(std::move(ctx), std::move(make));
}

}  // namespace

dispatcher_actor spawn_dispatcher(caf::actor_system& system, context_ptr ctx, entity_factory make) {
  return system.spawn(dispatcher, std::move(ctx), std::move(make));
}

}  // namespace pb::actors
