// sandbox: modules and cycles, as far as the recordings go (contract 3.7). Putting items in and out
// of them and deleting them is announced by v0.25 only, and there in misleading words.
#include <algorithm>
#include <boost/json/array.hpp>

#include "sandbox/plane_state.hpp"

namespace pb::sandbox {
namespace {

std::vector<field_rule> module_rules() {
  return {{.name = "name", .required = true, .longest = 255},
          {.name = "description", .blank = true},
          {.name = "start_date", .is = kind::date, .nullable = true},
          {.name = "target_date", .is = kind::date, .nullable = true},
          {.name = "status",
           .is = kind::choice,
           .choices = {"backlog", "planned", "in-progress", "paused", "completed", "cancelled"}},
          {.name = "lead", .is = kind::reference, .nullable = true},
          {.name = "members", .is = kind::references},
          {.name = "external_source", .nullable = true, .blank = true, .longest = 255},
          {.name = "external_id", .nullable = true, .blank = true, .longest = 255}};
}

std::vector<field_rule> cycle_rules() {
  return {{.name = "name", .required = true, .longest = 255},
          {.name = "description", .blank = true},
          {.name = "start_date", .is = kind::moment, .nullable = true},
          {.name = "end_date", .is = kind::moment, .nullable = true},
          {.name = "external_source", .nullable = true, .blank = true, .longest = 255},
          {.name = "external_id", .nullable = true, .blank = true, .longest = 255}};
}

void add_missing(std::vector<std::string>& members, const std::string& id) {
  if (std::find(members.begin(), members.end(), id) == members.end()) members.push_back(id);
}

row session_module(const row& m) {
  row out{{"id", m.at("id")}, {"workspace_id", m.at("workspace")}, {"project_id", m.at("project")}};
  for (const auto& column : pick(m, {"name", "description", "description_text", "description_html",
                                     "start_date", "target_date", "status"}))
    out[column.key()] = column.value();
  out["lead_id"] = m.at("lead");
  for (const auto& column : pick(m, {"view_props", "sort_order", "external_source", "external_id",
                                     "logo_props", "created_at", "updated_at"}))
    out[column.key()] = column.value();
  out["is_favorite"] = false;
  for (const auto* count : {"completed_issues", "cancelled_issues", "started_issues",
                            "unstarted_issues", "backlog_issues", "total_issues"})
    out[count] = 0;
  out["completed_estimate_points"] = 0.0;
  out["total_estimate_points"] = 0.0;
  out["member_ids"] = m.at("members");
  return out;
}

row session_cycle(const row& cycle) {
  row out{{"id", cycle.at("id")},
          {"workspace_id", cycle.at("workspace")},
          {"project_id", cycle.at("project")}};
  for (const auto& column : pick(cycle, {"name", "description", "start_date", "end_date"}))
    out[column.key()] = column.value();
  out["owned_by_id"] = cycle.at("owned_by");
  for (const auto& column :
       pick(cycle, {"view_props", "sort_order", "external_source", "external_id",
                    "progress_snapshot", "logo_props", "version", "created_by"}))
    out[column.key()] = column.value();
  out["is_favorite"] = false;
  out["total_issues"] = 0;
  out["completed_issues"] = 0;
  out["status"] = "UPCOMING";
  out["assignee_ids"] = json::array{};
  return out;
}

}  // namespace

row plane::impl::with_counts(const row& group, const std::vector<std::string>& members) {
  std::map<std::string, int> by_group;
  for (const auto& id : members)
    if (const row* item = items.find(id))
      if (const row* state = states.find_any(text_of(*item, "state")))
        ++by_group[text_of(*state, "group")];
  row out{{"id", group.at("id")}, {"total_issues", members.size()}};
  for (const auto* name : {"cancelled", "completed", "started", "unstarted", "backlog"})
    out[std::string{name} + "_issues"] = by_group[name];
  for (const auto& column : group) out[column.key()] = column.value();
  return out;
}

answer plane::impl::items_of(call& c, const std::vector<std::string>& members) {
  std::vector<row*> shown;
  for (const auto& id : members)
    if (row* item = items.find(id); item != nullptr && visible(*item)) shown.push_back(item);
  return page_of(c, shown, [&](row& item) { return json::value(shape(item_view(item), c)); });
}

void plane::impl::forget_item(const std::string& item_id) {
  for (auto* groups : {&module_items, &cycle_items})
    for (auto& [group, members] : *groups) std::erase(members, item_id);
}

answer plane::impl::module_list(call& c) {
  if (c.method() == "GET")
    return page_of(c, newest_first(modules.of(c.project_id())), [&](row& m) {
      return json::value(shape(with_counts(m, module_items[text_of(m, "id")]), c));
    });
  if (!c.session && !true_in(*c.project, "module_view"))
    return error_reply(400, "Modules are not enabled for this project");
  auto in = check_fields(c.body, module_rules(), false);
  if (!in.errors.empty()) return reply(400, in.errors);
  for (const row* m : modules.of(c.project_id()))
    if (text_of(*m, "name") == text_of(in.values, "name"))
      return reply(400, row{{"id", m->at("id")},
                            {"code", "MODULE_NAME_ALREADY_EXISTS"},
                            {"error", "Module with this name already exists"},
                            {"message", "Module with this name already exists"}});
  const row base = base_row(c, old());
  row m = pick(base, {"id", "created_at", "updated_at", "deleted_at"});
  const row columns{{"name", ""},
                    {"description", ""},
                    {"description_text", nullptr},
                    {"description_html", nullptr},
                    {"start_date", nullptr},
                    {"target_date", nullptr},
                    {"status", "planned"},
                    {"view_props", row{}},
                    {"sort_order", 65535.0},
                    {"external_source", nullptr},
                    {"external_id", nullptr},
                    {"archived_at", nullptr},
                    {"logo_props", row{}},
                    {"created_by", base.at("created_by")},
                    {"updated_by", base.at("updated_by")},
                    {"project", c.project_id()},
                    {"workspace", c.workspace_id()},
                    {"lead", nullptr},
                    {"members", json::array{}}};
  for (const auto& column : columns) m[column.key()] = column.value();
  assign(m, in.values);
  const row& kept = modules.add(std::move(m));
  announce(c, "module", "created", text_of(kept, "id"));
  return reply(201, c.session ? session_module(kept) : kept);
}

answer plane::impl::module_one(call& c) {
  row* m = modules.find(c.ids.front());
  if (m == nullptr || text_of(*m, "project") != c.project_id()) return not_found();
  const std::string id = text_of(*m, "id");
  if (c.method() == "GET") return reply(200, shape(with_counts(*m, module_items[id]), c));
  if (c.method() == "DELETE") {
    modules.remove(*m, stamp());
    if (old())  // the trap: an issue/deleted event without a work item
      announce(c, "issue", "deleted", "", {"modules", m->at("name"), {}, id});
    module_items.erase(id);
    return empty_reply(204);
  }
  auto in = check_fields(c.body, module_rules(), true);
  if (!in.errors.empty()) return reply(400, in.errors);
  const row before = *m;
  assign(*m, in.values);
  touch(*m, c);
  announce_changes(c, "module", id, before);
  if (c.session) return reply(200, session_module(*m));
  return reply(200, pick(*m, {"name", "description", "start_date", "target_date", "status", "lead",
                              "external_source", "external_id"}));
}

answer plane::impl::module_item_list(call& c) {
  const std::string id = c.ids.front();
  if (modules.find(id) == nullptr) return not_found();
  if (c.method() == "GET") return items_of(c, module_items[id]);
  if (!c.body.contains("issues")) return error_reply(400, "Issues are required");
  json::array out;
  for (const auto& one : list_of(c.body, "issues")) {
    row* item = one.is_string() ? items.find(one.get_string()) : nullptr;
    if (item == nullptr) continue;
    add_missing(module_items[id], text_of(*item, "id"));
    (*item)["updated_at"] = stamp();
    const std::string by = c.user_id();
    out.push_back(row{{"id", new_id()},
                      {"sub_issues_count", 0},
                      {"created_at", stamp()},
                      {"updated_at", stamp()},
                      {"deleted_at", nullptr},
                      {"created_by", by},
                      {"updated_by", by},
                      {"project", c.project_id()},
                      {"workspace", c.workspace_id()},
                      {"module", id},
                      {"issue", one}});
  }
  return reply(200, out);
}

answer plane::impl::module_item_one(call& c) {
  auto& members = module_items[c.ids.front()];
  if (std::erase(members, c.ids.at(1)) == 0) return not_found();
  return empty_reply(204);
}

answer plane::impl::cycle_list(call& c) {
  if (c.method() == "GET")
    return page_of(c, newest_first(cycles.of(c.project_id())), [&](row& one) {
      return json::value(shape(with_counts(one, cycle_items[text_of(one, "id")]), c));
    });
  const bool starts = c.body.contains("start_date") && !is_null(c.body, "start_date");
  const bool ends = c.body.contains("end_date") && !is_null(c.body, "end_date");
  if (starts != ends)
    return error_reply(400, "Both start date and end date are either required or are to be null");
  auto in = check_fields(c.body, cycle_rules(), false);
  if (!in.errors.empty()) return reply(400, in.errors);
  if (!c.body.contains("project_id"))
    return reply(400, row{{"non_field_errors", json::array{"Project ID is required"}}});
  if (starts) {
    in.values["start_date"] = text_of(in.values, "start_date").substr(0, 10) + "T00:00:01Z";
    in.values["end_date"] =
        text_of(in.values, "end_date").substr(0, 10) + (old() ? "T00:00:00Z" : "T23:59:00Z");
  }
  const row base = base_row(c, old());
  row cycle = pick(base, {"id", "created_at", "updated_at", "deleted_at"});
  const row columns{{"name", ""},
                    {"description", ""},
                    {"start_date", nullptr},
                    {"end_date", nullptr},
                    {"view_props", row{}},
                    {"sort_order", 65535.0},
                    {"external_source", nullptr},
                    {"external_id", nullptr},
                    {"progress_snapshot", row{}},
                    {"archived_at", nullptr},
                    {"logo_props", row{}},
                    {"timezone", "UTC"},
                    {"version", 1},
                    {"created_by", base.at("created_by")},
                    {"updated_by", base.at("updated_by")},
                    {"project", c.project_id()},
                    {"workspace", c.workspace_id()},
                    {"owned_by", c.user_id()}};
  for (const auto& column : columns) cycle[column.key()] = column.value();
  assign(cycle, in.values);
  const row& kept = cycles.add(std::move(cycle));
  announce(c, "cycle", "created", text_of(kept, "id"));
  return reply(201, c.session ? session_cycle(kept) : kept);
}

answer plane::impl::cycle_one(call& c) {
  row* cycle = cycles.find(c.ids.front());
  if (cycle == nullptr || text_of(*cycle, "project") != c.project_id()) return not_found();
  const std::string id = text_of(*cycle, "id");
  if (c.method() == "GET") return reply(200, shape(with_counts(*cycle, cycle_items[id]), c));
  if (c.method() == "DELETE") {
    cycles.remove(*cycle, stamp());
    if (old())  // one per item: an issue/deleted event whose work item lives on
      for (const auto& item : cycle_items[id])
        announce(c, "issue", "deleted", item, {"cycles", cycle->at("name"), {}, id});
    cycle_items.erase(id);
    return empty_reply(204);
  }
  auto in = check_fields(c.body, cycle_rules(), true);
  if (!in.errors.empty()) return reply(400, in.errors);
  const row before = *cycle;
  assign(*cycle, in.values);
  touch(*cycle, c);
  announce_changes(c, "cycle", id, before);
  return reply(200, c.session ? session_cycle(*cycle) : *cycle);
}

answer plane::impl::cycle_item_list(call& c) {
  const std::string id = c.ids.front();
  const row* cycle = cycles.find(id);
  if (cycle == nullptr) return not_found();
  if (c.method() == "GET") return items_of(c, cycle_items[id]);
  json::array out;
  for (const auto& one : list_of(c.body, "issues")) {
    row* item = one.is_string() ? items.find(one.get_string()) : nullptr;
    if (item == nullptr) continue;
    for (auto& [other, members] : cycle_items)  // at most one cycle
      std::erase(members, text_of(*item, "id"));
    add_missing(cycle_items[id], text_of(*item, "id"));
    (*item)["updated_at"] = stamp();
    if (old())
      announce(c, "issue", "created", text_of(*item, "id"),
               {"cycles", {}, cycle->at("name"), {}, id});
    out.insert(out.begin(),  // newest first: recorded
               row{{"id", new_id()},
                   {"sub_issues_count", 0},
                   {"created_at", stamp()},
                   {"updated_at", stamp()},
                   {"deleted_at", nullptr},
                   {"created_by", nullptr},
                   {"updated_by", nullptr},
                   {"project", c.project_id()},
                   {"workspace", c.workspace_id()},
                   {"issue", one},
                   {"cycle", id}});
  }
  return reply(200, out);
}

answer plane::impl::cycle_item_one(call& c) {
  auto& members = cycle_items[c.ids.front()];
  if (c.method() == "GET") {
    const row* item = items.find(c.ids.at(1));
    if (item == nullptr || std::find(members.begin(), members.end(), c.ids[1]) == members.end())
      return not_found();
    return reply(200, shape(item_view(*item), c));
  }
  if (std::erase(members, c.ids.at(1)) == 0) return not_found();
  return empty_reply(204);
}

}  // namespace pb::sandbox
