#include "protocol/lark/from_html.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "protocol/html/tree.hpp"
#include "protocol/html/utf8.hpp"
#include "protocol/http_message.hpp"
#include "protocol/lark/normal_form.hpp"
#include "protocol/lark/safe_text.hpp"

namespace pb::protocol::lark {
namespace {
using html::attribute;
using html::content_of;
using html::name_of;

/// Elements that show something which cannot be told in words.
constexpr std::array<std::string_view, 7> untold{"iframe", "object", "embed", "svg",
                                                 "canvas", "video",  "audio"};

bool is_shown_link(std::string_view url) {
  return is_link_address(url) || (url.size() > 4 && iequals(url.substr(0, 4), "tel:"));
}

class html_reader {
public:
  explicit html_reader(const html_reading& options)
      : options_(options), left_(options.text_limit) {}

  rich_text read(const xmlNode* root) {
    const place top;
    children(root, top);
    flush(top);
    if (cut_) out_.left_out.emplace_back("…");
    return normalized(std::move(out_));
  }

private:
  /// The list item that is being read: its first words make the block, later ones join it.
  struct list_entry {
    block like;
    bool begun = false;
    std::size_t at = 0;
  };
  struct place {
    text_style style{};
    const std::string* link = nullptr;
    list_entry* item = nullptr;
    int list = -1;  ///< level of the list around
    int depth = 0;
    std::uint8_t heading = 0;
    bool quote = false, cell = false;
  };

  bool full() {
    if (out_.blocks.size() < max_blocks && runs_ < max_runs && left_ > 0) return false;
    cut_ = true;
    return true;
  }

  void add_run(run r) {
    if (full()) return;
    ++runs_;
    space_ = false;
    if (break_) {
      break_ = false;
      if (!line_.empty()) line_.push_back({.what = run::kind::text, .text = "\n", .key = {}});
    }
    left_ -= std::min(left_, r.text.size() + r.key.size());
    line_.push_back(std::move(r));
  }

  /// Letters in the style of their place; joins the run before it when that is the same.
  void add_letters(std::string_view bytes, const place& p) {
    if (full()) return;
    run like{.what = p.link != nullptr ? run::kind::link : run::kind::text,
             .text = {},
             .key = p.link != nullptr ? *p.link : std::string{},
             .style = p.style};
    if (break_ || line_.empty() || line_.back().what != like.what ||
        line_.back().style != like.style || line_.back().key != like.key) {
      add_run(std::move(like));
      if (full()) return;
    }
    if (bytes.size() > left_) {
      bytes = html::cut_utf8(bytes, left_);
      cut_ = true;
    }
    left_ -= bytes.size();
    line_.back().text += bytes;
  }

  /// White space as browsers show it: one blank for many, none at the beginning.
  void add_text(std::string_view text, const place& p) {
    for (std::size_t at = 0; at < text.size() && !full();) {
      auto end = at;
      while (end < text.size() && !html::blank(text[end])) ++end;
      if (end > at) {
        const auto word = text.substr(at, end - at);
        add_letters(word, p);
        space_ = false;
        at = end;
        continue;
      }
      while (at < text.size() && html::blank(text[at])) ++at;
      if (!space_ && !break_ && !line_.empty()) {
        add_letters(" ", p);
        space_ = true;
      }
    }
  }

  void flush(const place& p) {
    space_ = false;
    if (line_.empty()) return;
    if (p.cell) {
      break_ = true;
      return;
    }
    auto line = std::exchange(line_, {});
    break_ = false;
    if (p.item != nullptr && p.item->begun && p.item->at + 1 == out_.blocks.size()) {
      auto& joined = out_.blocks.back().line;
      joined.push_back({.what = run::kind::text, .text = "\n", .key = {}});
      std::move(line.begin(), line.end(), std::back_inserter(joined));
      return;
    }
    if (full()) return;
    block b;
    if (p.item != nullptr && !p.item->begun) {
      b = p.item->like;
      p.item->begun = true;
      p.item->at = out_.blocks.size();
      if (p.quote) {
        // A list in a quotation: the model knows one or the other.
        auto mark = block_mark(b);
        b = {};
        b.what = block::kind::quote;
        line.insert(line.begin(), {.what = run::kind::text, .text = std::move(mark), .key = {}});
      }
    } else if (p.heading > 0) {
      b.what = block::kind::heading;
      b.level = p.heading;
    } else if (p.quote) {
      b.what = block::kind::quote;
    }
    b.line = std::move(line);
    out_.blocks.push_back(std::move(b));
  }

  void add_block(block b) {
    if (!full()) out_.blocks.push_back(std::move(b));
  }

