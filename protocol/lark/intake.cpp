#include "protocol/lark/intake.hpp"

#include <boost/json.hpp>
#include <utility>

#include "base/digest.hpp"
#include "protocol/json_reader.hpp"
#include "protocol/lark/events.hpp"
#include "protocol/lark/preview.hpp"
#include "protocol/lark/reader.hpp"

namespace pb::protocol::lark {
namespace json = boost::json;
namespace {

constexpr std::string_view op_push = "lark.push";
/// An encrypted url_verification has some 250 bytes.
constexpr std::size_t max_unsigned_bytes = 8u << 10;
constexpr std::size_t sha1_digits = 40;

failure bad_push(errc code, std::string_view detail, std::string_view remedy = {}) {
  return {.code = code,
          .where = std::string{op_push},
          .detail = std::string{detail},
          .remedy = std::string{remedy}};
}
failure missing(std::string_view entry, std::string_view remedy) {
  return bad_push(errc::key_missing, entry, remedy);
}

/// The outer object's "encrypt"; empty when it has none.
result<std::string> sealed_text(std::string_view raw_body) {
  const auto parsed = parse_json(raw_body, max_push_bytes, errc::bad_input, op_push);
  if (!parsed) return parsed.error();
  const auto* root = parsed->if_object();
  if (root == nullptr) return bad_push(errc::bad_input, "an object is due");
  json_reader r{errc::bad_input, op_push};
  auto text = r.text(*root, "", "encrypt");
  if (r.failed()) return r.problem();
  return text;
}

bool is_verification(const event& e) { return std::holds_alternative<url_verification>(e.what); }
bool is_legacy(const event& e) {
  const auto* card = std::get_if<card_action>(&e.what);
  return card != nullptr && card->legacy;
}

result<opened> read(std::string body, const push_keys& keys, bool signed_by_key) {
  auto said = parse_event(body);
  if (!said) return said.error();
  const auto& expected = keys.verification_token;
  if (expected.empty() && (!signed_by_key || is_verification(*said)))
    return missing("lark.verification_token",
                   "set lark.verification_token to the app's Verification Token");
  if (!expected.empty() && !constant_time_equal(said->token, expected.reveal()))
    return bad_push(errc::unauthorized, "another Verification Token than lark.verification_token");
  return opened{std::move(body), std::move(*said)};
}

result<opened> open_legacy(const push_headers& h, std::string_view raw_body,
                           const push_keys& keys) {
  if (!legacy_signature_holds(h, keys.verification_token, raw_body))
    return bad_push(errc::unauthorized, "the signature does not hold");
  auto said = parse_event(raw_body);
  if (!said) return said.error();
  if (!is_legacy(*said))
    return bad_push(errc::unauthorized, "only old card callbacks are signed this way");
  return opened{std::string{raw_body}, std::move(*said)};
}

result<opened> open_sealed(const push_headers& h, std::string_view raw_body,
                           const push_keys& keys) {
  const bool has_signature = !h.signature.empty();
  if (has_signature && !signature_holds(h, keys.encrypt_key, raw_body))
    return bad_push(errc::unauthorized, "the signature does not hold");
  if (!has_signature && raw_body.size() > max_unsigned_bytes)
    return bad_push(errc::unauthorized, "no signature");
  const auto sealed = sealed_text(raw_body);
  if (!sealed) return has_signature ? sealed.error() : bad_push(errc::unauthorized, "no signature");
  if (sealed->empty()) {
    if (has_signature || !keys.legacy_cards)
      return bad_push(errc::unauthorized, "a plain body although lark.encrypt_key is set");
    auto plain = read(std::string{raw_body}, keys, false);
    if (!plain) return plain.error();
    if (!is_verification(plain->what)) return bad_push(errc::unauthorized, "no signature");
    return plain;
  }
  auto body = decrypt(*sealed, keys.encrypt_key);
  if (!body) return has_signature ? body.error() : bad_push(errc::unauthorized, "no signature");
  auto out = read(std::move(*body), keys, has_signature);
  if (!out) return out.error();
  if (is_legacy(out->what))
    return bad_push(errc::bad_input, "old card callbacks are not encrypted");
  if (!has_signature && !is_verification(out->what))
    return bad_push(errc::unauthorized, "no signature");
  return out;
}

result<opened> open_plain(std::string_view raw_body, const push_keys& keys) {
  if (keys.verification_token.empty())
    return missing("lark.verification_token",
                   "set lark.verification_token, and better lark.encrypt_key too");
  const auto sealed = sealed_text(raw_body);
  if (!sealed) return sealed.error();
  if (!sealed->empty())
    return missing("lark.encrypt_key", "the app encrypts: set lark.encrypt_key to its Encrypt Key");
  auto out = read(std::string{raw_body}, keys, false);
  if (out && is_legacy(out->what)) return bad_push(errc::unauthorized, "no signature");
  return out;
}

// --- what becomes of it ---

/// The Verification Token vouches for plain pushes, so it does not stay in the journal.
void mask(std::string& body, const std::string& token) {
  if (token.empty()) return;
  const auto quoted = '"' + token + '"';
  for (auto at = body.find(quoted); at != std::string::npos; at = body.find(quoted, at + 1))
    body.replace(at, quoted.size(), "\"****\"");
}

/// "thread" of what our own cards carry in their components.
std::string thread_named(const std::string& value) {
  boost::system::error_code ec;
  const auto v = json::parse(value, ec);
  if (ec || !v.is_object()) return {};
  const auto* t = v.get_object().if_contains("thread");
  if (t == nullptr || !t->is_string()) return {};
  const auto text = view(t->get_string());
  return is_id(text) ? std::string{text} : std::string{};
}

struct sorter {
  intake& out;

