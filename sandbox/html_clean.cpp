#include "sandbox/html_clean.hpp"

#include <libxml/HTMLparser.h>
#include <libxml/tree.h>

#include <algorithm>
#include <array>
#include <memory>

namespace pb::sandbox {
namespace {

constexpr int depth_limit = 200;

// nh3's default tags plus the editor's own.
constexpr std::array allowed_tags{"a",
                                  "abbr",
                                  "acronym",
                                  "area",
                                  "article",
                                  "aside",
                                  "b",
                                  "bdi",
                                  "bdo",
                                  "blockquote",
                                  "br",
                                  "caption",
                                  "center",
                                  "cite",
                                  "code",
                                  "col",
                                  "colgroup",
                                  "data",
                                  "dd",
                                  "del",
                                  "details",
                                  "dfn",
                                  "div",
                                  "dl",
                                  "dt",
                                  "em",
                                  "figcaption",
                                  "figure",
                                  "footer",
                                  "h1",
                                  "h2",
                                  "h3",
                                  "h4",
                                  "h5",
                                  "h6",
                                  "header",
                                  "hgroup",
                                  "hr",
                                  "i",
                                  "image-component",
                                  "img",
                                  "input",
                                  "ins",
                                  "kbd",
                                  "label",
                                  "li",
                                  "map",
                                  "mark",
                                  "mention-component",
                                  "nav",
                                  "ol",
                                  "p",
                                  "pre",
                                  "q",
                                  "rp",
                                  "rt",
                                  "rtc",
                                  "ruby",
                                  "s",
                                  "samp",
                                  "small",
                                  "span",
                                  "strike",
                                  "strong",
                                  "sub",
                                  "summary",
                                  "sup",
                                  "table",
                                  "tbody",
                                  "td",
                                  "th",
                                  "thead",
                                  "time",
                                  "tr",
                                  "tt",
                                  "u",
                                  "ul",
                                  "var",
                                  "wbr"};
constexpr std::array void_tags{"area", "br", "col", "hr", "img", "input", "wbr"};
constexpr std::array block_tags{"address", "article", "blockquote", "center", "div", "dl",
                                "figure",  "footer",  "h1",         "h2",     "h3",  "h4",
                                "h5",      "h6",      "header",     "hr",     "ol",  "p",
                                "pre",     "section", "table",      "ul"};
constexpr std::array everywhere{"class",
                                "id",
                                "title",
                                "role",
                                "aria-label",
                                "aria-hidden",
                                "style",
                                "start",
                                "type",
                                "xmlns",
                                "data-tight",
                                "data-node-type",
                                "data-type",
                                "data-checked",
                                "data-background-color",
                                "data-text-color",
                                "data-name",
                                "data-icon-name",
                                "data-icon-color",
                                "data-background",
                                "data-emoji-unicode",
                                "data-emoji-url",
                                "data-logo-in-use",
                                "data-block-type",
                                "data-id",
                                "data-entity-id",
                                "data-entity-group-id"};

template <class List>
bool contains(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string_view view(const xmlChar* text) {
  return text == nullptr ? std::string_view{} : reinterpret_cast<const char*>(text);
}

bool attribute_allowed(std::string_view tag, std::string_view name) {
  if (contains(everywhere, name)) return true;
  if (tag == "a") return name == "href" || name == "target" || name == "hreflang";
  if (tag == "img") return name == "src" || name == "alt" || name == "width" || name == "height";
  if (tag == "image-component")
    return name == "src" || name == "width" || name == "height" || name == "aspectratio" ||
           name == "aspectRatio" || name == "alignment" || name == "status";
  if (tag == "mention-component") return name == "entity_identifier" || name == "entity_name";
  if (tag == "td" || tag == "th")
    return name == "colspan" || name == "rowspan" || name == "colwidth" || name == "background" ||
           name == "textcolor" || name == "align" || name == "hidecontent";
  if (tag == "tr") return name == "background" || name == "textcolor";
  if (tag == "input") return name == "checked" || name == "disabled";
  if (tag == "code" || tag == "pre") return name == "spellcheck";
  return false;
}

// http, https, mailto, tel and relative addresses; data: and javascript: vanish.
bool address_allowed(std::string_view address) {
  const auto colon = address.find(':');
  if (colon == std::string_view::npos || address.find_first_of("/?#") < colon) return true;
  std::string scheme;
  for (const char c : address.substr(0, colon))
    if (static_cast<unsigned char>(c) > 0x20)
      scheme += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return scheme == "http" || scheme == "https" || scheme == "mailto" || scheme == "tel";
}

void escape(std::string& out, std::string_view text, bool in_attribute) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '&')
      out += "&amp;";
    else if (c == '<' && !in_attribute)
      out += "&lt;";
    else if (c == '>' && !in_attribute)
      out += "&gt;";
    else if (c == '"' && in_attribute)
      out += "&quot;";
    else if (text.substr(i, 2) == "\xC2\xA0") {  // U+00A0, as the HTML standard serializes it
      out += "&nbsp;";
      ++i;
    } else
      out += c;
  }
}

