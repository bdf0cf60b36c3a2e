// sandbox: states and labels (contract 3.5).
#include <algorithm>

#include "sandbox/plane_state.hpp"

namespace pb::sandbox {
namespace {

constexpr std::string_view same_external =
    " with the same external id and external source already exists";

std::vector<field_rule> state_rules() {
  return {{.name = "name", .required = true, .longest = 255},
          {.name = "description", .blank = true},
          {.name = "color", .required = true, .longest = 255},
          {.name = "sequence", .is = kind::real},
          {.name = "group",
           .is = kind::choice,
           .choices = {"backlog", "unstarted", "started", "completed", "cancelled"}},
          {.name = "default", .is = kind::flag},
          {.name = "external_source", .nullable = true, .blank = true, .longest = 255},
          {.name = "external_id", .nullable = true, .blank = true, .longest = 255}};
}

std::vector<field_rule> label_rules(table& labels) {
  return {{.name = "name", .required = true, .longest = 255},
          {.name = "description", .blank = true},
          {.name = "color", .blank = true, .longest = 255},
          {.name = "sort_order", .is = kind::real},
          {.name = "parent",
           .is = kind::reference,
           .nullable = true,
           .exists = [&labels](std::string_view id) { return labels.find(id) != nullptr; }},
          {.name = "external_source", .nullable = true, .blank = true, .longest = 255},
          {.name = "external_id", .nullable = true, .blank = true, .longest = 255}};
}

std::string slug_of(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const bool capital = c >= 'A' && c <= 'Z';
    if (letter || capital)
      out += static_cast<char>(capital ? c + 32 : c);
    else if (!out.empty() && out.back() != '-' && (c == ' ' || c == '-'))
      out += '-';
  }
  return out;
}

const row* with_external(const std::vector<row*>& rows, const row& wanted, const row* except) {
  const std::string id = text_of(wanted, "external_id"),
                    source = text_of(wanted, "external_source");
  if (id.empty() || source.empty()) return nullptr;
  for (const row* r : rows)
    if (r != except && text_of(*r, "external_id") == id && text_of(*r, "external_source") == source)
      return r;
  return nullptr;
}

const row* with_name(const std::vector<row*>& rows, const row& wanted, const row* except) {
  for (const row* r : rows)
    if (r != except && wanted.contains("name") && text_of(*r, "name") == text_of(wanted, "name"))
      return r;
  return nullptr;
}

}  // namespace

answer plane::impl::state_list(call& c) {
  const auto& all = states.of(c.project_id());
  if (c.method() == "GET") {
    std::vector<row*> shown = all;
    std::stable_sort(shown.begin(), shown.end(), [](const row* a, const row* b) {
      return number_of(*a, "sequence") < number_of(*b, "sequence");
    });
    return page_of(c, shown, [&](row& s) { return json::value(shape(s, c)); });
  }
  auto in = check_fields(c.body, state_rules(), false);
  if (!in.errors.empty()) return reply(400, in.errors);
  if (const row* twin = with_external(all, in.values, nullptr))
    return error_with_id(409, "State" + std::string{same_external}, text_of(*twin, "id"));
  if (const row* twin = with_name(all, in.values, nullptr))
    return error_with_id(409, "State with the same name already exists in the project",
                         text_of(*twin, "id"));
  double last = 0;
  for (const row* s : all) last = std::max(last, number_of(*s, "sequence"));
  const row base = base_row(c, false);
  row state = pick(base, {"id", "created_at", "updated_at", "deleted_at"});
  const row columns{{"name", ""},
                    {"description", ""},
                    {"color", ""},
                    {"slug", ""},
                    {"sequence", last + 15000.0},
                    {"group", "backlog"},
                    {"is_triage", false},
                    {"default", false},
                    {"external_source", nullptr},
                    {"external_id", nullptr},
                    {"created_by", base.at("created_by")},
                    {"updated_by", nullptr},
                    {"project", c.project_id()},
                    {"workspace", c.workspace_id()}};
  for (const auto& column : columns) state[column.key()] = column.value();
  assign(state, in.values);
  state["slug"] = slug_of(text_of(state, "name"));
  if (true_in(state, "default"))
    for (row* s : all) (*s)["default"] = false;
  return reply(200, states.add(std::move(state)));  // 200, not 201: recorded
}

