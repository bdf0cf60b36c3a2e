// /bind and /new: which item a conversation follows.
#include <algorithm>

#include "protocol/lark/to_html.hpp"
#include "protocol/plane/urls.hpp"
#include "sync/thread_orders.hpp"
#include "sync/thread_words.hpp"

namespace pb::sync {
namespace lark = protocol::lark;
namespace plane = protocol::plane;
namespace {

struct wanted_item {
  std::string key;    ///< of need::kind::item; empty: `refusal` says why
  std::string shown;  ///< for people
  bool archived = false;
  std::string refusal{};
};

/// "web-42" → "WEB-42"; empty: no number.
std::string number_in(std::string_view text) {
  const auto cut = text.rfind('-');
  if (cut == std::string_view::npos || cut == 0 || cut > 48 || text.size() - cut > 11) return {};
  const auto digits = text.substr(cut + 1);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return {};
  std::string out{text};
  for (auto& c : out) {
    if (c == '/' || c == ':' || c == '.' || static_cast<unsigned char>(c) <= ' ') return {};
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

std::string_view kind_of(plane::link_kind k, bool chinese) {
  switch (k) {
    case plane::link_kind::project:
      return chinese ? "项目" : "project";
    case plane::link_kind::cycle:
      return chinese ? "周期" : "cycle";
    case plane::link_kind::module:
      return chinese ? "模块" : "module";
    case plane::link_kind::view:
      return chinese ? "视图" : "view";
    case plane::link_kind::page:
      return chinese ? "页面" : "page";
    default:
      return chinese ? "工作区" : "workspace";
  }
}

wanted_item item_behind(std::string_view text, bool chinese, const thread_rules& rules) {
  if (auto number = number_in(text); !number.empty()) return {number, number};
  const auto link = plane::parse_link(text, rules.origins);
  if (!link) return {{}, {}, false, say(phrase::not_an_address, chinese, {text.substr(0, 100)})};
  if (!rules.workspace.empty() && !link->slug.empty() && link->slug != rules.workspace)
    return {{}, {}, false, say(phrase::other_workspace, chinese, {link->slug})};
  auto key = item_key(*link);
  if (key.empty())
    return {{}, {}, false, say(phrase::not_an_item, chinese, {kind_of(link->kind, chinese)})};
  auto shown = link->kind == plane::link_kind::browse ? key : link->item.substr(0, 8);
  return {std::move(key), std::move(shown), link->kind == plane::link_kind::archived_item};
}

std::string titled(const item_view& v) {
  return short_name(v) + (v.name.empty() ? "" : " " + v.name);
}

thread_verdict refuse(thread_desk& desk, const lark::message& m, std::string_view words) {
  desk.answer(words, m.message_id);
  return desk.done("answered: refused");
}

}  // namespace

thread_verdict obey_bind(thread_desk& desk, const lark::message& m, const command& order) {
  const bool zh = order.chinese;
  const auto wanted = item_behind(order.text, zh, desk.rules);
  if (wanted.key.empty()) return refuse(desk, m, wanted.refusal);
  const auto* found = desk.item(wanted.key);
  (void)desk.person(m.sender.open_id);
  if (!desk.plan.now.p2p) {
    (void)desk.channels(m.chat_id);
    (void)desk.external(m.chat_id);
  }
  if (desk.lacking()) return desk.ask();
  if (found == nullptr) return refuse(desk, m, say(phrase::item_unknown, zh, {wanted.shown}));
  if (found->how == item_fact::found::forbidden)
    return refuse(desk, m, say(phrase::item_forbidden, zh, {wanted.shown}));
  if (found->how == item_fact::found::no || found->view.id.empty())
    return refuse(
        desk, m,
        say(wanted.archived ? phrase::item_archived : phrase::item_missing, zh, {wanted.shown}));
  const auto item = found->view;
  // Who may not see the project learns nothing of the item but what they gave themselves.
  const auto may = desk.may_change(m.sender.open_id, item.project, zh, true);
  if (desk.lacking()) return desk.ask();
  if (!may.granted) return refuse(desk, m, may.refusal);
  const auto* project = desk.project(item.project);
  const auto name = project != nullptr ? project->project.name : item.identifier;
  switch (desk.shown_here(item.project)) {
    case audience::not_mapped:
      return refuse(desk, m, say(phrase::not_shown, zh, {name}));
    case audience::external:
      return refuse(desk, m, say(phrase::not_external, zh, {name}));
    case audience::shown:
      break;
  }
  if (item.gone) return refuse(desk, m, say(phrase::item_missing, zh, {wanted.shown}));
  if (item.archived) return refuse(desk, m, say(phrase::item_archived, zh, {short_name(item)}));
  const auto before = desk.plan.now.item;
  if (before.id == item.id) return refuse(desk, m, say(phrase::already_bound, zh, {titled(item)}));
  desk.bind(item, m.sender.open_id);
  desk.answer(before.id.empty() ? say(phrase::bound, zh, {titled(item)})
                                : say(phrase::bound_replacing, zh, {titled(item), titled(before)}),
              m.message_id);
  desk.send_card();
  return desk.done(before.id.empty() ? "applied: bound" : "applied: bound to another item");
}

thread_verdict obey_create(thread_desk& desk, const lark::message& m, const command& order) {
  const bool zh = order.chinese;
  auto& k = desk.plan.now;
  const auto* all = desk.all_projects();
  const std::vector<channel_mapping> none;
  const auto& channels = k.p2p ? none : desk.channels(m.chat_id);
  (void)desk.person(m.sender.open_id);
  std::optional<std::string> quoted;
  if (order.body.empty() && !m.parent_id.empty()) quoted = desk.quoted(m.parent_id);
  if (desk.lacking()) return desk.ask();

  std::vector<std::string> identifiers;
  if (all != nullptr)
    for (const auto& p : *all)
      if (p.archived_at.empty()) identifiers.push_back(p.identifier);
  std::string project;
  if (!order.project.empty()) {
    if (all == nullptr) return refuse(desk, m, say(phrase::facts_missing, zh));
    for (const auto& p : *all)
      if (fold(p.identifier) == fold(order.project) && p.archived_at.empty()) project = p.id;
    if (project.empty()) {
      // Names of projects are said to those who see them in this chat only.
      std::vector<std::string> here;
      for (const auto& p : *all)
        if (std::any_of(channels.begin(), channels.end(),
                        [&](const auto& c) { return c.project == p.id && c.shown; }))
          here.push_back(p.identifier);
      const auto near = nearest(order.project, here);
      return refuse(desk, m,
                    near ? say(phrase::no_such_project_near, zh, {order.project, here[*near]})
                         : say(phrase::no_such_project, zh, {order.project}));
    }
  } else if (desk.bound()) {
    project = k.item.project;
  } else {
    std::vector<std::string> shown;
    for (const auto& c : channels) {
      if (c.chat != m.chat_id || !c.shown) continue;
      if (c.is_default) project = c.project;
      shown.push_back(c.project);
    }
    if (project.empty() && shown.size() == 1) project = shown.front();
    if (project.empty()) {
      std::string example = "WEB";
      if (all != nullptr)
        for (const auto& p : *all)
          if (!shown.empty() && p.id == shown.front()) example = p.identifier;
      return refuse(desk, m, say(phrase::no_project, zh, {example}));
    }
  }
  const auto may = desk.may_change(m.sender.open_id, project, zh);
  const auto* facts = desk.project(project);
  const auto seen = desk.shown_here(project);
  if (desk.lacking()) return desk.ask();
  if (!may.granted) return refuse(desk, m, may.refusal);
  const auto name = facts != nullptr ? facts->project.name : std::string{};
  if (seen == audience::not_mapped) return refuse(desk, m, say(phrase::not_shown, zh, {name}));
  if (seen == audience::external) return refuse(desk, m, say(phrase::not_external, zh, {name}));

  lark::rich_text body;
  const auto& text = order.body.empty() && quoted ? *quoted : order.body;
  for (std::size_t from = 0; from < text.size() && body.blocks.size() < 500;) {
    const auto end = std::min(text.find('\n', from), text.size());
    if (end > from) {
      lark::block b;
      b.line.push_back({lark::run::kind::text, text.substr(from, end - from), {}});
      body.blocks.push_back(std::move(b));
    }
    from = end + 1;
  }
  thread_wants_item want{.thread = k.root,
                         .chat = m.chat_id,
                         .message = m.message_id,
                         .project = project,
                         .name = order.text,
                         .html = body.blocks.empty() ? std::string{} : lark::to_html(body),
                         .author = may.author};
  // Plane takes 255 characters.
  for (std::size_t n = 0, at = 0; at < want.name.size(); ++at)
    if ((static_cast<unsigned char>(want.name[at]) & 0xC0) != 0x80 && ++n > 255)
      want.name.resize(at);
  wanted_message e;
  e.lane = "plane";
  e.operation = "plane.create_item";
  e.object = "new:" + m.message_id;
  e.payload = to_json(between{std::move(want)});
  e.due_at = desk.now;
  e.rule = "applied: new item";
  desk.plan.effects.push_back(std::move(e));
  if (!desk.bound()) k.awaits_item = m.message_id;
  desk.remember_asked("new:" + m.message_id);
  return desk.done("applied: new item");
}

}  // namespace pb::sync
