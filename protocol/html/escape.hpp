// protocol/html/escape: text as HTML, inside an element or a quoted attribute. Pure; any thread.
#pragma once
#include <string>
#include <string_view>

namespace pb::protocol::html {

std::string escaped(std::string_view text);

}  // namespace pb::protocol::html
