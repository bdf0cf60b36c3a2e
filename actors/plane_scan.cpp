// Full scans: which items differ from what is known, and which are not listed any more. An absence
// is a question; the item's actor asks it.
#include "actors/delivery_forms.hpp"
#include "actors/front.hpp"
#include "actors/plane_watch_state.hpp"
#include "sync/gap.hpp"
#include "sync/sentinel.hpp"

namespace pb::actors {

void plane_watch_state::finish_scan() {
  std::unordered_set<std::string> listed;
  auto differ = std::make_shared<std::unordered_set<std::string>>();
  std::string mark = watermark();
  for (const auto& r : rows_) {
    listed.insert(r.id);
    if (!young(r.updated_at) && sync::is_later(r.updated_at, mark)) mark = r.updated_at;
    const auto it = known_.find(r.id);
    if (it != known_.end() && !it->second.tombstone &&
        sync::is_same_moment(it->second.source_time, r.updated_at))
      continue;
    if (polled_.contains(r.id)) continue;
    if (young(r.updated_at) && !now_.forced && !now_.first_sync) continue;
    differ->insert(r.id);
    peers_.board->update(now_.sync_id, [&](sync_report& s) {
      s.found("plane:issue:" + r.id, it == known_.end() ? "not known yet" : "changed in Plane");
    });
  }
  std::vector<persistence::delivery_append> found;
  for (const auto& [id, k] : known_) {
    if (k.tombstone || listed.contains(id)) continue;
    peers_.board->update(now_.sync_id,
                         [&](sync_report& s) { s.found("plane:issue:" + id, "no longer listed"); });
    found.push_back(own_delivery(*ctx_, "plane", std::string{forms::plane_absent}, "issue.absent",
                                 entity_key::plane_issue(id),
                                 touch_body(now_.project, "a full scan did not list it"),
                                 "gone:" + id + ":" + std::to_string(to_micros(requested_at_))));
  }
  if (now_.dry_run) return done_with_task();
  if (sync::reads_one_by_one(differ->size(), rows_.size())) {
    for (const auto& r : rows_)
      if (differ->contains(r.id))
        found.push_back(own_delivery(
            *ctx_, "plane", std::string{forms::plane_touch}, "issue.touched",
            entity_key::plane_issue(r.id), touch_body(now_.project, "a scan found it changed"),
            "poll:" + r.id + ":" + r.updated_at + ":" + std::to_string(to_micros(requested_at_))));
  } else {
    auto whole = now_;
    whole.what = kind::scan_whole;
    whole.wanted = differ;
    whole.mark = mark;
    tasks_.push_front(std::move(whole));
  }
  journal(std::move(found), mark);
}

void plane_watch_state::journal_whole() {
  std::vector<persistence::delivery_append> found;
  for (const auto& r : rows_)
    if (now_.wanted && now_.wanted->contains(r.id)) found.push_back(row_delivery(r));
  // Only now: without these rows what the scan saw would not be known.
  journal(std::move(found), now_.mark);
}

}  // namespace pb::actors
