// http/client: the real transport: HTTP/1.1 over TCP and TLS with a pool of kept connections per
// (scheme, host, port), deadlines for every phase, and proxies. It never follows a redirect: the
// answer comes back as it is and the caller decides (a redirect to another host would carry the
// credentials along). Asio and Beast stay in the .cpp files. Made once by app/, used by the
// connectors and the OAuth endpoints.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "http/transport.hpp"

namespace pb::http {

struct client_options {
  unsigned threads = 1;
  std::size_t max_connections_per_host = 8;  ///< further calls wait; that time counts in `total`
  std::chrono::seconds keep_alive{30};       ///< an idle connection is closed after this
  std::size_t max_header_bytes = 64 * 1024;  ///< of an answer
  std::string ca_file;  ///< PEM, trusted in addition to the system's authorities
  secret https_proxy;   ///< "http://[user:password@]host:port", for https URLs (CONNECT)
  secret http_proxy;    ///< the same, for http URLs
  std::vector<std::string> no_proxy;
  std::string user_agent = "planebridge";
};

struct client_figures {
  std::uint64_t sent = 0;      ///< calls taken
  std::uint64_t opened = 0;    ///< connections opened
  std::uint64_t reused = 0;    ///< requests on a kept connection
  std::uint64_t repeated = 0;  ///< requests repeated because a kept connection was stale
  std::uint64_t in_flight = 0;
};

class client final : public transport {
public:
  /// Starts the threads. A wrong proxy URL or CA file does not throw: see problem(); calls that
  /// need it then fail with that failure.
  explicit client(client_options options);
  /// shutdown(), then waits for the threads (a name being resolved may hold it for seconds).
  ~client() override;
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  /// What is wrong with the options (errc::bad_input or tls); success when nothing is.
  [[nodiscard]] result<void> problem() const;

  /// Any thread. Beyond transport: bad_input when the URL or a header may not be sent. A
  /// connection that could not be made in time is upstream_down (nothing was sent); timed_out is
  /// kept for requests that may have been carried out.
  void send(protocol::http_request request, call_limits limits, completion done) override;

  [[nodiscard]] client_figures figures() const noexcept;

  /// Ends what is in flight with errc::cancelled and refuses what comes later. Any thread.
  void shutdown();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace pb::http
