#include "sync/breaker.hpp"

namespace pb::sync {

std::string_view to_string(breaker::state s) noexcept {
  switch (s) {
    case breaker::state::closed:
      return "closed";
    case breaker::state::open:
      return "open";
    case breaker::state::half_open:
      return "half-open";
  }
  return "closed";
}

std::optional<std::chrono::milliseconds> breaker::refuse(time now) {
  if (state_ == state::open) {
    if (now < opened_at_ + policy_.open_for) return opened_at_ + policy_.open_for - now;
    state_ = state::half_open;
    probing_ = false;
    good_probes_ = 0;
  }
  if (state_ == state::half_open) {
    if (probing_ && now < probe_at_ + policy_.open_for) return std::chrono::milliseconds{1'000};
    probing_ = true;
    probe_at_ = now;
  }
  return std::nullopt;
}

void breaker::succeeded(time) {
  if (state_ == state::half_open) {
    probing_ = false;
    if (++good_probes_ < policy_.probes_to_close) return;
    state_ = state::closed;
  }
  if (state_ == state::closed) failures_.clear();
}

void breaker::failed(time now) {
  if (state_ == state::half_open) {
    state_ = state::open;
    opened_at_ = now;
    return;
  }
  if (state_ == state::open) return;
  while (!failures_.empty() && now - failures_.front() > policy_.window) failures_.pop_front();
  failures_.push_back(now);
  if (failures_.size() >= policy_.failures) {
    state_ = state::open;
    opened_at_ = now;
    failures_.clear();
  }
}

}  // namespace pb::sync
