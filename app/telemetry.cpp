#include "app/telemetry.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "app/lark_account.hpp"
#include "http/metrics.hpp"

namespace pb::app {

struct metrics_telemetry::impl {
  http::metrics figures;
  void show_queues(actors::context& ctx);
};

void metrics_telemetry::impl::show_queues(actors::context& ctx) {
  const auto q = ctx.queues.look();
  if (!q) return;
  auto& m = figures;
  m.queue("deliveries_pending", q->counts.pending);
  m.queue("deliveries_dead", q->counts.dead_deliveries);
  m.queue("effects_waiting", q->counts.waiting_effects);
  m.queue("effects_dead", q->counts.dead_effects);
  const auto now = ctx.clock.now();
  m.queue_age("deliveries", actors::queue_watch::age(q->counts.oldest_pending, now));
  m.queue_age("effects", actors::queue_watch::age(q->counts.oldest_waiting, now));
}

metrics_telemetry::metrics_telemetry() : impl_(std::make_shared<impl>()) {}
metrics_telemetry::~metrics_telemetry() = default;

void metrics_telemetry::watch(const actors::context_ptr& ctx) {
  for (const auto* integration : {"plane", "caldav"})
    impl_->figures.breaker_state(integration, "closed");
  if (ctx->opt().lark_on) impl_->figures.breaker_state("lark", "closed");
  impl_->figures.before_render([ctx, weak = std::weak_ptr<impl>{impl_}](http::metrics& m) {
    const auto self = weak.lock();
    if (!self) return;
    m.store_up(ctx->store.health() == persistence::store_health::up);
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> kinds;
    std::map<std::string, std::map<std::string, std::int64_t>> lanes;
    for (const auto& f : ctx->probes.all()) {
      auto& [n, mailbox] = kinds[f.kind];
      ++n;
      mailbox += f.mailbox;
      // An item's first lane is the calendar's, a conversation's Feishu's; both may write to Plane.
      const bool writes = f.in_flight.starts_with("plane.");
      if (writes || f.kind == "issue" || f.kind == "thread")
        ++lanes[writes              ? "plane"
                : f.kind == "issue" ? "caldav"
                                    : "lark"][!f.in_flight.empty()                 ? "in_flight"
                                              : f.state.starts_with("backing off") ? "backing_off"
                                              : f.state.starts_with("suspended")   ? "suspended"
                                                                                   : "idle"];
    }
    for (const auto& [kind, figures] : kinds) {
      m.actors(kind, figures.first);
      m.mailbox_depth(kind, figures.second);
    }
    for (const auto* integration : {"caldav", "lark", "plane"})
      for (const auto* state : {"in_flight", "backing_off", "suspended", "idle"})
        if (integration == std::string_view{"caldav"} || ctx->opt().lark_on)
          m.lanes(integration, state, lanes[integration][state]);
    const auto gaps = ctx->gaps.look();
    m.webhook_state(gaps.webhook);
    m.gaps(gaps.found_by_polls, gaps.lost.size(),
           std::chrono::duration<double>(gaps.clock_offset).count());
    self->show_queues(*ctx);
  });
}

void metrics_telemetry::watch(const std::string& integration,
                              std::function<protocol::plane::request_budget::view()> budget) {
  impl_->figures.before_render([integration, budget = std::move(budget)](http::metrics& m) {
    const auto v = budget();
    auto left = std::int64_t{v.limit} - std::int64_t{v.used};
    // others may use the same key: what the remote told counts when it is less
    if (v.remote_remaining) left = std::min(left, *v.remote_remaining);
    m.rate_limit(integration, std::max<std::int64_t>(0, left), v.limit, v.blocked_for);
  });
}

void metrics_telemetry::watch(std::shared_ptr<lark_account> account) {
  impl_->figures.before_render([account = std::move(account)](http::metrics& m) {
    const auto v = account->look();
    m.rate_limit(
        "lark", std::max<std::int64_t>(0, std::int64_t{v.per_minute} - std::int64_t{v.last_minute}),
        v.per_minute, v.stopped_for);
    m.month_calls("lark", v.this_month, v.per_month);
    m.slow_chats(static_cast<std::int64_t>(v.slow_chats));
    const auto w = account->waited();
    m.pace_waits("lark", "account", w.account);
    m.pace_waits("lark", "chat", w.chat);
    m.pace_waits("lark", "month", w.month);
  });
}

void metrics_telemetry::watch(const http::server& listener) {
  impl_->figures.before_render([&listener](http::metrics& m) {
    const auto f = listener.figures();
    m.http_server(f.connections, f.in_flight, f.requests, f.rejected);
    for (const auto& [status, n] : f.answers) m.http_answers(status, n);
  });
}

void metrics_telemetry::watch(const persistence::shelter& spool, const clock_source& clock) {
  impl_->figures.before_render([&spool, &clock](http::metrics& m) {
    const auto f = spool.figures();
    m.spool(f.engaged, f.records, f.bytes, actors::queue_watch::age(f.oldest, clock.now()),
            f.touched);
    m.spool_total("spooled", f.spooled_total);
    m.spool_total("drained", f.drained_total);
    m.spool_total("touched", f.touched_total);
    m.spool_total("refused", f.refused_total);
    m.spool_total("damaged", f.damaged_total);
  });
}

void metrics_telemetry::watch(const http::lark_long_connection& link, const clock_source& clock) {
  impl_->figures.before_render([&link, &clock](http::metrics& m) {
    const auto h = link.health();
    const auto& f = h.figures;
    const auto quiet =
        h.last_frame == timestamp{} ? std::chrono::microseconds{0} : clock.now() - h.last_frame;
    m.long_connection("lark", h.open, quiet);
    m.long_connection_total("lark", "opened", f.opened);
    m.long_connection_total("lark", "lost", f.lost);
    m.long_connection_total("lark", "half_open", f.half_open);
    m.long_connection_total("lark", "frame", f.frames);
    m.long_connection_total("lark", "message", f.messages);
    m.long_connection_total("lark", "refused", f.refused);
  });
}

std::string metrics_telemetry::render() { return impl_->figures.render(); }

void metrics_telemetry::callback_answered(std::string_view kind) {
  impl_->figures.callback_answered(kind);
}
void metrics_telemetry::webhook(std::string_view source, http::webhook_outcome outcome) {
  impl_->figures.push(source, http::to_string(outcome));
  if (outcome == http::webhook_outcome::dead)
    impl_->figures.dead_letter("delivery");  // journaled, too
  else if (http::is_rejected(outcome))
    impl_->figures.delivery_rejected(source, http::to_string(outcome));
}
void metrics_telemetry::committed(const persistence::commit_figures& c) {
  impl_->figures.batch_committed(c.units, c.appends, c.took);
}
void metrics_telemetry::delivery_journaled(bool duplicate, std::string_view source) {
  impl_->figures.delivery_journaled(source, duplicate);
}
void metrics_telemetry::delivery_finished(std::string_view how) {
  impl_->figures.delivery_finished(how);
  if (how == "dead") impl_->figures.dead_letter("delivery");
}
void metrics_telemetry::planning_started(std::chrono::microseconds since_received,
                                         std::optional<std::chrono::microseconds> since_commit) {
  impl_->figures.planning_started(since_received, since_commit);
}
void metrics_telemetry::effect_finished(std::string_view integration, std::string_view how,
                                        std::chrono::microseconds since) {
  impl_->figures.effect_finished(integration, how, since);
  if (how == "dead") impl_->figures.dead_letter("effect");
}
void metrics_telemetry::remote_call(std::string_view integration, std::string_view operation,
                                    int status, errc code, std::chrono::microseconds took) {
  impl_->figures.remote_call(integration, operation, status, code, took);
}
void metrics_telemetry::breaker_changed(std::string_view integration, std::string_view state) {
  impl_->figures.breaker_state(integration, state);
}
void metrics_telemetry::actor_restarted(std::string_view kind) {
  impl_->figures.actor_restarted(kind);
}
void metrics_telemetry::live_entities(std::size_t n) { impl_->figures.live_entities(n); }
void metrics_telemetry::events_in_memory(std::size_t n) { impl_->figures.events_in_memory(n); }

}  // namespace pb::app
