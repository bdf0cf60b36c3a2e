#include "sync/audience.hpp"

#include <algorithm>

namespace pb::sync {

audience audience_of(std::string_view project, std::string_view chat,
                     std::span<const channel_mapping> channels, bool external) noexcept {
  auto found = audience::not_mapped;
  if (project.empty()) return found;
  for (const auto& c : channels) {
    if (c.project != project || c.chat != chat || !c.shown) continue;
    if (!external || c.external) return audience::shown;
    found = audience::external;
  }
  return found;
}

bool is_meant_internal(const project_facts* project, bool external) noexcept {
  return external || project == nullptr || project->project.published;
}

bool shows_internal_comments(std::string_view project, std::string_view chat,
                             std::span<const channel_mapping> channels, bool external,
                             bool otherwise) noexcept {
  if (audience_of(project, chat, channels, external) != audience::shown) return false;
  if (otherwise && !external) return true;
  return std::any_of(channels.begin(), channels.end(), [&](const channel_mapping& c) {
    return c.project == project && c.chat == chat && c.shown && c.internal_comments &&
           (!external || c.external);
  });
}

bool may_preview(const project_facts& project, std::string_view plane_user,
                 bool everyone) noexcept {
  return everyone || project.has_member(plane_user);
}

}  // namespace pb::sync
