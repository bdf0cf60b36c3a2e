// What Plane keeps of a description: recorded outputs and the rules of its allow-list.
#define BOOST_TEST_MODULE sandbox_html_clean
#include "sandbox/html_clean.hpp"

#include <boost/test/unit_test.hpp>

using pb::sandbox::sanitise_html;

BOOST_AUTO_TEST_CASE(descriptions_come_back_as_plane_stores_them) {
  const struct {
    const char *sent, *stored, *text;
  } rows[] = {
      {"<p>Hello <strong>fake</strong> world</p>", "<p>Hello <strong>fake</strong> world</p>",
       "Hello fake world"},
      {"<p onclick=\"x()\">keep</p><script>alert(1)</script><a href=\"javascript:1\">l</a>",
       "<div><p>keep</p><a rel=\"noopener noreferrer\">l</a></div>", "keepl"},
      {"plain text, no tags\nsecond line", "<p>plain text, no tags\nsecond line</p>",
       "plain text, no tags\nsecond line"},
      {"<p>New body &amp; more</p><ul><li>one</li></ul>",
       "<div><p>New body &amp; more</p><ul><li>one</li></ul></div>", "New body & moreone"},
      {"<p>a<br>b &lt;tag&gt; &nbsp;</p>", "<p>a<br>b &lt;tag&gt; &nbsp;</p>", "ab <tag> \xC2\xA0"},
      {"<p>中文😀</p>", "<p>中文😀</p>", "中文😀"},
      {"<p><blink>x</blink></p>", "<p>x</p>", "x"},
      {"<p><img src=\"data:image/png;base64,AA\" alt=\"a\"></p>", "<p><img alt=\"a\"></p>", ""},
      {"<p><a href=\"https://example.test/?a=1&amp;b=2\">l</a></p>",
       "<p><a href=\"https://example.test/?a=1&amp;b=2\" rel=\"noopener noreferrer\">l</a></p>",
       "l"},
  };
  for (const auto& r : rows) {
    const auto clean = sanitise_html(r.sent);
    BOOST_REQUIRE(clean.has_value());
    BOOST_TEST(clean->html == r.stored);
    BOOST_TEST(clean->text == r.text);
  }
}

BOOST_AUTO_TEST_CASE(nothing_at_all_is_refused) {
  BOOST_TEST(!sanitise_html("").has_value());
  BOOST_TEST(!sanitise_html("  \n").has_value());
}

BOOST_AUTO_TEST_CASE(deeply_nested_input_ends) {
  std::string deep;
  for (int i = 0; i < 50'000; ++i) deep += "<div>";
  BOOST_TEST(sanitise_html(deep + "x").has_value());
}
