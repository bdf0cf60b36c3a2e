// sync/item_view: what chat shows of a work item, and what an issue actor hands to the
// conversations that follow it. Values with a JSON form (the body of internal deliveries, part of
// a thread's knowledge). Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.hpp"
#include "protocol/plane/model.hpp"

namespace pb::sync {

struct item_view {
  std::string id, project;  ///< uuids
  std::string identifier;   ///< "WEB"; empty while the project is not known
  std::int64_t sequence = 0;
  std::string name, url;
  protocol::plane::state_ref state;
  protocol::plane::priority prio = protocol::plane::priority::none;
  std::vector<protocol::plane::user_ref> assignees;
  std::vector<protocol::plane::label_ref> labels;
  std::string start_date, target_date;  ///< YYYY-MM-DD; empty: none
  std::string excerpt;                  ///< of the description, plain text, at most 400 bytes
  bool gone = false, archived = false;
  friend bool operator==(const item_view&, const item_view&) = default;
};
/// "WEB-42", or the first eight digits of the uuid while the number is not known.
std::string short_name(const item_view& v);

std::string to_json(const item_view& v);
/// errc::bad_input for what is not such an object.
result<item_view> parse_item_view(std::string_view json);

/// One field of a work item that changed. Values as people read them.
struct field_change {
  std::string field;  ///< "state", "assignees", "priority", "start_date", "target_date", "name",
                      ///< "labels", "description", "link", "attachment", "cycle", "module",
                      ///< "deleted", "archived", "restored"
  std::string before, after;
  friend bool operator==(const field_change&, const field_change&) = default;
};

}  // namespace pb::sync
