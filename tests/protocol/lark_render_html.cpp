#define BOOST_TEST_MODULE lark_render_html
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <regex>

#include "protocol/html/utf8.hpp"
#include "protocol/lark/from_html.hpp"
#include "protocol/lark/normal_form.hpp"
#include "protocol/lark/to_html.hpp"
#include "tests/protocol/lark_any_text.hpp"

using namespace pb::protocol;
using namespace pb::protocol::lark;
using lark_samples::any_text;
using lark_samples::many;
using lark_samples::paragraph;

namespace {
constexpr const char* user = "3f8f0b6c-5a35-4c22-9b3c-0f6d3a1d9a10";

html_reading reading() {
  html_reading o;
  o.person = [](std::string_view id) -> std::optional<html_reading::mentioned> {
    if (id == user) return html_reading::mentioned{"测试用户乙", "ou_abc"};
    return std::nullopt;
  };
  return o;
}
std::string seen(const std::string& html) {
  return visible_text(from_html(html, reading()), language::en);
}
std::string written(rich_text t, html_writing o = {}) {
  o.lang = language::en;
  return to_html(t, o);
}
std::string html_of(run r) {
  rich_text t;
  t.blocks.emplace_back().line = {std::move(r)};
  return written(t);
}
/// Tags of the writer's own list, nothing else that a browser would act on.
std::string foreign_tag(const std::string& html) {
  static const std::regex tag{"<[^>]*>?"};
  static const std::regex known{
      "</?(p|h[1-6]|ul|ol|li|blockquote|pre|table|tbody|tr|td|th|strong|em|u|s|code|div|span|label|"
      "br|a)>|<ol start=\"[0-9]+\">|<ul data-type=\"taskList\">|<li data-type=\"taskItem\" "
      "data-checked=\"(true|false)\">|<input type=\"checkbox\"( checked)?>|<div "
      "data-type=\"horizontalRule\">|<code class=\"language-[a-z0-9+#._-]+\">|<a "
      "href=\"(https?://|mailto:)[^\"<>]*\" target=\"_blank\" rel=\"noopener "
      "noreferrer\">|<mention-component id=\"[0-9a-f-]{36}\" entity_identifier=\"[0-9a-f-]{36}\" "
      "entity_name=\"user_mention\">|</mention-component>"};
  for (std::sregex_iterator at{html.begin(), html.end(), tag}, end; at != end; ++at)
    if (!std::regex_match(at->str(), known)) return at->str();
  return {};
}
}  // namespace

BOOST_AUTO_TEST_CASE(what_planes_editor_writes_is_read) {
  struct row {
    const char *html, *text;
  };
  const std::vector<row> rows{
      {"", ""},
      {"<p class=\"editor-paragraph-block\"></p>", ""},
      {"<p>a</p><p>b</p>", "a\nb"},
      {"<p>a <strong>b</strong> <em>c</em><s>d</s></p>", "a b cd"},
      {"<h2>Title</h2><p>a<br>b</p>", "Title\na\nb"},
      {"<ul><li><p>a</p><ul><li><p>b</p></li></ul></li><li>c</li></ul>", "• a\n    • b\n• c"},
      {"<ol start=\"3\"><li><p>a</p></li><li>b</li></ol>", "3. a\n4. b"},
      {"<ol><li><p>a</p><p>more</p></li></ol>", "1. a\nmore"},
      {"<ul data-type=\"taskList\"><li data-type=\"taskItem\" data-checked=\"true\"><label><input "
       "type=\"checkbox\"><span></span></label><div><p>done</p></div></li></ul>",
       "☑ done"},
      {"<blockquote><p>a</p><p>b</p></blockquote>", "> a\n> b"},
      {"<blockquote><ul><li>a</li></ul></blockquote>", "> • a"},
      {"<pre><code class=\"language-cpp\">int a;\n  b();\n</code></pre>", "int a;\n  b();"},
      {"<hr>", "---"},
      {"<div data-type=\"horizontalRule\"><div></div></div>", "---"},
      {"<table><tbody><tr><th><p>A</p></th><th>B</th></tr><tr><td>1</td><td><p>2</p><p>3</p></td>"
       "</tr></tbody></table>",
       "A | B\n1 | 2\n3"},
      {"<p>hi <mention-component id=\"x\" entity_identifier=\"3f8f0b6c-5a35-4c22-9b3c-0f6d3a1d9a10"
       "\" entity_name=\"user_mention\"></mention-component>!</p>",
       "hi @测试用户乙!"},
      {"<mention-component entity_identifier=\"other\"></mention-component>", "@Someone"},
      {"<mention-component entity_name=\"issue\"></mention-component>", "[issue]"},
      {"<image-component src=\"0f6d3a1d-5a35-4c22-9b3c-3f8f0b6c9a10\"></image-component>",
       "[image]"},
      {"<img src=\"https://a.example/x.png\" alt=\"plan\">", "[image: plan]"},
      {"<a href=\"https://a.example\">label</a>", "label"},
      {"<a href=\"https://a.example\"></a>", "https://a.example"},
      {"<a href=\"javascript:alert(1)\">x</a>", "x"},
      {"<div data-block-type=\"callout-component\"><p>note</p></div>", "> note"},
      {"<span data-type=\"emoji\" data-name=\"smile\">😄</span>", "😄"},
      {"<script>x</script><style>y</style>a", "a"},
      {"<iframe src=\"https://a.example\"></iframe>", "[not shown: iframe]"},
      {"<issue-embed-component></issue-embed-component>", "[work item]"},
      {"<table><tr><td><table><tr><td>x</td><td>y</td></tr></table></td></tr></table>", "x | y"},
      {"<table><tr><td><ul><li>x</li><li>y</li></ul></td></tr></table>", "• x\n• y"}};
  for (const auto& r : rows) BOOST_TEST_CONTEXT(r.html) BOOST_TEST(seen(r.html) == r.text);
}

