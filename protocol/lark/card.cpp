#include "protocol/lark/card.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <vector>

#include "protocol/json_reader.hpp"
#include "protocol/lark/card_check.hpp"
#include "protocol/lark/card_parts.hpp"
#include "protocol/lark/safe_text.hpp"

namespace pb::protocol::lark {
namespace {
namespace json = boost::json;
using parts::plain;

/// How much of what can be long is shown. Each round that does not fit halves it.
struct room {
  std::size_t states = 50, members = 90, labels = 20, assignees = 20;
  std::size_t excerpt = 1200, choice = 120;  // bytes
  void halve() noexcept {
    for (auto* each : {&states, &members, &labels, &assignees}) *each = (*each + 1) / 2;
    excerpt = (excerpt + 1) / 2;
    choice = std::max<std::size_t>(choice / 2, 20);
  }
};
constexpr std::size_t id_limit = 128;
constexpr std::size_t title_limit = 400;

std::string date_of(std::string_view text) {
  return is_civil_date(text) ? std::string{text} : std::string{};
}
std::string url_of(std::string_view url) {
  return is_web_address(url) ? std::string{url} : std::string{};
}

std::string with_value(word w, std::string_view value, language l) {
  return std::string{say(w, l)} + std::string{say(word::colon, l)} + std::string{value};
}

/// "a, b, c" or "a, b … +7".
std::string joined(const std::vector<std::string>& all, std::size_t count, std::size_t each,
                   language l) {
  std::string out;
  for (std::size_t i = 0; i < std::min(count, all.size()); ++i) {
    if (!out.empty()) out += say(word::comma, l);
    out += one_line(all[i], each);
  }
  if (all.size() > count) out += " … +" + std::to_string(all.size() - count);
  return out;
}

std::vector<std::string> names(const std::vector<card_choice>& all) {
  std::vector<std::string> out;
  for (const auto& each : all) out.push_back(each.text);
  return out;
}

/// Choices as a menu takes them: values that are there, once each, at most `count`; `kept` is
/// among them even when it stands far behind.
std::vector<card_choice> menu_of(const std::vector<card_choice>& all, std::size_t count,
                                 std::size_t text_limit, std::string_view kept) {
  std::vector<card_choice> out;
  std::set<std::string> seen;
  const auto add = [&](const card_choice& c) {
    auto value = one_line(c.value, id_limit);
    if (value.empty() || !seen.insert(value).second) return;
    auto text = one_line(c.text, text_limit);
    out.push_back({std::move(value), text.empty() ? "?" : std::move(text)});
  };
  const auto current = std::find_if(
      all.begin(), all.end(), [&](const auto& c) { return !kept.empty() && c.value == kept; });
  for (const auto& each : all) {
    const bool last = out.size() + 1 >= count;
    if (last && current != all.end() && !seen.contains(one_line(kept, id_limit))) {
      add(*current);
      break;
    }
    if (out.size() >= count) break;
    add(each);
  }
  return out;
}

class work_item_card {
public:
  work_item_card(const card_input& in, const room& r)
      : in_(in), room_(r), l_(in.lang), url_(url_of(in.url)) {}

  std::string build() {
    json::array tags;
    if (in_.gone || in_.archived) {
      tags.push_back(
          parts::header_tag(say(in_.gone ? word::deleted : word::archived, l_), "neutral"));
    } else {
      if (const auto s = one_line(in_.state.text, 60); !s.empty())
        tags.push_back(parts::header_tag(s, parts::tag_color_of(in_.group)));
      if (in_.prio != plane::priority::none)
        tags.push_back(parts::header_tag(priority_name(in_.prio, l_), parts::color_of(in_.prio)));
    }
    const bool over = in_.gone || in_.archived;
    auto card = parts::frame({.title = title(in_),
                              .subtitle = subtitle(),
                              .color = over ? "grey" : parts::color_of(in_.group),
                              .url = url_,
                              .tags = std::move(tags)});
    if (const auto text = cut_text(in_.excerpt, room_.excerpt); !text.empty())
      elements_.push_back(json::object{{"tag", "div"}, {"text", plain(text)}});
    facts();
    if (in_.interactive && !over) {
      menus();
      comment_form();
    }
    buttons(in_.interactive && !over);
    return parts::finish(std::move(card), std::move(elements_));
  }

  static std::string title(const card_input& in) {
    auto out = one_line(in.number, 60);
    const auto name = one_line(in.name, name_limit);
    if (!out.empty() && !name.empty()) out += ' ';
    out += name;
    return out.empty() ? "?" : one_line(out, title_limit);
  }

private:
  std::string subtitle() const {
    if (!in_.announced) return {};
    const auto by = one_line(in_.announced_by, 100);
    const auto what = std::string{say(word::new_item, l_)};
    return by.empty() ? what : what + " · " + by;
  }

