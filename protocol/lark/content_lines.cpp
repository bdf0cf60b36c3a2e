// Contents as lines of text: what commands are read from.
#include <algorithm>
#include <cstddef>

#include "protocol/lark/content.hpp"
#include "protocol/lark/content_raw.hpp"

namespace pb::protocol::lark {
namespace {

/// Chinese writers indent with the wide space.
std::string_view without_margins(std::string_view s) noexcept {
  constexpr std::string_view wide = "\u3000";
  for (;;) {
    if (!s.empty() && (s.front() == ' ' || s.front() == '\n' || s.front() == '\t'))
      s.remove_prefix(1);
    else if (!s.empty() && (s.back() == ' ' || s.back() == '\n' || s.back() == '\t'))
      s.remove_suffix(1);
    else if (s.starts_with(wide))
      s.remove_prefix(wide.size());
    else if (s.ends_with(wide))
      s.remove_suffix(wide.size());
    else
      return s;
  }
}

std::string link_text(const run& r) {
  if (r.text.empty() || r.text == r.key) return r.key;
  return '[' + r.text + "](" + r.key + ')';
}

/// Takes the bot's mentions out of a line, each with one space beside it.
void drop_bot(runs& line, const std::vector<mention>& mentions, std::string_view bot) {
  for (std::size_t i = 0; i < line.size();) {
    const auto* m =
        line[i].what == run::kind::mention ? mention_of(mentions, line[i].key) : nullptr;
    const bool is_bot = m != nullptr ? m->who.open_id == bot : line[i].key == bot;
    if (line[i].what != run::kind::mention || !is_bot) {
      ++i;
      continue;
    }
    if (i + 1 < line.size() && line[i + 1].text.starts_with(' '))
      line[i + 1].text.erase(0, 1);
    else if (i > 0 && line[i - 1].text.ends_with(' '))
      line[i - 1].text.pop_back();
    line.erase(line.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

/// One line per block; `name` gives what stands for a person.
template <class Name>
std::string lines(const rich_text& t, Name name) {
  std::string out = t.title;
  const auto flat = [&](const runs& line) {
    for (const auto& r : line) switch (r.what) {
        case run::kind::mention:
          out += name(r);
          break;
        case run::kind::mention_all:
          out += "@all";
          break;
        case run::kind::link:
          out += link_text(r);
          break;
        case run::kind::image:
          out += r.text.empty() ? std::string{"[image]"} : '[' + r.text + ']';
          break;
        case run::kind::file:
        case run::kind::emotion:
          out += '[' + r.text + ']';
          break;
        case run::kind::text:
          out += r.text;
          break;
      }
  };
  for (const auto& b : t.blocks) {
    if (!out.empty()) out += '\n';
    if (b.what == block::kind::rule) out += "---";
    if (b.what == block::kind::code) out += b.text;
    flat(b.line);
    for (const auto& row : b.rows) {
      for (const auto& cell : row) {
        flat(cell);
        out += '\t';
      }
      out += '\n';
    }
  }
  return std::string{without_margins(out)};
}

}  // namespace

addressed addressed_to(const message& m, std::string_view bot_open_id) {
  auto raw = read_raw(m);
  addressed out;
  for (const auto& b : raw.blocks)
    for (const auto& r : b.line) {
      if (r.what == run::kind::link) out.links.push_back(r.key);
      out.to_all = out.to_all || r.what == run::kind::mention_all;
    }
  if (!bot_open_id.empty()) {
    for (const auto& one : m.mentions) out.to_bot = out.to_bot || one.who.open_id == bot_open_id;
    for (auto& b : raw.blocks) drop_bot(b.line, m.mentions, bot_open_id);
  }
  // A title is not part of a command.
  raw.title.clear();
  out.keyed = lines(raw, [](const run& r) { return r.key; });
  out.text = lines(raw, [&](const run& r) {
    const auto* who = mention_of(m.mentions, r.key);
    const auto& name = who == nullptr || who->name.empty() ? r.text : who->name;
    return '@' + (name.empty() ? r.key : name);
  });
  return out;
}

std::string plain(const rich_text& t) {
  return lines(t, [](const run& r) { return '@' + (r.text.empty() ? r.key : r.text); });
}

}  // namespace pb::protocol::lark
