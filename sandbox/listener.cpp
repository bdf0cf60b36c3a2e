#include "sandbox/listener.hpp"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>

#include "sandbox/upgrade.hpp"

namespace pb::sandbox {
namespace {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace beast_http = beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;

using wire_request = beast_http::request<beast_http::string_body>;
using wire_response = beast_http::response<beast_http::string_body>;

inbound inbound_of(wire_request& r) {
  inbound in;
  in.method = std::string{r.method_string()};
  const std::string target{r.target()};
  const auto question = target.find('?');
  in.path = protocol::percent_decode(target.substr(0, question));
  in.query = question == std::string::npos ? "" : target.substr(question + 1);
  for (const auto& field : r)
    in.headers.push_back({std::string{field.name_string()}, std::string{field.value()}, false});
  in.body = std::move(r.body());
  return in;
}

wire_response response_of(const protocol::http_response& a, unsigned version, bool keep_alive) {
  wire_response r{beast_http::int_to_status(static_cast<unsigned>(a.status)), version};
  r.set(beast_http::field::server, "planebridge-sandbox");
  for (const auto& h : a.headers) r.set(h.name, h.value);
  r.keep_alive(keep_alive);
  r.body() = a.body;
  r.prepare_payload();
  return r;
}

class connection : public std::enable_shared_from_this<connection> {
public:
  connection(tcp::socket socket, const listener_options& options, const listener::handler& handle,
             const listener::upgrader& sockets, std::shared_ptr<std::atomic<std::size_t>> open)
      : stream_(std::move(socket)),
        options_(options),
        handle_(handle),
        sockets_(sockets),
        open_(std::move(open)) {
    ++*open_;
  }
  ~connection() { --*open_; }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  void read() {
    parser_.emplace();
    parser_->body_limit(options_.max_body_bytes);
    parser_->header_limit(16 * 1024);
    stream_.expires_after(options_.idle);
    beast_http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code ec, std::size_t) { self->on_read(ec); });
  }

private:
  void on_read(error_code ec) {
    if (ec == beast_http::error::body_limit) {
      protocol::http_response a{
          413,
          {{"Content-Type", "application/json"}},
          R"({"error":"REQUEST_BODY_TOO_LARGE","detail":"The body is too large."})"};
      return write(response_of(a, 11, false));
    }
    if (ec) return close();
    auto request = parser_->release();
    if (sockets_ && beast::websocket::is_upgrade(request))
      return sockets_(upgrade{std::move(stream_), std::move(request)});
    const unsigned version = request.version();
    const bool keep = request.keep_alive(), head = request.method() == beast_http::verb::head;
    stream_.expires_never();
    handle_(inbound_of(request), [self = shared_from_this(), version, keep, head](outcome out) {
      asio::post(self->stream_.get_executor(),
                 [self, version, keep, head, out = std::move(out)]() mutable {
                   self->finish(std::move(out), version, keep, head);
                 });
    });
  }

  void finish(outcome out, unsigned version, bool keep, bool head) {
    if (out.how == ending::reset) return reset();
    if (out.how == ending::silence) return stay_silent();
    auto r = response_of(out.answer, version, keep && out.how == ending::answered);
    if (out.how == ending::half) return write_half(r);
    if (head || out.answer.status == 204)
      r.body().clear();  // the length stays as announced for HEAD
    write(std::move(r));
  }

  void write(wire_response r) {
    response_.emplace(std::move(r));
    stream_.expires_after(options_.idle);
    beast_http::async_write(
        stream_, *response_, [self = shared_from_this()](error_code ec, std::size_t) {
          if (ec || self->response_->need_eof() || !self->response_->keep_alive())
            return self->close();
          self->response_.reset();
          self->read();
        });
  }

  // The announced length is the whole body's; what follows is half of it and the end.
  void write_half(const wire_response& r) {
    std::ostringstream whole;
    whole << r;
    half_ = whole.str();
    half_.resize(half_.size() - std::max<std::size_t>(1, r.body().size() / 2));
    asio::async_write(stream_, asio::buffer(half_),
                      [self = shared_from_this()](error_code, std::size_t) { self->close(); });
  }

