// app/telemetry: what the actors, the store and the endpoints tell, as metrics. Any thread.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "actors/context.hpp"
#include "http/lark_long_connection.hpp"
#include "http/server.hpp"
#include "http/webhook_outcome.hpp"
#include "persistence/engine.hpp"
#include "persistence/shelter.hpp"
#include "protocol/plane/rate_limit.hpp"

namespace pb::app {

class lark_account;

class metrics_telemetry final : public actors::telemetry {
public:
  metrics_telemetry();
  ~metrics_telemetry() override;
  /// From now on render() also shows queues, lanes and states; before the actors start, so that
  /// no change of a breaker is missed.
  void watch(const actors::context_ptr& ctx);
  /// The request budget of one remote account.
  void watch(const std::string& integration,
             std::function<protocol::plane::request_budget::view()> budget);
  /// Feishu's account: its pace, its month, what had to wait.
  void watch(std::shared_ptr<lark_account> account);
  /// The listener; it outlives the last render(), which is an answer of its own.
  void watch(const http::server& listener);
  /// The spool; it outlives the last render(), as does the clock.
  void watch(const persistence::shelter& spool, const clock_source& clock);
  /// Feishu's long connection, likewise.
  void watch(const http::lark_long_connection& link, const clock_source& clock);
  [[nodiscard]] std::string render();

  void webhook(std::string_view source, http::webhook_outcome outcome);
  void callback_answered(std::string_view kind);
  void committed(const persistence::commit_figures& c);

  void delivery_journaled(bool duplicate, std::string_view source) override;
  void delivery_finished(std::string_view how) override;
  void planning_started(std::chrono::microseconds since_received,
                        std::optional<std::chrono::microseconds> since_commit) override;
  void effect_finished(std::string_view integration, std::string_view how,
                       std::chrono::microseconds since_received) override;
  void remote_call(std::string_view integration, std::string_view operation, int status, errc code,
                   std::chrono::microseconds took) override;
  void breaker_changed(std::string_view integration, std::string_view state) override;
  void actor_restarted(std::string_view kind) override;
  void live_entities(std::size_t n) override;
  void events_in_memory(std::size_t n) override;

private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace pb::app
