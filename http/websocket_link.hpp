// http/websocket_link: one WebSocket from the name's resolution to its end. Private to
// websocket_client, which owns the thread and has at most one of these.
#pragma once
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "http/client_pool.hpp"
#include "http/websocket_client.hpp"

namespace pb::http {

/// On the client's strand throughout. Nothing is heard of it after drop().
class websocket_link : public std::enable_shared_from_this<websocket_link> {
public:
  websocket_link(const client_strand& strand, std::shared_ptr<client_shared> shared,
                 call_target target, websocket_client::limits limits, websocket_client::listener to)
      : strand_(strand),
        shared_(std::move(shared)),
        target_(std::move(target)),
        limits_(limits),
        to_(std::move(to)),
        connection_(strand),
        resolver_(strand),
        timer_(strand),
        buffer_(limits.message_bytes) {}

  void start();
  void send(std::string bytes);
  /// `done` when the closing frame is written, or cannot be.
  void say_goodbye(std::function<void()> done);
  /// Nothing is heard of it any more.
  void drop();

private:
  using error = boost::system::error_code;
  using plain_stream = boost::beast::websocket::stream<client_socket&>;
  using tls_stream = boost::beast::websocket::stream<client_connection::tls_stream&>;

  template <class F>
  void with_stream(F f) {
    if (auto* s = std::get_if<tls_stream>(&stream_))
      f(*s);
    else if (auto* p = std::get_if<plain_stream>(&stream_))
      f(*p);
  }
  auto guarded(void (websocket_link::*next)(), const char* doing) {
    return [self = shared_from_this(), next, doing](const error& ec, auto&&...) {
      if (self->ended_) return;
      if (ec) return self->refuse(0, std::string{doing} + ": " + ec.message());
      ((*self).*next)();
    };
  }

  void arm(std::string late);
  void connect(std::size_t index);
  void open_tunnel();
  void read_tunnel_answer();
  void on_tunnel();
  void secure();
  void upgrade();
  void on_upgrade(const error& ec);
  void read();
  void write();
  void drop_after(std::chrono::milliseconds pause);
  void write_close();
  /// The other side said goodbye. Whether it hangs up as well is not waited for at length.
  void await_end();
  std::string end_of(const error& ec);
  void refuse(int status, std::string why);
  void lose(std::string why);

  const client_strand& strand_;
  std::shared_ptr<client_shared> shared_;
  call_target target_;
  websocket_client::limits limits_;
  websocket_client::listener to_;
  client_connection connection_;
  std::variant<std::monostate, plain_stream, tls_stream> stream_;
  boost::asio::ip::basic_resolver<boost::asio::ip::tcp, client_strand> resolver_;
  client_timer timer_;
  std::vector<boost::asio::ip::tcp::endpoint> endpoints_;
  std::optional<proxy_address> proxy_;
  std::string head_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::response_parser<boost::beast::http::empty_body>> tunnel_;
  boost::beast::websocket::response_type answer_;
  std::deque<std::string> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::function<void()> goodbye_;
  bool open_ = false, ended_ = false;
};

}  // namespace pb::http
