// A small HTTP server on 127.0.0.1 inside a test: one thread per connection, keep-alive, blocking.
// For a handful of clients; not for measuring anything.
#pragma once
#include <functional>
#include <memory>

#include "tests/app/asking.hpp"

namespace pb::app::testing {

class loopback_server {
public:
  /// `url` of what is asked is the target alone ("/a?b"). Called on the connection's thread; status
  /// 0 resets the connection without an answer.
  using handler = std::function<answer(const asked&)>;
  explicit loopback_server(handler answers);
  loopback_server(const loopback_server&) = delete;
  loopback_server& operator=(const loopback_server&) = delete;
  /// Ends all connections and waits for handlers that still run.
  ~loopback_server();
  [[nodiscard]] std::string url() const;  ///< without the last slash

private:
  struct shared;
  std::shared_ptr<shared> shared_;
};

}  // namespace pb::app::testing
