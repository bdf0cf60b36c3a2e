// sync/plane_rules: what one thing heard from Plane means for what we know of a work item. Pure.
// Rules by name (docs/sync-rules.md): snapshot-not-delta, echo-by-value, no-delete-by-absence.
#pragma once
#include <string>
#include <variant>

#include "base/clock.hpp"
#include "protocol/plane/model.hpp"
#include "sync/knowledge.hpp"

namespace pb::sync {

/// A webhook of this work item.
struct heard_webhook {
  protocol::plane::webhook_event event;
  timestamp received_at{};
};
/// Our own direct read of the item, or one row of a poll or scan.
struct heard_item {
  protocol::plane::work_item item;
  timestamp requested_at{};  ///< when the request for it was sent
  bool direct = false;       ///< a read made for this very decision
};
/// A direct read found it gone: 404 while its project answers 200.
struct heard_gone {
  timestamp requested_at{};
};
/// A direct read could not tell: the project itself refuses us. A lost membership is not a
/// deletion.
struct heard_unreachable {
  std::string why;
};
/// Something may have changed: a touch, an absence from a list, a repeated body without a time.
struct heard_hint {
  std::string why;
};
using heard = std::variant<heard_webhook, heard_item, heard_gone, heard_unreachable, heard_hint>;

/// The item must be read before this can be decided.
struct needs_read {
  std::string why;
};
/// Settled: what we know now, and the rule for the timeline.
struct settled {
  item_knowledge now;
  bool changed = false;  ///< mapped values differ from before
  std::string rule;  ///< "applied: snapshot", "absorbed: echo-by-value", "stale", "ignored: …"
};
using verdict = std::variant<needs_read, settled>;

verdict judge(const item_knowledge& known, const heard& what);

}  // namespace pb::sync
