// http/event_pipe: pieces of a long answer on their way from any thread to the connection's. The
// buffer is bounded: a subscriber that does not keep up is dropped, never waited for.
#pragma once
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "http/server.hpp"

namespace pb::http {

class server_connection;
struct server_worker;

class event_pipe : public std::enable_shared_from_this<event_pipe> {
public:
  static constexpr std::size_t most_waiting_bytes = 256 * 1024;

  event_pipe(std::weak_ptr<server_worker> on, std::weak_ptr<server_connection> to)
      : worker_(std::move(on)), connection_(std::move(to)) {}
  /// What a handler gets; the pipe closes when its last copy goes.
  event_stream handle();
  /// For a request that was answered otherwise.
  static event_stream dead();

  // any thread
  bool send(std::string_view piece);
  void close();

  // the connection's thread
  std::string take();  ///< all that waits; counts as waiting until written()
  void written();
  void gone();  ///< the connection is no more
  [[nodiscard]] bool ended() const;
  [[nodiscard]] bool overflowed() const;

private:
  void wake();  ///< under guard_

  std::weak_ptr<server_worker> worker_;  ///< weak: the worker's queue may hold this pipe
  std::weak_ptr<server_connection> connection_;
  mutable std::mutex guard_;
  std::string waiting_;
  std::size_t in_flight_ = 0;
  bool woken_ = false, closed_ = false, overflowed_ = false;
};

}  // namespace pb::http
