#include "protocol/plane/webhook.hpp"

#include <array>
#include <utility>

#include "base/entity.hpp"
#include "protocol/html/utf8.hpp"
#include "protocol/json_reader.hpp"
#include "protocol/plane/parse.hpp"

namespace pb::protocol::plane {
namespace json = boost::json;
namespace {

constexpr std::string_view op_webhook = "plane.webhook";
constexpr std::size_t max_event_bytes = 100;
constexpr std::size_t max_part_bytes = 500;  ///< of the name of a link, a file, a cycle

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) noexcept {
  for (const auto w : words)
    if (w == word) return true;
  return false;
}

std::pair<std::string_view, std::string_view> split_last(std::string_view text, char at) noexcept {
  const auto cut = text.rfind(at);
  if (cut == std::string_view::npos) return {text, {}};
  return {text.substr(0, cut), text.substr(cut + 1)};
}

/// The parts of a work item that v2 reports under names of their own.
bool is_work_item_part(std::string_view kind) noexcept {
  static constexpr std::array<std::string_view, 6> parts{
      "workitem.link",     "workitem.attachment", "workitem.vote",
      "workitem.relation", "workitem.dependency", "workitem.page_link"};
  return is_one_of(kind, parts);
}

bool is_known_v2(std::string_view event) noexcept {
  const auto [kind, word] = split_last(event, '.');
  static constexpr std::array<std::string_view, 3> others{"page", "milestone", "page.comment"};
  return action_from(word) != action::other && (subject_from(kind) != subject::other ||
                                                is_work_item_part(kind) || is_one_of(kind, others));
}

/// A header's value that may serve as a name: short and printable.
std::string_view usable(std::string_view header) noexcept {
  if (header.size() > max_event_bytes) return {};
  for (const char c : header)
    if (c <= ' ' || c > '~') return {};
  return header;
}

bool has_all(const json::object& data) noexcept {
  // An issue of a webhook has all of these; what lacks one is not a complete work item.
  static constexpr std::array<std::string_view, 9> keys{
      "name",      "project", "sequence_id", "description_html", "priority",
      "assignees", "labels",  "state",       "target_date"};
  for (const auto key : keys)
    if (!data.contains(json::string_view{key.data(), key.size()})) return false;
  const auto& state = data.at("state");
  return state.is_object() || state.is_null();
}

/// v0.20 to v0.26 report parts of a work item or comment as created/deleted *of the item itself*;
/// only activity.field tells (contract: "the v0.25 trap").
bool is_of_a_part(const webhook_event& e) noexcept {
  if (e.what != action::created && e.what != action::deleted) return false;
  if (e.field.empty()) return false;
  if (e.about == subject::work_item) return e.field != "issue";
  static constexpr std::array<std::string_view, 5> whole_comment{
      "description", "comment", "comment_html", "issue_comment", "comments"};
  return e.about == subject::comment && !is_one_of(e.field, whole_comment);
}

void read_activity(json_reader& r, const json::object& root, webhook_event& e) {
  const auto* activity = r.child(root, "", "activity");
  if (activity == nullptr) return;
  e.field = r.text(*activity, "activity", "field");
  e.actor_id = r.id_or_object(*activity, "activity", "actor");
  if (const auto* actor = activity->if_contains("actor"); actor != nullptr && actor->is_object())
    e.actor_name = r.text(actor->get_object(), "activity.actor", "display_name");
}

/// What a part was called: a URL, a name. Other forms (lists of uuids, objects) are not for people.
std::string part_name(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(json::string_view{key.data(), key.size()});
  if (v == nullptr || !v->is_string()) return {};
  const auto& text = v->get_string();
  const auto cut = html::cut_utf8({text.data(), text.size()}, max_part_bytes);
  return html::valid_utf8(cut.substr(0, cut.find('\0')));
}
/// Its uuid; what is none is not needed.
std::string part_id(const json::object& o, std::string_view key) {
  const auto* v = o.if_contains(json::string_view{key.data(), key.size()});
  if (v == nullptr || !v->is_string()) return {};
  const std::string_view text{v->get_string().data(), v->get_string().size()};
  return is_uuid(text) ? std::string{text} : std::string{};
}
std::string first_name_of(const json::object& part) {
  for (const auto* key : {"title", "url", "name"})
    if (auto name = part_name(part, key); !name.empty()) return name;
  return {};
}

bool is_whole_comment(const json::object& data) noexcept {
  for (const auto* key : {"comment_html", "issue", "project", "actor", "access"})
    if (!data.contains(key)) return false;
  return true;
}

void read_data_v1(json_reader& r, const json::object& data, webhook_event& e) {
  const bool whole =
      e.about != subject::other && !e.side_effect_only &&
      (e.what == action::created || e.what == action::updated || e.what == action::deleted);
  e.entity_id = r.id(data, "data", "id", whole ? need::required : need::optional);
  e.updated_at = r.text(data, "data", "updated_at");
  switch (e.about) {
    case subject::work_item:
      e.work_item_id = e.entity_id;
      break;
    case subject::comment:
      e.work_item_id = r.id_or_object(data, "data", "issue");
      break;
    case subject::project:
      e.project_id = e.entity_id;
      break;
    default:
      break;
  }
  if (e.project_id.empty()) e.project_id = r.id_or_object(data, "data", "project");
  if (e.about == subject::work_item && e.what != action::deleted && has_all(data)) {
    work_item item;
    read(r, data, "data", item);
    if (!r.failed()) e.item = std::move(item);
  }
  if (e.about == subject::comment && e.what != action::deleted && is_whole_comment(data)) {
    comment c;
    read(r, data, "data", c);
    if (!r.failed()) e.comment = std::move(c);
  }
}

void read_v1(json_reader& r, const json::object& root, webhook_event& e) {
  e.about = subject_from(e.event);
  e.what = action_from(
      r.text(root, "", "action", e.about == subject::other ? need::optional : need::required));
  e.webhook_id = r.id(root, "", "webhook_id");
  e.workspace_id = r.id(root, "", "workspace_id");
  e.workspace_slug = r.text(root, "", "workspace_slug");
  read_activity(r, root, e);
  e.side_effect_only = is_of_a_part(e);
  if (const auto* a = root.if_contains("activity");
      e.side_effect_only && a != nullptr && a->is_object()) {
    e.part_before = part_name(a->get_object(), "old_value");
    e.part_after = part_name(a->get_object(), "new_value");
    e.part_id = part_id(a->get_object(), "new_identifier");
  }
  const auto* data =
      r.child(root, "", "data", e.about == subject::other ? need::optional : need::required);
  if (data != nullptr) read_data_v1(r, *data, e);
  // The item was touched, no more; where even its id is null there is nothing to look at.
  if (e.side_effect_only) e.what = e.entity_id.empty() ? action::other : action::updated;
}

/// Bodies without "event": runs of a Plane App's agent, or what a future release adds.
void read_nameless(json_reader& r, const json::object& root, std::string_view header,
                   webhook_event& e) {
  e.event = usable(header);
  if (e.event.empty()) e.event = r.text(root, "", "type", need::required);
  if (e.event.size() > max_event_bytes) r.fail("", "type", "too long for an event's name");
  e.about = subject::other;
  e.what = action_from(r.text(root, "", "action"));
  e.workspace_id = r.id(root, "", "workspace_id");
  e.work_item_id = r.id(root, "", "issue_id");
  e.project_id = r.id(root, "", "project_id");
  if (const auto* run = r.child(root, "", "agent_run")) e.entity_id = r.id(*run, "agent_run", "id");
}

void read_comment_v2(json_reader& r, const json::object& data, const json::object* before,
                     std::string_view entity_type, webhook_event& e) {
  // entity_id is the work item where entity_type says "issue", else the comment itself.
  const bool names_item = entity_type == "issue";
  const auto named = std::exchange(e.entity_id, {});
  if (names_item) e.work_item_id = named;
  const auto take = [&](const json::object& from, std::string_view path) {
    if (const auto* c = r.child(from, path, "comment")) {
      const auto here = joined_path(path, "comment");
      if (e.entity_id.empty()) e.entity_id = r.id(*c, here, "id");
      if (e.work_item_id.empty()) e.work_item_id = r.id(*c, here, "issue_id");
      if (e.what == action::created) e.actor_id = r.id(*c, here, "actor_id");
    } else if (e.work_item_id.empty()) {
      e.work_item_id = r.id(from, path, "issue_id");
    }
  };
  take(data, "data");
  if (before != nullptr) take(*before, "previous_attributes");
  if (e.entity_id.empty() && !names_item) e.entity_id = named;
}

void read_v2(json_reader& r, const json::object& root, std::string_view header, webhook_event& e) {
  e.generation = 2;
  e.event = normalized_event(r.text(root, "", "event"));
  const auto from_header = normalized_event(usable(header));
  if (!is_known_v2(e.event) && (is_known_v2(from_header) || e.event.empty())) e.event = from_header;
  if (e.event.empty()) r.fail("", "event", "missing, and no usable X-Plane-Event header");

  const auto [kind, word] = split_last(e.event, '.');
  e.what = action_from(word);
  e.side_effect_only = is_work_item_part(kind);
  e.about = e.side_effect_only ? subject::work_item : subject_from(kind);
  e.webhook_id = r.id(root, "", "webhook_id");
  e.workspace_id = r.id(root, "", "workspace_id");
  e.stable_id = r.id(root, "", "event_id");
  e.entity_id =
      r.id(root, "", "entity_id", e.about == subject::other ? need::optional : need::required);
  const auto entity_type = r.text(root, "", "entity_type");
  const auto* before = r.child(root, "", "previous_attributes");
  const auto* data =
      r.child(root, "", "data", e.about == subject::other ? need::optional : need::required);
  if (data == nullptr) return;

  e.updated_at = r.text(*data, "data", "updated_at");
  e.project_id = r.id(*data, "data", "project_id");
  e.actor_id = r.id(*data, "data", "updated_by_id");
  if (e.actor_id.empty() && e.what == action::created)
    e.actor_id = r.id(*data, "data", "created_by_id");
  if (e.about == subject::comment) read_comment_v2(r, *data, before, entity_type, e);
  if (e.about == subject::work_item) e.work_item_id = e.entity_id;
  if (e.about == subject::project) e.project_id = e.entity_id;
  if (e.project_id.empty() && before != nullptr)
    e.project_id = r.id(*before, "previous_attributes", "project_id");
  if (!e.side_effect_only) return;
  e.field = std::string{kind.substr(kind.rfind('.') + 1)};
  if (e.what != action::deleted) e.part_after = first_name_of(*data);
  if (e.what == action::created) e.part_id = part_id(*data, "id");
  if (e.what == action::deleted && before != nullptr) e.part_before = first_name_of(*before);
  e.what = action::updated;
}

}  // namespace

