// http/server_state: what all connections of one server share, and the thread a connection lives
// on. Private to the server. A connection is touched by its worker's thread only.
#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/intrusive/list.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "http/line_budget.hpp"
#include "http/peer_limits.hpp"
#include "http/router.hpp"
#include "http/server.hpp"

namespace pb::http {

class server_connection;

/// What a connection waits for its peer to do: in this order they give way to newcomers when all
/// places are taken, the longest wait first.
enum class waits_for : unsigned char { leaving, request, head, body, taking };
inline constexpr std::size_t kinds_of_waiting = 5;

/// A connection's place among those of its worker that wait; none while its request is handled.
struct waiting_connection
    : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  /// Closed in favour of a newcomer.
  virtual void give_way() = 0;

protected:
  ~waiting_connection() = default;
};
using waiting_list =
    boost::intrusive::list<waiting_connection, boost::intrusive::constant_time_size<false>>;

struct server_state {
  server_state(server_options o, const clock_source& c, random_source& r)
      : options(std::move(o)), clock(c), limits(options.failed_requests_per_minute), random_(r) {}

  server_options options;
  const std::chrono::milliseconds shortest_wait =
      std::min({options.header_timeout, options.body_timeout, options.idle_timeout});
  const clock_source& clock;
  router routes;  ///< read only once the threads run
  proxy_list proxies;
  peer_limits limits;
  /// Of lines about what was refused: a flood of requests must not become one of lines.
  line_budget refusals;
  std::optional<boost::asio::ssl::context> tls;
  std::atomic<std::uint64_t> connections{0}, requests{0}, rejected{0}, in_flight{0};
  std::array<std::atomic<std::uint64_t>, 600> answers{};  ///< by status; 0: none
  std::atomic<std::size_t> kept_bytes{0};
  std::atomic<bool> draining{false};
  std::mutex quiet_guard;
  std::condition_variable quiet;  ///< told when `connections` falls to 0

  std::string new_request_id() {
    const std::lock_guard lock{random_guard_};
    return make_uuid(random_);
  }
  /// Asked before each line about what was refused; tells how many were left out before it.
  bool may_log_refusal();
  void connection_closed() {
    if (connections.fetch_sub(1) != 1) return;
    const std::lock_guard lock{quiet_guard};
    quiet.notify_all();
  }

private:
  std::mutex random_guard_;  ///< a seeded source is not thread-safe
  random_source& random_;
};

/// Responders keep it alive, so that an answer after the server's end meets a stopped context and
/// not freed memory. Its connections therefore hold no strong reference to it.
struct server_worker {
  boost::asio::io_context io{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  std::set<std::shared_ptr<server_connection>> connections;  ///< its thread only
  /// Those that wait for their peer, by what they wait for, the longest wait first; its thread
  /// only.
  std::array<waiting_list, kinds_of_waiting> waiting;
  std::thread thread;
};

}  // namespace pb::http
