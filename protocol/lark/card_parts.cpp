#include "protocol/lark/card_parts.hpp"

namespace pb::protocol::lark::parts {

json::object plain(std::string_view text) { return {{"tag", "plain_text"}, {"content", text}}; }

json::object header_tag(std::string_view text, std::string_view color) {
  return {{"tag", "text_tag"}, {"text", plain(text)}, {"color", color}};
}

json::object callback(json::object value) {
  return {{"type", "callback"}, {"value", std::move(value)}};
}

json::object link_button(std::string_view text, std::string_view url) {
  return {{"tag", "button"},
          {"text", plain(text)},
          {"type", "default"},
          {"behaviors", json::array{json::object{{"type", "open_url"}, {"default_url", url}}}}};
}

json::object row(json::array elements) {
  json::array columns;
  for (auto& e : elements)
    columns.push_back(json::object{{"tag", "column"},
                                   {"width", "weighted"},
                                   {"weight", 1},
                                   {"elements", json::array{std::move(e)}}});
  return {{"tag", "column_set"},
          {"flex_mode", "bisect"},
          {"horizontal_spacing", "8px"},
          {"columns", std::move(columns)}};
}

json::object frame(frame_input in) {
  json::object card{{"schema", "2.0"},
                    {"config", json::object{{"update_multi", true},
                                            {"enable_forward", true},
                                            {"width_mode", "default"},
                                            {"summary", json::object{{"content", in.title}}}}}};
  if (!in.url.empty()) card["card_link"] = json::object{{"url", in.url}};
  json::object header{{"title", plain(in.title)}};
  if (!in.subtitle.empty()) header["subtitle"] = plain(in.subtitle);
  header["template"] = in.color;
  if (!in.tags.empty()) header["text_tag_list"] = std::move(in.tags);
  card["header"] = std::move(header);
  return card;
}

std::string finish(json::object card, json::array elements) {
  card["body"] = json::object{{"direction", "vertical"},
                              {"padding", "12px 12px 12px 12px"},
                              {"vertical_spacing", "8px"},
                              {"elements", std::move(elements)}};
  return json::serialize(card);
}

std::string_view color_of(plane::state_group g) noexcept {
  switch (g) {
    case plane::state_group::backlog:
      return "grey";
    case plane::state_group::unstarted:
      return "blue";
    case plane::state_group::started:
      return "orange";
    case plane::state_group::completed:
      return "green";
    case plane::state_group::cancelled:
      return "grey";
    case plane::state_group::triage:
      return "purple";
  }
  return "default";
}

std::string_view tag_color_of(plane::state_group g) noexcept {
  const auto color = color_of(g);
  return color == "grey" || color == "default" ? "neutral" : color;
}

std::string_view color_of(plane::priority p) noexcept {
  switch (p) {
    case plane::priority::urgent:
      return "red";
    case plane::priority::high:
      return "orange";
    case plane::priority::medium:
      return "yellow";
    case plane::priority::low:
      return "blue";
    case plane::priority::none:
      return "neutral";
  }
  return "neutral";
}

}  // namespace pb::protocol::lark::parts
