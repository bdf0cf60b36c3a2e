// sync/audience: which project's items may appear in which chat (private-stays-private). One rule
// for bindings, announcements, digests, cards and previews. Pure; any thread.
#pragma once
#include <span>
#include <string_view>

#include "sync/facts.hpp"

namespace pb::sync {

enum class audience : std::uint8_t {
  shown,
  not_mapped,  ///< no mapping of this chat shows the project
  external,    ///< it would be shown, but people of other tenants are in the chat
};
/// @param channels  mappings of the chat (those of other chats may be among them)
/// @param external  people of other tenants are in it
audience audience_of(std::string_view project, std::string_view chat,
                     std::span<const channel_mapping> channels, bool external) noexcept;
/// Whether a comment that Plane marks INTERNAL is meant to be: Plane marks all of them, and offers
/// a choice only where the project has a published board. Among people of other tenants the mark
/// counts always, and so it does while the project is not known (null).
bool is_meant_internal(const project_facts* project, bool external) noexcept;
/// Comments that are meant to be internal. `otherwise` is the installation's own setting; it never
/// opens a chat with people of other tenants, the mapping's can.
bool shows_internal_comments(std::string_view project, std::string_view chat,
                             std::span<const channel_mapping> channels, bool external,
                             bool otherwise) noexcept;
/// A link's preview is made for one viewer, a member of the project; guests do not count: Plane
/// shows them their own items only. @param everyone  lark.preview_audience = "everyone"
bool may_preview(const project_facts& project, std::string_view plane_user, bool everyone) noexcept;

}  // namespace pb::sync
