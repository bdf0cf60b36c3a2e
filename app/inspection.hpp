// app/inspection: what /debug shows of the whole daemon: the actors' own view, and beside it what
// the listener, the client and the store were given. Any thread.
#pragma once
#include <string>
#include <utility>

#include "http/inbox.hpp"

namespace pb::app {

/// Figures that hold until a restart.
struct fixed_figures {
  unsigned http_threads = 0, http_client_threads = 0;
  std::size_t store_batch_max = 0, store_queue_max = 0;
};

class inspection final : public http::inspector {
public:
  /// @param actors  outlives it
  inspection(http::inspector& actors, fixed_figures figures) : actors_(actors), figures_(figures) {}

  [[nodiscard]] std::string actors(const actor_query& q) const override {
    return actors_.actors(q);
  }
  [[nodiscard]] std::string actor(const std::string& id) const override {
    return actors_.actor(id);
  }
  [[nodiscard]] std::string scheduler() const override;
  [[nodiscard]] std::string health(bool detailed) const override {
    return actors_.health(detailed);
  }
  [[nodiscard]] bool ready() const override { return actors_.ready(); }
  void subscribe(std::function<bool(std::string_view event, std::string_view json)> sink) override {
    actors_.subscribe(std::move(sink));
  }

private:
  http::inspector& actors_;
  fixed_figures figures_;
};

}  // namespace pb::app
