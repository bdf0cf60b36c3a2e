#define BOOST_TEST_MODULE lark_content
#include "protocol/lark/content.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include "lark_fixture.hpp"
#include "protocol/lark/events.hpp"

using namespace pb::protocol::lark;
namespace fixture = lark_fixture;
using kind = run::kind;
BOOST_TEST_DONT_PRINT_LOG_VALUE(kind)
BOOST_TEST_DONT_PRINT_LOG_VALUE(block::kind)

namespace {
message received(const std::string& which) {
  auto e = parse_event(fixture::sample("event.im.message.receive_v1." + which + ".json"));
  BOOST_REQUIRE(e.has_value());
  return std::get<message>(e->what);
}
message of(std::string type, std::string content, std::vector<mention> mentions = {}) {
  message m;
  m.type = std::move(type);
  m.content = std::move(content);
  m.mentions = std::move(mentions);
  return m;
}
message text(std::string_view words, std::vector<mention> mentions = {}) {
  return of("text",
            boost::json::serialize(boost::json::object{
                {"text", boost::json::string_view{words.data(), words.size()}}}),
            std::move(mentions));
}
mention person_at(int n, std::string open_id, std::string name, bool bot = false) {
  return {"@_user_" + std::to_string(n), {std::move(open_id), {}, {}}, std::move(name), bot};
}
const std::string bot = fixture::bot_open_id;
mention the_bot(int n) { return person_at(n, bot, "PlaneBridge", true); }
}  // namespace

BOOST_AUTO_TEST_CASE(a_text_with_people_and_a_link) {
  const auto t = read_content(received("text_in_thread"));
  BOOST_TEST(t.left_out.empty());
  BOOST_REQUIRE(t.blocks.size() == 1u);
  const auto& line = t.blocks[0].line;
  BOOST_REQUIRE(line.size() == 5u);
  BOOST_TEST(line[0].what == kind::mention);
  BOOST_TEST(line[0].key == bot);
  BOOST_TEST(line[0].bot);
  BOOST_TEST(line[1].text == " ");
  BOOST_TEST(line[2].key == "ou_6e4d2c0b8a7f5e3d1c9b0a8f7e6d5c4b");
  BOOST_TEST(line[2].text == "测试用户乙");
  BOOST_TEST(!line[2].bot);
  BOOST_TEST(line[3].text == " 请看一下，日志在 ");
  BOOST_TEST(line[4].what == kind::link);
  BOOST_TEST(line[4].text == "网关面板");
  BOOST_TEST(line[4].key == "https://grafana.example.com/d/abc");
}

BOOST_AUTO_TEST_CASE(a_post_keeps_what_it_is_made_of) {
  const auto t = read_content(received("post"));
  BOOST_TEST(t.title == "缺陷：导出 CSV 乱码");
  BOOST_TEST(t.left_out.empty());
  BOOST_REQUIRE(t.blocks.size() == 6u);
  BOOST_TEST(t.blocks[0].line[0].key == bot);
  BOOST_TEST(t.blocks[0].line[2].style.bold);
  BOOST_TEST(t.blocks[1].line[1].what == kind::link);
  BOOST_TEST(t.blocks[1].line[1].key == "https://wiki.example.com/export?id=3&t=中文");
  BOOST_TEST(t.blocks[1].line[1].style.italic);
  BOOST_TEST(t.blocks[1].line[3].what == kind::emotion);
  BOOST_TEST(t.blocks[1].line[3].text == "SMILE");
  BOOST_TEST(t.blocks[2].line[0].what == kind::image);
  BOOST_TEST(t.blocks[3].what == block::kind::code);
  BOOST_TEST(t.blocks[3].language == "python");
  BOOST_TEST(t.blocks[3].text == "print(\"你好\")\nraise SystemExit(1)");
  BOOST_TEST(t.blocks[4].what == block::kind::rule);
  BOOST_TEST(t.blocks[5].line[0].text == "- 期望：UTF-8 带 BOM");
}

BOOST_AUTO_TEST_CASE(a_post_reads_the_same_with_a_language_level) {
  const auto m = received("post");
  for (const auto* language : {"zh_cn", "en_us", "ja_jp"}) {
    auto wrapped = m;
    wrapped.content = "{\"" + std::string{language} + "\":" + m.content + "}";
    BOOST_TEST((read_content(wrapped) == read_content(m)));
  }
}

