#include "sync/plane_rules.hpp"

#include <algorithm>
#include <optional>

namespace pb::sync {
namespace plane = protocol::plane;
namespace {

settled unchanged(const item_knowledge& known, std::string rule) {
  return {known, false, std::move(rule)};
}

settled tombstone(const item_knowledge& known, presence where, timestamp heard_at,
                  std::string rule) {
  item_knowledge now = known;
  now.last_event_at = std::max(now.last_event_at, heard_at);
  now.where = where;
  const bool changed = known.where != where;
  return {std::move(now), changed, std::move(rule)};
}

settled take(const item_knowledge& known, const plane::work_item& item, std::string rule) {
  item_knowledge now = learn(known, item);
  const bool changed = !same_values(known, now);
  return {std::move(now), changed, changed ? std::move(rule) : "absorbed: echo-by-value"};
}

/// <0 older, 0 the same, >0 newer than known; nothing when a time is missing or unreadable.
std::optional<int> order(const std::string& known, const std::string& heard_time) {
  if (known.empty() || heard_time.empty()) return std::nullopt;
  const auto a = parse_rfc3339(known), b = parse_rfc3339(heard_time);
  if (!a || !b) return std::nullopt;
  return *b < *a ? -1 : *b == *a ? 0 : 1;
}

/// An event without the whole item (v2). One read shows the present to a whole burst: an event
/// journaled before that read was asked for, and not newer by Plane's own time, is in it already.
verdict judge_bare(const item_knowledge& before, const item_knowledge& known,
                   const heard_webhook& h) {
  const auto newer = order(known.updated_at, h.event.updated_at);
  if (before.last_event_at > h.received_at && newer && *newer <= 0)
    return unchanged(known, "absorbed: read after this event");
  if (h.event.what == plane::action::archived) {
    // An item may be restored: an archiving older than what is known may be over.
    if (known.where == presence::unknown || (newer && *newer >= 0))
      return tombstone(known, presence::archived, h.received_at, "applied: archived at the source");
    return needs_read{"archived, by an event that cannot be ordered"};
  }
  return needs_read{"the event does not carry the whole item"};
}

verdict judge_webhook(const item_knowledge& before, const heard_webhook& h) {
  const auto& e = h.event;
  item_knowledge known = before;
  known.last_event_at = std::max(known.last_event_at, h.received_at);

  const bool of_item = e.about != plane::subject::comment && !e.side_effect_only;
  if (e.what == plane::action::deleted && of_item)
    return tombstone(known, presence::gone, h.received_at, "applied: deleted at the source");
  // Whatever comes for a tombstone is late, or tells of a restoring: only a read can say which.
  if (is_tombstone(known)) return needs_read{"an event for an item held as gone"};
  if (e.about == plane::subject::comment)
    return unchanged(known, "ignored: no link of this work item uses comments");
  if (e.side_effect_only && !e.item)
    return unchanged(known, "ignored: says only that " +
                                (e.field.empty() ? "a part of it" : "its " + e.field) + " changed");
  if (!e.item) return judge_bare(before, known, h);

  if (known.where == presence::unknown) return take(known, *e.item, "applied: snapshot");
  const auto newer = order(known.updated_at, e.item->updated_at);
  if (!newer) return needs_read{"the event carries no time to order it by"};
  if (*newer < 0) return unchanged(known, "stale: older than what is known");
  settled s = take(known, *e.item, "applied: snapshot");
  // Two snapshots with one time that differ: order cannot be told.
  if (*newer == 0 && s.changed) return needs_read{"two snapshots with the same time differ"};
  return s;
}

verdict judge_item(const item_knowledge& known, const heard_item& h) {
  const auto newer = order(known.updated_at, h.item.updated_at);
  if (!h.direct && known.last_event_at > h.requested_at) {
    // What we hold was heard after the list was asked for: the list may be older.
    if (newer && *newer <= 0) return unchanged(known, "stale: listed before what is known");
    return needs_read{"something was heard after this list was asked for"};
  }
  // The present, whatever its time says (Plane restored from a backup).
  settled s = take(known, h.item,
                   newer && *newer < 0 ? "applied: read, source went back" : "applied: read");
  s.now.last_event_at = std::max(s.now.last_event_at, h.requested_at);
  return s;
}

}  // namespace

verdict judge(const item_knowledge& known, const heard& what) {
  struct visitor {
    const item_knowledge& known;
    verdict operator()(const heard_webhook& h) const { return judge_webhook(known, h); }
    verdict operator()(const heard_item& h) const { return judge_item(known, h); }
    verdict operator()(const heard_gone& h) const {
      return tombstone(known, presence::gone, h.requested_at,
                       "applied: gone, confirmed by reading");
    }
    verdict operator()(const heard_unreachable& h) const {
      return unchanged(known, "parked: " + h.why);
    }
    verdict operator()(const heard_hint& h) const { return needs_read{h.why}; }
  };
  return std::visit(visitor{known}, what);
}

}  // namespace pb::sync
