#include "protocol/lark/to_html.hpp"

#include <algorithm>
#include <vector>

#include "base/digest.hpp"
#include "base/entity.hpp"
#include "protocol/html/escape.hpp"
#include "protocol/html/utf8.hpp"
#include "protocol/lark/normal_form.hpp"
#include "protocol/lark/safe_text.hpp"

namespace pb::protocol::lark {
namespace {
/// What closing everything that is open may take, at most nine lists deep.
constexpr std::size_t closing_room = 2048;

/// An id as random ones look, the same each time for the same message.
std::string made_id(std::string_view seed, std::size_t n) {
  auto hex = sha256_hex(std::string{seed} + '/' + std::to_string(n)).substr(0, 32);
  hex[12] = '4';
  hex[16] = 'a';
  for (const std::size_t at : {8U, 13U, 18U, 23U}) hex.insert(at, "-");
  return hex;
}

class html_writer {
public:
  explicit html_writer(const html_writing& options)
      : o_(options),
        limit_(options.output_limit > 2 * closing_room ? options.output_limit - closing_room
                                                       : closing_room) {}

  std::string write(const rich_text& text) {
    auto blocks = text.blocks;
    if (!text.title.empty()) {
      block title;
      title.line = {{.what = run::kind::text, .text = text.title, .key = {}, .style = {true}}};
      blocks.insert(blocks.begin(), std::move(title));
    }
    if (const auto rest = left_out_line(text, o_.lang); !rest.empty()) {
      block last;
      last.line = {{.what = run::kind::text, .text = rest, .key = {}, .style = {false, true}}};
      blocks.push_back(std::move(last));
    }
    if (blocks.empty()) return {};
    for (std::size_t at = 0; at < blocks.size() && !cut_;) at = group(blocks, at);
    if (cut_) out_ += "<p>…</p>";
    return std::move(out_);
  }

private:
  bool fits(std::size_t more) {
    if (out_.size() + more <= limit_) return true;
    cut_ = true;
    return false;
  }

  std::size_t group(const std::vector<block>& all, std::size_t at) {
    const auto& b = all[at];
    switch (b.what) {
      case block::kind::list_item:
        return list(all, at, 0);
      case block::kind::quote:
        out_ += "<blockquote>";
        for (; at < all.size() && all[at].what == block::kind::quote && fits(100); ++at)
          framed("p", all[at].line);
        out_ += "</blockquote>";
        return at;
      case block::kind::heading:
        framed("h" + std::to_string(b.level), b.line);
        break;
      case block::kind::paragraph:
        framed("p", b.line);
        break;
      case block::kind::code:
        code(b);
        break;
      case block::kind::rule:
        out_ += "<div data-type=\"horizontalRule\"><div></div></div>";
        break;
      case block::kind::table:
        table(b);
        break;
    }
    return at + 1;
  }

  void framed(const std::string& tag, const runs& line) {
    if (!fits(100)) return;
    out_ += '<' + tag + '>';
    inlines(line);
    out_ += "</" + tag + '>';
  }

  static bool task(const block& b) noexcept {
    return b.mark == block::marker::open_box || b.mark == block::marker::ticked_box;
  }

  /// The items from `at` on that stand in one list of this level, with all below them.
  std::size_t list(const std::vector<block>& all, std::size_t at, int level) {
    const auto& first = all[at];
    const bool numbers = first.mark == block::marker::number;
    const bool tasks = task(first);
    if (tasks)
      out_ += "<ul data-type=\"taskList\">";
    else if (numbers && first.number != 1)
      out_ += "<ol start=\"" + std::to_string(first.number) + "\">";
    else
      out_ += numbers ? "<ol>" : "<ul>";
    auto number = first.number;
    while (at < all.size() && all[at].what == block::kind::list_item && fits(200)) {
      const auto& b = all[at];
      if (b.level != level || task(b) != tasks || (b.mark == block::marker::number) != numbers ||
          (numbers && b.number != number))
        break;
      ++number;
      if (tasks) {
        const bool ticked = b.mark == block::marker::ticked_box;
        out_ += "<li data-type=\"taskItem\" data-checked=\"";
        out_ += ticked ? "true" : "false";
        out_ += "\"><label><input type=\"checkbox\"";
        out_ += ticked ? " checked" : "";
        out_ += "><span></span></label><div>";
      } else {
        out_ += "<li>";
      }
      framed("p", b.line);
      ++at;
      while (at < all.size() && all[at].what == block::kind::list_item && all[at].level > level &&
             !cut_)
        at = list(all, at, level + 1);
      out_ += tasks ? "</div></li>" : "</li>";
    }
    out_ += numbers ? "</ol>" : "</ul>";
    return at;
  }

