// http/lark_long_connection: Feishu's events over a connection that we open, for hosts without a
// public address. Carries out what protocol/lark/long_connection asks for: questions for addresses
// through the ordinary transport, the socket and the timer through websocket_client, messages
// through the same reception as the webhook's, acknowledged after the journal's commit. One per
// machine and credential, since each connection gets only a share of the messages: a second one
// waits until the first is gone. Made by app/ when lark.transport is "websocket".
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "http/lark_reception.hpp"
#include "http/transport.hpp"
#include "http/websocket_client.hpp"
#include "protocol/lark/long_connection.hpp"
#include "protocol/lark/requests.hpp"

namespace pb::http {

struct lark_link_health {
  std::string state;  ///< "open", "waiting to connect again" …
  bool open = false;
  bool given_up = false;  ///< a person has to do something: `remedy`
  timestamp since{};      ///< open since, or not open since
  timestamp last_frame{};
  /// `last_problem` is why it was lost or not had the last time, also when it is open again.
  protocol::lark::long_connection::figures figures{};
  std::string remedy{};
};

struct lark_long_connection_options {
  protocol::lark::api where;
  protocol::lark::app_credentials app;
  client_options client{};  ///< authorities and proxies of the socket
  protocol::lark::link_limits limits{};
  /// After each change, on the connection's thread; must not block.
  std::function<void(const lark_link_health&)> changed{};
};

class lark_long_connection {
public:
  /// The transport, the clock, the randomness and the reception's inbox outlive it.
  lark_long_connection(lark_long_connection_options options, transport& calls,
                       std::shared_ptr<lark_reception> reception, const clock_source& clock,
                       random_source& random);
  /// stop() without grace.
  ~lark_long_connection();
  lark_long_connection(const lark_long_connection&) = delete;
  lark_long_connection& operator=(const lark_long_connection&) = delete;

  /// Also after it gave up; nothing while it is running. Any thread.
  void start();
  /// Takes nothing new, acknowledges what is on its way into the journal, hangs up, and waits for
  /// its thread. What is not acknowledged within the grace is sent again by Feishu, and known then.
  void stop(std::chrono::milliseconds grace = {});
  [[nodiscard]] lark_link_health health() const;

private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace pb::http
