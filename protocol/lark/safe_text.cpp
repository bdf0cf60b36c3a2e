#include "protocol/lark/safe_text.hpp"

#include <algorithm>

#include "protocol/html/utf8.hpp"
#include "protocol/http_message.hpp"

namespace pb::protocol::lark {
namespace {
constexpr std::string_view ellipsis = "…";

bool control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }
bool letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string shortened(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  const auto room = limit < ellipsis.size() ? 0 : limit - ellipsis.size();
  std::string out{html::cut_utf8(text, room)};
  while (!out.empty() && (out.back() == ' ' || out.back() == '\n')) out.pop_back();
  if (limit >= ellipsis.size()) out += ellipsis;
  return out;
}

/// Would a reader of Feishu's markup see something begin between `before` and `after`?
bool opens(char before, char after) noexcept {
  switch (before) {
    case '<':
      return letter(after) || after == '/' || after == '@' || after == '!' || after == '?';
    case '@':
      return after == '_';
    case ']':
      return after == '(';
    default:
      return false;
  }
}
}  // namespace

std::string clean_text(std::string_view text) {
  auto out = html::valid_utf8(text);
  std::erase_if(out, [](char c) { return control(c) && c != '\n' && c != '\t'; });
  return out;
}

std::string one_line(std::string_view text, std::size_t limit) {
  const auto clean = html::valid_utf8(text);
  const std::string_view rest{clean};
  std::string out;
  for (std::size_t i = 0; i < rest.size() && out.size() <= limit;) {
    // No-break spaces and the two line ends that are no controls are blanks here.
    std::size_t blank = control(rest[i]) || rest[i] == ' ' ? 1 : 0;
    if (rest.substr(i, 2) == "\xC2\xA0") blank = 2;
    if (rest.substr(i, 3) == "\xE2\x80\xA8" || rest.substr(i, 3) == "\xE2\x80\xA9") blank = 3;
    if (blank == 0)
      out += rest[i];
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
    i += std::max<std::size_t>(blank, 1);
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return shortened(std::move(out), limit);
}

std::string cut_text(std::string_view text, std::size_t limit) {
  return shortened(clean_text(text), limit);
}

std::string for_message(std::string_view text) {
  const auto clean = clean_text(text);
  std::string out;
  out.reserve(clean.size());
  for (std::size_t i = 0; i < clean.size(); ++i) {
    out += clean[i];
    if (i + 1 < clean.size() && opens(clean[i], clean[i + 1])) out += breaker;
  }
  return out;
}

void append_safe(std::string& text, std::string_view safe) {
  if (!text.empty() && !safe.empty() && opens(text.back(), safe.front())) text += breaker;
  text += safe;
}

std::string without_breakers(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const bool here = text.substr(i, breaker.size()) == breaker;
    const auto behind = i + breaker.size();
    if (here && !out.empty() && behind < text.size() && opens(out.back(), text[behind])) {
      i = behind;
      continue;
    }
    out += text[i++];
  }
  return out;
}

std::string for_card_markdown(std::string_view text) {
  static constexpr std::string_view special = "<>&*_~`[]()#+-!|\\:$\"'{}=@";
  std::string out;
  for (const char c : clean_text(text)) {
    if (special.find(c) == std::string_view::npos) {
      out += c;
      continue;
    }
    out += "&#" + std::to_string(static_cast<int>(c)) + ';';
  }
  return out;
}

bool is_link_address(std::string_view url) noexcept {
  static constexpr std::string_view mail = "mailto:";
  const bool plain = std::none_of(url.begin(), url.end(), [](char c) {
    return control(c) || c == ' ' || c == '"' || c == '<' || c == '>';
  });
  if (!plain || url.size() > 2000) return false;
  if (url.size() > mail.size() && iequals(url.substr(0, mail.size()), mail))
    return url.find('@') != std::string_view::npos;
  return is_web_address(url);
}

bool is_web_address(std::string_view url) noexcept {
  if (url.size() > 2000) return false;
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (url.size() <= scheme.size() || !iequals(url.substr(0, scheme.size()), scheme)) continue;
    const auto host = url[scheme.size()];
    if (host == '/' || host == '?' || host == '#' || host == ':') return false;
    return std::none_of(url.begin(), url.end(), [](char c) {
      return control(c) || c == ' ' || c == '"' || c == '<' || c == '>' || c == '\\';
    });
  }
  return false;
}

}  // namespace pb::protocol::lark
