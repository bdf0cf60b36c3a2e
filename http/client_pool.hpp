// http/client_pool: the connections to one (scheme, host, port) and the calls that wait for one.
// Internal to the client. Everything of a pool and of its calls runs on the pool's strand.
#pragma once
#include <atomic>
#include <boost/asio/ssl/context.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_set>

#include "base/log.hpp"
#include "http/client.hpp"
#include "http/client_connection.hpp"
#include "http/client_target.hpp"

namespace pb::http {

class client_call;

/// How many addresses of a name are tried.
inline constexpr std::size_t max_endpoints = 16;

/// What all pools of a client share. Read only after construction, but for the counters and the
/// system's authorities.
struct client_shared {
  /// Before a handshake, any thread: reads the system's certificate authorities the first time.
  /// Not at start: they take 3 MB, and who speaks plain HTTP to neighbours never needs them.
  void trust_the_system() {
    std::call_once(trusted_, [this] {
      boost::system::error_code ec;
      tls.set_default_verify_paths(ec);
      // without them every certificate is refused, and the refusal says so
      if (ec)
        log::error("certificate authorities cannot be read", {log::kv("error", ec.message())});
    });
  }

  client_options options;
  boost::asio::ssl::context tls{boost::asio::ssl::context::tls_client};
  std::optional<proxy_address> https_proxy, http_proxy;
  std::optional<failure> tls_problem, https_proxy_problem, http_proxy_problem;
  std::atomic<std::uint64_t> sent{0}, opened{0}, reused{0}, repeated{0}, in_flight{0};

private:
  std::once_flag trusted_;
};

/// Reads the options; what is wrong with them is kept for the calls that need them.
std::shared_ptr<client_shared> make_client_shared(client_options options);

class client_pool : public std::enable_shared_from_this<client_pool> {
public:
  client_pool(boost::asio::io_context& io, std::shared_ptr<client_shared> shared)
      : strand_(boost::asio::make_strand(io)), shared_(std::move(shared)), sweep_(strand_) {}

  [[nodiscard]] const client_strand& strand() const noexcept { return strand_; }
  [[nodiscard]] client_shared& shared() noexcept { return *shared_; }

  /// The rest: on the strand. A call enters once and leaves once.
  void enter(const std::shared_ptr<client_call>& c);
  void leave(const std::shared_ptr<client_call>& c);
  /// Gives the call's place back, with its connection when that may serve again.
  void give_back(std::shared_ptr<client_connection> reusable);
  void cancel_all();

private:
  void hand_out();
  std::shared_ptr<client_connection> take_idle();
  void schedule_sweep();
  void close_expired();

  struct idle {
    std::shared_ptr<client_connection> connection;
    std::chrono::steady_clock::time_point since;
  };

  client_strand strand_;
  std::shared_ptr<client_shared> shared_;
  client_timer sweep_;
  bool sweeping_ = false;
  bool stopped_ = false;
  std::size_t busy_ = 0;   ///< places taken: at most max_connections_per_host
  std::deque<idle> idle_;  ///< newest at the back
  std::deque<std::shared_ptr<client_call>> waiting_;
  std::unordered_set<std::shared_ptr<client_call>> present_;  ///< entered, not left
};

}  // namespace pb::http
