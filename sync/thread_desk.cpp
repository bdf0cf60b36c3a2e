#include "sync/thread_desk.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "protocol/lark/card.hpp"
#include "protocol/lark/chat_text.hpp"
#include "sync/json_fields.hpp"

namespace pb::sync {
namespace lark = protocol::lark;
namespace plane = protocol::plane;

void thread_desk::want(need::kind what, std::string_view key) {
  need n{what, std::string{key}};
  if (!gave_up(what, key) && std::find(needs_.begin(), needs_.end(), n) == needs_.end())
    needs_.push_back(std::move(n));
}
bool thread_desk::gave_up(need::kind what, std::string_view key) const {
  return std::any_of(given.given_up.begin(), given.given_up.end(),
                     [&](const need& n) { return n.what == what && n.key == key; });
}

std::string_view thread_desk::bot() {
  if (given.bot.empty()) want(need::kind::bot, {});
  return given.bot;
}
const std::vector<channel_mapping>& thread_desk::channels(std::string_view chat) {
  static const std::vector<channel_mapping> none;
  const auto found = given.channels.find(chat);
  if (found != given.channels.end()) return found->second;
  want(need::kind::channels, chat);
  return none;
}
const person_facts* thread_desk::person(std::string_view open_id) {
  if (open_id.empty()) return nullptr;
  const auto found = given.people.find(open_id);
  if (found != given.people.end()) return found->second ? &*found->second : nullptr;
  want(need::kind::person, open_id);
  return nullptr;
}
const project_facts* thread_desk::project(std::string_view uuid) {
  if (uuid.empty()) return nullptr;
  const auto found = given.projects.find(uuid);
  if (found != given.projects.end()) return found->second ? &*found->second : nullptr;
  want(need::kind::project, uuid);
  return nullptr;
}
const std::vector<plane::project>* thread_desk::all_projects() {
  if (given.all_projects) return &*given.all_projects;
  want(need::kind::projects, {});
  return nullptr;
}
const item_fact* thread_desk::item(std::string_view key) {
  const auto found = given.items.find(key);
  if (found != given.items.end()) return &found->second;
  want(need::kind::item, key);
  return nullptr;
}
const receipt_fact* thread_desk::receipt(std::string_view integration, std::string_view object) {
  const auto key = std::string{integration} + ":" + std::string{object};
  const auto found = given.receipts.find(key);
  if (found != given.receipts.end()) return found->second ? &*found->second : nullptr;
  want(need::kind::receipt, key);
  return nullptr;
}
std::optional<std::string> thread_desk::quoted(std::string_view message) {
  const auto found = given.quoted.find(message);
  if (found != given.quoted.end()) return found->second;
  want(need::kind::quoted, message);
  return std::nullopt;
}
entity_key thread_desk::place(std::string_view message) {
  const auto found = given.places.find(message);
  if (found != given.places.end()) return entity_key{found->second};
  want(need::kind::place, message);
  return {};
}
bool thread_desk::external(std::string_view chat) {
  const auto found = given.chats.find(chat);
  if (found != given.chats.end() && found->second) {
    plan.now.external = found->second->external;
    return plan.now.external;
  }
  if (found == given.chats.end()) want(need::kind::chat, chat);
  // A conversation that is to be bound: as if there were foreigners, so that nothing is shown to
  // them by mistake. All else goes by what was heard last.
  return bound() || known.root.empty() ? known.external : true;
}

audience thread_desk::shown_here(std::string_view project) {
  if (plan.now.p2p) return audience::shown;
  const auto& chat = plan.now.chat;
  const bool foreigners = external(chat);
  return audience_of(project, chat, channels(chat), foreigners);
}

chat_author thread_desk::author_of(std::string_view open_id) {
  chat_author a{.open_id = std::string{open_id}, .name = {}, .plane_user = {}};
  if (const auto* p = person(open_id)) {
    a.name = p->name;
    a.plane_user = p->plane_user;
    a.own_key = p->own_key;
  }
  return a;
}

thread_desk::permission thread_desk::may_change(std::string_view open_id,
                                                std::string_view project_id, bool chinese,
                                                bool admins_too) {
  permission out;
  const auto* who = person(open_id);
  const auto* where = project(project_id);
  if (lacking()) return out;
  out.author = author_of(open_id);
  const auto name = where != nullptr ? where->project.name : std::string{};
  if (admins_too && who != nullptr && who->admin)
    out.granted = true;
  else if (gave_up(need::kind::person, open_id) || where == nullptr)
    out.refusal = say(phrase::facts_missing, chinese);
  else if (who == nullptr || who->plane_user.empty())
    out.refusal = say(phrase::not_mapped, chinese);
  else if (!where->has_member(who->plane_user))
    out.refusal = say(phrase::not_a_member, chinese, {name});
  else
    out.granted = true;
  return out;
}

bool thread_desk::chinese() const noexcept {
  return (plan.now.language.empty() ? rules.language : plan.now.language) != "en";
}
lark::language thread_desk::lang() const noexcept {
  return chinese() ? lark::language::zh : lark::language::en;
}

void thread_desk::effect(std::string operation, std::string object, const lark_effect& payload,
                         std::string rule, wanted_message::kind how, timestamp due_at) {
  wanted_message m;
  m.how = how;
  m.operation = std::move(operation);
  m.object = std::move(object);
  m.payload = to_json(payload);
  m.due_at = due_at == timestamp{} ? now : due_at;
  m.rule = std::move(rule);
  plan.effects.push_back(std::move(m));
}
void thread_desk::reply(const lark::shown_message& m, wanted_message::kind how, std::string object,
                        std::string rule, timestamp due_at, std::string about) {
  lark_effect e;
  e.root = plan.now.root;
  // A topic for the conversation of an item, and where there is one already; elsewhere a plain
  // reply, so that a question for help does not open one.
  e.in_thread = !plan.now.p2p && (bound() || !plan.now.thread_id.empty());
  e.msg_type = m.msg_type;
  e.content = m.content;
  e.fallback = m.fallback;
  e.about = std::move(about);
  effect("lark.reply", std::move(object), e, std::move(rule), how, due_at);
}
void thread_desk::answer(std::string_view words, std::string_view about) {
  reply(lark::answer_message(words), wanted_message::kind::append, "answer:" + std::string{about},
        "answer");
}
void thread_desk::answer_to(std::string_view open_id, std::string_view words,
                            std::string_view about) {
  const auto* who = person(open_id);
  reply(lark::answer_message(
            lark::called_person{std::string{open_id}, who != nullptr ? who->name : ""}, words),
        wanted_message::kind::append, "answer:" + std::string{about}, "answer");
}
void thread_desk::react(std::string_view message, std::string_view emoji) {
  lark_effect e;
  e.message = message;
  e.emoji = emoji;
  effect("lark.react", "reaction:" + std::string{message}, e, "answer");
}
void thread_desk::hand_over(entity_key to, between what) {
  std::visit(
      [this](auto& b) {
        if constexpr (asks_item<std::decay_t<decltype(b)>>)
          if (b.project.empty()) b.project = plan.now.item.project;
      },
      what);
  plan.hand_overs.push_back({std::move(to), std::move(what)});
}

void thread_desk::bind(const item_view& item, std::string_view by) {
  if (bound() && plan.now.item.id != item.id) unbind();
  plan.now.item = item;
  plan.now.bound_by = by;
  const thread_bound b{.thread = plan.now.root,
                       .chat = plan.now.chat,
                       .comments = plan.now.gets_comments,
                       .changes = plan.now.gets_changes};
  hand_over(entity_key::plane_issue(item.id), b);
  if (!plan.now.p2p) hand_over(entity_key::lark_chat(plan.now.chat), b);
}
void thread_desk::unbind() {
  if (!bound()) return;
  const thread_bound b{.thread = plan.now.root,
                       .chat = plan.now.chat,
                       .bound = false,
                       .comments = false,
                       .changes = false};
  hand_over(entity_key::plane_issue(plan.now.item.id), b);
  if (!plan.now.p2p) hand_over(entity_key::lark_chat(plan.now.chat), b);
  plan.now.item = {};
  plan.now.bound_by.clear();
  plan.now.cards.clear();
  // What is on its way to the old item is no longer told about here; a new item is.
  std::erase_if(plan.now.asked, [](const auto& a) { return !a.what.starts_with("new:"); });
  plan.now.takes = inbound::commands;
  plan.now.gets_comments = plan.now.gets_changes = true;
}

lark::card_input card_input_of(const item_view& item, lark::language lang) {
  lark::card_input in;
  in.item = item.id;
  in.number = short_name(item);
  in.name = item.name;
  in.url = item.url;
  in.state = {item.state.id, item.state.name};
  in.group = item.state.group;
  in.prio = item.prio;
  for (const auto& a : item.assignees) in.assignees.push_back({a.id, a.display_name});
  in.start_date = item.start_date;
  in.target_date = item.target_date;
  for (const auto& l : item.labels) in.labels.push_back(l.name);
  in.excerpt = item.excerpt;
  in.gone = item.gone;
  in.archived = item.archived;
  in.lang = lang;
  return in;
}

item_card card_of(const item_view& item, const project_facts* project, std::string_view thread,
                  lark::language lang, bool announced, std::string_view author) {
  auto in = card_input_of(item, lang);
  in.thread = thread;
  if (project != nullptr) {
    for (const auto& s : project->states) in.states.push_back({s.id, s.name});
    for (const auto& m : project->members)
      if (!m.guest) in.members.push_back({m.user.id, m.user.display_name});
  }
  in.announced = announced;
  in.announced_by = author;
  item_card out{lark::card_work_item(in), lark::card_fallback(in), {}};
  out.shown = sha256_hex(out.content).substr(0, 16);
  return out;
}

void thread_desk::send_card() {
  const auto* menus = project(plan.now.item.project);
  if (lacking()) return;
  const auto card = card_of(plan.now.item, menus, plan.now.root, lang());
  reply({"interactive", card.content, card.fallback}, wanted_message::kind::append, "card", "card",
        {},
        to_json(effect_note{.card = true, .shown = card.shown, .item = view_hash(plan.now.item)}));
}

void thread_desk::refresh_cards(timestamp wanted) {
  if (plan.now.cards.empty()) return;
  constexpr auto window = std::chrono::hours{14 * 24};
  constexpr auto pause = std::chrono::seconds{1};
  const auto* menus = project(plan.now.item.project);
  if (lacking()) return;
  std::erase_if(plan.now.cards, [&](const auto& c) { return now - c.sent_at >= window; });
  for (auto& c : plan.now.cards) {
    // The first message of an announced conversation stays an announcement.
    const bool announced = c.message_id == plan.now.root;
    const auto card = card_of(plan.now.item, menus, announced ? "" : plan.now.root, lang(),
                              announced, c.announced_by);
    if (card.shown == c.shown) continue;
    c.shown = card.shown;
    const bool waits = c.refresh_due > now;
    if (!waits) c.refreshed_at = std::max(c.refreshed_at, c.refresh_due);
    const auto due = std::max(wanted, c.refreshed_at + pause);
    c.refresh_due = waits ? std::min(due, c.refresh_due) : due;
    lark_effect e;
    e.message = c.message_id;
    e.msg_type = "interactive";
    e.content = card.content;
    effect("lark.update_card", c.message_id, e, "card", wanted_message::kind::state, c.refresh_due);
  }
}

void thread_desk::remember_asked(std::string_view message) {
  auto& all = plan.now.asked;
  all.push_back({std::string{message}, now});
  if (all.size() > thread_knowledge::max_recent) all.erase(all.begin());
}
bool thread_desk::has_asked(std::string_view message) const noexcept {
  return std::any_of(known.asked.begin(), known.asked.end(),
                     [&](const auto& a) { return a.what == message; });
}

std::string view_hash(const item_view& item) { return sha256_hex(to_json(item)).substr(0, 16); }

std::string to_json(const effect_note& n) {
  boost::json::object o;
  if (n.card) o["card"] = true;
  if (!n.shown.empty()) o["shown"] = n.shown;
  if (!n.item.empty()) o["item"] = n.item;
  if (!n.receipt.empty()) o["receipt"] = n.receipt;
  if (!n.announced.empty()) o["announced"] = n.announced;
  if (!n.announced_by.empty()) o["announced_by"] = n.announced_by;
  return boost::json::serialize(o);
}
effect_note parse_effect_note(std::string_view text) {
  effect_note n;
  if (text.empty()) return n;
  const auto o = read_object(text, max_lark_effect_bytes, errc::storage, "sync.effect_note");
  if (!o) return n;
  const json_fields f{*o, nullptr};
  n.card = f.flag("card");
  n.shown = f.text("shown");
  n.item = f.text("item");
  n.receipt = f.text("receipt");
  n.announced = f.text("announced");
  n.announced_by = f.text("announced_by");
  return n;
}

std::optional<field_wish> without_known(field_wish wish, const item_view& item) {
  if (wish.state == item.state.id) wish.state.reset();
  if (wish.target_date == item.target_date) wish.target_date.reset();
  if (wish.prio == item.prio) wish.prio.reset();
  if (wish.assignees) {
    auto wanted = *wish.assignees;
    std::vector<std::string> present;
    for (const auto& a : item.assignees) present.push_back(a.id);
    std::sort(wanted.begin(), wanted.end());
    std::sort(present.begin(), present.end());
    if (wanted == present) wish.assignees.reset();
  }
  const auto has = [&item](const std::string& id) {
    return std::any_of(item.labels.begin(), item.labels.end(),
                       [&](const auto& l) { return l.id == id; });
  };
  std::erase_if(wish.labels_added, has);
  std::erase_if(wish.labels_removed, [&](const auto& id) { return !has(id); });
  if (!wish.state && !wish.target_date && !wish.prio && !wish.assignees &&
      wish.labels_added.empty() && wish.labels_removed.empty())
    return std::nullopt;
  return wish;
}

namespace {

/// Of what the wish sets by uuid.
plane::item_names names_in(const field_wish& wish, const project_facts& project) {
  const auto has = [](const std::vector<std::string>& ids, const std::string& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  plane::item_names n;
  if (wish.state)
    for (const auto& s : project.states)
      if (s.id == *wish.state) n.states.push_back(s);
  for (const auto& l : project.labels)
    if (has(wish.labels_added, l.id)) n.labels.push_back(l);
  if (wish.assignees)
    for (const auto& m : project.members)
      if (has(*wish.assignees, m.user.id)) n.people.push_back(m.user);
  return n;
}

}  // namespace

void hand_over_wish(thread_desk& desk, const item_view& item, const field_wish& wish,
                    const chat_author& author, std::string_view message) {
  thread_edited e;
  e.thread = desk.plan.now.root;
  e.chat = desk.plan.now.chat;
  e.message = message;
  e.author = author;
  e.project = item.project;
  e.state = wish.state;
  e.target_date = wish.target_date;
  e.prio = wish.prio;
  e.assignees = wish.assignees;
  e.labels_added = wish.labels_added;
  e.labels_removed = wish.labels_removed;
  if (const auto* project = desk.project(item.project)) e.names = names_in(wish, *project);
  desk.remember_asked(message);
  desk.hand_over(entity_key::plane_issue(item.id), std::move(e));
}

}  // namespace pb::sync
