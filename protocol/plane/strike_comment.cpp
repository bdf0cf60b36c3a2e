#include "protocol/plane/strike_comment.hpp"

#include <algorithm>

namespace pb::protocol::plane {
namespace {

constexpr std::string_view op_get = "plane.get_comment";
constexpr std::string_view op_strike = "plane.strike_comment";
constexpr std::string_view taken_back = "<p><s>recalled in chat</s></p>";

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Where the markup that begins at `at` ends; npos: it never does. 0: no markup, a plain "<".
std::size_t end_of_markup(std::string_view html, std::size_t at) noexcept {
  const auto rest = html.substr(at);
  if (rest.starts_with("<!--")) {
    const auto end = html.find("-->", at + 4);
    return end == std::string_view::npos ? end : end + 3;
  }
  const bool closing = rest.starts_with("</");
  const auto first = at + (closing ? 2U : 1U);
  if (first >= html.size()) return 0;
  if (!is_letter(html[first]) && html[first] != '!' && html[first] != '?') return 0;
  char quote = '\0';
  for (auto i = first; i < html.size(); ++i) {
    const char c = html[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

struct tag {
  std::string name;
  bool closing = false;
};
tag read_tag(std::string_view markup) {
  tag t;
  t.closing = markup.starts_with("</");
  for (auto i = t.closing ? 2U : 1U; i < markup.size(); ++i) {
    const char c = markup[i];
    if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '-') break;
    t.name += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return t;
}

bool strikes(std::string_view name) noexcept {
  return name == "s" || name == "del" || name == "strike";
}
bool is_code(std::string_view name) noexcept { return name == "pre" || name == "code"; }

bool is_blank(std::string_view text) noexcept {
  return text.find_first_not_of(" \t\r\n\f") == std::string_view::npos;
}

void count(std::size_t& depth, bool closing) noexcept {
  if (!closing)
    ++depth;
  else if (depth > 0)
    --depth;
}

}  // namespace

std::string strike_out(std::string_view html) {
  std::string out;
  out.reserve(html.size() + 64);
  std::size_t struck = 0, code = 0;
  bool any = false;
  const auto add_text = [&](std::string_view text) {
    const bool wrap = !is_blank(text) && struck == 0 && code == 0;
    any = any || wrap || (!is_blank(text) && struck > 0);
    if (wrap) out += "<s>";
    out += text;
    if (wrap) out += "</s>";
  };
  std::size_t from = 0, at = 0;
  while (at < html.size()) {
    const auto end = html[at] == '<' ? end_of_markup(html, at) : 0;
    if (end == 0) {
      ++at;
      continue;
    }
    if (end == std::string_view::npos) {  // markup that never ends is none, nor is what follows
      std::string text{html.substr(from, at - from)};
      for (const char c : html.substr(at)) text += c == '<' ? std::string{"&lt;"} : std::string{c};
      add_text(text);
      from = html.size();
      break;
    }
    add_text(html.substr(from, at - from));
    const auto markup = html.substr(at, end - at);
    out += markup;
    const auto t = read_tag(markup);
    if (strikes(t.name)) count(struck, t.closing);
    if (is_code(t.name)) count(code, t.closing);
    from = at = end;
  }
  add_text(html.substr(from));
  if (!any) out += taken_back;
  return out;
}

bool is_struck_out(std::string_view html) { return strike_out(html) == html; }

strike_comment::strike_comment(api a, std::string project, std::string item, std::string comment,
                               std::string external_source, std::string external_id)
    : api_(std::move(a)),
      project_(std::move(project)),
      item_(std::move(item)),
      given_(std::move(comment)),
      source_(std::move(external_source)),
      external_id_(std::move(external_id)),
      list_(api_, project_, item_) {}

step strike_comment::start() {
  gone_ = false;
  comment_ = given_;
  stage_ = comment_.empty() ? stage::finding : stage::reading;
  if (stage_ == stage::finding) return list_.start();
  return call{get_comment(api_, project_, item_, comment_), std::string{op_get}, true};
}

step strike_comment::on_response(const http_response& answer) {
  switch (stage_) {
    case stage::finding: {
      auto next = list_.on_response(answer);
      if (!std::holds_alternative<finished>(next)) return next;
      const auto& all = list_.values();
      const auto found = std::find_if(all.begin(), all.end(), [this](const auto& c) {
        return c.external_source == source_ && c.external_id == external_id_;
      });
      gone_ = found == all.end();
      if (gone_) return finished{};
      return write(*found);
    }
    case stage::reading: {
      if (answer.status == 200) {
        const auto c = parse_object<comment>(answer.body, op_get);
        if (!c) return c.error();
        return write(*c);
      }
      auto f = classify(answer, op_get);
      gone_ = f.code == errc::not_found;
      if (gone_) return finished{};
      return f;
    }
    case stage::writing: {
      if (answer.status == 200) return finished{};
      auto f = classify(answer, op_strike);
      gone_ = f.code == errc::not_found;
      if (gone_) return finished{};
      return f;
    }
  }
  return failure{.code = errc::crashed, .where = std::string{op_strike}, .detail = "no stage"};
}

step strike_comment::write(const comment& found) {
  comment_ = found.id;
  auto html = strike_out(found.html);
  if (html == found.html) return finished{};
  stage_ = stage::writing;
  comment_fields fields;
  fields.html = std::move(html);
  return call{update_comment(api_, project_, item_, comment_, fields), std::string{op_strike},
              true};
}

}  // namespace pb::protocol::plane
