#define BOOST_TEST_MODULE thread_commands
#include "sync/thread_commands.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>

#include "command_rows.hpp"
#include "sync/thread_dates.hpp"
#include "sync/thread_text.hpp"
#include "sync/thread_words.hpp"

using namespace pb;
using namespace pb::sync;
using pb::sync::testing::command_row;
using pb::sync::testing::commands;
using pb::sync::testing::to_the_bot;
using namespace std::chrono_literals;

namespace {

constexpr int verbs = static_cast<int>(verb::connect) + 1;
/// A Wednesday.
constexpr std::chrono::year_month_day today{2026y, std::chrono::November, 25d};

std::string joined(const std::vector<std::string>& all, char sign) {
  std::string out;
  for (const auto& t : all) out += std::string{" "} + sign + t;
  return out;
}
std::string shown(const command& c) {
  static const char* const names[]{"bind",  "unbind",   "comment", "create", "assign",
                                   "state", "priority", "due",     "label",  "link",
                                   "sync",  "mute",     "quiet",   "help",   "connect"};
  static const char* const modes[]{"ask", "on", "off", "comments", "commands"};
  static const char* const whom[]{"nobody", "me", "people", "name"};
  std::string out = (c.chinese ? "zh " : "en ") + std::string{names[static_cast<int>(c.what)]};
  if (c.what == verb::assign) out += std::string{" "} + whom[static_cast<int>(c.who)];
  if (c.what == verb::sync) out += std::string{" "} + modes[static_cast<int>(c.mode)];
  if (c.what == verb::priority) out += " " + std::string{to_string(c.prio)};
  if (c.what == verb::mute) out += c.on ? " on" : " off";
  if (c.what == verb::quiet)
    out += c.from ? " " + std::to_string(*c.from) + "-" + std::to_string(*c.to) : " off";
  if (c.what == verb::due && c.text.empty()) out += " none";
  if (!c.text.empty()) out += " [" + c.text + "]";
  if (!c.body.empty()) out += " body[" + c.body + "]";
  if (!c.project.empty()) out += " in " + c.project;
  out += joined(c.people, '@') + joined(c.added, '+') + joined(c.removed, '-');
  return out;
}
std::string shown(const mistake& m) {
  static const char* const kinds[]{"unknown",     "needs_address", "needs_text", "needs_whom",
                                   "needs_state", "bad_priority",  "bad_date",   "needs_label",
                                   "bad_mode",    "bad_hours",     "bad_mute",   "no_text"};
  return (m.chinese ? "zh !" : "en !") + std::string{kinds[static_cast<int>(m.what)]} +
         (m.nearest.empty() ? "" : " near " + m.nearest);
}
std::string shown(const no_command&) { return "words"; }
std::string read(std::string_view text, bool addressed = false) {
  return std::visit([](const auto& r) { return shown(r); },
                    read_command({std::string{text}, {}, addressed}, today));
}

void check(std::span<const command_row> rows, bool addressed) {
  for (const auto& r : rows) BOOST_TEST_CONTEXT(r.text) {
      BOOST_TEST(read(r.text, addressed) == r.means);
    }
}

}  // namespace

BOOST_AUTO_TEST_CASE(commands_are_read_in_both_languages_with_their_mistakes) {
  check(commands, false);
}
BOOST_AUTO_TEST_CASE(the_same_is_read_when_the_bot_is_addressed) {
  for (const auto& r : commands)
    if (r.text[0] == '/' && std::string_view{r.means} != "words") BOOST_TEST_CONTEXT(r.text) {
        BOOST_TEST(read(r.text, true) == r.means);
      }
}
BOOST_AUTO_TEST_CASE(words_to_the_bot_need_no_slash) { check(to_the_bot, true); }
BOOST_AUTO_TEST_CASE(each_command_has_rows_in_both_languages_with_their_mistakes) {
  std::map<std::pair<verb, bool>, int> good, bad;
  for (const auto& r : commands) {
    const auto read = read_command({r.text, {}, false}, today);
    if (const auto* c = std::get_if<command>(&read)) ++good[{c->what, c->chinese}];
    if (const auto* m = std::get_if<mistake>(&read)) ++bad[{m->of, m->chinese}];
  }
  for (int v = 0; v < verbs; ++v)
    for (const bool chinese : {false, true}) BOOST_TEST_CONTEXT(v << (chinese ? " zh" : " en")) {
        const std::pair<verb, bool> which{static_cast<verb>(v), chinese};
        BOOST_TEST(good[which] > 0);
        BOOST_TEST(bad[which] > 0);
      }
  BOOST_TEST(std::size(commands) + std::size(to_the_bot) >= 250U);
}

