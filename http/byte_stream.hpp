// http/byte_stream: a TCP socket, with TLS or without, behind one set of calls. Private to the
// server's connection.
#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <memory>
#include <utility>

namespace pb::http {

class byte_stream {
public:
  byte_stream(boost::asio::ip::tcp::socket s, boost::asio::ssl::context* tls)
      : socket_(std::move(s)) {
    if (tls != nullptr) tls_ = std::make_unique<tls_stream>(socket_, *tls);
  }
  [[nodiscard]] bool secure() const noexcept { return tls_ != nullptr; }
  boost::asio::ip::tcp::socket& socket() noexcept { return socket_; }

  template <class Handler>
  void handshake(Handler&& h) {
    tls_->async_handshake(boost::asio::ssl::stream_base::server, std::forward<Handler>(h));
  }
  template <class Buffers, class Handler>
  void read_some(const Buffers& b, Handler&& h) {
    if (tls_)
      tls_->async_read_some(b, std::forward<Handler>(h));
    else
      socket_.async_read_some(b, std::forward<Handler>(h));
  }
  template <class Buffers, class Handler>
  void write_some(const Buffers& b, Handler&& h) {
    if (tls_)
      tls_->async_write_some(b, std::forward<Handler>(h));
    else
      socket_.async_write_some(b, std::forward<Handler>(h));
  }
  /// Only without TLS: its records may lie decrypted in memory already.
  template <class Handler>
  void wait_readable(Handler&& h) {
    socket_.async_wait(boost::asio::ip::tcp::socket::wait_read, std::forward<Handler>(h));
  }
  /// Only with TLS: says goodbye, so that the end is no truncation.
  template <class Handler>
  void shut_tls(Handler&& h) {
    tls_->async_shutdown(std::forward<Handler>(h));
  }
  void shut_sending() {
    boost::system::error_code ignored;
    socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  }
  void close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

private:
  using tls_stream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>;
  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<tls_stream> tls_;
};

}  // namespace pb::http
