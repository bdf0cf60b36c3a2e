// sync/preview: what a viewer is shown of a link to a work item (docs/contracts/lark.md, 4.6;
// private-stays-private). Pure: (who looks, where, at what; facts) → the answer, or what has to be
// known first. Asked for by actors/preview_desk. Nobody learns more than the link says who is not a
// mapped member of the item's project, unless previews are for everyone; and a group is shown what
// its channel mappings allow. Any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sync/facts.hpp"
#include "sync/thread_rules.hpp"

namespace pb::sync {

struct preview_question {
  std::string viewer;  ///< open_id
  std::string chat;    ///< empty: the link is in the input box, not sent
  std::string url;
};
/// A work item that a link leads to.
struct linked_item {
  std::string key;     ///< of need::kind::item
  std::string number;  ///< "WEB-42" when the link says it
};
/// Nothing: not a link to a work item of this installation.
std::optional<linked_item> item_behind_link(std::string_view url, const thread_rules& rules);

struct preview {
  std::string json;    ///< the whole answer
  bool shown = false;  ///< it tells of the item; false: no more than the link does
};
/// No more than the link says: while the item is being fetched, and for whoever may not see it.
/// "{}" for what is no link to a work item.
preview preview_of_link(const preview_question& q, const thread_rules& rules);

/// Asks for the item last, so that whoever may see nothing causes no read of Plane.
std::variant<std::vector<need>, preview> judge_preview(const preview_question& q,
                                                       const facts& given,
                                                       const thread_rules& rules);

}  // namespace pb::sync
