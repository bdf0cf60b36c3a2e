#include "http/server.hpp"

#include <sys/resource.h>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "base/log.hpp"
#include "http/server_connection.hpp"
#include "http/server_state.hpp"
#include "http/tls_context.hpp"

namespace pb::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

/// Connections beyond the limit that are told so; further ones are closed without a word.
constexpr std::size_t most_refused = 64;
constexpr std::chrono::milliseconds accept_pause{100};

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
    log::warn("descriptor limit could not be raised", {});
}

void run(server_worker& w) {
  for (;;) try {
      w.io.run();
      return;
    } catch (const std::exception& e) {
      // a bug in one connection must not end all of them
      log::error("http thread caught an exception", {log::kv("error", e.what())});
    }
}

}  // namespace

bool server_state::may_log_refusal() {
  const auto permit = refusals.ask(clock.steady_now());
  if (permit.left_out > 0)
    log::info("refusals that are not in the log", {log::kv("left_out", permit.left_out)});
  return permit.write;
}

struct server::impl {
  impl(server_options o, const clock_source& clock, random_source& random)
      : state(std::make_shared<server_state>(std::move(o), clock, random)) {}

  failure cannot_bind(const error_code& ec) const {
    const auto& o = state->options;
    const bool wide = o.address.find(':') != std::string::npos;
    return {errc::bad_input, "http.server",
            "cannot listen on " + (wide ? "[" + o.address + "]" : o.address) + ":" +
                std::to_string(o.port) + ": " + ec.message(),
            "another program may hold the port; choose another address or port"};
  }

  result<void> open() {
    error_code ec;
    const auto address = asio::ip::make_address(state->options.address, ec);
    if (ec) return cannot_bind(ec);
    acceptor.emplace(workers.front()->io);
    pause.emplace(workers.front()->io);
    const tcp::endpoint at{address, state->options.port};
    acceptor->open(at.protocol(), ec);
    if (!ec) acceptor->set_option(asio::socket_base::reuse_address{true}, ec);
    if (!ec && address.is_v6()) acceptor->set_option(asio::ip::v6_only{false}, ec);
    if (!ec) acceptor->bind(at, ec);
    if (!ec) acceptor->listen(asio::socket_base::max_listen_connections, ec);
    if (!ec) port = acceptor->local_endpoint(ec).port();
    if (ec) return cannot_bind(ec);
    return {};
  }

  /// On the first worker's thread; connections go to the workers in turn.
  void accept() {
    const auto& w = workers[next++ % workers.size()];
    acceptor->async_accept(w->io, [this, w = w.get()](error_code ec, tcp::socket s) {
      if (ec == asio::error::operation_aborted || !acceptor->is_open()) return;
      if (ec) {
        // out of descriptors, most likely: they come back when connections close
        if (state->may_log_refusal())
          log::warn("connection could not be accepted", {log::kv("error", ec.message())});
        pause->expires_after(accept_pause);
        return pause->async_wait([this](error_code stopped) {
          if (!stopped && acceptor->is_open()) accept();
        });
      }
      const auto now_open = ++state->connections;
      asio::dispatch(w->io, [this, w, now_open, s = std::move(s)]() mutable {
        adopt(*w, std::move(s), now_open);
      });
      accept();
    });
  }

  void adopt(server_worker& w, tcp::socket s, std::uint64_t now_open) {
    const auto most = state->options.max_connections;
    std::shared_ptr<server_worker> strong;
    for (const auto& k : workers)
      if (k.get() == &w) strong = k;
    const auto c = std::make_shared<server_connection>(state, strong, std::move(s));
    const bool place = now_open <= most || make_room(w);
    w.connections.insert(c);
    if (place) return c->start();
    // without a handshake there is no way to say it
    if (state->tls || now_open > most + most_refused) {
      ++state->rejected;
      return c->close();
    }
    c->start_refused();
  }

