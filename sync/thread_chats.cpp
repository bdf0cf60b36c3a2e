// The chat itself: announcements, alarms, who is in it; and people who talk to the bot alone.
#include <algorithm>

#include "protocol/lark/card.hpp"
#include "protocol/lark/chat_text.hpp"
#include "sync/thread_desk.hpp"

namespace pb::sync {
namespace lark = protocol::lark;
namespace {

void send(thread_desk& desk, const lark::shown_message& m, std::string object, std::string rule,
          std::string about = {}) {
  lark_effect e;
  e.chat = desk.plan.now.chat;
  e.msg_type = m.msg_type;
  e.content = m.content;
  e.fallback = m.fallback;
  e.about = std::move(about);
  desk.effect("lark.send", std::move(object), e, std::move(rule));
}

/// Who made it: by the name they have in chat, or that which Plane shows. It calls nobody.
std::string maker_of(thread_desk& desk, const chat_announcement& heard,
                     const project_facts* project) {
  if (project == nullptr || heard.author_id.empty()) return heard.author;
  for (const auto& m : project->members) {
    if (m.user.id != heard.author_id) continue;
    const auto* who = desk.person(m.open_id);
    if (who != nullptr && !who->name.empty()) return who->name;
    return m.user.display_name.empty() ? heard.author : m.user.display_name;
  }
  return heard.author;
}

/// A project that is new cannot be mapped yet: it is shown where a mapping of the chat says that
/// new projects are, among people of other tenants only where that mapping allows for them.
thread_verdict judge_new_project(thread_desk& desk, const chat_announcement& heard) {
  const auto& chat = desk.plan.now.chat;
  const auto& channels = desk.channels(chat);
  const bool foreigners = desk.external(chat);
  const auto* project = desk.project(heard.project);
  const auto maker = maker_of(desk, heard, project);
  if (desk.lacking()) return desk.ask();
  const bool wanted = std::any_of(channels.begin(), channels.end(), [&](const auto& c) {
    return c.shown && c.announce_projects && (c.external || !foreigners);
  });
  if (!wanted) return desk.ignored("private-stays-private");
  const auto name =
      heard.project_name.empty() && project != nullptr ? project->project.name : heard.project_name;
  const auto identifier = heard.identifier.empty() && project != nullptr
                              ? project->project.identifier
                              : heard.identifier;
  if (name.empty()) return desk.ignored("the project is not shown to the key");
  const lark::project_card_input in{name, identifier, heard.url, maker, desk.lang()};
  send(desk, {"interactive", lark::card_project(in), lark::card_fallback(in)},
       "announce:" + heard.project, "announcement");
  return desk.done("applied: announced");
}

}  // namespace

thread_verdict judge_announcement(thread_desk& desk, const chat_announcement& heard) {
  if (!heard.item) return judge_new_project(desk, heard);
  const auto& project = heard.item->project;
  const auto seen = desk.shown_here(project);
  const auto* menus = desk.project(project);
  if (desk.lacking()) return desk.ask();
  if (seen != audience::shown) return desk.ignored("private-stays-private");
  auto item = *heard.item;
  // The first item of a new project: the item's side did not know the project yet.
  if (item.identifier.empty() && menus != nullptr) item.identifier = menus->project.identifier;
  const auto card = card_of(item, menus, {}, desk.lang(), true, heard.author);
  send(desk, {"interactive", card.content, card.fallback}, "announce:" + item.id, "announcement",
       to_json(effect_note{
           .shown = card.shown, .announced = to_json(item), .announced_by = heard.author}));
  return desk.done("applied: announced");
}

thread_verdict judge_membership(thread_desk& desk, const lark::chat_membership& m) {
  auto& k = desk.plan.now;
  k.chat = m.chat_id;
  k.external = m.external || (k.external && !m.added);
  if (m.added) {
    send(desk, lark::answer_message(say(phrase::help_short, desk.chinese())), "hello", "answer");
    return desk.done("applied: joined");
  }
  const std::string why = m.disbanded ? "chat dissolved" : "bot removed";
  for (const auto& t : k.threads)
    desk.hand_over(entity_key::lark_thread(t), thread_ended{t, k.chat, why});
  k.threads.clear();
  return desk.done("applied: " + why);
}

thread_verdict judge_contact(thread_desk& desk, const lark::private_contact& c) {
  lark_effect e;
  e.open_id = c.who.open_id;
  if (e.open_id.empty()) return desk.ignored("nobody to answer");
  if (c.menu_key == "connect") {
    const auto author = desk.author_of(c.who.open_id);
    if (desk.lacking()) return desk.ask();
    if (!author.plane_user.empty()) {
      e.language = desk.chinese() ? "zh" : "en";
      desk.effect("lark.connect_link", "connect:" + e.open_id, e, "answer");
      return desk.done("applied: connect");
    }
  }
  const auto p = c.menu_key == "connect" ? phrase::link_needs_mapping
                 : c.menu_key.empty()    ? phrase::help_short
                                         : phrase::help;
  const auto m = lark::answer_message(say(p, desk.chinese()));
  e.msg_type = m.msg_type;
  e.content = m.content;
  desk.effect("lark.send", "hello:" + e.open_id, e, "answer");
  return desk.done("answered");
}

}  // namespace pb::sync
