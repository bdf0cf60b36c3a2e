// Links, queues and plans, as the tests of the calendar's rules build them.
#pragma once
#include <boost/test/unit_test.hpp>
#include <vector>

#include "items.hpp"
#include "sync/calendar_rules.hpp"

namespace sync_calendar {

using namespace pb::sync;
using namespace sync_items;

inline constexpr const char* event_href =
    "https://dav.example.org/home/planebridge-a/plane-issue-1%40calplanebot.ics";
inline constexpr const char* former_href =
    "https://dav.example.org/home/planebridge-b/plane-issue-1%40calplanebot.ics";

inline const calendar_rules live_rules{};
inline calendar_rules shadow_rules() {
  calendar_rules r;
  r.shadow = true;
  return r;
}

inline std::string print_of(const item_knowledge& k) { return fingerprint(k, live_rules); }

/// The link after the item's event was written at `sent`.
inline calendar_link written(const item_knowledge& k, double sent = 0) {
  calendar_link l;
  l.state = link_state::live;
  l.base.project = k.project;
  l.base.href = event_href;
  l.base.etag = "\"1\"";
  l.base.hash = "hash of " + k.name;
  l.base.agreed = l.base.planned = print_of(k);
  l.base.labels = k.labels;
  l.base.sent_at = at(sent);
  return l;
}
/// The link while its first event waits.
inline calendar_link planned(const item_knowledge& k) {
  calendar_link l;
  l.state = link_state::live;
  l.base.planned = print_of(k);
  return l;
}
inline queued_effect waiting(std::int64_t id, const std::string& print, bool attempted = false) {
  return {id, 1, attempted, false, print};
}
inline queued_effect withheld(std::int64_t id, const std::string& print) {
  return {id, 1, false, true, print};
}

/// What the server's listing says of an event that nobody touched.
inline observed_event untouched(const calendar_link& l, const item_knowledge& k) {
  observed_event seen;
  seen.present = true;
  seen.href = l.base.href;
  seen.etag = l.base.etag;
  seen.rendered_hash = "hash of " + k.name;
  seen.project = k.project;
  return seen;
}
inline observed_event absent(const std::string& project = project_id) {
  observed_event seen;
  seen.project = project;
  return seen;
}

inline calendar_outcome put_outcome(const item_knowledge& k, double when) {
  calendar_outcome o;
  o.project = k.project;
  o.href = event_href;
  o.etag = "\"2\"";
  o.hash = "hash of " + k.name;
  o.labels = k.labels;
  o.fingerprint = print_of(k);
  o.at = at(when);
  return o;
}

inline void same_link(const calendar_link& a, const calendar_link& b) {
  BOOST_TEST(to_string(a.state) == to_string(b.state));
  BOOST_TEST(to_json(a.base) == to_json(b.base));
}
/// Nothing goes out, is replaced, cancelled or stored.
inline void nothing_happens(const calendar_plan& p, const calendar_link& link) {
  BOOST_TEST(!p.effect.has_value());
  BOOST_TEST(!p.replace.has_value());
  BOOST_TEST(p.cancel.empty());
  BOOST_TEST(!p.link_changed);
  same_link(p.link, link);
}

}  // namespace sync_calendar
