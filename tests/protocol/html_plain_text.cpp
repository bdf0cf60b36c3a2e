#define BOOST_TEST_MODULE html_plain_text
#include "protocol/html/plain_text.hpp"

#include <boost/test/unit_test.hpp>
#include <thread>
#include <vector>

#include "protocol/html/utf8.hpp"

using namespace pb::protocol::html;

namespace {
struct row {
  const char* html;
  const char* text;
};
void check(const std::vector<row>& rows, const plain_text_options& options = {}) {
  for (const auto& r : rows) BOOST_TEST_CONTEXT(r.html) {
      BOOST_TEST(to_plain_text(r.html, options) == r.text);
    }
}
}  // namespace

BOOST_AUTO_TEST_CASE(paragraphs_headings_and_breaks_become_lines) {
  check({{"", ""},
         {"<p></p>", ""},
         {"<p class=\"editor-paragraph-block\"></p>", ""},
         {"plain", "plain"},
         {"<p class=\"editor-paragraph-block\">a</p><p>b</p>", "a\nb"},
         {"<h1>Title</h1><p>text</p>", "Title\ntext"},
         {"<p>a</p><p></p><p></p><p>b</p>", "a\n\nb"},
         {"<p>a<br>b<br/>c</p>", "a\nb\nc"},
         {"<p>  a \n\t b  </p>", "a b"},
         {"<p>a</p><hr><p>b</p>", "a\n---\nb"},
         {"<div data-type=\"horizontalRule\"><div></div></div>", "---"},
         {"<p>a <strong>b</strong> <em>c</em><s>d</s> <code>x = 1</code></p>", "a b cd x = 1"},
         {"<p><span data-text-color=\"red\">red</span></p>", "red"}});
}

BOOST_AUTO_TEST_CASE(lists_keep_their_markers_and_nesting) {
  check({{"<ul><li><p>a</p></li><li><p>b</p></li></ul>", "- a\n- b"},
         {"<ol start=\"3\"><li><p>a</p></li><li>b</li></ol>", "3. a\n4. b"},
         {"<ul><li><p>a</p><ul><li><p>b</p></li></ul></li><li>c</li></ul>", "- a\n  - b\n- c"},
         {"<ol><li><p>a</p><p>more</p></li></ol>", "1. a\n   more"},
         {"<p>x</p><ul><li></li></ul><p>y</p>", "x\n-\ny"},
         {"<ul data-type=\"taskList\"><li data-type=\"taskItem\" data-checked=\"true\"><label>"
          "<input type=\"checkbox\"><span></span></label><div><p>done</p></div></li>"
          "<li data-type=\"taskItem\" data-checked=\"false\"><label><input type=\"checkbox\">"
          "<span></span></label><div><p>open</p></div></li></ul>",
          "[x] done\n[ ] open"}});
}

BOOST_AUTO_TEST_CASE(links_show_their_target) {
  check({{"<a href=\"https://a.example/x\">text</a>", "text (https://a.example/x)"},
         {"<p>see <a href=\"https://a.example\">this </a>now</p>",
          "see this (https://a.example) now"},
         {"<a href=\"https://a.example\">https://a.example</a>", "https://a.example"},
         {"<a href=\"mailto:a@b.example\">a@b.example</a>", "a@b.example"},
         {"<a href=\"https://a.example\"></a>", "https://a.example"},
         {"<a href=\"javascript:alert(1)\">x</a>", "x"},
         {"<a href=\"/relative\">x</a>", "x"},
         {"<a>x</a>", "x"}});
}

BOOST_AUTO_TEST_CASE(code_quotes_tables_and_callouts_are_readable) {
  check({{"<pre><code class=\"language-cpp\">int a;\n  int b;\n</code></pre>", "int a;\n  int b;"},
         {"<blockquote><p>a</p><p>b</p></blockquote><p>c</p>", "> a\n> b\nc"},
         {"<blockquote><ul><li>a</li></ul></blockquote>", "> - a"},
         {"<table><tbody><tr><th><p>a</p></th><td><p>b</p></td></tr><tr><td>c</td><td></td></tr>"
          "</tbody></table>",
          "a | b\nc |"},
         {"<div data-block-type=\"callout-component\"><p>note</p></div>", "note"}});
}

