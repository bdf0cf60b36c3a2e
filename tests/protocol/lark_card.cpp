#define BOOST_TEST_MODULE lark_card
#include "protocol/lark/card.hpp"

#include <rapidcheck.h>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <functional>

#include "protocol/html/utf8.hpp"
#include "protocol/lark/card_check.hpp"
#include "protocol/lark/safe_text.hpp"
#include "tests/protocol/lark_card_samples.hpp"

namespace json = boost::json;
using namespace pb::protocol;
using namespace pb::protocol::lark;
using lark_samples::item_card;

namespace {
std::string verdict(const std::string& card) {
  const auto r = validate_card(card);
  return r ? "" : r.error().detail;
}
/// Every object below that has `key`.
void each_with(const json::value& v, const char* key,
               const std::function<void(const json::object&)>& f) {
  if (const auto* o = v.if_object()) {
    if (o->contains(key)) f(*o);
    for (const auto& e : *o) each_with(e.value(), key, f);
  } else if (const auto* a = v.if_array()) {
    for (const auto& e : *a) each_with(e, key, f);
  }
}
json::object element(const std::string& card, const char* id) {
  json::object out;
  each_with(json::parse(card), "element_id", [&](const auto& o) {
    if (o.at("element_id") == id) out = o;
  });
  return out;
}
std::vector<std::string> acts(const std::string& card) {
  std::vector<std::string> out;
  each_with(json::parse(card), "do",
            [&](const auto& o) { out.emplace_back(o.at("do").as_string()); });
  return out;
}
}  // namespace