class serializer {
public:
  void children(const xmlNode* parent, int depth) {
    for (const xmlNode* n = parent->children; n != nullptr; n = n->next) node(*n, depth);
  }
  void node(const xmlNode& n, int depth) {
    if (n.type == XML_TEXT_NODE || n.type == XML_CDATA_SECTION_NODE) {
      escape(out.html, view(n.content), false);
      out.text += view(n.content);
      return;
    }
    if (n.type != XML_ELEMENT_NODE || depth > depth_limit) return;
    const std::string_view tag = view(n.name);
    if (tag == "script" || tag == "style") return;
    if (!contains(allowed_tags, tag)) {
      children(&n, depth + 1);
      return;
    }
    out.html.append("<").append(tag);
    attributes(n, tag);
    out.html += '>';
    if (contains(void_tags, tag)) return;
    children(&n, depth + 1);
    out.html.append("</").append(tag).append(">");
  }
  clean_html out;

private:
  void attributes(const xmlNode& n, std::string_view tag) {
    for (const xmlAttr* a = n.properties; a != nullptr; a = a->next) {
      const std::string_view name = view(a->name);
      if (!attribute_allowed(tag, name)) continue;
      const std::string_view value =
          a->children == nullptr ? std::string_view{} : view(a->children->content);
      if ((name == "href" || name == "src") && !address_allowed(value)) continue;
      out.html.append(" ").append(name).append("=\"");
      escape(out.html, value, true);
      out.html += '"';
    }
    if (tag == "a") out.html += " rel=\"noopener noreferrer\"";
  }
};

bool blank(const xmlNode& n) {
  return n.type == XML_TEXT_NODE &&
         view(n.content).find_first_not_of(" \t\r\n") == std::string_view::npos;
}

bool has_block(const xmlNode* parent, int depth) {
  for (const xmlNode* n = parent->children; n != nullptr && depth < depth_limit; n = n->next)
    if (n->type == XML_ELEMENT_NODE &&
        (contains(block_tags, view(n->name)) || has_block(n, depth + 1)))
      return true;
  return false;
}

const xmlNode* body_of(const xmlDoc* doc) {
  const xmlNode* root = doc == nullptr ? nullptr : doc->children;
  while (root != nullptr && root->type != XML_ELEMENT_NODE) root = root->next;
  for (const xmlNode* n = root == nullptr ? nullptr : root->children; n != nullptr; n = n->next)
    if (n->type == XML_ELEMENT_NODE && view(n->name) == "body") return n;
  return nullptr;
}

}  // namespace

std::optional<clean_html> sanitise_html(std::string_view html) {
  if (html.find_first_not_of(" \t\r\n") == std::string_view::npos || html.size() > (10u << 20))
    return std::nullopt;
  const std::unique_ptr<xmlDoc, decltype(&xmlFreeDoc)> doc{
      htmlReadMemory(html.data(), static_cast<int>(html.size()), nullptr, "UTF-8",
                     HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                         HTML_PARSE_NONET | HTML_PARSE_COMPACT),
      &xmlFreeDoc};
  const xmlNode* body = body_of(doc.get());
  if (body == nullptr || body->children == nullptr) return std::nullopt;
  serializer s;
  std::size_t significant = 0;
  const xmlNode* only = nullptr;
  for (const xmlNode* n = body->children; n != nullptr; n = n->next)
    if (!blank(*n) && n->type != XML_COMMENT_NODE) {
      ++significant;
      only = n;
    }
  if (significant == 1 && only->type == XML_ELEMENT_NODE) {
    s.node(*only, 0);
  } else {
    const std::string_view wrapper = has_block(body, 0) ? "div" : "span";
    s.out.html.append("<").append(wrapper).append(">");
    s.children(body, 0);
    s.out.html.append("</").append(wrapper).append(">");
  }
  return std::move(s.out);
}

}  // namespace pb::sandbox
