#include "actors/probe.hpp"

#include <cstring>
#include <limits>

namespace pb::actors {
namespace {

using length = std::uint16_t;
constexpr std::size_t head_bytes = sizeof(std::int64_t) + sizeof(length);

template <class T>
T read_raw(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
template <class T>
void append_raw(std::string& to, T value) {
  std::array<char, sizeof value> bytes;
  std::memcpy(bytes.data(), &value, sizeof value);
  to.append(bytes.data(), bytes.size());
}
std::size_t size_of_first(std::string_view events) {
  return head_bytes + read_raw<length>(events.data() + sizeof(std::int64_t));
}

}  // namespace

void probe::state(std::string_view text, timestamp now) {
  const std::lock_guard hold{texts_};
  if (state_ == text) return;
  state_ = text;
  state_since_ = now;
}

void probe::event(std::string_view text, timestamp now) {
  const std::lock_guard hold{texts_};
  if (recent_count_ == recent_limit)
    recent_.erase(0, size_of_first(recent_));
  else
    ++recent_count_;
  text = text.substr(0, std::numeric_limits<length>::max());
  append_raw(recent_, to_micros(now));
  append_raw(recent_, static_cast<length>(text.size()));
  recent_ += text;
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
  f.in_flight = in_flight_;
  for (std::string_view rest = recent_; !rest.empty();) {
    const auto n = size_of_first(rest);
    const auto text = rest.substr(head_bytes, n - head_bytes);
    if (with_recent)
      f.recent.push_back({from_micros(read_raw<std::int64_t>(rest.data())), std::string{text}});
    rest.remove_prefix(n);
    if (rest.empty()) f.last_event = text;
  }
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