BOOST_AUTO_TEST_CASE(every_other_type) {
  const struct {
    const char *type, *content;
    kind what;
    const char *key, *name;
  } table[]{
      {"image", R"({"image_key":"img_1"})", kind::image, "img_1", ""},
      {"file", R"({"file_key":"file_1","file_name":"网关.txt"})", kind::file, "file_1", "网关.txt"},
      {"audio", R"({"file_key":"file_1","duration":3000})", kind::file, "file_1", "audio.opus"},
      {"media", R"({"file_key":"file_1","image_key":"i","file_name":"a.mp4","duration":1})",
       kind::file, "file_1", "a.mp4"},
  };
  for (const auto& row : table) BOOST_TEST_CONTEXT(row.type) {
      const auto t = read_content(of(row.type, row.content));
      BOOST_REQUIRE(t.blocks.size() == 1u);
      BOOST_TEST(t.blocks[0].line[0].what == row.what);
      BOOST_TEST(t.blocks[0].line[0].key == row.key);
      BOOST_TEST(t.blocks[0].line[0].text == row.name);
      BOOST_TEST(t.left_out.empty());
    }
  for (const auto* type : {"sticker", "share_chat", "share_user", "merge_forward", "hongbao",
                           "calendar", "vote", "todo", "location", "system", "folder"}) {
    const auto t = read_content(of(type, R"({"content":"x"})"));
    BOOST_TEST(t.blocks.empty());
    BOOST_REQUIRE(t.left_out.size() == 1u);
    BOOST_TEST(t.left_out[0] == type);
  }
  BOOST_TEST(read_content(received("image")).blocks.size() == 1u);
  BOOST_TEST(read_content(received("file")).blocks[0].line[0].text == "网关日志 2026-11-18.txt");
}