  json::object value(std::string_view act) const {
    return {{"thread", one_line(in_.thread, id_limit)},
            {"item", one_line(in_.item, id_limit)},
            {"do", act}};
  }

  void facts() {
    json::array fields;
    const auto add = [&](word w, const std::string& text) {
      if (!text.empty())
        fields.push_back(
            json::object{{"is_short", true}, {"text", plain(with_value(w, text, l_))}});
    };
    add(word::state, one_line(in_.state.text, room_.choice));
    add(word::priority, std::string{priority_name(in_.prio, l_)});
    const auto who = joined(names(in_.assignees), room_.assignees, room_.choice, l_);
    add(word::assignees, who.empty() ? std::string{say(word::nobody, l_)} : who);
    add(word::start_date, date_of(in_.start_date));
    add(word::due_date, date_of(in_.target_date));
    add(word::labels, joined(in_.labels, room_.labels, room_.choice, l_));
    elements_.push_back(json::object{{"tag", "div"}, {"fields", std::move(fields)}});
  }

  json::object menu(std::string_view id, std::string_view placeholder,
                    const std::vector<card_choice>& choices, std::string_view chosen,
                    json::object back) const {
    json::array options;
    bool found = false;
    for (const auto& c : choices) {
      options.push_back(json::object{{"text", plain(c.text)}, {"value", c.value}});
      found = found || c.value == chosen;
    }
    json::object out{{"tag", "select_static"},
                     {"element_id", id},
                     {"type", "default"},
                     {"placeholder", plain(placeholder)},
                     {"width", "fill"}};
    if (found) out["initial_option"] = chosen;
    out["options"] = std::move(options);
    out["behaviors"] = json::array{parts::callback(std::move(back))};
    return out;
  }

  /// "Assign to", and how many of them the menu shows when it is not all.
  static std::string placeholder(std::string_view text, std::size_t shown, std::size_t all) {
    std::string out{text};
    if (shown < all) out += " (" + std::to_string(shown) + "/" + std::to_string(all) + ")";
    return out;
  }

  void menus() {
    json::array first, second;
    if (!in_.states.empty()) {
      const auto list = menu_of(in_.states, room_.states, room_.choice, in_.state.value);
      first.push_back(menu("state",
                           placeholder(say(word::change_state, l_), list.size(), in_.states.size()),
                           list, one_line(in_.state.value, id_limit), value("state")));
    }
    std::vector<card_choice> priorities;
    for (const auto p : {plane::priority::urgent, plane::priority::high, plane::priority::medium,
                         plane::priority::low, plane::priority::none})
      priorities.push_back({std::string{plane::to_string(p)}, std::string{priority_name(p, l_)}});
    first.push_back(menu("priority", say(word::change_priority, l_), priorities,
                         plane::to_string(in_.prio), value("priority")));
    if (in_.assign == assign_menu::people) {
      second.push_back(json::object{{"tag", "select_person"},
                                    {"element_id", "assignee"},
                                    {"type", "default"},
                                    {"placeholder", plain(say(word::assign_to, l_))},
                                    {"width", "fill"},
                                    {"options", json::array{}},
                                    {"behaviors", json::array{parts::callback(value("assign"))}}});
    } else if (in_.assign == assign_menu::members && !in_.members.empty()) {
      const std::string chosen = in_.assignees.empty()       ? std::string{choice_nobody}
                                 : in_.assignees.size() == 1 ? in_.assignees.front().value
                                                             : std::string{};
      auto list = menu_of(in_.members, room_.members, room_.choice, chosen);
      std::erase_if(list, [](const card_choice& c) { return c.value == choice_nobody; });
      const auto shown = list.size();
      list.insert(list.begin(), {std::string{choice_nobody}, std::string{say(word::nobody, l_)}});
      second.push_back(menu("assignee",
                            placeholder(say(word::assign_to, l_), shown, in_.members.size()), list,
                            one_line(chosen, id_limit), value("assign")));
    }
    json::object due{{"tag", "date_picker"},
                     {"element_id", "due"},
                     {"placeholder", plain(say(word::set_due_date, l_))},
                     {"width", "fill"}};
    if (const auto date = date_of(in_.target_date); !date.empty()) due["initial_date"] = date;
    due["behaviors"] = json::array{parts::callback(value("due"))};
    second.push_back(std::move(due));
    elements_.push_back(parts::row(std::move(first)));
    elements_.push_back(parts::row(std::move(second)));
  }