BOOST_AUTO_TEST_CASE(styles_links_and_languages_are_kept) {
  const auto t = from_html(
      "<p><a href=\"https://a.example\"><strong>x<u>y</u></strong></a><code>z</code></p>"
      "<pre><code class=\"hljs language-cpp x\">c</code></pre>");
  BOOST_REQUIRE(t.blocks.size() == 2U);
  BOOST_REQUIRE(t.blocks[0].line.size() == 3U);
  BOOST_TEST(t.blocks[0].line[0].style.bold);
  BOOST_TEST(t.blocks[0].line[1].style.underline);
  BOOST_TEST(t.blocks[0].line[1].key == "https://a.example");
  BOOST_TEST(t.blocks[0].line[2].style.code);
  BOOST_TEST(t.blocks[1].language == "cpp");
}

BOOST_AUTO_TEST_CASE(what_is_too_much_is_cut_with_a_marker) {
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "<b><i>";
  for (const auto& html : {deep + "x", "<p>" + std::string(2'000'000, 'x') + "</p>", [] {
                             std::string all;
                             for (int i = 0; i < 5000; ++i) all += "<p>x</p>";
                             return all;
                           }()}) {
    const auto t = from_html(html);
    BOOST_TEST(t.blocks.size() <= max_blocks);
    BOOST_REQUIRE(t.left_out.size() == 1U);
    BOOST_TEST(t.left_out[0] == "…");
  }
}

BOOST_AUTO_TEST_CASE(chat_becomes_html_that_plane_takes) {
  BOOST_TEST(written({}) == "");
  BOOST_TEST(html_of({.what = run::kind::text, .text = "a <b> & \"c\"\nd", .key = {}}) ==
             "<p>a &lt;b&gt; &amp; &quot;c&quot;<br>d</p>");
  BOOST_TEST(
      html_of({.what = run::kind::link, .text = "x", .key = "https://a.example/?a=1&b=\""}) != "");
  BOOST_TEST(html_of({.what = run::kind::link, .text = "x", .key = "https://a.example/?a=1&b=2"}) ==
             "<p><a href=\"https://a.example/?a=1&amp;b=2\" target=\"_blank\" rel=\"noopener "
             "noreferrer\">x</a></p>");
  BOOST_TEST(html_of({.what = run::kind::link, .text = "x", .key = "javascript:alert(1)"}) ==
             "<p>x (javascript:alert(1))</p>");
  BOOST_TEST(html_of({.what = run::kind::mention, .text = "甲", .key = "ou_1"}) == "<p>@甲</p>");
  BOOST_TEST(html_of({.what = run::kind::mention_all, .text = {}, .key = {}}) ==
             "<p>@everybody</p>");
  BOOST_TEST(html_of({.what = run::kind::image, .text = {}, .key = "img_1"}) == "<p>[image]</p>");
  BOOST_TEST(html_of({.what = run::kind::emotion, .text = "SMILE", .key = {}}) == "<p>😄</p>");
  BOOST_TEST(html_of({.what = run::kind::text, .text = "a  b", .key = {}}) == "<p>a &nbsp;b</p>");
}

