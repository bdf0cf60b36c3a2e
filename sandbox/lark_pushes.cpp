// sandbox: events and callbacks of the in-memory Lark: their envelopes and bodies (contract 1.4, 2,
// 4.3 to 4.6), when they are due, and what the answers of callbacks do.
#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "sandbox/lark_state.hpp"

namespace pb::sandbox {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t interactions_kept = 200;
constexpr unsigned preview_calls_per_second = 5;
constexpr auto preview_token_pause = 5s;

json::object membership(const lark::impl& in, const chat_row& c, const person_row* by) {
  row out{{"chat_id", c.id}};
  if (by != nullptr) out["operator_id"] = in.id_object(*by);
  out["external"] = c.external;
  out["operator_tenant_key"] = in.options.tenant_key;
  out["name"] = c.name;
  out["i18n_names"] = row{{"zh_cn", c.name}, {"en_us", c.name}, {"ja_jp", c.name}};
  return out;
}

}  // namespace

row lark::impl::push_header(std::string_view type, bool callback) {
  const timestamp now = clock.now();
  return row{{"event_id", hex(32)},
             {"event_type", type},
             // Milliseconds for events, microseconds for callbacks.
             {"create_time", callback ? std::to_string(to_micros(now)) : millis(now)},
             {"token", options.verification_token.reveal()},
             {"app_id", options.app_id},
             {"tenant_key", options.tenant_key}};
}

void lark::impl::push_event(std::string_view type, row event, std::string about) {
  lark_push p;
  row header = push_header(type, false);
  p.id = text_of(header, "event_id");
  p.type = type;
  p.about = std::move(about);
  p.body = json::serialize(
      row{{"schema", "2.0"}, {"header", std::move(header)}, {"event", std::move(event)}});
  const auto span = options.push_delay_max - options.push_delay_min;
  const std::chrono::milliseconds delay =
      options.push_delay_min + std::chrono::milliseconds{static_cast<std::int64_t>(
                                   random.unit_draw() * static_cast<double>(span.count()))};
  queue.push_back({clock.now() + delay, std::move(p)});
}

void lark::impl::push_callback(std::string_view type, row event, std::string about,
                               std::uint64_t interaction) {
  lark_push p;
  p.type = type;
  p.kind = push_kind::callback;
  p.about = std::move(about);
  p.interaction = interaction;
  p.legacy = type == "card.action.trigger_v1";
  if (p.legacy) {
    p.body = json::serialize(event);
  } else {
    row header = push_header(type, true);
    p.id = text_of(header, "event_id");
    p.body = json::serialize(
        row{{"schema", "2.0"}, {"header", std::move(header)}, {"event", std::move(event)}});
  }
  queue.push_back({clock.now(), std::move(p)});
}

void lark::impl::tell_message(const message_row& m) {
  const chat_row& where = *chat(m.chat);
  if (!where.bot || where.dissolved) return;
  const bool mentioned =
      std::ranges::find(m.mentions, options.bot_open_id, &mention_row::open_id) != m.mentions.end();
  if (where.form != chat_form::p2p && !options.all_group_messages && !mentioned) return;
  row message{{"message_id", m.id}};
  if (!m.root.empty()) message["root_id"] = m.root;
  if (!m.parent.empty()) message["parent_id"] = m.parent;
  message["create_time"] = millis(m.created);
  message["update_time"] = millis(m.updated);
  message["chat_id"] = m.chat;
  if (!m.thread.empty()) message["thread_id"] = m.thread;
  message["chat_type"] = where.form == chat_form::p2p ? "p2p" : "group";
  message["message_type"] = m.type;
  message["content"] = m.seen;
  if (!m.mentions.empty()) {
    json::array mentions;
    for (const auto& each : m.mentions) mentions.push_back(mention_object(each, false));
    message["mentions"] = std::move(mentions);
  }
  const person_row& by = *person(m.by);
  push_event("im.message.receive_v1",
             row{{"sender", row{{"sender_id", id_object(by)},
                                {"sender_type", "user"},
                                {"tenant_key", options.tenant_key}}},
                 {"message", std::move(message)}},
             m.id);
}

void lark::impl::tell_recalled(const message_row& m) {
  const chat_row& where = *chat(m.chat);
  if (!where.bot || where.dissolved) return;
  push_event("im.message.recalled_v1",
             row{{"message_id", m.id},
                 {"chat_id", m.chat},
                 {"recall_time", millis(m.updated)},
                 {"recall_type", m.recalled_by}},
             m.id);
}

