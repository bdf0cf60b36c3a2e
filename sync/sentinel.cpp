#include "sync/sentinel.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace pb::sync {
using std::chrono::milliseconds;
using namespace std::chrono_literals;
namespace {

constexpr std::size_t misses_held = 200, authors_held = 64, refused_held = 256, samples_held = 16;
constexpr double slips_full = 4'000;
constexpr std::uint32_t tally_full = 64;  ///< then both sides are halved: what is old fades
constexpr auto same_clock = 5s;           ///< clocks and webhooks differ by so much anyway
constexpr auto same_edit = 2s;            ///< Plane touches an item again in the background
constexpr auto unheard_at_most = 2min;  ///< a taken webhook is waited for, should a backlog hold it

constexpr std::size_t at(change_kind k) noexcept { return static_cast<std::size_t>(k); }

/// Every version announces these when a person makes them on the page.
constexpr std::array strong{change_kind::name,     change_kind::text,   change_kind::state,
                            change_kind::priority, change_kind::labels, change_kind::assignees};
/// These only mostly: dates can be dragged on the time line, drafts and intake become items.
constexpr std::array weak{change_kind::created, change_kind::dates};

template <std::size_t N>
bool is_one_of(const std::array<change_kind, N>& some, change_kind k) noexcept {
  return std::find(some.begin(), some.end(), k) != some.end();
}

bool reliable(std::uint32_t told, std::uint32_t missed) noexcept {
  return told >= 2 && told >= 9 * missed;
}

/// Which of two alarms says more; a verdict is only ever refined.
int rank(webhook_state s) noexcept {
  switch (s) {
    case webhook_state::well:
      return 0;
    case webhook_state::doubtful:
      return 1;
    case webhook_state::silent:
    case webhook_state::never_arrived:
      return 2;
    case webhook_state::work_items_off:
      return 3;
    case webhook_state::wrong_secret:
      break;
  }
  return 4;
}

}  // namespace

std::string_view to_string(change_kind k) noexcept {
  constexpr std::array<std::string_view, change_kinds_known> words{
      "created", "name",  "text",  "state",   "priority", "assignees",
      "labels",  "dates", "other", "touched", "archived", "removed"};
  return words[at(k)];
}

std::string_view to_string(webhook_state s) noexcept {
  constexpr std::array<std::string_view, 6> words{
      "well", "doubtful", "silent", "never_arrived", "wrong_secret", "work_items_off"};
  return words[static_cast<std::size_t>(s)];
}

std::string_view sentinel::remedy() const noexcept {
  const bool setting_up = verdict_.state == webhook_state::doubtful && !ever_heard_;
  return remedy_of(setting_up ? webhook_state::never_arrived : verdict_.state);
}

std::string_view remedy_of(webhook_state s) noexcept {
  switch (s) {
    case webhook_state::well:
      return {};
    case webhook_state::doubtful:
      return "nothing yet: the change was found by a poll. If this stays, look in Plane, workspace "
             "settings, webhooks, whether the webhook is active";
    case webhook_state::silent:
      return "in Plane: workspace settings, webhooks: is it active (Plane switches it off after "
             "six "
             "failures in a row), is its URL this service's /webhooks/plane? Polls find the "
             "changes "
             "meanwhile";
    case webhook_state::never_arrived:
      return "in Plane: workspace settings, webhooks: add one with this service's /webhooks/plane "
             "as its URL and its secret as PLANE_WEBHOOK_SECRET. Polls find the changes meanwhile";
    case webhook_state::wrong_secret:
      return "set PLANE_WEBHOOK_SECRET to the secret that Plane shows for the webhook (old and new "
             "separated by a comma), or regenerate it there; a relay that changes bodies does the "
             "same. Polls find the changes meanwhile";
    case webhook_state::work_items_off:
      break;
  }
  return "in Plane: workspace settings, webhooks: tick work items (issues) among the webhook's "
         "events. Polls find the changes meanwhile";
}

change_kinds changes_between(const item_knowledge& a, const item_knowledge& b) {
  change_kinds out;
  const auto note = [&](change_kind k, bool differs) {
    if (differs) out.set(at(k));
  };
  if (a.where == presence::unknown && b.where == presence::here) {
    note(change_kind::created, true);
    return out;
  }
  note(change_kind::removed, a.where != b.where && b.where == presence::gone);
  note(change_kind::archived, a.where != b.where && b.where != presence::gone);
  note(change_kind::name, a.name != b.name);
  note(change_kind::text, a.text != b.text);
  note(change_kind::state, a.state != b.state);
  note(change_kind::priority, a.prio != b.prio);
  note(change_kind::assignees, a.assignees != b.assignees);
  note(change_kind::labels, a.labels != b.labels);
  note(change_kind::dates, a.start_date != b.start_date || a.target_date != b.target_date);
  note(change_kind::other,
       a.project != b.project || a.sequence_id != b.sequence_id || a.draft != b.draft);
  note(change_kind::touched, out.none());
  return out;
}

