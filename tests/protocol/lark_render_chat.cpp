#define BOOST_TEST_MODULE lark_render_chat
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "protocol/lark/chat_text.hpp"
#include "protocol/lark/from_html.hpp"
#include "protocol/lark/preview.hpp"
#include "protocol/lark/safe_text.hpp"
#include "tests/protocol/lark_card_samples.hpp"

namespace json = boost::json;
using namespace pb::protocol;
using namespace pb::protocol::lark;

namespace {
const shown_item item{"WEB-142", "登录页白屏", "https://plane.example.com/acme/browse/WEB-142/"};

std::string only_fallback(const std::vector<shown_message>& all) {
  BOOST_REQUIRE(all.size() == 1U);
  BOOST_TEST(all.front().msg_type == "post");
  BOOST_TEST(json::parse(all.front().content).is_object());
  return all.front().fallback;
}
comment_text comment(const std::string& html) {
  comment_text in;
  in.author = "甲";
  in.body = from_html(html);
  in.item = item;
  in.lang = language::en;
  return in;
}
std::string changes(std::vector<changed_field> all, language l = language::en) {
  changes_text in;
  in.actor = "甲";
  in.item = item;
  in.changes = std::move(all);
  in.lang = l;
  return changes_message(in).fallback;
}
const std::string item_link = "WEB-142 (https://plane.example.com/acme/browse/WEB-142/)";
}  // namespace

BOOST_AUTO_TEST_CASE(a_comment_names_its_author_and_links_its_item) {
  BOOST_TEST(only_fallback(comment_messages(comment("<p>fixed</p>"))) ==
             "甲 · " + item_link + ": fixed");
  BOOST_TEST(only_fallback(comment_messages(comment("<p>a</p><ul><li>b</li></ul>"))) ==
             "甲 · " + item_link + ":\na\n• b");
  auto in = comment("<p>a</p>");
  in.how = comment_text::what::edited;
  in.internal = true;
  BOOST_TEST(only_fallback(comment_messages(in)) ==
             "甲 [internal] edited a comment · " + item_link + ": a");
  in.how = comment_text::what::deleted;
  in.lang = language::zh;
  BOOST_TEST(only_fallback(comment_messages(in)) == "甲 [内部] 删除了评论 · " + item_link);
  in.author.clear();
  BOOST_TEST((only_fallback(comment_messages(in)).starts_with("有人 ")));
}

