// protocol/plane/file_type: the MIME type under which a file is offered to Plane, which takes those
// of its list only and never "any bytes" (docs/contracts/plane.md). Pure; any thread.
#pragma once
#include <string>
#include <string_view>

namespace pb::protocol::plane {

/// Of the beginning of a picture; else by the name's ending; else `told` without its parameters;
/// else "application/octet-stream".
std::string file_type_of(std::string_view name, std::string_view told, std::string_view bytes);
/// The name with the ending of this type, where it has none of its own.
std::string with_ending(std::string name, std::string_view type);

}  // namespace pb::protocol::plane