BOOST_AUTO_TEST_CASE(people_who_are_mentioned_are_assigned) {
  const auto c = read_command({"/assign @李雷 @Han", {"ou_a", "ou_b"}, false}, today);
  BOOST_REQUIRE(std::holds_alternative<command>(c));
  BOOST_TEST(shown(std::get<command>(c)) == "en assign people @ou_a @ou_b");
}

BOOST_AUTO_TEST_CASE(each_mistake_is_explained_in_the_language_of_the_command) {
  for (const auto& r : commands) {
    const auto m = read_command({r.text, {}, true}, today);
    if (const auto* wrong = std::get_if<mistake>(&m)) BOOST_TEST_CONTEXT(r.text) {
        const auto text = explain(*wrong);
        BOOST_TEST(!text.empty());
        BOOST_TEST(text.find('{') == std::string::npos);
        if (wrong->chinese) BOOST_TEST(has_chinese(text));
        if (!wrong->nearest.empty()) BOOST_TEST(text.find(wrong->nearest) != std::string::npos);
      }
  }
}

BOOST_AUTO_TEST_CASE(every_phrase_says_the_same_things_in_both_languages) {
  for (std::size_t i = 0; i < phrase_count; ++i) BOOST_TEST_CONTEXT(i) {
      const auto p = static_cast<phrase>(i);
      for (const bool chinese : {true, false}) {
        const auto text = say(p, chinese, {"<0>", "<1>"});
        BOOST_TEST(!text.empty());
        BOOST_TEST((text.find("<0>") == std::string::npos) ==
                   (say(p, !chinese, {"<0>", "<1>"}).find("<0>") == std::string::npos));
        BOOST_TEST((text.find("<1>") == std::string::npos) ==
                   (say(p, !chinese, {"<0>", "<1>"}).find("<1>") == std::string::npos));
      }
      BOOST_TEST((has_chinese(say(p, true)) || p == phrase::alarm));
      BOOST_TEST(!has_chinese(say(p, false)));
    }
}

