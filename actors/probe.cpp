#include "actors/probe.hpp"

namespace pb::actors {

void probe::state(std::string_view text, timestamp now) {
  const std::lock_guard hold{texts_};
  if (state_ == text) return;
  state_ = text;
  state_since_ = now;
}

void probe::event(std::string_view text, timestamp now) {
  const std::lock_guard hold{texts_};
  last_event_ = text;
  if (recent_.size() == recent_limit) recent_.erase(recent_.begin());
  recent_.push_back({now, std::string{text}});
}

void probe::in_flight(std::string_view effect) {
  const std::lock_guard hold{texts_};
  in_flight_ = effect;
}

probe::figures probe::read(bool with_recent) const {
  figures f;
  f.id = id_;
  f.kind = kind_;
  f.key = key_;
  f.parent = parent_;
  f.since = since_;
  f.mailbox = mailbox_.load(std::memory_order_relaxed);
  f.handled = handled_.load(std::memory_order_relaxed);
  f.failed = failed_.load(std::memory_order_relaxed);
  f.restarts = restarts_.load(std::memory_order_relaxed);
  const std::lock_guard hold{texts_};
  f.state = state_;
  f.state_since = state_since_;
  f.last_event = last_event_;
  f.in_flight = in_flight_;
  if (with_recent) f.recent = recent_;
  return f;
}

std::shared_ptr<probe> probe_registry::add(std::string kind, std::string key, std::string parent) {
  const std::lock_guard hold{lock_};
  const auto id = ++last_id_;
  auto p =
      std::make_shared<probe>(id, std::move(kind), std::move(key), std::move(parent), clock_.now());
  probes_.emplace(id, p);
  // Passivated actors leave dead entries: swept once in a while, so that memory stays bounded.
  if (++since_sweep_ > 1024 && since_sweep_ > probes_.size() / 2) {
    std::erase_if(probes_, [](const auto& e) { return e.second.expired(); });
    since_sweep_ = 0;
  }
  return p;
}

std::vector<probe::figures> probe_registry::all() const {
  std::vector<std::shared_ptr<probe>> alive;
  {
    const std::lock_guard hold{lock_};
    alive.reserve(probes_.size());
    for (const auto& [id, weak] : probes_)
      if (auto p = weak.lock()) alive.push_back(std::move(p));
  }
  std::vector<probe::figures> out;
  out.reserve(alive.size());
  for (const auto& p : alive) out.push_back(p->read(false));
  return out;
}

std::shared_ptr<probe> probe_registry::find(std::uint64_t id) const {
  const std::lock_guard hold{lock_};
  const auto it = probes_.find(id);
  return it == probes_.end() ? nullptr : it->second.lock();
}

std::size_t probe_registry::size() const {
  const std::lock_guard hold{lock_};
  std::size_t n = 0;
  for (const auto& [id, weak] : probes_)
    if (!weak.expired()) ++n;
  return n;
}

}  // namespace pb::actors