BOOST_AUTO_TEST_CASE(a_long_comment_is_several_posts) {
  const auto all = comment_messages(comment("<p>" + std::string(60'000, 'x') + "</p>"));
  BOOST_TEST(all.size() > 1U);
  for (const auto& m : all) {
    BOOST_TEST(m.content.size() <= 28U * 1024);
    BOOST_TEST(!m.fallback.empty());
  }
}

BOOST_AUTO_TEST_CASE(each_field_has_its_words) {
  struct row {
    changed_field change;
    const char *en, *zh;
  };
  const std::vector<row> rows{
      {{"state", "Todo", "Done"}, "State: Todo → Done", "状态：Todo → Done"},
      {{"assignees", "", "乙"}, "Assignees: Nobody → 乙", "负责人：无人 → 乙"},
      {{"priority", "none", "urgent"}, "Priority: None → Urgent", "优先级：无 → 紧急"},
      {{"start_date", "", "2026-04-01"},
       "Start date: None → 2026-04-01",
       "开始日期：无 → 2026-04-01"},
      {{"target_date", "2026-04-01", ""},
       "Due date: 2026-04-01 → None",
       "截止日期：2026-04-01 → 无"},
      {{"name", "a", "b"}, "Name: a → b", "名称：a → b"},
      {{"labels", "a", "a, b"}, "Labels: a → a, b", "标签：a → a, b"},
      {{"description", "", ""}, "Description: changed", "描述：更新了"},
      {{"link", "", "https://a.example"},
       "Link: added https://a.example",
       "链接：添加 https://a.example"},
      {{"attachment", "a.pdf", ""}, "Attachment: removed a.pdf", "附件：移除 a.pdf"},
      {{"cycle", "", "C1"}, "Cycle: None → C1", "周期：无 → C1"},
      {{"module", "M", "N"}, "Module: M → N", "模块：M → N"},
      {{"deleted", "", ""}, "Deleted", "已删除"},
      {{"archived", "", ""}, "Archived", "已归档"},
      {{"restored", "", ""}, "Restored", "已恢复"},
      {{"sprint_goal", "a", "b"}, "sprint_goal: a → b", "sprint_goal：a → b"}};
  for (const auto& r : rows) BOOST_TEST_CONTEXT(r.change.field) {
      BOOST_TEST(changes({r.change}) == "甲 changed " + item_link + " 登录页白屏\n" + r.en);
      BOOST_TEST(changes({r.change}, language::zh) ==
                 "甲 更新了 " + item_link + " 登录页白屏\n" + r.zh);
    }
}

BOOST_AUTO_TEST_CASE(a_burst_is_one_message_whatever_is_in_it) {
  std::vector<changed_field> all;
  for (int i = 0; i < 200; ++i)
    all.push_back({"name", std::string(5000, '<'), "<at user_id=\"all\"></at>@_all"});
  changes_text in;
  in.item = item;
  in.changes = all;
  in.call = {{"ou_1", "乙"}, {"not an id", "@_all"}};
  in.lang = language::en;
  const auto m = changes_message(in);
  BOOST_TEST(m.content.size() <= 28U * 1024);
  BOOST_TEST((m.content.find("+160") != std::string::npos));
  BOOST_TEST((m.content.find(R"({"tag":"at","user_id":"ou_1"})") != std::string::npos));
  BOOST_TEST((m.content.find("<at") == std::string::npos));
  BOOST_TEST((m.content.find("@_") == std::string::npos));
}

BOOST_AUTO_TEST_CASE(the_worst_values_leave_room_for_all_changes_and_for_who_is_called) {
  const std::string names[] = {std::string(5000, '"'), [] {
                                 std::string out;
                                 for (int i = 0; i < 500; ++i) out += "<a";
                                 return out;
                               }()};
  for (const auto& worst : names)
    for (const std::size_t count : {12U, 40U, 41U}) {
      changes_text in;
      in.actor = in.item.name = in.item.number = worst;
      in.item.url = item.url;
      in.changes.assign(count, {worst, worst, worst});
      for (int i = 0; i < 20; ++i) in.call.push_back({"ou_" + std::to_string(i), worst});
      const auto m = changes_message(in);
      BOOST_TEST(m.content.size() <= 28U * 1024);
      BOOST_TEST((m.content.find("ou_19") != std::string::npos));
      BOOST_TEST((m.fallback.find("ou_19") != std::string::npos));
      BOOST_TEST((m.content.find("…… ") == std::string::npos));
    }
}

BOOST_AUTO_TEST_CASE(answers_are_short_and_safe) {
  BOOST_TEST(answer_message("no state <at user_id=\"all\"></at>").content ==
             "{\"text\":\"no state <\u200Bat user_id=\\\"all\\\"><\u200B/at>\"}");
  BOOST_TEST(answer_message({"ou_1", "甲"}, "done").content ==
             "{\"text\":\"<at user_id=\\\"ou_1\\\">甲</at> done\"}");
  BOOST_TEST(answer_message(std::string(100'000, 'x')).content.size() < 4100U);
}

BOOST_AUTO_TEST_CASE(previews_show_title_state_and_link) {
  const auto in = lark_samples::item_card();
  const auto v = json::parse(preview_answer(in, true));
  BOOST_TEST(v.at("inline").at("title").as_string() == "WEB-142 登录页在 Safari 17 上白屏（待办）");
  BOOST_TEST(v.at("inline").at("i18n_title").at("en_us").as_string() ==
             "WEB-142 登录页在 Safari 17 上白屏 (待办)");
  BOOST_TEST(v.at("inline").at("url").at("copy_url").as_string() == in.url);
  BOOST_TEST(v.at("card").at("type").as_string() == "raw");
  const auto& card = v.at("card").at("data").as_object();
  BOOST_TEST(!card.contains("schema"));
  BOOST_TEST(card.contains("elements"));
  // A preview is for one viewer and takes no changes.
  BOOST_TEST((json::serialize(card).find("\"value\"") == std::string::npos));
  BOOST_TEST(!json::parse(preview_answer(in, false)).as_object().contains("card"));
  const auto pending = preview_pending("WEB-142", "javascript:x");
  BOOST_TEST(json::parse(pending).at("inline").at("title").as_string() == "WEB-142");
  BOOST_TEST((pending.find("javascript") == std::string::npos));
  BOOST_TEST(no_preview() == "{}");
}

BOOST_AUTO_TEST_CASE(toasts_speak_both_languages) {
  BOOST_TEST(
      toast_answer(toast::info, word::saving) ==
      R"({"toast":{"type":"info","content":"正在保存…","i18n":{"zh_cn":"正在保存…","en_us":"Saving…"}}})");
  BOOST_TEST(
      (toast_answer(toast::error, "no\nright", "没有权限").find("no right") != std::string::npos));
}