  void comment_form() {
    json::object input{{"tag", "input"},
                       {"name", "comment"},
                       {"placeholder", plain(say(word::write_comment, l_))},
                       {"input_type", "multiline_text"},
                       {"rows", 2},
                       {"auto_resize", true},
                       {"max_rows", 6},
                       {"max_length", 1000},
                       {"required", true},
                       {"width", "fill"}};
    json::object send{{"tag", "button"},
                      {"name", "send"},
                      {"text", plain(say(word::send_comment, l_))},
                      {"type", "primary"},
                      {"form_action_type", "submit"},
                      {"behaviors", json::array{parts::callback(value("comment"))}}};
    elements_.push_back(json::object{{"tag", "form"},
                                     {"name", "comment_form"},
                                     {"elements", json::array{std::move(input), std::move(send)}}});
  }

  void buttons(bool interactive) {
    json::array all;
    if (!url_.empty()) all.push_back(parts::link_button(say(word::open_in_plane, l_), url_));
    if (interactive && !date_of(in_.target_date).empty()) {
      auto none = value("due");
      none["to"] = choice_nobody;
      all.push_back(json::object{{"tag", "button"},
                                 {"text", plain(say(word::clear_due_date, l_))},
                                 {"type", "text"},
                                 {"behaviors", json::array{parts::callback(std::move(none))}}});
    }
    if (all.empty()) return;
    elements_.push_back(json::object{{"tag", "hr"}});
    elements_.push_back(parts::row(std::move(all)));
  }

  const card_input& in_;
  const room& room_;
  language l_;
  std::string url_;
  json::array elements_;
};
}  // namespace

std::string card_work_item(const card_input& in) {
  room r;
  for (;;) {
    auto card = work_item_card{in, r}.build();
    // At the smallest, everything in it has a bound of its own and the card has some 12 KB.
    if ((r.members == 1 && r.excerpt == 1) ||
        (card.size() <= card_limit_bytes && count_elements(card) <= card_limit_elements))
      return card;
    r.halve();
  }
}

std::string card_fallback(const card_input& in) {
  const auto l = in.lang;
  std::string out;
  if (in.announced) {
    out += say(word::new_item, l);
    if (const auto by = one_line(in.announced_by, 100); !by.empty()) out += " · " + for_message(by);
    out += '\n';
  }
  out += for_message(work_item_card::title(in));
  if (in.gone || in.archived) {
    out += " (";
    out += say(in.gone ? word::deleted : word::archived, l);
    out += ')';
  }
  const auto add = [&](word w, const std::string& text) {
    if (!text.empty()) out += '\n' + with_value(w, for_message(text), l);
  };
  add(word::state, one_line(in.state.text, 120));
  add(word::priority, std::string{priority_name(in.prio, l)});
  const auto who = joined(names(in.assignees), 10, 60, l);
  add(word::assignees, who.empty() ? std::string{say(word::nobody, l)} : who);
  add(word::start_date, date_of(in.start_date));
  add(word::due_date, date_of(in.target_date));
  add(word::labels, joined(in.labels, 10, 60, l));
  if (const auto text = one_line(in.excerpt, 400); !text.empty()) out += '\n' + for_message(text);
  if (const auto url = url_of(in.url); !url.empty()) out += '\n' + url;
  return out;
}

std::string card_project(const project_card_input& in) {
  const auto url = url_of(in.url);
  const auto name = one_line(in.name, name_limit);
  const auto number = one_line(in.identifier, 60);
  auto subtitle = std::string{say(word::new_project, in.lang)};
  if (const auto by = one_line(in.author, 100); !by.empty()) subtitle += " · " + by;
  auto card =
      parts::frame({.title = name.empty() ? (number.empty() ? "?" : number) : name,
                    .subtitle = subtitle,
                    .color = "turquoise",
                    .url = url,
                    .tags = number.empty() ? json::array{}
                                           : json::array{parts::header_tag(number, "turquoise")}});
  json::array elements;
  if (!url.empty())
    elements.push_back(parts::link_button(say(word::open_in_plane, in.lang), url));
  else
    elements.push_back(json::object{{"tag", "div"}, {"text", plain(subtitle)}});
  return parts::finish(std::move(card), std::move(elements));
}

std::string card_fallback(const project_card_input& in) {
  std::string out{say(word::new_project, in.lang)};
  out += say(word::colon, in.lang);
  out += for_message(one_line(in.name, name_limit));
  if (const auto number = one_line(in.identifier, 60); !number.empty())
    out += " (" + for_message(number) + ")";
  if (const auto by = one_line(in.author, 100); !by.empty()) out += " · " + for_message(by);
  if (const auto url = url_of(in.url); !url.empty()) out += '\n' + url;
  return out;
}

std::string text_content(std::string_view safe) {
  return json::serialize(json::object{{"text", safe}});
}

}  // namespace pb::protocol::lark
