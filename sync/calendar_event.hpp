// sync/calendar_event: the event that a work item shows as (docs/contracts/caldav.md, "The
// event"). Pure: names and addresses are arguments.
#pragma once
#include <optional>
#include <string>

#include "protocol/caldav/event.hpp"
#include "protocol/plane/model.hpp"
#include "sync/calendar_rules.hpp"
#include "sync/knowledge.hpp"

namespace pb::sync {

/// What the event needs beside the item: this installation's addresses.
struct event_rendering {
  std::string app_url;  ///< plane.app_url, where people see Plane
  std::string workspace_slug;
};

/// Needs wants_event(item). Without the project the page link is the uuid form, and there is no
/// project line.
protocol::caldav::event_values render_event(const item_knowledge& item,
                                            const std::optional<protocol::plane::project>& project,
                                            const event_rendering& where,
                                            const calendar_rules& rules);

/// Stands for what an event shows beside the item's own values: the project's names and the
/// addresses. Another one than a link's: rendered now, its event may look otherwise.
std::string rendered_names(const std::optional<protocol::plane::project>& project,
                           const event_rendering& where);

/// The display name of a project's calendar: {project}, {identifier} and {workspace} of the
/// template filled in, once each; anything else stays as it is written.
std::string calendar_name(std::string_view pattern, const protocol::plane::project& project,
                          std::string_view workspace_slug);

}  // namespace pb::sync
