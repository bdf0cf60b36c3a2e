#include "http/client_call.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <exception>

#include "base/log.hpp"

namespace pb::http {
namespace {

namespace asio = boost::asio;
namespace beast_http = boost::beast::http;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t read_piece_bytes = 64 * 1024;
constexpr std::size_t max_tunnel_answer_bytes = 16 * 1024;
constexpr int max_interim_answers = 10;

std::string in_ms(milliseconds t) { return std::to_string(t.count()) + " ms"; }

/// What a wrong or endless answer is called; upstream_down is everything that broke.
errc code_of(const boost::system::error_code& ec) noexcept {
  using beast_http::error;
  if (ec == error::body_limit || ec == error::header_limit || ec == error::buffer_overflow)
    return errc::too_large;
  if (ec == error::partial_message || ec == error::end_of_stream) return errc::upstream_down;
  if (ec.category() == make_error_code(error::bad_version).category())
    return errc::unexpected_answer;
  return errc::upstream_down;
}

std::string words_of(const boost::system::error_code& ec) {
  using beast_http::error;
  if (ec == error::end_of_stream || ec == asio::error::eof) return "closed without an answer";
  if (ec == error::partial_message) return "the connection ended in the middle of the answer";
  if (ec == error::body_limit) return "the answer is larger than allowed";
  if (ec == error::header_limit || ec == error::buffer_overflow)
    return "the answer's headers are larger than allowed";
  return ec.message();
}

bool is_hang_up(const boost::system::error_code& ec) noexcept {
  return ec == asio::error::eof || ec == asio::error::connection_reset ||
         ec == asio::error::broken_pipe || ec == asio::ssl::error::stream_truncated;
}

}  // namespace

client_call::client_call(std::shared_ptr<client_pool> pool, protocol::http_request request,
                         call_target target, std::optional<proxy_address> proxy, std::string head,
                         call_limits limits, transport::completion done)
    : pool_(std::move(pool)),
      request_(std::move(request)),
      target_(std::move(target)),
      proxy_(std::move(proxy)),
      head_(std::move(head)),
      limits_(limits),
      done_(std::move(done)),
      step_timer_(pool_->strand()),
      total_timer_(pool_->strand()),
      resolver_(pool_->strand()),
      buffer_(pool_->shared().options.max_header_bytes + read_piece_bytes) {}

void client_call::start() {
  total_timer_.expires_after(limits_.total);
  total_timer_.async_wait([self = shared_from_this()](const error& ec) {
    if (!ec && !self->ended_) self->on_total();
  });
  pool_->enter(shared_from_this());
}

void client_call::proceed(std::shared_ptr<client_connection> kept) {
  holds_place_ = true;
  if (!kept) {
    open();
    return;
  }
  ++pool_->shared().reused;
  kept_ = true;
  connection_ = std::move(kept);
  write_request();
}

void client_call::cancel() { fail(errc::cancelled, "shutting down"); }

// ---- connecting

void client_call::open() {
  kept_ = false;
  endpoints_.clear();
  connect_by_ = steady_clock::now() + limits_.connect;
  arm(limits_.connect,
      [this] { fail(errc::dns, "the name was not resolved within " + in_ms(limits_.connect)); });
  if (proxy_)
    resolve(proxy_->host, proxy_->port);
  else
    resolve(target_.host, target_.port);
}

void client_call::resolve(const std::string& host, std::uint16_t port) {
  error not_literal;
  const auto address = asio::ip::make_address(host, not_literal);
  if (!not_literal) {
    endpoints_.emplace_back(address, port);
    try_endpoint(0);
    return;
  }
  // Asio looks names up on a thread of its own; the strand is free meanwhile.
  resolver_.async_resolve(host, std::to_string(port), asio::ip::resolver_base::numeric_service,
                          [self = shared_from_this(), host](const error& ec, const auto& found) {
                            if (self->ended_) return;
                            if (ec) return self->fail(errc::dns, host + ": " + ec.message());
                            for (const auto& entry : found)
                              if (self->endpoints_.size() < max_endpoints)
                                self->endpoints_.push_back(entry.endpoint());
                            if (self->endpoints_.empty())
                              return self->fail(errc::dns, host + ": no address");
                            self->try_endpoint(0);
                          });
}

void client_call::try_endpoint(std::size_t index) {
  connection_ = std::make_shared<client_connection>(pool_->strand());
  // A dead first address (IPv6 without a route) must not use up the time of the others.
  const auto share = connect_time_left() / static_cast<int>(endpoints_.size() - index);
  arm(share,
      [this, index] { next_endpoint(index, "no connection within " + in_ms(limits_.connect)); });
  connection_->socket().async_connect(
      endpoints_[index], [self = shared_from_this(), on = connection_, index](const error& ec) {
        if (self->ended_ || self->connection_ != on) return;
        if (ec)
          self->next_endpoint(index, ec.message());
        else
          self->on_connected();
      });
}

void client_call::next_endpoint(std::size_t tried, const std::string& why) {
  connection_->close();
  if (tried + 1 < endpoints_.size() && connect_time_left().count() > 0)
    try_endpoint(tried + 1);
  else
    fail(errc::upstream_down, (proxy_ ? "proxy: " : "") + why);
}

void client_call::on_connected() {
  ++pool_->shared().opened;
  error ignored;  // only a matter of speed
  connection_->socket().set_option(asio::ip::tcp::no_delay{true}, ignored);
  arm(connect_time_left(), [this] { connect_too_slow(); });
  if (proxy_ && target_.tls)
    open_tunnel();
  else if (target_.tls)
    shake_hands();
  else
    write_request();
}

void client_call::open_tunnel() {
  const auto where =
      (target_.host.find(':') == std::string::npos ? target_.host : "[" + target_.host + "]") +
      ":" + std::to_string(target_.port);
  tunnel_head_ = "CONNECT " + where + " HTTP/1.1\r\nHost: " + where + "\r\n";
  if (!proxy_->authorization.empty())
    tunnel_head_ += "Proxy-Authorization: " + proxy_->authorization.reveal() + "\r\n";
  tunnel_head_ += "\r\n";
  asio::async_write(connection_->socket(), asio::buffer(tunnel_head_),
                    guarded(&client_call::read_tunnel_answer, "asking the proxy"));
}

void client_call::read_tunnel_answer() {
  tunnel_.emplace();
  tunnel_->header_limit(max_tunnel_answer_bytes);
  tunnel_->skip(true);
  beast_http::async_read_header(connection_->socket(), buffer_, *tunnel_,
                                guarded(&client_call::on_tunnel_answer, "waiting for the proxy"));
}

void client_call::on_tunnel_answer() {
  const auto status = tunnel_->get().result_int();
  if (status / 100 != 2)
    return fail(errc::upstream_down, "the proxy answered " + std::to_string(status) + " to CONNECT",
                status == 407 ? "check user and password in HTTPS_PROXY"
                              : "check HTTPS_PROXY and NO_PROXY, and what the proxy allows");
  if (buffer_.size() != 0)  // a server speaks first in no TLS handshake
    return fail(errc::unexpected_answer, "the proxy sent more than its answer to CONNECT");
  shake_hands();
}

void client_call::shake_hands() {
  pool_->shared().trust_the_system();
  if (auto ready = connection_->use_tls(pool_->shared().tls, target_.host, target_.literal); !ready)
    return fail(ready.error().code, ready.error().detail);
  connection_->tls().async_handshake(
      asio::ssl::stream_base::client,
      [self = shared_from_this(), on = connection_](const error& ec) {
        if (self->ended_ || self->connection_ != on) return;
        if (!ec) return self->write_request();
        if (is_hang_up(ec))
          return self->fail(errc::upstream_down, "closed during the TLS handshake");
        self->fail(errc::tls, on->tls_problem(ec),
                   "check the server's certificate; a private authority goes into http.ca_file");
      });
}

// ---- the request and its answer

void client_call::write_request() {
  disarm();
  wrote_ = true;
  buffer_.clear();
  const std::array<asio::const_buffer, 2> pieces{asio::buffer(head_), asio::buffer(request_.body)};
  connection_->with_stream([&](auto& stream) {
    asio::async_write(
        stream, pieces,
        [self = shared_from_this(), on = connection_](const error& ec, std::size_t written) {
          if (self->ended_ || self->connection_ != on) return;
          self->wrote_ = written != 0 || !ec;
          self->write_broke_ = static_cast<bool>(ec);
          // A refusal may come before a large body is through (413): it may be there already.
          if (self->wrote_) return self->read_headers();
          self->on_broken("sending", ec);
        });
  });
}

void client_call::read_headers() {
  if (interim_ == 0)
    arm(limits_.headers,
        [this] { fail(errc::timed_out, "no answer within " + in_ms(limits_.headers)); });
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(pool_->shared().options.max_header_bytes));
  parser_->body_limit(limits_.response_bytes);
  parser_->skip(request_.method == "HEAD");
  connection_->with_stream([&](auto& stream) {
    beast_http::async_read_header(stream, buffer_, *parser_,
                                  guarded(&client_call::on_headers, "waiting for the answer"));
  });
}

