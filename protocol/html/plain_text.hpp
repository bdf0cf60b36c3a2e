// protocol/html/plain_text: Plane's editor HTML as text for people: calendar descriptions, chat
// messages (docs/contracts/plane.md, "What the editor writes"). Pure; any thread. The HTML is
// hostile: size, depth and output are bounded, nothing is fetched.
#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pb::protocol::html {

struct plain_text_options {
  std::size_t input_limit = 1U << 20;     ///< bytes of HTML that are read
  std::size_t output_limit = 128 * 1024;  ///< bytes of text; cut on a character border
  /// Display name of a user id; unset or nothing: the mention reads "@someone".
  std::function<std::optional<std::string>(std::string_view user_id)> name_of;
};

/// Lines end in LF; no blank line at either end, never two in a row outside code; well-formed
/// UTF-8.
std::string to_plain_text(std::string_view html, const plain_text_options& options = {});

}  // namespace pb::protocol::html
