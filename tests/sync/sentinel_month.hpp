// tests/sync/sentinel_month: a team's month in Plane, minute by minute, as the sentinel sees it:
// office hours, quiet nights and weekends, a program that writes over the API, and all the changes
// that Plane announces to nobody although its webhook is well. No actors and no store, so that
// hundreds of months take seconds; tests/actors/sentinel.cpp runs a few through the real thing.
#pragma once
#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "sync/sentinel.hpp"

namespace pb::test {
using namespace std::chrono_literals;

struct team {
  std::uint32_t seed = 1;
  bool api_is_announced = true;  ///< false: as v0.25, where a program's writes tell nobody
  double lost = 0.001;           ///< webhooks that never come, one by one
  double late = 0.003;           ///< that come with Plane's next attempt, up to 10 minutes later
  double edits_per_day = 25;     ///< of each person
  unsigned people = 6;
  std::chrono::seconds clock_ahead{0};  ///< Plane's clock less ours
};

/// What is wrong in this month, from a moment on, and for how long.
struct outage {
  enum class kind { none, off, secret, items_off };
  kind what = kind::none;
  timestamp from{}, until{};
};

struct month_result {
  std::size_t doubts = 0, alarms = 0, changes = 0, unannounced = 0;
  std::optional<timestamp> first_lost;  ///< by our clock: of what was announced until then
  std::optional<timestamp> noticed, alarmed;
  sync::webhook_state as = sync::webhook_state::well;
  std::optional<timestamp> cleared;
};

class month {
public:
  static constexpr timestamp start = from_micros(1'793'577'600'000'000);  // a Monday, 00:00 UTC
  static constexpr auto length = 28 * 24h;

  explicit month(team t, outage o = {}) : team_(t), outage_(o), random_(t.seed) { plan(); }

  month_result run() {
    using sync::webhook_state;
    std::size_t told = 0, listed = 0;
    std::stable_sort(webhooks_.begin(), webhooks_.end(),
                     [](const auto& a, const auto& b) { return a.at < b.at; });
    std::stable_sort(finds_.begin(), finds_.end(),
                     [](const auto& a, const auto& b) { return a.at < b.at; });
    find_first_lost();
    sync::sentinel s;
    s.blind_until(start);
    webhook_state was = webhook_state::well;
    for (auto minute = start; minute < start + length + 2h; minute += 60s) {
      const auto before = told + listed;
      for (; told < webhooks_.size() && webhooks_[told].at <= minute; ++told)
        tell(s, webhooks_[told]);
      for (; listed < finds_.size() && finds_[listed].at <= minute; ++listed)
        if (!announced_by(finds_[listed], minute)) {
          s.missed(finds_[listed].what, minute);
          ++result_.unannounced;
        }
      // Nothing new: nothing but patience could change the verdict.
      if (told + listed == before && minute.time_since_epoch() % 10min != 0s) continue;
      (void)s.judge(minute, {});
      const auto now = s.verdict().state;
      note(was, now, minute);
      was = now;
    }
    return result_;
  }

private:
  static constexpr auto found_after = 60s;  ///< a poll comes as often

  struct happening {
    timestamp at{};
    sync::item_change what;
    bool of_work_item = true, right = true;
    bool lost_in_outage = false;
    std::optional<timestamp> told_at{};
  };

  void note(sync::webhook_state was, sync::webhook_state now, timestamp at) {
    using sync::webhook_state;
    if (now == webhook_state::doubtful && was == webhook_state::well) ++result_.doubts;
    if (is_alarm(now) && !is_alarm(was)) ++result_.alarms;
    const bool in_outage = result_.first_lost && at >= *result_.first_lost;
    if (in_outage && !result_.alarmed && is_alarm(was)) return;  // of before
    if (in_outage && now != webhook_state::well && !result_.noticed) result_.noticed = at;
    if (in_outage && is_alarm(now)) {
      if (!result_.alarmed) result_.alarmed = at;
      result_.as = now;
    }
    if (result_.alarmed && now == webhook_state::well && !result_.cleared) result_.cleared = at;
  }

  static void tell(sync::sentinel& s, const happening& w) {
    if (!w.right) return s.refused(w.what.item, w.at);
    s.arrived(w.at, w.of_work_item);
    if (w.of_work_item) s.told(w.what, w.at);
  }

  /// What a webhook told before the poll looked is known, and the poll finds nothing new.
  static bool announced_by(const happening& f, timestamp minute) {
    return f.told_at && *f.told_at <= minute;
  }

  /// Of a kind that nine times of ten was announced until then when this author made it: a job of
  /// Plane's that closes old items in somebody's name tells nobody, and one more such change says
  /// nothing. A wrongly signed webhook always says something.
  void find_first_lost() {
    std::map<std::pair<std::string, unsigned long>, std::vector<bool>> until_then;
    for (const auto& f : finds_) {
      auto& announced = until_then[{f.what.author, f.what.kinds.to_ulong()}];
      const auto recent = announced.end() - std::min<std::ptrdiff_t>(std::ssize(announced), 64);
      const auto told = std::count(recent, announced.end(), true);
      const bool usual = told >= 9 * (announced.end() - recent - told);
      if (f.lost_in_outage && (usual || outage_.what == outage::kind::secret)) {
        result_.first_lost = f.at - found_after;
        return;
      }
      announced.push_back(f.told_at.has_value());
    }
  }

  double draw() { return std::uniform_real_distribution<double>{0, 1}(random_); }
  std::int64_t between(std::int64_t a, std::int64_t b) {
    return std::uniform_int_distribution<std::int64_t>{a, b}(random_);
  }

  void change(timestamp at, const std::string& author, sync::change_kind kind, bool announced) {
    ++result_.changes;
    happening f;
    f.what.item = "item-" + std::to_string(between(0, 399));
    f.what.author = author;
    f.what.kinds.set(static_cast<std::size_t>(kind));
    f.what.made_at = at + team_.clock_ahead;
    f.at = at + found_after;
    if (announced) {
      happening w = f;
      const auto pause = draw() < team_.late ? between(1'000, 600'000) : between(50, 2'000);
      w.at = at + std::chrono::milliseconds{pause};
      const bool hit =
          outage_.what != outage::kind::none && at >= outage_.from && at < outage_.until;
      // Drafts and dates may be made without a webhook, so nobody is sure of those.
      const bool may_be_silent =
          kind == sync::change_kind::created || kind == sync::change_kind::dates;
      const bool sure = outage_.what == outage::kind::secret || !may_be_silent;
      f.lost_in_outage = hit && sure;
      w.right = !hit || outage_.what != outage::kind::secret;
      const bool gone = (hit && w.right) || draw() < team_.lost;
      if (!gone) {
        if (w.right) f.told_at = w.at;
        webhooks_.push_back(std::move(w));
      }
    }
    finds_.push_back(std::move(f));
  }

  void other_webhook(timestamp at) {  // a comment, a cycle
    const bool hit = outage_.what != outage::kind::none && at >= outage_.from && at < outage_.until;
    if (hit && outage_.what != outage::kind::items_off) return;
    happening w;
    w.at = at + 300ms;
    w.of_work_item = false;
    webhooks_.push_back(std::move(w));
  }

  sync::change_kind usual_kind() {
    using k = sync::change_kind;
    const auto d = draw();
    return d < 0.42   ? k::state
           : d < 0.57 ? k::text
           : d < 0.62 ? k::name
           : d < 0.68 ? k::priority
           : d < 0.79 ? k::assignees
           : d < 0.87 ? k::labels
           : d < 0.96 ? k::created
                      : k::dates;
  }

  timestamp within(timestamp day, std::chrono::hours from, std::chrono::hours to) {
    return day + from + std::chrono::milliseconds{between(0, (to - from) / 1ms)};
  }

  void plan() {
    using k = sync::change_kind;
    std::string last_editor = "person-0";
    for (int n = 0; n < 28; ++n) {
      const auto day = start + n * 24h;
      const bool weekend = n % 7 >= 5;
      for (unsigned p = 0; p < team_.people; ++p) {
        const auto who = "person-" + std::to_string(p);
        const double edits = weekend ? 0.4 : team_.edits_per_day * (0.5 + draw());
        for (int e = 0; e < static_cast<int>(edits) || draw() < edits - static_cast<int>(edits);
             ++e) {
          const bool late = draw() < 0.04;  // somebody thinks of something in the evening
          const auto what = usual_kind();   // drawn in this order by every compiler
          change(late ? within(day, 18h, 24h) : within(day, 8h, 18h), who, what, true);
          last_editor = who;
          if (e > 200) break;
        }
        // A link, a cycle, a deleted comment: a newer time, and nobody is told.
        for (int e = 0; e < (weekend ? 0 : 3); ++e)
          change(within(day, 8h, 20h), who, k::touched, false);
        if (!weekend)
          for (int e = 0; e < 4; ++e) other_webhook(within(day, 8h, 18h));
      }
      if (!weekend && draw() < 0.5)  // a draft is published, an intake item accepted
        change(within(day, 8h, 22h), "person-1", k::created, false);
      if (n % 7 == 4 || draw() < 0.05) {  // bars dragged on the time line, also in the evening
        auto at = within(day, 14h, 22h);
        const auto who = "person-" + std::to_string(between(0, team_.people - 1));
        for (auto left = between(4, 20); left > 0; --left) {
          change(at, who, k::dates, false);
          at += std::chrono::seconds{between(5, 90)};
        }
      }
      if (draw() < 0.3) {  // what is old is closed and archived by a job of Plane's
        const auto at = day + 1h;
        for (auto left = between(1, 12); left > 0; --left) {
          const auto when = at + std::chrono::milliseconds{between(0, 20'000)};
          change(when, last_editor, draw() < 0.5 ? k::archived : k::state, false);
        }
      }
      for (auto left = between(0, 2); left > 0; --left)
        change(within(day, 8h, 20h), "person-2", k::removed, false);
      // A program writes states and labels around the clock.
      for (auto at = day + 7min; at < day + 24h; at += std::chrono::minutes{between(9, 40)})
        change(at, "program", draw() < 0.7 ? k::state : k::labels, team_.api_is_announced);
    }
  }

  team team_;
  outage outage_;
  std::mt19937 random_;
  std::vector<happening> webhooks_, finds_;
  month_result result_;
};

}  // namespace pb::test
