// sync/thread_rules: how a conversation and its work item follow each other. Pure: (what happened,
// what we know, facts) → plan, or what has to be known first. Rules by name (docs/sync-rules.md).
// The conversation's actor carries plans out.
#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/entity.hpp"
#include "protocol/lark/model.hpp"
#include "sync/between.hpp"
#include "sync/facts.hpp"

namespace pb::sync {

enum class inbound : std::uint8_t { all, commands, off };  ///< which messages become comments

/// What we know of one conversation; entity_row.known of lark:thread:<root message id> and of
/// lark:chat:<chat id>.
struct thread_knowledge {
  std::string chat, root, thread_id;  ///< thread_id: omt_…, once seen
  bool p2p = false;
  item_view item;        ///< the bound item as last heard; id empty: not bound
  std::string bound_by;  ///< open_id; empty: by an announcement
  inbound takes = inbound::commands;
  bool gets_comments = true, gets_changes = true;
  std::vector<std::string> muted;    ///< open_ids who do not want to be mentioned
  std::string quiet_from, quiet_to;  ///< "20:00", "08:00"; empty: never quiet
  /// Cards that show the item, newest last: refreshed when it changes.
  struct card {
    std::string message_id;
    timestamp sent_at{};
    std::string shown;         ///< hash of what it shows
    std::string announced_by;  ///< of an announcement: who made the item
    timestamp refreshed_at{};  ///< when it was last sent anew: at most once a second
    timestamp refresh_due{};   ///< when it is to be next, or was after refreshed_at; epoch: never
  };
  std::vector<card> cards;
  std::string language;     ///< "zh" or "en": of the last command
  bool external = false;    ///< the chat has people of other tenants, as last heard
  std::string awaits_item;  ///< message of the /new that is under way; empty: none
  /// What people did here lately: a second click within 5 s is the same click, and the change that
  /// somebody here asked for is not told here again. At most max_recent, newest last.
  struct recent {
    std::string what;  ///< digest of (message, person, action, value), or message id
    timestamp at{};
  };
  std::vector<recent> clicks, asked;
  /// lark:chat only: the bound conversations in it, so that all end when the bot leaves.
  std::vector<std::string> threads;
  static constexpr std::size_t max_recent = 16, max_cards = 8, max_threads = 10'000;
};
std::string to_json(const thread_knowledge& k);
/// An empty text is a conversation never seen; errc::storage for what is not an object.
result<thread_knowledge> parse_thread_knowledge(std::string_view json);

struct thread_rules {
  std::chrono::milliseconds digest_window{5'000};
  std::string timezone = "UTC";
  std::vector<std::string> origins;  ///< of Plane's pages, for links that people paste
  std::string workspace;             ///< slug; links to other workspaces are refused; empty: any
  std::string language = "zh";       ///< of what nobody asked for: "zh" or "en"
  bool internal_comments = false;
  bool previews_for_everyone = false;  ///< of links; false: for mapped members of the project
  bool shadow = false;
};

/// An effect of the conversation, as the lane keeps it. Payloads are JSON texts of lark_effects,
/// that of plane.create_item a thread_wants_item.
struct wanted_message {
  enum class kind : std::uint8_t {
    append,  ///< stands for itself: a comment, an answer
    digest,  ///< merges into the one of the same object that still waits
    state,   ///< replaces the one of the same object that still waits: a card
  };
  kind how = kind::append;
  std::string lane = "lark";  ///< "plane" for plane.create_item
  std::string operation;      ///< "lark.reply", "lark.send", "lark.update_card", "lark.react" …
  std::string object;         ///< what it is about: message id, "digest", card message id
  std::string payload;
  timestamp due_at{};
  std::string rule;
};

struct handed_over {
  entity_key to;
  between what;
};

/// What became of a message or comment, found again by its id for years.
///   ("lark", "<message id>")      → "<item uuid>/<comment uuid>", without the second half while
///                                   the comment is not known; written by conversations
///   ("lark.recalled", "<message id>") → recalled before it was heard; written by chats
///   ("plane", "<comment>@<root>") → id of the message in conversation `root` that shows it; that
///                                   of the message it came from when it was written there
struct receipt {
  std::string integration, object;
  std::string remote_id;
};

/// How an effect ended, for good.
struct message_outcome {
  bool ok = true;
  std::string message_id;  ///< of what was sent
  failure why{};           ///< when not ok
  int lark_code = 0;       ///< of Feishu's answer; 0: none
};

struct thread_plan {
  thread_knowledge now;
  std::vector<wanted_message> effects;
  std::vector<handed_over> hand_overs;
  std::vector<receipt> receipts;
  /// They left the tenant: their mapping ends and their own key goes, with the plan.
  std::vector<protocol::lark::person_left> leavers;
  std::string rule;  ///< for the timeline; "ignored: …" when nothing uses it
};
using thread_verdict = std::variant<std::vector<need>, thread_plan>;

// The actor sets `chat` (lark:chat) or `root` (lark:thread) of a conversation never seen before
// from its entity's key. A plan's effects are for lanes that send in order what is due: one that is
// due later does not hold back those behind it.

/// Something happened in Feishu: a message, a recall, a click, a membership.
thread_verdict judge(const thread_knowledge& known, const protocol::lark::event& heard,
                     const facts& given, timestamp now, const thread_rules& rules);
/// A work item handed something over, or another conversation did.
thread_verdict judge(const thread_knowledge& known, const between& heard, const facts& given,
                     timestamp now, const thread_rules& rules);

/// An effect on lane "lark" has ended: cards that were sent are known from now on, an announcement
/// starts the conversation that is bound to its item, a conversation that is no more ends its
/// binding. To be called once for each outcome, in the transaction that records it; nothing has to
/// be called for effects on lane "plane" (their outcome enters as item_answered).
thread_plan settle(const thread_knowledge& known, const wanted_message& done,
                   const message_outcome& how, timestamp now, const thread_rules& rules);

/// Two waiting digests of one conversation as one: oldest "before", newest "after"; what went back
/// to where it was is left out. Payloads as made by judge(); the waiting one keeps its due_at.
/// Empty: nothing is left to say, the waiting effect is withdrawn. Associative, and "" is neutral.
std::string merge_digest(std::string_view waiting, std::string_view later);

}  // namespace pb::sync
