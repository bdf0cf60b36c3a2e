// sandbox: work items over both APIs (contract 3.3): REST says state, assignees, labels, parent;
// the page's session API says state_id, assignee_ids, label_ids, parent_id. Rows keep REST's names.
#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <charconv>

#include "base/ascii.hpp"
#include "sandbox/html_clean.hpp"
#include "sandbox/json_text.hpp"
#include "sandbox/plane_state.hpp"

namespace pb::sandbox {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> session_names{
    {{"state_id", "state"},
     {"assignee_ids", "assignees"},
     {"label_ids", "labels"},
     {"parent_id", "parent"}}};

/// The body with REST's names, for the session API; "state" itself means nothing there.
row from_session(const row& body) {
  row out = body;
  for (const auto& [ours, theirs] : session_names) out.erase(theirs);
  for (const auto& [ours, theirs] : session_names)
    if (const json::value* v = body.if_contains(ours)) out[theirs] = *v;
  return out;
}

int rank(std::string_view value, std::initializer_list<std::string_view> order) {
  return static_cast<int>(std::find(order.begin(), order.end(), value) - order.begin());
}

answer refuse(std::string_view text) {
  return reply(400, row{{"non_field_errors", json::array{text}}});
}

}  // namespace

bool plane::impl::visible(const row& item) const {
  return is_null(item, "archived_at") && !true_in(item, "is_draft");
}

row plane::impl::item_view(const row& item) const {
  row out;
  for (const auto& column : item) out[column.key()] = column.value();
  return out;
}

row plane::impl::session_item_view(const row& item) const {
  const std::string id = text_of(item, "id");
  const json::value count = old() ? json::value(0) : json::value{};
  // Where there are none it is as recorded: null, before v1.3 nought.
  const auto& kept = attachments.of(id);
  const auto uploaded = std::count_if(kept.begin(), kept.end(),
                                      [](const row* a) { return true_in(*a, "is_uploaded"); });
  const json::value files = uploaded > 0 ? json::value(uploaded) : count;
  json::array in_modules;
  json::value cycle;
  for (const auto& [module, members] : module_items)
    if (std::find(members.begin(), members.end(), id) != members.end())
      in_modules.emplace_back(module);
  for (const auto& [one, members] : cycle_items)
    if (std::find(members.begin(), members.end(), id) != members.end()) cycle = one;
  return row{{"id", id},
             {"name", item.at("name")},
             {"state_id", item.at("state")},
             {"sort_order", item.at("sort_order")},
             {"completed_at", item.at("completed_at")},
             {"estimate_point", item.at("estimate_point")},
             {"priority", item.at("priority")},
             {"start_date", item.at("start_date")},
             {"target_date", item.at("target_date")},
             {"sequence_id", item.at("sequence_id")},
             {"project_id", item.at("project")},
             {"parent_id", item.at("parent")},
             {"created_at", item.at("created_at")},
             {"updated_at", item.at("updated_at")},
             {"created_by", item.at("created_by")},
             {"updated_by", item.at("updated_by")},
             {"is_draft", item.at("is_draft")},
             {"archived_at", item.at("archived_at")},
             {"deleted_at", item.at("deleted_at")},
             {"cycle_id", cycle},
             {"link_count", count},
             {"attachment_count", files},
             {"sub_issues_count", count},
             {"assignee_ids", item.at("assignees")},
             {"label_ids", item.at("labels")},
             {"module_ids", std::move(in_modules)}};
}

