#include "sync/thread_operands.hpp"

#include <algorithm>
#include <array>

#include "base/ascii.hpp"
#include "sync/thread_dates.hpp"
#include "sync/thread_words.hpp"

namespace pb::sync {
namespace {

mistake wrong(mistake::kind k, const command& c, std::string_view got, std::string nearest = {}) {
  return {k, c.chinese, quoted(got), std::move(nearest), c.what};
}
std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

template <std::size_t N>
bool one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}
constexpr std::array<std::string_view, 16> nothing_words{
    "none", "nobody", "no", "no one", "clear", "off",  "-",    "unassigned",
    "无",   "没有",   "空", "清空",   "清除",  "没人", "取消", "无人"};
constexpr std::array<std::string_view, 7> me_words{"me",   "myself", "i",     "我",
                                                   "自己", "本人",   "我自己"};

/// [label](address) is what Feishu makes of a link; its address counts.
std::string address_in(std::string_view text) {
  const auto open = text.find("](");
  if (text.starts_with("[") && open != std::string_view::npos) {
    const auto close = text.find(')', open);
    return std::string{trim(text.substr(
        open + 2, close == std::string_view::npos ? std::string_view::npos : close - open - 2))};
  }
  if (text.starts_with("<") && text.ends_with(">")) text = text.substr(1, text.size() - 2);
  const auto trimmed = trim(text);
  return std::string{trimmed.substr(0, trimmed.find_first_of(" \t\n"))};
}

reading read_create(command c, std::string_view rest) {
  rest = trim(rest);
  auto title = trim(first_line(rest));
  if (const auto end = rest.find('\n'); end != std::string_view::npos)
    c.body = trim(rest.substr(end + 1));
  // "… in WEB" at the end, or "in WEB …" and "WEB:" at the front.
  const auto is_key = [](std::string_view t) {
    return !t.empty() && t.size() <= 48 && std::all_of(t.begin(), t.end(), [](char ch) {
      return (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');
    }) && !(t[0] >= '0' && t[0] <= '9');
  };
  for (const std::string_view in : {" in ", " IN ", " In ", " 在 ", " 到 "}) {
    const auto at = title.rfind(in);
    if (at == std::string_view::npos) continue;
    // A word in capitals: "log in again" names no project.
    const auto key = trim(title.substr(at + in.size()));
    if (!is_key(in == " IN " ? upper_case(key) : key)) continue;
    c.project = upper_case(key);
    title = trim(title.substr(0, at));
    break;
  }
  for (const std::string_view in : {"in ", "IN ", "In ", "在 ", "到 "}) {
    if (!c.project.empty() || !title.starts_with(in)) continue;
    const auto after = trim(title.substr(in.size()));
    const auto key = after.substr(0, after.find_first_of(" \t"));
    if (!is_key(key) || key.size() == after.size()) continue;
    c.project = std::string{key};
    title = trim(after.substr(key.size()));
  }
  c.text = title;
  if (c.text.empty()) return wrong(mistake::kind::needs_text, c, {});
  return c;
}

reading read_assign(command c, std::string_view rest, const spoken& said) {
  const auto words = fold(rest);
  if (!said.people.empty()) {
    c.who = command::whom::people;
    c.people = said.people;
    return c;
  }
  if (words.empty()) return wrong(mistake::kind::needs_whom, c, {});
  if (one_of(words, me_words)) {
    c.who = command::whom::me;
  } else if (one_of(words, nothing_words)) {
    c.who = command::whom::nobody;
  } else {
    c.who = command::whom::name;
    auto name = trim(first_line(trim(rest)));
    if (name.starts_with("@")) name.remove_prefix(1);
    c.text = trim(name);
    if (c.text.empty()) return wrong(mistake::kind::needs_whom, c, {});
  }
  return c;
}

reading read_due(command c, std::string_view rest, std::chrono::year_month_day today) {
  const auto words = fold(first_line(trim(rest)));
  if (words.empty()) return wrong(mistake::kind::bad_date, c, {});
  if (one_of(words, nothing_words)) return c;
  if (const auto d = parse_day(words, today)) {
    c.text = iso_day(*d);
    return c;
  }
  static const std::vector<std::string> english{"today",     "tomorrow", "monday", "tuesday",
                                                "wednesday", "thursday", "friday", "saturday",
                                                "sunday",    "none"};
  static const std::vector<std::string> chinese{"今天",   "明天",   "后天",   "下周一", "下周二",
                                                "下周三", "下周四", "下周五", "月底",   "无"};
  const auto& all = has_chinese(words) ? chinese : english;
  const auto near = nearest(words, all);
  return wrong(mistake::kind::bad_date, c, words, near ? all[*near] : std::string{});
}

/// Names stand between commas or blanks; quotes hold blanks together. "+a -b", "a, b".
reading read_label(command c, std::string_view rest) {
  std::string_view left = trim(rest);
  while (!left.empty()) {
    bool remove = false, sign = false;
    for (const auto& [word, off] :
         {std::pair<std::string_view, bool>{"+", false}, {"＋", false}, {"-", true}, {"－", true}})
      if (!sign && left.starts_with(word)) {
        sign = true;
        remove = off;
        left = trim(left.substr(word.size()));
      }
    std::string name;
    std::string_view close;
    for (const auto& [open, shut] :
         {std::pair<std::string_view, std::string_view>{"\"", "\""}, {"“", "”"}, {"「", "」"}})
      if (close.empty() && left.starts_with(open)) {
        close = shut;
        left.remove_prefix(open.size());
      }
    if (!close.empty()) {
      const auto end = left.find(close);
      name = trim(left.substr(0, end));
      left = end == std::string_view::npos ? std::string_view{} : left.substr(end + close.size());
    } else {
      while (!left.empty()) {
        if (left.starts_with(",") || left.starts_with("，") || left.starts_with("、") ||
            trim(left.substr(0, 1)).empty() || left.starts_with("　"))
          break;
        name += left.front();
        left.remove_prefix(1);
      }
    }
    for (bool more = true; more;) {
      more = false;
      left = trim(left);
      for (const std::string_view comma : {",", "，", "、"})
        if (left.starts_with(comma)) {
          left.remove_prefix(comma.size());
          more = true;
        }
    }
    if (name.empty()) {
      if (!sign && close.empty() && !left.empty()) continue;
      return wrong(mistake::kind::needs_label, c, {});
    }
    if (c.added.size() + c.removed.size() < 20) (remove ? c.removed : c.added).push_back(name);
  }
  if (c.added.empty() && c.removed.empty()) return wrong(mistake::kind::needs_label, c, {});
  return c;
}

reading read_sync(command c, std::string_view rest) {
  struct mode_row {
    std::string_view word;
    command::sync_mode mode;
  };
  using m = command::sync_mode;
  static constexpr std::array<mode_row, 19> modes{{{"on", m::on},
                                                   {"off", m::off},
                                                   {"comments", m::comments},
                                                   {"all", m::on},
                                                   {"commands", m::commands},
                                                   {"开", m::on},
                                                   {"关", m::off},
                                                   {"评论", m::comments},
                                                   {"全部", m::on},
                                                   {"命令", m::commands},
                                                   {"开启", m::on},
                                                   {"打开", m::on},
                                                   {"关闭", m::off},
                                                   {"停止", m::off},
                                                   {"仅评论", m::comments},
                                                   {"只评论", m::comments},
                                                   {"comments only", m::comments},
                                                   {"所有", m::on},
                                                   {"仅命令", m::commands}}};
  const auto words = fold(rest);
  if (words.empty()) return c;
  std::vector<std::string> names;
  for (const auto& row : modes) {
    if (words == row.word) {
      c.mode = row.mode;
      return c;
    }
    names.emplace_back(row.word);
  }
  const auto near = nearest(words, names);
  return wrong(mistake::kind::bad_mode, c, words, near ? names[*near] : std::string{});
}

reading read_quiet(command c, std::string_view rest) {
  auto words = fold(rest);
  if (one_of(std::string_view{words}, nothing_words) || words == "关" || words == "关闭") return c;
  std::size_t width = 0, at = std::string::npos;
  for (const std::string_view dash : {"-", "–", "—", "~", "～", "到", "至", " to "})
    if (const auto found = words.find(dash);
        at == std::string::npos && found != std::string::npos) {
      at = found;
      width = dash.size();
    }
  if (at == std::string::npos) return wrong(mistake::kind::bad_hours, c, words);
  c.from = parse_time_of_day(trim(std::string_view{words}.substr(0, at)));
  c.to = parse_time_of_day(trim(std::string_view{words}.substr(at + width)));
  if (!c.from || !c.to || *c.from == *c.to) {
    c.from = c.to = std::nullopt;
    return wrong(mistake::kind::bad_hours, c, words);
  }
  return c;
}

}  // namespace

std::string quoted(std::string_view text) {
  std::size_t end = std::min<std::size_t>(text.size(), 80);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;
  return std::string{text.substr(0, end)};
}
reading read_operands(command c, std::string_view rest, const spoken& said,
                      std::chrono::year_month_day today) {
  const auto line = trim(first_line(trim(rest)));
  switch (c.what) {
    case verb::bind:
      c.text = address_in(line);
      if (c.text.empty()) return wrong(mistake::kind::needs_address, c, {});
      return c;
    case verb::comment:
      c.text = trim(rest);
      if (c.text.empty()) return wrong(mistake::kind::needs_text, c, {});
      return c;
    case verb::create:
      return read_create(std::move(c), rest);
    case verb::assign:
      return read_assign(std::move(c), rest, said);
    case verb::state:
      c.text = line;
      if (c.text.empty()) return wrong(mistake::kind::needs_state, c, {});
      return c;
    case verb::priority: {
      const auto words = fold(line);
      if (const auto p = parse_priority(words)) {
        c.prio = *p;
        return c;
      }
      const auto names = priority_words(c.chinese && (words.empty() || has_chinese(words)));
      const auto near = words.empty() ? std::nullopt : nearest(words, names);
      return wrong(mistake::kind::bad_priority, c, words, near ? names[*near] : std::string{});
    }
    case verb::due:
      return read_due(std::move(c), rest, today);
    case verb::label:
      return read_label(std::move(c), line);
    case verb::sync:
      return read_sync(std::move(c), line);
    case verb::mute: {
      const auto words = fold(line);
      if (words == "off" || words == "关" || words == "关闭" || words == "取消")
        c.on = false;
      else if (!words.empty() && words != "on" && words != "开" && words != "开启" &&
               words != "me" && words != "我")
        return wrong(mistake::kind::bad_mute, c, words);
      return c;
    }
    case verb::quiet:
      return read_quiet(std::move(c), line);
    case verb::unbind:
    case verb::link:
    case verb::connect:
      if (!line.empty()) return wrong(mistake::kind::no_text, c, line);
      return c;
    case verb::help:
      return c;
  }
  return c;
}

}  // namespace pb::sync
