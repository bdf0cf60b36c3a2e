#include "protocol/html/plain_text.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "protocol/html/tree.hpp"
#include "protocol/html/utf8.hpp"
#include "protocol/http_message.hpp"

namespace pb::protocol::html {
namespace {
constexpr int prefix_limit = 24;  // nested lists and quotes that are indented
using lines = std::vector<std::string>;

class renderer {
public:
  explicit renderer(const plain_text_options& options)
      : options_(options), budget_(options.output_limit) {}

  lines render(const xmlNode* first) {
    lines out;
    std::string para;
    flow(first, out, para, 0, 0);
    flush(out, para);
    return out;
  }

private:
  /// Ends the paragraph that is being collected.
  void flush(lines& out, std::string& para) {
    std::string_view rest{para};
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      auto line = rest.substr(0, end);
      while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
      out.emplace_back(line);
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
    para.clear();
  }

  bool spend(std::size_t bytes) {
    if (bytes >= budget_) {
      budget_ = 0;
      return false;
    }
    budget_ -= bytes;
    return true;
  }

  void add_text(std::string& para, std::string_view text) {
    if (text.size() >= budget_) text = cut_utf8(text, budget_);
    budget_ -= text.size();
    for (std::size_t at = 0; at < text.size();) {
      auto end = at;
      while (end < text.size() && !blank(text[end]) && !control(text[end])) ++end;
      para.append(text, at, end - at);
      at = end;
      if (at == text.size()) break;
      if (blank(text[at]) && !para.empty() && para.back() != ' ' && para.back() != '\n')
        para += ' ';
      ++at;
    }
  }

  /// All text below that still fits.
  std::string verbatim(const xmlNode* top) {
    auto text = text_below(top, budget_);
    budget_ -= std::min(budget_, text.size());
    return text;
  }

  static void append(lines& out, lines&& inner, std::string_view first, std::string_view rest) {
    bool begun = false;
    for (auto& line : inner) {
      if (!begun && line.empty()) continue;
      auto text = std::string{begun ? rest : first} + line;
      while (!text.empty() && text.back() == ' ') text.pop_back();
      out.push_back(std::move(text));
      begun = true;
    }
  }

  lines inner_lines(const xmlNode* node, int depth, int nested) {
    lines out;
    std::string para;
    flow(node->children, out, para, depth + 1, nested);
    flush(out, para);
    while (!out.empty() && out.back().empty()) out.pop_back();
    return out;
  }

  void flow(const xmlNode* node, lines& out, std::string& para, int depth, int nested) {
    for (; node != nullptr && budget_ > 0; node = node->next) {
      if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE)
        add_text(para, content_of(node));
      else if (node->type == XML_ELEMENT_NODE)
        element(node, out, para, depth, nested);
    }
  }

  void element(const xmlNode* node, lines& out, std::string& para, int depth, int nested) {
    const auto name = name_of(node);
    if (one_of(name, dropped)) return;
    if (depth >= depth_limit) {
      add_text(para, verbatim(node));
    } else if (name == "br") {
      if (spend(1)) para += '\n';
    } else if (name == "a") {
      link(node, out, para, depth, nested);
    } else if (name == "img" || name == "image-component") {
      add_text(para, "[image]");
    } else if (name == "mention-component") {
      mention(node, para);
    } else if (name == "issue-embed-component") {
      add_text(para, "[work item]");
    } else if (name == "hr" || attribute(node, "data-type") == "horizontalRule") {
      flush(out, para);
      if (spend(4)) out.emplace_back("---");
    } else if (name == "pre") {
      flush(out, para);
      code(node, out);
    } else if (name == "ul" || name == "ol") {
      flush(out, para);
      list(node, out, name == "ol", depth, nested);
    } else if (name == "blockquote") {
      flush(out, para);
      const bool indent = nested < prefix_limit;
      append(out, inner_lines(node, depth, nested + 1), indent ? "> " : "", indent ? "> " : "");
    } else if (name == "tr") {
      flush(out, para);
      row(node, out, depth, nested);
    } else if (one_of(name, blocks) || name == "li") {
      block(node, name, out, para, depth, nested);
    } else {
      flow(node->children, out, para, depth + 1, nested);
    }
  }

  void block(const xmlNode* node, std::string_view name, lines& out, std::string& para, int depth,
             int nested) {
    flush(out, para);
    const auto before = out.size();
    flow(node->children, out, para, depth + 1, nested);
    flush(out, para);
    // People space their text with empty paragraphs.
    if (name == "p" && out.size() == before && spend(1)) out.emplace_back();
  }