void lark::impl::tell_reaction(const message_row& m, const message_row::reaction& r, bool removed) {
  if (!chat(m.chat)->bot) return;
  row event{{"message_id", m.id}, {"reaction_type", row{{"emoji_type", r.emoji}}}};
  event["operator_type"] = r.by.empty() ? "app" : "user";
  if (r.by.empty())
    event["app_id"] = options.app_id;
  else if (const person_row* p = person(r.by))
    event["user_id"] = id_object(*p);
  event["action_time"] = millis(removed ? stamp() : r.at);
  push_event(removed ? "im.message.reaction.deleted_v1" : "im.message.reaction.created_v1",
             std::move(event), m.id);
}

void lark::impl::tell_bot_membership(const chat_row& c, std::string_view by, bool added) {
  push_event(added ? "im.chat.member.bot.added_v1" : "im.chat.member.bot.deleted_v1",
             membership(*this, c, person(by)), c.id);
}

void lark::impl::tell_member(const chat_row& c, const person_row& who, bool added) {
  if (!c.bot || c.dissolved) return;
  row event = membership(*this, c, person(c.owner));
  event["users"] = json::array{
      row{{"name", who.name}, {"tenant_key", options.tenant_key}, {"user_id", id_object(who)}}};
  push_event(added ? "im.chat.member.user.added_v1" : "im.chat.member.user.deleted_v1",
             std::move(event), c.id);
}

lark_interaction& lark::impl::interact(std::string_view what, std::string_view by) {
  lark_interaction i;
  i.number = ++last_interaction;
  i.what = what;
  i.by = by;
  interactions.push_back(std::move(i));
  if (interactions.size() > interactions_kept) interactions.pop_front();
  changed();
  return interactions.back();
}

void lark::impl::ask_preview(lark_interaction& i, std::string_view token,
                             std::string_view message_id, std::string_view chat_id) {
  const person_row* p = person(i.by);
  row who{{"tenant_key", options.tenant_key}};
  if (p != nullptr) {
    who["user_id"] = p->user_id;
    who["open_id"] = p->open_id;
  }
  i.message_id = message_id;
  push_callback("url.preview.get",
                row{{"operator", std::move(who)},
                    {"host", "im_message"},
                    {"context", row{{"url", i.url},
                                    {"preview_token", token},
                                    {"open_message_id", message_id},
                                    {"open_chat_id", chat_id}}}},
                std::string{message_id}, i.number);
}

answer lark::impl::preview_update(lark_call& c) {
  const json::array wanted = list_of(c.body, "preview_tokens"), only = list_of(c.body, "open_ids");
  if (wanted.empty() || wanted.size() > 10 || only.size() > 100)
    return refuse(230001, "preview_tokens: 1 to 10, open_ids: at most 100");
  const timestamp now = clock.now();
  forget_older(preview_calls, now - 1s);
  if (preview_calls.size() >= preview_calls_per_second) {
    answer a = refuse(99991400);
    a.headers.push_back({"x-ogw-ratelimit-limit", std::to_string(preview_calls_per_second)});
    a.headers.push_back({"x-ogw-ratelimit-reset", "1"});
    return a;
  }
  preview_calls.push_back(now);
  for (const auto& t : wanted) {
    const std::string token = t.is_string() ? std::string{t.get_string()} : "";
    const auto found = preview_tokens.find(token);
    if (found == preview_tokens.end()) return refuse(230001, "unknown preview_token");
    const auto last = preview_pushes.find(token);
    if (last != preview_pushes.end() && now - last->second < preview_token_pause) continue;
    preview_pushes[token] = now;
    const message_row* m = message(found->second.first);
    if (m == nullptr || m->deleted) continue;
    for (const auto& viewer : chat(m->chat)->members) {
      const bool asked = only.empty() || std::ranges::any_of(only, [&](const json::value& id) {
                           return id.is_string() && id.get_string() == viewer;
                         });
      if (!asked) continue;
      auto& i = interact("url.preview.get", viewer);
      i.url = found->second.second;
      ask_preview(i, token, m->id, m->chat);
    }
  }
  return ok(json::object{});
}

std::vector<lark_push> lark::take_due_pushes() {
  const std::scoped_lock held{impl_->lock};
  const timestamp now = impl_->clock.now();
  std::vector<due_push> due;
  for (const auto& p : impl_->queue)
    if (p.due <= now) due.push_back(p);
  std::erase_if(impl_->queue, [&](const due_push& p) { return p.due <= now; });
  std::ranges::stable_sort(due, {}, &due_push::due);
  std::vector<lark_push> out;
  for (auto& d : due) out.push_back(std::move(d.push));
  return out;
}

