// http/client_connection: one TCP connection, plain or with TLS on top. Internal to the client:
// used on its pool's strand only.
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <optional>
#include <string>

#include "base/failure.hpp"

namespace pb::http {

using client_strand = boost::asio::strand<boost::asio::io_context::executor_type>;
using client_socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, client_strand>;
using client_timer = boost::asio::basic_waitable_timer<
    std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, client_strand>;

class client_connection {
public:
  explicit client_connection(const client_strand& strand) : socket_(strand) {}

  [[nodiscard]] client_socket& socket() noexcept { return socket_; }
  /// Puts TLS on the connected socket: peer and name are checked, SNI and ALPN sent.
  result<void> use_tls(boost::asio::ssl::context& context, const std::string& host, bool literal);
  using tls_stream = boost::asio::ssl::stream<client_socket&>;
  [[nodiscard]] tls_stream& tls() noexcept { return *tls_; }

  template <class F>
  void with_stream(F use) {
    if (tls_)
      use(*tls_);
    else
      use(socket_);
  }
  /// Why the handshake failed, in words: the certificate's problem where there is one.
  [[nodiscard]] std::string tls_problem(const boost::system::error_code& ec);
  /// Between two requests nothing may arrive: closed or talking connections are not used again.
  [[nodiscard]] bool is_quiet();
  void close() noexcept;

private:
  client_socket socket_;
  std::optional<tls_stream> tls_;
};

}  // namespace pb::http
