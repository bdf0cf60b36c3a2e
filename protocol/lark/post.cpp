#include "protocol/lark/post.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "protocol/html/utf8.hpp"
#include "protocol/lark/normal_form.hpp"
#include "protocol/lark/safe_text.hpp"

namespace pb::protocol::lark {
namespace json = boost::json;
namespace {

/// Feishu's names of the languages of code blocks; others go without.
constexpr std::array<std::pair<std::string_view, std::string_view>, 34> languages{
    {{"python", "PYTHON"},
     {"py", "PYTHON"},
     {"c", "C"},
     {"cpp", "CPP"},
     {"c++", "CPP"},
     {"go", "GO"},
     {"golang", "GO"},
     {"java", "JAVA"},
     {"kotlin", "KOTLIN"},
     {"swift", "SWIFT"},
     {"php", "PHP"},
     {"ruby", "RUBY"},
     {"rust", "RUST"},
     {"rs", "RUST"},
     {"javascript", "JAVASCRIPT"},
     {"js", "JAVASCRIPT"},
     {"typescript", "TYPESCRIPT"},
     {"ts", "TYPESCRIPT"},
     {"bash", "BASH"},
     {"sh", "BASH"},
     {"shell", "SHELL"},
     {"sql", "SQL"},
     {"json", "JSON"},
     {"xml", "XML"},
     {"yaml", "YAML"},
     {"yml", "YAML"},
     {"html", "HTML"},
     {"thrift", "THRIFT"},
     {"css", "CSS"},
     {"scss", "SCSS"},
     {"markdown", "MARKDOWN"},
     {"md", "MARKDOWN"},
     {"dockerfile", "DOCKERFILE"},
     {"makefile", "MAKEFILE"}}};

std::string code_language(std::string_view name) {
  const auto* found = std::find_if(languages.begin(), languages.end(),
                                   [&](const auto& e) { return e.first == name; });
  return found == languages.end() ? std::string{} : std::string{found->second};
}

/// Nothing in an address is read as a mention.
std::string safe_url(std::string_view url) {
  std::string out;
  for (std::size_t i = 0; i < url.size(); ++i) {
    if (url[i] == '@' && i + 1 < url.size() && url[i + 1] == '_')
      out += "%40";
    else
      out += url[i];
  }
  return out;
}

std::string address_of(const run& r) {
  if (r.what == run::kind::link) return is_link_address(r.key) ? safe_url(r.key) : std::string{};
  const bool thing = r.what == run::kind::image || r.what == run::kind::file;
  return thing && is_web_address(r.key) ? safe_url(r.key) : std::string{};
}

/// What is shown of a run, in backticks when it is code: posts know no style for it.
std::string shown(const run& r, language l) {
  auto text = spelled(r, l);
  const bool inline_code =
      r.style.code && (r.what == run::kind::text || r.what == run::kind::link) &&
      text.find('\n') == std::string::npos && text.find('`') == std::string::npos;
  return inline_code ? '`' + text + '`' : text;
}

/// Pieces of at most `size` bytes, cut at line ends where that is possible, else between letters.
std::vector<std::string_view> pieces(std::string_view text, std::size_t size) {
  std::vector<std::string_view> out;
  while (text.size() > size) {
    auto end = text.substr(0, size).rfind('\n');
    const bool line = end != std::string_view::npos && end > 0;
    if (!line) end = std::max<std::size_t>(html::cut_utf8(text, size).size(), 1);
    out.push_back(text.substr(0, end));
    text.remove_prefix(line ? end + 1 : end);
  }
  if (!text.empty()) out.push_back(text);
  return out;
}

// Posts ------------------------------------------------------------------------------------------

/// Collects paragraphs into posts.
class post_writer {
public:
  post_writer(language l, const message_limits& limits)
      : l_(l),
        // A frame, and the marker behind the last paragraph.
        room_(std::max<std::size_t>(limits.post_bytes, 2048) - 400),
        messages_(std::max<std::size_t>(limits.messages, 1)) {}

