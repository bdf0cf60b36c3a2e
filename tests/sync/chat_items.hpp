// Work items, conversations and what they ask for, as the tests of the item's side of chat build
// them.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "items.hpp"
#include "sync/issue_chat.hpp"

namespace chat_items {

using namespace sync_items;
using namespace pb::sync;

inline const std::string todo = "50000000-0000-4000-8000-000000000001";
inline const std::string doing = "50000000-0000-4000-8000-000000000002";
inline const std::string done = "50000000-0000-4000-8000-000000000003";

inline chat_setting setting() {
  chat_setting s;
  s.app_url = "https://plane.example";
  s.workspace_slug = "fake";
  s.project = plane::project{project_id, "WEB", "Web", "", "", "", true, false, ""};
  return s;
}
inline binding follows(std::string thread, bool comments = true, bool changes = true) {
  return {std::move(thread), "oc_team", true, comments, changes};
}
inline channel_mapping channel(std::string chat) {
  channel_mapping c;
  c.chat = std::move(chat);
  c.project = project_id;
  return c;
}
inline chat_author author(std::string name = "Mei", bool own_key = false) {
  return {"ou_" + name, name, "user-" + name, own_key};
}
inline plane::webhook_event said(plane::action what, std::string field = "") {
  plane::webhook_event e;
  e.event = "issue";
  e.about = plane::subject::work_item;
  e.what = what;
  e.entity_id = e.work_item_id = item_id;
  e.field = std::move(field);
  e.actor_id = "u1";
  e.actor_name = "ada";
  return e;
}

/// All that is handed to one conversation or chat, by kind.
template <class T>
std::vector<T> told(const chat_plan& p, const pb::entity_key& to) {
  std::vector<T> out;
  for (const auto& h : p.hand_overs)
    if (h.to == to)
      if (const auto* t = std::get_if<T>(&h.what)) out.push_back(*t);
  return out;
}
template <class T>
std::vector<T> told(const chat_plan& p, const std::string& thread) {
  return told<T>(p, pb::entity_key::lark_thread(thread));
}

/// The lane "plane" of an item, as its actor keeps it.
class lane {
public:
  void take(const chat_plan& p) {
    for (const auto id : p.cancel)
      std::erase_if(queued_, [id](const auto& q) { return q.id == id; });
    for (const auto& w : p.writes) {
      if (!w.replace) {
        queued_.push_back({++last_, w.operation, w.object, w.payload, false});
        continue;
      }
      for (auto& q : queued_)
        if (q.id == *w.replace) {
          BOOST_TEST(!q.attempted, "what was sent is never replaced");
          q.payload = w.payload;
        }
    }
  }
  [[nodiscard]] const std::vector<queued_write>& queued() const { return queued_; }
  [[nodiscard]] bool empty() const { return queued_.empty(); }
  queued_write& head() { return queued_.front(); }
  [[nodiscard]] plane_write write() const {
    auto w = parse_plane_write(queued_.front().operation, queued_.front().payload);
    BOOST_REQUIRE_MESSAGE(w.has_value(), "a payload of ours does not read");
    return *w;
  }
  void pop() { queued_.erase(queued_.begin()); }

private:
  std::vector<queued_write> queued_;
  std::int64_t last_ = 0;
};

inline chat_plan plan_of(const request_verdict& v) {
  if (const auto* asks = std::get_if<needs_read>(&v))
    BOOST_FAIL("a read is asked for: " + asks->why);
  return std::get<chat_plan>(v);
}
inline chat_plan plan_of(const comment_verdict& v) {
  if (std::holds_alternative<needs_comment>(v)) BOOST_FAIL("the comment is asked for");
  return std::get<chat_plan>(v);
}

}  // namespace chat_items
