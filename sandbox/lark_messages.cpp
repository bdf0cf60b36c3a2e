// sandbox: the bot's messages in the in-memory Lark: send, reply, edit, card updates, recall, with
// uuids, pace per chat, topics and the refusals of contract 3.3.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "sandbox/lark_state.hpp"

namespace pb::sandbox {
namespace {

using namespace std::chrono_literals;

constexpr auto uuid_window = 1h;
constexpr auto card_window = std::chrono::days{14};
constexpr unsigned most_edits = 20;
constexpr unsigned updates_per_second = 5;  ///< of one message
constexpr auto card_token_life = 30min;
constexpr unsigned card_token_uses = 2;

bool is_v2(const std::string& card) {
  boost::system::error_code ec;
  const json::value v = json::parse(card, ec);
  return !ec && v.is_object() && text_of(v.get_object(), "schema") == "2.0";
}

/// A card of schema 1.0 is not shared unless it says so; one of 2.0 always is.
bool updatable(const std::string& card) {
  boost::system::error_code ec;
  const json::value v = json::parse(card, ec);
  if (ec || !v.is_object()) return false;
  if (text_of(v.get_object(), "schema") == "2.0") return true;
  const json::value* config = v.get_object().if_contains("config");
  return config != nullptr && config->is_object() && true_in(config->get_object(), "update_multi");
}

}  // namespace

message_row* lark::impl::message(std::string_view id) {
  const auto found = messages.find(std::string{id});
  return found == messages.end() ? nullptr : &found->second;
}

message_row& lark::impl::put(chat_row& where, message_row m, message_row* parent, bool in_thread) {
  m.id = "om_" + hex(32);
  m.chat = where.id;
  m.created = m.updated = stamp();
  const auto topic = [&] { return "omt_" + hex(12); };
  if (parent != nullptr) {
    const std::string root = parent->root.empty() ? parent->id : parent->root;
    if (!parent->thread.empty()) {
      m.thread = parent->thread;
      // In a topic everything hangs on its first message. A topic opened on a quote-reply has that
      // reply as its first.
      message_row* first = message(root);
      m.root = first != nullptr && first->thread == parent->thread ? root : parent->id;
      m.parent = m.root;
    } else if (in_thread) {
      parent->thread = topic();
      m.thread = parent->thread;
      m.root = m.parent = parent->id;
    } else {
      m.root = root;
      m.parent = parent->id;
    }
  } else if (where.form == chat_form::topic) {
    m.thread = topic();
  }
  where.messages.push_back(m.id);
  changed();
  const std::string id = m.id;
  return messages.emplace(id, std::move(m)).first->second;
}

answer lark::impl::bot_posts(lark_call& c, chat_row& where, message_row* parent, bool in_thread) {
  const std::string uuid = text_of(c.body, "uuid");
  if (uuid.size() > 50) return refuse(230001, "uuid is longer than 50 characters");
  const timestamp now = clock.now();
  if (!uuid.empty())
    if (const auto before = uuids.find(uuid);
        before != uuids.end() && now - before->second.second < uuid_window)
      if (const message_row* first = message(before->second.first))
        return ok(message_view(*first, false));
  message_row m;
  m.type = text_of(c.body, "msg_type");
  const json::value* content = c.body.if_contains("content");
  if (content == nullptr || !content->is_string())
    return refuse(230001, "content is not a string in json format");
  if (auto refused = take_content(m, std::string{content->get_string()}, c.in->body.size()))
    return std::move(*refused);
  if (options.limits.chat_per_second != 0) {
    forget_older(where.bot_posts, now - 1s);
    if (where.bot_posts.size() >= options.limits.chat_per_second) return refuse(230020);
  }
  where.bot_posts.push_back(now);
  const message_row& made = put(where, std::move(m), parent, in_thread);
  if (!uuid.empty()) uuids[uuid] = {made.id, now};
  std::erase_if(uuids, [&](const auto& u) { return now - u.second.second >= uuid_window; });
  return ok(message_view(made, false));
}

answer lark::impl::message_create(lark_call& c) {
  const std::string id_type = c.param("receive_id_type");
  const std::string to = text_of(c.body, "receive_id");
  if (id_type == "chat_id") {
    chat_row* where = chat(to);
    if (where == nullptr) return refuse(230001, "invalid receive_id");
    if (where->dissolved) return refuse(232009);
    if (!where->bot) return refuse(230002);
    return bot_posts(c, *where, nullptr, false);
  }
  if (id_type != "open_id" && id_type != "union_id" && id_type != "user_id" && id_type != "email")
    return refuse(230001, "invalid receive_id_type");
  person_row* who = person(to, id_type);
  if (who == nullptr) return refuse(id_type == "open_id" ? 99992361 : 230001);
  if (who->resigned || !who->visible) return refuse(230013);
  return bot_posts(c, chat_with(*who), nullptr, false);
}

answer lark::impl::message_reply(lark_call& c) {
  if (!c.ids[0].starts_with("om_")) return refuse(99992354);
  message_row* parent = message(c.ids[0]);
  if (parent == nullptr) return refuse(99992354);
  chat_row& where = *chat(parent->chat);
  if (where.dissolved) return refuse(232009);
  if (!where.bot) return refuse(230002);
  const json::value* flag = c.body.if_contains("reply_in_thread");
  if (flag != nullptr && !flag->is_bool())
    return refuse(230001, "reply_in_thread is not a boolean");
  // The uuid of a reply that was sent answers even when the message was recalled since.
  const std::string uuid = text_of(c.body, "uuid");
  const auto sent = uuids.find(uuid);
  const bool again =
      !uuid.empty() && sent != uuids.end() && clock.now() - sent->second.second < uuid_window;
  if (parent->deleted && !again) return refuse(230011);
  return bot_posts(c, where, parent, flag != nullptr && flag->get_bool());
}

answer lark::impl::message_patch(lark_call& c) {
  message_row* m = message(c.ids[0]);
  if (m == nullptr) return refuse(99992354);
  const chat_row& where = *chat(m->chat);
  if (where.dissolved) return refuse(232009);
  if (!where.bot) return refuse(230002);
  if (!m->by.empty()) return refuse(230027, "not the sender of the message");
  if (m->type != "interactive") return refuse(230054);
  if (m->deleted) return refuse(230011);
  const timestamp now = clock.now();
  if (now - m->created > card_window) return refuse(230031);
  forget_older(m->patches, now - 1s);
  if (m->patches.size() >= updates_per_second) return refuse(230020);
  const json::value* content = c.body.if_contains("content");
  if (content == nullptr || !content->is_string())
    return refuse(230001, "content is not a string in json format");
  message_row next = *m;
  if (auto refused = take_content(next, std::string{content->get_string()}, c.in->body.size()))
    return std::move(*refused);
  if (is_v2(m->sent) && !is_v2(next.sent)) return refuse(230099, "ErrCode: 200830");
  if (!updatable(m->sent) || !updatable(next.sent))
    return refuse(230001, "update_multi must be true");
  next.patches.push_back(now);
  next.updated = stamp();
  next.edited = true;
  *m = std::move(next);
  changed();
  return ok(json::object{});
}

answer lark::impl::message_edit(lark_call& c) {
  message_row* m = message(c.ids[0]);
  if (m == nullptr) return refuse(99992354);
  const chat_row& where = *chat(m->chat);
  if (where.dissolved) return refuse(232009);
  if (!where.bot) return refuse(230002);
  if (!m->by.empty()) return refuse(230071);
  if (m->deleted) return refuse(230011);
  const std::string type = text_of(c.body, "msg_type");
  if (m->type != "text" && m->type != "post") return refuse(230054);
  if (type != "text" && type != "post") return refuse(230054);
  if (m->edits >= most_edits) return refuse(230072);
  message_row next = *m;
  next.type = type;
  if (auto refused = take_content(next, text_of(c.body, "content"), c.in->body.size()))
    return std::move(*refused);
  ++next.edits;
  next.updated = stamp();
  next.edited = true;
  *m = std::move(next);
  changed();
  return ok(message_view(*m, false));
}

answer lark::impl::message_delete(lark_call& c) {
  message_row* m = message(c.ids[0]);
  if (m == nullptr) return refuse(99992354);
  const chat_row& where = *chat(m->chat);
  if (!where.bot) return refuse(230002);
  if (!m->by.empty()) return refuse(230026);
  if (m->deleted) return refuse(230011);
  if (clock.now() - m->created > options.recall_window) return refuse(230009);
  m->deleted = true;
  m->recalled_by = "message_owner";
  m->updated = stamp();
  changed();
  tell_recalled(*m);
  return ok(json::object{});
}

answer lark::impl::card_update(lark_call& c) {
  const std::string text = text_of(c.body, "token");
  const auto found = card_tokens.find(text);
  if (found == card_tokens.end()) return refuse(300020);
  auto& token = found->second;
  if (clock.now() - token.issued > card_token_life) return refuse(300030);
  if (token.uses >= card_token_uses) return refuse(300040);
  message_row* m = message(token.message);
  if (m == nullptr || m->deleted) return refuse(200000);
  const json::value* card = c.body.if_contains("card");
  if (card == nullptr || !card->is_object()) return refuse(11311);
  message_row next = *m;
  if (take_content(next, json::serialize(*card), c.in->body.size())) return refuse(11311);
  if (is_v2(m->sent) && !is_v2(next.sent)) return refuse(200830);
  ++token.uses;
  // Before the callback's own answer has left, the update is taken and then reverted.
  const auto waiting = std::ranges::any_of(interactions, [&](const lark_interaction& i) {
    return i.number == token.interaction && i.state == "waiting";
  });
  if (!waiting) {
    next.updated = stamp();
    *m = std::move(next);
    changed();
  }
  answer a = ok(json::object{});
  a.body = R"({"code":0,"msg":"ok"})";
  return a;
}

}  // namespace pb::sandbox
