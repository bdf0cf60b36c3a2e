#include "http/websocket_link.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <charconv>

namespace pb::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;

constexpr std::size_t max_head_bytes = 16 * 1024;

int small_number(std::string_view text) {
  int n = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), n);
  return r.ec == std::errc{} && n >= 0 && n < 100'000 ? n : 0;
}

/// Printable, cut: it comes from the server and goes into a log.
std::string words_of(std::string_view text) {
  std::string out{text.substr(0, 200)};
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

}  // namespace

void websocket_link::start() {
  if (ended_) return;
  const auto& problem = target_.tls ? shared_->tls_problem : std::nullopt;
  if (problem) return refuse(0, describe(*problem));
  if (!bypasses_proxy(target_, shared_->options.no_proxy)) {
    const auto& proxy_problem =
        target_.tls ? shared_->https_proxy_problem : shared_->http_proxy_problem;
    if (proxy_problem) return refuse(0, describe(*proxy_problem));
    proxy_ = target_.tls ? shared_->https_proxy : shared_->http_proxy;
  }
  const auto& host = proxy_ ? proxy_->host : target_.host;
  const auto port = proxy_ ? proxy_->port : target_.port;
  arm("the name was not resolved in time");
  error not_literal;
  const auto address = asio::ip::make_address(host, not_literal);
  if (!not_literal) {
    endpoints_.emplace_back(address, port);
    return connect(0);
  }
  resolver_.async_resolve(host, std::to_string(port), asio::ip::resolver_base::numeric_service,
                          [self = shared_from_this()](const error& ec, const auto& found) {
                            if (self->ended_) return;
                            if (ec) return self->refuse(0, "the name: " + ec.message());
                            for (const auto& entry : found)
                              if (self->endpoints_.size() < max_endpoints)
                                self->endpoints_.push_back(entry.endpoint());
                            self->connect(0);
                          });
}

void websocket_link::send(std::string bytes) {
  if (ended_ || !open_ || goodbye_) return;
  if (waiting_bytes_ + bytes.size() > limits_.waiting_bytes)
    // Not inside the call: whoever sends is in the middle of something.
    return asio::post(strand_,
                      [self = shared_from_this()] { self->lose("too much waits to be written"); });
  waiting_bytes_ += bytes.size();
  waiting_.push_back(std::move(bytes));
  if (waiting_.size() == 1) write();
}

void websocket_link::say_goodbye(std::function<void()> done) {
  if (ended_ || !open_ || goodbye_) return done();
  goodbye_ = std::move(done);
  drop_after(limits_.connect);
  if (waiting_.empty()) write_close();
}

void websocket_link::drop() {
  if (ended_) return;
  ended_ = true;
  if (goodbye_) asio::post(strand_, std::exchange(goodbye_, nullptr));
  timer_.cancel();
  resolver_.cancel();
  connection_.close();
}

void websocket_link::arm(std::string late) {
  timer_.expires_after(limits_.connect);
  timer_.async_wait([self = shared_from_this(), late = std::move(late)](const error& ec) {
    if (ec || self->ended_ || self->open_) return;
    self->refuse(0, late);
  });
}

void websocket_link::connect(std::size_t index) {
  if (index >= endpoints_.size()) return refuse(0, "no address answers");
  if (index > 0) connection_.close();
  arm("no connection in time");
  connection_.socket().async_connect(
      endpoints_[index], [self = shared_from_this(), index](const error& ec) {
        if (self->ended_) return;
        if (ec) {
          if (index + 1 >= self->endpoints_.size())
            return self->refuse(0, (self->proxy_ ? "proxy: " : "") + ec.message());
          return self->connect(index + 1);
        }
        error ignored;  // only a matter of speed
        self->connection_.socket().set_option(asio::ip::tcp::no_delay{true}, ignored);
        if (self->proxy_)
          self->open_tunnel();
        else
          self->secure();
      });
}

void websocket_link::open_tunnel() {
  const auto where =
      (target_.host.find(':') == std::string::npos ? target_.host : "[" + target_.host + "]") +
      ":" + std::to_string(target_.port);
  head_ = "CONNECT " + where + " HTTP/1.1\r\nHost: " + where + "\r\n";
  if (!proxy_->authorization.empty())
    head_ += "Proxy-Authorization: " + proxy_->authorization.reveal() + "\r\n";
  head_ += "\r\n";
  arm("the proxy did not answer in time");
  asio::async_write(connection_.socket(), asio::buffer(head_),
                    guarded(&websocket_link::read_tunnel_answer, "asking the proxy"));
}

void websocket_link::read_tunnel_answer() {
  tunnel_.emplace();
  tunnel_->header_limit(max_head_bytes);
  tunnel_->skip(true);
  beast::http::async_read_header(connection_.socket(), buffer_, *tunnel_,
                                 guarded(&websocket_link::on_tunnel, "waiting for the proxy"));
}

void websocket_link::on_tunnel() {
  const auto status = tunnel_->get().result_int();
  if (status / 100 != 2)
    return refuse(0, "the proxy answered " + std::to_string(status) + " to CONNECT");
  if (buffer_.size() != 0) return refuse(0, "the proxy sent more than its answer to CONNECT");
  secure();
}