answer plane::impl::state_one(call& c) {
  row* state = states.find(c.ids.front());
  if (state == nullptr || text_of(*state, "project") != c.project_id()) return not_found();
  const auto& all = states.of(c.project_id());
  if (c.method() == "GET") return reply(200, shape(*state, c));
  if (c.method() == "DELETE") {
    if (true_in(*state, "default")) return error_reply(400, "Default state cannot be deleted");
    for (const row* item : items.of(c.project_id()))
      if (text_of(*item, "state") == text_of(*state, "id"))
        return error_reply(400, "The state is not empty, only empty states can be deleted");
    states.remove(*state, stamp());
    return empty_reply(204);
  }
  auto in = check_fields(c.body, state_rules(), true);
  if (!in.errors.empty()) return reply(400, in.errors);
  if (with_external(all, in.values, state) != nullptr)
    return error_with_id(409, "State" + std::string{same_external}, text_of(*state, "id"));
  if (with_name(all, in.values, state) != nullptr)
    return error_with_id(409, "State with the same name already exists in the project",
                         text_of(*state, "id"));
  if (true_in(in.values, "default"))
    for (row* s : all) (*s)["default"] = false;
  assign(*state, in.values);
  (*state)["slug"] = slug_of(text_of(*state, "name"));
  touch(*state, c);
  return reply(200, *state);
}

answer plane::impl::label_list(call& c) {
  const auto& all = labels.of(c.project_id());
  if (c.method() == "GET")
    return page_of(c, newest_first(all), [&](row& l) { return json::value(shape(l, c)); });
  auto in = check_fields(c.body, label_rules(labels), false);
  if (!in.errors.empty()) return reply(400, in.errors);
  if (const row* twin = with_external(all, in.values, nullptr))
    return error_with_id(409, "Label" + std::string{same_external}, text_of(*twin, "id"));
  if (const row* twin = with_name(all, in.values, nullptr))
    return error_with_id(409, "Label with the same name already exists in the project",
                         text_of(*twin, "id"));
  double last = 55535;
  for (const row* l : all) last = std::max(last, number_of(*l, "sort_order"));
  const row base = base_row(c, false);
  row label = pick(base, {"id", "created_at", "updated_at", "deleted_at"});
  const row columns{{"name", ""},
                    {"description", ""},
                    {"color", ""},
                    {"sort_order", last + 10000.0},
                    {"external_source", nullptr},
                    {"external_id", nullptr},
                    {"created_by", base.at("created_by")},
                    {"updated_by", old() ? base.at("created_by") : json::value{}},
                    {"workspace", c.workspace_id()},
                    {"project", c.project_id()},
                    {"parent", nullptr}};
  for (const auto& column : columns) label[column.key()] = column.value();
  assign(label, in.values);
  return reply(201, labels.add(std::move(label)));
}

answer plane::impl::label_one(call& c) {
  row* label = labels.find(c.ids.front());
  if (label == nullptr || text_of(*label, "project") != c.project_id()) return not_found();
  const std::string id = text_of(*label, "id");
  if (c.method() == "GET") return reply(200, shape(*label, c));
  if (c.method() == "DELETE") {
    labels.remove(*label, stamp());
    for (row* item : items.of(c.project_id())) list_remove(*item, "labels", id);
    return empty_reply(204);
  }
  auto in = check_fields(c.body, label_rules(labels), true);
  if (!in.errors.empty()) return reply(400, in.errors);
  const auto& all = labels.of(c.project_id());
  if (with_external(all, in.values, label) != nullptr)
    return error_with_id(409, "Label" + std::string{same_external}, id);
  if (with_name(all, in.values, label) != nullptr)
    return error_with_id(409, "Label with the same name already exists in the project", id);
  assign(*label, in.values);
  touch(*label, c);
  return reply(200, *label);
}

}  // namespace pb::sandbox
