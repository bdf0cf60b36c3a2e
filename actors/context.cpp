#include "actors/context.hpp"

namespace pb::actors {

void project_directory::put(const protocol::plane::project& p, timestamp) {
  const std::lock_guard hold{lock_};
  projects_[p.id] = p;
}
std::optional<protocol::plane::project> project_directory::find(const std::string& id) const {
  const std::lock_guard hold{lock_};
  const auto it = projects_.find(id);
  if (it == projects_.end()) return std::nullopt;
  return it->second;
}
std::vector<protocol::plane::project> project_directory::all() const {
  const std::lock_guard hold{lock_};
  std::vector<protocol::plane::project> out;
  for (const auto& [id, p] : projects_) out.push_back(p);
  return out;
}

void context::publish(options o) {
  versions_.push_back(std::make_unique<const options>(std::move(o)));
  now_.store(versions_.back().get(), std::memory_order_release);
}
void context::reconfigure(options o) {
  const std::lock_guard hold{versions_lock_};
  written_ = o.calendar;
  o.calendar = sync::with_names(std::move(o.calendar), projects.all(), projects.listed());
  publish(std::move(o));
  alarms.tell_in(opt().alarm_chat);
}
void context::projects_listed() {
  projects.set_listed();
  const std::lock_guard hold{versions_lock_};
  auto now = sync::with_names(written_, projects.all(), true);
  const auto& before = opt().calendar;
  if (now.names_pending == before.names_pending && now.only_projects == before.only_projects &&
      now.without_projects == before.without_projects)
    return;
  options next = opt();
  next.calendar = std::move(now);
  publish(std::move(next));
}

void event_bus::subscribe(sink s) {
  const std::lock_guard hold{lock_};
  sinks_.push_back(std::make_shared<sink>(std::move(s)));
  count_.store(sinks_.size());
}
void event_bus::publish(std::string_view event, std::string_view json) {
  if (!listened()) return;
  const std::lock_guard hold{lock_};
  std::erase_if(sinks_, [&](const auto& s) { return !(*s)(event, json); });
  count_.store(sinks_.size());
}

}  // namespace pb::actors
