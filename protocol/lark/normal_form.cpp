#include "protocol/lark/normal_form.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/lark/safe_text.hpp"

namespace pb::protocol::lark {
namespace {
constexpr std::string_view no_break = "\xC2\xA0";
constexpr std::string_view line_ends[] = {"\xE2\x80\xA8", "\xE2\x80\xA9"};  // U+2028, U+2029

bool has_words(const run& r) noexcept {
  return r.what == run::kind::text || r.what == run::kind::link;
}

/// One line of runs, built up letter by letter so that blanks at ends are never written.
class line_builder {
public:
  void add(const run& r) {
    if (!has_words(r)) {
      auto other = r;
      other.text = one_line(r.text, name_limit);
      other.key = one_line(r.key, 2000);
      other.style = {};
      if (other.what != run::kind::mention) other.bot = false;
      write_blanks();
      out_.push_back(std::move(other));
      return;
    }
    run kept{.what = r.what, .text = {}, .key = {}, .style = r.style, .bot = false};
    if (r.what == run::kind::link) kept.key = one_line(r.key, 4000);
    const auto& words = r.what == run::kind::link && r.text.empty() ? kept.key : r.text;
    letters(clean_text(words), kept);
  }
  runs take() {
    blanks_.clear();
    return std::exchange(out_, {});
  }

private:
  void letters(std::string_view text, const run& like) {
    for (std::size_t i = 0; i < text.size();) {
      std::size_t length = 1;
      char blank = 0;
      if (text[i] == ' ' || text[i] == '\t') {
        blank = ' ';
      } else if (text[i] == '\n') {
        blank = '\n';
      } else if (text.substr(i, no_break.size()) == no_break) {
        blank = ' ';
        length = no_break.size();
      } else if (text.substr(i, 3) == line_ends[0] || text.substr(i, 3) == line_ends[1]) {
        blank = '\n';
        length = 3;
      }
      if (blank == 0) {
        write_blanks();
        write(text.substr(i, 1), like);
      } else {
        // Blanks before a line end are never seen.
        if (blank == '\n')
          while (!blanks_.empty() && blanks_.back().first == ' ') blanks_.pop_back();
        blanks_.emplace_back(blank, like);
        blanks_.back().second.text.clear();
      }
      i += length;
    }
  }
  void write_blanks() {
    if (!out_.empty())
      for (const auto& [c, like] : blanks_) write({&c, 1}, like);
    blanks_.clear();
  }
  void write(std::string_view bytes, const run& like) {
    if (out_.empty() || out_.back().what != like.what || out_.back().style != like.style ||
        out_.back().key != like.key) {
      out_.push_back(like);
      out_.back().text.clear();
    }
    out_.back().text += bytes;
  }

  runs out_;
  std::vector<std::pair<char, run>> blanks_;
};

runs normal_line(const runs& line) {
  line_builder b;
  for (const auto& r : line) b.add(r);
  return b.take();
}

std::string normal_code(std::string_view text) {
  auto out = clean_text(text);
  const auto first = out.find_first_not_of('\n');
  if (first == std::string::npos) return {};
  out.erase(0, first);
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ' || out.back() == '\t'))
    out.pop_back();
  return out;
}

std::string normal_language(std::string_view name) {
  std::string out;
  for (char c : name.substr(0, 30)) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '#' ||
                      c == '.' || c == '_' || c == '-';
    if (!good) return {};
    out += c;
  }
  return out;
}

std::size_t count_runs(const block& b) noexcept {
  auto n = b.line.size();
  for (const auto& row : b.rows)
    for (const auto& cell : row) n += cell.size();
  return n;
}

/// False when nothing of it is seen.
bool normalize(block& b, int deepest_level) {
  block out;
  out.what = b.what;
  switch (b.what) {
    case block::kind::heading:
      out.level = std::clamp<std::uint8_t>(b.level, 1, 6);
      break;
    case block::kind::list_item:
      out.level = static_cast<std::uint8_t>(std::min<int>(b.level, deepest_level));
      out.mark = b.mark;
      if (b.mark == block::marker::number) out.number = std::min(b.number, 1'000'000U);
      break;
    case block::kind::code:
      out.text = normal_code(b.text);
      out.language = normal_language(b.language);
      b = std::move(out);
      return !b.text.empty();
    case block::kind::rule:
      b = std::move(out);
      return true;
    case block::kind::table: {
      bool seen = false;
      out.header_row = b.header_row;
      for (const auto& row : b.rows) {
        if (row.empty()) continue;
        auto& kept = out.rows.emplace_back();
        for (const auto& cell : row) {
          kept.push_back(normal_line(cell));
          seen = seen || !kept.back().empty();
        }
      }
      b = std::move(out);
      return seen;
    }
    case block::kind::paragraph:
    case block::kind::quote:
      break;
  }
  out.line = normal_line(b.line);
  b = std::move(out);
  return !b.line.empty();
}

/// The emoji of Feishu that people use most; others keep their name.
constexpr std::array<std::pair<std::string_view, std::string_view>, 30> emojis{
    {{"SMILE", "😄"},       {"THUMBSUP", "👍"},   {"OK", "👌"},
     {"THANKS", "🙏"},      {"MUSCLE", "💪"},     {"APPLAUSE", "👏"},
     {"FISTBUMP", "👊"},    {"JIAYI", "➕"},      {"DONE", "✅"},
     {"LAUGH", "😆"},       {"LOL", "🤣"},     {"HEART", "❤️"},
     {"LOVE", "😍"},        {"CRY", "😢"},        {"SOB", "😭"},
     {"ANGRY", "😠"},       {"SURPRISED", "😲"},  {"THINKING", "🤔"},
     {"FACEPALM", "🤦"}, {"PARTY", "🎉"},      {"FIREWORKS", "🎆"},
     {"ROSE", "🌹"},        {"COFFEE", "☕"},     {"BEER", "🍺"},
     {"CAKE", "🎂"},        {"GIFT", "🎁"},       {"CHECKMARK", "✔️"},
     {"CROSSMARK", "❌"},   {"THUMBSDOWN", "👎"}, {"FIRE", "🔥"}}};
}  // namespace

