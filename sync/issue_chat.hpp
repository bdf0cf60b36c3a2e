// sync/issue_chat: how a work item and the conversations that follow it act on each other, the
// item's side. Pure: (what happened, what we know) → plan. The item's actor carries plans out:
// hand-overs in the transaction that stores the knowledge, writes in its lane "plane"
// (sync/plane_write). Receipts of messages and comments are the conversations' own. Rules by name
// in docs/sync-rules.md: echo-by-value, echo-by-receipt, marker, coalesce, unknown-outcome. Any
// thread.
#pragma once
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "protocol/plane/model.hpp"
#include "sync/between.hpp"
#include "sync/facts.hpp"
#include "sync/knowledge.hpp"
#include "sync/plane_rules.hpp"
#include "sync/plane_write.hpp"
#include "sync/thread_rules.hpp"

namespace pb::sync {

// Which conversations follow the item ------------------------------------------------------------

/// One link row of the item: integration "lark", object = thread, remote_id = chat, state "live" or
/// "off", base = binding_base().
struct binding {
  std::string thread, chat;
  bool live = true;
  bool comments = true, changes = true;  ///< what the conversation gets
  friend bool operator==(const binding&, const binding&) = default;
};
std::string_view binding_state(const binding& b) noexcept;
std::string binding_base(const binding& b);
/// A base that does not read gets everything: silence would hide the mistake.
binding parse_binding(std::string_view object, std::string_view remote_id, std::string_view state,
                      std::string_view base);

// What every decision may look at ----------------------------------------------------------------

struct chat_setting {
  std::string app_url, workspace_slug;              ///< of page links
  std::optional<protocol::plane::project> project;  ///< the item's; nothing: not known
  /// A work item that nobody announced is new when it was created no longer ago than this.
  std::chrono::minutes new_for{60};
  /// Fields go as one call with what else is asked for within this time.
  std::chrono::milliseconds window{1'000};
};
/// What chat shows of it.
item_view view_of(const item_knowledge& k, const chat_setting& setting);

struct chat_plan {
  std::vector<handed_over> hand_overs;
  std::vector<wanted_plane_write> writes;
  std::vector<std::int64_t> cancel;  ///< waiting writes that are no longer wanted
  std::vector<binding> bindings;     ///< to be stored, each as one link row
  /// For the timeline, after the item's own rule. Empty: conversations have no part in it.
  std::string rule;
  [[nodiscard]] bool empty() const noexcept {
    return hand_overs.empty() && writes.empty() && cancel.empty() && bindings.empty();
  }
};
/// Adds what `more` wants. Changes of one item by one person for the same conversation become one
/// hand-over, so that what is committed together is told at once: 20 webhooks of one edit, one.
void append(chat_plan& to, chat_plan more);

// Plane → conversations --------------------------------------------------------------------------

/// What sync::judge() made of something heard; `said` when that was a webhook.
struct item_news {
  const item_knowledge& before;
  const item_knowledge& after;
  const protocol::plane::webhook_event* said = nullptr;
  /// Found by a first sync or a backfill: nothing of it is announced.
  bool quiet = false;
};
/// Would plan_changes() look at channels? Then the actor fetches the mappings of the item's
/// project before it asks. True once for each item: when it is first heard of, by a webhook of its
/// creation or while it is young, or when it is no draft any more.
bool is_new_item(const item_news& news, timestamp now, const chat_setting& setting);
/// @param channels  all mappings of the item's project; looked at when it is new
/// @param queued    unfinished effects of the lane "plane"
/// Tells every live binding that gets changes. What a waiting or sent write of ours explains is
/// told to the others with the message behind it; the conversation that asked is told by the
/// outcome. A newer edit in Plane makes the same field of an unsent write give way.
chat_plan plan_changes(const item_news& news, std::span<const binding> bindings,
                       std::span<const channel_mapping> channels,
                       std::span<const queued_write> queued, timestamp now,
                       const chat_setting& setting);

/// A comment event of either generation; nothing when the event is about no comment.
struct comment_heard {
  protocol::plane::action what = protocol::plane::action::other;
  std::string id;
  /// Nothing: the event does not carry it (generation 2), a read may.
  std::optional<protocol::plane::comment> content;
  std::string actor_id, actor_name;  ///< who did it; may be empty
  std::string field;                 ///< of an update, where it is told: "comment_html", "access"
};
std::optional<comment_heard> comment_in(const protocol::plane::webhook_event& event);
/// The comment has to be read: remotes::read_comment, then ask again with `content`, or with
/// action::deleted when it is gone.
struct needs_comment {
  std::string id;
};
using comment_verdict = std::variant<needs_comment, chat_plan>;
/// Ours (external_source planebridge): the receipt of its message, told to nobody, since its
/// outcome does that. It is also ours before our own answer came, and after a restart.
comment_verdict plan_comment(const comment_heard& event, const item_knowledge& known,
                             std::span<const binding> bindings, const chat_setting& setting);

/// A project is new in the workspace. @param channels  mappings of any project
struct project_maker {
  std::string id, name;  ///< as far as whoever told of it said so
};
chat_plan announce_project(const protocol::plane::project& project, const project_maker& by,
                           std::span<const channel_mapping> channels, const chat_setting& setting);

// Conversations → Plane --------------------------------------------------------------------------

using request_verdict = std::variant<needs_read, chat_plan>;
/// @param asked  thread_commented, thread_recalled, thread_edited or thread_bound; anything else is
///               ignored (thread_wants_item is planned by the conversation itself)
/// @param just_read  the item was read for this request
request_verdict plan_thread_request(const between& asked, const item_knowledge& known,
                                    std::span<const binding> bindings,
                                    std::span<const queued_write> queued, bool just_read,
                                    timestamp now, const chat_setting& setting);
/// What the outcome of a write means. `now` is what we know then (the caller plans its calendar for
/// it); the item's own values only when the write brought them.
struct settled_write {
  item_knowledge now;
  chat_plan plan;
};
/// `outcome.failed` set: it is a dead letter, and the one who asked is told why.
settled_write settle_plane_write(const plane_write& write, const plane_outcome& outcome,
                                 const item_knowledge& known, std::span<const binding> bindings,
                                 const chat_setting& setting);
/// The same for plane.create_item, in the conversation's own actor: its answer, with the item to
/// bind to.
item_answered settle_creation(const thread_wants_item& write, const plane_outcome& outcome,
                              const chat_setting& setting);

}  // namespace pb::sync
