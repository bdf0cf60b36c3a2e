#include "http/websocket_client.hpp"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <thread>

#include "http/websocket_link.hpp"

namespace pb::http {
namespace {

namespace asio = boost::asio;
using error = boost::system::error_code;

}  // namespace

struct websocket_client::impl {
  impl(client_options options, limits l)
      : shared(make_client_shared(std::move(options))), bounds(l) {}

  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  client_strand strand{asio::make_strand(io)};
  std::shared_ptr<client_shared> shared;
  limits bounds;
  client_timer timer{strand};
  std::uint64_t wakes = 0;
  std::shared_ptr<websocket_link> now;
  std::thread thread;
  std::atomic<bool> stopped{false};

  void run() {
    for (;;) {
      try {
        io.run();
        return;
      } catch (const std::exception& e) {  // a bug: one step is lost, the watchdogs mend it
        log::error("websocket thread caught an exception", {log::kv("detail", e.what())});
      }
    }
  }
  void hang_up() {
    if (now) now->drop();
    now.reset();
  }
};

websocket_client::websocket_client(client_options options, limits l)
    : impl_(std::make_shared<impl>(std::move(options), l)) {
  impl_->thread = std::thread{[i = impl_.get()] { i->run(); }};
}

websocket_client::~websocket_client() { stop(); }

void websocket_client::post(std::function<void()> f) {
  if (impl_->stopped) return;
  asio::post(impl_->strand, [i = impl_.get(), f = std::move(f)] {
    if (!i->stopped) f();
  });
}

void websocket_client::stop() {
  if (impl_->stopped.exchange(true)) return;
  asio::post(impl_->strand, [i = impl_.get()] {
    i->hang_up();
    i->timer.cancel();
    i->work.reset();
    i->io.stop();  // a name that is being resolved would keep it busy
  });
  impl_->thread.join();
}

void websocket_client::dial(const secret& url, listener to) {
  impl_->hang_up();
  const std::string& text = url.reveal();
  // The same rules as for other outbound calls; only the scheme is another word.
  const bool tls = text.starts_with("wss://");
  auto target = tls || text.starts_with("ws://")
                    ? parse_target("http" + text.substr(2))
                    : result<call_target>{failure{errc::bad_input, "http.websocket",
                                                  "the address is neither ws:// nor wss://"}};
  if (!target) {
    // Not inside the call: whoever dials may still be in the middle of something.
    return post(
        [refused = std::move(to.refused), why = target.error().detail] { refused(0, why); });
  }
  impl_->now = std::make_shared<websocket_link>(impl_->strand, impl_->shared, std::move(*target),
                                                impl_->bounds, std::move(to));
  post([l = impl_->now] { l->start(); });
}

void websocket_client::send(std::string bytes) {
  if (impl_->now) impl_->now->send(std::move(bytes));
}

void websocket_client::say_goodbye(std::function<void()> done) {
  if (impl_->now)
    impl_->now->say_goodbye(std::move(done));
  else
    done();
}

void websocket_client::hang_up() { impl_->hang_up(); }

void websocket_client::wake_after(std::chrono::milliseconds pause, std::function<void()> f) {
  const auto mine = ++impl_->wakes;
  impl_->timer.expires_after(std::max(pause, std::chrono::milliseconds{0}));
  impl_->timer.async_wait([i = impl_.get(), mine, f = std::move(f)](const error& ec) {
    if (!ec && mine == i->wakes && !i->stopped) f();
  });
}

void websocket_client::no_wake() {
  ++impl_->wakes;
  impl_->timer.cancel();
}

}  // namespace pb::http
