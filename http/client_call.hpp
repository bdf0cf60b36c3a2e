// http/client_call: one outbound call from the wait for a connection to the last byte of the
// answer. Internal to the client; on its pool's strand throughout.
#pragma once
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "http/client_pool.hpp"

namespace pb::http {

class client_call : public std::enable_shared_from_this<client_call> {
public:
  client_call(std::shared_ptr<client_pool> pool, protocol::http_request request, call_target target,
              std::optional<proxy_address> proxy, std::string head, call_limits limits,
              transport::completion done);

  void start();
  /// A place in the pool: a kept connection, or null to open one.
  void proceed(std::shared_ptr<client_connection> kept);
  void cancel();

private:
  using error = boost::system::error_code;
  using answer_parser = boost::beast::http::response_parser<boost::beast::http::string_body>;
  using tunnel_parser = boost::beast::http::response_parser<boost::beast::http::empty_body>;

  void open();
  void resolve(const std::string& host, std::uint16_t port);
  void try_endpoint(std::size_t index);
  void next_endpoint(std::size_t tried, const std::string& why);
  void on_connected();
  void open_tunnel();
  void read_tunnel_answer();
  void on_tunnel_answer();
  void shake_hands();
  void write_request();
  void read_headers();
  void on_headers();
  void read_body();
  void finish_answer();

  /// A broken exchange: on a kept connection before any answer it is tried once more.
  void on_broken(std::string_view doing, const error& ec);
  /// Runs `late` unless a later step has begun (or disarm()) by then.
  void arm(std::chrono::steady_clock::duration pause, std::function<void()> late);
  void disarm();
  void on_total();
  [[nodiscard]] std::chrono::steady_clock::duration connect_time_left() const;
  void connect_too_slow();
  void fail(errc code, std::string detail, std::string remedy = {});
  void end(result<protocol::http_response> outcome,
           std::shared_ptr<client_connection> reusable = nullptr);
  /// A handler for the present connection; does nothing once the call ended or went on without it.
  [[nodiscard]] auto guarded(void (client_call::*next)(), std::string_view doing) {
    return [self = shared_from_this(), on = connection_, next, doing](const error& ec, auto&&...) {
      if (self->ended_ || self->connection_ != on) return;
      if (ec)
        self->on_broken(doing, ec);
      else
        ((*self).*next)();
    };
  }
  [[nodiscard]] std::string label() const { return request_.method + " " + target_.shown; }

  std::shared_ptr<client_pool> pool_;
  protocol::http_request request_;
  call_target target_;
  std::optional<proxy_address> proxy_;
  std::string head_;
  call_limits limits_;
  transport::completion done_;

  client_timer step_timer_, total_timer_;
  std::uint64_t step_ = 0;  ///< an expired timer of an earlier step does nothing
  std::shared_ptr<client_connection> connection_;  ///< handlers under way keep it
  boost::asio::ip::basic_resolver<boost::asio::ip::tcp, client_strand> resolver_;
  std::vector<boost::asio::ip::tcp::endpoint> endpoints_;
  std::chrono::steady_clock::time_point connect_by_{};
  boost::beast::flat_buffer buffer_;
  std::optional<answer_parser> parser_;
  std::optional<tunnel_parser> tunnel_;
  std::string tunnel_head_;
  int interim_ = 0;  ///< 1xx answers seen
  bool holds_place_ = false;
  bool kept_ = false;  ///< this connection served an earlier request
  bool repeated_ = false;
  bool wrote_ = false;  ///< something of the request may have left
  bool write_broke_ = false;
  bool ended_ = false;
};

}  // namespace pb::http
