#include "app/telemetry.hpp"

#include <algorithm>
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

  void show_counts(timestamp now);
  /// Without waiting: the answer is for the next render.
  static void ask_counts(const std::shared_ptr<impl>& self, persistence::store& store);
};

void metrics_telemetry::impl::show_counts(timestamp now) {
  const std::lock_guard hold{lock};
  if (!counts) return;
  auto& m = figures;
  m.queue("deliveries_pending", counts->pending);
  m.queue("deliveries_dead", counts->dead_deliveries);
  m.queue("effects_waiting", counts->waiting_effects);
  m.queue("effects_dead", counts->dead_effects);
  const auto age = [now](const std::optional<timestamp>& t) {
    return t ? std::max(now - *t, std::chrono::microseconds{0}) : std::chrono::microseconds{0};
  };
  m.queue_age("deliveries", age(counts->oldest_pending));
  m.queue_age("effects", age(counts->oldest_waiting));
}

void metrics_telemetry::impl::ask_counts(const std::shared_ptr<impl>& self,
                                         persistence::store& store) {
  {
    const std::lock_guard hold{self->lock};
    if (std::exchange(self->asking, true)) return;
  }
  store.read([self](result<persistence::reader*> r) {
    std::optional<persistence::journal_counts> found;
    if (r)
      if (auto c = (*r)->counts()) found = *c;
    const std::lock_guard hold{self->lock};
    self->asking = false;
    if (found) self->counts = found;
  });
}

metrics_telemetry::metrics_telemetry() : impl_(std::make_shared<impl>()) {}
metrics_telemetry::~metrics_telemetry() = default;

void metrics_telemetry::watch(const actors::context_ptr& ctx) {
  for (const auto* integration : {"plane", "caldav"})
    impl_->figures.breaker_state(integration, "closed");
  impl::ask_counts(impl_, ctx->store);
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
    self->show_counts(ctx->clock.now());
    impl::ask_counts(self, ctx->store);
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

void metrics_telemetry::watch(const http::server& listener) {
  impl_->figures.before_render([&listener](http::metrics& m) {
    const auto f = listener.figures();
    m.http_server(f.connections, f.in_flight, f.requests, f.rejected);
    for (const auto& [status, n] : f.answers) m.http_answers(status, n);
  });
}

std::string metrics_telemetry::render() { return impl_->figures.render(); }

void metrics_telemetry::webhook(std::string_view outcome) {
  if (outcome == "dead")
    impl_->figures.dead_letter("delivery");  // journaled, too
  else if (outcome != "accepted" && outcome != "duplicate" && outcome != "ignored")
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
  if (how == "dead") impl_->figures.dead_letter("delivery");
}
void metrics_telemetry::planning_started(std::chrono::microseconds since) {
  impl_->figures.planning_started(since);
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
