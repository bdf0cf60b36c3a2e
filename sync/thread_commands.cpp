#include "sync/thread_commands.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "sync/thread_dates.hpp"
#include "sync/thread_words.hpp"

namespace pb::sync {
namespace {

constexpr std::size_t max_text = 32U * 1024;

struct word_row {
  std::string_view word;
  verb what;
  bool chinese;
  bool on = true;  ///< "unmute"
};
/// The first of each language is how we write it. Of words that begin alike the longer stands
/// first: Chinese needs no blank behind the word.
constexpr std::array<word_row, 61> table{{{"bind", verb::bind, false},
                                          {"绑定", verb::bind, true},
                                          {"关联", verb::bind, true},
                                          {"unbind", verb::unbind, false},
                                          {"解绑", verb::unbind, true},
                                          {"解除绑定", verb::unbind, true},
                                          {"取消绑定", verb::unbind, true},
                                          {"comment", verb::comment, false},
                                          {"评论", verb::comment, true},
                                          {"留言", verb::comment, true},
                                          {"new", verb::create, false},
                                          {"create", verb::create, false},
                                          {"新建", verb::create, true},
                                          {"创建", verb::create, true},
                                          {"assign", verb::assign, false},
                                          {"指派给", verb::assign, true},
                                          {"指派", verb::assign, true},
                                          {"分配给", verb::assign, true},
                                          {"分配", verb::assign, true},
                                          {"state", verb::state, false},
                                          {"status", verb::state, false},
                                          {"状态", verb::state, true},
                                          {"priority", verb::priority, false},
                                          {"prio", verb::priority, false},
                                          {"优先级", verb::priority, true},
                                          {"due", verb::due, false},
                                          {"deadline", verb::due, false},
                                          {"截止日期", verb::due, true},
                                          {"截止时间", verb::due, true},
                                          {"截止", verb::due, true},
                                          {"label", verb::label, false},
                                          {"labels", verb::label, false},
                                          {"标签", verb::label, true},
                                          {"link", verb::link, false},
                                          {"card", verb::link, false},
                                          {"show", verb::link, false},
                                          {"链接", verb::link, true},
                                          {"卡片", verb::link, true},
                                          {"查看", verb::link, true},
                                          {"sync", verb::sync, false},
                                          {"同步", verb::sync, true},
                                          {"mute", verb::mute, false},
                                          {"unmute", verb::mute, false, false},
                                          {"静音", verb::mute, true},
                                          {"取消静音", verb::mute, true, false},
                                          {"别提醒我", verb::mute, true},
                                          {"提醒我", verb::mute, true, false},
                                          {"quiet", verb::quiet, false},
                                          {"dnd", verb::quiet, false},
                                          {"免打扰", verb::quiet, true},
                                          {"安静", verb::quiet, true},
                                          {"help", verb::help, false},
                                          {"?", verb::help, false},
                                          {"h", verb::help, false},
                                          {"帮助", verb::help, true},
                                          {"命令", verb::help, true},
                                          {"connect", verb::connect, false},
                                          {"连接账号", verb::connect, true},
                                          {"连接", verb::connect, true},
                                          {"授权", verb::connect, true},
                                          {"指派至", verb::assign, true}}};

/// Bytes of one character of the original that folds to one of these, so that words are compared
/// folded and cut in the original.
struct cut_word {
  std::string word;  ///< folded
  std::string_view rest;
  bool slash = false;
};
/// The first word: up to a blank or a colon. A slash before it is taken off.
cut_word first_word(std::string_view text) {
  cut_word out;
  text = trim(text);
  for (const std::string_view slash : {"/", "／"})
    if (!out.slash && text.starts_with(slash)) {
      out.slash = true;
      text.remove_prefix(slash.size());
      text = trim(text);
    }
  std::size_t end = 0;
  while (end < text.size()) {
    const auto rest = text.substr(end);
    if (trim(rest).size() != rest.size() && trim(rest.substr(0, 1)).empty()) break;
    if (rest.starts_with("　") || rest.starts_with("\xC2\xA0") || rest.starts_with(":") ||
        rest.starts_with("："))
      break;
    ++end;
  }
  out.word = fold(text.substr(0, end));
  out.rest = text.substr(end);
  if (out.rest.starts_with(":"))
    out.rest.remove_prefix(1);
  else if (out.rest.starts_with("："))
    out.rest.remove_prefix(std::string_view{"："}.size());
  return out;
}

struct found_word {
  const word_row* row = nullptr;
  std::string_view rest;  ///< of the original
};
found_word find_word(std::string_view text) {
  const auto cut = first_word(text);
  for (const auto& row : table)
    if (cut.word == row.word) return {&row, cut.rest};
  if (!cut.slash) return {};
  // "/状态进行中": nobody types a blank there.
  auto behind = trim(text);
  behind.remove_prefix(behind.starts_with("/") ? 1 : std::string_view{"／"}.size());
  behind = trim(behind);
  const word_row* longest = nullptr;
  for (const auto& row : table)
    if (row.chinese && behind.starts_with(row.word) &&
        (longest == nullptr || row.word.size() > longest->word.size()))
      longest = &row;
  if (longest == nullptr) return {};
  return {longest, behind.substr(longest->word.size())};
}

/// At most 80 bytes of what was given, on a character border.
std::string quoted(std::string_view text) {
  std::size_t end = std::min<std::size_t>(text.size(), 80);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;
  return std::string{text.substr(0, end)};
}
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
  const auto upper = [](std::string_view t) {
    std::string out{t};
    for (auto& ch : out)
      if (ch >= 'a' && ch <= 'z') ch = static_cast<char>(ch - 'a' + 'A');
    return out;
  };
  for (const std::string_view in : {" in ", " IN ", " In ", " 在 ", " 到 "}) {
    const auto at = title.rfind(in);
    if (at == std::string_view::npos) continue;
    // A word in capitals: "log in again" names no project.
    const auto key = trim(title.substr(at + in.size()));
    if (!is_key(in == " IN " ? upper(key) : key)) continue;
    c.project = upper(key);
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

reading read_rest(command c, std::string_view rest, const spoken& said,
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

}  // namespace

std::string_view word_of(verb v, bool chinese) noexcept {
  for (const auto& row : table)
    if (row.what == v && row.chinese == chinese) return row.word;
  return {};
}

reading read_command(const spoken& said, std::chrono::year_month_day today) {
  const auto text = trim(std::string_view{said.text}.substr(0, max_text));
  if (text.empty()) {
    if (!said.addressed) return no_command{};
    return command{};
  }
  const auto cut = first_word(text);
  const auto found = find_word(text);
  if (found.row != nullptr && (cut.slash || said.addressed)) {
    command c;
    c.what = found.row->what;
    c.chinese = found.row->chinese;
    c.on = found.row->on;
    // "@bot show me the logs" is talk, "@bot show" is not.
    const bool bare = c.what == verb::link || c.what == verb::unbind || c.what == verb::connect;
    if (!cut.slash && bare && !trim(found.rest).empty()) return no_command{};
    return read_rest(std::move(c), found.rest, said, today);
  }
  if (!cut.slash) return no_command{};
  const bool chinese = has_chinese(cut.word);
  if (cut.word.empty()) return command{};  // "/" alone asks for help
  std::vector<std::string> words;
  for (const auto& row : table) words.emplace_back(row.word);
  const auto near = nearest(cut.word, words);
  // "/usr/bin/env" in a conversation is no mistake; "/stat done" is.
  if (!near && !said.addressed) return no_command{};
  return mistake{mistake::kind::unknown_word, chinese, quoted(cut.word),
                 near ? "/" + words[*near] : std::string{}, verb::help};
}

std::string_view after_word(std::string_view text) {
  const auto found = find_word(text);
  return found.row == nullptr ? trim(text) : trim(found.rest);
}

spoken format_command(const command& c) {
  const bool unmute = c.what == verb::mute && !c.on;
  spoken out;
  out.text =
      "/" + std::string{unmute ? c.chinese ? "取消静音" : "unmute" : word_of(c.what, c.chinese)};
  std::string rest;
  switch (c.what) {
    case verb::assign:
      if (c.who == command::whom::people) {
        out.people = c.people;
        for (std::size_t i = 0; i < c.people.size(); ++i) rest += i > 0 ? " @x" : "@x";
      } else {
        rest = c.who == command::whom::me       ? c.chinese ? "我" : "me"
               : c.who == command::whom::nobody ? c.chinese ? "无" : "nobody"
                                                : c.text;
      }
      break;
    case verb::priority:
      rest = priority_word(c.prio, c.chinese);
      break;
    case verb::due:
      rest = c.text.empty() ? c.chinese ? "无" : "none" : c.text;
      break;
    case verb::label:
      for (const auto& l : c.added) rest += " +\"" + l + "\"";
      for (const auto& l : c.removed) rest += " -\"" + l + "\"";
      break;
    case verb::sync: {
      static constexpr std::array<std::string_view, 5> en{"", "on", "off", "comments", "commands"};
      static constexpr std::array<std::string_view, 5> zh{"", "开", "关", "评论", "命令"};
      rest = (c.chinese ? zh : en)[static_cast<std::size_t>(c.mode)];
      break;
    }
    case verb::quiet:
      if (!c.from || !c.to) {
        rest = c.chinese ? "关" : "off";
      } else {
        char hours[32];
        std::snprintf(hours, sizeof hours, "%02d:%02d-%02d:%02d", *c.from / 60, *c.from % 60,
                      *c.to / 60, *c.to % 60);
        rest = hours;
      }
      break;
    case verb::create:
      rest = c.text;
      if (!c.project.empty()) rest += " in " + c.project;
      if (!c.body.empty()) rest += "\n" + c.body;
      break;
    default:
      rest = c.text;
  }
  rest = trim(rest);
  if (!rest.empty()) out.text += " " + rest;
  return out;
}

}  // namespace pb::sync
