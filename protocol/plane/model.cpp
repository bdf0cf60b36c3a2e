#include "protocol/plane/model.hpp"

#include <string_view>

namespace pb::protocol::plane {

std::string_view to_string(priority p) noexcept {
  switch (p) {
    case priority::low:
      return "low";
    case priority::medium:
      return "medium";
    case priority::high:
      return "high";
    case priority::urgent:
      return "urgent";
    case priority::none:
      break;
  }
  return "none";
}

std::string_view to_string(state_group g) noexcept {
  switch (g) {
    case state_group::unstarted:
      return "unstarted";
    case state_group::started:
      return "started";
    case state_group::completed:
      return "completed";
    case state_group::cancelled:
      return "cancelled";
    case state_group::triage:
      return "triage";
    case state_group::backlog:
      break;
  }
  return "backlog";
}

}  // namespace pb::protocol::plane
