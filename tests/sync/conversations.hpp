// tests/sync/conversations: arbitrary values of what conversations know and hand over, for
// properties.
#pragma once
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "sync/between.hpp"
#include "sync/thread_rules.hpp"

namespace conversations {
using namespace pb;
using namespace pb::sync;

inline std::string any_text() {
  static const std::vector<std::string> pieces{
      "", "a", "\"", "\\", "\n", "é", "截止", "🚀", "\x01", "</p>", "<at user_id=\"all\"></at>",
      " "};
  std::string out;
  for (int n = *rc::gen::inRange(0, 6); n > 0; --n)
    out += pieces[*rc::gen::inRange<std::size_t>(0, pieces.size())];
  return out;
}
inline std::vector<std::string> any_texts() {
  std::vector<std::string> out(*rc::gen::inRange<std::size_t>(0, 4));
  for (auto& t : out) t = any_text();
  return out;
}
inline bool any_flag() { return *rc::gen::arbitrary<bool>(); }
inline timestamp any_time() {
  return from_micros(*rc::gen::inRange<std::int64_t>(0, 4'000'000'000'000'000));
}
inline item_view any_view() {
  item_view v;
  v.id = any_text();
  v.project = any_text();
  v.identifier = any_text();
  v.sequence = *rc::gen::inRange<std::int64_t>(0, 1'000'000'000'000);
  v.name = any_text();
  v.url = any_text();
  v.state = {any_text(), any_text(),
             static_cast<protocol::plane::state_group>(*rc::gen::inRange(0, 6))};
  v.prio = static_cast<protocol::plane::priority>(*rc::gen::inRange(0, 5));
  for (const auto& t : any_texts()) v.assignees.push_back({t, any_text(), any_text()});
  for (const auto& t : any_texts()) v.labels.push_back({t, any_text()});
  v.start_date = any_text();
  v.target_date = any_text();
  v.excerpt = any_text();
  v.gone = any_flag();
  v.archived = any_flag();
  return v;
}
inline chat_author any_author() { return {any_text(), any_text(), any_text(), any_flag()}; }

inline between any_between() {
  switch (*rc::gen::inRange(0, 12)) {
    case 0: {
      thread_commented c{any_text(), any_text(), any_text(), any_text(), any_author()};
      for (const auto& key : any_texts()) c.files.push_back({key, any_text(), any_flag()});
      return c;
    }
    case 1:
      return thread_recalled{any_text(), any_text(), any_text()};
    case 2: {
      thread_edited e;
      e.thread = any_text();
      e.chat = any_text();
      e.message = any_text();
      e.author = any_author();
      if (any_flag()) e.state = any_text();
      if (any_flag()) e.target_date = any_text();
      if (any_flag()) e.start_date = any_text();
      if (any_flag()) e.name = any_text();
      if (any_flag()) e.prio = static_cast<protocol::plane::priority>(*rc::gen::inRange(0, 5));
      if (any_flag()) e.assignees = any_texts();
      e.labels_added = any_texts();
      e.labels_removed = any_texts();
      for (const auto& t : any_texts())
        e.names.states.push_back(
            {t, any_text(), static_cast<protocol::plane::state_group>(*rc::gen::inRange(0, 6))});
      for (const auto& t : any_texts()) e.names.labels.push_back({t, any_text()});
      for (const auto& t : any_texts()) e.names.people.push_back({t, any_text(), ""});
      return e;
    }
    case 3:
      return thread_bound{any_text(), any_text(), any_flag(), any_flag(), any_flag()};
    case 4:
      return thread_wants_item{any_text(), any_text(), any_text(),  any_text(),
                               any_text(), any_text(), any_author()};
    case 5: {
      item_changed c{any_view(), {}, any_text(), any_text(), any_text(), any_text()};
      for (const auto& t : any_texts()) c.changes.push_back({t, any_text(), any_text()});
      return c;
    }
    case 6:
      return item_commented{static_cast<item_commented::what>(*rc::gen::inRange(0, 3)),
                            any_text(),
                            any_text(),
                            any_text(),
                            any_text(),
                            any_flag(),
                            any_text(),
                            any_text(),
                            any_view()};
    case 7: {
      item_answered a{any_text(), any_flag(), any_text(), any_text(), {}};
      if (any_flag()) a.now = any_view();
      return a;
    }
    case 8: {
      chat_announcement a;
      if (any_flag()) a.item = any_view();
      a.project = any_text();
      a.project_name = any_text();
      a.identifier = any_text();
      a.url = any_text();
      a.author = any_text();
      a.author_id = any_text();
      return a;
    }
    case 9:
      return chat_alarm{any_text()};
    case 10:
      return thread_started{any_text(), any_text(), any_view(), any_text(), any_text()};
    default:
      return thread_ended{any_text(), any_text(), any_text()};
  }
}

inline std::vector<thread_knowledge::recent> any_recents() {
  std::vector<thread_knowledge::recent> out;
  for (const auto& t : any_texts()) out.push_back({t, any_time()});
  return out;
}
inline thread_knowledge any_knowledge() {
  thread_knowledge k;
  k.chat = any_text();
  k.root = any_text();
  k.thread_id = any_text();
  k.p2p = any_flag();
  if (any_flag()) k.item = any_view();
  if (k.item.id.empty()) k.item = {};  // unbound: nothing of an item is kept
  k.bound_by = any_text();
  k.takes = static_cast<inbound>(*rc::gen::inRange(0, 3));
  k.gets_comments = any_flag();
  k.gets_changes = any_flag();
  k.muted = any_texts();
  k.quiet_from = any_text();
  k.quiet_to = any_text();
  for (const auto& t : any_texts())
    k.cards.push_back({t, any_time(), any_text(), any_text(), any_time(), any_time()});
  k.language = any_text();
  k.external = any_flag();
  k.awaits_item = any_text();
  k.clicks = any_recents();
  k.asked = any_recents();
  k.threads = any_texts();
  return k;
}

}  // namespace conversations
