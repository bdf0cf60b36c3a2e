#include "sync/calendar_event.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/digest.hpp"
#include "protocol/plane/urls.hpp"

namespace pb::sync {
namespace caldav = protocol::caldav;
namespace plane = protocol::plane;
namespace {

std::string color_of(plane::priority p) {
  switch (p) {
    case plane::priority::urgent:
      return "red";
    case plane::priority::high:
      return "orange";
    case plane::priority::medium:
      return "yellow";
    case plane::priority::low:
      return "green";
    case plane::priority::none:
      return {};
  }
  return {};
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& n : names)
    if (!n.empty()) out += (out.empty() ? "" : ", ") + n;
  return out;
}

timestamp instant(const std::string& text) {
  const auto t = parse_rfc3339(text);
  return t ? std::chrono::floor<std::chrono::seconds>(*t) : timestamp{};
}

}  // namespace

caldav::event_values render_event(const item_knowledge& item,
                                  const std::optional<plane::project>& project,
                                  const event_rendering& where, const calendar_rules& rules) {
  caldav::event_values v;
  v.uid = caldav::uid_of(item.id);
  v.summary = "[" + std::to_string(item.sequence_id) + "] " + item.name;
  v.url =
      plane::item_page_url(where.app_url, where.workspace_slug, project ? project->identifier : "",
                           item.sequence_id, item.project, item.id);
  // The facts below the text stay whole: the text is what is cut.
  std::string facts;
  const auto add = [&facts](std::string_view name, const std::string& value) {
    if (!value.empty()) facts += "\n" + std::string{name} + ": " + value;
  };
  add("State", item.state.name);
  add("Priority", std::string{to_string(item.prio)});
  add("Assignees", joined(item.assignees));
  add("Labels", joined(item.labels));
  if (project) add("Project", project->name);
  add("Plane", v.url);
  const std::size_t room = caldav::description_limit > facts.size() + 1
                               ? caldav::description_limit - facts.size() - 1
                               : 0;
  v.description = item.text.empty() ? facts.substr(std::min<std::size_t>(1, facts.size()))
                                    : caldav::cut_text(item.text, room) + "\n" + facts;
  const auto target = caldav::parse_civil_date(item.target_date);
  if (target) {
    v.start = *target;
    v.end_exclusive = caldav::day_after(*target);
    if (rules.start_to_target)
      if (const auto start = caldav::parse_civil_date(item.start_date);
          start && std::chrono::sys_days{*start} <= std::chrono::sys_days{*target})
        v.start = *start;
  }
  v.cancelled = item.state.group == plane::state_group::completed ||
                item.state.group == plane::state_group::cancelled;
  v.color = color_of(item.prio);
  v.categories = item.labels;
  v.created = instant(item.created_at);
  v.updated = instant(item.updated_at);
  return caldav::normalized(std::move(v));
}

std::string rendered_names(const std::optional<plane::project>& project,
                           const event_rendering& where) {
  std::string all = where.app_url + '\n' + where.workspace_slug;
  if (project) all += '\n' + project->identifier + '\n' + project->name;
  return sha256_hex(all).substr(0, 16);
}

std::string calendar_name(std::string_view pattern, const plane::project& project,
                          std::string_view workspace_slug) {
  const std::pair<std::string_view, std::string_view> places[] = {
      {"{project}", project.name},
      {"{identifier}", project.identifier},
      {"{workspace}", workspace_slug}};
  std::string out;
  while (!pattern.empty()) {
    const auto* const place = std::find_if(std::begin(places), std::end(places),
                                           [&](auto& p) { return pattern.starts_with(p.first); });
    if (place == std::end(places)) {
      out += pattern.front();
      pattern.remove_prefix(1);
    } else {
      out += place->second;
      pattern.remove_prefix(place->first.size());
    }
  }
  return out;
}

}  // namespace pb::sync