void client_call::on_headers() {
  const auto status = parser_->get().result_int();
  if (status / 100 == 1) {
    if (status == 101 || ++interim_ > max_interim_answers)
      return fail(errc::unexpected_answer, "interim answers without an end");
    return read_headers();
  }
  parser_->eager(true);
  read_body();
}

void client_call::read_body() {
  if (parser_->is_done()) return finish_answer();
  arm(limits_.body,
      [this] { fail(errc::timed_out, "the answer stopped for " + in_ms(limits_.body)); });
  connection_->with_stream([&](auto& stream) {
    beast_http::async_read_some(stream, buffer_, *parser_,
                                guarded(&client_call::read_body, "reading the answer"));
  });
}

void client_call::finish_answer() {
  disarm();
  // What follows a complete answer belongs to no request: such a connection is not used again.
  const bool reusable = parser_->get().keep_alive() && buffer_.size() == 0 && !write_broke_;
  auto message = parser_->release();
  protocol::http_response out;
  out.status = static_cast<int>(message.result_int());
  for (const auto& field : message)
    out.headers.push_back({std::string{field.name_string().data(), field.name_string().size()},
                           std::string{field.value().data(), field.value().size()}, false});
  out.body = std::move(message.body());
  end(std::move(out), reusable ? connection_ : nullptr);
}

