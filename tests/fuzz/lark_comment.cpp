// A message's content as a comment for Plane. Pieces: the message's type, its content. Bounded,
// well-formed, with the writer's own tags only, mentions only of people who are known.
#include <string>

#include "protocol/html/utf8.hpp"
#include "protocol/http_message.hpp"
#include "protocol/lark/content.hpp"
#include "protocol/lark/from_html.hpp"
#include "protocol/lark/normal_form.hpp"
#include "protocol/lark/to_html.hpp"
#include "tests/fuzz/property.hpp"

namespace {
namespace lark = pb::protocol::lark;
using fuzz::must;

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++n;
  return n;
}
std::size_t people(const lark::rich_text& t) {
  std::size_t n = 0;
  for (const auto& b : t.blocks)
    for (const auto& r : b.line)
      n += r.what == lark::run::kind::mention && !r.key.empty() ? 1U : 0U;
  return n;
}

bool leads_out(std::string_view address) {
  return pb::protocol::iequals(address.substr(0, 7), "http://") ||
         pb::protocol::iequals(address.substr(0, 8), "https://") ||
         pb::protocol::iequals(address.substr(0, 7), "mailto:");
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = fuzz::pieces(fuzz::text_of(data, size), 2);
  lark::message m;
  m.type = parts[0];
  m.content = parts[1];
  lark::mention known;
  known.key = "@_user_1";
  known.who.open_id = "ou_1";
  known.name = "<b>\"&";
  m.mentions.push_back(known);
  const auto text = lark::normalized(lark::read_content(m));

  lark::html_writing writing;
  writing.output_limit = 512 * 1024;
  writing.lang = lark::language::en;
  const auto html = lark::to_html(text, writing);
  must(html.size() <= writing.output_limit, "HTML is bounded");
  must(pb::protocol::html::valid_utf8(html) == html, "HTML is well-formed");
  must(count(html, "<script") + count(html, "<img") + count(html, "<mention") == 0,
       "HTML has the writer's own tags only");
  for (auto at = html.find("href=\""); at != std::string::npos; at = html.find("href=\"", at + 1))
    must(leads_out(html.substr(at + 6, 8)), "links lead to the web and to mail only");
  if (!html.ends_with("<p>…</p>"))
    must(lark::visible_text(lark::from_html(html), lark::language::en) ==
             lark::visible_text(text, lark::language::en),
         "the words stay the same");

  writing.plane_user = [](std::string_view) -> std::optional<std::string> {
    return "3f8f0b6c-5a35-4c22-9b3c-0f6d3a1d9a10";
  };
  const auto known_people = lark::to_html(text, writing);
  must(count(known_people, "<mention-component ") == people(text) ||
           known_people.ends_with("<p>…</p>"),
       "each person is mentioned, and nobody else");
  return 0;
}