BOOST_AUTO_TEST_CASE(a_card_is_known_by_what_bots_see_of_it) {
  const auto t = read_content(of(
      "interactive",
      R"({"title":"WEB-142","elements":[[{"tag":"text","text":"正文"},{"tag":"button","text":"打开"}]]})"));
  BOOST_TEST(t.title == "WEB-142");
  BOOST_TEST(plain(t) == "WEB-142\n正文打开");
  BOOST_TEST(t.left_out == std::vector<std::string>{"interactive"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_recalled_message_is_empty_and_nothing_is_missing) {
  BOOST_TEST((read_content(of("text", "")) == rich_text{}));
  auto m = of("text", "This message was recalled");
  m.deleted = true;
  BOOST_TEST((read_content(m) == rich_text{}));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_named) {
  for (const auto& m :
       {of("text", "no JSON"), of("text", "[]"), of("post", "{}"), of("post", R"({"content":7})"),
        of("post", R"({"content":[7]})"), of("image", "{}"), of("image", R"({"image_key":"a b"})"),
        of("", "{}"), of("post", R"({"content":[[{"text":""}]]})")}) {
    const auto t = read_content(m);
    BOOST_TEST_CONTEXT(m.type << m.content) {
      BOOST_REQUIRE(t.left_out.size() == 1u);
      BOOST_TEST(t.left_out[0] == "unreadable");
    }
  }
  const auto t = read_content(of("post", R"({"content":[[{"tag":"hologram"}]]})"));
  BOOST_TEST(t.left_out[0] == "hologram");
}

BOOST_AUTO_TEST_CASE(a_content_without_end_is_cut_and_said_to_be) {
  std::string nodes;
  for (int i = 0; i < 11'000; ++i) nodes += std::string{i ? "," : ""} + R"({"tag":"emotion"})";
  const auto wide = read_content(of("post", R"({"content":[[)" + nodes + "]]}"));
  BOOST_TEST(wide.blocks.at(0).line.size() == max_runs);
  BOOST_TEST(wide.left_out.at(0) == "too long");
  std::string rules;
  for (int i = 0; i < 2'100; ++i) rules += std::string{i ? "," : ""} + R"([{"tag":"hr"}])";
  const auto tall = read_content(of("post", R"({"content":[)" + rules + "]}"));
  BOOST_TEST(tall.blocks.size() == max_blocks);
  BOOST_TEST(tall.left_out.at(0) == "too long");
}

BOOST_AUTO_TEST_CASE(mentions_are_told_apart_longest_first) {
  const std::vector<mention> all{person_at(1, "ou_1", "甲"), person_at(10, "ou_10", "乙")};
  const auto t = read_content(text("@_user_10@_user_1 @_user_100 @_user_2", all));
  const auto& line = t.blocks.at(0).line;
  BOOST_REQUIRE(line.size() == 3u);
  BOOST_TEST(line[0].key == "ou_10");
  BOOST_TEST(line[1].key == "ou_1");
  BOOST_TEST(line[2].text == " @_user_100 @_user_2");  // nobody's keys stay words
}

BOOST_AUTO_TEST_CASE(everybody_is_addressed) {
  const auto m = received("mention_all");
  BOOST_TEST(read_content(m).blocks.at(0).line.at(0).what == kind::mention_all);
  BOOST_TEST(addressed_to(m, bot).to_all);
  BOOST_TEST(!addressed_to(m, bot).to_bot);
  BOOST_TEST(addressed_to(text("@_allow x"), bot).text == "@_allow x");
  BOOST_TEST(!addressed_to(text("@_allow x"), bot).to_all);
}

BOOST_AUTO_TEST_CASE(only_web_and_mail_links_are_links) {
  const auto links = [](std::string_view words) { return addressed_to(text(words), bot).links; };
  BOOST_TEST(links("[a](https://x.example/b_(c))").at(0) == "https://x.example/b_(c)");
  BOOST_TEST(links("[a](mailto:a@b.example)").at(0) == "mailto:a@b.example");
  for (const auto* none :
       {"[a](javascript:alert(1))", "[a](file:///etc)", "[a] (https://x)", "[a](https://x",
        "[a\nb](https://x)", "[[a]](x)", "[a](https://x y)", "[", "[]", "[a]", "[a]("})
    BOOST_TEST_CONTEXT(none) {
      BOOST_TEST(links(none).empty());
      BOOST_TEST(addressed_to(text(none), bot).text == none);
    }
}

BOOST_AUTO_TEST_CASE(what_is_said_to_the_bot) {
  const struct {
    std::string_view words, text, keyed;
    bool to_bot;
  } table[]{
      {"@_user_1 /bind x", "/bind x", "/bind x", true},
      {"/bind x @_user_1", "/bind x", "/bind x", true},
      {"  @_user_1   /help", "/help", "/help", true},
      {"@_user_1\u3000／help\u3000", "／help", "／help", true},
      {"a @_user_1 b", "a b", "a b", true},
      {"a@_user_1b", "ab", "ab", true},
      {"@_user_1", "", "", true},
      {"@_user_1@_user_1 x", "x", "x", true},
      {"@_user_1 /assign @_user_2", "/assign @乙", "/assign @_user_2", true},
      {"@_user_2 hello", "@乙 hello", "@_user_2 hello", false},
      {"@_user_3 /help", "@Other /help", "@_user_3 /help", false},
      {"@_user_1 /new t\nbody\n\n", "/new t\nbody", "/new t\nbody", true},
      {"@_user_1 /bind [https://p.example/a](https://p.example/a)", "/bind https://p.example/a",
       "/bind https://p.example/a", true},
      {"@_user_1 see [doc](https://p.example/a)", "see [doc](https://p.example/a)",
       "see [doc](https://p.example/a)", true},
      {"no one", "no one", "no one", false},
  };
  const std::vector<mention> people{the_bot(1), person_at(2, "ou_2", "乙"),
                                    person_at(3, "ou_other", "Other", true)};
  for (const auto& row : table) BOOST_TEST_CONTEXT(row.words) {
      std::vector<mention> mentioned;
      for (const auto& p : people)
        if (row.words.find(p.key) != std::string_view::npos) mentioned.push_back(p);
      const auto got = addressed_to(text(row.words, mentioned), bot);
      BOOST_TEST(got.text == row.text);
      BOOST_TEST(got.keyed == row.keyed);
      BOOST_TEST(got.to_bot == row.to_bot);
      // while our own open_id is not known nothing is ours
      BOOST_TEST(!addressed_to(text(row.words, mentioned), "").to_bot);
    }
}

BOOST_AUTO_TEST_CASE(a_command_in_a_post_is_its_first_paragraph) {
  const auto got = addressed_to(received("post"), bot);
  BOOST_TEST(got.to_bot);
  BOOST_TEST(got.text.starts_with("/plane create 导出乱码\n步骤见 [文档](https://wiki"));
  BOOST_TEST(got.links.size() == 1u);
}

BOOST_AUTO_TEST_CASE(another_bots_mention_is_not_ours) {
  BOOST_TEST(addressed_to(received("from_bot"), bot).to_bot);
  BOOST_TEST(!addressed_to(received("from_bot"), "ou_somebody").to_bot);
}

BOOST_AUTO_TEST_CASE(no_letter_of_a_text_is_lost_whatever_is_written) {
  const bool ok = rc::check("runs of a text say the text", [] {
    const auto words = *rc::gen::container<std::string>(
        rc::gen::elementOf(std::string{"@_user_10all[](https://x.m)\n ab"}));
    const auto m = text(words, {person_at(1, "ou_1", "甲"), person_at(10, "ou_10", "乙")});
    std::string again;
    for (const auto& b : read_content(m).blocks)
      for (const auto& r : b.line) {
        if (r.what == kind::mention) again += r.key == "ou_1" ? "@_user_1" : "@_user_10";
        if (r.what == kind::mention_all) again += "@_all";
        if (r.what == kind::link) again += '[' + r.text + "](" + r.key + ')';
        if (r.what == kind::text) again += r.text;
      }
    RC_ASSERT(again == words);
  });
  BOOST_TEST(ok);
}