// ---- endings

void client_call::on_broken(std::string_view doing, const error& ec) {
  const bool answered = parser_ && (parser_->got_some() || interim_ > 0 || buffer_.size() != 0);
  if (kept_ && !repeated_ && !answered && (is_repeatable(request_) || !wrote_)) {
    repeated_ = true;
    ++pool_->shared().repeated;
    connection_->close();
    parser_.reset();
    open();
    return;
  }
  fail(code_of(ec), std::string{doing} + ": " + words_of(ec));
}

void client_call::arm(steady_clock::duration pause, std::function<void()> late) {
  step_timer_.expires_after(pause);
  step_timer_.async_wait(
      [self = shared_from_this(), step = ++step_, late = std::move(late)](const error& ec) {
        if (!ec && !self->ended_ && self->step_ == step) late();
      });
}

void client_call::disarm() {
  ++step_;
  step_timer_.cancel();
}

steady_clock::duration client_call::connect_time_left() const {
  return std::max(steady_clock::duration::zero(), connect_by_ - steady_clock::now());
}

void client_call::connect_too_slow() {
  fail(errc::upstream_down, std::string{target_.tls ? "no TLS connection" : "no connection"} +
                                " within " + in_ms(limits_.connect));
}

void client_call::on_total() {
  if (wrote_)
    fail(errc::timed_out, "no complete answer within " + in_ms(limits_.total));
  else if (!holds_place_)
    fail(errc::upstream_down, "no free connection within " + in_ms(limits_.total));
  else
    fail(errc::upstream_down, "not sent within " + in_ms(limits_.total));
}

void client_call::fail(errc code, std::string detail, std::string remedy) {
  end(failure{.code = code,
              .where = "http.client",
              .detail = label() + ": " + std::move(detail),
              .remedy = std::move(remedy)});
}

void client_call::end(result<protocol::http_response> outcome,
                      std::shared_ptr<client_connection> reusable) {
  if (ended_) return;
  ended_ = true;
  const auto self = shared_from_this();  // the pool may hold the last reference
  step_timer_.cancel();
  total_timer_.cancel();
  resolver_.cancel();
  if (connection_ && !reusable) connection_->close();
  connection_.reset();
  pool_->leave(self);
  if (holds_place_) pool_->give_back(std::move(reusable));
  --pool_->shared().in_flight;
  const auto done = std::move(done_);
  try {
    done(std::move(outcome));
  } catch (const std::exception& e) {
    log::error("completion of an outbound call threw", {log::kv("detail", e.what())});
  }
}

}  // namespace pb::http
