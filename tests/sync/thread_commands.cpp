#define BOOST_TEST_MODULE thread_commands
#include "sync/thread_commands.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include "sync/thread_dates.hpp"
#include "sync/thread_text.hpp"
#include "sync/thread_words.hpp"

using namespace pb;
using namespace pb::sync;
using namespace std::chrono_literals;

namespace {

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

struct row {
  const char* text;
  const char* means;
};

void check(std::span<const row> rows, bool addressed) {
  for (const auto& r : rows) BOOST_TEST_CONTEXT(r.text) {
      BOOST_TEST(read(r.text, addressed) == r.means);
    }
}

const row commands[]{
    // binding
    {"/bind https://plane.example.com/acme/browse/WEB-42/",
     "en bind [https://plane.example.com/acme/browse/WEB-42/]"},
    {"/绑定 https://plane.example.com/acme/browse/WEB-42/",
     "zh bind [https://plane.example.com/acme/browse/WEB-42/]"},
    {"/BIND WEB-42", "en bind [WEB-42]"},
    {"／绑定　WEB-42", "zh bind [WEB-42]"},
    {"/绑定WEB-42", "zh bind [WEB-42]"},
    {"/bind [WEB-42 登录页](https://p.example/acme/browse/WEB-42)",
     "en bind [https://p.example/acme/browse/WEB-42]"},
    {"/bind <https://p.example/acme/browse/WEB-42>",
     "en bind [https://p.example/acme/browse/WEB-42]"},
    {"/ bind WEB-42", "en bind [WEB-42]"},
    {"/bind: WEB-42", "en bind [WEB-42]"},
    {"/关联：WEB-42", "zh bind [WEB-42]"},
    {"/bind", "en !needs_address"},
    {"/绑定", "zh !needs_address"},
    {"/unbind", "en unbind"},
    {"/解绑", "zh unbind"},
    {"/取消绑定", "zh unbind"},
    {"/unbind now", "en !no_text"},
    {"/解绑 WEB-42", "zh !no_text"},
    // comments
    {"/comment looks good", "en comment [looks good]"},
    {"/评论 看起来不错", "zh comment [看起来不错]"},
    {"/评论看起来不错", "zh comment [看起来不错]"},
    {"/comment first\nsecond", "en comment [first\nsecond]"},
    {"/comment\nonly below", "en comment [only below]"},
    {"/Comment  /state done", "en comment [/state done]"},
    {"/comment", "en !needs_text"},
    {"/评论 　", "zh !needs_text"},
    // new items
    {"/new Login page is white", "en create [Login page is white]"},
    {"/新建 登录页白屏", "zh create [登录页白屏]"},
    {"/新建登录页白屏", "zh create [登录页白屏]"},
    {"/new Login page\nSafari 17\nonly", "en create [Login page] body[Safari 17\nonly]"},
    {"/new Login page in WEB", "en create [Login page] in WEB"},
    {"/new Login page IN web", "en create [Login page] in WEB"},
    {"/new in WEB Login page", "en create [Login page] in WEB"},
    {"/新建 登录页白屏 in WEB\n细节", "zh create [登录页白屏] body[细节] in WEB"},
    {"/新建 登录页白屏 在 WEB", "zh create [登录页白屏] in WEB"},
    {"/new People cannot log in again", "en create [People cannot log in again]"},
    {"/create Something", "en create [Something]"},
    {"/new", "en !needs_text"},
    {"/新建", "zh !needs_text"},
    {"/new in WEB", "en create [in WEB]"},
    // people
    {"/assign me", "en assign me"},
    {"/assign ME", "en assign me"},
    {"/指派 我", "zh assign me"},
    {"/指派给 自己", "zh assign me"},
    {"/assign nobody", "en assign nobody"},
    {"/assign none", "en assign nobody"},
    {"/指派 无", "zh assign nobody"},
    {"/指派 没人", "zh assign nobody"},
    {"/assign li.lei", "en assign name [li.lei]"},
    {"/指派 @李雷", "zh assign name [李雷]"},
    {"/分配给韩梅梅", "zh assign name [韩梅梅]"},
    {"/assign", "en !needs_whom"},
    {"/指派", "zh !needs_whom"},
    // states
    {"/state In Progress", "en state [In Progress]"},
    {"/state done", "en state [done]"},
    {"/status Done", "en state [Done]"},
    {"/状态 进行中", "zh state [进行中]"},
    {"/状态进行中", "zh state [进行中]"},
    {"／状态　已完成", "zh state [已完成]"},
    {"/state", "en !needs_state"},
    {"/状态", "zh !needs_state"},
    // priority
    {"/priority high", "en priority high"},
    {"/priority URGENT", "en priority urgent"},
    {"/prio low", "en priority low"},
    {"/priority p2", "en priority medium"},
    {"/priority none", "en priority none"},
    {"/优先级 高", "zh priority high"},
    {"/优先级 紧急", "zh priority urgent"},
    {"/优先级中", "zh priority medium"},
    {"/优先级 低", "zh priority low"},
    {"/优先级 无", "zh priority none"},
    {"/优先级 high", "zh priority high"},
    {"/priority 高", "en priority high"},
    {"/priority hihg", "en !bad_priority near high"},
    {"/priority mediun", "en !bad_priority near medium"},
    {"/priority soon", "en !bad_priority"},
    {"/优先级 紧要", "zh !bad_priority near 紧急"},
    {"/priority", "en !bad_priority"},
    // due dates; today is Wednesday 2026-11-25
    {"/due 2026-12-01", "en due [2026-12-01]"},
    {"/due 2026/12/1", "en due [2026-12-01]"},
    {"/due 12-01", "en due [2026-12-01]"},
    {"/due 11/24", "en due [2027-11-24]"},
    {"/due today", "en due [2026-11-25]"},
    {"/due tomorrow", "en due [2026-11-26]"},
    {"/due Tomorrow", "en due [2026-11-26]"},
    {"/due fri", "en due [2026-11-27]"},
    {"/due Friday", "en due [2026-11-27]"},
    {"/due wed", "en due [2026-11-25]"},
    {"/due mon", "en due [2026-11-30]"},
    {"/due next fri", "en due [2026-12-04]"},
    {"/due this fri", "en due [2026-11-27]"},
    {"/due next week", "en due [2026-11-30]"},
    {"/due 3 days", "en due [2026-11-28]"},
    {"/due in 2 weeks", "en due [2026-12-09]"},
    {"/due 3d", "en due [2026-11-28]"},
    {"/due +10", "en due [2026-12-05]"},
    {"/due dec 1", "en due [2026-12-01]"},
    {"/due 1 December 2027", "en due [2027-12-01]"},
    {"/due end of month", "en due [2026-11-30]"},
    {"/due none", "en due none"},
    {"/due clear", "en due none"},
    {"/截止 2026-12-01", "zh due [2026-12-01]"},
    {"/截止 ２０２６－１２－０１", "zh due [2026-12-01]"},
    {"/截止 今天", "zh due [2026-11-25]"},
    {"/截止 明天", "zh due [2026-11-26]"},
    {"/截止明天", "zh due [2026-11-26]"},
    {"/截止 后天", "zh due [2026-11-27]"},
    {"/截止 大后天", "zh due [2026-11-28]"},
    {"/截止 周五", "zh due [2026-11-27]"},
    {"/截止 本周五", "zh due [2026-11-27]"},
    {"/截止 本周一", "zh due [2026-11-23]"},
    {"/截止 下周五", "zh due [2026-12-04]"},
    {"/截止日期 下下周一", "zh due [2026-12-07]"},
    {"/截止 星期天", "zh due [2026-11-29]"},
    {"/截止 礼拜日", "zh due [2026-11-29]"},
    {"/截止 下周", "zh due [2026-11-30]"},
    {"/截止 3天后", "zh due [2026-11-28]"},
    {"/截止 三天后", "zh due [2026-11-28]"},
    {"/截止 两周后", "zh due [2026-12-09]"},
    {"/截止 十二天", "zh due [2026-12-07]"},
    {"/截止 一个月后", "zh due [2026-12-25]"},
    {"/截止 12月1日", "zh due [2026-12-01]"},
    {"/截止 2027年1月5号", "zh due [2027-01-05]"},
    {"/截止 5号", "zh due [2026-12-05]"},
    {"/截止 月底", "zh due [2026-11-30]"},
    {"/截止 下个月5号", "zh due [2026-12-05]"},
    {"/截止 无", "zh due none"},
    {"/截止 取消", "zh due none"},
    {"/due", "en !bad_date"},
    {"/due 2026-02-30", "en !bad_date"},
    {"/due 2026-13-01", "en !bad_date"},
    {"/due 99999 days", "en !bad_date"},
    {"/due tomorow", "en !bad_date near tomorrow"},
    {"/due firday", "en !bad_date near friday"},
    {"/截止 下周八", "zh !bad_date near 下周一"},
    {"/due 30 feb", "en !bad_date"},
    {"/due whenever", "en !bad_date"},
    // labels
    {"/label +bug", "en label +bug"},
    {"/label bug", "en label +bug"},
    {"/label -bug", "en label -bug"},
    {"/label +bug -ui, front-end", "en label +bug +front-end -ui"},
    {"/label \"needs review\" -\"on hold\"", "en label +needs review -on hold"},
    {"/标签 +缺陷 -界面", "zh label +缺陷 -界面"},
    {"/标签 缺陷、界面", "zh label +缺陷 +界面"},
    {"/标签 ＋缺陷，－“待 定”", "zh label +缺陷 -待 定"},
    {"/label", "en !needs_label"},
    {"/label +", "en !needs_label"},
    {"/标签 、", "zh !needs_label"},
    // card, sync, mute, quiet, help, connect
    {"/link", "en link"},
    {"/card", "en link"},
    {"/链接", "zh link"},
    {"/sync", "en sync ask"},
    {"/sync on", "en sync on"},
    {"/sync OFF", "en sync off"},
    {"/sync comments", "en sync comments"},
    {"/sync all", "en sync on"},
    {"/sync commands", "en sync commands"},
    {"/同步 开", "zh sync on"},
    {"/同步 关", "zh sync off"},
    {"/同步 评论", "zh sync comments"},
    {"/同步全部", "zh sync on"},
    {"/sync coments", "en !bad_mode near comments"},
    {"/sync maybe", "en !bad_mode"},
    {"/mute", "en mute on"},
    {"/mute off", "en mute off"},
    {"/unmute", "en mute off"},
    {"/静音", "zh mute on"},
    {"/静音 关", "zh mute off"},
    {"/取消静音", "zh mute off"},
    {"/mute perhaps", "en !bad_mute"},
    {"/quiet 20:00-08:00", "en quiet 1200-480"},
    {"/quiet 20-8", "en quiet 1200-480"},
    {"/quiet 22:30 to 7:15", "en quiet 1350-435"},
    {"/免打扰 ２０：００－０８：００", "zh quiet 1200-480"},
    {"/免打扰 20点到8点", "zh quiet 1200-480"},
    {"/quiet off", "en quiet off"},
    {"/免打扰 关", "zh quiet off"},
    {"/quiet", "en !bad_hours"},
    {"/quiet 25:00-8:00", "en !bad_hours"},
    {"/quiet 8:00-8:00", "en !bad_hours"},
    {"/quiet 20:60-8:00", "en !bad_hours"},
    {"/help", "en help"},
    {"/HELP", "en help"},
    {"/?", "en help"},
    {"/", "en help"},
    {"/帮助", "zh help"},
    {"／帮助", "zh help"},
    {"/connect", "en connect"},
    {"/连接", "zh connect"},
    {"/connect me", "en !no_text"},
    // mistyped words
    {"/stat done", "en !unknown near /state"},
    {"/asign me", "en !unknown near /assign"},
    {"/commnet x", "en !unknown near /comment"},
    {"/binds x", "en !unknown near /bind"},
    {"/prioritiy high", "en !unknown near /priority"},
    {"/优先及 高", "zh !unknown near /优先级"},
    // what is no command
    {"", "words"},
    {"looks good to me", "words"},
    {"bind", "words"},
    {"绑定好了", "words"},
    {"/usr/local/bin is full", "words"},
    {"/etc", "words"},
    {"and/or", "words"},
    {"1/2", "words"},
    {"看 /状态", "words"}};

const row to_the_bot[]{{"bind WEB-42", "en bind [WEB-42]"},
                       {"绑定 WEB-42", "zh bind [WEB-42]"},
                       {"State done", "en state [done]"},
                       {"帮助", "zh help"},
                       {"help", "en help"},
                       {"?", "en help"},
                       {"", "en help"},
                       {"/xyzzy", "en !unknown"},
                       {"/usr/local", "en !unknown"},
                       {"/不存在的", "zh !unknown"},
                       {"状态怎么样了", "words"},
                       {"show me the logs", "words"},
                       {"show", "en link"},
                       {"hello there", "words"},
                       {"评论：很好", "zh comment [很好]"},
                       {"assign me", "en assign me"}};

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
BOOST_AUTO_TEST_CASE(the_tables_are_as_large_as_they_were_promised) {
  BOOST_TEST(std::size(commands) + std::size(to_the_bot) >= 120U);
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
  c.what = static_cast<verb>(*rc::gen::inRange(0, 15));
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
