#include "http/client_pool.hpp"

#include <algorithm>

#include "http/client_call.hpp"

namespace pb::http {

void client_pool::enter(const std::shared_ptr<client_call>& c) {
  present_.insert(c);
  if (stopped_) {
    c->cancel();
    return;
  }
  waiting_.push_back(c);
  hand_out();
}

void client_pool::leave(const std::shared_ptr<client_call>& c) {
  present_.erase(c);
  std::erase(waiting_, c);
}

void client_pool::give_back(std::shared_ptr<client_connection> reusable) {
  --busy_;
  if (reusable && !stopped_) {
    idle_.push_back({std::move(reusable), std::chrono::steady_clock::now()});
    schedule_sweep();
  }
  hand_out();
}

void client_pool::hand_out() {
  const auto most = std::max<std::size_t>(1, shared_->options.max_connections_per_host);
  while (!stopped_ && !waiting_.empty() && busy_ < most) {
    const auto next = std::move(waiting_.front());
    waiting_.pop_front();
    ++busy_;
    next->proceed(take_idle());
  }
}

std::shared_ptr<client_connection> client_pool::take_idle() {
  const auto oldest = std::chrono::steady_clock::now() - shared_->options.keep_alive;
  while (!idle_.empty()) {
    auto last = std::move(idle_.back());
    idle_.pop_back();
    if (last.since >= oldest && last.connection->is_quiet()) return std::move(last.connection);
  }
  return nullptr;
}

void client_pool::schedule_sweep() {
  if (sweeping_ || idle_.empty()) return;
  sweeping_ = true;
  sweep_.expires_at(idle_.front().since + shared_->options.keep_alive);
  sweep_.async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
    self->sweeping_ = false;
    if (ec || self->stopped_) return;
    self->close_expired();
    self->schedule_sweep();
  });
}

void client_pool::close_expired() {
  const auto now = std::chrono::steady_clock::now();
  while (!idle_.empty() && idle_.front().since + shared_->options.keep_alive <= now)
    idle_.pop_front();
}

void client_pool::cancel_all() {
  stopped_ = true;
  idle_.clear();
  sweep_.cancel();
  const auto all = present_;  // cancelling removes them
  for (const auto& c : all) c->cancel();
}

}  // namespace pb::http
