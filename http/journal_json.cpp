#include "http/journal_json.hpp"

#include <array>
#include <utility>

#include "http/api_answer.hpp"

namespace pb::http {
namespace json = boost::json;
using namespace persistence;
namespace {

// in the order of the enumerations
constexpr std::array<std::string_view, 5> delivery_words{"pending", "done", "ignored", "dead",
                                                         "skipped"};
constexpr std::array<std::string_view, 6> effect_words{"waiting",    "done",      "dead",
                                                       "superseded", "cancelled", "withheld"};
constexpr std::array<std::string_view, 3> class_words{"state", "append", "digest"};

template <class Enum, std::size_t N>
std::string_view word_of(const std::array<std::string_view, N>& words, Enum e) noexcept {
  const auto i = static_cast<std::size_t>(e);
  return i < N ? words[i] : "unknown";
}

template <class Enum, std::size_t N>
std::optional<Enum> enum_of(const std::array<std::string_view, N>& words,
                            std::string_view word) noexcept {
  for (std::size_t i = 0; i < N; ++i)
    if (words[i] == word) return static_cast<Enum>(i);
  return std::nullopt;
}

void add_text(json::object& to, std::string_view key, std::string_view bytes) {
  to[key] = as_utf8(bytes, shown_body_bytes);
  to[std::string{key} + "_truncated"] = bytes.size() > shown_body_bytes;
}

}  // namespace

std::string delivery_id(std::int64_t seq) { return "d" + std::to_string(seq); }
std::string effect_id(std::int64_t id) { return "e" + std::to_string(id); }

json::object to_json(const delivery& d, body_view body) {
  json::object o{{"id", delivery_id(d.seq)},
                 {"type", "delivery"},
                 {"source", as_utf8(d.source)},
                 {"form", as_utf8(d.form)},
                 {"event", as_utf8(d.event)},
                 {"entity", as_utf8(d.entity.text())},
                 {"received_at", format_rfc3339(d.received_at)},
                 {"status", word_of(delivery_words, d.status)},
                 {"reason", as_utf8(d.reason)},
                 {"attempts", d.attempts},
                 {"remote_id", as_utf8(d.remote_id)}};
  if (body != body_view::none) o["bytes"] = d.body ? d.body->size() : 0;
  if (body == body_view::text)
    add_text(o, "body", d.body ? std::string_view{*d.body} : std::string_view{});
  return o;
}

json::object to_json(const effect& e, body_view body) {
  json::object o{{"id", effect_id(e.id)},
                 {"type", "effect"},
                 {"entity", as_utf8(e.entity.text())},
                 {"integration", as_utf8(e.integration)},
                 {"class", word_of(class_words, e.kind)},
                 {"operation", as_utf8(e.operation)},
                 {"object", as_utf8(e.object)},
                 {"revision", e.revision},
                 {"idempotency_key", as_utf8(e.idempotency_key)},
                 {"rule", as_utf8(e.rule)},
                 {"status", word_of(effect_words, e.status)},
                 {"attempts", e.attempts},
                 {"created_at", format_rfc3339(e.created_at)},
                 {"due_at", format_rfc3339(e.due_at)},
                 {"cause", delivery_id(e.cause)},
                 {"last_error", as_utf8(e.last_error)},
                 {"remote_id", as_utf8(e.remote_id)},
                 {"finished_at", e.finished_at ? json::value(format_rfc3339(*e.finished_at))
                                               : json::value(nullptr)}};
  if (body == body_view::text) add_text(o, "payload", e.payload);
  return o;
}

json::object to_json(const attempt& a) {
  return {{"number", a.number},
          {"started_at", format_rfc3339(a.started_at)},
          {"took_ms", static_cast<double>(a.took.count()) / 1000.0},
          {"status", a.status},
          {"code", as_utf8(a.code)},
          {"detail", as_utf8(a.detail)},
          {"request_id", as_utf8(a.request_id)}};
}

json::object to_json(const link_row& l) {
  return {{"entity", as_utf8(l.entity.text())}, {"integration", as_utf8(l.integration)},
          {"object", as_utf8(l.object)},        {"remote_id", as_utf8(l.remote_id)},
          {"state", as_utf8(l.state)},          {"changed_at", format_rfc3339(l.changed_at)}};
}

json::object to_json(const provenance& p) {
  return {{"id", effect_id(p.effect)},         {"integration", as_utf8(p.integration)},
          {"operation", as_utf8(p.operation)}, {"object", as_utf8(p.object)},
          {"remote_id", as_utf8(p.remote_id)}, {"rule", as_utf8(p.rule)},
          {"cause", delivery_id(p.cause)},     {"at", format_rfc3339(p.at)}};
}

std::optional<delivery_status> delivery_status_of(std::string_view word) noexcept {
  return enum_of<delivery_status>(delivery_words, word);
}
std::optional<effect_status> effect_status_of(std::string_view word) noexcept {
  return enum_of<effect_status>(effect_words, word);
}
std::string_view delivery_status_words() noexcept {
  return "pending, done, ignored, dead, skipped";
}
std::string_view effect_status_words() noexcept {
  return "waiting, done, dead, superseded, cancelled, withheld";
}

}  // namespace pb::http
