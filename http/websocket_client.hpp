// http/websocket_client: one WebSocket to one server, over TLS or plain, through a proxy where one
// is configured, on a thread of its own together with a timer. Messages are whole, binary and
// bounded; what waits to be written is bounded too. It knows no protocol: whoever uses it judges
// silence and comes back (http/lark_long_connection). Asio and Beast stay in the .cpp file.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/secret.hpp"
#include "http/client.hpp"

namespace pb::http {

class websocket_client {
public:
  /// What becomes of a link. Called on the client's thread; after hang_up() or another dial()
  /// nothing more comes of the former link.
  struct listener {
    std::function<void()> opened;
    /// No link. `status`: of the header Handshake-Status or of the answer that is no upgrade; 0
    /// when there was none.
    std::function<void(int status, std::string why)> refused;
    std::function<void(std::string bytes)> message;
    std::function<void(std::string why)> closed;
  };
  struct limits {
    std::chrono::milliseconds connect{10'000};  ///< address, TCP, TLS and upgrade: each
    std::size_t message_bytes = 4U << 20;       ///< of one that comes in
    std::size_t waiting_bytes = 16U << 20;      ///< to be written; beyond it the link is closed
  };

  /// Starts the thread. Options that are wrong make every dial() fail with what is wrong.
  websocket_client(client_options options, limits l);
  explicit websocket_client(client_options options)
      : websocket_client(std::move(options), limits{}) {}
  /// stop().
  ~websocket_client();
  websocket_client(const websocket_client&) = delete;
  websocket_client& operator=(const websocket_client&) = delete;

  /// Runs `f` on the client's thread. Any thread; after stop() it does nothing.
  void post(std::function<void()> f);
  /// Hangs up without a word to the listener and waits for the thread. Not on that thread.
  void stop();

  // On the client's thread.
  /// @param url  ws:// or wss://; its query may hold a ticket, so it appears in no message
  void dial(const secret& url, listener to);
  void send(std::string bytes);
  /// At once, what waits to be written is lost.
  void hang_up();
  /// After what waits is written, with a closing frame; `done` once, also when there is no link or
  /// the other side does not take it in time (`limits.connect`).
  void say_goodbye(std::function<void()> done);
  /// One timer: the latest call counts.
  void wake_after(std::chrono::milliseconds pause, std::function<void()> f);
  void no_wake();

private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace pb::http