  void link(const xmlNode* node, lines& out, std::string& para, int depth, int nested) {
    const auto lines_before = out.size();
    const auto start = para.size();
    flow(node->children, out, para, depth + 1, nested);
    auto url = attribute(node, "href");
    std::erase_if(url, [](char c) { return blank(c) || control(c); });
    const auto colon = url.find(':');
    const auto scheme = std::string_view{url}.substr(0, colon == std::string::npos ? 0 : colon);
    // A script is no link, and a relative path leads nowhere from a calendar.
    if (!iequals(scheme, "http") && !iequals(scheme, "https") && !iequals(scheme, "mailto") &&
        !iequals(scheme, "tel"))
      return;
    std::string text;
    if (out.size() == lines_before && para.size() >= start) text = para.substr(start);
    while (!text.empty() && text.front() == ' ') text.erase(0, 1);
    while (!text.empty() && text.back() == ' ') text.pop_back();
    if (text == url || (!text.empty() && url == std::string{scheme} + ":" + text)) return;
    if (!spend(url.size() + 3)) return;
    const bool space_behind = !para.empty() && para.back() == ' ';
    if (text.empty() && out.size() == lines_before) {
      para += url;
    } else {
      if (!space_behind) para += ' ';
      para += "(" + url + ")";
      if (space_behind) para += ' ';
    }
  }

  void mention(const xmlNode* node, std::string& para) {
    const auto kind = attribute(node, "entity_name");
    if (!kind.empty() && kind != "user_mention") {
      add_text(para, "[" + kind + "]");
      return;
    }
    std::optional<std::string> name;
    if (options_.name_of) name = options_.name_of(attribute(node, "entity_identifier"));
    add_text(para, "@" + (name && !name->empty() ? valid_utf8(*name) : std::string{"someone"}));
  }

  void code(const xmlNode* node, lines& out) {
    auto text = verbatim(node);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    std::string_view rest{text};
    for (;;) {
      const auto end = rest.find('\n');
      out.emplace_back(rest.substr(0, end));
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
  }

  void list(const xmlNode* node, lines& out, bool ordered, int depth, int nested) {
    long number = 1;
    if (const auto start = attribute(node, "start"); ordered && !start.empty())
      std::from_chars(start.data(), start.data() + start.size(), number);
    number = std::clamp(number, -1'000'000L, 1'000'000L);
    for (const xmlNode* item = node->children; item != nullptr && budget_ > 0; item = item->next) {
      if (item->type != XML_ELEMENT_NODE) continue;
      if (name_of(item) != "li") {
        std::string para;
        element(item, out, para, depth + 1, nested);
        flush(out, para);
        continue;
      }
      std::string marker = "- ";
      if (ordered) marker = std::to_string(number++) + ". ";
      if (attribute(item, "data-type") == "taskItem" || !attribute(item, "data-checked").empty())
        marker = attribute(item, "data-checked") == "true" ? "[x] " : "[ ] ";
      if (!spend(marker.size())) return;
      auto inner = inner_lines(item, depth + 1, nested + 1);
      const bool indent = nested < prefix_limit;
      const bool task = marker.front() == '[';
      const std::string hanging(indent ? (task ? 2 : marker.size()) : 0, ' ');
      const auto before = out.size();
      append(out, std::move(inner), marker, hanging);
      if (out.size() == before) out.push_back(marker.substr(0, marker.size() - 1));
    }
  }

  void row(const xmlNode* node, lines& out, int depth, int nested) {
    std::string text;
    bool first = true;
    for (const xmlNode* cell = node->children; cell != nullptr && budget_ > 0; cell = cell->next) {
      if (cell->type != XML_ELEMENT_NODE) continue;
      if (!first) text += " | ";
      first = false;
      bool joined = false;
      for (const auto& line : inner_lines(cell, depth + 1, nested + 1)) {
        if (line.empty()) continue;
        if (joined) text += ' ';
        text += line;
        joined = true;
      }
    }
    while (!text.empty() && text.back() == ' ') text.pop_back();
    if (!first && spend(1)) out.push_back(std::move(text));
  }

  const plain_text_options& options_;
  std::size_t budget_;
};

std::string joined(const lines& all, std::size_t limit) {
  std::string out;
  bool gap = false;
  for (const auto& line : all) {
    if (line.empty()) {
      gap = !out.empty();
      continue;
    }
    if (!out.empty()) out += gap ? "\n\n" : "\n";
    gap = false;
    out += line;
    if (out.size() > limit) break;
  }
  return std::string{cut_utf8(out, limit)};
}
}  // namespace

std::string to_plain_text(std::string_view html, const plain_text_options& options) {
  const auto doc = read_document(html, options.input_limit);
  if (!doc) return {};
  renderer text{options};
  return joined(text.render(xmlDocGetRootElement(doc.get())), options.output_limit);
}

}  // namespace pb::protocol::html
