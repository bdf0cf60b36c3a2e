#define BOOST_TEST_MODULE lark_render_post
#include <rapidcheck.h>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "protocol/html/utf8.hpp"
#include "protocol/lark/from_html.hpp"
#include "protocol/lark/normal_form.hpp"
#include "protocol/lark/post.hpp"
#include "protocol/lark/safe_text.hpp"
#include "tests/protocol/lark_any_text.hpp"

namespace json = boost::json;
using namespace pb::protocol;
using namespace pb::protocol::lark;
using lark_samples::any_text;
using lark_samples::many;
using lark_samples::paragraph;

namespace {
rich_text of(const std::string& html) {
  html_reading o;
  o.person = [](std::string_view id) -> std::optional<html_reading::mentioned> {
    return html_reading::mentioned{"乙", std::string{id}};
  };
  return from_html(html, o);
}
std::string post(const std::string& html) {
  const auto all = post_contents(of(html), language::en);
  const auto v = json::parse(all.front()).at("zh_cn").at("content");
  return json::serialize(v);
}
std::string text(const std::string& html) { return plain_texts(of(html), language::en).front(); }

/// Every node of every paragraph of every message.
template <class F>
void each_node(const std::vector<std::string>& contents, const F& f) {
  for (const auto& c : contents) {
    const auto v = json::parse(c);
    for (const auto& p : v.at("zh_cn").at("content").as_array())
      for (const auto& n : p.as_array()) f(n.as_object());
  }
}
std::size_t count(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++n;
  return n;
}
}  // namespace

