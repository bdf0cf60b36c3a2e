#include "actors/sync_board.hpp"

#include <boost/json.hpp>

namespace pb::actors {

std::string sync_board::json(const std::string& id) const {
  const std::lock_guard hold{lock_};
  const auto it = reports_.find(id);
  if (it == reports_.end()) return {};
  const auto& r = it->second;
  boost::json::array changes, failures;
  for (const auto& c : r.changes) changes.push_back({{"object", c.object}, {"what", c.what}});
  for (const auto& f : r.failures) failures.emplace_back(f);
  return boost::json::serialize(boost::json::object{
      {"id", r.id},
      {"project", r.project},
      {"state", r.state},
      {"dry_run", r.dry_run},
      {"step", r.step},
      {"steps_done", r.steps_done},
      {"steps_total", r.steps_total},
      {"items_seen", r.items_seen},
      {"events_seen", r.events_seen},
      {"right", r.right},
      {"changes", std::move(changes)},
      {"changes_total", r.changes_total},
      {"failures", std::move(failures)},
      {"started_at", format_rfc3339(r.started_at)},
      {"finished_at", r.finished_at == timestamp{} ? "" : format_rfc3339(r.finished_at)}});
}

}  // namespace pb::actors
