#include "sync/thread_commands.hpp"

#include <array>
#include <cstdio>

#include "sync/thread_operands.hpp"
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
/// The first of each language is how we write it. Chinese needs no blank behind the word: of words
/// that begin alike the longest counts, wherever it stands.
constexpr std::array<word_row, 61> table{
    {{"bind", verb::bind, false},      {"绑定", verb::bind, true},
     {"关联", verb::bind, true},       {"unbind", verb::unbind, false},
     {"解绑", verb::unbind, true},     {"解除绑定", verb::unbind, true},
     {"取消绑定", verb::unbind, true}, {"comment", verb::comment, false},
     {"评论", verb::comment, true},    {"留言", verb::comment, true},
     {"new", verb::create, false},     {"create", verb::create, false},
     {"新建", verb::create, true},     {"创建", verb::create, true},
     {"assign", verb::assign, false},  {"指派", verb::assign, true},
     {"指派给", verb::assign, true},   {"指派至", verb::assign, true},
     {"分配给", verb::assign, true},   {"分配", verb::assign, true},
     {"state", verb::state, false},    {"status", verb::state, false},
     {"状态", verb::state, true},      {"priority", verb::priority, false},
     {"prio", verb::priority, false},  {"优先级", verb::priority, true},
     {"due", verb::due, false},        {"deadline", verb::due, false},
     {"截止", verb::due, true},        {"截止时间", verb::due, true},
     {"截止日期", verb::due, true},    {"label", verb::label, false},
     {"labels", verb::label, false},   {"标签", verb::label, true},
     {"link", verb::link, false},      {"card", verb::link, false},
     {"show", verb::link, false},      {"链接", verb::link, true},
     {"卡片", verb::link, true},       {"查看", verb::link, true},
     {"sync", verb::sync, false},      {"同步", verb::sync, true},
     {"mute", verb::mute, false},      {"unmute", verb::mute, false, false},
     {"静音", verb::mute, true},       {"取消静音", verb::mute, true, false},
     {"别提醒我", verb::mute, true},   {"提醒我", verb::mute, true, false},
     {"quiet", verb::quiet, false},    {"dnd", verb::quiet, false},
     {"免打扰", verb::quiet, true},    {"安静", verb::quiet, true},
     {"help", verb::help, false},      {"?", verb::help, false},
     {"h", verb::help, false},         {"帮助", verb::help, true},
     {"命令", verb::help, true},       {"connect", verb::connect, false},
     {"连接", verb::connect, true},    {"连接账号", verb::connect, true},
     {"授权", verb::connect, true}}};

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
    return read_operands(std::move(c), found.rest, said, today);
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
