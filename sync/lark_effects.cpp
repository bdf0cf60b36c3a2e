#include "sync/lark_effects.hpp"

#include "sync/json_fields.hpp"

namespace pb::sync {
namespace json = boost::json;

std::string to_json(const lark_effect& e) {
  json::object o;
  const auto put = [&o](std::string_view key, const std::string& value) {
    if (!value.empty()) o[json::string_view{key.data(), key.size()}] = value;
  };
  put("root", e.root);
  put("chat", e.chat);
  put("open_id", e.open_id);
  put("message", e.message);
  o["in_thread"] = e.in_thread;
  put("msg_type", e.msg_type);
  put("content", e.content);
  put("fallback", e.fallback);
  put("emoji", e.emoji);
  put("language", e.language);
  put("about", e.about);
  if (e.perhaps_sent_since != timestamp{})
    o["perhaps_sent_since"] = to_micros(e.perhaps_sent_since);
  return json::serialize(o);
}

std::string sent_perhaps(const std::string& payload, timestamp when) {
  auto e = parse_lark_effect(payload);
  if (!e || e->perhaps_sent_since != timestamp{}) return payload;
  e->perhaps_sent_since = when;
  return to_json(*e);
}

result<lark_effect> parse_lark_effect(std::string_view text) {
  const auto o = read_object(text, max_lark_effect_bytes, errc::bad_input, "sync.lark_effect");
  if (!o) return o.error();
  std::string problem;
  const json_fields f{*o, &problem};
  lark_effect e;
  e.root = f.text("root");
  e.chat = f.text("chat");
  e.open_id = f.text("open_id");
  e.message = f.text("message");
  e.in_thread = f.flag("in_thread", true);
  e.msg_type = f.text("msg_type");
  e.content = f.text("content");
  e.fallback = f.text("fallback");
  e.emoji = f.text("emoji");
  e.language = f.text("language");
  e.about = f.text("about");
  e.perhaps_sent_since = f.time("perhaps_sent_since");
  if (!problem.empty())
    return failure{.code = errc::bad_input, .where = "sync.lark_effect", .detail = problem};
  return e;
}

}  // namespace pb::sync
