#include "sync/issue_fields.hpp"

#include <algorithm>

#include "protocol/http_message.hpp"

namespace pb::sync {
namespace plane = protocol::plane;
namespace {

constexpr std::size_t description_excerpt = 200;

std::string joined(std::vector<std::string> list, std::string_view between) {
  std::string out;
  for (const auto& one : list) {
    if (one.empty()) continue;
    if (!out.empty()) out += between;
    out += one;
  }
  return out;
}
std::string sorted_ids(std::vector<std::string> ids) {
  std::sort(ids.begin(), ids.end());
  return joined(std::move(ids), ",");
}
bool has(const std::vector<std::string>& list, std::string_view one) {
  return std::find(list.begin(), list.end(), one) != list.end();
}

/// Those of one set that the other lacks, as fields.
void add_label_fields(std::vector<std::string>& fields, const std::vector<std::string>& of,
                      const std::vector<std::string>& lacking) {
  for (const auto& id : of)
    if (!has(lacking, id)) fields.push_back(std::string{label_prefix} + id);
}

std::string first_line(const std::string& text) {
  auto line = text.substr(0, text.find('\n'));
  if (line.size() <= description_excerpt) return line;
  std::size_t end = description_excerpt;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) --end;
  return line.substr(0, end) + "…";
}

/// Their list of changes is kept, one by one.
bool is_part(std::string_view field) {
  return field == "link" || field == "attachment" || field == "cycle" || field == "module";
}

}  // namespace

std::string value_of(const item_knowledge& k, std::string_view field) {
  if (field == "state") return k.state.id;
  if (field == "priority") return std::string{plane::to_string(k.prio)};
  if (field == "name") return k.name;
  if (field == "start_date") return k.start_date;
  if (field == "target_date") return k.target_date;
  if (k.where == presence::unknown || !has_ids(k)) return std::string{unknown_value};
  if (field == "assignees") return sorted_ids(k.assignee_ids);
  if (field.starts_with(label_prefix))
    return has(k.label_ids, field.substr(label_prefix.size())) ? "on" : "off";
  return std::string{unknown_value};
}

std::string field_name(std::string_view field) {
  if (field == "target_date") return "the due date";
  if (field == "start_date") return "the start date";
  if (field.starts_with(label_prefix)) return "the label";
  if (field == "assignees") return "who is assigned";
  return "the " + std::string{field};
}

std::vector<known_change> changes_of(const item_knowledge& a, const item_knowledge& b) {
  std::vector<known_change> out;
  if (a.where == presence::unknown) return out;
  const auto note = [&](std::vector<std::string> fields, std::string_view shown, std::string before,
                        std::string after) {
    out.push_back({std::move(fields), {std::string{shown}, std::move(before), std::move(after)}});
  };
  const auto single = [&](std::string_view field, std::string before, std::string after) {
    note({std::string{field}}, field, std::move(before), std::move(after));
  };
  if (a.where != b.where) {
    if (b.where == presence::gone) note({}, "deleted", "", "");
    if (b.where == presence::archived) note({}, "archived", "", "");
    if (b.where == presence::here) note({}, "restored", "", "");
  }
  if (b.where != presence::here) return out;
  if (a.name != b.name) single("name", a.name, b.name);
  if (a.state.id != b.state.id || a.state.name != b.state.name)
    single("state", a.state.name, b.state.name);
  if (a.prio != b.prio)
    single("priority", std::string{plane::to_string(a.prio)},
           std::string{plane::to_string(b.prio)});
  const bool ids = has_ids(a) && has_ids(b);
  if (ids ? value_of(a, "assignees") != value_of(b, "assignees")
          : sorted_ids(a.assignees) != sorted_ids(b.assignees))
    single("assignees", joined(a.assignees, ", "), joined(b.assignees, ", "));
  if (a.start_date != b.start_date) single("start_date", a.start_date, b.start_date);
  if (a.target_date != b.target_date) single("target_date", a.target_date, b.target_date);
  if (a.labels != b.labels || (ids && sorted_ids(a.label_ids) != sorted_ids(b.label_ids))) {
    std::vector<std::string> fields;
    if (ids) {
      add_label_fields(fields, a.label_ids, b.label_ids);
      add_label_fields(fields, b.label_ids, a.label_ids);
    }
    note(std::move(fields), "labels", joined(a.labels, ", "), joined(b.labels, ", "));
  }
  if (a.text != b.text) note({}, "description", first_line(a.text), first_line(b.text));
  return out;
}

void merge_changes(std::vector<field_change>& into, std::vector<field_change> more) {
  for (auto& c : more) {
    const auto same = std::find_if(into.begin(), into.end(),
                                   [&](const auto& other) { return other.field == c.field; });
    if (is_part(c.field) || same == into.end()) {
      into.push_back(std::move(c));
      continue;
    }
    same->after = std::move(c.after);
  }
  // A description shows its first line only: equal lines may hide different texts. Being deleted
  // or restored has no values.
  std::erase_if(into, [](const field_change& c) {
    return c.before == c.after && !is_part(c.field) && c.field != "description" &&
           c.field != "deleted" && c.field != "archived" && c.field != "restored";
  });
}

bool is_edit_of_text(std::string_view field) noexcept {
  return field.empty() || field == "comment_html" || field == "description" || field == "comment" ||
         field == "comment_json";
}

std::vector<pending_update> updates_in(std::span<const queued_write> queued) {
  std::vector<pending_update> out;
  for (const auto& q : queued) {
    if (q.operation != item_update::operation) continue;
    auto w = parse_plane_write(q.operation, q.payload);
    if (!w) continue;
    out.push_back({q.id, q.attempted, std::get<item_update>(std::move(*w))});
  }
  std::sort(out.begin(), out.end(), [](const auto& x, const auto& y) { return x.id < y.id; });
  return out;
}

wanted_plane_write replacement(std::int64_t id, const item_update& update, std::string rule) {
  wanted_plane_write w;
  w.how = wanted_plane_write::kind::state;
  w.replace = id;
  w.operation = item_update::operation;
  w.object = fields_object;
  w.payload = to_json(plane_write{update});
  w.idempotency_key = fields_object;
  w.rule = std::move(rule);
  return w;
}

void answer(chat_plan& plan, const asker& who, std::string why_not, item_view now,
            std::string comment) {
  if (who.thread.empty()) return;
  item_answered a;
  a.message = who.message;
  a.ok = why_not.empty();
  a.text = std::move(why_not);
  a.comment = std::move(comment);
  a.now = std::move(now);
  plan.hand_overs.push_back({entity_key::lark_thread(who.thread), std::move(a)});
}

std::string project_page_url(const chat_setting& setting, std::string_view project) {
  if (setting.app_url.empty()) return {};
  return protocol::join_url(setting.app_url,
                            {setting.workspace_slug, "projects", project, "issues"}) +
         '/';
}

}  // namespace pb::sync
