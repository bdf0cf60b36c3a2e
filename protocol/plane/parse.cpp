#include "protocol/plane/parse.hpp"

#include <algorithm>
#include <utility>

namespace pb::protocol::plane {
namespace json = boost::json;
namespace {

constexpr std::size_t max_cursor_bytes = 1024;

state_group read_group(json_reader& r, const json::object& o, std::string_view path) {
  const auto word = r.text(o, path, "group", need::required);
  if (r.failed()) return state_group::backlog;
  if (const auto group = state_group_from(word)) return *group;
  r.fail(path, "group", "not a state group");
  return state_group::backlog;
}

priority read_priority(json_reader& r, const json::object& o, std::string_view path) {
  const auto word = r.text(o, path, "priority");
  if (word.empty()) return priority::none;
  if (const auto p = priority_from(word)) return *p;
  r.fail(path, "priority", "not a priority");
  return priority::none;
}

void read_user(json_reader& r, const json::object& o, std::string_view path, user_ref& out) {
  out.id = r.id(o, path, "id", need::required);
  out.display_name = r.text(o, path, "display_name");
  out.email = r.text(o, path, "email");
}

void read_label_ref(json_reader& r, const json::object& o, std::string_view path, label_ref& out) {
  out.id = r.id(o, path, "id", need::required);
  out.name = r.text(o, path, "name");
}

/// A list whose elements are uuids (plain reads) or objects (expand, webhooks).
template <class T, class Read>
void read_refs(json_reader& r, const json::object& o, std::string_view path, std::string_view key,
               std::vector<T>& out, Read read_object) {
  const auto* list = r.list(o, path, key);
  if (list == nullptr) return;
  const auto base = joined_path(path, key);
  out.reserve(list->size());
  std::size_t index = 0;
  for (const auto& element : *list) {
    const auto here = element_path(base, index++);
    T one;
    if (const auto* inner = element.if_object()) {
      read_object(r, *inner, here, one);
    } else {
      const json::object wrapped{{"id", element}};
      one.id = r.id(wrapped, here, "id", need::required);
    }
    if (r.failed()) return;
    out.push_back(std::move(one));
  }
  // Plane keeps no order: a plain and an expanded read of one item differ in it.
  std::sort(out.begin(), out.end(), [](const T& a, const T& b) { return a.id < b.id; });
}

std::optional<state_ref> read_state(json_reader& r, const json::object& o, std::string_view path) {
  const auto* v = o.if_contains("state");
  if (v == nullptr || v->is_null()) return std::nullopt;
  state_ref out;
  if (const auto* inner = v->if_object()) {
    const auto here = joined_path(path, "state");
    out.id = r.id(*inner, here, "id", need::required);
    out.name = r.text(*inner, here, "name");
    out.group = read_group(r, *inner, here);
  } else {
    out.id = r.id(o, path, "state", need::required);
  }
  return out;
}

}  // namespace

std::optional<priority> priority_from(std::string_view word) noexcept {
  for (const auto p :
       {priority::none, priority::low, priority::medium, priority::high, priority::urgent})
    if (to_string(p) == word) return p;
  return std::nullopt;
}

std::optional<state_group> state_group_from(std::string_view word) noexcept {
  for (const auto g : {state_group::backlog, state_group::unstarted, state_group::started,
                       state_group::completed, state_group::cancelled, state_group::triage})
    if (to_string(g) == word) return g;
  return std::nullopt;
}

void read(json_reader& r, const json::object& o, std::string_view path, work_item& out) {
  out.id = r.id(o, path, "id", need::required);
  out.project = r.id_or_object(o, path, "project", need::required);
  out.workspace = r.id_or_object(o, path, "workspace");
  out.sequence_id = r.number(o, path, "sequence_id", need::required);
  out.name = r.text(o, path, "name", need::required);
  out.description_html = r.text(o, path, "description_html");
  out.prio = read_priority(r, o, path);
  out.start_date = r.date(o, path, "start_date");
  out.target_date = r.date(o, path, "target_date");
  out.state = read_state(r, o, path);
  read_refs(r, o, path, "assignees", out.assignees, read_user);
  read_refs(r, o, path, "labels", out.labels, read_label_ref);
  out.created_at = r.text(o, path, "created_at");
  out.updated_at = r.text(o, path, "updated_at");
  out.archived_at = r.text(o, path, "archived_at");
  out.deleted_at = r.text(o, path, "deleted_at");
  out.is_draft = r.flag(o, path, "is_draft");
  out.external_source = r.text(o, path, "external_source");
  out.external_id = r.text(o, path, "external_id");
  out.parent = r.id_or_object(o, path, "parent");
  out.type = r.id_or_object(o, path, "type");
  if (out.type.empty()) out.type = r.id(o, path, "type_id");
  out.created_by = r.id_or_object(o, path, "created_by");
  out.updated_by = r.id_or_object(o, path, "updated_by");
}

void read(json_reader& r, const json::object& o, std::string_view path, work_item_brief& out) {
  out.id = r.id(o, path, "id", need::required);
  out.updated_at = r.text(o, path, "updated_at");
  out.target_date = r.date(o, path, "target_date");
  out.archived_at = r.text(o, path, "archived_at");
  out.project = r.id_or_object(o, path, "project");
}

void read(json_reader& r, const json::object& o, std::string_view path, project& out) {
  out.id = r.id(o, path, "id", need::required);
  out.identifier = r.text(o, path, "identifier", need::required);
  out.name = r.text(o, path, "name", need::required);
  out.workspace = r.id_or_object(o, path, "workspace");
  out.timezone = r.text(o, path, "timezone");
  out.archived_at = r.text(o, path, "archived_at");
  out.is_member = r.flag(o, path, "is_member");
  out.published = r.flag(o, path, "is_deployed");
  out.created_by = r.id_or_object(o, path, "created_by");
}

void read(json_reader& r, const json::object& o, std::string_view path, project_state& out) {
  out.id = r.id(o, path, "id", need::required);
  out.name = r.text(o, path, "name", need::required);
  out.color = r.text(o, path, "color");
  out.project = r.id_or_object(o, path, "project");
  out.external_source = r.text(o, path, "external_source");
  out.external_id = r.text(o, path, "external_id");
  out.group = read_group(r, o, path);
  out.is_default = r.flag(o, path, "default");
}

void read(json_reader& r, const json::object& o, std::string_view path, label& out) {
  out.id = r.id(o, path, "id", need::required);
  out.name = r.text(o, path, "name", need::required);
  out.color = r.text(o, path, "color");
  out.project = r.id_or_object(o, path, "project");
  out.external_source = r.text(o, path, "external_source");
  out.external_id = r.text(o, path, "external_id");
}

void read(json_reader& r, const json::object& o, std::string_view path, comment& out) {
  out.id = r.id(o, path, "id", need::required);
  out.work_item = r.id_or_object(o, path, "issue");
  out.project = r.id_or_object(o, path, "project");
  out.html = r.text(o, path, "comment_html");
  out.actor = r.id_or_object(o, path, "actor");
  out.created_by = r.id_or_object(o, path, "created_by");
  out.created_at = r.text(o, path, "created_at");
  out.updated_at = r.text(o, path, "updated_at");
  out.access = r.text(o, path, "access");
  out.deleted_at = r.text(o, path, "deleted_at");
  out.external_source = r.text(o, path, "external_source");
  out.external_id = r.text(o, path, "external_id");
  out.parent = r.id_or_object(o, path, "parent");
}

void read(json_reader& r, const json::object& o, std::string_view path, member& out) {
  read_user(r, o, path, out.user);
  out.role = r.number(o, path, "role");
}

void read(json_reader& r, const json::object& o, std::string_view path, item_link& out) {
  out.id = r.id(o, path, "id", need::required);
  out.work_item = r.id_or_object(o, path, "issue");
  out.project = r.id_or_object(o, path, "project");
  out.title = r.text(o, path, "title");
  out.url = r.text(o, path, "url", need::required);
}

page_envelope read_page_envelope(json_reader& r, const json::value& v) {
  page_envelope out;
  if (const auto* bare = v.if_array()) {
    if (bare->size() > max_list_length)
      r.fail("", "answer", "more than " + std::to_string(max_list_length) + " elements");
    out.results = bare;
    out.total = static_cast<std::int64_t>(bare->size());
    return out;
  }
  const auto* o = v.if_object();
  if (o == nullptr) {
    r.fail("", "answer", "a page is due, got " + std::string{kind_name(v)});
    return out;
  }
  out.results = r.list(*o, "", "results", need::required);
  out.next_cursor = r.text(*o, "", "next_cursor");
  out.has_next = r.flag(*o, "", "next_page_results");
  out.total = r.number(*o, "", "total_results");
  if (out.next_cursor.size() > max_cursor_bytes) r.fail("", "next_cursor", "too long");
  return out;
}

result<std::string> page_walker::after(std::string_view next_cursor, bool has_next) {
  ++pages_;
  if (!has_next) return std::string{};
  // next_cursor is never null in the contract, not even on the last page: the flag alone ends.
  if (next_cursor.empty())
    return failure{.code = errc::unexpected_answer,
                   .where = where_,
                   .detail = "next_page_results is true and next_cursor is empty"};
  if (!seen_.emplace(next_cursor).second)
    return failure{.code = errc::unexpected_answer,
                   .where = where_,
                   .detail = "the cursor of page " + std::to_string(pages_) + " came before"};
  if (pages_ >= max_pages_)
    return failure{.code = errc::unexpected_answer,
                   .where = where_,
                   .detail = "more than " + std::to_string(max_pages_) + " pages"};
  return std::string{next_cursor};
}

}  // namespace pb::protocol::plane
