#include "protocol/lark/pace.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

namespace pb::protocol::lark {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace std::chrono_literals;

/// A little more than the second that Feishu counts: calls do not arrive as evenly as they leave.
constexpr milliseconds chat_window{1'100};
constexpr milliseconds second_window{1'000};
constexpr milliseconds minute_window{60'000};
constexpr milliseconds chat_recovers_each{60'000};
constexpr milliseconds longest_chat_block{30'000};
constexpr std::size_t chats_before_sweep = 256;

milliseconds up(steady_time::duration d) noexcept {
  return std::max(milliseconds{1}, std::chrono::ceil<milliseconds>(d));
}

/// What a refusal tells about the pace, and about all other calls.
enum class told : std::uint8_t { nothing, good, chat_limit, operation_limit, month, app_off };
constexpr std::array chat_limits{230'020, 11'232, 11'233};
constexpr std::array apps_off{10'014, 10'015, 99'991'401, 99'991'662, 99'991'673};
constexpr std::int64_t month_used_up = 99'991'403;

template <std::size_t N>
bool one_of(const std::array<int, N>& codes, std::int64_t code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

told told_by(const failure& refused) {
  const auto code = remote_code(refused);
  if (one_of(chat_limits, code)) return told::chat_limit;
  if (one_of(apps_off, code)) return told::app_off;
  if (code == month_used_up) return told::month;
  if (refused.code == errc::rate_limited) return told::operation_limit;
  return told::nothing;
}

milliseconds reset_of(const http_response& answer) {
  const auto hint = pace_of(answer);
  return hint ? std::clamp<milliseconds>(hint->reset, 1s, 1h) : milliseconds{1'000};
}

/// Feishu's tenants count by their own calendar; China's is the usual one.
std::string month_of(timestamp wall) {
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(wall + 8h)};
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u", static_cast<int>(day.year()),
                static_cast<unsigned>(day.month()));
  return text.data();
}

}  // namespace

pace_limits pace::clamped(pace_limits l) noexcept {
  l.per_second = std::clamp(l.per_second, 1U, 100'000U);
  l.per_minute = std::clamp(l.per_minute, 1U, 1'000'000U);
  l.chat_per_second = std::clamp(l.chat_per_second, 1U, 1'000U);
  l.per_month = std::max<std::int64_t>(l.per_month, 0);
  return l;
}

void pace::forget_old(steady_time now) {
  while (!sent_.empty() && sent_.front() + minute_window <= now) sent_.pop_front();
  if (stopped_until_ && *stopped_until_ <= now) stopped_until_.reset();
  std::erase_if(held_, [now](const auto& h) { return h.second <= now; });
  if (chats_.size() < chats_before_sweep || swept_at_ + minute_window > now) return;
  swept_at_ = now;
  std::erase_if(chats_, [&](const auto& entry) {
    const chat& c = entry.second;
    return (c.sent.empty() || c.sent.back() + chat_window <= now) && c.blocked_until <= now &&
           allowed_of(c, now) >= limits_.chat_per_second;
  });
}

/// What was learned wears off: one more a minute.
std::uint32_t pace::allowed_of(const chat& c, steady_time now) const noexcept {
  if (c.allowed == 0) return limits_.chat_per_second;
  const auto minutes = static_cast<std::uint64_t>((now - c.learned_at) / chat_recovers_each);
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(limits_.chat_per_second, c.allowed + minutes));
}

std::optional<milliseconds> pace::chat_wait(const chat& c, steady_time now) const {
  auto when = c.blocked_until;
  const auto allowed = allowed_of(c, now);
  if (c.sent.size() >= allowed)
    when = std::max(when, c.sent[c.sent.size() - allowed] + chat_window);
  if (when <= now) return std::nullopt;
  return up(when - now);
}

std::optional<milliseconds> pace::app_wait(steady_time now) const {
  steady_time when{};
  const auto free_at = [&](std::uint32_t limit, milliseconds window) {
    if (sent_.size() >= limit) when = std::max(when, sent_[sent_.size() - limit] + window);
  };
  free_at(limits_.per_second, second_window);
  free_at(limits_.per_minute, minute_window);
  if (when <= now) return std::nullopt;
  return up(when - now);
}

/// What can be left out when the month's calls run low waits for long, so that a newer one takes
/// its place. Answers to people go on: only Feishu itself stops them (99991403).
std::optional<milliseconds> pace::thinned(steady_time now, const call& c) const {
  if (!c.deferrable || limits_.per_month == 0 || used_ * 100 < limits_.per_month * thin_percent)
    return std::nullopt;
  const milliseconds pause =
      used_ * 100 < limits_.per_month * scarce_percent ? thin_pause : scarce_pause;
  if (!last_deferrable_ || *last_deferrable_ + pause <= now) return std::nullopt;
  return up(*last_deferrable_ + pause - now);
}

pace_verdict pace::admit(steady_time now, timestamp wall, const call& c) {
  using who = pace_verdict::who;
  forget_old(now);
  turn_month(wall);
  if (const auto left = stopped_for(now); left > 0ms) return {who::call, left};
  if (const auto it = held_.find(c.operation); it != held_.end())
    return {who::call, up(it->second - now)};
  if (const auto wait = thinned(now, c)) return {who::call, *wait};
  if (!c.budget_key.empty()) {
    auto& ours = chats_[c.budget_key];
    while (!ours.sent.empty() && ours.sent.front() + chat_window <= now) ours.sent.pop_front();
    if (const auto wait = chat_wait(ours, now)) return {who::chat, *wait};
  }
  if (const auto wait = app_wait(now)) return {who::account, *wait};
  count(now, c);
  return {};
}

void pace::count(steady_time now, const call& c) {
  sent_.push_back(now);
  if (!c.budget_key.empty()) chats_[c.budget_key].sent.push_back(now);
  if (c.deferrable) last_deferrable_ = now;
  if (++used_ > saved_ahead_) saved_ahead_ = used_ + save_step;
  if (limits_.per_month == 0) return;
  for (const int percent : {thin_percent, scarce_percent, 100}) {
    if (warned_percent_ >= percent || used_ * 100 < limits_.per_month * percent) continue;
    warned_percent_ = percent;
    notices_.push_back({std::to_string(percent) + " % of this month's " +
                            std::to_string(limits_.per_month) + " calls to Feishu are used" +
                            (percent < 100 ? "; cards are refreshed less often" : ""),
                        false});
  }
}

void pace::turn_month(timestamp wall) {
  auto now = month_of(wall);
  // A clock that goes back does not give a month's calls back.
  if (now <= month_) return;
  const bool first = month_.empty();
  month_ = std::move(now);
  if (first) return;
  used_ = 0;
  saved_ahead_ = save_step;
  warned_percent_ = 0;
}

void pace::slow_down(steady_time now, const std::string& key) {
  auto& c = chats_[key];
  c.allowed = std::max(1U, allowed_of(c, now) / 2);
  c.learned_at = now;
  c.refused_in_row = std::min(c.refused_in_row + 1, 10U);
  const auto pause =
      std::min(longest_chat_block, milliseconds{1'000} * (1 << (c.refused_in_row - 1)));
  c.blocked_until = std::max(c.blocked_until, now + pause);
}

void pace::stop(steady_time now, milliseconds pause, const failure& refused) {
  auto why = refused.detail + (refused.remedy.empty() ? "" : "; " + refused.remedy);
  if (!stopped_until_) notices_.push_back({"calls to Feishu stop for a while: " + why, true});
  stopped_until_ = now + pause;
  why_stopped_ = std::move(why);
}

void pace::note(steady_time now, timestamp wall, const call& c, const http_response* answer) {
  forget_old(now);
  turn_month(wall);
  if (answer == nullptr) return;
  const auto refused = refusal_of(*answer, c.operation);
  switch (refused ? told_by(*refused) : told::good) {
    case told::good:
      if (const auto it = chats_.find(c.budget_key); it != chats_.end())
        it->second.refused_in_row = 0;
      return;
    case told::chat_limit:
      if (!c.budget_key.empty()) return slow_down(now, c.budget_key);
      [[fallthrough]];
    case told::operation_limit: {
      auto& until = held_[c.operation];
      until = std::max(until, now + reset_of(*answer));
      return;
    }
    case told::month:
      return stop(now, month_stop, *refused);
    case told::app_off:
      return stop(now, app_stop, *refused);
    case told::nothing:
      return;
  }
}

milliseconds pace::stopped_for(steady_time now) const noexcept {
  if (!stopped_until_ || *stopped_until_ <= now) return 0ms;
  return up(*stopped_until_ - now);
}

std::string pace::take_saved() {
  kept_ahead_ = saved_ahead_;
  return month_ + " " + std::to_string(saved_ahead_);
}

void pace::restore(std::string_view saved) {
  const auto space = saved.find(' ');
  if (space != 7) return;
  std::int64_t n = 0;
  const auto digits = saved.substr(space + 1);
  const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (r.ec != std::errc{} || r.ptr != digits.data() + digits.size() || n < 0) return;
  // What was sent before it was read counts too.
  const auto month = saved.substr(0, space);
  if (!month_.empty() && month != month_) return;
  month_ = month;
  used_ += n;
  saved_ahead_ = used_ > n ? used_ + save_step : n;
  kept_ahead_ = n;
}

std::vector<pace_notice> pace::take_notices() { return std::exchange(notices_, {}); }

pace::view pace::look(steady_time now, timestamp wall) {
  forget_old(now);
  turn_month(wall);
  view v;
  v.last_minute = static_cast<std::uint32_t>(sent_.size());
  v.last_second = static_cast<std::uint32_t>(std::count_if(
      sent_.begin(), sent_.end(), [now](steady_time t) { return t + second_window > now; }));
  v.this_month = used_;
  v.per_minute = limits_.per_minute;
  v.per_month = limits_.per_month;
  v.slow_chats =
      static_cast<std::size_t>(std::count_if(chats_.begin(), chats_.end(), [&](const auto& c) {
        return allowed_of(c.second, now) < limits_.chat_per_second || c.second.blocked_until > now;
      }));
  v.stopped_for = stopped_for(now);
  return v;
}

std::optional<milliseconds> next_try(const http_response* answer, const call& c, unsigned tries,
                                     double draw) {
  const auto jitter = [draw](milliseconds m) {
    return m + milliseconds{static_cast<milliseconds::rep>(static_cast<double>(m.count()) * 0.25 *
                                                           std::clamp(draw, 0.0, 1.0))};
  };
  const auto refused = answer != nullptr ? refusal_of(*answer, c.operation) : std::nullopt;
  if (answer == nullptr || is_down(*answer, c.operation)) {
    // Sends carry a uuid, so they may be repeated too; who says otherwise looks first.
    if (!c.idempotent || tries > 1) return std::nullopt;
    return jitter(2'000ms);
  }
  if (!refused || tries > 3) return std::nullopt;
  if (remedy_of(*refused) == remedy::retry_soon) return jitter(milliseconds{500} * tries);
  switch (told_by(*refused)) {
    case told::chat_limit:
      // Its turn comes when the chat's pace allows it.
      if (c.budget_key.empty()) return std::nullopt;
      return jitter(100ms);
    case told::operation_limit: {
      const auto pause = reset_of(*answer);
      if (pause > 5s || tries > 2) return std::nullopt;
      return jitter(pause);
    }
    default:
      return std::nullopt;
  }
}

bool is_down(const http_response& answer, std::string_view operation) {
  const auto refused = refusal_of(answer, operation);
  return refused && refused->code == errc::upstream_down &&
         remedy_of(*refused) != remedy::retry_soon;
}

bool refuses_token(const http_response& answer, std::string_view operation) {
  const auto refused = refusal_of(answer, operation);
  return refused && remedy_of(*refused) == remedy::refresh_token;
}

}  // namespace pb::protocol::lark
