// sandbox/listener: the sandbox on a socket. Its own small HTTP server and not http::server,
// because it must be able to misbehave: reset a connection, stop in the middle of an answer, stay
// silent. One thread; for loopback, people and tests, not for production.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/failure.hpp"
#include "sandbox/host.hpp"

namespace pb::sandbox {

struct upgrade;

struct listener_options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: any free one
  std::size_t max_body_bytes = 16u << 20;
  std::size_t max_connections = 256;
  std::chrono::seconds idle{75};
};

class listener {
public:
  /// Called on the listener's thread; `done` may be called from any thread, once.
  using handler = std::function<void(inbound, std::function<void(outcome)> done)>;
  explicit listener(listener_options options);
  ~listener();  ///< stop()
  /// Takes over connections that ask for a websocket; called on the listener's thread.
  using upgrader = std::function<void(upgrade&&)>;
  /// Binds and starts the thread. errc::bad_input with address and port when it cannot. Without
  /// `sockets`, a request for a websocket is handled as any other.
  result<void> start(handler handle, upgrader sockets = {});
  [[nodiscard]] std::uint16_t port() const noexcept;
  /// Timers on the listener's thread; usable before start().
  [[nodiscard]] scheduler timers();
  /// Ends the thread: no handler and no timer runs afterwards. Not from the thread itself.
  void stop();
  /// Until stop(), SIGTERM or SIGINT.
  void wait_for_signal();

private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace pb::sandbox