std::vector<field_rule> plane::impl::item_rules(bool session) {
  const auto in = [](table& t) {
    return [&t](std::string_view id) { return t.find(id) != nullptr; };
  };
  std::vector<field_rule> rules{
      {.name = "name", .required = true, .longest = 255},
      {.name = "description_html", .blank = true},
      {.name = "priority",
       .is = kind::choice,
       .choices = {"urgent", "high", "medium", "low", "none"}},
      {.name = "start_date", .is = kind::date, .nullable = true},
      {.name = "target_date", .is = kind::date, .nullable = true},
      {.name = "point", .is = kind::whole, .nullable = true},
      {.name = "sort_order", .is = kind::real},
      {.name = "is_draft", .is = kind::flag},
      {.name = "state", .is = kind::reference, .nullable = true, .exists = in(states)},
      {.name = "parent", .is = kind::reference, .nullable = true, .exists = in(items)},
      {.name = "estimate_point",
       .is = kind::reference,
       .nullable = true,
       .exists = [](std::string_view) { return false; }},
      {.name = "assignees", .is = kind::references, .exists = in(users)},
      {.name = "labels", .is = kind::references, .exists = in(labels)}};
  if (!session) {
    rules.push_back({.name = "sequence_id", .is = kind::whole});
    rules.push_back({.name = "completed_at", .is = kind::moment, .nullable = true});
    rules.push_back({.name = "archived_at", .is = kind::date, .nullable = true});
    rules.push_back({.name = "external_source", .nullable = true, .blank = true, .longest = 255});
    rules.push_back({.name = "external_id", .nullable = true, .blank = true, .longest = 255});
    rules.push_back(
        {.name = "created_by", .is = kind::reference, .nullable = true, .exists = in(users)});
  }
  return rules;
}

row* plane::impl::external_twin(const call& c, const row& wanted, const row* except) {
  const std::string id = text_of(wanted, "external_id"),
                    source = text_of(wanted, "external_source");
  if (id.empty() || source.empty() || external_id_race) return nullptr;
  for (row* item : items.of(c.project_id()))
    if (item != except && text_of(*item, "external_id") == id &&
        text_of(*item, "external_source") == source)
      return item;
  return nullptr;
}

std::optional<answer> plane::impl::clean_description(row& values, const row* item,
                                                     std::string& text) {
  if (const json::value* html = values.if_contains("description_html")) {
    auto clean = sanitise_html(html->get_string());
    if (!clean) return refuse("Invalid HTML passed");
    values["description_html"] = clean->html;
    text = std::move(clean->text);
  }
  const auto date = [&](std::string_view column) {
    if (values.contains(column) || item == nullptr) return text_of(values, column);
    return std::string{};  // a PATCH of one date is not checked against the stored other one
  };
  const std::string start = date("start_date"), target = date("target_date");
  if (!start.empty() && !target.empty() && start > target)
    return refuse("Start date cannot exceed target date");
  return std::nullopt;
}

// Silently, and an emptied list clears the field: contract fact 12.
void plane::impl::keep_members_only(const call& c, row& values) {
  const auto keep = [&](std::string_view column, const auto& eligible) {
    if (!values.contains(column)) return;
    json::array kept;
    for (const auto& id : list_of(values, column))
      if (eligible(std::string{id.get_string()}) &&
          std::find(kept.begin(), kept.end(), id) == kept.end())
        kept.push_back(id);
    values[column] = std::move(kept);
  };
  keep("assignees", [&](const std::string& id) { return project_role(c.project_id(), id) >= 15; });
  keep("labels", [&](const std::string& id) {
    return text_of(*labels.find(id), "project") == c.project_id();
  });
}

void plane::impl::remember_lists(const row& item) {
  row& ever = ever_listed[text_of(item, "id")];
  for (const auto* column : {"assignees", "labels"}) {
    json::array all = list_of(ever, column);
    for (const auto& one : list_of(item, column))
      if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
    ever[column] = std::move(all);
  }
}