  void ignore(std::string_view why) const {
    out.what = intake::use::ignore;
    out.reason = why;
  }
  void to_chat(const std::string& chat) const {
    if (chat.empty()) return ignore("names no chat");
    out.entity = entity_key::lark_chat(chat);
  }

  void operator()(const other_event&) const { ignore("a kind of event that is not used"); }
  void operator()(const url_verification& v) const {
    out.what = intake::use::challenge;
    out.answer = json::serialize(json::object{{"challenge", v.challenge}});
  }
  void operator()(const message& m) const {
    out.identities.push_back(message_identity(m.message_id));
    out.entity = entity_key::lark_thread(m.root());
  }
  void operator()(const message_recalled& m) const { to_chat(m.chat_id); }
  void operator()(const reaction&) const { ignore("reactions are not used"); }
  void operator()(const chat_membership& m) const { to_chat(m.chat_id); }
  void operator()(const chat_changed& c) const { to_chat(c.chat_id); }
  void operator()(const person_left&) const { out.entity = directory_entity(); }
  void operator()(const private_contact& c) const {
    if (!c.chat_id.empty()) return to_chat(c.chat_id);
    if (c.who.open_id.empty()) return ignore("names nobody");
    out.entity = entity_key::lark_chat(c.who.open_id);
  }
  void operator()(const card_action& c) const {
    out.callback = true;
    auto thread = thread_named(c.value);
    if (thread.empty()) thread = c.message_id;
    if (thread.empty()) {
      out.answer = "{}";
      return ignore("a card that names neither a conversation nor a message");
    }
    out.entity = entity_key::lark_thread(thread);
    out.answer = toast_answer(toast::info, "Saving…", "正在保存…");
  }
  void operator()(const preview_request&) const {
    out.callback = true;
    out.what = intake::use::preview;
  }
};

}  // namespace

result<opened> open_push(const push_headers& h, std::string_view raw_body, const push_keys& keys) {
  if (raw_body.size() > max_push_bytes)
    return bad_push(errc::too_large, "a push of more than 1 MiB");
  // 40 digits are SHA-1: no other push is signed with it, and it vouches for old cards only.
  if (keys.legacy_cards && h.signature.size() == sha1_digits) return open_legacy(h, raw_body, keys);
  return keys.encrypt_key.empty() ? open_plain(raw_body, keys) : open_sealed(h, raw_body, keys);
}

entity_key directory_entity() { return entity_key::lark_chat("directory"); }

std::string message_identity(std::string_view message_id) { return "m:" + std::string{message_id}; }

intake take_in(const event& e, std::string decrypted_body) {
  intake out;
  out.event = e.type;
  out.answer = "{}";
  // Old card callbacks have no id of their own, and are never sent twice for one click.
  out.identities.push_back(e.id.empty() ? "b:" + sha256_hex(decrypted_body) : "e:" + e.id);
  std::visit(sorter{out}, e.what);
  mask(decrypted_body, e.token);
  out.body = std::move(decrypted_body);
  return out;
}

std::string refused_toast() {
  return toast_answer(toast::error, "Not saved, please try again.", "未能保存，请重试。");
}

}  // namespace pb::protocol::lark
