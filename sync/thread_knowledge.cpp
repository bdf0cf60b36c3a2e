#include <algorithm>

#include "sync/item_view_json.hpp"
#include "sync/json_fields.hpp"
#include "sync/thread_rules.hpp"

namespace pb::sync {
namespace json = boost::json;
namespace {

json::array array_of(const std::vector<thread_knowledge::recent>& all) {
  json::array a;
  for (const auto& r : all) a.push_back({{"what", r.what}, {"at", to_micros(r.at)}});
  return a;
}
std::vector<thread_knowledge::recent> recents_of(const json_fields& f, std::string_view key) {
  std::vector<thread_knowledge::recent> out;
  for (const auto& r : f.objects(key)) out.push_back({r.text("what"), r.time("at")});
  return out;
}
template <class T>
void keep_last(std::vector<T>& all, std::size_t most) {
  if (all.size() > most) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(most));
}

}  // namespace

std::string to_json(const thread_knowledge& k) {
  json::object o;
  o["chat"] = k.chat;
  o["root"] = k.root;
  o["thread_id"] = k.thread_id;
  o["p2p"] = k.p2p;
  if (!k.item.id.empty()) o["item"] = object_of(k.item);
  o["bound_by"] = k.bound_by;
  o["takes"] = static_cast<int>(k.takes);
  o["gets_comments"] = k.gets_comments;
  o["gets_changes"] = k.gets_changes;
  o["muted"] = sync::array_of(k.muted);
  o["quiet_from"] = k.quiet_from;
  o["quiet_to"] = k.quiet_to;
  json::array cards;
  for (const auto& c : k.cards)
    cards.push_back({{"message", c.message_id},
                     {"sent_at", to_micros(c.sent_at)},
                     {"shown", c.shown},
                     {"announced_by", c.announced_by},
                     {"refreshed_at", to_micros(c.refreshed_at)},
                     {"refresh_due", to_micros(c.refresh_due)}});
  o["cards"] = std::move(cards);
  o["language"] = k.language;
  o["external"] = k.external;
  o["awaits_item"] = k.awaits_item;
  o["clicks"] = array_of(k.clicks);
  o["asked"] = array_of(k.asked);
  if (!k.threads.empty()) o["threads"] = sync::array_of(k.threads);
  return json::serialize(o);
}

result<thread_knowledge> parse_thread_knowledge(std::string_view text) {
  thread_knowledge k;
  if (text.empty()) return k;
  constexpr std::size_t max_bytes = 4U << 20;
  const auto o = read_object(text, max_bytes, errc::storage, "sync.thread_knowledge");
  if (!o) return o.error();
  const json_fields f{*o, nullptr};
  k.chat = f.text("chat");
  k.root = f.text("root");
  k.thread_id = f.text("thread_id");
  k.p2p = f.flag("p2p");
  if (const auto item = f.object("item")) k.item = view_of(*item);
  k.bound_by = f.text("bound_by");
  // What does not read must not make a conversation say more than it was asked to.
  if (const auto takes = f.number("takes"); f.has("takes") && takes >= 0 && takes <= 2)
    k.takes = static_cast<inbound>(takes);
  k.gets_comments = f.flag("gets_comments", true);
  k.gets_changes = f.flag("gets_changes", true);
  k.muted = f.texts("muted");
  k.quiet_from = f.text("quiet_from");
  k.quiet_to = f.text("quiet_to");
  for (const auto& c : f.objects("cards"))
    k.cards.push_back({c.text("message"), c.time("sent_at"), c.text("shown"),
                       c.text("announced_by"), c.time("refreshed_at"), c.time("refresh_due")});
  keep_last(k.cards, thread_knowledge::max_cards);
  k.language = f.text("language");
  k.external = f.flag("external");
  k.awaits_item = f.text("awaits_item");
  k.clicks = recents_of(f, "clicks");
  k.asked = recents_of(f, "asked");
  keep_last(k.clicks, thread_knowledge::max_recent);
  keep_last(k.asked, thread_knowledge::max_recent);
  k.threads = f.texts("threads");
  keep_last(k.threads, thread_knowledge::max_threads);
  return k;
}

}  // namespace pb::sync