  std::vector<std::string> write(const rich_text& text) {
    title_ = for_message(one_line(text.title, 200));
    for (const auto& b : text.blocks) add(b);
    if (const auto rest = left_out_line(text, l_); !rest.empty())
      line({{.what = run::kind::text, .text = rest, .key = {}, .style = {false, true}}}, {});
    end_paragraph();
    if (more_) paragraphs_.push_back(json::array{node(say(word::more_lines, l_), {})});
    end_message();
    if (out_.empty()) {
      paragraphs_.push_back(json::array{node("…", {})});
      end_message();
    }
    return std::move(out_);
  }

private:
  static json::object node(std::string_view safe, const text_style& s, std::string_view url = {}) {
    json::object out{{"tag", url.empty() ? "text" : "a"}, {"text", safe}};
    if (!url.empty()) out["href"] = url;
    json::array styles;
    if (s.bold) styles.emplace_back("bold");
    if (s.italic) styles.emplace_back("italic");
    if (s.underline) styles.emplace_back("underline");
    if (s.strike) styles.emplace_back("lineThrough");
    if (!styles.empty()) out["style"] = std::move(styles);
    return out;
  }

  void add(const block& b) {
    switch (b.what) {
      case block::kind::paragraph:
      case block::kind::list_item:
      case block::kind::quote:
        line(b.line, block_mark(b));
        break;
      case block::kind::heading: {
        auto bold = b.line;
        for (auto& r : bold) r.style.bold = true;
        line(bold, {});
        break;
      }
      case block::kind::code:
        code(b);
        break;
      case block::kind::rule:
        push({{"tag", "hr"}});
        end_paragraph();
        break;
      case block::kind::table:
        for (std::size_t r = 0; r < b.rows.size(); ++r) row(b.rows[r], b.header_row && r == 0);
        break;
    }
  }

  void row(const std::vector<runs>& cells, bool bold) {
    runs line_of;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) line_of.push_back({.what = run::kind::text, .text = " | ", .key = {}});
      for (auto r : cells[i]) {
        std::replace(r.text.begin(), r.text.end(), '\n', ' ');
        r.style.bold = r.style.bold || bold;
        line_of.push_back(std::move(r));
      }
    }
    line(line_of, {});
  }

  void line(const runs& all, const std::string& mark) {
    if (!mark.empty()) push(node(mark, {}));
    for (const auto& r : all) {
      if (r.what == run::kind::mention && is_open_id(r.key)) {
        push({{"tag", "at"}, {"user_id", r.key}});
        continue;
      }
      const auto url = address_of(r);
      const auto text = shown(r, l_);
      if (!url.empty()) {
        push(node(for_message(one_line(text, room_ / 16)), r.style, url));
        continue;
      }
      std::string_view rest{text};
      while (!rest.empty()) {
        const auto end = rest.find('\n');
        for (const auto piece : pieces(rest.substr(0, end), room_ / 16))
          push(node(for_message(piece), r.style));
        if (end == std::string_view::npos) break;
        end_paragraph();
        rest.remove_prefix(end + 1);
      }
    }
    end_paragraph();
  }

  void code(const block& b) {
    for (const auto piece : pieces(b.text, room_ / 4)) {
      json::object out{{"tag", "code_block"}};
      if (auto name = code_language(b.language); !name.empty()) out["language"] = name;
      out["text"] = piece;
      push(std::move(out));
      end_paragraph();
    }
  }

  void push(json::object one) {
    const auto size = json::serialize(one).size() + 1;
    if (paragraph_size_ + size > room_ / 4 && !paragraph_.empty()) end_paragraph();
    paragraph_.push_back(std::move(one));
    paragraph_size_ += size;
  }

  void end_paragraph() {
    if (paragraph_.empty()) return;
    if (!more_ && size_ + paragraph_size_ + 3 > room_ - 2 * title_.size() && !paragraphs_.empty()) {
      if (out_.size() + 1 >= messages_)
        more_ = true;
      else
        end_message();
    }
    if (!more_) {
      paragraphs_.push_back(std::move(paragraph_));
      size_ += paragraph_size_ + 3;
    }
    paragraph_ = {};
    paragraph_size_ = 0;
  }

