// http/metrics: the figures of a running daemon in Prometheus' text form. app/ connects it to what
// tells them. Names are planebridge_<noun>_<unit>; labels come from closed sets, never from ids or
// from what a remote sent: a value that is no short word, or one too many of a family, counts as
// "other". Any thread; each call is a look-up and an atomic addition.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/failure.hpp"

namespace pb::http {

class metrics {
public:
  metrics();
  ~metrics();
  metrics(const metrics&) = delete;
  metrics& operator=(const metrics&) = delete;

  // What happens.
  void delivery_journaled(std::string_view source, bool duplicate);
  void delivery_rejected(std::string_view source, std::string_view reason);
  /// `how`: "done", "absorbed: echo-by-value" …; what follows a colon is dropped.
  void delivery_finished(std::string_view how);
  /// One transaction of the store.
  void batch_committed(std::size_t units, std::size_t appends, std::chrono::microseconds took);
  /// `since_commit`: nothing for what was read from the journal.
  void planning_started(std::chrono::microseconds since_received,
                        std::optional<std::chrono::microseconds> since_commit);
  /// The time counts for `how` "done" only.
  void effect_finished(std::string_view integration, std::string_view how,
                       std::chrono::microseconds since_received);
  /// `status` 0: no answer; `code` says why then.
  void remote_call(std::string_view integration, std::string_view operation, int status, errc code,
                   std::chrono::microseconds took);
  void actor_restarted(std::string_view kind);
  void dead_letter(std::string_view kind);

  // What is. The last value stands.
  /// "closed", "half-open", "open": the one named is 1, the others 0.
  void breaker_state(std::string_view integration, std::string_view state);
  void live_entities(std::size_t n);
  void events_in_memory(std::size_t n);
  void lanes(std::string_view integration, std::string_view state, std::int64_t n);
  void mailbox_depth(std::string_view kind, std::int64_t n);
  void actors(std::string_view kind, std::int64_t n);
  /// "deliveries_pending", "deliveries_dead", "effects_waiting", "effects_dead".
  void queue(std::string_view name, std::int64_t n);
  void queue_age(std::string_view name, std::chrono::microseconds oldest);
  void store_up(bool up);
  /// `engaged`: deliveries pass through the spool; `touched`: entities that are to be read.
  void spool(bool engaged, std::uint64_t records, std::uint64_t bytes,
             std::chrono::microseconds oldest, std::size_t touched);
  /// Deliveries since the start by what became of them: "spooled", "drained", "touched",
  /// "refused"; and "damaged", stretches that did not read.
  void spool_total(std::string_view outcome, std::uint64_t total);
  /// A connection that we keep open for what a remote system sends; `quiet`: since its last frame.
  void long_connection(std::string_view integration, bool open, std::chrono::microseconds quiet);
  /// Since the start: "opened", "lost", "half_open", "frame", "message", "refused".
  void long_connection_total(std::string_view integration, std::string_view what,
                             std::uint64_t total);
  void rate_limit(std::string_view integration, std::int64_t remaining, std::int64_t limit,
                  std::chrono::milliseconds paused);
  /// What became of a push, in the words of webhook_outcome; rejected ones too.
  void push(std::string_view source, std::string_view outcome);
  /// "click", "preview": Feishu waited for the answer.
  void callback_answered(std::string_view kind);
  /// Calls of this month and how many it may have; 0: no limit is known.
  void month_calls(std::string_view integration, std::int64_t used, std::int64_t allowed);
  /// Calls that had to wait since the start, by what for: "account", "chat", "month".
  void pace_waits(std::string_view integration, std::string_view reason, std::uint64_t total);
  void slow_chats(std::int64_t n);
  /// "well", "doubtful", "silent" …: the one named is 1, the others 0.
  void webhook_state(std::string_view state);
  /// Changes that a poll found first, since the start; projects that the key lost.
  void gaps(std::uint64_t unannounced, std::size_t projects_lost, double clock_ahead_seconds);
  void http_server(std::uint64_t connections, std::uint64_t in_flight, std::uint64_t requests,
                   std::uint64_t rejected);

  /// `status` 0: closed without an answer; `total` since the start.
  void http_answers(int status, std::uint64_t total);

  /// Called by each render() before the text is made, to fill in what is asked and not told.
  void before_render(std::function<void(metrics&)> fill);
  /// The whole text (version 0.0.4), with the figures of the process.
  [[nodiscard]] std::string render();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace pb::http