action action_from(std::string_view word) noexcept {
  if (word == "create" || word == "created") return action::created;
  if (word == "update" || word == "updated") return action::updated;
  if (word == "delete" || word == "deleted") return action::deleted;
  if (word == "archive" || word == "archived") return action::archived;
  return action::other;
}

subject subject_from(std::string_view word) noexcept {
  if (word == "issue" || word == "workitem") return subject::work_item;
  if (word == "issue_comment" || word == "workitem.comment") return subject::comment;
  if (word == "project") return subject::project;
  if (word == "cycle") return subject::cycle;
  if (word == "module") return subject::module;
  return subject::other;
}

std::string normalized_event(std::string_view name) {
  static constexpr std::string_view quirk = "WebhookScope.ScopeChoices.";
  if (!name.starts_with(quirk)) return std::string{name.substr(0, max_event_bytes)};
  std::string word{name.substr(quirk.size()).substr(0, max_event_bytes)};
  for (auto& c : word)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (word.starts_with("work_item")) word.erase(4, 1);
  for (const std::string_view parent : {"workitem_", "page_"})
    if (word.starts_with(parent) && word.find('_', parent.size()) != std::string::npos)
      word[parent.size() - 1] = '.';
  if (const auto cut = word.rfind('_'); cut != std::string::npos) word[cut] = '.';
  return word;
}

result<webhook_event> parse_webhook(std::string_view body, std::string_view x_plane_event) {
  const auto parsed = parse_json(body, max_webhook_bytes, errc::bad_input, op_webhook);
  if (!parsed) return parsed.error();
  const auto* root = parsed->if_object();
  json_reader r{errc::bad_input, op_webhook};
  webhook_event e;
  if (root == nullptr) {
    r.fail("", "body", "an object is due, got " + std::string{kind_name(*parsed)});
    return r.problem();
  }
  const auto version = r.text(*root, "", "version");
  if (version == "v2") {
    json_reader lenient{errc::bad_input, op_webhook, true};
    read_v2(lenient, *root, x_plane_event, e);
    if (lenient.failed()) return lenient.problem();
    return e;
  }
  if (!version.empty() && version != "v1") r.fail("", "version", "neither v1 nor v2");
  e.event = r.text(*root, "", "event");
  if (e.event.size() > max_event_bytes) r.fail("", "event", "too long for an event's name");
  if (e.event.empty() && !r.failed())
    read_nameless(r, *root, x_plane_event, e);
  else
    read_v1(r, *root, e);
  if (r.failed()) return r.problem();
  return e;
}

}  // namespace pb::protocol::plane