BOOST_AUTO_TEST_CASE(images_mentions_and_emoji_have_words) {
  plain_text_options options;
  options.name_of = [](std::string_view id) -> std::optional<std::string> {
    if (id == "u1") return "Béla";
    return std::nullopt;
  };
  check({{"<p>hi <mention-component id=\"m\" entity_identifier=\"u1\" "
          "entity_name=\"user_mention\"></mention-component>!</p>",
          "hi @Béla!"},
         {"<mention-component entity_identifier=\"u2\" entity_name=\"user_mention\">"
          "</mention-component>",
          "@someone"},
         {"<mention-component entity_name=\"issue\"></mention-component>", "[issue]"},
         {"<p>a</p><image-component src=\"x\" width=\"35%\"></image-component>", "a\n[image]"},
         {"<img src=\"https://a.example/x.png\">", "[image]"},
         {"<span data-type=\"emoji\" data-name=\"smile\">😄</span> ok", "😄 ok"}},
        options);
}

BOOST_AUTO_TEST_CASE(scripts_styles_and_comments_vanish) {
  check({{"<script>alert(1)</script><style>p{}</style><p>a<!-- b --></p>", "a"},
         {"<p>a</p><script>x", "a"},
         {"<head><title>t</title></head><body>b</body>", "b"},
         {"<svg><text>x</text></svg>a", "a"}});
}

BOOST_AUTO_TEST_CASE(entities_are_decoded_and_text_stays_utf8) {
  check({{"<p>a &amp; b &lt;c&gt; &eacute; &#128640; &#x4f1a;&nbsp;x</p>",
          "a & b <c> é 🚀 会\xC2\xA0x"},
         {"<p>会议室 👩‍👩‍👧‍👦</p>", "会议室 👩‍👩‍👧‍👦"},
         {"<p>&unknown; & alone</p>", "&unknown; & alone"}});
  BOOST_TEST(to_plain_text("<p>a\xFF\xFE b</p>") == "a\xEF\xBF\xBD\xEF\xBF\xBD b");
  BOOST_TEST(to_plain_text(std::string{"<p>a\0b\x01</p>", 12}) == "ab");
}

BOOST_AUTO_TEST_CASE(external_entities_are_not_loaded) {
  BOOST_TEST(to_plain_text("<!DOCTYPE p [<!ENTITY x SYSTEM \"file:///etc/hostname\">]><p>a&x;</p>")
                 .find("&x;") != std::string::npos);
}

// An unbounded parser needs minutes here: the test's time limit is the check.
BOOST_AUTO_TEST_CASE(hostile_nesting_and_size_end_soon) {
  std::string open, pairs, quotes, lists, many;
  for (int i = 0; i < 300'000; ++i) open += "<b>";
  for (int i = 0; i < 120'000; ++i) pairs += "<b></i>";
  for (int i = 0; i < 50'000; ++i) quotes += "<blockquote>a";
  for (int i = 0; i < 50'000; ++i) lists += "<ul><li>a";
  for (int i = 0; i < 200'000; ++i) many += "<p>a";
  (void)to_plain_text(open);
  (void)to_plain_text(pairs);
  (void)to_plain_text(quotes);
  (void)to_plain_text(lists);
  BOOST_TEST(to_plain_text(many).size() > 100'000U);
  plain_text_options small;
  small.output_limit = 10;
  BOOST_TEST(to_plain_text("<p>会会会会会会</p>", small) == "会会会");
  BOOST_TEST(to_plain_text(std::string(4U << 20, 'x')).size() <= plain_text_options{}.output_limit);
}

BOOST_AUTO_TEST_CASE(several_threads_may_convert_at_once) {
  std::vector<std::thread> threads;
  std::vector<int> good(4);
  for (std::size_t t = 0; t < good.size(); ++t)
    threads.emplace_back([&good, t] {
      for (int i = 0; i < 200; ++i)
        good[t] += to_plain_text("<ul><li><p>a</p></li></ul><bad><p>b") == "- a\nb" ? 1 : 0;
    });
  for (auto& t : threads) t.join();
  for (const int n : good) BOOST_TEST(n == 200);
}

BOOST_AUTO_TEST_CASE(text_is_cut_between_characters) {
  BOOST_TEST(cut_utf8("会会", 5) == "会");
  BOOST_TEST(cut_utf8("会会", 6) == "会会");
  BOOST_TEST(cut_utf8("\x80\x80\x80\x80\x80", 3) == "\x80\x80\x80");
  BOOST_TEST(valid_utf8("a\xED\xA0\x80"
                        "b\xF4\x90\x80\x80\xC0\x80") ==
             "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"
             "b"
             "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}