void websocket_link::secure() {
  if (!target_.tls) {
    stream_.emplace<plain_stream>(connection_.socket());
    return upgrade();
  }
  shared_->trust_the_system();
  if (auto ready = connection_.use_tls(shared_->tls, target_.host, target_.literal); !ready)
    return refuse(0, ready.error().detail);
  arm("no TLS handshake in time");
  connection_.tls().async_handshake(
      asio::ssl::stream_base::client, [self = shared_from_this()](const error& ec) {
        if (self->ended_) return;
        if (ec) return self->refuse(0, "TLS: " + self->connection_.tls_problem(ec));
        self->stream_.emplace<tls_stream>(self->connection_.tls());
        self->upgrade();
      });
}

void websocket_link::upgrade() {
  arm("no upgrade in time");
  with_stream([this](auto& ws) {
    ws.binary(true);
    // The buffer bounds messages: what Beast itself refuses it only reports once the other side
    // has hung up as well.
    ws.read_message_max(0);
    ws.control_callback([this](websocket::frame_type kind, beast::string_view) {
      if (kind == websocket::frame_type::close) await_end();
    });
    // Silence is judged by whoever knows the protocol.
    ws.set_option(
        websocket::stream_base::timeout{limits_.connect, websocket::stream_base::none(), false});
    ws.set_option(websocket::stream_base::decorator(
        [agent = shared_->options.user_agent](websocket::request_type& r) {
          r.set(beast::http::field::user_agent, agent);
        }));
    ws.async_handshake(answer_, target_.authority, target_.path,
                       [self = shared_from_this()](const error& ec) {
                         if (!self->ended_) self->on_upgrade(ec);
                       });
  });
}

void websocket_link::on_upgrade(const error& ec) {
  if (!ec) {
    open_ = true;
    timer_.cancel();
    const auto keep = shared_from_this();
    to_.opened();
    if (!ended_) read();
    return;
  }
  if (ec != websocket::error::upgrade_declined) return refuse(0, "the upgrade: " + ec.message());
  const auto field = [this](const char* name) {
    const auto value = answer_[name];
    return std::string_view{value.data(), value.size()};
  };
  auto status = small_number(field("Handshake-Status"));
  if (status == 0) status = static_cast<int>(answer_.result_int());
  auto why = words_of(field("Handshake-Msg"));
  if (const auto code = field("Handshake-Autherrcode"); !code.empty())
    why += " (" + words_of(code) + ")";
  refuse(status, "the upgrade is refused" + (why.empty() ? "" : ": " + why));
}

void websocket_link::read() {
  with_stream([this](auto& ws) {
    ws.async_read(buffer_, [self = shared_from_this(), &ws](const error& ec, std::size_t) {
      if (self->ended_) return;
      if (ec) return self->lose(self->end_of(ec));
      const bool binary = ws.got_binary();
      std::string bytes{static_cast<const char*>(self->buffer_.data().data()),
                        self->buffer_.size()};
      self->buffer_.consume(self->buffer_.size());
      // A large message is rare; its memory is not kept for the next.
      if (self->buffer_.capacity() > 256 * 1024) self->buffer_.shrink_to_fit();
      if (binary) self->to_.message(std::move(bytes));
      if (!self->ended_) self->read();
    });
  });
}

void websocket_link::write() {
  with_stream([this](auto& ws) {
    ws.async_write(asio::buffer(waiting_.front()),
                   [self = shared_from_this()](const error& ec, std::size_t) {
                     if (self->ended_) return;
                     if (ec) return self->lose("writing: " + ec.message());
                     self->waiting_bytes_ -= self->waiting_.front().size();
                     self->waiting_.pop_front();
                     if (!self->waiting_.empty())
                       self->write();
                     else if (self->goodbye_)
                       self->write_close();
                   });
  });
}

void websocket_link::drop_after(std::chrono::milliseconds pause) {
  timer_.expires_after(pause);
  timer_.async_wait([self = shared_from_this()](const error& ec) {
    if (!ec) self->drop();
  });
}

void websocket_link::write_close() {
  // All is written that matters; that the other side hangs up as well is only polite.
  drop_after(std::min(limits_.connect, std::chrono::milliseconds{1'000}));
  with_stream([this](auto& ws) {
    // Written beside the read that goes on; it ends with the other side's closing frame.
    ws.async_close(websocket::close_code::going_away,
                   [self = shared_from_this()](const error&) { self->drop(); });
  });
}

void websocket_link::await_end() {
  if (ended_ || goodbye_) return;
  timer_.expires_after(std::min(limits_.connect, std::chrono::milliseconds{1'000}));
  timer_.async_wait([self = shared_from_this()](const error& ec) {
    if (!ec) self->lose(self->end_of(websocket::error::closed));
  });
}

std::string websocket_link::end_of(const error& ec) {
  if (ec == websocket::error::closed) {
    std::string why = "closed by the server";
    with_stream([&why](auto& ws) {
      const auto& r = ws.reason();
      why += " (" + std::to_string(r.code);
      if (!r.reason.empty()) why += ": " + words_of({r.reason.data(), r.reason.size()});
      why += ")";
    });
    return why;
  }
  if (ec == websocket::error::buffer_overflow) return "a message larger than allowed";
  return ec.message();
}

void websocket_link::refuse(int status, std::string why) {
  if (ended_) return;
  drop();
  to_.refused(status, std::move(why));
}

void websocket_link::lose(std::string why) {
  if (ended_) return;
  drop();
  to_.closed(std::move(why));
}

}  // namespace pb::http