std::optional<timestamp> lark::next_push_due() const {
  const std::scoped_lock held{impl_->lock};
  std::optional<timestamp> next;
  for (const auto& p : impl_->queue) next = next ? std::min(*next, p.due) : p.due;
  return next;
}

lark_push lark::repeated(lark_push again) {
  const std::scoped_lock held{impl_->lock};
  if (again.type != "im.message.receive_v1" && again.type != "card.action.trigger") return again;
  const std::string id = impl_->hex(32);
  // The id is a hex text that stands once in the body.
  if (const auto at = again.body.find(again.id); at != std::string::npos && !again.id.empty())
    again.body.replace(at, again.id.size(), id);
  again.id = id;
  return again;
}

lark_push lark::challenge() {
  const std::scoped_lock held{impl_->lock};
  lark_push p;
  p.type = "url_verification";
  p.kind = push_kind::callback;
  p.body = json::serialize(row{{"challenge", make_uuid(impl_->random)},
                               {"token", impl_->options.verification_token.reveal()},
                               {"type", "url_verification"}});
  return p;
}

void lark::impl::show_card(const lark_push& push, lark_interaction& i, const json::object& card) {
  message_row* m = message(i.message_id);
  if (m == nullptr || m->deleted) return;
  const json::object* data = &card;
  if (!push.legacy) {
    const json::value* inner = card.if_contains("data");
    if (text_of(card, "type") != "raw" || inner == nullptr || !inner->is_object()) {
      i.shown_error = 200673;
      return;
    }
    data = &inner->get_object();
  }
  boost::system::error_code ec;
  const json::value before = json::parse(m->sent, ec);
  const bool was_v2 = !ec && before.is_object() && text_of(before.get_object(), "schema") == "2.0";
  if (was_v2 != (text_of(*data, "schema") == "2.0")) {
    i.shown_error = 200830;
    return;
  }
  message_row next = *m;
  const std::string text = json::serialize(*data);
  if (take_content(next, text, text.size())) {
    i.shown_error = 200673;
    return;
  }
  next.updated = stamp();
  *m = std::move(next);
}

void lark::answered(const lark_push& push, std::string_view body) {
  const std::scoped_lock held{impl_->lock};
  auto& in = *impl_;
  const auto found =
      std::ranges::find(in.interactions, push.interaction, &lark_interaction::number);
  if (found == in.interactions.end() || found->state != "waiting") return;
  lark_interaction& i = *found;
  in.changed();
  i.state = "answered";
  boost::system::error_code ec;
  const json::value v = json::parse(body, ec);
  if (ec || !v.is_object()) {
    i.shown_error = 200672;
  } else {
    const auto& given = v.get_object();
    if (const json::value* toast = given.if_contains("toast")) {
      constexpr std::array<std::string_view, 4> kinds{"info", "success", "error", "warning"};
      const std::string kind =
          toast->is_object() ? text_of(toast->get_object(), "type") : std::string{"?"};
      if (std::ranges::find(kinds, kind) == kinds.end() && !kind.empty()) {
        i.shown_error = 200672;
      } else {
        i.toast_type = kind.empty() ? "info" : kind;
        i.toast = text_of(toast->get_object(), "content");
      }
    }
    if (const json::value* line = given.if_contains("inline");
        line != nullptr && line->is_object()) {
      i.inline_title = text_of(line->get_object(), "title");
      if (const json::value* more = line->get_object().if_contains("i18n_title");
          more != nullptr && more->is_object() && more->get_object().contains("zh_cn"))
        i.inline_title = text_of(more->get_object(), "zh_cn");
    }
    const json::value* card = given.if_contains("card");
    if (push.type == "card.action.trigger" && card != nullptr) {
      if (card->is_object())
        in.show_card(push, i, card->get_object());
      else
        i.shown_error = 200672;
    }
    if (push.legacy && given.contains("elements")) {
      json::object shown = given;
      shown.erase("toast");
      in.show_card(push, i, shown);
    }
  }
  if (i.shown_error != 0) i.state = "failed";
}

void lark::unanswered(const lark_push& push, int shown_error) {
  const std::scoped_lock held{impl_->lock};
  const auto found =
      std::ranges::find(impl_->interactions, push.interaction, &lark_interaction::number);
  if (found == impl_->interactions.end() || found->state != "waiting") return;
  found->state = "failed";
  found->shown_error = shown_error;
  impl_->changed();
}

std::vector<lark_interaction> lark::interactions() const {
  const std::scoped_lock held{impl_->lock};
  return {impl_->interactions.begin(), impl_->interactions.end()};
}

}  // namespace pb::sandbox
