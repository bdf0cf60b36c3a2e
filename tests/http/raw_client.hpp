// A client that sends exactly the bytes a test gives it, so that the server meets requests no real
// client library would make. Blocking, with a bound on every wait.
#pragma once
#include <sys/socket.h>
#include <sys/time.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace raw {

namespace asio = boost::asio;

struct answer {
  int status = 0;  ///< 0: the connection ended first
  std::string head, body;
  /// Value of a header as the server spells it; empty when absent.
  std::string header(const std::string& name) const {
    const auto at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const auto from = at + name.size() + 4;
    return head.substr(from, head.find("\r\n", from) - from);
  }
};

class client {
public:
  explicit client(std::uint16_t port, bool secure = false) : socket_(io_) {
    socket_.connect({asio::ip::make_address("127.0.0.1"), port});
    socket_.set_option(asio::ip::tcp::no_delay{true});
    const timeval limit{20, 0};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (secure)
      tls_ = std::make_unique<asio::ssl::stream<asio::ip::tcp::socket&>>(socket_, context_);
  }
  /// Speaks nothing newer than this, even when the machine's policy thinks that too old.
  void newest_tls(long version) {
    SSL_set_security_level(tls_->native_handle(), 0);
    SSL_ctrl(tls_->native_handle(), SSL_CTRL_SET_MIN_PROTO_VERSION, 0, nullptr);
    SSL_ctrl(tls_->native_handle(), SSL_CTRL_SET_MAX_PROTO_VERSION, version, nullptr);
  }
  bool handshake() {
    boost::system::error_code ec;
    tls_->handshake(asio::ssl::stream_base::client, ec);
    return !ec;
  }
  bool send(std::string_view text) {
    boost::system::error_code ec;
    if (tls_)
      asio::write(*tls_, asio::buffer(text.data(), text.size()), ec);
    else
      asio::write(socket_, asio::buffer(text.data(), text.size()), ec);
    return !ec;
  }
  /// One answer by its Content-Length.
  answer read(bool head_only = false) {
    answer a;
    std::size_t end = 0;
    while ((end = got_.find("\r\n\r\n")) == std::string::npos)
      if (!more()) return a;
    a.head = got_.substr(0, end + 2);
    got_.erase(0, end + 4);
    a.status = std::stoi(a.head.substr(9, 3));
    const auto length = a.header("Content-Length");
    const auto n = head_only || length.empty() ? 0 : std::stoul(length);
    while (got_.size() < n)
      if (!more()) break;
    a.body = got_.substr(0, n);
    got_.erase(0, n);
    return a;
  }
  answer ask(std::string_view text, bool head_only = false) {
    send(text);
    return read(head_only);
  }
  /// Reads until this text has come; all that came up to its end.
  std::string read_until(std::string_view text) {
    std::size_t at = 0;
    while ((at = got_.find(text)) == std::string::npos)
      if (!more()) return {};
    auto out = got_.substr(0, at + text.size());
    got_.erase(0, at + text.size());
    return out;
  }
  /// What comes before the end; `closed` tells that it did end and was not merely silent.
  std::string rest() {
    while (more()) {
    }
    return std::exchange(got_, {});
  }
  bool closed() {
    while (more()) {
    }
    return ended_ && got_.empty();
  }
  void stop_sending() { socket_.shutdown(asio::ip::tcp::socket::shutdown_send); }
  void close() { socket_.close(); }
  asio::ip::tcp::socket& socket() { return socket_; }

private:
  bool more() {
    char piece[8192];
    boost::system::error_code ec;
    const auto n = tls_ ? tls_->read_some(asio::buffer(piece), ec)
                        : socket_.read_some(asio::buffer(piece), ec);
    got_.append(piece, n);
    ended_ = ec && ec != asio::error::would_block && ec != asio::error::try_again;
    return !ec;
  }

  asio::io_context io_;
  asio::ssl::context context_{asio::ssl::context::tls_client};
  asio::ip::tcp::socket socket_;
  std::unique_ptr<asio::ssl::stream<asio::ip::tcp::socket&>> tls_;
  std::string got_;
  bool ended_ = false;
};

inline std::string get(const std::string& target, const std::string& more = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n";
}
inline std::string post(const std::string& target, const std::string& body,
                        const std::string& more = {}) {
  return "POST " + target +
         " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + more +
         "\r\n" + body;
}

/// An error answer in the one shape that they all have.
inline void check_error(const answer& a, int status, const std::string& code) {
  BOOST_TEST(a.status == status);
  BOOST_TEST(a.header("Content-Type") == "application/json");
  boost::system::error_code ec;
  const auto j = boost::json::parse(a.body, ec);
  BOOST_REQUIRE_MESSAGE(!ec, a.body);
  BOOST_TEST(j.at("error").at("code").as_string() == code);
  BOOST_TEST(j.at("error").at("request_id").as_string() == a.header("X-Request-Id"));
}

}  // namespace raw
