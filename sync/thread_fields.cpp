// Commands that set fields of the bound item.
#include <algorithm>
#include <array>

#include "sync/thread_orders.hpp"
#include "sync/thread_words.hpp"

namespace pb::sync {
namespace lark = protocol::lark;
namespace plane = protocol::plane;
namespace {

using group = plane::state_group;

/// What people call the states of a group, in projects that call them something else.
struct group_word {
  std::string_view word;
  group of;
};
constexpr std::array<group_word, 24> group_words{
    {{"done", group::completed},      {"completed", group::completed},
     {"complete", group::completed},  {"finished", group::completed},
     {"closed", group::completed},    {"完成", group::completed},
     {"已完成", group::completed},    {"关闭", group::completed},
     {"in progress", group::started}, {"started", group::started},
     {"doing", group::started},       {"start", group::started},
     {"进行中", group::started},      {"开始", group::started},
     {"todo", group::unstarted},      {"to do", group::unstarted},
     {"待办", group::unstarted},      {"未开始", group::unstarted},
     {"backlog", group::backlog},     {"待规划", group::backlog},
     {"cancelled", group::cancelled}, {"canceled", group::cancelled},
     {"取消", group::cancelled},      {"已取消", group::cancelled}}};

std::string joined_some(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < 20; ++i) out += (i > 0 ? ", " : "") + names[i];
  return out;
}

/// A wish, or words that say why not.
using wish_or_words = std::variant<field_wish, std::string>;

wish_or_words wish_for_state(const command& order, const project_facts& project) {
  std::vector<std::string> names;
  for (const auto& s : project.states) names.push_back(s.name);
  if (const auto found = find_name(order.text, names))
    return field_wish{.state = project.states[*found].id};
  const auto folded = fold(order.text);
  for (const auto& w : group_words) {
    if (folded != w.word) continue;
    const auto is = [&w](const auto& s) { return s.group == w.of; };
    const auto at = std::find_if(project.states.begin(), project.states.end(), is);
    if (at != project.states.end() &&
        std::count_if(project.states.begin(), project.states.end(), is) == 1)
      return field_wish{.state = at->id};
  }
  if (const auto near = nearest(order.text, names))
    return say(phrase::no_such_state_near, order.chinese, {order.text, names[*near]});
  return say(phrase::no_such_state, order.chinese, {order.text, joined_some(names)});
}

wish_or_words wish_for_labels(const command& order, const project_facts& project) {
  std::vector<std::string> names;
  for (const auto& l : project.labels) names.push_back(l.name);
  field_wish out;
  for (const auto* list : {&order.added, &order.removed})
    for (const auto& name : *list) {
      const auto found = find_name(name, names);
      if (!found) {
        const auto near = nearest(name, names);
        return near ? say(phrase::no_such_label_near, order.chinese, {name, names[*near]})
                    : say(phrase::no_such_label, order.chinese, {name});
      }
      (list == &order.added ? out.labels_added : out.labels_removed)
          .push_back(project.labels[*found].id);
    }
  return out;
}

wish_or_words wish_for_people(thread_desk& desk, const command& order,
                              const thread_desk::permission& may, const project_facts& project) {
  const bool zh = order.chinese;
  std::vector<std::string> users;
  switch (order.who) {
    case command::whom::nobody:
      break;
    case command::whom::me:
      users.push_back(may.author.plane_user);
      break;
    case command::whom::people:
      for (const auto& open_id : order.people) {
        const auto* who = desk.person(open_id);
        if (desk.lacking()) continue;
        const auto name = who != nullptr && !who->name.empty() ? who->name : open_id;
        if (who == nullptr || who->plane_user.empty())
          return say(phrase::person_not_mapped, zh, {name});
        if (!project.has_member(who->plane_user))
          return say(phrase::person_not_a_member, zh, {name, project.project.name});
        if (std::find(users.begin(), users.end(), who->plane_user) == users.end())
          users.push_back(who->plane_user);
      }
      break;
    case command::whom::name: {
      std::vector<std::string> names, ids;
      for (const auto& m : project.members)
        if (!m.guest) {
          names.push_back(m.user.display_name);
          ids.push_back(m.user.id);
        }
      const auto found = find_name(order.text, names);
      if (!found) {
        const auto near = nearest(order.text, names);
        return near ? say(phrase::no_such_person_near, zh, {order.text, names[*near]})
                    : say(phrase::no_such_person, zh, {order.text});
      }
      users.push_back(ids[*found]);
      break;
    }
  }
  return field_wish{.assignees = users};
}

}  // namespace

thread_verdict obey_fields(thread_desk& desk, const lark::message& m, const command& order) {
  const bool zh = order.chinese;
  const auto item = desk.plan.now.item;
  const auto may = desk.may_change(m.sender.open_id, item.project, zh);
  const auto* project = desk.project(item.project);
  if (desk.lacking()) return desk.ask();
  const auto say_instead = [&](std::string_view words) {
    desk.answer(words, m.message_id);
    return desk.done("answered: refused");
  };
  if (!may.granted) return say_instead(may.refusal);
  if (item.gone) return say_instead(say(phrase::item_gone, zh, {short_name(item)}));
  if (item.archived) return say_instead(say(phrase::item_archived, zh, {short_name(item)}));

  wish_or_words wanted;
  switch (order.what) {
    case verb::state:
      wanted = wish_for_state(order, *project);
      break;
    case verb::label:
      wanted = wish_for_labels(order, *project);
      break;
    case verb::assign:
      wanted = wish_for_people(desk, order, may, *project);
      break;
    case verb::priority:
      wanted = field_wish{.prio = order.prio};
      break;
    default:
      if (!order.text.empty() && !item.start_date.empty() && order.text < item.start_date)
        return say_instead(say(phrase::due_before_start, zh, {item.start_date}));
      wanted = field_wish{.target_date = order.text};
  }
  if (desk.lacking()) return desk.ask();
  if (const auto* words = std::get_if<std::string>(&wanted)) return say_instead(*words);
  const auto wish = without_known(std::get<field_wish>(wanted), item);
  if (!wish) return say_instead(say(phrase::nothing_to_change, zh, {short_name(item)}));
  hand_over_wish(desk, item, *wish, may.author, m.message_id);
  return desk.done("applied: command");
}

}  // namespace pb::sync