BOOST_AUTO_TEST_CASE(each_thing_has_its_node) {
  struct row {
    const char *html, *nodes;
  };
  const std::vector<row> rows{
      {"<p>a<strong>b</strong></p>",
       R"([[{"tag":"text","text":"a"},{"tag":"text","text":"b","style":["bold"]}]])"},
      {"<p><em><u><s>x</s></u></em></p>",
       R"([[{"tag":"text","text":"x","style":["italic","underline","lineThrough"]}]])"},
      {"<p>use <code>x</code></p>",
       R"([[{"tag":"text","text":"use "},{"tag":"text","text":"`x`"}]])"},
      {"<a href=\"https://a.example\">l</a>",
       R"([[{"tag":"a","text":"l","href":"https://a.example"}]])"},
      {"<h1>t</h1>", R"([[{"tag":"text","text":"t","style":["bold"]}]])"},
      {"<ul><li>a<ul><li>b</li></ul></li></ul>",
       R"([[{"tag":"text","text":"• "},{"tag":"text","text":"a"}],[{"tag":"text","text":"    • "},{"tag":"text","text":"b"}]])"},
      {"<blockquote>q</blockquote>", R"([[{"tag":"text","text":"> "},{"tag":"text","text":"q"}]])"},
      {"<pre><code class=\"language-cpp\">a\nb</code></pre>",
       R"([[{"tag":"code_block","language":"CPP","text":"a\nb"}]])"},
      {"<pre>x</pre>", R"([[{"tag":"code_block","text":"x"}]])"},
      {"a<hr>b", R"([[{"tag":"text","text":"a"}],[{"tag":"hr"}],[{"tag":"text","text":"b"}]])"},
      {"<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>",
       R"([[{"tag":"text","text":"A","style":["bold"]},{"tag":"text","text":" | "},{"tag":"text","text":"B","style":["bold"]}],[{"tag":"text","text":"1"},{"tag":"text","text":" | "},{"tag":"text","text":"2"}]])"},
      {"<mention-component entity_identifier=\"ou_abc\"></mention-component>",
       R"([[{"tag":"at","user_id":"ou_abc"}]])"},
      {"<mention-component entity_identifier=\"all\"></mention-component>",
       R"([[{"tag":"text","text":"@乙"}]])"},
      {"<img src=\"https://a.example/x.png\">",
       R"([[{"tag":"a","text":"[image]","href":"https://a.example/x.png"}]])"},
      {"<p>a<br>b</p>", R"([[{"tag":"text","text":"a"}],[{"tag":"text","text":"b"}]])"},
      {"", R"([[{"tag":"text","text":"…"}]])"}};
  for (const auto& r : rows) BOOST_TEST_CONTEXT(r.html) BOOST_TEST(post(r.html) == r.nodes);
}

BOOST_AUTO_TEST_CASE(plain_text_says_the_same) {
  struct row {
    const char *html, *text;
  };
  const std::vector<row> rows{
      {"<p>a<strong>b</strong></p><p>c</p>", "ab\nc"},
      {"<a href=\"https://a.example\">l</a>", "l (https://a.example)"},
      {"<a href=\"https://a.example\">https://a.example</a>", "https://a.example"},
      {"<a href=\"https://a.example/@_all\">l</a>", "l (https://a.example/%40_all)"},
      {"<mention-component entity_identifier=\"ou_abc\"></mention-component>",
       "<at user_id=\"ou_abc\">乙</at>"},
      {"<pre>a\n b</pre>", "a\n b"},
      {"<table><tr><td>1<br>2</td><td>3</td></tr></table>", "1 2 | 3"},
      {"<ol><li>a</li></ol><hr>", "1. a\n---"},
      {"&lt;at user_id=\"all\"&gt;&lt;/at&gt; @_all @_user_1 [a](b)",
       "<\u200Bat user_id=\"all\"><\u200B/at> @\u200B_all @\u200B_user_1 [a]\u200B(b)"},
      {"<b>&lt;</b>at user_id=\"ou_abc\"&gt;", "<\u200Bat user_id=\"ou_abc\">"},
      {"<b>@</b>_all", "@\u200B_all"}};
  for (const auto& r : rows) BOOST_TEST_CONTEXT(r.html) BOOST_TEST(text(r.html) == r.text);
}

BOOST_AUTO_TEST_CASE(what_is_too_long_becomes_several_messages) {
  const auto t = many(paragraph(std::string(900, 'x')), 100);
  const auto posts = post_contents(t, language::en);
  BOOST_TEST(posts.size() > 3U);
  BOOST_TEST(posts.size() <= 8U);
  std::size_t letters = 0;
  for (const auto& p : posts) BOOST_TEST(p.size() <= 28U * 1024);
  each_node(posts, [&](const json::object& n) { letters += n.at("text").as_string().size(); });
  BOOST_TEST(letters == 90'000U);
  const auto texts = plain_texts(many(paragraph(std::string(1000, 'x')), 300), language::en);
  BOOST_TEST(texts.size() == 3U);
}

BOOST_AUTO_TEST_CASE(one_endless_paragraph_is_cut_between_letters) {
  block code;
  code.what = block::kind::code;
  for (int i = 0; i < 9000; ++i) code.text += "行" + std::to_string(i % 10) + "\n";
  for (const auto& t : {many(paragraph([] {
                               std::string out;
                               for (int i = 0; i < 20'000; ++i) out += "登";
                               return out;
                             }()),
                             1),
                        many(code, 1)}) {
    const auto posts = post_contents(t, language::en);
    BOOST_TEST(posts.size() > 1U);
    for (const auto& p : posts) {
      BOOST_TEST(p.size() <= 28U * 1024);
      BOOST_TEST(html::valid_utf8(p) == p);
    }
  }
}

BOOST_AUTO_TEST_CASE(too_many_messages_end_with_a_marker) {
  const auto posts =
      post_contents(many(paragraph(std::string(2000, 'x')), 2000), language::en, {.messages = 3});
  BOOST_TEST(posts.size() == 3U);
  BOOST_TEST((posts.back().find("more in Plane") != std::string::npos));
  BOOST_TEST(posts.back().size() <= 28U * 1024);
  const auto texts = plain_texts(many(paragraph(std::string(2000, 'x')), 2000), language::en,
                                 {.text_bytes = 10'000, .messages = 2});
  BOOST_TEST(texts.size() == 2U);
  BOOST_TEST((texts.back().find("more in Plane") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(any_text_stays_within_limits_and_calls_nobody) {
  BOOST_TEST(rc::check("posts and texts", [] {
    auto t = *any_text();
    const auto times = *rc::gen::inRange(1, 4);
    for (int i = 1; i < times; ++i) {
      const auto copy = t.blocks;
      t.blocks.insert(t.blocks.end(), copy.begin(), copy.end());
    }
    const message_limits small{.post_bytes = 3000, .text_bytes = 1500, .messages = 50};
    const auto posts = post_contents(t, language::en, small);
    std::string words;
    each_node(posts, [&](const json::object& n) {
      const auto& tag = n.at("tag").as_string();
      if (tag == "at") RC_ASSERT(is_open_id(std::string_view{n.at("user_id").as_string()}));
      if (tag == "text" || tag == "a") {
        const std::string_view s{n.at("text").as_string()};
        RC_ASSERT(count(s, "<at") + count(s, "@_") + count(s, "</") == 0U);
        words += s;
      }
    });
    for (const auto& p : posts) {
      RC_ASSERT(p.size() <= small.post_bytes);
      RC_ASSERT(html::valid_utf8(p) == p);
    }
    std::size_t called = 0;
    for (const auto& b : normalized(t).blocks) {
      for (const auto& r : b.line) called += r.what == run::kind::mention && is_open_id(r.key);
      for (const auto& row : b.rows)
        for (const auto& cell : row)
          for (const auto& r : cell) called += r.what == run::kind::mention && is_open_id(r.key);
    }
    std::size_t tags = 0;
    for (const auto& p : plain_texts(t, language::en, {.text_bytes = 1 << 20})) {
      RC_ASSERT(html::valid_utf8(p) == p);
      RC_ASSERT(count(p, "@_") == 0U);
      tags += count(p, "<at");
    }
    RC_ASSERT(tags == called);
    for (const auto& p : plain_texts(t, language::en, small)) RC_ASSERT(p.size() <= 1500U);
  }));
}
