#include "app/telemetry.hpp"

#include <map>
#include <mutex>
#include <utility>

#include "http/metrics.hpp"

namespace pb::app {

struct metrics_telemetry::impl {
  http::metrics figures;
  std::mutex lock;
  /// As of the render before: asking the store takes its reader thread, and a scrape never waits.
  std::optional<persistence::journal_counts> counts;
  bool asking = false;
};

metrics_telemetry::metrics_telemetry() : impl_(std::make_shared<impl>()) {}
metrics_telemetry::~metrics_telemetry() = default;

void metrics_telemetry::watch(const actors::context_ptr& ctx) {
  impl_->figures.before_render([ctx, weak = std::weak_ptr<impl>{impl_}](http::metrics& m) {
    const auto self = weak.lock();
    if (!self) return;
    m.store_up(ctx->store.health() == persistence::store_health::up);
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> kinds;
    std::map<std::string, std::int64_t> lanes;
    for (const auto& f : ctx->probes.all()) {
      auto& [n, mailbox] = kinds[f.kind];
      ++n;
      mailbox += f.mailbox;
      if (f.kind == "issue")
        ++lanes[!f.in_flight.empty()                 ? "in_flight"
                : f.state.starts_with("backing off") ? "backing_off"
                : f.state.starts_with("suspended")   ? "suspended"
                                                     : "idle"];
    }
    for (const auto& [kind, figures] : kinds) {
      m.actors(kind, figures.first);
      m.mailbox_depth(kind, figures.second);
    }
    for (const auto* state : {"in_flight", "backing_off", "suspended", "idle"})
      m.lanes("caldav", state, lanes[state]);
    {
      const std::lock_guard hold{self->lock};
      if (self->counts) {
        const auto& c = *self->counts;
        m.queue("deliveries_pending", c.pending);
        m.queue("deliveries_dead", c.dead_deliveries);
        m.queue("effects_waiting", c.waiting_effects);
        m.queue("effects_dead", c.dead_effects);
        const auto now = ctx->clock.now();
        const auto age = [now](const std::optional<timestamp>& t) {
          return t ? now - *t : std::chrono::microseconds{0};
        };
        m.queue_age("deliveries", age(c.oldest_pending));
        m.queue_age("effects", age(c.oldest_waiting));
      }
      if (std::exchange(self->asking, true)) return;
    }
    ctx->store.read([self](result<persistence::reader*> r) {
      std::optional<persistence::journal_counts> counts;
      if (r)
        if (auto c = (*r)->counts()) counts = *c;
      const std::lock_guard hold{self->lock};
      self->asking = false;
      if (counts) self->counts = counts;
    });
  });
}

std::string metrics_telemetry::render() { return impl_->figures.render(); }

void metrics_telemetry::webhook(std::string_view outcome) {
  if (outcome != "accepted" && outcome != "duplicate" && outcome != "ignored")
    impl_->figures.delivery_rejected("plane", outcome);
}
void metrics_telemetry::committed(const persistence::commit_figures& c) {
  impl_->figures.batch_committed(c.units, c.appends, c.took);
}
void metrics_telemetry::delivery_journaled(bool duplicate, std::string_view source) {
  impl_->figures.delivery_journaled(source, duplicate);
}
void metrics_telemetry::delivery_finished(std::string_view how) {
  impl_->figures.delivery_finished(how);
}
void metrics_telemetry::planning_started(std::chrono::microseconds since) {
  impl_->figures.planning_started(since);
}
void metrics_telemetry::effect_finished(std::string_view integration, std::string_view how,
                                        std::chrono::microseconds since) {
  impl_->figures.effect_finished(integration, how, since);
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
