// Work items and their times, as the tests of sync/ build them.
#pragma once
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <string>

#include "base/clock.hpp"
#include "protocol/plane/model.hpp"
#include "sync/knowledge.hpp"
#include "sync/plane_rules.hpp"

namespace sync_items {

using pb::timestamp;
namespace plane = pb::protocol::plane;

inline constexpr const char* item_id = "1a2b3c4d-0000-4000-8000-000000000001";
inline constexpr const char* project_id = "aaaaaaaa-0000-4000-8000-00000000000a";
inline constexpr const char* other_project = "bbbbbbbb-0000-4000-8000-00000000000b";

/// 2026-03-01T00:00:00Z and so many seconds.
inline timestamp at(double seconds) {
  using namespace std::chrono;
  return timestamp{sys_days{2026y / 3 / 1}} +
         microseconds{static_cast<std::int64_t>(seconds * 1e6)};
}
inline std::string time_text(double seconds) { return pb::format_rfc3339(at(seconds)); }

inline plane::work_item work_item(double updated, std::string name = "Ship it") {
  plane::work_item i;
  i.id = item_id;
  i.project = project_id;
  i.sequence_id = 42;
  i.name = std::move(name);
  i.description_html = "<p>Text</p>";
  i.prio = plane::priority::high;
  i.target_date = "2026-11-21";
  i.state = plane::state_ref{"s1", "Todo", plane::state_group::unstarted};
  i.assignees = {{"u1", "ada", ""}, {"u2", "lin", ""}};
  i.labels = {{"l2", "web"}, {"l1", "api"}};
  i.created_at = time_text(-1000);
  i.updated_at = time_text(updated);
  return i;
}
inline pb::sync::item_knowledge known_item(double updated, std::string name = "Ship it") {
  return pb::sync::learn({}, work_item(updated, std::move(name)));
}

inline pb::sync::heard webhook(const plane::work_item& item, double received,
                               plane::action what = plane::action::updated) {
  pb::sync::heard_webhook h;
  h.event.event = "issue";
  h.event.about = plane::subject::work_item;
  h.event.what = what;
  h.event.entity_id = h.event.work_item_id = item.id;
  h.event.updated_at = item.updated_at;
  h.event.item = item;
  h.received_at = at(received);
  return h;
}
/// A v2 event: ids and times, but not the whole item.
inline pb::sync::heard bare(double updated, double received,
                            plane::action what = plane::action::updated) {
  auto h = std::get<pb::sync::heard_webhook>(webhook(work_item(updated), received, what));
  h.event.generation = 2;
  h.event.item.reset();
  return h;
}

inline pb::sync::settled settled_by(const pb::sync::item_knowledge& known,
                                    const pb::sync::heard& what) {
  auto v = pb::sync::judge(known, what);
  if (const auto* asks = std::get_if<pb::sync::needs_read>(&v))
    BOOST_FAIL("a read is asked for: " + asks->why);
  return std::get<pb::sync::settled>(std::move(v));
}
inline bool asks_for_a_read(const pb::sync::item_knowledge& known, const pb::sync::heard& what) {
  return std::holds_alternative<pb::sync::needs_read>(pb::sync::judge(known, what));
}

}  // namespace sync_items