  void stay_silent() {
    stream_.expires_after(std::chrono::minutes{10});
    // Whatever the peer does next, most likely closing, ends it.
    stream_.async_read_some(
        asio::buffer(ignored_),
        [self = shared_from_this()](error_code, std::size_t) { self->reset(); });
  }

  void reset() {
    error_code ec;
    stream_.socket().set_option(asio::socket_base::linger{true, 0}, ec);
    stream_.socket().close(ec);
  }

  void close() {
    error_code ec;
    stream_.socket().shutdown(tcp::socket::shutdown_both, ec);
    stream_.socket().close(ec);
  }

  beast::tcp_stream stream_;
  const listener_options& options_;
  const listener::handler& handle_;
  const listener::upgrader& sockets_;
  std::shared_ptr<std::atomic<std::size_t>> open_;
  beast::flat_buffer buffer_;
  std::optional<beast_http::request_parser<beast_http::string_body>> parser_;
  std::optional<wire_response> response_;
  std::string half_;
  std::array<char, 64> ignored_{};
};

}  // namespace

struct listener::impl : std::enable_shared_from_this<listener::impl> {
  explicit impl(listener_options o) : options(std::move(o)) {}

  void accept() {
    acceptor.async_accept([self = shared_from_this()](error_code ec, tcp::socket socket) {
      if (ec == asio::error::operation_aborted) return;
      if (!ec && *self->open < self->options.max_connections)
        std::make_shared<connection>(std::move(socket), self->options, self->handle, self->sockets,
                                     self->open)
            ->read();
      self->accept();
    });
  }

  void finish() {
    {
      const std::scoped_lock held{lock};
      stopped = true;
    }
    over.notify_all();
  }

  listener_options options;
  listener::handler handle;
  listener::upgrader sockets;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::signal_set signals{io};
  std::shared_ptr<std::atomic<std::size_t>> open = std::make_shared<std::atomic<std::size_t>>(0);
  std::uint16_t port = 0;
  std::thread thread;
  std::mutex lock;
  std::condition_variable over;
  bool stopped = false;
};

listener::listener(listener_options options) : impl_(std::make_shared<impl>(std::move(options))) {}

listener::~listener() { stop(); }

result<void> listener::start(handler handle, upgrader sockets) {
  auto& in = *impl_;
  const auto refuse = [&](const error_code& ec) {
    return failure{errc::bad_input,
                   "sandbox.listen",
                   in.options.address + ":" + std::to_string(in.options.port) + ": " + ec.message(),
                   "choose another --port",
                   0,
                   {},
                   {}};
  };
  error_code ec;
  const auto address = asio::ip::make_address(in.options.address, ec);
  if (ec) return refuse(ec);
  const tcp::endpoint endpoint{address, in.options.port};
  in.acceptor.open(endpoint.protocol(), ec);
  if (!ec) in.acceptor.set_option(asio::socket_base::reuse_address{true}, ec);
  if (!ec) in.acceptor.bind(endpoint, ec);
  if (!ec) in.acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) return refuse(ec);
  in.port = in.acceptor.local_endpoint().port();
  in.handle = std::move(handle);
  in.sockets = std::move(sockets);
  in.accept();
  in.thread = std::thread{[self = impl_] {
    const auto work = asio::make_work_guard(self->io);
    self->io.run();
  }};
  return {};
}

std::uint16_t listener::port() const noexcept { return impl_->port; }

scheduler listener::timers() {
  return [self = impl_.get()](std::chrono::milliseconds pause, std::function<void()> run) {
    auto timer = std::make_shared<asio::steady_timer>(self->io, pause);
    timer->async_wait([timer, run = std::move(run)](error_code ec) {
      if (!ec) run();
    });
  };
}

void listener::stop() {
  impl_->io.stop();
  impl_->finish();
  if (impl_->thread.joinable() && impl_->thread.get_id() != std::this_thread::get_id())
    impl_->thread.join();
}

void listener::wait_for_signal() {
  auto& in = *impl_;
  in.signals.add(SIGTERM);
  in.signals.add(SIGINT);
  in.signals.async_wait([self = impl_](error_code ec, int) {
    if (!ec) self->finish();
  });
  std::unique_lock held{in.lock};
  in.over.wait(held, [&] { return in.stopped; });
}

}  // namespace pb::sandbox
