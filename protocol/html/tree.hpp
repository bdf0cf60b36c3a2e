// protocol/html/tree: hostile HTML as libxml2's tree, for those who walk it (plain_text.cpp,
// protocol/lark/from_html.cpp). Pure; any thread. Nothing is fetched; size and depth are bounded.
#pragma once
#include <libxml/tree.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace pb::protocol::html {

using document = std::unique_ptr<xmlDoc, void (*)(xmlDoc*)>;

/// Reads at most `input_limit` bytes, of these the part in which at most 256 elements are open at
/// once. Null when there is nothing. Text in it is well-formed UTF-8.
/// @param cut  set when that was not all
document read_document(std::string_view html, std::size_t input_limit, bool* cut = nullptr);

/// Deeper than this no descent goes: what is below is text (text_below).
inline constexpr int depth_limit = 300;

std::string_view name_of(const xmlNode* node);
std::string attribute(const xmlNode* node, const char* name);
std::string_view content_of(const xmlNode* node);
/// All text below, line ends kept, without controls, at most `limit` bytes; without recursion.
std::string text_below(const xmlNode* top, std::size_t limit);

inline bool is_text(const xmlNode* node) noexcept {
  return node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE;
}
inline bool blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
inline bool control(char c) noexcept {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
}

template <std::size_t N>
bool one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}
/// What is below these is no text for people.
inline constexpr std::array<std::string_view, 12> dropped{
    "script", "style", "head", "template", "noscript", "iframe",
    "object", "embed", "svg",  "canvas",   "title",    "input"};
inline constexpr std::array<std::string_view, 20> blocks{
    "p",       "div",     "h1",      "h2",      "h3",     "h4",    "h5",
    "h6",      "section", "article", "details", "figure", "table", "summary",
    "address", "header",  "main",    "form",    "body",   "html"};

}  // namespace pb::protocol::html