  void children(const xmlNode* node, const place& p) {
    if (node == nullptr) return;
    auto inside = p;
    ++inside.depth;
    for (const auto* n = node->children; n != nullptr && !full(); n = n->next) {
      if (html::is_text(n))
        add_text(content_of(n), inside);
      else if (n->type == XML_ELEMENT_NODE)
        element(n, inside);
    }
  }

  void framed(const xmlNode* node, const place& p, const place& inside) {
    flush(p);
    children(node, inside);
    flush(inside);
  }

  void element(const xmlNode* node, const place& p) {
    const auto name = name_of(node);
    if (html::one_of(name, untold)) {
      out_.left_out.emplace_back(name);
      return;
    }
    if (html::one_of(name, html::dropped)) return;
    if (p.depth >= html::depth_limit) return add_text(html::text_below(node, left_), p);
    if (styled(node, name, p) || inline_thing(node, name, p) || framed_thing(node, name, p)) return;
    if (html::one_of(name, html::blocks))
      framed(node, p, p);
    else
      children(node, p);
  }

  bool styled(const xmlNode* node, std::string_view name, const place& p) {
    auto inside = p;
    if (name == "strong" || name == "b")
      inside.style.bold = true;
    else if (name == "em" || name == "i")
      inside.style.italic = true;
    else if (name == "u" || name == "ins")
      inside.style.underline = true;
    else if (name == "s" || name == "del" || name == "strike")
      inside.style.strike = true;
    else if (name == "code")
      inside.style.code = true;
    else
      return false;
    children(node, inside);
    return true;
  }

  bool inline_thing(const xmlNode* node, std::string_view name, const place& p) {
    if (name == "br") {
      add_letters("\n", p);
      space_ = true;
    } else if (name == "a") {
      link(node, p);
    } else if (name == "img" || name == "image-component") {
      add_run({.what = run::kind::image,
               .text = attribute(node, "alt"),
               .key = attribute(node, "src")});
    } else if (name == "mention-component") {
      mention(node, p);
    } else if (name == "issue-embed-component") {
      add_letters("[work item]", p);
    } else {
      return false;
    }
    return true;
  }

  bool framed_thing(const xmlNode* node, std::string_view name, const place& p) {
    auto inside = p;
    if (name == "hr" || attribute(node, "data-type") == "horizontalRule") {
      flush(p);
      if (p.cell) return true;
      block b;
      b.what = block::kind::rule;
      add_block(std::move(b));
    } else if (name == "pre") {
      flush(p);
      code(node, p);
    } else if (name == "ul" || name == "ol") {
      flush(p);
      list(node, name == "ol", p);
    } else if (name == "li") {  // without a list around it
      flush(p);
      entry(node, block::marker::bullet, 0, p);
    } else if (name == "blockquote" || attribute(node, "data-block-type") == "callout-component") {
      inside.quote = true;
      framed(node, p, inside);
    } else if (name.size() == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6') {
      inside.heading = static_cast<std::uint8_t>(name[1] - '0');
      framed(node, p, inside);
    } else if (name == "table") {
      flush(p);
      table(node, p);
    } else {
      return false;
    }
    return true;
  }

  void link(const xmlNode* node, const place& p) {
    auto url = attribute(node, "href");
    std::erase_if(url, [](char c) { return html::blank(c) || html::control(c); });
    auto inside = p;
    // A script is no link, and a relative path leads nowhere from a chat.
    if (is_shown_link(url)) inside.link = &url;
    const auto before = runs_;
    children(node, inside);
    if (inside.link != nullptr && runs_ == before && line_.empty()) add_letters(url, inside);
  }

  void mention(const xmlNode* node, const place& p) {
    const auto kind = attribute(node, "entity_name");
    if (!kind.empty() && kind != "user_mention") return add_letters("[" + kind + "]", p);
    run r{.what = run::kind::mention, .text = {}, .key = {}};
    if (options_.person)
      if (auto found = options_.person(attribute(node, "entity_identifier"))) {
        r.text = html::valid_utf8(found->name);
        r.key = std::move(found->open_id);
      }
    add_run(std::move(r));
  }

  void code(const xmlNode* node, const place& p) {
    auto text = html::text_below(node, left_);
    if (p.cell) {
      auto inside = p;
      inside.style.code = true;
      add_letters(text, inside);
      return flush(p);
    }
    left_ -= std::min(left_, text.size());
    block b;
    b.what = block::kind::code;
    b.text = std::move(text);
    static constexpr std::string_view prefix = "language-";
    for (const auto* n = node->children; n != nullptr && b.language.empty(); n = n->next) {
      if (n->type != XML_ELEMENT_NODE) continue;
      const auto classes = attribute(n, "class");
      const auto at = classes.find(prefix);
      if (at != std::string::npos)
        b.language = classes.substr(at + prefix.size(), classes.find(' ', at) - at - prefix.size());
    }
    add_block(std::move(b));
  }