rich_text normalized(rich_text text) {
  rich_text out;
  out.title = one_line(text.title, 500);
  for (const auto& each : text.left_out) {
    auto name = one_line(each, 60);
    if (!name.empty() && out.left_out.size() < 20 &&
        std::find(out.left_out.begin(), out.left_out.end(), name) == out.left_out.end())
      out.left_out.push_back(std::move(name));
  }
  int level = -1;  // of the list item before
  std::size_t total = 0;
  for (auto& b : text.blocks) {
    if (!normalize(b, std::min(level + 1, 8))) continue;
    total += count_runs(b);
    if (out.blocks.size() == max_blocks || total > max_runs) {
      if (std::find(out.left_out.begin(), out.left_out.end(), "…") == out.left_out.end())
        out.left_out.emplace_back("…");
      break;
    }
    level = b.what == block::kind::list_item ? b.level : -1;
    out.blocks.push_back(std::move(b));
  }
  return out;
}

std::string attachment_name(const run& r, language l) {
  std::string out{"["};
  out += say(r.what == run::kind::image ? word::image : word::file, l);
  if (const auto name = one_line(r.text, 200); !name.empty())
    out += std::string{say(word::colon, l)} + name;
  return out + ']';
}

std::string spelled(const run& r, language l) {
  switch (r.what) {
    case run::kind::text:
      return r.text;
    case run::kind::link:
      if (r.text.empty() || r.text == r.key) return r.key;
      return is_link_address(r.key) || r.key.empty() ? r.text : r.text + " (" + r.key + ")";
    case run::kind::mention:
      return "@" + (r.text.empty() ? std::string{say(word::someone, l)} : r.text);
    case run::kind::mention_all:
      return "@" + std::string{say(word::everybody, l)};
    case run::kind::image:
    case run::kind::file:
      return attachment_name(r, l);
    case run::kind::emotion: {
      const auto* found = std::find_if(emojis.begin(), emojis.end(),
                                       [&](const auto& e) { return e.first == r.text; });
      return found == emojis.end() ? "[" + r.text + "]" : std::string{found->second};
    }
  }
  return {};
}

std::string block_mark(const block& b) {
  if (b.what == block::kind::quote) return "> ";
  if (b.what != block::kind::list_item) return {};
  std::string out(std::size_t{4} * std::min<std::size_t>(b.level, 8), ' ');
  switch (b.mark) {
    case block::marker::bullet:
      return out + "• ";
    case block::marker::number:
      return out + std::to_string(b.number) + ". ";
    case block::marker::open_box:
      return out + "☐ ";
    case block::marker::ticked_box:
      return out + "☑ ";
  }
  return out;
}

std::string left_out_line(const rich_text& text, language l) {
  if (text.left_out.empty()) return {};
  std::string out;
  for (const auto& each : text.left_out) {
    if (!out.empty()) out += say(word::comma, l);
    out += each;
  }
  return "[" + std::string{say(word::not_shown, l)} + std::string{say(word::colon, l)} + out + "]";
}

std::string visible_text(const rich_text& text, language l) {
  std::string out;
  const auto end_line = [&] {
    if (!out.empty()) out += '\n';
  };
  const auto add = [&](const runs& line) {
    for (const auto& r : line) out += spelled(r, l);
  };
  out += text.title;
  for (const auto& b : text.blocks) {
    if (b.what == block::kind::table) {
      for (const auto& row : b.rows) {
        end_line();
        for (std::size_t i = 0; i < row.size(); ++i) {
          if (i > 0) out += " | ";
          add(row[i]);
        }
      }
      continue;
    }
    end_line();
    out += block_mark(b);
    if (b.what == block::kind::code)
      out += b.text;
    else if (b.what == block::kind::rule)
      out += "---";
    else
      add(b.line);
  }
  if (const auto line = left_out_line(text, l); !line.empty()) {
    end_line();
    out += line;
  }
  return out;
}

}  // namespace pb::protocol::lark
