#include "protocol/plane/rate_limit.hpp"

#include <algorithm>
#include <charconv>

namespace pb::protocol::plane {
namespace {

using std::chrono::milliseconds;
constexpr std::int64_t max_remaining = 1'000'000;
/// Longer than the window, a pause is not worth holding a call for.
constexpr milliseconds longest_hold{60'000};
constexpr std::uint32_t max_repeats_429 = 3;

std::optional<std::int64_t> remaining_of(const http_response& answer) {
  const auto text = answer.header("X-RateLimit-Remaining");
  std::int64_t value = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || r.ec != std::errc{} || r.ptr != text.data() + text.size() || value < 0 ||
      value > max_remaining)
    return std::nullopt;
  return value;
}

milliseconds up(steady_time::duration d) noexcept {
  return std::max(milliseconds{}, std::chrono::ceil<milliseconds>(d));
}

milliseconds scaled(milliseconds m, double factor) noexcept {
  return milliseconds{static_cast<milliseconds::rep>(static_cast<double>(m.count()) * factor)};
}

}  // namespace

request_budget::request_budget(std::uint32_t limit, std::uint32_t scan_share_percent) {
  use(limit, scan_share_percent);
}

void request_budget::use(std::uint32_t limit, std::uint32_t scan_share_percent) noexcept {
  limit_ = std::clamp(limit, 1U, 1'000'000U);
  scan_limit_ = static_cast<std::uint32_t>(std::max<std::uint64_t>(
      1, std::uint64_t{limit_} * std::clamp(scan_share_percent, 1U, 100U) / 100));
  reserve_ = limit_ / 10;
}

void request_budget::forget_old(steady_time now) {
  while (!sent_.empty() && sent_.front().at + window <= now) {
    if (remote_ && sent_.front().at <= remote_->at) ++remote_->returned_since;
    sent_.pop_front();
  }
  // After a whole window nothing that Plane counted then is counted any more.
  if (remote_ && remote_->at + window <= now) remote_.reset();
  if (blocked_until_ && *blocked_until_ <= now) blocked_until_.reset();
}

/// When fewer than `cap` of the sent ones are in the window.
steady_time request_budget::free_at(std::uint32_t cap, bool scans_only) const {
  std::size_t counted = 0;
  for (auto it = sent_.rbegin(); it != sent_.rend(); ++it) {
    if (scans_only && it->why != purpose::scan) continue;
    if (++counted == cap) return it->at + window;
  }
  return steady_time::min();
}

/// When Plane takes one more, as far as it told.
steady_time request_budget::remote_free_at() const {
  if (!remote_) return steady_time::min();
  auto missing = remote_->sent_since + 1 - remote_->credit - remote_->returned_since;
  if (missing <= 0) return steady_time::min();
  for (const auto& s : sent_) {
    if (s.at > remote_->at) break;
    if (--missing == 0) return s.at + window;
  }
  return remote_->at + window;  // others use the key too: the upper bound counts
}

verdict request_budget::admit(steady_time now, purpose why) {
  forget_old(now);
  const auto cap = why == purpose::person ? limit_ : limit_ - reserve_;
  auto when = std::max(free_at(cap, false), remote_free_at());
  if (why == purpose::scan) when = std::max(when, free_at(scan_limit_, true));
  if (blocked_until_) when = std::max(when, *blocked_until_);
  if (when > now) return {false, std::max(milliseconds{1}, up(when - now))};
  sent_.push_back({now, why});
  if (remote_) ++remote_->sent_since;
  ++in_flight_;
  return {true, {}};
}

void request_budget::remember(steady_time now, std::int64_t told, std::int64_t credit) {
  remote_ = remote_view{now, told, credit, 0, 0};
}

void request_budget::note_response(steady_time now, const http_response& answer) {
  forget_old(now);
  note_no_answer();
  const auto remaining = remaining_of(answer);
  if (!remaining) return;  // absent on refused credentials and perhaps on other editions
  // What is in flight is possibly not yet in Plane's number.
  const auto waiting = std::min(in_flight_, static_cast<std::int64_t>(sent_.size()));
  remember(now, *remaining,
           *remaining < low_water ? 0 : std::max<std::int64_t>(0, *remaining - waiting));
}

void request_budget::note_429(steady_time now, std::optional<milliseconds> retry_after) {
  forget_old(now);
  note_no_answer();
  const auto pause = std::clamp(retry_after.value_or(milliseconds{1000}), milliseconds{1},
                                milliseconds{std::chrono::hours{24}});
  const auto until = now + pause;
  blocked_until_ = blocked_until_ ? std::max(*blocked_until_, until) : until;
  // Then one goes, and its answer tells how many more.
  remember(now, 0, 1);
}

void request_budget::note_no_answer() { in_flight_ = std::max<std::int64_t>(0, in_flight_ - 1); }

request_budget::view request_budget::look(steady_time now) {
  forget_old(now);
  view v;
  v.limit = limit_;
  v.used = static_cast<std::uint32_t>(sent_.size());
  v.used_by_scans = static_cast<std::uint32_t>(std::count_if(
      sent_.begin(), sent_.end(), [](const sent& s) { return s.why == purpose::scan; }));
  v.in_flight = static_cast<std::uint32_t>(in_flight_);
  if (remote_) v.remote_remaining = remote_->told;
  if (blocked_until_) v.blocked_for = up(*blocked_until_ - now);
  return v;
}

retry_decision next_try(const failure& f, std::uint32_t tries, double unit_draw,
                        bool idempotent) noexcept {
  using then = retry_decision::then;
  const auto draw = std::clamp(unit_draw, 0.0, 1.0);
  const auto repeats = tries > 0 ? tries - 1 : 0;
  switch (f.code) {
    case errc::rate_limited: {
      // Asked pauses are never shortened; a little is added so that callers spread.
      const auto doubled = milliseconds{1000} * (milliseconds::rep{1} << std::min(repeats, 2U));
      const auto pause = f.retry_after ? *f.retry_after + scaled(milliseconds{1000}, draw)
                                       : scaled(doubled, 0.75 + 0.5 * draw);
      const bool again = repeats < max_repeats_429 && pause <= longest_hold + milliseconds{1000};
      return {again ? then::again : then::durable, pause, false};
    }
    case errc::upstream_down:
    case errc::timed_out: {
      const auto pause = std::max(milliseconds{2000}, f.retry_after.value_or(milliseconds{}));
      // Plane may have done the work and lost the answer, also behind a 500.
      if (!idempotent) return {then::durable, pause, true};
      const bool again = repeats < 1 && pause <= longest_hold;
      return {again ? then::again : then::durable, pause, false};
    }
    case errc::dns:
    case errc::tls:
    case errc::breaker_open:
    case errc::cancelled:
    case errc::storage:
    case errc::crashed:
      // Nothing was sent, or nothing is known: not worth holding on, and not the call's fault.
      return {then::durable, f.retry_after.value_or(milliseconds{}), f.code == errc::crashed};
    default:
      return {then::final, {}, false};
  }
}

}  // namespace pb::protocol::plane
