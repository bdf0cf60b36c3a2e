#include "actors/gap_monitor.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "base/log.hpp"
#include "sync/sentinel.hpp"

namespace pb::actors {

struct gap_monitor::impl {
  /// Told by every accept, so without the lock; the sentinel hears of it when it judges.
  std::atomic<std::int64_t> last_item_webhook{0}, last_other_webhook{0};
  mutable std::mutex lock;
  std::int64_t heard_of_other = 0;  // under the lock, like what follows
  sync::sentinel sentinel;
  bool restored = false, changed = false;
  view seen;
};

gap_monitor::gap_monitor() : impl_(std::make_unique<impl>()) {}
gap_monitor::~gap_monitor() = default;

void gap_monitor::webhook_arrived(timestamp at, std::string_view event) {
  (event.starts_with("issue.") ? impl_->last_item_webhook : impl_->last_other_webhook)
      .store(to_micros(at), std::memory_order_relaxed);
}
void gap_monitor::webhook_refused(std::string_view item, timestamp at) {
  const std::lock_guard hold{impl_->lock};
  impl_->sentinel.refused(item, at);
}
void gap_monitor::webhook_turned_away(timestamp at) {
  const std::lock_guard hold{impl_->lock};
  impl_->sentinel.blind_until(at);
}
void gap_monitor::told(const sync::item_change& c, timestamp received_at) {
  const std::lock_guard hold{impl_->lock};
  impl_->sentinel.told(c, received_at);
  impl_->changed = true;
}
void gap_monitor::missed(const sync::item_change& c, timestamp found_at) {
  const std::lock_guard hold{impl_->lock};
  impl_->sentinel.missed(c, found_at);
  impl_->changed = true;
  impl_->seen.last_unannounced = found_at;
  ++impl_->seen.found_by_polls;
}
void gap_monitor::listed(timestamp made_at, timestamp at) {
  const std::lock_guard hold{impl_->lock};
  impl_->sentinel.listed(made_at, at);
}

void gap_monitor::restore(std::string_view stored, timestamp now) {
  const std::lock_guard hold{impl_->lock};
  if (std::exchange(impl_->restored, true)) return;
  auto before = sync::sentinel::parse(stored);
  if (!before)
    log::warn("what was learned of the webhook is unreadable, starting anew",
              {log::kv("failure", before.error())});
  else
    impl_->sentinel.restore(std::move(*before));
  impl_->sentinel.blind_until(now);
}
std::string gap_monitor::to_store(bool anyway) {
  const std::lock_guard hold{impl_->lock};
  if (!std::exchange(impl_->changed, false) && !anyway) return {};
  return impl_->sentinel.to_json();
}
bool gap_monitor::judge(timestamp now, std::chrono::minutes patience) {
  const std::lock_guard hold{impl_->lock};
  impl_->sentinel.arrived(from_micros(impl_->last_item_webhook.load()), true);
  if (const auto other = impl_->last_other_webhook.load();
      std::exchange(impl_->heard_of_other, other) != other)
    impl_->sentinel.arrived(from_micros(other), false);
  sync::sentinel_policy policy;
  policy.patience = patience;
  const bool changed = impl_->sentinel.judge(now, policy);
  impl_->changed = impl_->changed || changed;
  return changed;
}
std::chrono::milliseconds gap_monitor::clock_offset() const {
  const std::lock_guard hold{impl_->lock};
  return impl_->sentinel.clock_offset();
}

void gap_monitor::poll_done(timestamp at, std::chrono::milliseconds took, std::string failed) {
  const std::lock_guard hold{impl_->lock};
  if (failed.empty()) impl_->seen.last_poll = at;
  impl_->seen.poll_took = took;
  impl_->seen.poll_failure = std::move(failed);
}
void gap_monitor::scan_done(timestamp at, std::chrono::milliseconds took, std::size_t items,
                            std::string failed) {
  const std::lock_guard hold{impl_->lock};
  if (failed.empty()) impl_->seen.last_scan = at;
  impl_->seen.scan_took = took;
  impl_->seen.scan_items = items;
  impl_->seen.scan_failure = std::move(failed);
}

void gap_monitor::was_away(timestamp from, timestamp until) {
  const std::lock_guard hold{impl_->lock};
  impl_->seen.away = absence{from, until, 0, false};
}
void gap_monitor::hole_fetched(std::size_t found, bool whole) {
  const std::lock_guard hold{impl_->lock};
  if (!impl_->seen.away || impl_->seen.away->fetched) return;
  impl_->seen.away->found += found;
  impl_->seen.away->fetched = whole;
}
void gap_monitor::projects_lost(std::vector<lost_project> all) {
  const std::lock_guard hold{impl_->lock};
  impl_->seen.lost = std::move(all);
}

gap_monitor::view gap_monitor::look() const {
  const std::lock_guard hold{impl_->lock};
  view v = impl_->seen;
  if (const auto at = std::max(impl_->last_item_webhook.load(), impl_->last_other_webhook.load());
      at != 0)
    v.last_webhook = from_micros(at);
  const auto& verdict = impl_->sentinel.verdict();
  v.webhook = sync::to_string(verdict.state);
  v.remedy = impl_->sentinel.remedy();
  v.alarm = sync::is_alarm(verdict.state);
  v.doubt = verdict.state == sync::webhook_state::doubtful;
  v.since = verdict.since;
  v.from = verdict.from;
  v.unannounced = verdict.unannounced;
  v.clock_offset = impl_->sentinel.clock_offset();
  const auto learned = impl_->sentinel.learned();
  for (std::size_t k = 0; k < learned.size(); ++k)
    if (learned[k].told + learned[k].missed > 0)
      v.learned.push_back(
          {sync::to_string(static_cast<sync::change_kind>(k)), learned[k].told, learned[k].missed});
  return v;
}

}  // namespace pb::actors
