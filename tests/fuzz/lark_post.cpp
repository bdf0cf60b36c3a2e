// Plane's HTML as messages of Feishu, and back: bounded, well-formed, calling nobody but whom a
// mention element names, the same words on both sides.
#include <boost/json.hpp>
#include <string>

#include "protocol/html/utf8.hpp"
#include "protocol/lark/from_html.hpp"
#include "protocol/lark/normal_form.hpp"
#include "protocol/lark/post.hpp"
#include "protocol/lark/to_html.hpp"
#include "tests/fuzz/property.hpp"

namespace {

namespace json = boost::json;
namespace lark = pb::protocol::lark;
using fuzz::must;

lark::html_reading reading() {
  lark::html_reading o;
  o.input_limit = 64 * 1024;
  o.text_limit = 32 * 1024;
  o.person = [](std::string_view user) -> std::optional<lark::html_reading::mentioned> {
    if (user.size() < 4) return std::nullopt;
    return lark::html_reading::mentioned{"<at user_id=\"all\"></at>", std::string{user}};
  };
  return o;
}

std::size_t mentions(const lark::runs& line) {
  std::size_t n = 0;
  for (const auto& r : line)
    n += r.what == lark::run::kind::mention && lark::is_open_id(r.key) ? 1U : 0U;
  return n;
}
std::size_t mentions(const lark::rich_text& t) {
  std::size_t n = 0;
  for (const auto& b : t.blocks) {
    n += mentions(b.line);
    for (const auto& row : b.rows)
      for (const auto& cell : row) n += mentions(cell);
  }
  return n;
}
std::size_t count(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

void check_post(const std::string& content, std::size_t& called) {
  must(content.size() <= 28U * 1024, "a post is bounded");
  must(pb::protocol::html::valid_utf8(content) == content, "a post is well-formed");
  const auto v = json::parse(content);
  for (const auto& p : v.at("zh_cn").at("content").as_array()) {
    must(!p.as_array().empty(), "no paragraph is empty");
    for (const auto& n : p.as_array()) {
      const auto& node = n.as_object();
      const auto& tag = node.at("tag").as_string();
      if (tag == "at") {
        ++called;
        must(lark::is_open_id(std::string_view{node.at("user_id").as_string()}),
             "only people are called");
      } else if (tag == "text" || tag == "a") {
        const std::string_view text{node.at("text").as_string()};
        must(count(text, "<at") + count(text, "@_") == 0, "no text reads as a mention");
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text_of(data, size);
  const auto text = lark::from_html(input, reading());
  must(lark::normalized(text) == text, "what is read is in normal form");
  must(text.blocks.size() <= lark::max_blocks, "blocks are bounded");
  std::size_t called = 0;
  for (const auto& content : lark::post_contents(text, lark::language::en))
    check_post(content, called);
  must(called <= mentions(text), "a post calls nobody else");
  std::size_t tags = 0;
  for (const auto& plain : lark::plain_texts(text, lark::language::zh)) {
    must(pb::protocol::html::valid_utf8(plain) == plain, "a text is well-formed");
    must(count(plain, "@_") == 0, "no text reads as a mention");
    tags += count(plain, "<at");
  }
  must(tags <= mentions(text), "a text calls nobody else");

  lark::html_writing writing;
  writing.output_limit = 1U << 20;
  writing.lang = lark::language::en;
  const auto html = lark::to_html(text, writing);
  must(pb::protocol::html::valid_utf8(html) == html, "HTML is well-formed");
  must(html.find("<script") == std::string::npos && html.find("<mention") == std::string::npos,
       "HTML has the writer's own tags only");
  if (!html.ends_with("<p>…</p>"))
    must(lark::visible_text(lark::from_html(html), lark::language::en) ==
             lark::visible_text(text, lark::language::en),
         "the words stay the same");
  return 0;
}