  /// Ends the connection of this worker that keeps its place with the least right to it; false when
  /// all are being served.
  static bool make_room(server_worker& w) {
    for (auto& waiting : w.waiting) {
      if (waiting.empty()) continue;
      waiting.front().give_way();
      return true;
    }
    return false;
  }

  template <class F>
  void on_all(F&& f) {
    for (const auto& w : workers) {
      asio::post(w->io, [w = w.get(), f] {
        const auto copy = w->connections;  // closing removes from the set
        for (const auto& c : copy) f(*c);
      });
    }
  }

  void stop() {
    for (const auto& w : workers) {
      asio::post(w->io, [w = w.get()] {
        const auto copy = w->connections;
        for (const auto& c : copy) c->close();
        w->io.stop();
      });
    }
    for (const auto& w : workers)
      if (w->thread.joinable()) w->thread.join();
    for (const auto& w : workers) {
      const auto copy = w->connections;
      for (const auto& c : copy) c->close();
      w->connections.clear();
    }
  }

  std::shared_ptr<server_state> state;
  std::vector<std::shared_ptr<server_worker>> workers;
  std::optional<tcp::acceptor> acceptor;
  std::optional<asio::steady_timer> pause;
  std::size_t next = 0;
  std::uint16_t port = 0;
  bool running = false;
};

server::server(server_options options, clock_source& clock, random_source& random)
    : impl_(std::make_unique<impl>(std::move(options), clock, random)) {}

server::~server() { drain(std::chrono::milliseconds{0}); }

void server::add(route r) { impl_->state->routes.add({std::move(r), {}}); }

void server::add_stream(std::string method, std::string pattern, stream_handler handle) {
  route r;
  r.method = std::move(method);
  r.pattern = std::move(pattern);
  impl_->state->routes.add({std::move(r), std::move(handle)});
}

result<void> server::start() {
  auto& s = *impl_->state;
  auto proxies = proxy_list::parse(s.options.trusted_proxies);
  if (!proxies) return proxies.error();
  s.proxies = std::move(*proxies);
  auto tls = server_tls(s.options.tls_certificate_file, s.options.tls_key_file);
  if (!tls) return tls.error();
  s.tls = std::move(*tls);
  raise_descriptor_limit();
  impl_->workers.clear();
  for (unsigned i = 0; i < std::max(1u, s.options.threads); ++i)
    impl_->workers.push_back(std::make_shared<server_worker>());
  if (auto opened = impl_->open(); !opened) {
    impl_->pause.reset();
    impl_->acceptor.reset();
    impl_->workers.clear();
    return opened.error();
  }
  impl_->running = true;
  impl_->accept();
  for (const auto& w : impl_->workers) w->thread = std::thread{[w = w.get()] { run(*w); }};
  log::info("http server listens",
            {log::kv("address", s.options.address), log::kv("port", impl_->port),
             log::kv("tls", s.tls.has_value())});
  return {};
}

std::uint16_t server::port() const noexcept { return impl_->port; }

server_figures server::figures() const {
  const auto& s = *impl_->state;
  server_figures out{s.connections, s.requests, s.in_flight, s.rejected, {}};
  for (std::size_t status = 0; status < s.answers.size(); ++status)
    if (const auto n = s.answers[status].load(); n > 0)
      out.answers.emplace_back(static_cast<int>(status), n);
  return out;
}

void server::drain(std::chrono::milliseconds grace) {
  if (!std::exchange(impl_->running, false)) return;
  auto& s = *impl_->state;
  s.draining = true;
  asio::post(impl_->workers.front()->io, [this] {
    error_code ignored;
    impl_->acceptor->close(ignored);
    impl_->pause->cancel();
  });
  impl_->on_all([](server_connection& c) { c.drain(); });
  {
    std::unique_lock lock{s.quiet_guard};
    s.quiet.wait_for(lock, grace, [&] { return s.connections == 0; });
  }
  impl_->stop();
  impl_->acceptor.reset();
  impl_->pause.reset();
}

}  // namespace pb::http
