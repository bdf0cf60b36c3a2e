// protocol/plane/webhook: what a delivery says. Called by the inbox after the signature held, and
// by replay; the rules are in docs/contracts/plane.md ("Webhooks"). Generation 1 is the open
// edition (event + action), generation 2 the cloud ("version":"v2", dotted names).
#pragma once
#include <string>
#include <string_view>

#include "base/failure.hpp"
#include "protocol/plane/model.hpp"

namespace pb::protocol::plane {

/// Larger bodies are not parsed: they are kept as what scan_prefix() finds.
inline constexpr std::size_t max_webhook_bytes = 64u << 20;
/// As much of an oversize body as scan_prefix() looks at.
inline constexpr std::size_t prefix_bytes = 64u << 10;

/// @param x_plane_event  the header; decides only where the body names no event it knows
/// Errors: bad_input (what and where, never a value of the body), too_large.
result<webhook_event> parse_webhook(std::string_view body, std::string_view x_plane_event);

/// What the first bytes of a delivery name. Everything may be empty; key order on the wire puts
/// event, action and data.id first and project behind the description.
struct prefix_facts {
  int generation = 1;
  std::string event, action, webhook_id, workspace_id, stable_id;
  std::string id;          ///< data.id, in v2 else entity_id
  std::string project_id;  ///< data.project or data.project_id
  std::string issue_id;    ///< data.issue or data.issue_id: a comment's work item
  subject about = subject::other;
};
/// Tolerant: malformed or cut text yields what was found before it. Never throws on content.
prefix_facts scan_prefix(std::string_view first_bytes);

/// "create", "created" … → the word; unknown words are action::other.
action action_from(std::string_view word) noexcept;
/// v1 names ("issue") and v2 names ("workitem", "workitem.comment") without the action.
subject subject_from(std::string_view word) noexcept;
/// "WebhookScope.ScopeChoices.WORK_ITEM_UPDATED" → "workitem.updated"; other names unchanged.
std::string normalized_event(std::string_view name);

}  // namespace pb::protocol::plane