BOOST_AUTO_TEST_CASE(a_card_shows_the_item_and_takes_changes) {
  const auto card = card_work_item(item_card());
  BOOST_TEST(verdict(card) == "");
  const auto v = json::parse(card).as_object();
  BOOST_TEST(v.at("config").at("update_multi").as_bool());
  BOOST_TEST(v.at("header").at("title").at("content").as_string() ==
             "WEB-142 登录页在 Safari 17 上白屏");
  BOOST_TEST(v.at("card_link").at("url").as_string() ==
             "https://plane.example.com/acme/browse/WEB-142/");
  for (const auto* text : {"状态：待办", "优先级：高", "负责人：测试用户乙", "开始日期：2026-04-01",
                           "截止日期：2026-04-10", "标签：缺陷、前端", "在 Safari 17.1 打开"})
    BOOST_TEST_CONTEXT(text) BOOST_TEST((card.find(text) != std::string::npos));
  BOOST_TEST(element(card, "state").at("initial_option").as_string() == "s-2");
  BOOST_TEST(element(card, "priority").at("initial_option").as_string() == "high");
  BOOST_TEST(element(card, "assignee").at("initial_option").as_string() == "u-2");
  BOOST_TEST(element(card, "due").at("initial_date").as_string() == "2026-04-10");
  BOOST_TEST(acts(card) ==
                 (std::vector<std::string>{"state", "priority", "assign", "due", "comment", "due"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(every_click_says_where_it_belongs) {
  const auto in = item_card();
  each_with(json::parse(card_work_item(in)), "value", [&](const auto& o) {
    if (!o.at("value").is_object()) return;
    const auto& value = o.at("value").as_object();
    BOOST_TEST(value.at("thread").as_string() == in.thread);
    BOOST_TEST(value.at("item").as_string() == in.item);
    BOOST_TEST(!value.at("do").as_string().empty());
  });
}

BOOST_AUTO_TEST_CASE(english_cards_speak_english) {
  auto in = item_card();
  in.lang = language::en;
  const auto card = card_work_item(in);
  for (const auto* text : {"State: 待办", "Priority: High", "Open in Plane", "Clear due date"})
    BOOST_TEST_CONTEXT(text) BOOST_TEST((card.find(text) != std::string::npos));
}

BOOST_AUTO_TEST_CASE(what_is_not_there_is_not_shown) {
  card_input in;
  in.item = "3f8f0b6c-5a35-4c22-9b3c-0f6d3a1d9a10";
  auto card = card_work_item(in);
  BOOST_TEST(verdict(card) == "");
  BOOST_TEST(acts(card) == (std::vector<std::string>{"priority", "due", "comment"}),
             boost::test_tools::per_element());
  in.url = "javascript:alert(1)";
  in.target_date = "2026-02-30";
  card = card_work_item(in);
  BOOST_TEST(verdict(card) == "");
  BOOST_TEST((card.find("javascript") == std::string::npos));
  BOOST_TEST((card.find("2026-02-30") == std::string::npos));
}

BOOST_AUTO_TEST_CASE(an_item_that_is_gone_takes_no_changes) {
  for (const bool gone : {true, false}) {
    auto in = item_card();
    in.gone = gone;
    in.archived = !gone;
    const auto card = card_work_item(in);
    BOOST_TEST(verdict(card) == "");
    BOOST_TEST(acts(card).empty());
    BOOST_TEST((card.find(gone ? "已删除" : "已归档") != std::string::npos));
  }
  auto in = item_card();
  in.interactive = false;
  BOOST_TEST(acts(card_work_item(in)).empty());
}

BOOST_AUTO_TEST_CASE(people_can_be_picked_by_feishu) {
  auto in = item_card();
  in.assign = assign_menu::people;
  const auto card = card_work_item(in);
  BOOST_TEST(verdict(card) == "");
  BOOST_TEST(element(card, "assignee").at("tag").as_string() == "select_person");
  BOOST_TEST(element(card, "assignee").at("options").as_array().empty());
}

BOOST_AUTO_TEST_CASE(nobody_and_several_assignees_are_shown_as_they_are) {
  auto in = item_card();
  in.assignees.clear();
  BOOST_TEST(element(card_work_item(in), "assignee").at("initial_option").as_string() == "none");
  in.assignees = {{"u-1", "甲"}, {"u-2", "乙"}};
  const auto both = card_work_item(in);
  BOOST_TEST(!element(both, "assignee").contains("initial_option"));
  BOOST_TEST((both.find("负责人：甲、乙") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(a_large_project_is_trimmed_says_so_and_keeps_the_current_choice) {
  auto in = item_card();
  in.members.clear();
  for (int i = 0; i < 3000; ++i)
    in.members.push_back({"u-" + std::to_string(i), std::string(100, 'n') + std::to_string(i)});
  in.assignees = {{"u-2999", "last"}};
  in.states.clear();
  for (int i = 0; i < 300; ++i) in.states.push_back({"s-" + std::to_string(i), "state"});
  in.state = {"s-299", "state"};
  in.labels.assign(500, std::string(200, 'l'));
  in.excerpt.assign(100'000, 'x');
  in.name.assign(5000, '"');
  const auto card = card_work_item(in);
  BOOST_TEST(verdict(card) == "");
  BOOST_TEST(element(card, "assignee").at("initial_option").as_string() == "u-2999");
  BOOST_TEST(element(card, "state").at("initial_option").as_string() == "s-299");
  BOOST_TEST((card.find("/3000)") != std::string::npos));
  BOOST_TEST((card.find("/300)") != std::string::npos));
  BOOST_TEST((card.find("…") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(an_announcement_names_the_author_and_begins_a_conversation) {
  auto in = item_card();
  in.announced = true;
  in.announced_by = "测试用户甲";
  in.thread.clear();
  const auto card = card_work_item(in);
  BOOST_TEST(verdict(card) == "");
  BOOST_TEST((card.find("新建工作项 · 测试用户甲") != std::string::npos));
  BOOST_TEST((card.find("\"thread\":\"\"") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(a_new_project_is_announced) {
  project_card_input in{.name = "Web <at id=all></at>",
                        .identifier = "WEB",
                        .url = "https://plane.example.com/acme/projects/1/issues/",
                        .author = "甲",
                        .lang = language::zh};
  BOOST_TEST(verdict(card_project(in)) == "");
  BOOST_TEST((card_fallback(in).find("<at") == std::string::npos));
  BOOST_TEST(verdict(card_project({})) == "");
}

BOOST_AUTO_TEST_CASE(the_fallback_says_the_same_and_mentions_nobody) {
  auto in = item_card();
  in.name = "<at user_id=\"all\"></at> @_all <b>x</b> [a](https://evil.example)";
  in.labels = {"@_user_1"};
  const auto text = card_fallback(in);
  for (const auto* part : {"WEB-142", "待办", "测试用户乙", "2026-04-10", "在 Safari",
                           "https://plane.example.com/acme/browse/WEB-142/"})
    BOOST_TEST_CONTEXT(part) BOOST_TEST((text.find(part) != std::string::npos));
  for (const auto* part : {"<at", "@_", "<b", "</b", "]("})
    BOOST_TEST_CONTEXT(part) BOOST_TEST((text.find(part) == std::string::npos));
  BOOST_TEST((without_breakers(text).find(in.name) != std::string::npos));
  BOOST_TEST(json::parse(text_content(text)).at("text").as_string() == text);
}

BOOST_AUTO_TEST_CASE(whatever_comes_in_feishu_takes_the_card) {
  const auto text = rc::gen::container<std::string>(
      rc::gen::oneOf(rc::gen::arbitrary<char>(),
                     rc::gen::elementOf(std::string{"<at id=all></at>\"\\@_[](){}*"})));
  const auto choice = rc::gen::map(rc::gen::pair(text, text), [](auto p) {
    return card_choice{p.first, p.second};
  });
  BOOST_TEST(rc::check("any input", [&] {
    card_input in;
    in.thread = *text;
    in.item = *text;
    in.number = *text;
    in.name = *text;
    in.url = *rc::gen::oneOf(text, rc::gen::just(item_card().url));
    in.states = *rc::gen::container<std::vector<card_choice>>(choice);
    in.state = in.states.empty() ? *choice : *rc::gen::elementOf(in.states);
    in.members = *rc::gen::container<std::vector<card_choice>>(choice);
    in.assignees = *rc::gen::container<std::vector<card_choice>>(choice);
    in.labels = *rc::gen::container<std::vector<std::string>>(text);
    in.excerpt = *text;
    in.target_date = *rc::gen::oneOf(text, rc::gen::just(std::string{"2026-04-10"}));
    in.announced = *rc::gen::arbitrary<bool>();
    in.announced_by = *text;
    in.assign = *rc::gen::element(assign_menu::none, assign_menu::members, assign_menu::people);
    in.lang = *rc::gen::element(language::zh, language::en);
    in.gone = *rc::gen::weightedElement<bool>({{1, true}, {5, false}});
    const auto card = card_work_item(in);
    const auto why = verdict(card);
    if (!why.empty()) RC_FAIL(why);
    RC_ASSERT(html::valid_utf8(card) == card);
    const auto fallback = card_fallback(in);
    RC_ASSERT(fallback.size() <= 4096u);
    RC_ASSERT(html::valid_utf8(fallback) == fallback);
    RC_ASSERT(fallback.find("<at") == std::string::npos);
    RC_ASSERT(fallback.find("@_") == std::string::npos);
  }));
}
