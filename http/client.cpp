#include "http/client.hpp"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <map>
#include <mutex>
#include <thread>

#include "base/log.hpp"
#include "http/client_call.hpp"

namespace pb::http {
namespace asio = boost::asio;
namespace {

constexpr std::size_t many_pools = 256;

failure tls_failure(std::string detail, std::string remedy) {
  return failure{.code = errc::tls,
                 .where = "http.client",
                 .detail = std::move(detail),
                 .remedy = std::move(remedy)};
}

std::optional<proxy_address> read_proxy(const secret& url, std::optional<failure>& problem) {
  if (url.empty()) return std::nullopt;
  auto parsed = parse_proxy(url);
  if (parsed) return *parsed;
  problem = parsed.error();
  return std::nullopt;
}

}  // namespace

std::shared_ptr<client_shared> make_client_shared(client_options options) {
  auto out = std::make_shared<client_shared>();
  out->options = std::move(options);
  const auto& o = out->options;
  out->https_proxy = read_proxy(o.https_proxy, out->https_proxy_problem);
  out->http_proxy = read_proxy(o.http_proxy, out->http_proxy_problem);
  boost::system::error_code ec;
  using tls = asio::ssl::context;
  out->tls.set_options(tls::default_workarounds | tls::no_sslv2 | tls::no_sslv3 | tls::no_tlsv1 |
                           tls::no_tlsv1_1 | tls::no_compression,
                       ec);
  if (!ec) out->tls.set_verify_mode(asio::ssl::verify_peer, ec);
  if (ec)
    out->tls_problem = tls_failure("TLS cannot be set up: " + ec.message(),
                                   "check the system's certificate authorities");
  if (!ec && !o.ca_file.empty()) {
    out->tls.load_verify_file(o.ca_file, ec);
    if (ec)
      out->tls_problem = tls_failure(
          "certificate authorities of " + o.ca_file + " cannot be loaded: " + ec.message(),
          "http.ca_file names a readable file of PEM certificates");
  }
  return out;
}

struct client::impl {
  asio::io_context io;
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  std::shared_ptr<client_shared> shared;
  std::mutex guard;  ///< of the two below; held while a call is posted, so that none comes late
  std::map<std::string, std::shared_ptr<client_pool>> pools;
  bool stopped = false;
  std::vector<std::thread> threads;

  void run() {
    for (;;) {
      try {
        io.run();
        return;
      } catch (const std::exception& e) {  // a bug: one call is lost, the others go on
        log::error("client thread caught an exception", {log::kv("detail", e.what())});
      }
    }
  }

  std::shared_ptr<client_pool> pool_of(const call_target& target) {
    // a pool is referred to by its calls and, while connections idle, by its sweep
    if (pools.size() > many_pools)
      std::erase_if(pools, [](const auto& p) { return p.second.use_count() == 1; });
    auto& pool = pools[target.pool_key()];
    if (!pool) pool = std::make_shared<client_pool>(io, shared);
    return pool;
  }
};

client::client(client_options options) : impl_(std::make_unique<impl>()) {
  const auto threads = std::clamp(options.threads, 1u, 64u);
  impl_->shared = make_client_shared(std::move(options));
  for (unsigned i = 0; i < threads; ++i)
    impl_->threads.emplace_back([p = impl_.get()] { p->run(); });
}

client::~client() {
  shutdown();
  for (auto& t : impl_->threads) t.join();
}

result<void> client::problem() const {
  for (const auto* p : {&impl_->shared->https_proxy_problem, &impl_->shared->http_proxy_problem,
                        &impl_->shared->tls_problem})
    if (*p) return **p;
  return {};
}

void client::send(protocol::http_request request, call_limits limits, completion done) {
  auto& shared = *impl_->shared;
  ++shared.sent;
  const auto refuse = [&](failure f) {
    // on a thread of ours, as promised; only after the shutdown there is none
    {
      const std::lock_guard lock{impl_->guard};
      if (!impl_->stopped) {
        asio::post(impl_->io, [done, f = std::move(f)] { done(f); });
        return;
      }
    }
    done(f);
  };
  auto target = parse_target(request.url);
  if (!target) return refuse(target.error());
  if (target->tls && shared.tls_problem) return refuse(*shared.tls_problem);
  std::optional<proxy_address> proxy;
  if (!bypasses_proxy(*target, shared.options.no_proxy)) {
    const auto& problem = target->tls ? shared.https_proxy_problem : shared.http_proxy_problem;
    if (problem) return refuse(*problem);  // never around a proxy that was asked for
    proxy = target->tls ? shared.https_proxy : shared.http_proxy;
  }
  const bool absolute = proxy && !target->tls;
  auto head = render_head(request, *target, shared.options.user_agent, absolute,
                          absolute ? proxy->authorization : secret{});
  if (!head) return refuse(head.error());

  std::unique_lock lock{impl_->guard};
  if (impl_->stopped) {
    lock.unlock();
    done(failure{.code = errc::cancelled, .where = "http.client", .detail = "shutting down"});
    return;
  }
  ++shared.in_flight;
  auto pool = impl_->pool_of(*target);
  const auto strand = pool->strand();
  auto call =
      std::make_shared<client_call>(std::move(pool), std::move(request), std::move(*target),
                                    std::move(proxy), std::move(*head), limits, std::move(done));
  asio::post(strand, [call = std::move(call)] { call->start(); });
}

client_figures client::figures() const noexcept {
  const auto& s = *impl_->shared;
  return {s.sent, s.opened, s.reused, s.repeated, s.in_flight};
}

void client::shutdown() {
  const std::lock_guard lock{impl_->guard};
  if (impl_->stopped) return;
  impl_->stopped = true;
  impl_->work.reset();
  if (impl_->pools.empty()) return;  // what was refused and waits is run, then the threads end
  // A name being resolved would keep run() busy; when all calls have ended nothing is left to do.
  auto left = std::make_shared<std::atomic<std::size_t>>(impl_->pools.size());
  for (const auto& [key, pool] : impl_->pools)
    asio::post(pool->strand(), [pool = pool, left, io = &impl_->io] {
      pool->cancel_all();
      if (--*left == 0) asio::post(*io, [io] { io->stop(); });
    });
}

}  // namespace pb::http
