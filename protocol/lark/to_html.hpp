// protocol/lark/to_html: neutral text as a comment or description that Plane takes
// (docs/contracts/plane.md, "What the editor writes"). Plane's open edition does not sanitize
// comments on its API: what is written here is all that stands between chat and a browser. Pure;
// any thread; bounded.
#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/lark/rich_text.hpp"
#include "protocol/lark/words.hpp"

namespace pb::protocol::lark {

struct html_writing {
  std::size_t output_limit = 256U * 1024;  ///< bytes; what is behind it is replaced by "…"
  /// uuid of the Plane user whose open_id this is; unset or nothing: "@name" as text.
  std::function<std::optional<std::string>(std::string_view open_id)> plane_user;
  /// Address of a picture or file by its key; unset or nothing: a marker with its name.
  std::function<std::optional<std::string>(std::string_view key)> file_url;
  /// Ids of mention elements are made of it: the message's id.
  std::string seed;
  language lang = language::zh;  ///< of markers for what cannot be shown
};

/// Tags of Plane's own list only, attributes fixed or escaped, links with http, https and mailto
/// only. from_html() of it reads as the text did. Empty when there is nothing to say.
std::string to_html(const rich_text& text, const html_writing& options = {});

}  // namespace pb::protocol::lark
