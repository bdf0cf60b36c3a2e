#include "http/event_pipe.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "http/server_connection.hpp"

namespace pb::http {
namespace {

/// A handler that forgets its stream has closed it.
struct held {
  explicit held(std::shared_ptr<event_pipe> p) : pipe(std::move(p)) {}
  ~held() { pipe->close(); }
  held(const held&) = delete;
  held& operator=(const held&) = delete;
  std::shared_ptr<event_pipe> pipe;
};

}  // namespace

event_stream event_pipe::handle() {
  const auto h = std::make_shared<held>(shared_from_this());
  return {[h](std::string_view piece) { return h->pipe->send(piece); }, [h] { h->pipe->close(); }};
}

event_stream event_pipe::dead() {
  return {[](std::string_view) { return false; }, [] {}};
}

void event_pipe::wake() {
  if (std::exchange(woken_, true)) return;
  const auto worker = worker_.lock();
  if (!worker) return;
  boost::asio::post(worker->io, [to = connection_] {
    if (const auto c = to.lock()) c->flush_stream();
  });
}

bool event_pipe::send(std::string_view piece) {
  const std::lock_guard lock{guard_};
  if (closed_) return false;
  if (waiting_.size() + in_flight_ + piece.size() > most_waiting_bytes) {
    closed_ = overflowed_ = true;
    waiting_ = {};
    woken_ = false;
    wake();
    return false;
  }
  waiting_.append(piece);
  wake();
  return true;
}

void event_pipe::close() {
  const std::lock_guard lock{guard_};
  if (std::exchange(closed_, true)) return;
  wake();
}

std::string event_pipe::take() {
  const std::lock_guard lock{guard_};
  woken_ = false;
  in_flight_ = waiting_.size();
  return std::exchange(waiting_, {});
}

void event_pipe::written() {
  const std::lock_guard lock{guard_};
  in_flight_ = 0;
}

void event_pipe::gone() {
  const std::lock_guard lock{guard_};
  closed_ = true;
  waiting_ = {};
}

bool event_pipe::ended() const {
  const std::lock_guard lock{guard_};
  return closed_ && waiting_.empty();
}

bool event_pipe::overflowed() const {
  const std::lock_guard lock{guard_};
  return overflowed_;
}

}  // namespace pb::http