answer plane::impl::item_list(call& c) {
  if (c.method() == "POST") return item_create(c);
  if (c.has_param("external_id") && c.has_param("external_source")) {
    std::vector<row*> found;
    for (row* item : items.of(c.project_id()))
      if (text_of(*item, "external_id") == c.param("external_id") &&
          text_of(*item, "external_source") == c.param("external_source"))
        found.push_back(item);
    if (found.size() > 1) return server_error();
    return found.empty() ? not_found() : reply(200, shape(item_view(*found.front()), c));
  }
  std::vector<row*> shown;
  for (row* item : items.of(c.project_id()))
    if (visible(*item) && is_null(*c.project, "archived_at")) shown.push_back(item);
  std::string order = c.has_param("order_by") ? c.param("order_by") : "-created_at";
  const bool down = order.starts_with('-');
  if (down) order.erase(0, 1);
  const auto group = [this](const row& item) {
    const row* state = states.find_any(text_of(item, "state"));
    return rank(state == nullptr ? "" : text_of(*state, "group"),
                {"backlog", "unstarted", "started", "completed", "cancelled"});
  };
  const auto first_name = [](table& t, const row& item, std::string_view list,
                             std::string_view column) {
    const json::array ids = list_of(item, list);
    const row* r = ids.empty() ? nullptr : t.find_any(ids.front().get_string());
    return r == nullptr ? std::string{} : text_of(*r, column);
  };
  std::function<bool(const row&, const row&)> before;
  if (order == "priority")
    before = [](const row& a, const row& b) {
      constexpr auto of = [](const row& r) {
        return rank(text_of(r, "priority"), {"urgent", "high", "medium", "low", "none"});
      };
      return of(a) < of(b);
    };
  else if (order == "state__group" || order == "state__name")
    before = [&](const row& a, const row& b) { return group(a) < group(b); };
  else if (order == "labels__name")
    before = [&](const row& a, const row& b) {
      return first_name(labels, a, "labels", "name") < first_name(labels, b, "labels", "name");
    };
  else if (order == "assignees__first_name")
    before = [&](const row& a, const row& b) {
      return first_name(users, a, "assignees", "first_name") <
             first_name(users, b, "assignees", "first_name");
    };
  else if (!shown.empty() && !shown.front()->contains(order))
    return server_error();
  else
    before = [&](const row& a, const row& b) {
      const json::value* x = a.if_contains(order);
      return x != nullptr && x->is_number() ? number_of(a, order) < number_of(b, order)
                                            : moment_of(a, order) < moment_of(b, order);
    };
  std::stable_sort(shown.begin(), shown.end(), [&](const row* a, const row* b) {
    return down ? before(*b, *a) : before(*a, *b);
  });
  return page_of(c, shown, [&](row& item) {
    return json::value(c.session ? session_item_view(item) : shape(item_view(item), c));
  });
}

