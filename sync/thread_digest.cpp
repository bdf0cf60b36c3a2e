#include "sync/thread_digest.hpp"

#include <algorithm>
#include <array>

#include "protocol/lark/chat_text.hpp"
#include "sync/json_fields.hpp"
#include "sync/thread_rules.hpp"

namespace pb::sync {
namespace json = boost::json;
namespace lark = protocol::lark;
namespace {

constexpr std::array<std::string_view, 14> order_of_fields{
    "presence",    "state",  "assignees", "priority", "start_date", "target_date", "name",
    "description", "labels", "cycle",     "module",   "parent",     "link",        "attachment"};
constexpr std::size_t max_entries = 200;

std::size_t rank(std::string_view field) {
  return static_cast<std::size_t>(std::find(order_of_fields.begin(), order_of_fields.end(), field) -
                                  order_of_fields.begin());
}
bool is_one_of_several(std::string_view field) { return field == "link" || field == "attachment"; }

/// What an entry is about: a field, or one of several parts.
std::string slot(const digest_entry& e) {
  if (!is_one_of_several(e.field)) return e.field;
  return e.field + '\n' + (e.after.empty() ? e.before : e.after);
}
bool vanished(const digest_entry& e) {
  if (e.before != e.after) return false;
  // A description changed, even where its text is not told.
  return e.field != "description" || !e.before.empty();
}
bool goes_before(const digest_entry& a, const digest_entry& b) {
  const auto x = rank(a.field), y = rank(b.field);
  return x != y ? x < y : slot(a) < slot(b);
}

void put(std::vector<digest_entry>& all, digest_entry e) {
  const auto key = slot(e);
  const auto at = std::find_if(all.begin(), all.end(),
                               [&](const auto& o) { return o.field == e.field && slot(o) == key; });
  if (at != all.end()) {
    // The oldest "before" of a part that is gone again names it still.
    e.before = at->before;
    all.erase(at);
  }
  if (vanished(e) || all.size() >= max_entries) return;
  all.insert(std::upper_bound(all.begin(), all.end(), e, goes_before), std::move(e));
}

/// Deleted, archived and restored are one field: where the item is.
digest_entry entry_of(const field_change& c) {
  if (c.field == "deleted") return {"presence", "here", "deleted", {}, {}};
  if (c.field == "archived") return {"presence", "here", "archived", {}, {}};
  if (c.field == "restored") return {"presence", "gone", "here", {}, {}};
  return {c.field, c.before, c.after, {}, {}};
}
lark::changed_field shown(const digest_entry& e) {
  if (e.field != "presence") return {e.field, e.before, e.after};
  return {e.after == "here" ? "restored" : e.after, {}, {}};
}

std::string actors(const digest& d, bool chinese) {
  std::vector<std::string> names;
  for (const auto& e : d.entries)
    if (!e.by.empty() && std::find(names.begin(), names.end(), e.by) == names.end())
      names.push_back(e.by);
  std::string out;
  constexpr std::size_t most = 3;
  for (std::size_t i = 0; i < names.size() && i < most; ++i)
    out += (i > 0 ? chinese ? "、" : ", " : "") + names[i];
  if (names.size() > most) out += chinese ? "等" : " …";
  return out;
}

}  // namespace

void add(digest& to, const field_change& change, std::string_view by, std::string_view by_id) {
  auto e = entry_of(change);
  e.by = by;
  e.by_id = by_id;
  put(to.entries, std::move(e));
}

digest merged(const digest& waiting, const digest& later) {
  digest out = later;
  out.entries = waiting.entries;
  for (const auto& e : later.entries) put(out.entries, e);
  return out;
}

lark_effect effect_of(const digest& d, lark_effect carrier) {
  lark::changes_text text;
  text.lang = lark::language_of(d.language);
  text.actor = actors(d, text.lang == lark::language::zh);
  for (const auto& e : d.entries) text.changes.push_back(shown(e));
  for (const auto& p : d.call)
    if (std::any_of(d.entries.begin(), d.entries.end(),
                    [&](const auto& e) { return e.by_id != p.plane_user; }))
      text.call.push_back({p.open_id, p.name});
  text.item = {d.number, d.name, d.url};
  auto m = lark::changes_message(text);
  carrier.msg_type = std::move(m.msg_type);
  carrier.content = std::move(m.content);
  carrier.fallback = std::move(m.fallback);

  json::array entries, call;
  for (const auto& e : d.entries)
    entries.push_back({{"field", e.field},
                       {"before", e.before},
                       {"after", e.after},
                       {"by", e.by},
                       {"by_id", e.by_id}});
  for (const auto& p : d.call)
    call.push_back({{"open_id", p.open_id}, {"name", p.name}, {"user", p.plane_user}});
  carrier.about = json::serialize(json::object{{"number", d.number},
                                               {"name", d.name},
                                               {"url", d.url},
                                               {"language", d.language},
                                               {"entries", std::move(entries)},
                                               {"call", std::move(call)}});
  return carrier;
}

digest digest_of(const lark_effect& effect) {
  digest d;
  const auto o =
      read_object(effect.about, max_lark_effect_bytes, errc::storage, "sync.thread_digest");
  if (!o) return d;
  const json_fields f{*o, nullptr};
  d.number = f.text("number");
  d.name = f.text("name");
  d.url = f.text("url");
  d.language = f.text("language");
  for (const auto& e : f.objects("entries"))
    put(d.entries,
        {e.text("field"), e.text("before"), e.text("after"), e.text("by"), e.text("by_id")});
  for (const auto& p : f.objects("call"))
    d.call.push_back({p.text("open_id"), p.text("name"), p.text("user")});
  return d;
}

std::string merge_digest(std::string_view waiting, std::string_view later) {
  if (waiting.empty()) return std::string{later};
  if (later.empty()) return std::string{waiting};
  const auto first = parse_lark_effect(waiting), second = parse_lark_effect(later);
  // What does not read is not merged away: the later one is at least true.
  if (!first) return std::string{later};
  if (!second) return std::string{waiting};
  const auto d = merged(digest_of(*first), digest_of(*second));
  if (d.empty()) return {};
  return to_json(effect_of(d, *second));
}

}  // namespace pb::sync
