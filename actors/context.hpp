// actors/context: what every actor is given: the seams (store, transport, clock, randomness), the
// options, and the shared tables that many read. One per runtime; outlives all actors.
#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/alarm_bell.hpp"
#include "actors/gap_monitor.hpp"
#include "actors/handover.hpp"
#include "actors/probe.hpp"
#include "actors/queue_watch.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "http/transport.hpp"
#include "persistence/store.hpp"
#include "protocol/plane/model.hpp"
#include "sync/breaker.hpp"
#include "sync/calendar_event.hpp"
#include "sync/calendar_rules.hpp"
#include "sync/restart.hpp"
#include "sync/retry.hpp"
#include "sync/thread_rules.hpp"

namespace pb::actors {

struct options {
  unsigned scheduler_threads = 2;
  unsigned scheduler_throughput = 300;
  std::size_t in_memory_events = 2'000;
  std::size_t live_actors = 2'000;
  std::chrono::milliseconds passivate_after{60'000};
  std::chrono::milliseconds sweep_every{2'000};
  std::chrono::milliseconds facts_wait{10'000};  ///< bound on waiting for a fact
  /// What was seen in a calendar waits so long for the outcome of our own write to it.
  std::chrono::milliseconds outcome_wait{30'000};
  std::int32_t poison_attempts = 3;  ///< of one delivery
  unsigned plane_parallel = 2;
  unsigned caldav_parallel = 4;
  unsigned lark_parallel = 8;
  sync::retry_limits retry;
  sync::restart_policy restart;
  sync::breaker_policy breaker;

  bool plane_on = false;
  std::chrono::milliseconds poll_every{60'000};
  std::chrono::milliseconds poll_grace{60'000};
  std::chrono::milliseconds poll_overlap{60'000};
  std::chrono::milliseconds scan_every{900'000};
  std::chrono::minutes silence{1};  ///< missing webhooks are an alarm after this; 0: never

  bool calendar_on = false;
  sync::calendar_rules calendar;
  sync::event_rendering rendering;
  bool single_calendar = false;
  std::string single_name = "Plane";
  std::string project_calendar_name = "{project}";  ///< {project}, {identifier}, {workspace}
  std::chrono::milliseconds discovery_cache{3'600'000};
  std::chrono::milliseconds full_sync_every{300'000};
  std::optional<int> alarm_minutes;

  bool lark_on = false;
  std::size_t max_file_bytes = 5U << 20;  ///< of what goes from a conversation to Plane
  std::string alarm_chat;                 ///< where operators hear of trouble; empty: nowhere
  sync::thread_rules conversations;

  std::string timezone = "UTC";
  std::string retention_cron = "17 3 * * *";
  std::string full_sync_cron;  ///< empty: only the interval
  int retention_days = 7;
  int identity_days = 30;
};

/// Projects as last read, shared by everybody who shows a name. Thread-safe.
class project_directory {
public:
  void put(const protocol::plane::project& p, timestamp at);
  [[nodiscard]] std::optional<protocol::plane::project> find(const std::string& id) const;
  [[nodiscard]] std::vector<protocol::plane::project> all() const;
  /// All that the key can see were put.
  void set_listed() noexcept { listed_.store(true); }
  [[nodiscard]] bool listed() const noexcept { return listed_.load(); }

private:
  std::atomic<bool> listed_{false};
  mutable std::mutex lock_;
  std::map<std::string, protocol::plane::project> projects_;
};

/// Tells whoever watches (/debug/stream, the demo, metrics) what happens. Thread-safe; sinks must
/// not block. `json` is built only when somebody listens.
class event_bus {
public:
  using sink = std::function<bool(std::string_view event, std::string_view json)>;
  void subscribe(sink s);
  [[nodiscard]] bool listened() const noexcept {
    return count_.load(std::memory_order_relaxed) > 0;
  }
  void publish(std::string_view event, std::string_view json);

private:
  std::mutex lock_;
  std::vector<std::shared_ptr<sink>> sinks_;
  std::atomic<std::size_t> count_{0};
};

/// Figures for the metrics endpoint; app/ gives the implementation. All calls are cheap.
class telemetry {
public:
  virtual ~telemetry() = default;
  virtual void delivery_journaled(bool /*duplicate*/, std::string_view /*source*/) {}
  virtual void delivery_finished(std::string_view /*how*/) {}
  /// `since_commit`: nothing for what was read from the journal.
  virtual void planning_started(std::chrono::microseconds /*since_received*/,
                                std::optional<std::chrono::microseconds> /*since_commit*/) {}
  virtual void effect_finished(std::string_view /*integration*/, std::string_view /*how*/,
                               std::chrono::microseconds /*since_received*/) {}
  virtual void remote_call(std::string_view /*integration*/, std::string_view /*operation*/,
                           int /*status*/, errc /*code*/, std::chrono::microseconds /*took*/) {}
  virtual void breaker_changed(std::string_view /*integration*/, std::string_view /*state*/) {}
  virtual void actor_restarted(std::string_view /*kind*/) {}
  virtual void live_entities(std::size_t /*n*/) {}
  virtual void events_in_memory(std::size_t /*n*/) {}
};

struct context {
  persistence::store& store;
  http::transport& transport;
  clock_source& clock;
  random_source& random;
  telemetry& figures;
  probe_registry probes{clock};
  project_directory projects;
  gap_monitor gaps;
  alarm_bell alarms;
  event_bus bus;
  queue_watch queues{store, clock};
  handover journaled;  ///< to the dispatcher

  context(persistence::store& s, http::transport& t, clock_source& c, random_source& r,
          telemetry& f, options o)
      : store(s), transport(t), clock(c), random(r), figures(f) {
    reconfigure(std::move(o));
  }
  /// The options as of now. The reference stays good: a reload adds a version, none goes away
  /// while the process lives (they are rare and small).
  [[nodiscard]] const options& opt() const noexcept {
    return *now_.load(std::memory_order_acquire);
  }
  void reconfigure(options o);
  /// Plane's projects were read: filters that name them by identifier mean uuids from now on.
  void projects_listed();
  [[nodiscard]] std::chrono::milliseconds steady_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
        clock.steady_now().time_since_epoch());
  }

private:
  void publish(options o);  ///< under the lock
  std::mutex versions_lock_;
  sync::calendar_rules written_;  ///< as configured, names and all
  std::vector<std::unique_ptr<const options>> versions_;
  std::atomic<const options*> now_{nullptr};
};
using context_ptr = std::shared_ptr<context>;

}  // namespace pb::actors
