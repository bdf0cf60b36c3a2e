// sandbox: what hangs on a work item: comments, links, activities, relations, reactions; and the
// fields= and expand= of answers (contract 2.6, 3.4, 3.5).
#include <algorithm>
#include <array>
#include <boost/json/array.hpp>

#include "sandbox/html_clean.hpp"
#include "sandbox/json_text.hpp"
#include "sandbox/plane_state.hpp"

namespace pb::sandbox {
namespace {

std::vector<std::string> pieces(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const auto comma = list.find(',');
    out.emplace_back(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  }
  return out;
}

std::vector<field_rule> comment_rules() {
  return {{.name = "comment_html", .blank = true},
          {.name = "comment_json", .is = kind::any},
          {.name = "access", .is = kind::choice, .choices = {"INTERNAL", "EXTERNAL"}},
          {.name = "external_source", .nullable = true, .blank = true, .longest = 255},
          {.name = "external_id", .nullable = true, .blank = true, .longest = 255}};
}

constexpr std::string_view twin_comment =
    "Work item comment with the same external id and external source already exists";

row with_member(const row& comment) {
  row out{{"id", comment.at("id")}, {"is_member", true}};
  for (const auto& column : comment) out[column.key()] = column.value();
  return out;
}

}  // namespace

json::value plane::impl::expanded(std::string_view column, const json::value& v) {
  if (v.is_array()) {
    // Expanded, they come newest first, whatever the order of the ids is: recorded.
    table& from = column == "labels" ? labels : users;
    std::vector<std::string> ids;
    for (const auto& one : v.get_array()) ids.emplace_back(one.get_string());
    std::sort(ids.begin(), ids.end(), [&](const std::string& a, const std::string& b) {
      return from.place(a) > from.place(b);
    });
    json::array out;
    for (const auto& id : ids)
      out.push_back(expanded(column == "labels" ? "label" : "assignee", json::value(id)));
    return out;
  }
  if (!v.is_string()) return v;
  const std::string_view id = v.get_string();
  row* r = nullptr;
  if (column == "state" && (r = states.find_any(id)) != nullptr)
    return pick(*r, {"id", "name", "color", "group"});
  if (column == "label" && (r = labels.find_any(id)) != nullptr) return *r;
  if (column == "project" && (r = projects.find_any(id)) != nullptr) {
    row out =
        pick(*r, {"id", "identifier", "name", "cover_image", "icon_prop", "emoji", "description"});
    out["cover_image_url"] = nullptr;
    return out;
  }
  if (column == "workspace" && (r = workspaces.find(id)) != nullptr)
    return pick(*r, {"name", "slug", "id"});
  if (column == "parent" && (r = items.find_any(id)) != nullptr)
    return row{{"id", id}, {"sequence_id", r->at("sequence_id")}, {"project_id", r->at("project")}};
  if (column == "issue" && (r = items.find_any(id)) != nullptr) return item_view(*r);
  constexpr std::array people{"assignee",     "created_by",       "updated_by", "actor", "owned_by",
                              "project_lead", "default_assignee", "lead",       "member"};
  if (std::find(people.begin(), people.end(), column) != people.end() && users.find(id) != nullptr)
    return user_view(id);
  return v;
}

row plane::impl::shape(row r, const call& c) {
  if (c.has_param("fields")) {
    const auto wanted = pieces(c.param("fields"));
    row cut;
    for (const auto& column : r)
      if (std::find(wanted.begin(), wanted.end(), std::string_view{column.key()}) != wanted.end())
        cut[column.key()] = column.value();
    r = std::move(cut);
  }
  if (c.has_param("expand"))
    for (const auto& column : pieces(c.param("expand")))
      if (const json::value* v = r.if_contains(column)) {
        json::value full = expanded(column, *v);
        if (full.is_array()) r.stable_erase(column);  // lists move to the end
        r[column] = std::move(full);
      }
  return r;
}

row plane::impl::session_comment_view(const row& comment) {
  row actor = pick(*users.find(text_of(comment, "actor")),
                   {"id", "first_name", "last_name", "avatar", "avatar_url"});
  actor["is_bot"] = false;
  actor["display_name"] = users.find(text_of(comment, "actor"))->at("display_name");
  const row& item = *items.find_any(text_of(comment, "issue"));
  row detail = pick(item, {"id", "name"});
  detail[old() ? "description" : "description_json"] = row{};
  for (const auto& column : pick(item, {"description_html", "priority", "start_date", "target_date",
                                        "sequence_id", "sort_order", "is_draft"}))
    detail[column.key()] = column.value();
  const row& p = *projects.find_any(text_of(item, "project"));
  row project = pick(p, {"id", "identifier", "name", "cover_image"});
  project["cover_image_url"] = nullptr;
  project["logo_props"] = p.at("logo_props");
  project["description"] = p.at("description");
  row workspace = pick(*workspaces.find(text_of(item, "workspace")), {"name", "slug", "id"});
  workspace["logo_url"] = nullptr;
  const auto clean = sanitise_html(text_of(comment, "comment_html"));
  row out{{"id", comment.at("id")},
          {"actor_detail", std::move(actor)},
          {"issue_detail", std::move(detail)},
          {"project_detail", std::move(project)},
          {"workspace_detail", std::move(workspace)},
          {"comment_reactions", json::array{}}};
  for (const auto& column : comment) {
    if (column.key() == "comment_html") {
      out["comment_stripped"] = clean ? clean->text : "";
      out["comment_json"] = row{};
    }
    out[column.key()] = column.value();
  }
  return out;
}

answer plane::impl::comment_list(call& c) {
  row* item = items.find(c.ids.front());
  if (c.method() == "GET")
    return page_of(c, newest_first(comments.of(c.ids.front())), [&](row& one) {
      return json::value(c.session ? session_comment_view(one) : shape(with_member(one), c));
    });
  if (item == nullptr || text_of(*item, "project") != c.project_id())
    return error_reply(400, "The payload is not valid");
  auto in = check_fields(c.body, comment_rules(), false);
  if (!in.errors.empty()) return reply(400, in.errors);
  if (const std::string id = text_of(in.values, "external_id"); !id.empty() && !external_id_race)
    for (const row* other_item : items.of(c.project_id()))
      for (const row* other : comments.of(text_of(*other_item, "id")))
        if (text_of(*other, "external_id") == id &&
            text_of(*other, "external_source") == text_of(in.values, "external_source"))
          return error_with_id(409, twin_comment, text_of(*other, "id"));
  const row base = base_row(c, old());
  row comment{{"id", base.at("id")},
              {"created_at", base.at("created_at")},
              {"updated_at", base.at("updated_at")},
              {"deleted_at", nullptr},
              {"comment_html", "<p></p>"},
              {"attachments", json::array{}},
              {"access", "INTERNAL"},
              {"external_source", nullptr},
              {"external_id", nullptr},
              {"edited_at", nullptr},
              {"created_by", base.at("created_by")},
              {"updated_by", base.at("updated_by")},
              {"project", c.project_id()},
              {"workspace", c.workspace_id()}};
  if (!old()) comment["description"] = new_id();
  comment["issue"] = c.ids.front();
  comment["actor"] = c.user_id();
  if (!old()) comment["parent"] = nullptr;
  in.values.erase("comment_json");
  assign(comment, in.values);
  row& kept = comments.add(std::move(comment));
  const std::string id = text_of(kept, "id");
  (*item)["updated_at"] = stamp();
  if (old())
    announce(c, "issue_comment", "created", id,
             {"description", {}, kept.at("comment_html"), {}, id});
  else
    announce(c, "issue_comment", "created", id);
  row shown = kept;
  shown["updated_by"] = c.user_id();  // the answer says so, the stored row does not: recorded
  return reply(201, c.session ? session_comment_view(shown) : shown);
}

answer plane::impl::comment_one(call& c) {
  row* comment = c.ids.size() < 2 ? nullptr : comments.find(c.ids[1]);
  if (comment == nullptr || text_of(*comment, "issue") != c.ids.front()) return not_found();
  const std::string id = text_of(*comment, "id");
  if (c.method() == "GET") return reply(200, shape(with_member(*comment), c));
  if (c.method() == "DELETE") {
    comments.remove(*comment, stamp());
    if (old()) announce(c, "issue_comment", "deleted", id, {"description"});
    return empty_reply(204);
  }
  auto in = check_fields(c.body, comment_rules(), true);
  if (!in.errors.empty()) return reply(400, in.errors);
  if (const std::string wanted = text_of(in.values, "external_id");
      !wanted.empty() && wanted != text_of(*comment, "external_id"))
    for (const row* other : comments.of(c.ids.front()))
      if (text_of(*other, "external_id") == wanted) return error_with_id(409, twin_comment, id);
  const row before = *comment;
  in.values.erase("comment_json");
  assign(*comment, in.values);
  if (c.session && !old()) (*comment)["edited_at"] = stamp();
  touch(*comment, c);
  if (row* item = items.find(c.ids.front())) (*item)["updated_at"] = stamp();
  if (!old())
    announce_changes(c, "issue_comment", id, before);
  else if (!same_json(before.at("comment_html"), comment->at("comment_html")))
    announce(c, "issue_comment", "updated", id,
             {"description", before.at("comment_html"), comment->at("comment_html"), id, id});
  return reply(200, c.session ? session_comment_view(*comment) : *comment);
}

answer plane::impl::link_list(call& c) {
  if (c.method() == "GET")
    return page_of(c, newest_first(links.of(c.ids.front())),
                   [&](row& l) { return json::value(shape(l, c)); });
  auto in = check_fields(c.body,
                         {{.name = "url", .required = true},
                          {.name = "title", .nullable = true, .blank = true, .longest = 255}},
                         false);
  if (!in.errors.empty()) return reply(400, in.errors);
  const std::string url = text_of(in.values, "url");
  if ((!url.starts_with("http://") && !url.starts_with("https://")) ||
      url.find(' ') != std::string::npos)
    return reply(400, row{{"url", json::array{"Invalid URL format."}}});
  for (const row* l : links.of(c.ids.front()))
    if (text_of(*l, "url") == url) return error_reply(400, "URL already exists for this Issue");
  if (items.find(c.ids.front()) == nullptr) return error_reply(400, "The payload is not valid");
  const row base = base_row(c, true);
  row link = pick(base, {"id", "created_at", "updated_at", "deleted_at"});
  const row columns{{"title", nullptr},
                    {"url", url},
                    {"metadata", row{}},
                    {"created_by", base.at("created_by")},
                    {"updated_by", base.at("updated_by")},
                    {"project", c.project_id()},
                    {"workspace", c.workspace_id()},
                    {"issue", c.ids.front()}};
  for (const auto& column : columns) link[column.key()] = column.value();
  assign(link, in.values);
  row& kept = links.add(std::move(link));
  (*items.find(c.ids.front()))["updated_at"] = stamp();
  if (old()) announce(c, "issue", "created", c.ids.front(), {"link", {}, url, {}, kept.at("id")});
  answer a = reply(201, kept);
  kept["created_by"] = kept["updated_by"] =
      nullptr;  // the job that fetches the page rewrites the row: recorded
  return a;
}

answer plane::impl::link_one(call& c) {
  row* link = links.find(c.ids.at(1));
  if (link == nullptr || text_of(*link, "issue") != c.ids.front()) return not_found();
  if (c.method() == "GET") return reply(200, shape(*link, c));
  if (c.method() == "DELETE") {
    links.remove(*link, stamp());
    if (old())  // the trap: an issue/deleted event whose id is the work item's
      announce(c, "issue", "deleted", c.ids.front(), {"link", link->at("url")});
    return empty_reply(204);
  }
  auto in = check_fields(
      c.body, {{.name = "url"}, {.name = "title", .nullable = true, .blank = true}}, true);
  if (!in.errors.empty()) return reply(400, in.errors);
  assign(*link, in.values);
  touch(*link, c);
  return reply(200, *link);
}

void plane::impl::note_activity(const call& c, const row& item, std::string_view verb, change what,
                                std::string_view text) {
  const auto epoch =
      std::chrono::floor<std::chrono::seconds>(clock.now()).time_since_epoch().count();
  activities.add(row{{"id", new_id()},
                     {"created_at", stamp()},
                     {"updated_at", stamp()},
                     {"deleted_at", nullptr},
                     {"verb", verb},
                     {"field", what.field.value},
                     {"old_value", what.old_value.value},
                     {"new_value", what.new_value.value},
                     {"comment", text},
                     {"attachments", json::array{}},
                     {"old_identifier", what.old_identifier.value},
                     {"new_identifier", what.new_identifier.value},
                     {"epoch", static_cast<double>(epoch)},
                     {"project", item.at("project")},
                     {"workspace", item.at("workspace")},
                     {"issue", item.at("id")},
                     {"issue_comment", nullptr},
                     {"actor", c.user_id()}});
}

answer plane::impl::activity_list(call& c) {
  return page_of(c, activities.of(c.ids.front()), [&](row& a) { return json::value(shape(a, c)); });
}

answer plane::impl::relation_list(call& c) {
  row* item = items.find(c.ids.front());
  if (item == nullptr) return not_found();
  constexpr std::array kinds{"blocking",    "blocked_by",   "duplicate",    "relates_to",
                             "start_after", "start_before", "finish_after", "finish_before"};
  if (c.method() == "GET") {
    row out;
    for (const auto* one : kinds) {
      json::array listed;
      for (const row* r : relations.of(c.ids.front()))
        if (text_of(*r, "kind") == one)
          listed.push_back(row{{"project_id", r->at("project")}, {"issue_id", r->at("other")}});
      out[one] = std::move(listed);
    }
    return reply(200, out);
  }
  const std::string type = text_of(c.body, "relation_type");
  if (std::find(kinds.begin(), kinds.end(), type) == kinds.end())
    return error_reply(400, "Invalid relation type");
  json::array out;
  for (const auto& id : list_of(c.body, "issues")) {
    row* other = id.is_string() ? items.find(id.get_string()) : nullptr;
    if (other == nullptr) return error_reply(400, "The payload is not valid");
    relations.add(row{{"id", new_id()},
                      {"issue", c.ids.front()},
                      {"deleted_at", nullptr},
                      {"kind", type},
                      {"project", other->at("project")},
                      {"other", id}});
    row shown = pick(*other, {"id"});
    shown["project_id"] = other->at("project");
    shown["sequence_id"] = other->at("sequence_id");
    shown["relation_type"] = type == "blocking" ? "blocked_by" : type;
    shown["name"] = other->at("name");
    shown["state_id"] = other->at("state");
    shown["priority"] = other->at("priority");
    shown["created_by"] = c.user_id();
    shown["created_at"] = stamp();
    shown["updated_by"] = c.user_id();
    shown["updated_at"] = stamp();
    out.push_back(std::move(shown));
  }
  return reply(201, out);
}

answer plane::impl::reaction_add(call& c) {
  row* item = items.find(c.ids.front());
  row* comment = comments.find(c.ids.front());
  if (item == nullptr && comment == nullptr) return not_found();
  const std::string id = new_id(), reaction = text_of(c.body, "reaction");
  if (comment != nullptr)
    return reply(201, row{{"id", id},
                          {"actor", c.user_id()},
                          {"comment", comment->at("id")},
                          {"reaction", reaction},
                          {"display_name", c.user->at("display_name")},
                          {"deleted_at", nullptr},
                          {"workspace", c.workspace_id()},
                          {"project", c.project_id()},
                          {"created_at", stamp()},
                          {"updated_at", stamp()},
                          {"created_by", c.user_id()},
                          {"updated_by", nullptr}});
  if (old()) announce(c, "issue", "created", c.ids.front(), {"reaction", {}, reaction, {}, id});
  row actor = pick(*c.user, {"id", "first_name", "last_name", "avatar", "avatar_url"});
  actor["is_bot"] = false;
  actor["display_name"] = c.user->at("display_name");
  return reply(201, row{{"id", id},
                        {"actor_detail", std::move(actor)},
                        {"created_at", stamp()},
                        {"updated_at", stamp()},
                        {"deleted_at", nullptr},
                        {"reaction", reaction},
                        {"created_by", c.user_id()},
                        {"updated_by", old() ? json::value(c.user_id()) : json::value{}},
                        {"project", c.project_id()},
                        {"workspace", c.workspace_id()},
                        {"actor", c.user_id()},
                        {"issue", c.ids.front()}});
}

}  // namespace pb::sandbox
