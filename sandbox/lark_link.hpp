// sandbox/lark_link: the server side of Lark's long connection (contract 7): the endpoint call,
// websockets, pings, data frames with their acks, messages split over several frames. Each push
// goes to one connection, chosen at random. Connections can be cut or frozen on purpose.
#pragma once
#include <cstddef>
#include <memory>
#include <optional>

#include "sandbox/lark.hpp"
#include "sandbox/lark_sender.hpp"

namespace pb::sandbox {

struct upgrade;

struct lark_link_options {
  std::chrono::seconds ping_interval{120};
  std::chrono::seconds reconnect_interval{120};
  std::chrono::seconds reconnect_nonce{30};
  std::size_t most_connections = 50;
  std::size_t frame_bytes = 64 * 1024;  ///< a longer payload is split
};

class lark_link {
public:
  lark_link(lark& l, random_source& random, lark_link_options options = {});
  ~lark_link();  ///< after the listener has stopped
  /// Answers POST /callback/ws/endpoint; nothing for other paths.
  std::optional<protocol::http_response> handle(const inbound& request);
  /// Takes a websocket over; refuses it when its ticket is unknown.
  void accept(upgrade&& u);
  /// lark_sender's way out.
  void send(const lark_push& push, std::chrono::milliseconds timeout,
            http::transport::completion done);
  [[nodiscard]] std::size_t connections() const;
  void cut();                ///< closes all, as servers do routinely
  void freeze(bool frozen);  ///< frozen: nothing is read, answered or sent; sockets stay open
  struct impl;

private:
  std::shared_ptr<impl> impl_;
};

}  // namespace pb::sandbox
