// http/server: the listener. Routes are added before start(); handlers run on an HTTP thread, must
// not block, and answer through the responder from any thread. Limits are enforced here: header
// and body size and time, connections, request rate per peer for what is not correctly signed.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "http/message.hpp"

namespace pb::http {

struct server_options {
  std::string address = "0.0.0.0";
  std::uint16_t port = 8080;  ///< 0: any free one (tests)
  unsigned threads = 1;
  /// Beyond it those that wait for their peer give way, the longest wait first: idle ones, then
  /// half-sent requests. Only when all are being served is the newcomer refused.
  std::size_t max_connections = 4096;
  std::size_t max_header_bytes = 16 * 1024;
  std::size_t max_body_bytes = 1 << 20;  ///< default of routes
  /// Bodies in memory over all connections. Beyond it a body that is observed as a stream is no
  /// longer kept, and others get 503 until some are done.
  std::size_t max_kept_bytes = std::size_t{64} << 20;
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds body_timeout{30'000};
  std::chrono::milliseconds idle_timeout{75'000};
  unsigned failed_requests_per_minute = 120;  ///< per peer; correctly signed ones never count
  std::vector<std::string> trusted_proxies;   ///< addresses or CIDRs whose X-Forwarded-For counts
  std::string tls_certificate_file, tls_key_file;
  bool access_log = true;
};

using handler = std::function<void(std::shared_ptr<request>, responder)>;

struct route {
  std::string method;   ///< "POST"
  std::string pattern;  ///< "/calendar/{token}.ics": a {name} matches within one segment
  handler handle;
  std::size_t keep_body_bytes = 0;         ///< 0: server's max_body_bytes
  std::size_t stream_body_bytes = 0;       ///< beyond keep: observed, not kept; 0: none
  std::vector<std::string> content_types;  ///< accepted media types; empty: any (else 415)
  /// Its sender repeats what got no answer and nothing that got an error (Plane): what the server
  /// cannot take for want of time, memory or connections is closed instead of answered.
  bool silent_when_busy = false;
  /// Judged when the headers are complete: what can be refused by them alone is refused before a
  /// byte of the body is read. Nothing: go on.
  std::function<std::optional<response>(const request&)> refuse_unread;
  /// Made when the headers are complete; null when the route needs none.
  std::function<std::unique_ptr<body_observer>(const request&)> observe;
};

/// A long answer (server-sent events). `send` returns false once the peer is gone or too slow.
struct event_stream {
  std::function<bool(std::string_view piece)> send;
  std::function<void()> close;
};
using stream_handler = std::function<void(std::shared_ptr<request>, responder refuse,
                                          std::function<event_stream()> accept)>;

struct server_figures {
  std::uint64_t connections = 0, requests = 0, in_flight = 0;
  std::uint64_t rejected = 0;  ///< refused by the server itself, before any handler
  /// How many requests ended with each status, ascending; 0: closed without an answer.
  std::vector<std::pair<int, std::uint64_t>> answers;
};

class server {
public:
  server(server_options options, clock_source& clock, random_source& random);
  ~server();
  void add(route r);
  void add_stream(std::string method, std::string pattern, stream_handler handle);
  /// Binds and starts the threads. errc::bad_input with address and port when it cannot bind,
  /// or when certificate or key cannot be read.
  result<void> start();
  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] server_figures figures() const;
  /// Stops accepting, lets requests in flight finish until the deadline, then closes.
  void drain(std::chrono::milliseconds grace);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace pb::http
