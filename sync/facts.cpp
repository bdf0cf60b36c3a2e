#include "sync/facts.hpp"

#include <algorithm>

namespace pb::sync {

bool project_facts::has_member(std::string_view plane_user) const noexcept {
  return !plane_user.empty() && std::any_of(members.begin(), members.end(), [&](const member& m) {
    return m.user.id == plane_user && !m.guest;
  });
}

}  // namespace pb::sync
