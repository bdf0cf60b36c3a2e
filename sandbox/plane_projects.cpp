// sandbox: projects (contract 3.2), with the default states that Plane makes for each.
#include <algorithm>
#include <boost/json/array.hpp>

#include "base/ascii.hpp"
#include "sandbox/plane_state.hpp"

namespace pb::sandbox {
namespace {

struct default_state {
  std::string_view name, group, color, old_color;
};
constexpr default_state default_states[] = {
    {"Backlog", "backlog", "#60646C", "#A3A3A3"},     {"Todo", "unstarted", "#60646C", "#3A3A3A"},
    {"In Progress", "started", "#F59E0B", "#F59E0B"}, {"Done", "completed", "#46A758", "#16A34A"},
    {"Cancelled", "cancelled", "#9AA4BC", "#EF4444"},
};

std::vector<field_rule> project_fields() {
  const auto flag = [](std::string_view name) {
    return field_rule{.name = name, .is = kind::flag};
  };
  return {{.name = "name", .required = true, .longest = 255},
          {.name = "identifier", .required = true, .longest = 12},
          {.name = "description", .blank = true},
          {.name = "project_lead", .is = kind::reference, .nullable = true},
          {.name = "default_assignee", .is = kind::reference, .nullable = true},
          {.name = "icon_prop", .is = kind::any, .nullable = true},
          {.name = "emoji", .nullable = true, .longest = 255},
          {.name = "cover_image", .nullable = true, .blank = true},
          flag("module_view"),
          flag("cycle_view"),
          flag("issue_views_view"),
          flag("page_view"),
          flag("intake_view"),
          flag("guest_view_all_features"),
          flag("is_issue_type_enabled"),
          flag("is_time_tracking_enabled"),
          {.name = "archive_in", .is = kind::whole},
          {.name = "close_in", .is = kind::whole},
          {.name = "timezone", .longest = 255},
          {.name = "default_state", .is = kind::reference, .nullable = true},
          {.name = "external_source", .nullable = true, .blank = true, .longest = 255},
          {.name = "external_id", .nullable = true, .blank = true, .longest = 255}};
}

}  // namespace

row plane::impl::project_view(const row& p, const call& c, bool in_list) {
  const std::string id = text_of(p, "id");
  const int role = project_role(id, c.user_id());
  const json::value member_role = role == 0 ? json::value{} : json::value(role);
  row out;
  out["id"] = id;
  if (c.session) {
    out["is_favorite"] = false;
    out["sort_order"] = 65535.0;
    out["member_role"] = member_role;
    out["anchor"] = nullptr;
    json::array members;
    for (const auto& m : member_order[id]) members.emplace_back(m);
    out["members"] = std::move(members);
    out["cover_image_url"] = nullptr;
    out["inbox_view"] = true_in(p, "intake_view");
    out["next_work_item_sequence"] = last_sequence[id] + 1;
  } else {
    out["total_members"] = project_members[id].size();
    out["total_cycles"] = cycles.of(id).size();
    out["total_modules"] = modules.of(id).size();
    out["is_member"] = role != 0;
    if (in_list) out["sort_order"] = 65535.0;
    out["member_role"] = member_role;
    out["is_deployed"] = false;
    out["cover_image_url"] = nullptr;
    if (old()) out["inbox_view"] = true_in(p, "intake_view");
  }
  for (const auto& column : p) out[column.key()] = column.value();
  if (old()) {
    out.stable_erase("external_source");
    out.stable_erase("external_id");
  }
  return out;
}

answer plane::impl::project_list(call& c) {
  if (c.method() == "GET") {
    std::vector<row*> shown;
    for (row* p : projects.of(c.workspace_id()))
      if (number_of(*p, "network") == 2 || project_role(text_of(*p, "id"), c.user_id()) != 0)
        shown.push_back(p);
    const auto view = [&](row& p) { return json::value(shape(project_view(p, c, true), c)); };
    if (!c.session) return page_of(c, newest_first(shown), view);
    json::array out;
    for (row* p : newest_first(shown)) out.push_back(view(*p));
    return reply(200, out);
  }
  if (workspace_roles[c.workspace_id()][c.user_id()] < 15) return forbidden();
  auto in = check_fields(c.body, project_fields(), false);
  if (!in.errors.empty()) return reply(400, in.errors);
  const std::string identifier = upper_case(text_of(in.values, "identifier"));
  for (const row* p : projects.of(c.workspace_id())) {
    if (text_of(*p, "name") == text_of(in.values, "name"))
      return reply(409, row{{"name", "The project name is already taken"}});
    if (text_of(*p, "identifier") == identifier)
      return reply(409, row{{"identifier", "The project identifier is already taken"}});
  }
  const row base = base_row(c, old());
  row p = pick(base, {"id", "created_at", "updated_at", "deleted_at"});
  const row columns{
      {"name", ""},
      {"description", ""},
      {"description_text", nullptr},
      {"description_html", nullptr},
      {"network", 2},
      {"identifier", ""},
      {"emoji", nullptr},
      {"icon_prop", nullptr},
      {"module_view", old()},
      {"cycle_view", old()},
      {"issue_views_view", old()},
      {"page_view", true},
      {"intake_view", false},
      {"is_time_tracking_enabled", false},
      {"is_issue_type_enabled", false},
      {"guest_view_all_features", false},
      {"cover_image", nullptr},
      {"archive_in", 0},
      {"close_in", 0},
      {"logo_props",
       old() ? row{}
             : row{{"icon", row{{"name", "quiz"}, {"color", "#6d7b8a"}}}, {"in_use", "icon"}}},
      {"archived_at", nullptr},
      {"timezone", "UTC"},
      {"external_source", nullptr},
      {"external_id", nullptr},
      {"created_by", base.at("created_by")},
      {"updated_by", base.at("updated_by")},
      {"workspace", c.workspace_id()},
      {"default_assignee", nullptr},
      {"project_lead", nullptr},
      {"cover_image_asset", nullptr},
      {"estimate", nullptr},
      {"default_state", nullptr}};
  for (const auto& column : columns) p[column.key()] = column.value();
  assign(p, in.values);
  p["identifier"] = identifier;
  row& kept = projects.add(std::move(p));
  const std::string id = text_of(kept, "id");
  project_members[id][c.user_id()] = row{{"id", new_id()}, {"member", c.user_id()}, {"role", 20}};
  member_order[id].push_back(c.user_id());
  double sequence = 15000;
  for (const auto& s : default_states) {
    row state{{"id", new_id()},
              {"created_at", stamp()},
              {"updated_at", stamp()},
              {"deleted_at", nullptr},
              {"name", s.name},
              {"description", ""},
              {"color", old() ? s.old_color : s.color},
              {"slug", ""},
              {"sequence", sequence},
              {"group", s.group},
              {"is_triage", false},
              {"default", s.group == "backlog"},
              {"external_source", nullptr},
              {"external_id", nullptr},
              {"created_by", c.user_id()},
              {"updated_by", nullptr},
              {"project", id},
              {"workspace", c.workspace_id()}};
    states.add(std::move(state));
    sequence += 10000;
  }
  announce(c, "project", "created", id);
  return reply(201, project_view(kept, c, false));
}

answer plane::impl::project_one(call& c) {
  row* p = projects.find(c.ids.front());
  if (p == nullptr || text_of(*p, "workspace") != c.workspace_id()) return not_found();
  if (c.method() == "GET") return reply(200, shape(project_view(*p, c, false), c));
  const std::string id = text_of(*p, "id");
  if (project_role(id, c.user_id()) < 20) return forbidden();
  if (c.method() == "DELETE") {
    projects.remove(*p, stamp());
    announce(c, "project", "deleted", id);
    return empty_reply(204);
  }
  auto in = check_fields(c.body, project_fields(), true);
  if (!in.errors.empty()) return reply(400, in.errors);
  for (const row* other : projects.of(c.workspace_id()))
    if (other != p && text_of(*other, "name") == text_of(in.values, "name"))
      return reply(409, row{{"name", "The project name is already taken"}});
  if (in.values.contains("identifier"))
    in.values["identifier"] = upper_case(text_of(in.values, "identifier"));
  const row before = *p;
  assign(*p, in.values);
  touch(*p, c);
  announce_changes(c, "project", id, before);
  return reply(200, project_view(*p, c, false));
}

answer plane::impl::project_archive(call& c) {
  (*c.project)["archived_at"] = c.method() == "POST" ? json::value(stamp()) : json::value{};
  return empty_reply(204);
}

}  // namespace pb::sandbox