  void list(const xmlNode* node, bool ordered, const place& p) {
    long number = 1;
    if (const auto start = attribute(node, "start"); ordered && !start.empty())
      std::from_chars(start.data(), start.data() + start.size(), number);
    number = std::clamp(number, 0L, 1'000'000L);
    auto inside = p;
    inside.list = std::min(p.list + 1, 20);
    for (const auto* n = node->children; n != nullptr && !full(); n = n->next) {
      if (n->type != XML_ELEMENT_NODE) continue;
      if (name_of(n) != "li") {
        // "<ul><ul>": the inner one hangs below the item before it.
        if (inside.depth < html::depth_limit) {
          auto deeper = inside;
          ++deeper.depth;
          element(n, deeper);
          flush(deeper);
        }
        continue;
      }
      auto mark = ordered ? block::marker::number : block::marker::bullet;
      const auto checked = attribute(n, "data-checked");
      if (attribute(n, "data-type") == "taskItem" || !checked.empty())
        mark = checked == "true" ? block::marker::ticked_box : block::marker::open_box;
      entry(n, mark, static_cast<std::uint32_t>(number++), inside);
    }
  }

  void entry(const xmlNode* node, block::marker mark, std::uint32_t number, const place& p) {
    if (p.depth >= html::depth_limit) return add_text(html::text_below(node, left_), p);
    list_entry item;
    item.like.what = block::kind::list_item;
    item.like.level = static_cast<std::uint8_t>(std::max(p.list, 0));
    item.like.mark = mark;
    item.like.number = mark == block::marker::number ? number : 0;
    auto inside = p;
    inside.item = &item;
    inside.heading = 0;
    inside.list = std::max(p.list, 0);
    if (p.cell) add_letters(block_mark(item.like), p);
    children(node, inside);
    flush(inside);
  }

  void table(const xmlNode* node, const place& p) {
    if (p.cell) return rows_as_lines(node, p);
    block b;
    b.what = block::kind::table;
    bool header = true;
    rows(node, p, [&](const xmlNode* row, const place& inside) {
      auto& cells = b.rows.emplace_back();
      for (const auto* n = row->children; n != nullptr && !full(); n = n->next) {
        if (n->type != XML_ELEMENT_NODE) continue;
        if (b.rows.size() == 1) header = header && name_of(n) == "th";
        children(n, inside);
        break_ = space_ = false;
        cells.push_back(std::exchange(line_, {}));
      }
    });
    b.header_row = header && !b.rows.empty();
    add_block(std::move(b));
  }

  void rows_as_lines(const xmlNode* node, const place& p) {
    rows(node, p, [&](const xmlNode* row, const place& inside) {
      bool first = true;
      for (const auto* n = row->children; n != nullptr && !full(); n = n->next) {
        if (n->type != XML_ELEMENT_NODE) continue;
        if (!first) {
          break_ = false;
          add_letters(" | ", inside);
        }
        first = false;
        children(n, inside);
      }
      flush(p);
    });
  }

  template <class F>
  void rows(const xmlNode* node, const place& p, const F& each) {
    auto inside = p;
    inside.cell = true;
    inside.item = nullptr;
    inside.heading = 0;
    ++inside.depth;
    for (const auto* n = node->children; n != nullptr && !full(); n = n->next) {
      if (n->type != XML_ELEMENT_NODE) continue;
      if (name_of(n) == "tr")
        each(n, inside);
      else if (inside.depth < html::depth_limit && name_of(n) != "colgroup")
        rows(n, inside, each);
    }
  }

  const html_reading& options_;
  rich_text out_;
  runs line_;
  std::size_t left_, runs_ = 0;
  bool space_ = false;  ///< the line ends in a blank that may not be followed by another
  bool break_ = false;  ///< the next words of this cell begin a line
  bool cut_ = false;
};
}  // namespace

rich_text from_html(std::string_view text, const html_reading& options) {
  bool cut = false;
  const auto doc = html::read_document(text, options.input_limit, &cut);
  auto out = doc ? html_reader{options}.read(xmlDocGetRootElement(doc.get())) : rich_text{};
  if (cut && std::find(out.left_out.begin(), out.left_out.end(), "…") == out.left_out.end())
    out.left_out.emplace_back("…");
  return out;
}

}  // namespace pb::protocol::lark
