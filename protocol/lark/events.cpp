#include "protocol/lark/events.hpp"

#include <boost/json.hpp>
#include <utility>

#include "protocol/lark/reader.hpp"

namespace pb::protocol::lark {
namespace json = boost::json;
namespace {

constexpr std::string_view op_event = "lark.event";
constexpr std::size_t max_type_bytes = 100, max_url_bytes = 4'096, max_value_bytes = 64u << 10;
constexpr std::size_t max_form_values = 200;

using object = json::object;

message read_message(reader& r, const object& e) {
  message m;
  const auto* sender = r.child(e, "event", "sender", need::required);
  const auto* body = r.child(e, "event", "message", need::required);
  if (sender == nullptr || body == nullptr) return m;
  m.sender = r.who(*sender, "event.sender", "sender_id");
  const auto kind = r.text(*sender, "event.sender", "sender_type");
  m.from_bot = kind == "bot" || kind == "app";
  const std::string_view at = "event.message";
  m.message_id = r.opaque(*body, at, "message_id", need::required);
  m.root_id = r.opaque(*body, at, "root_id");
  m.parent_id = r.opaque(*body, at, "parent_id");
  m.thread_id = r.opaque(*body, at, "thread_id");
  m.chat_id = r.opaque(*body, at, "chat_id", need::required);
  m.chat = r.text(*body, at, "chat_type") == "p2p" ? chat_kind::p2p : chat_kind::group;
  m.type = cut(r.text(*body, at, "message_type"), max_type_bytes);
  m.content = r.text(*body, at, "content");
  m.mentions = r.mentions(*body, at);
  m.created_at = r.time(*body, "create_time");
  return m;
}

message_recalled read_recall(reader& r, const object& e) {
  return {r.opaque(e, "event", "message_id", need::required),
          r.opaque(e, "event", "chat_id", need::required),
          cut(r.text(e, "event", "recall_type"), max_type_bytes), r.time(e, "recall_time")};
}

reaction read_reaction(reader& r, const object& e, bool removed) {
  reaction out;
  out.message_id = r.opaque(e, "event", "message_id", need::required);
  if (const auto* kind = r.child(e, "event", "reaction_type"))
    out.emoji = r.opaque(*kind, "event.reaction_type", "emoji_type");
  out.who = r.who(e, "event", "user_id");
  out.by_app = r.text(e, "event", "operator_type") == "app";
  out.removed = removed;
  return out;
}

chat_membership read_membership(reader& r, const object& e, bool added, bool disbanded) {
  chat_membership out;
  out.chat_id = r.opaque(e, "event", "chat_id", need::required);
  out.name = r.name(e, "event", "name");
  out.added = added;
  out.external = r.flag(e, "event", "external");
  out.disbanded = disbanded;
  out.by = r.who(e, "event", "operator_id");
  return out;
}

/// A text, a list of texts (one pair each), or what a date picker of a form gives.
void read_form(reader& r, const object& form, card_action& out) {
  for (const auto& [key, v] : form) {
    const std::string_view name{key.data(), key.size()};
    const auto add = [&](std::string_view value) {
      if (out.form.size() < max_form_values) out.form.emplace_back(name, value);
    };
    if (name.size() > max_id_bytes) return r.fail("event.action.form_value", "", "a long name");
    if (const auto* s = v.if_string()) add(view(*s));
    if (const auto* b = v.if_bool()) add(*b ? "true" : "false");
    if (const auto* a = v.if_array())
      for (const auto& one : *a)
        if (const auto* s = one.if_string()) add(view(*s));
  }
}

/// The component that was used; the same members in new and old callbacks.
void read_action(reader& r, const object& a, std::string_view at, card_action& out) {
  out.tag = cut(r.text(a, at, "tag"), max_type_bytes);
  out.name = cut(r.text(a, at, "name"), max_id_bytes);
  out.option = r.text(a, at, "option");
  out.input = r.text(a, at, "input_value");
  out.timezone = cut(r.text(a, at, "timezone"), max_type_bytes);
  out.checked = r.flag(a, at, "checked");
  // Ours is always an object; a text is allowed by contract and is not ours.
  if (const auto* v = a.if_contains("value"); v != nullptr && v->is_object())
    out.value = json::serialize(*v);
  if (out.value.size() > max_value_bytes) r.fail(at, "value", "more than 64 kB");
  if (const auto* form = r.child(a, at, "form_value")) read_form(r, *form, out);
  if (const auto* all = r.list(a, at, "options"))
    for (const auto& one : *all)
      if (const auto* s = one.if_string(); s != nullptr && out.options.size() < max_form_values)
        out.options.emplace_back(view(*s));
}

card_action read_card(reader& r, const object& e) {
  card_action out;
  out.by = r.who(e, "event", "operator", need::required);
  out.token = r.opaque(e, "event", "token");
  if (const auto* c = r.child(e, "event", "context")) {
    out.message_id = r.opaque(*c, "event.context", "open_message_id");
    out.chat_id = r.opaque(*c, "event.context", "open_chat_id");
  }
  out.on_preview = r.text(e, "event", "delivery_type") == "url_preview";
  if (const auto* a = r.child(e, "event", "action", need::required))
    read_action(r, *a, "event.action", out);
  return out;
}

card_action read_legacy_card(reader& r, const object& root) {
  card_action out;
  out.legacy = true;
  out.by = {r.opaque(root, "", "open_id", need::required), {}, r.opaque(root, "", "user_id")};
  out.token = r.opaque(root, "", "token");
  out.message_id = r.opaque(root, "", "open_message_id");
  out.chat_id = r.opaque(root, "", "open_chat_id");
  if (const auto* a = r.child(root, "", "action", need::required))
    read_action(r, *a, "action", out);
  return out;
}

preview_request read_preview(reader& r, const object& e) {
  preview_request out;
  out.viewer = r.who(e, "event", "operator", need::required);
  const auto* c = r.child(e, "event", "context", need::required);
  if (c == nullptr) return out;
  out.url = r.text(*c, "event.context", "url", need::required);
  if (out.url.empty()) r.fail("event.context", "url", "empty");
  if (out.url.size() > max_url_bytes) r.fail("event.context", "url", "longer than 4096 bytes");
  out.preview_token = r.opaque(*c, "event.context", "preview_token");
  out.message_id = r.opaque(*c, "event.context", "open_message_id");
  out.chat_id = r.opaque(*c, "event.context", "open_chat_id");
  return out;
}

person_left read_leaver(reader& r, const object& e) {
  person_left out;
  const auto* user = r.child(e, "event", "object", need::required);
  if (user == nullptr) return out;
  out.who = r.who(*user, "event.object");
  out.name = r.name(*user, "event.object", "name");
  if (out.who.open_id.empty()) r.fail("event.object", "open_id", "missing");
  return out;
}

private_contact read_menu(reader& r, const object& e) {
  private_contact out;
  if (const auto* by = r.child(e, "event", "operator"))
    out.who = r.who(*by, "event.operator", "operator_id", need::required);
  out.menu_key = cut(r.text(e, "event", "event_key"), max_id_bytes);
  return out;
}

private_contact read_contact(reader& r, const object& e, std::string_view who) {
  return {r.who(e, "event", who), r.opaque(e, "event", "chat_id"), {}};
}

said read_said(reader& r, std::string_view type, const object& e) {
  if (type == "im.message.receive_v1") return read_message(r, e);
  if (type == "im.message.recalled_v1") return read_recall(r, e);
  if (type == "im.message.reaction.created_v1") return read_reaction(r, e, false);
  if (type == "im.message.reaction.deleted_v1") return read_reaction(r, e, true);
  if (type == "im.chat.member.bot.added_v1") return read_membership(r, e, true, false);
  if (type == "im.chat.member.bot.deleted_v1") return read_membership(r, e, false, false);
  if (type == "im.chat.disbanded_v1") return read_membership(r, e, false, true);
  if (type == "im.chat.updated_v1" || type.starts_with("im.chat.member.user."))
    return chat_changed{r.opaque(e, "event", "chat_id", need::required)};
  if (type == "contact.user.deleted_v3") return read_leaver(r, e);
  if (type == "im.chat.access_event.bot_p2p_chat_entered_v1")
    return read_contact(r, e, "operator_id");
  if (type == "p2p_chat_create") return read_contact(r, e, "user");
  if (type == "application.bot.menu_v6") return read_menu(r, e);
  if (type == "card.action.trigger") return read_card(r, e);
  if (type == "url.preview.get") return read_preview(r, e);
  return other_event{};
}

std::string read_type(reader& r, const object& o, std::string_view path, std::string_view key) {
  auto type = r.text(o, path, key, need::required);
  if (!r.failed() && (type.size() > max_type_bytes || !is_id(type)))
    r.fail(path, key, "not a name of an event");
  return type;
}

void read_v2(reader& r, const object& root, event& out) {
  out.schema = 2;
  const auto* header = r.child(root, "", "header", need::required);
  if (header == nullptr) return;
  out.id = r.opaque(*header, "header", "event_id", need::required);
  out.type = read_type(r, *header, "header", "event_type");
  out.app_id = r.opaque(*header, "header", "app_id");
  out.tenant_key = r.opaque(*header, "header", "tenant_key");
  out.token = r.text(*header, "header", "token");
  out.created_at = r.time(*header, "create_time");
  if (r.failed()) return;
  static const object nothing;
  const auto* e = root.if_contains("event");
  out.what = read_said(r, out.type, e != nullptr && e->is_object() ? e->get_object() : nothing);
}

void read_v1(reader& r, const object& root, event& out) {
  out.schema = 1;
  out.id = r.opaque(root, "", "uuid", need::required);
  out.token = r.text(root, "", "token");
  out.created_at = r.time(root, "ts");
  const auto* e = r.child(root, "", "event", need::required);
  if (e == nullptr) return;
  out.type = read_type(r, *e, "event", "type");
  out.app_id = r.opaque(*e, "event", "app_id");
  out.tenant_key = r.opaque(*e, "event", "tenant_key");
  // All other old events exist as 2.0, and both forms may be subscribed to: those are used.
  if (!r.failed() && out.type == "p2p_chat_create") out.what = read_contact(r, *e, "user");
}

}  // namespace

result<event> parse_event(std::string_view decrypted_json) {
  const auto parsed = parse_json(decrypted_json, max_push_bytes, errc::bad_input, op_event);
  if (!parsed) return parsed.error();
  reader r{errc::bad_input, op_event};
  const auto* root = parsed->if_object();
  if (root == nullptr) {
    r.fail("", "body", "an object is due, got " + std::string{kind_name(*parsed)});
    return r.problem();
  }
  event out;
  const auto type = r.text(*root, "", "type");
  if (root->contains("schema")) {
    if (r.text(*root, "", "schema") != "2.0") r.fail("", "schema", "only 2.0 is known");
    read_v2(r, *root, out);
  } else if (type == "url_verification") {
    out.schema = 0;
    out.type = type;
    out.token = r.text(*root, "", "token");
    auto challenge = r.text(*root, "", "challenge", need::required);
    if (challenge.size() > 1'000) r.fail("", "challenge", "longer than 1000 bytes");
    out.what = url_verification{std::move(challenge), out.token};
  } else if (type == "event_callback") {
    read_v1(r, *root, out);
  } else if (root->contains("action")) {
    out.schema = 0;
    out.type = "card.action.trigger_v1";
    out.tenant_key = r.opaque(*root, "", "tenant_key");
    out.what = read_legacy_card(r, *root);
  } else {
    r.fail("", "schema", "missing, and it is no older form either");
  }
  if (r.failed()) return r.problem();
  return out;
}

}  // namespace pb::protocol::lark
