#include "sync/preview.hpp"

#include <algorithm>

#include "protocol/lark/preview.hpp"
#include "protocol/plane/urls.hpp"
#include "sync/thread_desk.hpp"

namespace pb::sync {
namespace lark = protocol::lark;
namespace plane = protocol::plane;
namespace {

constexpr std::size_t longest_url = 2'048;

/// Whether the chat lets items of the project appear. Of a chat that the bot is not in and that no
/// mapping names nothing is said: who looks decides alone. So does whoever talks to one person.
bool chat_shows(thread_desk& desk, const preview_question& q, const std::string& project) {
  if (q.chat.empty()) return true;
  const auto& channels = desk.channels(q.chat);
  const auto read = desk.given.chats.find(q.chat);
  const auto* chat = read != desk.given.chats.end() && read->second ? &*read->second : nullptr;
  if (chat == nullptr && channels.empty())
    return !desk.gave_up(need::kind::chat, q.chat) && !desk.gave_up(need::kind::channels, q.chat);
  if (chat != nullptr && chat->p2p) return true;
  const bool foreigners = chat == nullptr || chat->external;
  return audience_of(project, q.chat, channels, foreigners) == audience::shown;
}

}  // namespace

std::optional<linked_item> item_behind_link(std::string_view url, const thread_rules& rules) {
  if (url.size() > longest_url) return std::nullopt;
  const auto link = plane::parse_link(url, rules.origins);
  if (!link) return std::nullopt;
  if (!rules.workspace.empty() && !link->slug.empty() && link->slug != rules.workspace)
    return std::nullopt;
  linked_item out{item_key(*link), {}};
  if (out.key.empty()) return std::nullopt;
  if (link->kind == plane::link_kind::browse) out.number = out.key;
  return out;
}

preview preview_of_link(const preview_question& q, const thread_rules& rules) {
  const auto item = item_behind_link(q.url, rules);
  return {item ? lark::preview_pending(item->number, q.url) : lark::no_preview(), false};
}

std::variant<std::vector<need>, preview> judge_preview(const preview_question& q,
                                                       const facts& given,
                                                       const thread_rules& rules) {
  const auto wanted = item_behind_link(q.url, rules);
  const auto nothing_more = [&] { return preview_of_link(q, rules); };
  if (!wanted || q.viewer.empty()) return nothing_more();
  const thread_knowledge nobody;
  thread_desk desk{nobody, given, {}, rules};
  const auto asks = [&desk] { return std::get<std::vector<need>>(desk.ask()); };
  const bool everyone = rules.previews_for_everyone;
  const person_facts* viewer = everyone ? nullptr : desk.person(q.viewer);
  if (!q.chat.empty()) {
    (void)desk.channels(q.chat);
    (void)desk.external(q.chat);
  }
  if (desk.lacking()) return asks();
  if (!everyone && (viewer == nullptr || viewer->plane_user.empty())) return nothing_more();
  const auto* found = desk.item(wanted->key);
  if (desk.lacking()) return asks();
  if (found == nullptr || found->how != item_fact::found::yes || found->view.id.empty())
    return nothing_more();
  const auto& item = found->view;
  if (!chat_shows(desk, q, item.project)) return nothing_more();
  if (!everyone) {
    const auto* project = desk.project(item.project);
    if (desk.lacking()) return asks();
    if (project == nullptr || !may_preview(*project, viewer->plane_user, everyone))
      return nothing_more();
  }
  return preview{lark::preview_answer(card_input_of(item, desk.lang()), true), true};
}

}  // namespace pb::sync
