#include "sync/facts.hpp"

#include <algorithm>

namespace pb::sync {

bool project_facts::has_member(std::string_view plane_user) const noexcept {
  return !plane_user.empty() && std::any_of(members.begin(), members.end(), [&](const member& m) {
    return m.user.id == plane_user && !m.guest;
  });
}

std::string item_key(const protocol::plane::plane_link& link) {
  using protocol::plane::link_kind;
  switch (link.kind) {
    case link_kind::browse:
      return link.identifier + "-" + std::to_string(link.sequence);
    case link_kind::work_item:
    case link_kind::intake_item:
    case link_kind::epic:
    case link_kind::archived_item:
      return link.project + "/" + link.item;
    case link_kind::published_item:
      return "/" + link.item;
    default:
      return {};
  }
}

}  // namespace pb::sync
