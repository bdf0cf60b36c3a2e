// protocol/lark/from_html: what Plane's editor wrote as neutral text (docs/contracts/plane.md,
// "What the editor writes"), to be shown in chat. Pure; any thread. The HTML is hostile: size,
// depth and output are bounded, nothing is fetched.
#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/lark/rich_text.hpp"

namespace pb::protocol::lark {

struct html_reading {
  std::size_t input_limit = 1U << 20;    ///< bytes of HTML that are read
  std::size_t text_limit = 256U * 1024;  ///< bytes of text that are kept
  struct mentioned {
    std::string name, open_id;  ///< open_id empty: shown as a name, nobody is called
  };
  /// A user of Plane by uuid; unset or nothing: "@someone".
  std::function<std::optional<mentioned>(std::string_view user)> person;
};

/// Text is well-formed UTF-8 in normal form (normal_form.hpp). Links keep http,
/// https, mailto and tel; all others keep their text only. Pictures of Plane have an asset's uuid
/// as key, no address.
rich_text from_html(std::string_view html, const html_reading& options = {});

}  // namespace pb::protocol::lark