const std::string& author_of(const protocol::plane::work_item& item) noexcept {
  return item.updated_by.empty() ? item.created_by : item.updated_by;
}

// Evidence
// -------------------------------------------------------------------------------------------------

void sentinel::arrived(timestamp when, bool of_work_item) {
  if (of_work_item) {
    item_arrived_ = std::max(item_arrived_, when);
    return;
  }
  other_arrived_ = std::max(other_arrived_, when);
  // The webhook lives again, although of something else. If it never does for work items, the next
  // alarm says so and this sign does not count again.
  if (is_alarm(verdict_.state) && verdict_.state != webhook_state::work_items_off &&
      std::exchange(others_clear_, false)) {
    misses_.clear();
    episode_ = 0;
  }
}

void sentinel::told(const item_change& c, timestamp received_at) {
  ever_heard_ = others_clear_ = true;
  if (c.kinds.any()) ++kept_;
  item_heard_ = std::max(item_heard_, received_at);
  // Some deletions carry no time: what was taken now was made before.
  life_ = std::max(life_, c.made_at == timestamp{} ? received_at + offset_ : c.made_at);
  if (c.kinds.any() && c.made_at != timestamp{})
    sample(std::chrono::duration_cast<milliseconds>(c.made_at - received_at));
  for (std::size_t k = 0; k < change_kinds_known; ++k)
    if (c.kinds.test(k)) count(c.author, static_cast<change_kind>(k), true);
  std::erase_if(misses_, [&](const open_miss& m) {
    const bool late = m.what.item == c.item && m.what.made_at <= c.made_at + same_edit &&
                      c.made_at <= m.what.made_at + same_edit;
    if (late) note_slip();
    if (late)
      for (std::size_t k = 0; k < change_kinds_known; ++k)
        if (m.what.kinds.test(k)) count(m.what.author, static_cast<change_kind>(k), true);
    return late;
  });
}

void sentinel::missed(const item_change& c, timestamp found_at) {
  if (c.made_at == timestamp{} || ours(c.made_at) <= blind_until_) return;
  const bool known = std::any_of(misses_.begin(), misses_.end(), [&](const open_miss& m) {
    return m.what.item == c.item && m.what.made_at == c.made_at;
  });
  if (known) return;
  if (c.made_at > life_) ++episode_;
  misses_.push_back({c, found_at, false});
  if (misses_.size() > misses_held) misses_.pop_front();
}

void sentinel::refused(std::string_view item, timestamp when) {
  if (item.empty()) return;
  std::erase_if(refused_, [&](const auto& r) { return r.first == item; });
  if (refused_.size() >= refused_held) refused_.erase(refused_.begin());
  refused_.emplace_back(item, when);
}

void sentinel::blind_until(timestamp when) { blind_until_ = std::max(blind_until_, when); }

void sentinel::listed(timestamp made_at, timestamp when) {
  const auto ahead = std::chrono::duration_cast<milliseconds>(made_at - when);
  if (ahead > offset_ + same_clock) sample(ahead);
}

void sentinel::sample(milliseconds ahead) {
  ahead_.push_back(ahead);
  if (ahead_.size() > samples_held) ahead_.pop_front();
  const auto most = *std::max_element(ahead_.begin(), ahead_.end());
  // That Plane is ahead one row proves; that it is behind could also be one slow webhook.
  if (most > same_clock)
    offset_ = most;
  else if (ahead_.size() >= 4)
    offset_ = most < -same_clock ? most : milliseconds{0};
}

// What is learned
// ------------------------------------------------------------------------------------------

void sentinel::count(const std::string& author, change_kind k, bool was_told) {
  if (by_author_.size() >= authors_held && !by_author_.contains(author)) {
    const auto weight = [](const tallies& of) {
      std::uint32_t n = 0;
      for (const auto& t : of) n += t.told + t.missed;
      return n;
    };
    by_author_.erase(std::min_element(
        by_author_.begin(), by_author_.end(),
        [&](const auto& a, const auto& b) { return weight(a.second) < weight(b.second); }));
  }
  auto& t = by_author_[author][at(k)];
  ++(was_told ? t.told : t.missed);
  if (t.told + t.missed >= tally_full) {
    t.told /= 2;
    t.missed /= 2;
  }
}