answer plane::impl::item_create(call& c) {
  auto in = check_fields(c.session ? from_session(c.body) : c.body, item_rules(c.session), false);
  if (!in.errors.empty()) return reply(400, in.errors);
  std::string text;
  if (auto bad = clean_description(in.values, nullptr, text)) return *bad;
  if (const std::string s = text_of(in.values, "state");
      !s.empty() && text_of(*states.find(s), "project") != c.project_id())
    return refuse("State is not valid please pass a valid state_id");
  if (const std::string p = text_of(in.values, "parent");
      !p.empty() && text_of(*items.find(p), "project") != c.project_id())
    return refuse("Parent is not valid issue_id please pass a valid issue_id");
  if (const row* twin = external_twin(c, in.values, nullptr))
    return error_with_id(409, "Issue with the same external id and external source already exists",
                         text_of(*twin, "id"));
  keep_members_only(c, in.values);
  const row base = base_row(c, old());
  row item{{"id", base.at("id")},
           {"type_id", nullptr},
           {"created_at", base.at("created_at")},
           {"updated_at", base.at("updated_at")},
           {"deleted_at", nullptr},
           {"point", nullptr},
           {"name", ""},
           {"description_html", "<p></p>"},
           {"description_binary", nullptr},
           {"priority", "none"},
           {"start_date", nullptr},
           {"target_date", nullptr},
           {"sequence_id", 0},
           {"sort_order", 65535.0},
           {"completed_at", nullptr},
           {"archived_at", nullptr},
           {"is_draft", false},
           {"external_source", nullptr},
           {"external_id", nullptr},
           {"created_by", base.at("created_by")},
           {"updated_by", base.at("updated_by")},
           {"project", c.project_id()},
           {"workspace", c.workspace_id()},
           {"parent", nullptr},
           {"state", nullptr},
           {"estimate_point", nullptr},
           {"type", nullptr},
           {"assignees", json::array{}},
           {"labels", json::array{}}};
  assign(item, in.values);
  if (is_null(item, "state"))
    for (const row* s : states.of(c.project_id()))
      if (true_in(*s, "default") || is_null(item, "state")) item["state"] = s->at("id");
  if (!in.values.contains("assignees") && !is_null(*c.project, "default_assignee"))
    item["assignees"] = json::array{c.project->at("default_assignee")};
  if (const row* s = states.find(text_of(item, "state"));
      s != nullptr && text_of(*s, "group") == "completed")
    item["completed_at"] = stamp();
  if (!in.values.contains("sort_order"))
    for (const row* other : items.of(c.project_id()))
      if (text_of(*other, "state") == text_of(item, "state"))
        item["sort_order"] =
            std::max(number_of(item, "sort_order"), number_of(*other, "sort_order") + 10000.0);
  item["sequence_id"] = ++last_sequence[c.project_id()];
  item["created_by"] = c.user_id();
  row& kept = items.add(std::move(item));
  const std::string id = text_of(kept, "id");
  stripped[id] = std::move(text);
  remember_lists(kept);
  answer a = reply(201, c.session ? session_item_view(kept) : shape(item_view(kept), c));
  // Plane writes these two after it has made its answer (contract 3.3: back-dating).
  if (!c.session) {
    auto rewritten = check_fields(c.body, {{.name = "created_at", .is = kind::moment}}, true);
    if (rewritten.values.contains("created_at"))
      kept["created_at"] = rewritten.values.at("created_at");
    else if (options.late_timestamps)
      kept["created_at"] = format_rfc3339(last_stamp += std::chrono::microseconds{9'327});
    if (const std::string by = text_of(in.values, "created_by"); !by.empty())
      kept["created_by"] = by;
  }
  note_activity(c, kept, "created", {}, "created the issue");
  if (!old() || c.session) announce(c, "issue", "created", id);
  if (old() && c.session)
    for (const auto& user : list_of(kept, "assignees"))
      announce(
          c, "issue", "updated", id,
          {"assignees", {}, text_of(*users.find(user.get_string()), "display_name"), {}, user});
  return a;
}

answer plane::impl::item_update(call& c, row& item) {
  auto in = check_fields(c.session ? from_session(c.body) : c.body, item_rules(c.session), true);
  if (!in.errors.empty()) return reply(400, in.errors);
  const std::string id = text_of(item, "id");
  std::string text;
  if (auto bad = clean_description(in.values, &item, text)) return *bad;
  if (const std::string s = text_of(in.values, "state");
      !s.empty() && text_of(*states.find(s), "project") != c.project_id())
    return refuse("State is not valid please pass a valid state_id");
  if (const std::string p = text_of(in.values, "parent");
      !p.empty() && text_of(*items.find(p), "project") != c.project_id())
    return refuse("Parent is not valid issue_id please pass a valid issue_id");
  if (external_twin(c, in.values, &item) != nullptr)  // the id is the patched item's: recorded
    return error_with_id(409, "Issue with the same external id and external source already exists",
                         id);
  keep_members_only(c, in.values);
  // Rows of the join tables stay when they are still wanted, so a new order changes nothing.
  for (const auto* column : {"assignees", "labels"}) {
    if (!in.values.contains(column)) continue;
    const json::array wanted = list_of(in.values, column);
    json::array merged;
    for (const auto& one : list_of(item, column))
      if (std::find(wanted.begin(), wanted.end(), one) != wanted.end()) merged.push_back(one);
    for (const auto& one : wanted)
      if (std::find(merged.begin(), merged.end(), one) == merged.end()) merged.push_back(one);
    in.values[column] = std::move(merged);
  }
  const row before = c.session ? session_item_view(item) : item_view(item);
  const row stored = item;
  if (in.values.contains("description_html")) stripped[id] = std::move(text);
  assign(item, in.values);
  if (in.values.contains("state")) {
    const row* s = states.find(text_of(item, "state"));
    item["completed_at"] =
        s != nullptr && text_of(*s, "group") == "completed" ? json::value(stamp()) : json::value{};
  }
  touch(item, c);
  remember_lists(item);
  answer a = c.session ? empty_reply(204) : reply(200, shape(item_view(item), c));
  row with_text = before;  // the session's snapshot has the description too
  with_text["description_html"] = stored.at("description_html");
  announce_item_change(c, item, with_text);
  if (options.late_timestamps)
    item["updated_at"] = format_rfc3339(last_stamp += std::chrono::microseconds{61'544});
  return a;
}

answer plane::impl::item_delete(call& c, row& item) {
  if (text_of(item, "created_by") != c.user_id() && project_role(c.project_id(), c.user_id()) < 20)
    return error_reply(403, "Only admin or creator can delete the work item");
  const std::string id = text_of(item, "id");
  items.remove(item, stamp());
  forget_item(id);
  if (old()) announce(c, "issue", "deleted", id, {"issue"});
  return empty_reply(204);
}

answer plane::impl::item_one(call& c) {
  row* item = items.find(c.ids.front());
  if (item == nullptr || text_of(*item, "project") != c.project_id()) return not_found();
  if (c.method() == "PATCH") return item_update(c, *item);
  if (c.method() == "DELETE") return item_delete(c, *item);
  if (!visible(*item) || !is_null(*c.project, "archived_at")) return not_found();
  return reply(200, c.session ? session_item_view(*item) : shape(item_view(*item), c));
}

answer plane::impl::item_by_identifier(call& c) {
  const std::string& name = c.ids.front();
  const auto dash = name.rfind('-');
  if (dash == std::string::npos) return page_not_found();
  std::uint64_t number = 0;
  const char* end = name.data() + name.size();
  if (std::from_chars(name.data() + dash + 1, end, number).ptr != end) return page_not_found();
  for (row* p : projects.of(c.workspace_id())) {
    if (text_of(*p, "identifier") != name.substr(0, dash)) continue;
    if (project_role(text_of(*p, "id"), c.user_id()) == 0) return forbidden();
    for (const row* item : items.of(text_of(*p, "id")))
      if (static_cast<std::uint64_t>(number_of(*item, "sequence_id")) == number && visible(*item))
        return reply(200, shape(item_view(*item), c));
  }
  return not_found();
}

answer plane::impl::item_search(call& c) {
  const std::string wanted = lower_case(c.param("search"));
  std::size_t limit = 10;
  if (const std::string given = c.param("limit"); !given.empty())
    std::from_chars(given.data(), given.data() + given.size(), limit);
  std::vector<row*> found;
  if (!wanted.empty())
    for (row* p : projects.of(c.workspace_id())) {
      const std::string id = text_of(*p, "id");
      const bool other = c.param("workspace_search") == "false" && c.has_param("project_id") &&
                         c.param("project_id") != id;
      if (project_role(id, c.user_id()) == 0 || other) continue;
      const bool by_project =
          lower_case(text_of(*p, "identifier")).find(wanted) != std::string::npos;
      for (row* item : items.of(id))
        if (visible(*item) &&
            (by_project || lower_case(text_of(*item, "name")).find(wanted) != std::string::npos ||
             rest_json(item->at("sequence_id")) == wanted))
          found.push_back(item);
    }
  json::array out;
  for (const row* item : newest_first(found)) {
    if (out.size() >= limit) break;
    const row* p = projects.find(text_of(*item, "project"));
    out.push_back(row{{"name", item->at("name")},
                      {"id", item->at("id")},
                      {"sequence_id", item->at("sequence_id")},
                      {"project__identifier", p->at("identifier")},
                      {"project_id", p->at("id")},
                      {"workspace__slug", c.workspace->at("slug")}});
  }
  return reply(200, row{{"issues", std::move(out)}});
}

}  // namespace pb::sandbox
