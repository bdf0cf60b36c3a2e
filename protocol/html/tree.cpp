#include "protocol/html/tree.hpp"

#include <libxml/HTMLparser.h>

#include <mutex>
#include <vector>

#include "protocol/html/utf8.hpp"

namespace pb::protocol::html {
namespace {
constexpr std::size_t open_limit = 256;  // elements open at once that the parser may see
constexpr std::array<std::string_view, 14> voids{"area",  "base",   "br",   "col",   "embed",
                                                 "hr",    "img",    "link", "input", "meta",
                                                 "param", "source", "wbr",  "track"};

/// The part of the input in which at most open_limit elements are open at once. libxml2 walks its
/// stack for each closing tag: without this, a megabyte of "<b></i>" takes minutes.
std::string_view shallow_part(std::string_view html) {
  if (static_cast<std::size_t>(std::count(html.begin(), html.end(), '<')) <= open_limit)
    return html;
  std::vector<std::string> open;
  for (std::size_t at = html.find('<'); at != std::string_view::npos; at = html.find('<', at + 1)) {
    std::size_t i = at + 1;
    const bool closing = i < html.size() && html[i] == '/';
    if (closing) ++i;
    std::string name;
    for (; i < html.size() && name.size() < 64; ++i) {
      const char c = html[i];
      if (blank(c) || c == '>' || c == '/' || c == '<') break;
      name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    if (name.empty() || name[0] < 'a' || name[0] > 'z' || one_of(name, voids)) continue;
    if (closing) {
      const auto match = std::find(open.rbegin(), open.rend(), name);
      if (match != open.rend()) open.erase(match.base() - 1, open.end());
      continue;
    }
    // "<p>a<p>b": the second closes the first, for libxml2 too.
    const bool implied = name == "p" || name == "li" || name == "td" || name == "tr";
    if (implied && !open.empty() && open.back() == name) continue;
    if (open.size() == open_limit) return html.substr(0, at);
    open.push_back(std::move(name));
  }
  return html;
}

document nothing() { return {nullptr, xmlFreeDoc}; }
}  // namespace

document read_document(std::string_view html, std::size_t input_limit, bool* cut) {
  static std::once_flag once;
  std::call_once(once, [] { xmlInitParser(); });

  // With this mark the parser takes the bytes as they are: told the encoding by name, it would copy
  // all of them through a converter.
  static constexpr std::string_view utf8_mark = "\xEF\xBB\xBF";
  auto clean = std::string{utf8_mark} + valid_utf8(cut_utf8(html, input_limit));
  std::erase(clean, '\0');
  const auto part = shallow_part(clean);
  if (cut != nullptr) *cut = html.size() > input_limit || part.size() < clean.size();
  if (part.size() <= utf8_mark.size()) return nothing();

  // Making one costs as much as a short text. It is reset for each document.
  thread_local const std::unique_ptr<htmlParserCtxt, void (*)(htmlParserCtxt*)> parser{
      htmlNewParserCtxt(), htmlFreeParserCtxt};
  if (!parser) return nothing();
  const int flags = HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                    HTML_PARSE_NONET | HTML_PARSE_NODEFDTD | HTML_PARSE_COMPACT;
  return {htmlCtxtReadMemory(parser.get(), part.data(), static_cast<int>(part.size()), nullptr,
                             nullptr, flags),
          xmlFreeDoc};
}

std::string_view name_of(const xmlNode* node) {
  return node->name == nullptr ? std::string_view{}
                               : std::string_view{reinterpret_cast<const char*>(node->name)};
}

std::string attribute(const xmlNode* node, const char* name) {
  const std::unique_ptr<xmlChar, void (*)(void*)> value{
      xmlGetProp(node, reinterpret_cast<const xmlChar*>(name)), [](void* p) { xmlFree(p); }};
  return value ? std::string{reinterpret_cast<const char*>(value.get())} : std::string{};
}

std::string_view content_of(const xmlNode* node) {
  return node->content == nullptr ? std::string_view{}
                                  : std::string_view{reinterpret_cast<const char*>(node->content)};
}

std::string text_below(const xmlNode* top, std::size_t limit) {
  std::string out;
  for (const xmlNode* n = top->children; n != nullptr && n != top && out.size() < limit;) {
    if (is_text(n)) {
      for (const char c : content_of(n))
        if (!control(c)) out += c;
    } else if (n->type == XML_ELEMENT_NODE && name_of(n) == "br") {
      out += '\n';
    }
    if (n->type == XML_ELEMENT_NODE && n->children != nullptr) {
      n = n->children;
      continue;
    }
    while (n != top && n->next == nullptr) n = n->parent;
    if (n != top) n = n->next;
  }
  return std::string{cut_utf8(out, limit)};
}

}  // namespace pb::protocol::html