sentinel::tallies sentinel::learned() const {
  tallies all{};
  for (const auto& [author, of] : by_author_)
    for (std::size_t k = 0; k < change_kinds_known; ++k) {
      all[k].told += of[k].told;
      all[k].missed += of[k].missed;
    }
  return all;
}

void sentinel::note_slip() {
  ++slipped_;
  if (kept_ + slipped_ < slips_full) return;
  kept_ /= 2;
  slipped_ /= 2;
}

void sentinel::learn_missed(const open_miss& m) {
  for (const auto k : strong)
    if (m.what.kinds.test(at(k)) && weight_of(m.what.author, k).first >= 1) {
      note_slip();
      break;
    }
  for (std::size_t k = 0; k < change_kinds_known; ++k)
    if (m.what.kinds.test(k)) count(m.what.author, static_cast<change_kind>(k), false);
}

/// A sign of life after a change means that this change was left out, and not the webhook off.
void sentinel::settle_misses(timestamp now, const sentinel_policy& policy) {
  std::set<std::pair<std::string, std::size_t>> once;
  std::erase_if(misses_, [&](const open_miss& m) {
    if (m.what.made_at > life_) return false;
    if (m.in_alarm) {
      // An outage tells little of what is announced; a habit that causes alarm after alarm does,
      // so that each of them counts as one.
      for (std::size_t k = 0; k < change_kinds_known; ++k)
        if (m.what.kinds.test(k) && once.emplace(m.what.author, k).second)
          count(m.what.author, static_cast<change_kind>(k), false);
      return true;
    }
    if (now - m.found_at < policy.late_webhook) return false;
    learn_missed(m);
    return true;
  });
}

// Judgement
// ------------------------------------------------------------------------------------------------

/// How much it says that this author's change of this kind was not announced, and whether the next
/// such change adds to it.
std::pair<double, bool> sentinel::weight_of(const std::string& author, change_kind k) const {
  if (!ever_heard_) return {1.0, true};
  const auto it = by_author_.find(author);
  if (it == by_author_.end()) return {0.25, false};
  const auto& of = it->second;
  if (const auto& pair = of[at(k)]; pair.told + pair.missed >= 2)
    return {reliable(pair.told, pair.missed) ? 1.0 : 0.0, true};
  std::uint32_t told = 0, missed = 0;
  for (const auto known : strong) {
    told += of[at(known)].told;
    missed += of[at(known)].missed;
  }
  for (const auto known : weak) told += of[at(known)].told;
  return {reliable(told, missed) ? 0.5 : 0.25, false};
}

sentinel::weighed sentinel::weigh(const sentinel_policy& policy) const {
  weighed w;
  std::vector<const open_miss*> open;
  for (const auto& m : misses_)
    if (m.what.made_at > life_) open.push_back(&m);
  std::sort(open.begin(), open.end(),
            [](const auto* a, const auto* b) { return a->what.made_at < b->what.made_at; });
  std::set<std::pair<std::string, std::size_t>> seen;
  std::map<std::string_view, std::pair<timestamp, int>> authors;  // last occasion, how many
  std::optional<timestamp> occasion;
  double strongest = 0, weakest = 0;  // of this occasion
  for (const auto* m : open) {
    ++w.changes;
    const auto made = ours(m->what.made_at);
    for (const auto& [item, when] : refused_)
      w.refused = w.refused || (item == m->what.item && when + same_clock >= made);
    double of_strong = 0, of_weak = 0;
    for (std::size_t i = 0; i < change_kinds_known; ++i) {
      const auto k = static_cast<change_kind>(i);
      if (!m->what.kinds.test(i) || !(is_one_of(strong, k) || is_one_of(weak, k))) continue;
      const auto [weight, adds] = weight_of(m->what.author, k);
      if (weight == 0 || (!adds && !seen.emplace(m->what.author, i).second)) continue;
      const bool proves = is_one_of(strong, k) || !ever_heard_;
      if (proves) w.kinds.set(i);
      auto& most = proves ? of_strong : of_weak;
      most = std::max(most, weight);
    }
    if (of_strong + of_weak == 0 && !w.refused) continue;
    if (w.first == timestamp{}) w.first = made;
    w.last = made;
    auto& [last, times] = authors[m->what.author];
    if (times == 0 || made - last >= policy.occasion) {
      last = made;
      ++times;
    }
    if (!occasion || made - *occasion >= policy.occasion) {
      occasion = made;
      ++w.occasions;
      strongest = weakest = 0;
    }
    // What goes missing together may have one cause, which takes no broken webhook.
    w.strong += std::max(0.0, of_strong - strongest);
    w.weak += std::max(0.0, of_weak - weakest);
    strongest = std::max(strongest, of_strong);
    weakest = std::max(weakest, of_weak);
  }
  w.authors = static_cast<std::size_t>(std::count_if(
      authors.begin(), authors.end(), [](const auto& a) { return a.second.second >= 2; }));
  return w;
}

