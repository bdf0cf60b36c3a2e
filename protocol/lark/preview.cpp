#include "protocol/lark/preview.hpp"

#include <boost/json.hpp>

#include "protocol/lark/card_parts.hpp"
#include "protocol/lark/safe_text.hpp"

namespace pb::protocol::lark {
namespace json = boost::json;
namespace {

std::string inline_title(const card_input& in, language l) {
  auto out = one_line(in.number, 60);
  if (const auto name = one_line(in.name, 200); !name.empty()) {
    if (!out.empty()) out += ' ';
    out += name;
  }
  auto state = one_line(in.state.text, 60);
  if (in.gone) state = say(word::deleted, l);
  if (in.archived && !in.gone) state = say(word::archived, l);
  if (!state.empty()) out += l == language::zh ? "（" + state + "）" : " (" + state + ")";
  return out.empty() ? "Plane" : out;
}

json::object inline_of(std::string_view en, std::string_view zh, std::string_view url) {
  json::object out{{"title", zh}, {"i18n_title", json::object{{"zh_cn", zh}, {"en_us", en}}}};
  if (is_web_address(url))
    out["url"] =
        json::object{{"copy_url", url}, {"pc", url}, {"ios", url}, {"android", url}, {"web", url}};
  return out;
}

/// Card JSON 1.0: what the page on link previews shows. Texts of others as plain_text, as in 2.0.
json::object card_1_0(const card_input& in) {
  const auto l = in.lang;
  const auto url = is_web_address(in.url) ? in.url : std::string{};
  json::object card{
      {"config",
       json::object{{"update_multi", true}, {"enable_forward", true}, {"wide_screen_mode", true}}}};
  if (!url.empty()) card["card_link"] = json::object{{"url", url}};
  auto title = one_line(in.number + " " + in.name, 300);
  card["header"] = json::object{
      {"template", in.gone || in.archived ? std::string_view{"grey"} : parts::color_of(in.group)},
      {"title", parts::plain(title.empty() ? "Plane" : title)}};
  json::array fields;
  const auto add = [&](word w, const std::string& text) {
    if (text.empty()) return;
    fields.push_back(json::object{
        {"is_short", true},
        {"text", parts::plain(std::string{say(w, l)} + std::string{say(word::colon, l)} + text)}});
  };
  add(word::state, one_line(in.state.text, 120));
  add(word::priority, std::string{priority_name(in.prio, l)});
  std::string who;
  for (const auto& each : in.assignees) {
    if (!who.empty()) who += say(word::comma, l);
    who += one_line(each.text, 60);
    if (who.size() > 400) break;
  }
  add(word::assignees, who.empty() ? std::string{say(word::nobody, l)} : one_line(who, 460));
  add(word::due_date, one_line(in.target_date, 10));
  json::array elements;
  if (const auto text = cut_text(in.excerpt, 600); !text.empty())
    elements.push_back(json::object{{"tag", "div"}, {"text", parts::plain(text)}});
  elements.push_back(json::object{{"tag", "div"}, {"fields", std::move(fields)}});
  if (!url.empty())
    elements.push_back(json::object{
        {"tag", "action"},
        {"actions", json::array{json::object{{"tag", "button"},
                                             {"text", parts::plain(say(word::open_in_plane, l))},
                                             {"type", "default"},
                                             {"url", url}}}}});
  card["elements"] = std::move(elements);
  return card;
}

std::string_view to_string(toast kind) noexcept {
  switch (kind) {
    case toast::info:
      return "info";
    case toast::success:
      return "success";
    case toast::error:
      return "error";
    case toast::warning:
      return "warning";
  }
  return "info";
}
}  // namespace

std::string preview_answer(const card_input& in, bool with_card) {
  json::object out{{"inline", inline_of(inline_title(in, language::en),
                                        inline_title(in, language::zh), in.url)}};
  if (with_card) out["card"] = json::object{{"type", "raw"}, {"data", card_1_0(in)}};
  return json::serialize(out);
}

std::string preview_pending(std::string_view number, std::string_view url) {
  auto title = one_line(number, 60);
  if (title.empty()) title = "Plane";
  return json::serialize(json::object{{"inline", inline_of(title, title, url)}});
}

std::string no_preview() { return "{}"; }

std::string toast_answer(toast kind, word what) {
  return toast_answer(kind, say(what, language::en), say(what, language::zh));
}

std::string toast_answer(toast kind, std::string_view en, std::string_view zh) {
  const auto chinese = one_line(zh, 200), english = one_line(en, 200);
  return json::serialize(json::object{
      {"toast", json::object{{"type", to_string(kind)},
                             {"content", chinese},
                             {"i18n", json::object{{"zh_cn", chinese}, {"en_us", english}}}}}});
}

}  // namespace pb::protocol::lark
