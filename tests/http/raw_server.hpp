// A server on loopback that says exactly what a test tells it to, byte by byte, so that the client
// meets peers no real server library would be: half answers, resets, silence. Each accepted
// connection runs the script's next entry on a thread of its own.
#pragma once
#include <algorithm>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace raw {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

/// The peer's end of one connection. Blocking; every error ends quietly, the client's side judges.
class peer {
public:
  explicit peer(tcp::socket socket) : socket_(std::move(socket)) {}

  bool start_tls(asio::ssl::context& context) {
    tls_.emplace(socket_, context);
    boost::system::error_code ec;
    tls_->handshake(asio::ssl::stream_base::server, ec);
    return !ec;
  }

  /// One request: head and body by Content-Length; empty when the client went away.
  std::string read_request() {
    std::string got = std::exchange(rest_, {});
    std::size_t need = std::string::npos;
    for (;;) {
      if (need == std::string::npos)
        if (const auto end = got.find("\r\n\r\n"); end != std::string::npos)
          need = end + 4 + length_in(got.substr(0, end + 2));
      if (need != std::string::npos && got.size() >= need) break;
      const auto piece = read_some();
      if (piece.empty()) return {};
      got += piece;
    }
    rest_ = got.substr(need);
    got.resize(need);
    return got;
  }
  bool write(std::string_view text) {
    boost::system::error_code ec;
    if (tls_)
      asio::write(*tls_, asio::buffer(text.data(), text.size()), ec);
    else
      asio::write(socket_, asio::buffer(text.data(), text.size()), ec);
    return !ec;
  }
  bool answer(std::string_view body, std::string_view more = {}) {
    return write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
                 std::string{more} + "\r\n" + std::string{body});
  }
  /// Returns when the client has closed.
  void wait_closed() {
    while (!read_some().empty()) {
    }
  }
  void close() {
    const std::lock_guard lock{closing_};
    boost::system::error_code ec;
    socket_.close(ec);
  }
  void reset() {
    const std::lock_guard lock{closing_};
    boost::system::error_code ec;
    socket_.set_option(asio::socket_base::linger{true, 0}, ec);
    socket_.close(ec);
  }
  /// From another thread: wakes a script that still reads or writes.
  void hang_up() {
    const std::lock_guard lock{closing_};
    boost::system::error_code ec;
    if (socket_.is_open()) socket_.shutdown(tcp::socket::shutdown_both, ec);
  }
  std::string read_some() {
    char buffer[4096];
    boost::system::error_code ec;
    const auto n = tls_ ? tls_->read_some(asio::buffer(buffer), ec)
                        : socket_.read_some(asio::buffer(buffer), ec);
    return ec ? std::string{} : std::string(buffer, n);
  }

private:
  static std::size_t length_in(const std::string& head) {
    const auto at = head.find("Content-Length: ");
    return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
  }

  std::mutex closing_;
  tcp::socket socket_;
  std::optional<asio::ssl::stream<tcp::socket&>> tls_;
  std::string rest_;
};

class server {
public:
  using script = std::vector<std::function<void(peer&)>>;

  /// The last entry serves all further connections.
  explicit server(script entries)
      : entries_(std::move(entries)),
        acceptor_(io_, tcp::endpoint{asio::ip::make_address("127.0.0.1"), 0}) {
    port_ = acceptor_.local_endpoint().port();
    accepting_ = std::thread{[this] { accept_all(); }};
  }
  ~server() {
    stop_ = true;
    {
      // wakes the accept; the socket itself says nothing
      asio::io_context io;
      tcp::socket s{io};
      boost::system::error_code ec;
      s.connect({asio::ip::make_address("127.0.0.1"), port_}, ec);
    }
    accepting_.join();
    for (auto& c : peers_) c->hang_up();
    for (auto& t : threads_) t.join();
  }
  std::uint16_t port() const { return port_; }
  std::string url(const std::string& path, const std::string& scheme = "http") const {
    return scheme + "://127.0.0.1:" + std::to_string(port_) + path;
  }
  std::size_t accepted() const { return accepted_; }

private:
  void accept_all() {
    for (std::size_t n = 0;; ++n) {
      boost::system::error_code ec;
      tcp::socket s{io_};
      acceptor_.accept(s, ec);
      if (stop_) return;
      if (ec) continue;
      ++accepted_;
      peers_.push_back(std::make_unique<peer>(std::move(s)));
      threads_.emplace_back([entry = entries_[std::min(n, entries_.size() - 1)],
                             p = peers_.back().get()] { entry(*p); });
    }
  }

  script entries_;
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<std::size_t> accepted_{0};
  std::vector<std::unique_ptr<peer>> peers_;
  std::vector<std::thread> threads_;
  std::thread accepting_;
};

}  // namespace raw