BOOST_AUTO_TEST_CASE(nested_lists_come_back_as_they_were) {
  const std::string html =
      "<ul><li><p>a</p><ol><li><p>b</p></li><li><p>c</p></li></ol></li><li><p>d</p></li></ul>"
      "<ol start=\"7\"><li><p>e</p></li></ol>"
      "<ul data-type=\"taskList\"><li data-type=\"taskItem\" data-checked=\"false\"><label><input "
      "type=\"checkbox\"><span></span></label><div><p>f</p></div></li></ul>"
      "<table><tbody><tr><th><p>A</p></th></tr><tr><td><p>1</p></td></tr></tbody></table>"
      "<blockquote><p>q</p></blockquote><pre><code class=\"language-go\">x\n\ny</code></pre>"
      "<h3>h</h3><div data-type=\"horizontalRule\"><div></div></div>";
  BOOST_TEST(written(from_html(html)) == html);
}

BOOST_AUTO_TEST_CASE(only_people_whom_plane_knows_are_mentioned) {
  html_writing o;
  o.seed = "om_1";
  o.plane_user = [](std::string_view id) -> std::optional<std::string> {
    if (id == "ou_1") return std::string{user};
    if (id == "ou_2") return std::string{"\"><script>"};
    return std::nullopt;
  };
  rich_text t;
  t.blocks.emplace_back().line = {{.what = run::kind::mention, .text = "乙", .key = "ou_1"},
                                  {.what = run::kind::mention, .text = "<丙>", .key = "ou_2"},
                                  {.what = run::kind::mention, .text = "丁", .key = "ou_1"}};
  const auto html = to_html(t, o);
  BOOST_TEST(html.starts_with("<p><mention-component id=\""));
  BOOST_TEST((html.find("@&lt;丙&gt;") != std::string::npos));
  BOOST_TEST(foreign_tag(html) == "");
  BOOST_TEST(to_html(t, o) == html);
  const auto first = html.substr(html.find("id=\""), 40);
  BOOST_TEST(html.find(first) == html.rfind(first));
}

BOOST_AUTO_TEST_CASE(pictures_link_where_an_address_is_known) {
  html_writing o;
  o.file_url = [](std::string_view key) -> std::optional<std::string> {
    return "https://bridge.example/files/" + std::string{key};
  };
  rich_text t;
  t.blocks.emplace_back().line = {{.what = run::kind::file, .text = "a.pdf", .key = "f1"}};
  o.lang = language::en;
  BOOST_TEST(
      (to_html(t, o).find("<a href=\"https://bridge.example/files/f1\"") != std::string::npos));
  BOOST_TEST((to_html(t, o).find(">[file: a.pdf]</a>") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(html_is_bounded_and_whole) {
  html_writing o;
  o.output_limit = 8 * 1024;
  block item = paragraph("x < y 登录");
  item.what = block::kind::list_item;
  block code;
  code.what = block::kind::code;
  code.text = std::string(50'000, 'c') + "登录";
  block wide = paragraph({});
  for (int i = 0; i < 3000; ++i)
    wide.line.push_back({.what = run::kind::text, .text = "登", .key = {}, .style = {i % 2 == 0}});
  for (const auto& t : {many(item, 2000), many(code, 3), many(wide, 2),
                        many(paragraph(std::string(100'000, '&')), 1)}) {
    const auto html = to_html(t, o);
    BOOST_TEST(html.size() <= o.output_limit);
    BOOST_TEST(html.ends_with("<p>…</p>"));
    BOOST_TEST(html::valid_utf8(html) == html);
    BOOST_TEST(foreign_tag(html) == "");
    BOOST_TEST(!seen(html).empty());
  }
}

BOOST_AUTO_TEST_CASE(any_text_survives_the_way_through_plane) {
  BOOST_TEST(rc::check("normal form is idempotent and shows the same", [] {
    const auto t = *any_text();
    const auto n = normalized(t);
    RC_ASSERT(normalized(n) == n);
  }));
  BOOST_TEST(rc::check("chat to Plane and back", [] {
    const auto t = normalized(*any_text());
    const auto html = written(t);
    const auto foreign = foreign_tag(html);
    if (!foreign.empty()) RC_FAIL(foreign);
    RC_ASSERT(html::valid_utf8(html) == html);
    const auto back = from_html(html);
    RC_ASSERT(visible_text(back, language::en) == visible_text(t, language::en));
    RC_ASSERT(written(back) == written(from_html(written(back))));
    for (const auto& b : back.blocks)
      for (const auto& r : b.line) RC_ASSERT(r.what != run::kind::mention);
  }));
}