  void end_message() {
    if (paragraphs_.empty()) return;
    json::object inside;
    if (!title_.empty()) inside["title"] = title_;
    title_.clear();
    inside["content"] = std::move(paragraphs_);
    out_.push_back(json::serialize(json::object{{"zh_cn", std::move(inside)}}));
    paragraphs_ = {};
    size_ = 0;
  }

  language l_;
  std::size_t room_, messages_;
  std::string title_;
  std::vector<std::string> out_;
  json::array paragraphs_, paragraph_;
  std::size_t size_ = 0, paragraph_size_ = 0;
  bool more_ = false;
};

// Plain texts ------------------------------------------------------------------------------------

std::string plain_line(const runs& all, language l) {
  std::string out;
  for (const auto& r : all) {
    if (r.what == run::kind::mention && is_open_id(r.key)) {
      out += at_tag(r.key, r.text);
      continue;
    }
    const auto url = address_of(r);
    const auto text = shown(r, l);
    if (!url.empty() && (text == r.key || text.empty()))
      append_safe(out, url);
    else
      append_safe(out, for_message(text) + (url.empty() ? "" : " (" + url + ")"));
  }
  return out;
}

std::vector<std::string> plain_lines(const rich_text& text, language l) {
  std::vector<std::string> out;
  if (!text.title.empty()) out.push_back(for_message(text.title));
  for (const auto& b : text.blocks) {
    if (b.what == block::kind::code) {
      out.push_back(for_message(b.text));
    } else if (b.what == block::kind::rule) {
      out.emplace_back("---");
    } else if (b.what == block::kind::table) {
      for (const auto& row : b.rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
          if (i > 0) line += " | ";
          auto cell = plain_line(row[i], l);
          std::replace(cell.begin(), cell.end(), '\n', ' ');
          line += cell;
        }
        out.push_back(std::move(line));
      }
    } else {
      out.push_back(block_mark(b) + plain_line(b.line, l));
    }
  }
  if (const auto rest = left_out_line(text, l); !rest.empty()) out.push_back(for_message(rest));
  return out;
}
}  // namespace

bool is_open_id(std::string_view id) noexcept {
  return id.size() > 3 && id.size() <= 80 && id.substr(0, 3) == "ou_" &&
         std::all_of(id.begin() + 3, id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '_' || c == '-';
         });
}

std::string at_tag(std::string_view open_id, std::string_view name) {
  auto shown_name = one_line(name, 100);
  if (!is_open_id(open_id)) return for_message("@" + shown_name);
  std::erase_if(shown_name, [](char c) { return c == '<' || c == '>' || c == '&'; });
  return "<at user_id=\"" + std::string{open_id} + "\">" + for_message(shown_name) + "</at>";
}

std::vector<std::string> post_contents(const rich_text& text, language lang,
                                       const message_limits& limits) {
  return post_writer{lang, limits}.write(normalized(text));
}

std::vector<std::string> plain_texts(const rich_text& text, language lang,
                                     const message_limits& limits) {
  const auto marker = "\n" + std::string{say(word::more_lines, lang)};
  const auto room = std::max<std::size_t>(limits.text_bytes, 1024) - marker.size();
  const auto most = std::max<std::size_t>(limits.messages, 1);
  std::vector<std::string> out{""};
  for (const auto& line : plain_lines(normalized(text), lang)) {
    for (const auto piece : pieces(line, room)) {
      auto& last = out.back();
      if (last.empty()) {
        last = piece;
      } else if (last.size() + piece.size() + 1 <= room) {
        last += '\n';
        last += piece;
      } else if (out.size() == most) {
        last += marker;
        return out;
      } else {
        out.emplace_back(piece);
      }
    }
  }
  if (out.front().empty()) out.front() = "…";
  return out;
}

}  // namespace pb::protocol::lark
