// app/inspection: what /debug shows of the whole daemon: the actors' own view, and beside it what
// the listener, the client and the store were given. Any thread.
#pragma once
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "http/inbox.hpp"
#include "http/lark_long_connection.hpp"
#include "persistence/shelter.hpp"

namespace pb::app {

/// Figures that hold until a restart.
struct fixed_figures {
  unsigned http_threads = 0, http_client_threads = 0;
  std::size_t store_batch_max = 0, store_queue_max = 0;
};

class lark_account;

class inspection final : public http::inspector {
public:
  /// @param actors, spool, clock  outlive it
  inspection(http::inspector& actors, const persistence::shelter& spool, const clock_source& clock,
             fixed_figures figures)
      : actors_(actors), spool_(spool), clock_(clock), figures_(figures) {}

  /// Before the listener starts; it outlives the last question.
  void watch(const http::lark_long_connection& link) { link_ = &link; }
  void watch(std::shared_ptr<lark_account> account) { account_ = std::move(account); }

  [[nodiscard]] std::string actors(const actor_query& q) const override {
    return actors_.actors(q);
  }
  [[nodiscard]] std::string actor(const std::string& id) const override {
    return actors_.actor(id);
  }
  [[nodiscard]] std::string scheduler() const override;
  [[nodiscard]] std::string health(bool detailed) const override;
  /// Also while the database is away and deliveries can be kept: who stopped sending them here
  /// would lose them.
  [[nodiscard]] bool ready() const override { return actors_.ready() || spool_.has_room(); }
  void subscribe(std::function<bool(std::string_view event, std::string_view json)> sink) override {
    actors_.subscribe(std::move(sink));
  }

private:
  http::inspector& actors_;
  const persistence::shelter& spool_;
  const clock_source& clock_;
  fixed_figures figures_;
  const http::lark_long_connection* link_ = nullptr;
  std::shared_ptr<lark_account> account_;  ///< Feishu's; may be none
};

}  // namespace pb::app
