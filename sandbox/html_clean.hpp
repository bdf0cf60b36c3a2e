// sandbox/html_clean: what Plane keeps of a work item's description_html. Plane parses with libxml2
// (through lxml), wraps several top-level nodes, and sanitises with an allow-list (nh3): contract
// section 4.2 and the recorded descriptions. Comments are not cleaned by Plane's REST API.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace pb::sandbox {

struct clean_html {
  std::string html;
  std::string text;  ///< all text nodes one after the other, Plane's description_stripped
};

/// Nothing when there is no content at all ("Invalid HTML passed"). Any thread.
std::optional<clean_html> sanitise_html(std::string_view html);

}  // namespace pb::sandbox
