#include "sync/knowledge.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <tuple>

#include "base/digest.hpp"
#include "protocol/html/plain_text.hpp"
#include "sync/json_fields.hpp"
#include "sync/plane_write.hpp"

namespace pb::sync {
namespace json = boost::json;
namespace plane = protocol::plane;
namespace {

result<json::object> stored_object(std::string_view text, std::string_view where) {
  return read_object(text, text.size(), errc::storage, where);
}
std::int64_t clamped(const json_fields& o, std::string_view key, std::int64_t most) {
  return std::clamp<std::int64_t>(o.number(key), 0, most);
}

/// Counts up when the conversion gives other texts: what is known then is converted anew.
constexpr std::string_view conversion = "1:";

std::string source_of(std::string_view html) {
  if (html.empty()) return {};
  const auto hash = sha256(html);
  return std::string{conversion} + to_hex(hash).substr(0, 16);
}
std::string text_of_html(std::string_view html) {
  auto text = protocol::html::to_plain_text(html);
  if (text.size() <= item_knowledge::text_limit) return text;
  std::size_t end = item_knowledge::text_limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text;
}

}  // namespace

std::string_view to_string(presence p) noexcept {
  switch (p) {
    case presence::unknown:
      return "unknown";
    case presence::here:
      return "here";
    case presence::archived:
      return "archived";
    case presence::gone:
      return "gone";
  }
  return "unknown";
}

bool is_tombstone(const item_knowledge& k) noexcept {
  return k.where == presence::gone || k.where == presence::archived;
}

item_knowledge learn(const item_knowledge& before, const plane::work_item& item) {
  item_knowledge k;
  k.last_event_at = before.last_event_at;
  k.files = before.files;
  k.where = !item.deleted_at.empty()    ? presence::gone
            : !item.archived_at.empty() ? presence::archived
                                        : presence::here;
  k.id = item.id;
  k.project = item.project;
  k.sequence_id = item.sequence_id;
  k.name = item.name;
  k.text_source = source_of(item.description_html);
  // Few edits touch the description, and turning it into text costs more than all the rest.
  const bool same = !k.text_source.empty() && k.text_source == before.text_source;
  k.text = same ? before.text : text_of_html(item.description_html);
  k.prio = item.prio;
  k.start_date = item.start_date;
  k.target_date = item.target_date;
  if (item.state) k.state = *item.state;
  for (const auto& u : item.assignees) {
    k.assignees.push_back(u.display_name);
    k.assignee_ids.push_back(u.id);
  }
  std::vector<plane::label_ref> labels = item.labels;
  std::sort(labels.begin(), labels.end(), [](const auto& a, const auto& b) {
    return std::tie(a.name, a.id) < std::tie(b.name, b.id);
  });
  for (auto& l : labels) {
    k.labels.push_back(std::move(l.name));
    k.label_ids.push_back(std::move(l.id));
  }
  k.draft = item.is_draft;
  // Not every form of an item carries these.
  const auto marker = read_marker(item.external_source, item.external_id);
  k.made_in = marker ? marker->chat : before.made_in;
  k.type = item.type.empty() ? before.type : item.type;
  k.created_at = item.created_at;
  k.updated_at = item.updated_at;
  return k;
}

void remember(item_knowledge& k, item_knowledge::own_file f) {
  if (f.asset.empty() || std::find(k.files.begin(), k.files.end(), f) != k.files.end()) return;
  k.files.push_back(std::move(f));
  if (k.files.size() > item_knowledge::max_files) k.files.erase(k.files.begin());
}

bool has_ids(const item_knowledge& k) noexcept {
  return k.assignees.size() == k.assignee_ids.size() && k.labels.size() == k.label_ids.size();
}

bool same_values(const item_knowledge& a, const item_knowledge& b) noexcept {
  return a.where == b.where && a.project == b.project && a.sequence_id == b.sequence_id &&
         a.name == b.name && a.text == b.text && a.prio == b.prio && a.start_date == b.start_date &&
         a.target_date == b.target_date && a.state == b.state && a.assignees == b.assignees &&
         a.labels == b.labels && a.draft == b.draft &&
         // People may share a name. What was stored without uuids has nothing to compare.
         (!has_ids(a) || !has_ids(b) ||
          (a.assignee_ids == b.assignee_ids && a.label_ids == b.label_ids));
}

std::string to_json(const item_knowledge& k) {
  json::object o;
  o["where"] = static_cast<int>(k.where);
  o["id"] = k.id;
  o["project"] = k.project;
  o["n"] = k.sequence_id;
  o["name"] = k.name;
  o["text"] = k.text;
  o["text_source"] = k.text_source;
  o["priority"] = static_cast<int>(k.prio);
  o["start"] = k.start_date;
  o["target"] = k.target_date;
  o["state"] = {
      {"id", k.state.id}, {"name", k.state.name}, {"group", static_cast<int>(k.state.group)}};
  o["assignees"] = array_of(k.assignees);
  o["labels"] = array_of(k.labels);
  if (has_ids(k)) {
    o["assignee_ids"] = array_of(k.assignee_ids);
    o["label_ids"] = array_of(k.label_ids);
  }
  o["draft"] = k.draft;
  if (k.found_quietly) o["found_quietly"] = true;
  if (!k.made_in.empty()) o["made_in"] = k.made_in;
  if (!k.type.empty()) o["type"] = k.type;
  if (!k.files.empty()) {
    json::array files;
    for (const auto& f : k.files)
      files.push_back({{"asset", f.asset}, {"thread", f.thread}, {"message", f.message}});
    o["files"] = std::move(files);
  }
  o["created_at"] = k.created_at;
  o["updated_at"] = k.updated_at;
  o["event_at"] = to_micros(k.last_event_at);
  return json::serialize(o);
}

result<item_knowledge> parse_item_knowledge(std::string_view text) {
  item_knowledge k;
  if (text.empty()) return k;
  const auto parsed = stored_object(text, "sync.item_knowledge");
  if (!parsed) return parsed.error();
  const json_fields o{*parsed, nullptr};
  k.where = static_cast<presence>(clamped(o, "where", 3));
  k.id = o.text("id");
  k.project = o.text("project");
  k.sequence_id = o.number("n");
  k.name = o.text("name");
  k.text = o.text("text");
  k.text_source = o.text("text_source");
  k.prio = static_cast<plane::priority>(clamped(o, "priority", 4));
  k.start_date = o.text("start");
  k.target_date = o.text("target");
  if (const auto s = o.object("state")) {
    k.state.id = s->text("id");
    k.state.name = s->text("name");
    k.state.group = static_cast<plane::state_group>(clamped(*s, "group", 5));
  }
  k.assignees = o.texts("assignees");
  k.labels = o.texts("labels");
  k.assignee_ids = o.texts("assignee_ids");
  k.label_ids = o.texts("label_ids");
  k.draft = o.flag("draft", k.draft);
  k.found_quietly = o.flag("found_quietly", k.found_quietly);
  k.made_in = o.text("made_in");
  k.type = o.text("type");
  for (const auto& f : o.objects("files"))
    remember(k, {f.text("asset"), f.text("thread"), f.text("message")});
  k.created_at = o.text("created_at");
  k.updated_at = o.text("updated_at");
  k.last_event_at = o.time("event_at");
  return k;
}

std::string to_json(const calendar_base& b) {
  json::object o;
  o["project"] = b.project;
  o["href"] = b.href;
  o["etag"] = b.etag;
  o["hash"] = b.hash;
  o["agreed"] = b.agreed;
  o["planned"] = b.planned;
  o["names"] = b.names;
  o["labels"] = array_of(b.labels);
  o["sequence"] = b.sequence;
  o["sent_at"] = to_micros(b.sent_at);
  json::array put_back;
  for (const auto t : b.put_back) put_back.emplace_back(to_micros(t));
  o["put_back"] = std::move(put_back);
  return json::serialize(o);
}

result<calendar_base> parse_calendar_base(std::string_view text) {
  calendar_base b;
  if (text.empty()) return b;
  const auto parsed = stored_object(text, "sync.calendar_base");
  if (!parsed) return parsed.error();
  const json_fields o{*parsed, nullptr};
  b.project = o.text("project");
  b.href = o.text("href");
  b.etag = o.text("etag");
  b.hash = o.text("hash");
  b.agreed = o.text("agreed");
  b.planned = o.text("planned");
  b.names = o.text("names");
  b.labels = o.texts("labels");
  b.sequence = static_cast<int>(clamped(o, "sequence", 1'000'000'000));
  b.sent_at = o.time("sent_at");
  b.put_back = o.times("put_back");
  return b;
}

}  // namespace pb::sync