namespace {

std::string any_words(bool lines) {
  static const std::vector<std::string> words{"login",  "页面", "done", "/state", "=",  "é",
                                              "Safari", "a:b",  "(x)",  "“引号”", "17", "🚀"};
  std::string out;
  for (int n = *rc::gen::inRange(1, 5); n > 0; --n) {
    if (!out.empty()) out += lines && *rc::gen::inRange(0, 4) == 0 ? "\n" : " ";
    out += words[*rc::gen::inRange<std::size_t>(0, words.size())];
  }
  return out;
}
std::string any_label() {
  static const std::vector<std::string> names{"bug", "待 定", "front-end", "a+b", "c,d", "é"};
  return names[*rc::gen::inRange<std::size_t>(0, names.size())];
}

command any_command() {
  command c;
  c.what = static_cast<verb>(*rc::gen::inRange(0, verbs));
  c.chinese = *rc::gen::arbitrary<bool>();
  switch (c.what) {
    case verb::bind:
      c.text =
          "https://plane.example.com/acme/browse/WEB-" + std::to_string(*rc::gen::inRange(1, 999));
      break;
    case verb::comment:
      c.text = any_words(true);
      break;
    case verb::create:
      c.text = any_words(false);
      if (*rc::gen::arbitrary<bool>()) c.project = "WEB";
      if (*rc::gen::arbitrary<bool>()) c.body = any_words(true);
      break;
    case verb::assign:
      c.who = static_cast<command::whom>(*rc::gen::inRange(0, 4));
      if (c.who == command::whom::people) c.people = {"ou_1", "ou_2"};
      if (c.who == command::whom::name) c.text = "li lei";
      break;
    case verb::state:
      c.text = any_words(false);
      break;
    case verb::priority:
      c.prio = static_cast<protocol::plane::priority>(*rc::gen::inRange(0, 5));
      break;
    case verb::due:
      if (*rc::gen::arbitrary<bool>())
        c.text = iso_day(std::chrono::sys_days{today} +
                         std::chrono::days{*rc::gen::inRange(-900, 9000)});
      break;
    case verb::label:
      for (int n = *rc::gen::inRange(0, 3); n > 0; --n) c.added.push_back(any_label());
      for (int n = *rc::gen::inRange(0, 3); n > 0; --n) c.removed.push_back(any_label());
      if (c.added.empty() && c.removed.empty()) c.added.push_back("bug");
      break;
    case verb::sync:
      c.mode = static_cast<command::sync_mode>(*rc::gen::inRange(0, 5));
      break;
    case verb::mute:
      c.on = *rc::gen::arbitrary<bool>();
      break;
    case verb::quiet:
      if (*rc::gen::arbitrary<bool>()) {
        c.from = *rc::gen::inRange(0, 24 * 60);
        c.to = (*c.from + *rc::gen::inRange(1, 24 * 60)) % (24 * 60);
      }
      break;
    default:
      break;
  }
  return c;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_command_that_is_written_out_reads_as_itself) {
  BOOST_TEST(rc::check([] {
    const auto c = any_command();
    const auto said = format_command(c);
    const auto again = read_command(said, today);
    RC_LOG(said.text);
    RC_ASSERT(std::holds_alternative<command>(again));
    RC_ASSERT(std::get<command>(again) == c);
  }));
}

BOOST_AUTO_TEST_CASE(any_text_is_read_without_harm_and_the_same_each_time) {
  BOOST_TEST(rc::check([](const std::string& bytes, bool addressed) {
    for (const std::string start : {"", "/", "／截止 ", "/label ", "/quiet ", "/new "}) {
      const spoken said{start + bytes, {}, addressed};
      RC_ASSERT(read_command(said, today) == read_command(said, today));
      (void)after_word(said.text);
    }
  }));
}

BOOST_AUTO_TEST_CASE(folding_twice_changes_nothing) {
  BOOST_TEST(rc::check([](const std::string& bytes) {
    RC_ASSERT(fold(fold(bytes)) == fold(bytes));
    RC_ASSERT(trim(trim(bytes)) == trim(bytes));
  }));
  BOOST_TEST(fold("　／ＳＴＡＴＥ　Done ") == "/state done");
}

BOOST_AUTO_TEST_CASE(a_comment_begins_behind_its_word) {
  BOOST_TEST(after_word("/comment  hello\nthere") == "hello\nthere");
  BOOST_TEST(after_word("／评论　你好") == "你好");
  BOOST_TEST(after_word("/评论你好") == "你好");
  BOOST_TEST(after_word("评论：你好") == "你好");
  BOOST_TEST(after_word("just words") == "just words");
}

BOOST_AUTO_TEST_CASE(the_day_is_that_of_the_zone) {
  const auto t = parse_rfc3339("2026-11-25T16:30:00Z").value();
  BOOST_TEST(iso_day(day_in(t, "UTC")) == "2026-11-25");
  BOOST_TEST(iso_day(day_in(t, "Asia/Shanghai")) == "2026-11-26");
  BOOST_TEST(iso_day(day_in(t, "America/Los_Angeles")) == "2026-11-25");
  BOOST_TEST(iso_day(day_in(t, "No/Where")) == "2026-11-25");
  BOOST_TEST(minute_of_day(t, "Asia/Shanghai") == 30);
}

BOOST_AUTO_TEST_CASE(the_next_time_of_day_is_ahead_and_shows_that_time) {
  const auto t = parse_rfc3339("2026-11-25T16:30:30Z").value();
  BOOST_TEST(format_rfc3339(next_time_of_day(t, "Asia/Shanghai", 8, 0)) == "2026-11-26T00:00:00Z");
  BOOST_TEST(format_rfc3339(next_time_of_day(t, "UTC", 8, 0)) == "2026-11-26T08:00:00Z");
  // Across the end of summer time: 08:00 stays 08:00.
  const auto before = parse_rfc3339("2026-10-24T20:00:00Z").value();
  BOOST_TEST(format_rfc3339(next_time_of_day(before, "Europe/Berlin", 8, 0)) ==
             "2026-10-25T07:00:00Z");
  BOOST_TEST(rc::check([&] {
    const auto at =
        from_micros(*rc::gen::inRange<std::int64_t>(1'700'000'000'000'000, 1'900'000'000'000'000));
    const int wanted = *rc::gen::inRange(0, 24 * 60);
    const auto next = next_time_of_day(at, "Asia/Shanghai", wanted / 60, wanted % 60);
    RC_ASSERT(next >= at && next - at <= std::chrono::hours{24});
    RC_ASSERT(minute_of_day(next, "Asia/Shanghai") == wanted);
  }));
}

BOOST_AUTO_TEST_CASE(the_nearest_is_near) {
  const std::vector<std::string> states{"Backlog", "Todo", "In Progress", "Done", "已完成"};
  BOOST_TEST(states[nearest("in progres", states).value()] == "In Progress");
  BOOST_TEST(states[nearest("doen", states).value()] == "Done");
  BOOST_TEST(states[nearest("以完成", states).value()] == "已完成");
  BOOST_TEST(!nearest("urgent", states).has_value());
  BOOST_TEST(!nearest("", states).has_value());
  BOOST_TEST(find_name("IN PROGRESS", states).value() == 2U);
  BOOST_TEST(find_name("in", states).value() == 2U);
  BOOST_TEST(!find_name("x", states).has_value());
  const std::vector<std::string> two{"In Progress", "In Review"};
  BOOST_TEST(!find_name("in", two).has_value());
}

namespace {

std::string section(const char* page, const std::string& heading) {
  std::ifstream in{std::string{PB_SOURCE_DIR} + "/docs/" + page, std::ios::binary};
  const std::string all{std::istreambuf_iterator<char>{in}, {}};
  const auto begin = all.find("\n## " + heading + "\n");
  BOOST_REQUIRE(begin != all.npos);
  return all.substr(begin, all.find("\n## ", begin + 4) - begin);
}
std::vector<std::string> code_words(const std::string& text) {
  static const std::regex code{"`([^`\n]+)`"};
  std::vector<std::string> out;
  for (std::sregex_iterator it{text.begin(), text.end(), code}, end; it != end; ++it)
    out.push_back((*it)[1]);
  return out;
}
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> out;
  for (std::size_t at = 1, bar; (bar = line.find('|', at)) != line.npos; at = bar + 1)
    out.push_back(line.substr(at, bar - at));
  return out;
}
/// What a page writes for what people put there.
std::vector<std::string> examples(const std::string& written) {
  if (written == "DATE" || written == "日期") return {"2026-12-01"};
  if (const auto dots = written.find("…"); dots != written.npos)
    return {written.substr(0, dots), written.substr(dots + std::string_view{"…"}.size())};
  return {written};
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_pages_list_the_commands_that_there_are) {
  struct page {
    const char* file;
    const char* heading;
    bool chinese;
  };
  for (const auto& p : {page{"lark.md", "Commands", false}, page{"lark.zh-CN.md", "命令", true}}) {
    const auto text = section(p.file, p.heading);
    std::set<verb> listed;
    std::set<command::sync_mode> modes{command::sync_mode::ask};
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("| `/")) continue;
      const auto cells = cells_of(line);
      BOOST_TEST_CONTEXT(p.file << ": " << line) {
        BOOST_REQUIRE(cells.size() == 3U);
        auto first = code_words(cells[0]);
        const auto blank = std::min(first[0].find(' '), first[0].size());
        const auto word = first[0].substr(0, blank);
        const auto other = code_words(cells[1]);
        BOOST_REQUIRE(other.size() == 1U);
        // Both words are how we write the command ourselves.
        int v = 0;
        while (v < verbs && "/" + std::string{word_of(static_cast<verb>(v), p.chinese)} != word)
          ++v;
        BOOST_REQUIRE(v < verbs);
        const auto what = static_cast<verb>(v);
        const auto bare = other[0].starts_with("/") ? other[0].substr(1) : other[0];
        BOOST_TEST(bare == word_of(what, !p.chinese));
        BOOST_TEST(listed.insert(what).second);
        // What is written behind them is read; the text of "/new" shows what goes into its title.
        std::vector<std::string> behind{std::string{trim(first[0].substr(blank))}};
        behind.insert(behind.end(), first.begin() + 1, first.end());
        for (auto& example : code_words(cells[2]))
          behind.push_back(what == verb::create ? "title " + example : example);
        for (const auto& written : behind)
          for (const auto& example : examples(written)) {
            const auto r = read_command({word + " " + example, {}, false}, today);
            const auto* c = std::get_if<command>(&r);
            BOOST_TEST((c != nullptr && c->what == what), example << " is not read");
            if (c == nullptr) continue;
            if (c->what == verb::sync) modes.insert(c->mode);
            if (written == "in PROJECT") BOOST_TEST(c->project == "PROJECT");
          }
      }
    }
    BOOST_TEST(listed.size() == static_cast<std::size_t>(verbs));
    BOOST_TEST(modes.size() == 5U);
    for (const auto& said : code_words(text))
      if (said.starts_with("/") && said.find_first_of(" ") != said.npos &&
          examples(said).size() == 1U && said.find("DATE") == said.npos &&
          said.find("日期") == said.npos)
        BOOST_TEST(read(said).find('!') == std::string::npos, said << " is not read");
  }
}

BOOST_AUTO_TEST_CASE(help_lists_the_commands_that_there_are) {
  for (const bool chinese : {false, true}) {
    const auto text = "\n" + say(phrase::help, chinese);
    for (int v = 0; v < verbs; ++v) {
      if (static_cast<verb>(v) == verb::help) continue;
      const auto word = "\n/" + std::string{word_of(static_cast<verb>(v), chinese)};
      BOOST_TEST(text.find(word) != std::string::npos, word << " is missing");
    }
  }
}
