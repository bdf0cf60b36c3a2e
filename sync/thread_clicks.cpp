// Clicks on cards: the same wishes as commands, by whoever clicked.
#include <algorithm>

#include "base/digest.hpp"
#include "base/entity.hpp"
#include "protocol/lark/card.hpp"
#include "protocol/lark/rich_text.hpp"
#include "protocol/lark/to_html.hpp"
#include "sync/json_fields.hpp"
#include "sync/thread_desk.hpp"
#include "sync/thread_words.hpp"

namespace pb::sync {
namespace lark = protocol::lark;
namespace plane = protocol::plane;
namespace {

constexpr std::chrono::seconds same_click{5};

struct click_value {
  std::string thread, item, what, to;
};
std::optional<click_value> value_of(const lark::card_action& c) {
  constexpr std::size_t max_bytes = 4'096;
  const auto o = read_object(c.value, max_bytes, errc::bad_input, "sync.click");
  if (!o) return std::nullopt;
  const json_fields f{*o, nullptr};
  click_value v{f.text("thread"), f.text("item"), f.text("do"), f.text("to")};
  if (!is_uuid(v.item) || v.what.empty()) return std::nullopt;
  return v;
}
std::string comment_in(const lark::card_action& c) {
  for (const auto& [name, text] : c.form)
    if (name == "comment") return std::string{trim(text)};
  return std::string{trim(c.input)};
}
bool is_day(std::string_view t) {
  if (t.size() != 10 || t[4] != '-' || t[7] != '-') return false;
  return std::all_of(t.begin(), t.end(), [](char c) { return (c >= '0' && c <= '9') || c == '-'; });
}

/// What the click wants; nothing: the card was forged or is from another time.
std::optional<field_wish> wish_of(thread_desk& desk, const lark::card_action& c,
                                  const click_value& v, const project_facts& project) {
  const auto& choice = c.option.empty() ? v.to : c.option;
  if (v.what == "state") {
    if (std::none_of(project.states.begin(), project.states.end(),
                     [&](const auto& s) { return s.id == choice; }))
      return std::nullopt;
    return field_wish{.state = choice};
  }
  if (v.what == "priority") {
    for (const auto p : {plane::priority::none, plane::priority::low, plane::priority::medium,
                         plane::priority::high, plane::priority::urgent})
      if (choice == to_string(p)) return field_wish{.prio = p};
    return std::nullopt;
  }
  if (v.what == "due") {
    if (c.option.empty() && v.to == "none") return field_wish{.target_date = ""};
    const auto day = choice.substr(0, 10);
    if (!is_day(day)) return std::nullopt;
    return field_wish{.target_date = day};
  }
  if (v.what != "assign") return std::nullopt;
  if (choice == lark::choice_nobody) return field_wish{.assignees = std::vector<std::string>{}};
  auto user = choice;
  if (!is_uuid(choice)) {
    const auto* who = desk.person(choice);
    if (who == nullptr) return std::nullopt;
    user = who->plane_user;
  }
  if (!project.has_member(user)) return std::nullopt;
  return field_wish{.assignees = std::vector<std::string>{user}};
}

}  // namespace

thread_verdict judge_click(thread_desk& desk, const lark::card_action& click,
                           std::string_view event_id, timestamp clicked_at) {
  const auto v = value_of(click);
  if (!v) return desk.ignored("no card of ours");
  auto& k = desk.plan.now;
  if (k.chat.empty()) k.chat = click.chat_id;
  if (k.root.empty()) k.root = v->thread.empty() ? click.message_id : v->thread;
  const auto text = comment_in(click);
  const auto key = sha256_hex(click.message_id + '\n' + click.by.open_id + '\n' + v->what + '\n' +
                              v->to + '\n' + click.option + '\n' + text)
                       .substr(0, 16);
  // When it was made, not when it came: one of two may be late.
  const auto at = clicked_at == timestamp{} ? desk.now : clicked_at;
  for (const auto& c : desk.known.clicks)
    if (c.what == key && at - c.at < same_click && c.at - at < same_click)
      return desk.ignored("a double click");

  // The conversation may have been bound to another item since, or not be bound yet.
  auto item = k.item;
  if (item.id != v->item) {
    const auto* found = desk.item("/" + v->item);
    if (desk.lacking()) return desk.ask();
    if (found == nullptr || found->how != item_fact::found::yes)
      return desk.ignored("the item of the card cannot be read");
    item = found->view;
  }
  const bool zh = desk.chinese();
  const auto seen = desk.shown_here(item.project);
  const auto may = desk.may_change(click.by.open_id, item.project, zh);
  const auto* project = desk.project(item.project);
  if (desk.lacking()) return desk.ask();
  k.clicks.push_back({key, at});
  if (k.clicks.size() > thread_knowledge::max_recent) k.clicks.erase(k.clicks.begin());
  // Unique per click, so that the same comment may be written twice; the card's own id in front.
  const auto id =
      click.message_id + "#" +
      sha256_hex(std::string{event_id} + key + std::to_string(to_micros(desk.now))).substr(0, 12);
  const auto say_instead = [&](std::string_view words) {
    desk.answer_to(click.by.open_id, words, id);
    return desk.done("answered: refused");
  };
  if (seen != audience::shown) return desk.done("ignored: private-stays-private");
  const bool comments = v->what == "comment";
  if (!may.granted && !comments) return say_instead(may.refusal);
  if (item.gone) return say_instead(say(phrase::item_gone, zh, {short_name(item)}));
  if (item.archived) return say_instead(say(phrase::item_archived, zh, {short_name(item)}));

  // Beyond Feishu's window the card cannot show what became of it: a new one does.
  constexpr auto window = std::chrono::hours{14 * 24};
  const auto card = std::find_if(k.cards.begin(), k.cards.end(),
                                 [&](const auto& c) { return c.message_id == click.message_id; });
  const bool old =
      k.item.id == item.id && (card == k.cards.end() || desk.now - card->sent_at >= window);
  if (comments) {
    if (text.empty()) return desk.ignored("an empty comment");
    lark::rich_text body;
    for (std::size_t from = 0; from <= text.size() && body.blocks.size() < 200;) {
      const auto end = std::min(text.find('\n', from), text.size());
      lark::block b;
      b.line.push_back({lark::run::kind::text, text.substr(from, end - from), {}});
      if (end > from) body.blocks.push_back(std::move(b));
      from = end + 1;
    }
    const auto author = desk.author_of(click.by.open_id);
    if (desk.lacking()) return desk.ask();
    desk.remember_asked(id);
    desk.hand_over(entity_key::plane_issue(item.id),
                   thread_commented{k.root, k.chat, id, lark::to_html(body), author});
  } else {
    const auto wanted = wish_of(desk, click, *v, *project);
    if (desk.lacking()) return desk.ask();
    if (!wanted) return desk.ignored("no choice of this card");
    if (wanted->target_date && !wanted->target_date->empty() && !item.start_date.empty() &&
        *wanted->target_date < item.start_date)
      return say_instead(say(phrase::due_before_start, zh, {item.start_date}));
    const auto wish = without_known(*wanted, item);
    if (!wish) return desk.done("absorbed: echo-by-value");
    hand_over_wish(desk, item, *wish, may.author, id);
  }
  if (old) {
    std::erase_if(k.cards, [&](const auto& c) { return c.message_id == click.message_id; });
    desk.send_card();
  }
  return desk.done(comments ? "applied: comment by card" : "applied: click");
}

}  // namespace pb::sync