  void code(const block& b) {
    if (!fits(200)) return;
    out_ += "<pre><code";
    if (!b.language.empty()) out_ += " class=\"language-" + html::escaped(b.language) + '"';
    out_ += '>';
    for (const char c : b.text) {
      if (c == '&')
        out_ += "&amp;";
      else if (c == '<')
        out_ += "&lt;";
      else if (c == '>')
        out_ += "&gt;";
      else
        out_ += c;
      // Not inside of a character.
      if ((static_cast<unsigned char>(c) & 0xC0U) == 0x80U) continue;
      if (!fits(16)) break;
    }
    if (cut_) out_ = std::string{html::cut_utf8(out_, whole(out_))};
    out_ += "</code></pre>";
  }
  /// Length without a character at the end that was begun only.
  static std::size_t whole(std::string_view text) noexcept {
    auto end = text.size();
    while (end > 0 && (static_cast<unsigned char>(text[end - 1]) & 0x80U) != 0) {
      const bool lead = (static_cast<unsigned char>(text[end - 1]) & 0xC0U) == 0xC0U;
      --end;
      if (lead) break;
    }
    return end;
  }

  void table(const block& b) {
    if (!fits(200)) return;
    out_ += "<table><tbody>";
    for (std::size_t r = 0; r < b.rows.size() && fits(100); ++r) {
      const std::string tag = b.header_row && r == 0 ? "th" : "td";
      out_ += "<tr>";
      for (const auto& cell : b.rows[r]) {
        if (!fits(100)) break;
        out_ += '<' + tag + '>';
        framed("p", cell);
        out_ += "</" + tag + '>';
      }
      out_ += "</tr>";
    }
    out_ += "</tbody></table>";
  }

  void inlines(const runs& line) {
    blank_ = true;  // a blank at the beginning would not be seen
    for (const auto& r : line) {
      if (!fits(600)) return;
      one(r);
    }
  }

  void one(const run& r) {
    if (r.what == run::kind::mention && mention(r)) return;
    const auto shown = spelled(r, o_.lang);
    std::string url;
    if (r.what == run::kind::link && is_link_address(r.key)) url = r.key;
    if ((r.what == run::kind::image || r.what == run::kind::file) && !r.key.empty()) {
      if (o_.file_url) url = o_.file_url(r.key).value_or("");
      if (url.empty()) url = r.key;
      if (!is_web_address(url)) url.clear();
    }
    std::string open, close;
    const auto wrap = [&](const std::string& tag, const std::string& attributes = {}) {
      open += '<' + tag + attributes + '>';
      close.insert(0, "</" + tag + '>');
    };
    if (!url.empty()) {
      const auto address = html::escaped(url);
      if (!fits(address.size() + 600)) return;
      wrap("a", " href=\"" + address + "\" target=\"_blank\" rel=\"noopener noreferrer\"");
    }
    if (r.style.bold) wrap("strong");
    if (r.style.italic) wrap("em");
    if (r.style.underline) wrap("u");
    if (r.style.strike) wrap("s");
    if (r.style.code) wrap("code");
    out_ += open;
    letters(shown);
    out_ += close;
  }

  void letters(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U && !fits(16)) return;
      switch (c) {
        case '\n':
          out_ += "<br>";
          blank_ = true;
          continue;
        case ' ':
          // The second of two blanks would not be seen, nor one at the beginning of a line.
          out_ += blank_ ? "&nbsp;" : " ";
          blank_ = !blank_;
          continue;
        case '&':
          out_ += "&amp;";
          break;
        case '<':
          out_ += "&lt;";
          break;
        case '>':
          out_ += "&gt;";
          break;
        case '"':
          out_ += "&quot;";
          break;
        default:
          out_ += c;
      }
      blank_ = false;
    }
  }

  bool mention(const run& r) {
    if (!o_.plane_user || r.key.empty()) return false;
    const auto user = o_.plane_user(r.key);
    if (!user || !is_uuid(*user)) return false;
    out_ += "<mention-component id=\"" + made_id(o_.seed, mentions_++) + "\" entity_identifier=\"" +
            *user + "\" entity_name=\"user_mention\"></mention-component>";
    blank_ = false;
    return true;
  }

  const html_writing& o_;
  std::size_t limit_;
  std::string out_;
  std::size_t mentions_ = 0;
  bool blank_ = true, cut_ = false;
};
}  // namespace

std::string to_html(const rich_text& text, const html_writing& options) {
  return html_writer{options}.write(normalized(text));
}

}  // namespace pb::protocol::lark
