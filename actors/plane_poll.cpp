// Polls: what changed since the watermark that no webhook told, and what that says of the webhook,
// of our own absence, and of projects that the key does not see any more.
#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>

#include "actors/delivery_forms.hpp"
#include "actors/front.hpp"
#include "actors/plane_watch_state.hpp"
#include "base/digest.hpp"
#include "base/log.hpp"
#include "protocol/plane/parse.hpp"
#include "sync/gap.hpp"
#include "sync/sentinel.hpp"

namespace pb::actors {
using std::chrono::milliseconds;
using namespace std::chrono_literals;
namespace {

constexpr auto away_is_worth_a_word = 10min;
constexpr auto alive_every = 1min;

using rows_or_failure = result<std::vector<persistence::entity_row>>;

rows_or_failure read_rows(persistence::reader& r, const std::vector<entity_key>& keys) {
  auto states = r.entities(keys);
  if (!states) return states.error();
  std::vector<persistence::entity_row> rows;
  for (auto& e : *states)
    if (e.row) rows.push_back(std::move(*e.row));
  return rows;
}

/// Plane hides archived items from its lists; one that does not must not be news with each poll.
bool listed_as_archived(const remotes::listed_item& r) {
  const auto item = protocol::plane::parse_work_item(r.json);
  return item && !item->archived_at.empty();
}

}  // namespace

bool plane_watch_state::young(const std::string& updated_at) const {
  return sync::is_young(updated_at, requested_at_ + ctx_->gaps.clock_offset(),
                        ctx_->opt().poll_grace);
}

/// Few rows come down to the watermark: they are looked up by their keys, in one trip.
void plane_watch_state::compare_poll() {
  std::vector<entity_key> keys;
  for (const auto& r : rows_) keys.push_back(entity_key::plane_issue(r.id));
  auto self = plane_watch_actor{self_};
  ctx_->store.read([self, token = token_, keys = std::move(keys)](result<persistence::reader*> r) {
    auto rows = r ? read_rows(**r, keys) : rows_or_failure{r.error()};
    caf::anon_send(
        self, known_entities_read{token, std::make_shared<const rows_or_failure>(std::move(rows))});
  });
}

void plane_watch_state::finish_poll() {
  std::vector<persistence::delivery_append> found;
  std::string mark = watermark();
  for (const auto& r : rows_) {
    if (const auto made = parse_rfc3339(r.updated_at)) ctx_->gaps.listed(*made, requested_at_);
    if (young(r.updated_at)) continue;  // its webhook may still come; the watermark stays below it
    if (mark.empty() || sync::is_later(r.updated_at, mark)) mark = r.updated_at;
    const auto it = known_.find(r.id);
    if (it != known_.end() && !sync::is_later(r.updated_at, it->second.source_time) &&
        (!it->second.tombstone || listed_as_archived(r)))
      continue;
    note_missed(r);
    polled_.insert(r.id);
    found.push_back(row_delivery(r));
  }
  if (after_absence_) hole_found_ += found.size();
  judge_webhook();
  journal(std::move(found), mark);
}

void plane_watch_state::note_missed(const remotes::listed_item& r) {
  const auto item = protocol::plane::parse_work_item(r.json);
  const auto made = parse_rfc3339(r.updated_at);
  if (!item || !made) return;
  const auto it = known_.find(r.id);
  auto before =
      it == known_.end() ? sync::item_knowledge{} : sync::parse_item_knowledge(it->second.known);
  if (!before) return;
  sync::item_change c;
  c.item = r.id;
  c.author = sync::author_of(*item);
  c.kinds = sync::changes_between(*before, sync::learn(*before, *item));
  c.made_at = *made;
  ctx_->gaps.missed(c, ctx_->clock.now());
}

/// Once for what is listed beside what is known: after anything else was heard of the item, such as
/// a webhook that came late, the same row is news again.
persistence::delivery_append plane_watch_state::row_delivery(const remotes::listed_item& r) const {
  const auto it = known_.find(r.id);
  const std::string beside = it == known_.end() ? "" : std::to_string(it->second.cursor);
  return own_delivery(
      *ctx_, "plane", std::string{forms::plane_read}, "issue.read", entity_key::plane_issue(r.id),
      read_body(requested_at_, r.json),
      "poll:" + r.id + ":" + r.updated_at + ":" + sha256_hex(r.json).substr(0, 16) + ":" + beside);
}

// The webhook
// -------------------------------------------------------------------------------------------------

void plane_watch_state::judge_webhook() {
  if (!ctx_->gaps.judge(ctx_->clock.now(), ctx_->opt().silence)) return;
  const auto v = ctx_->gaps.look();
  const auto from = v.from ? format_rfc3339(*v.from) : std::string{};
  if (v.alarm)
    ctx_->alarms.raise("webhook",
                       "Plane's webhooks are missing since " + from + ". " + std::string{v.remedy},
                       ctx_->clock.now());
  else if (!v.doubt)
    ctx_->alarms.clear("webhook", "Plane's webhooks arrive again", ctx_->clock.now());
  if (v.alarm)
    log::error("webhooks are missing",
               {log::kv("state", v.webhook), log::kv("from", from),
                log::kv("unannounced", v.unannounced), log::kv("remedy", v.remedy)});
  else if (v.doubt)
    log::info("a change came without its webhook",
              {log::kv("from", from), log::kv("unannounced", v.unannounced),
               log::kv("remedy", v.remedy)});
  else
    log::info("webhooks arrive again",
              {log::kv("missing_from", from), log::kv("found_by_polls_meanwhile", v.unannounced)});
  if (ctx_->bus.listened())
    ctx_->bus.publish("webhook", boost::json::serialize(boost::json::object{
                                     {"state", v.webhook},
                                     {"from", from},
                                     {"unannounced", static_cast<std::int64_t>(v.unannounced)},
                                     {"remedy", v.remedy}}));
  store_sentinel(false);
}

void plane_watch_state::store_sentinel(bool anyway) {
  persistence::write unit;
  if (auto learned = ctx_->gaps.to_store(anyway); !learned.empty())
    unit.states.push_back({state_keys::sentinel, std::move(learned)});
  const auto now = ctx_->clock.now();
  if (now - alive_stored_ >= alive_every) {
    alive_stored_ = now;
    unit.states.push_back({state_keys::alive, std::to_string(to_micros(now))});
  }
  if (!unit.states.empty()) ctx_->store.submit(std::move(unit), [](const auto&) {});
}

// Our own absence
// ----------------------------------------------------------------------------------------

void plane_watch_state::was_away(timestamp from) {
  const auto now = ctx_->clock.now();
  if (from == timestamp{} ||
      now - from < std::max<milliseconds>(away_is_worth_a_word, 3 * ctx_->opt().poll_every))
    return;
  after_absence_ = true;
  ctx_->gaps.was_away(from, now);
  log::warn(
      "this service was away; what changed meanwhile is fetched by its time",
      {log::kv("from", format_rfc3339(from)),
       log::kv("minutes", std::chrono::duration_cast<std::chrono::minutes>(now - from).count()),
       log::kv("remedy",
               "nothing for the changes. Plane repeats a webhook for up to an hour and then "
               "switches it off: look in its workspace settings whether it is active")});
}

// Projects
// -------------------------------------------------------------------------------------------------

/// A project that was mirrored and is not listed to us: lost, unless it was deleted, which is when
/// none of its items is left.
void plane_watch_state::look_for_lost(const std::vector<protocol::plane::project>& all) {
  for (auto it = lost_.begin(); it != lost_.end();) {
    const auto listed = std::find_if(
        all.begin(), all.end(), [&](const auto& p) { return p.id == it->first && p.is_member; });
    if (listed == all.end()) {
      ++it;
      continue;
    }
    log::info("a project is shown to the key again", {log::kv("project", it->second.name)});
    persistence::write unit;
    unit.states.push_back({state_keys::lost + it->first, std::nullopt});
    ctx_->store.submit(std::move(unit), [](const auto&) {});
    it = lost_.erase(it);
  }
  for (const auto& [id, mark] : watermarks_) {
    const auto listed =
        std::find_if(all.begin(), all.end(), [&](const auto& p) { return p.id == id; });
    if (listed != all.end() && (listed->is_member || !listed->archived_at.empty())) {
      unlisted_.erase(id);
      continue;
    }
    const auto& left_out = ctx_->opt().calendar.without_projects;
    if (std::find(left_out.begin(), left_out.end(), id) != left_out.end()) continue;
    // Once may be a deletion that is being told to its items right now.
    if (unlisted_.insert(id).second) continue;
    // What is told already is asked again with each scan: it may be gone by now.
    if (lost_.contains(id) && !scanning_) continue;
    task t;
    t.what = kind::lost;
    t.project = id;
    tasks_.push_back(std::move(t));
  }
  show_lost();
}

void plane_watch_state::add_lost(const std::string& id, const std::string& stored) {
  const auto space = stored.find(' ');
  lost_[id] = {id, space == std::string::npos ? id : stored.substr(space + 1),
               from_micros(std::strtoll(stored.c_str(), nullptr, 10))};
}

void plane_watch_state::finish_lost() {
  const bool alive =
      std::any_of(known_.begin(), known_.end(), [](const auto& k) { return !k.second.tombstone; });
  const auto& id = now_.project;
  persistence::write unit;
  if (!alive) {
    lost_.erase(id);
    watermarks_.erase(id);
    unit.states.push_back({state_keys::watermark + id, std::nullopt});
    unit.states.push_back({state_keys::lost + id, std::nullopt});
  } else if (!lost_.contains(id)) {
    gap_monitor::lost_project p{id, id, ctx_->clock.now()};
    if (const auto known = ctx_->projects.find(id)) p.name = known->name;
    log::error("a project is not shown to the key any more; its events stay as they are",
               {log::kv("project", p.name),
                log::kv("remedy",
                        "in Plane: add the bridge's user to the project again; or name "
                        "it in projects_exclude under [plane]")});
    unit.states.push_back(
        {state_keys::lost + id, std::to_string(to_micros(p.since)) + " " + p.name});
    lost_.emplace(id, std::move(p));
  }
  show_lost();
  if (!unit.states.empty()) ctx_->store.submit(std::move(unit), [](const auto&) {});
  done_with_task();
}

void plane_watch_state::show_lost() {
  std::vector<gap_monitor::lost_project> all;
  for (const auto& [id, p] : lost_) all.push_back(p);
  ctx_->gaps.projects_lost(std::move(all));
}

}  // namespace pb::actors
