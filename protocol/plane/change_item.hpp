// protocol/plane/change_item: some fields of a work item, labels added to and taken from the set
// that is there now, and what the item is like afterwards. Plane replaces whole sets and drops
// people who cannot be assigned, with 200 (contracts: "Work items", traps): both are made good.
#pragma once
#include <string>
#include <vector>

#include "protocol/exchange.hpp"
#include "protocol/plane/requests.hpp"

namespace pb::protocol::plane {

struct item_change {
  item_fields set;  ///< labels in here replace the set; the two below then count on top
  std::vector<std::string> labels_added, labels_removed;  ///< uuids; in both: added
};

/// Names for what Plane's answer to a write gives as uuids. What is not among them costs one read.
struct item_names {
  std::vector<state_ref> states;
  std::vector<label_ref> labels;
  std::vector<user_ref> people;
};

/// Names for the uuids of `item`, as far as they are known. False: not for all of them.
bool take_names(work_item& item, const item_names& names);

/// May be repeated blindly: the sets are read anew each time.
class change_item final : public exchange {
public:
  change_item(api a, std::string project, std::string id, item_change change,
              item_names names = {});
  step start() override;
  step on_response(const http_response& answer) override;
  /// As it is now, with names.
  [[nodiscard]] const work_item& item() const noexcept { return item_; }
  /// Asked for and not taken by Plane; the people who were assigned before are so again.
  [[nodiscard]] const std::vector<std::string>& dropped_assignees() const noexcept {
    return dropped_;
  }

private:
  enum class stage : std::uint8_t { reading, writing, restoring, naming };
  step write(item_fields fields);
  step on_before(const http_response& answer);
  step on_written(const http_response& answer);
  step conclude();
  api api_;
  std::string project_, id_;
  item_change change_;
  item_names names_;
  stage stage_ = stage::writing;
  std::vector<std::string> assigned_before_;
  std::vector<std::string> dropped_;
  work_item item_;
};

}  // namespace pb::protocol::plane
