// sandbox: messages of the in-memory Lark read back, one by one or as a chat's or a topic's list,
// and reactions.
#include <algorithm>
#include <charconv>

#include "sandbox/lark_state.hpp"

namespace pb::sandbox {
namespace {

std::optional<std::int64_t> whole(std::string_view text) {
  std::int64_t n = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size())
    return std::nullopt;
  return n;
}

row reaction_view(const message_row::reaction& r, const std::string& app_id) {
  return row{{"reaction_id", r.id},
             {"operator", row{{"operator_id", r.by.empty() ? app_id : r.by},
                              {"operator_type", r.by.empty() ? "app" : "user"}}},
             {"action_time", millis(r.at)},
             {"reaction_type", row{{"emoji_type", r.emoji}}}};
}

}  // namespace

row lark::impl::message_view(const message_row& m, bool card_json) const {
  row out{{"message_id", m.id},
          {"msg_type", m.type},
          {"create_time", millis(m.created)},
          {"update_time", millis(m.updated)},
          {"deleted", m.deleted},
          {"updated", m.edited},
          {"chat_id", m.chat},
          {"sender", sender_object(m)}};
  out["body"] = row{{"content", m.deleted                              ? "This message was recalled"
                                : card_json && m.type == "interactive" ? m.sent
                                                                       : m.seen}};
  if (!m.root.empty()) out["root_id"] = m.root;
  if (!m.parent.empty()) out["parent_id"] = m.parent;
  if (!m.thread.empty()) out["thread_id"] = m.thread;
  if (!m.mentions.empty() && !m.deleted) {
    json::array mentions;
    for (const auto& each : m.mentions) mentions.push_back(mention_object(each, true));
    out["mentions"] = std::move(mentions);
  }
  return out;
}

answer lark::impl::message_get(lark_call& c) {
  if (!c.ids[0].starts_with("om_")) return refuse(99992354);
  const message_row* m = message(c.ids[0]);
  if (m == nullptr) return refuse(99992354);
  if (!chat(m->chat)->bot) return refuse(230002);
  const bool card_json = c.param("card_msg_content_type") == "user_card_content";
  return ok(row{{"items", json::array{message_view(*m, card_json)}}});
}

answer lark::impl::message_list(lark_call& c) {
  const std::string kind = c.param("container_id_type"), id = c.param("container_id");
  const bool thread = kind == "thread";
  if (!thread && kind != "chat") return refuse(230001, "invalid container_id_type");
  if (thread && (!c.param("start_time").empty() || !c.param("end_time").empty()))
    return refuse(230001, "a thread is listed without times");
  const auto size =
      c.param("page_size").empty() ? std::optional<std::int64_t>{20} : whole(c.param("page_size"));
  if (!size || *size < 1 || *size > 50) return refuse(230001, "invalid page_size");
  const std::string sort = c.param("sort_type");
  if (!sort.empty() && sort != "ByCreateTimeAsc" && sort != "ByCreateTimeDesc")
    return refuse(230001, "invalid sort_type");
  std::vector<const message_row*> rows;
  const chat_row* where = nullptr;
  if (thread) {
    for (const auto& each : chats)
      for (const auto& m : each.messages)
        if (messages.at(m).thread == id) {
          rows.push_back(&messages.at(m));
          where = &each;
        }
    if (where == nullptr) return refuse(230019);
  } else {
    where = chat(id);
    if (where == nullptr) return refuse(230001, "invalid container_id");
    const auto from = whole(c.param("start_time")), until = whole(c.param("end_time"));
    for (const auto& key : where->messages) {
      const message_row& m = messages.at(key);
      if (!m.thread.empty() && !m.parent.empty()) continue;  // of topics only the first
      const auto seconds =
          std::chrono::floor<std::chrono::seconds>(m.created).time_since_epoch().count();
      if ((from && seconds < *from) || (until && seconds > *until)) continue;
      rows.push_back(&m);
    }
  }
  if (where->dissolved) return refuse(232009);
  if (!where->bot) return refuse(230002);
  if (sort == "ByCreateTimeDesc") std::ranges::reverse(rows);
  // A page token names the first message of its page.
  auto first = rows.begin();
  if (const std::string token = c.param("page_token"); !token.empty()) {
    first =
        std::ranges::find_if(rows, [&](const message_row* m) { return "pt_" + m->id == token; });
    if (first == rows.end()) return refuse(230001, "invalid page_token");
  }
  const bool card_json = c.param("card_msg_content_type") == "user_card_content";
  const auto last = first + std::min<std::ptrdiff_t>(*size, rows.end() - first);
  json::array items;
  for (auto it = first; it != last; ++it) items.push_back(message_view(**it, card_json));
  const bool more = last != rows.end();
  return ok(row{{"has_more", more},
                {"page_token", more ? "pt_" + (*last)->id : ""},
                {"items", std::move(items)}});
}

answer lark::impl::reaction_add(lark_call& c) {
  message_row* m = message(c.ids[0]);
  if (m == nullptr) return refuse(99992354);
  if (!chat(m->chat)->bot) return refuse(230002);
  if (m->deleted) return refuse(230011);
  const json::value* type = c.body.if_contains("reaction_type");
  const std::string emoji =
      type != nullptr && type->is_object() ? text_of(type->get_object(), "emoji_type") : "";
  if (emoji.empty() || emoji.size() > 64) return refuse(231001);
  for (const auto& r : m->reactions)  // the same one again is the same one
    if (r.by.empty() && r.emoji == emoji) return ok(reaction_view(r, options.app_id));
  m->reactions.push_back({"ZCaCIjUBVVWSrm5L-" + hex(16), emoji, "", stamp()});
  changed();
  tell_reaction(*m, m->reactions.back(), false);
  return ok(reaction_view(m->reactions.back(), options.app_id));
}

answer lark::impl::reaction_list(lark_call& c) {
  const message_row* m = message(c.ids[0]);
  if (m == nullptr) return refuse(99992354);
  if (!chat(m->chat)->bot) return refuse(230002);
  const std::string only = c.param("reaction_type");
  json::array items;
  for (const auto& r : m->reactions)
    if (only.empty() || r.emoji == only) items.push_back(reaction_view(r, options.app_id));
  return ok(row{{"items", std::move(items)}, {"has_more", false}, {"page_token", ""}});
}

answer lark::impl::reaction_delete(lark_call& c) {
  message_row* m = message(c.ids[0]);
  if (m == nullptr) return refuse(99992354);
  if (!chat(m->chat)->bot) return refuse(230002);
  const auto found = std::ranges::find(m->reactions, c.ids[1], &message_row::reaction::id);
  if (found == m->reactions.end()) return refuse(231001);
  if (!found->by.empty()) return refuse(231002);
  const auto gone = *found;
  m->reactions.erase(found);
  changed();
  tell_reaction(*m, gone, true);
  return ok(reaction_view(gone, options.app_id));
}

std::vector<json::value> lark::messages(std::string_view id) const {
  const std::scoped_lock held{impl_->lock};
  std::vector<json::value> out;
  if (const chat_row* c = impl_->chat(id))
    for (const auto& key : c->messages)
      if (const message_row& m = impl_->messages.at(key); !m.deleted)
        out.emplace_back(impl_->message_view(m, true));
  return out;
}

}  // namespace pb::sandbox
