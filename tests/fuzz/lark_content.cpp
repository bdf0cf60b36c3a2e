// A message's type, its mentions' keys (one a line) and its content. Reading is total and bounded;
// nothing of a text is lost; the bot's mention goes and nobody else's.
#include <string>

#include "protocol/lark/content.hpp"
#include "tests/fuzz/property.hpp"

namespace {

using namespace pb;
namespace lark = pb::protocol::lark;
using fuzz::must;

lark::message message_of(const std::vector<std::string_view>& in) {
  lark::message m;
  m.type = in[0];
  m.content = in[2];
  auto keys = in[1];
  while (!keys.empty() && m.mentions.size() < 20) {
    const auto line = keys.substr(0, keys.find('\n'));
    keys.remove_prefix(std::min(line.size() + 1, keys.size()));
    if (!line.empty())
      m.mentions.push_back({std::string{line},
                            {"ou_" + std::to_string(m.mentions.size()), {}, {}},
                            "n",
                            m.mentions.empty()});
  }
  return m;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto m = message_of(fuzz::pieces(fuzz::text_of(data, size), 3));
  const auto t = lark::read_content(m);
  must(t.blocks.size() <= lark::max_blocks, "blocks are bounded");
  std::size_t runs = 0;
  for (const auto& b : t.blocks) {
    runs += b.line.size();
    must(b.what != lark::block::kind::paragraph || !b.line.empty(), "a paragraph says something");
    for (const auto& r : b.line)
      if (r.what == lark::run::kind::mention)
        must(!r.key.starts_with('@'), "a mention is a person or nobody");
  }
  must(runs <= lark::max_runs, "runs are bounded");
  must(t.left_out.size() <= 20, "what is left out is bounded");
  must(!t.blocks.empty() || !t.left_out.empty() || !t.title.empty() || m.content.empty() ||
           m.type == "text" || m.type == "post" || m.type == "interactive",
       "nothing is lost silently");

  const auto said = lark::addressed_to(m, "ou_0");
  must(said.to_bot == !m.mentions.empty(), "the bot is addressed when it is mentioned");
  must(!lark::addressed_to(m, "").to_bot, "nobody is addressed while nobody is known");
  for (const auto* text : {&said.text, &said.keyed})
    must(text->empty() || (text->front() != ' ' && text->back() != ' '), "lines are trimmed");
  must(lark::read_content(m) == t, "read twice, it says the same");
  return 0;
}
