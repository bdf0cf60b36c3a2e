// protocol/lark/card_parts: elements that cards are made of. Used inside protocol/lark/card*.cpp
// only.
#pragma once
#include <boost/json.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/lark/words.hpp"

namespace pb::protocol::lark::parts {
namespace json = boost::json;

json::object plain(std::string_view text);
/// A tag in the header: {"tag":"text_tag", …}.
json::object header_tag(std::string_view text, std::string_view color);
json::object callback(json::object value);
json::object link_button(std::string_view text, std::string_view url);
/// Elements side by side, of the same width.
json::object row(json::array elements);
/// A card without elements yet. `url` empty: no link.
struct frame_input {
  std::string_view title, subtitle, color, url;
  json::array tags;
};
json::object frame(frame_input in);
std::string finish(json::object card, json::array elements);

std::string_view color_of(plane::state_group g) noexcept;
/// Tags know no "grey".
std::string_view tag_color_of(plane::state_group g) noexcept;
std::string_view color_of(plane::priority p) noexcept;

}  // namespace pb::protocol::lark::parts
