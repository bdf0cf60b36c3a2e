// protocol/plane/model: what Plane tells us, as values. Names follow API v1
// (docs/contracts/plane.md).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace pb::protocol::plane {

enum class priority : std::uint8_t { none, low, medium, high, urgent };
enum class state_group : std::uint8_t { backlog, unstarted, started, completed, cancelled, triage };
std::string_view to_string(priority p) noexcept;
std::string_view to_string(state_group g) noexcept;

struct user_ref {
  std::string id, display_name, email;
  friend bool operator==(const user_ref&, const user_ref&) = default;
};
struct label_ref {
  std::string id, name;
  friend bool operator==(const label_ref&, const label_ref&) = default;
};
struct state_ref {
  std::string id, name;
  state_group group = state_group::backlog;
  friend bool operator==(const state_ref&, const state_ref&) = default;
};

/// A work item as a webhook or an expanded read shows it (state, assignees and labels as objects).
/// Dates are civil dates "YYYY-MM-DD" without a zone; empty = none.
struct work_item {
  std::string id, project, workspace;
  std::int64_t sequence_id = 0;
  std::string name;
  std::string description_html;
  priority prio = priority::none;
  std::string start_date, target_date;
  std::optional<state_ref> state;
  std::vector<user_ref> assignees;
  std::vector<label_ref> labels;
  std::string created_at, updated_at;   ///< as sent; parse_rfc3339 reads them
  std::string archived_at, deleted_at;  ///< empty = not
  bool is_draft = false;
  std::string external_source, external_id, parent;
  std::string type;  ///< uuid of its work item type; the open edition has none
  std::string created_by, updated_by;
};

/// A comment as a webhook of the open edition or a read shows it.
struct comment {
  std::string id, work_item, project, html, actor, created_by, created_at, updated_at, access;
  std::string external_source, external_id, parent, deleted_at;
  /// Plane's default: for members of the workspace, not for readers of published boards.
  [[nodiscard]] bool internal() const noexcept { return access != "EXTERNAL"; }
};

struct project {
  std::string id, identifier, name, workspace, timezone, archived_at;
  bool is_member = false;
  bool published = false;  ///< has a board that everyone may read: is_deployed
  std::string created_by;
};

/// The words of events, both generations and both spellings normalized.
enum class subject : std::uint8_t { work_item, comment, project, cycle, module, other };
enum class action : std::uint8_t { created, updated, deleted, archived, other };

/// What one webhook says.
struct webhook_event {
  int generation = 1;  ///< 1: open edition, 2: cloud
  std::string event;   ///< as sent, after the quirks: "issue", "workitem.updated"
  subject about = subject::other;
  action what = action::other;
  std::string webhook_id, workspace_id, workspace_slug;
  std::string entity_id;     ///< the object's own uuid; may be empty (v0.25 sends null)
  std::string work_item_id;  ///< the work item concerned; for comments data.issue where it is sent
  std::string project_id;
  std::string field;  ///< activity.field
  std::string actor_id, actor_name;
  /// side_effect_only: what the part was called before and after, where the event says it.
  std::string part_before, part_after;
  std::string part_id;     ///< of the part that was made: an attachment's uuid; may be empty
  std::string updated_at;  ///< data.updated_at, empty on older forms
  std::string stable_id;   ///< v2 event_id, else empty
  /// Set when `data` is a complete v1 work item; v2's lacks description_html and names.
  std::optional<work_item> item;
  /// Set when `data` is a complete v1 comment; v2's lacks the HTML.
  std::optional<plane::comment> comment;
  /// Not about the object itself: v0.25 sends event issue / action deleted with field link, cycles,
  /// modules, reaction … for the removal of a *link*.
  bool side_effect_only = false;
};

}  // namespace pb::protocol::plane