/// How many occasions in a row chance alone does not explain: of some thousand changes a month so
/// many shall not be lost one after another.
double sentinel::needed() const {
  const double share = (slipped_ + 0.2) / (kept_ + slipped_ + 200.0);
  constexpr double chance = 3e-6;
  return std::clamp(std::ceil(std::log(chance) / std::log(std::min(share, 0.5)) - 0.1), 2.0, 8.0);
}

webhook_state sentinel::state_for(const weighed& w, timestamp now,
                                  const sentinel_policy& policy) const {
  if (policy.patience <= 0min) return webhook_state::well;
  if (w.refused) return webhook_state::wrong_secret;
  const auto span = w.last - w.first;
  const bool for_long = w.strong + w.weak >= 4 && w.occasions >= 6 && span >= policy.weak_kinds;
  // A program may well be the first to be seen, and write what this Plane announces to nobody.
  const bool sure = for_long || (w.strong >= needed() && (ever_heard_ || w.authors >= 2) &&
                                 (w.kinds.count() >= 2 || span >= policy.one_kind));
  if (sure && now - w.first >= policy.patience) {
    if (other_arrived_ > w.first) return webhook_state::work_items_off;
    return ever_heard_ ? webhook_state::silent : webhook_state::never_arrived;
  }
  return w.strong + w.weak / 2 >= 0.5 ? webhook_state::doubtful : webhook_state::well;
}

bool sentinel::judge(timestamp now, const sentinel_policy& policy) {
  settle_misses(now, policy);
  // One is on its way to be understood: it may be the sign of life that is missing.
  if (item_arrived_ > item_heard_ && now - item_arrived_ < unheard_at_most) return false;
  const auto w = weigh(policy);
  auto next = state_for(w, now, policy);
  // An alarm ends with a sign of life and not because the evidence got no stronger.
  if (is_alarm(verdict_.state) && w.changes > 0 && policy.patience > 0min &&
      rank(next) <= rank(verdict_.state))
    next = verdict_.state;
  if (is_alarm(next))
    for (auto& m : misses_) m.in_alarm = m.in_alarm || m.what.made_at > life_;
  return enter(next, w, now);
}

bool sentinel::enter(webhook_state next, const weighed& w, timestamp now) {
  const bool changed = next != verdict_.state;
  if (changed) {
    verdict_.state = next;
    verdict_.since = now;
  }
  if (next == webhook_state::well) {
    // What was not announced until now is no longer news, but stays told for the one who asks.
    if (w.changes == 0) episode_ = 0;
    if (!changed) {
      verdict_.from.reset();
      verdict_.unannounced = episode_;
    }
    return changed;
  }
  if (!verdict_.from) verdict_.from = w.first;
  verdict_.unannounced = std::max(episode_, w.changes);
  return changed;
}

void sentinel::restore(sentinel before) {
  before.ever_heard_ = before.ever_heard_ || ever_heard_;
  before.kept_ += kept_;
  before.slipped_ += slipped_;
  before.life_ = std::max(before.life_, life_);
  before.item_arrived_ = item_arrived_;
  before.item_heard_ = item_heard_;
  before.other_arrived_ = other_arrived_;
  before.blind_until_ = blind_until_;
  before.refused_ = std::move(refused_);
  for (const auto s : ahead_) before.sample(s);
  for (const auto& [author, of] : by_author_)
    for (std::size_t k = 0; k < change_kinds_known; ++k) {
      auto& t = before.by_author_[author][k];
      t.told += of[k].told;
      t.missed += of[k].missed;
    }
  for (auto& m : misses_) before.misses_.push_back(std::move(m));
  *this = std::move(before);
}

}  // namespace pb::sync
