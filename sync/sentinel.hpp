// sync/sentinel: does Plane's webhook still announce what it used to announce? Pure: evidence goes
// in, a verdict with its remedy comes out; no I/O, no clock. An API key cannot read the webhook's
// own state, so the evidence is what webhooks told, what polls found that none had told, and which
// wrongly signed deliveries named the same work items.
//
// Silence alone proves nothing: nights are quiet, and many changes are never announced (deletions,
// links, dates dragged on the time line; with old versions whatever is written over the API). So it
// is learned, for each author and kind of change, what is announced here, and only the absence of
// that counts. One such change raises a doubt, more on separate occasions than chance takes an
// alarm (docs/sentinel.md). Held by actors/gap_monitor; one at a time.
#pragma once
#include <array>
#include <bitset>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/failure.hpp"
#include "sync/knowledge.hpp"

namespace pb::sync {

/// What of a work item changed.
enum class change_kind : std::uint8_t {
  created,
  name,
  text,
  state,
  priority,
  assignees,
  labels,
  dates,
  other,     ///< number, project, draft
  touched,   ///< a newer time and nothing else that we know of: a link, a cycle, a comment
  archived,  ///< or restored
  removed,
};
inline constexpr std::size_t change_kinds_known = 12;
using change_kinds = std::bitset<change_kinds_known>;
std::string_view to_string(change_kind k) noexcept;
/// What differs; `touched` when nothing does.
change_kinds changes_between(const item_knowledge& before, const item_knowledge& after);
/// Who changed it last, as far as Plane says; the creator while nobody else did.
const std::string& author_of(const protocol::plane::work_item& item) noexcept;

/// A change as a webhook told it, or as a poll found it.
struct item_change {
  std::string item, author;
  change_kinds kinds;
  timestamp made_at{};  ///< by Plane's clock
};

enum class webhook_state : std::uint8_t {
  well,
  doubtful,        ///< something that used to be announced was not, once
  silent,          ///< nothing is announced any more
  never_arrived,   ///< nothing was ever announced
  wrong_secret,    ///< it arrives, and its signature does not fit
  work_items_off,  ///< others arrive, none of work items
};
std::string_view to_string(webhook_state s) noexcept;
/// What a person does about it; empty when there is nothing to do.
std::string_view remedy_of(webhook_state s) noexcept;
/// Somebody must act, beyond a doubt.
constexpr bool is_alarm(webhook_state s) noexcept {
  return s != webhook_state::well && s != webhook_state::doubtful;
}

struct webhook_verdict {
  webhook_state state = webhook_state::well;
  timestamp since{};              ///< when this state was reached, by our clock
  std::optional<timestamp> from;  ///< the first change that was not announced, by our clock
  std::size_t unannounced = 0;    ///< changes without a webhook since then
};

struct sentinel_policy {
  /// Changes go unannounced for at least this long before that is an alarm; 0: never judge.
  std::chrono::minutes patience{1};
  /// A webhook that Plane could not deliver comes again up to 10 minutes later.
  std::chrono::minutes late_webhook{10};
  /// Changes closer together are one occasion: one loss may take them all.
  std::chrono::seconds occasion{30};
  /// How long one kind of change alone must be missing; several kinds are believed at once.
  std::chrono::minutes one_kind{10};
  /// How long what may be made without a webhook (dates, drafts) must be missing.
  std::chrono::hours weak_kinds{24};
};

class sentinel {
public:
  /// A rightly signed webhook was taken.
  void arrived(timestamp at, bool of_work_item);
  /// A webhook of a work item was understood. `first_heard`: its values were news.
  void told(const item_change& c, timestamp received_at);
  /// A poll found a change that no webhook had told within the grace.
  void missed(const item_change& c, timestamp found_at);
  /// A wrongly signed delivery of Plane's shape named this work item.
  void refused(std::string_view item, timestamp at);
  /// What was made until then may have found us away: not held against the webhook.
  void blind_until(timestamp at);
  /// A row with this time was listed at `at`: no clock of Plane's can be behind it.
  void listed(timestamp made_at, timestamp at);

  /// True when the state changed.
  bool judge(timestamp now, const sentinel_policy& policy);
  [[nodiscard]] const webhook_verdict& verdict() const noexcept { return verdict_; }
  /// Plane's clock less ours, as far as it shows; what webhooks take to come is in it when it is
  /// more than a few seconds.
  [[nodiscard]] std::chrono::milliseconds clock_offset() const noexcept { return offset_; }
  [[nodiscard]] std::string_view remedy() const noexcept;
  [[nodiscard]] bool ever_heard() const noexcept { return ever_heard_; }

  struct tally {
    std::uint32_t told = 0, missed = 0;
    friend bool operator==(const tally&, const tally&) = default;
  };
  using tallies = std::array<tally, change_kinds_known>;
  /// What was learned, over all authors.
  [[nodiscard]] tallies learned() const;

  [[nodiscard]] std::string to_json() const;
  /// An empty text is one that has learned nothing.
  static result<sentinel> parse(std::string_view json);
  /// Takes over what was learned before a restart; what was told since stays.
  void restore(sentinel before);

private:
  struct open_miss {
    item_change what;
    timestamp found_at{};
    bool in_alarm = false;
  };
  struct weighed {
    double strong = 0, weak = 0;
    std::size_t changes = 0, occasions = 0;
    std::size_t authors = 0;  ///< on more than one occasion
    change_kinds kinds;
    timestamp first{}, last{};  ///< by our clock
    bool refused = false;
  };

  [[nodiscard]] timestamp ours(timestamp of_plane) const { return of_plane - offset_; }
  void count(const std::string& author, change_kind k, bool was_told);
  void sample(std::chrono::milliseconds ahead);
  void settle_misses(timestamp now, const sentinel_policy& policy);
  void learn_missed(const open_miss& m);
  void note_slip();
  [[nodiscard]] std::pair<double, bool> weight_of(const std::string& author, change_kind k) const;
  [[nodiscard]] weighed weigh(const sentinel_policy& policy) const;
  [[nodiscard]] double needed() const;
  [[nodiscard]] webhook_state state_for(const weighed& w, timestamp now,
                                        const sentinel_policy& policy) const;
  bool enter(webhook_state next, const weighed& w, timestamp now);

  bool ever_heard_ = false;
  timestamp life_{};  ///< the newest change of a work item that a webhook told, by Plane's clock
  timestamp item_arrived_{}, item_heard_{}, other_arrived_{};
  timestamp blind_until_{};
  std::chrono::milliseconds offset_{0};
  std::deque<std::chrono::milliseconds> ahead_;  ///< samples of Plane's clock less ours
  std::map<std::string, tallies> by_author_;
  double kept_ = 0, slipped_ = 0;  ///< of what is announced as a rule: lost or late, one by one
  std::deque<open_miss> misses_;
  std::size_t episode_ = 0;  ///< misses since the last sign of life, also those no longer held
  std::vector<std::pair<std::string, timestamp>> refused_;
  webhook_verdict verdict_;
  bool others_clear_ = true;  ///< false: webhooks of other things have misled us once
};

}  // namespace pb::sync
