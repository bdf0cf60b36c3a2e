#include "protocol/plane/requests.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/entity.hpp"
#include "protocol/json_reader.hpp"

namespace pb::protocol::plane {
namespace json = boost::json;
namespace {

using segments = std::vector<std::string_view>;
constexpr std::size_t max_name_letters = 255;

std::string url_of(const api& a, const segments& rest) {
  segments all{"api", "v1"};
  all.insert(all.end(), rest.begin(), rest.end());
  return join_url(bare_base(a.base_url), all) + '/';
}

std::string workspace_url(const api& a, const segments& rest) {
  segments all{"workspaces", a.workspace_slug};
  all.insert(all.end(), rest.begin(), rest.end());
  return url_of(a, all);
}

std::string project_url(const api& a, std::string_view project, const segments& rest) {
  segments all{"projects", project};
  all.insert(all.end(), rest.begin(), rest.end());
  return workspace_url(a, all);
}

std::string item_url(const api& a, std::string_view project, std::string_view id,
                     const segments& rest = {}) {
  segments all{a.items_path, id};
  all.insert(all.end(), rest.begin(), rest.end());
  return project_url(a, project, all);
}

std::string with(std::string url, const list_query& q) {
  if (q.per_page > 0) add_query(url, "per_page", std::to_string(q.per_page));
  add_query(url, "cursor", q.cursor);
  add_query(url, "order_by", q.order_by);
  add_query(url, "fields", q.fields);
  add_query(url, "expand", q.expand);
  return url;
}

http_request sending(std::string_view method, std::string url, const json::object& body) {
  auto out = json_request(method, std::move(url));
  out.headers.push_back({"Content-Type", "application/json", false});
  out.body = json::serialize(body);
  return out;
}

failure refused(std::string_view where, std::string_view field, std::string_view why) {
  return {.code = errc::bad_input,
          .where = std::string{where},
          .detail = std::string{field} + ": " + std::string{why}};
}

std::size_t letters(std::string_view utf8) noexcept {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

json::string_view js(std::string_view text) noexcept { return {text.data(), text.size()}; }

/// Collects a body; the first field that the contract does not allow ends it.
class body_builder {
public:
  explicit body_builder(std::string_view where) : where_(where) {}

  void text(std::string_view key, const std::optional<std::string>& v) {
    if (v) body_[js(key)] = *v;
  }
  void id(std::string_view key, const std::optional<std::string>& v, bool nullable) {
    if (!v) return;
    if (v->empty() && nullable)
      body_[js(key)] = nullptr;
    else if (is_uuid(*v))
      body_[js(key)] = *v;
    else
      fail(key, "not a uuid");
  }
  void ids(std::string_view key, const std::optional<std::vector<std::string>>& v) {
    if (!v) return;
    json::array list;
    for (const auto& one : *v) {
      if (!is_uuid(one)) return fail(key, "not a uuid");
      list.emplace_back(one);
    }
    body_[js(key)] = std::move(list);
  }
  void date(std::string_view key, const std::optional<std::string>& v) {
    if (!v) return;
    if (v->empty())
      body_[js(key)] = nullptr;
    else if (is_civil_date(*v))
      body_[js(key)] = *v;
    else
      fail(key, "not a date of the form YYYY-MM-DD");
  }
  void extra(const json::object& more) {
    // The first three are ignored by v1 with 200; the rest is read-only: it answers 200, changes
    // nothing (sequence_id: changes the number) and sends a false webhook for each.
    static constexpr std::array<std::string_view, 12> not_sent{
        "state_id", "assignee_ids", "label_ids",  "parent_id",  "id",         "sequence_id",
        "project",  "workspace",    "created_at", "updated_at", "updated_by", "deleted_at"};
    for (const auto& [key, value] : more) {
      const std::string_view k{key.data(), key.size()};
      if (std::find(not_sent.begin(), not_sent.end(), k) != not_sent.end())
        return fail(k, "not honoured by Plane's API v1");
      body_[key] = value;
    }
  }
  void fail(std::string_view key, std::string_view why) {
    if (!problem_) problem_ = refused(where_, key, why);
  }
  result<json::object> done() {
    if (problem_) return *problem_;
    return std::move(body_);
  }

private:
  std::string_view where_;
  json::object body_;
  std::optional<failure> problem_;
};

result<json::object> item_body(const item_fields& f, std::string_view where, bool creating) {
  body_builder b{where};
  b.extra(f.extra);
  if (creating && !f.name) b.fail("name", "required");
  if (f.name && f.name->empty()) b.fail("name", "empty");
  if (f.name && letters(*f.name) > max_name_letters) b.fail("name", "longer than 255 letters");
  if (f.external_source.has_value() != f.external_id.has_value())
    b.fail("external_id", "external_source and external_id count only together");
  b.text("name", f.name);
  if (f.description_html)
    b.text("description_html",
           f.description_html->empty() ? std::string{"<p></p>"} : *f.description_html);
  b.id("state", f.state, false);
  if (f.prio) b.text("priority", std::string{to_string(*f.prio)});
  b.ids("assignees", f.assignees);
  b.ids("labels", f.labels);
  b.id("parent", f.parent, true);
  b.date("start_date", f.start_date);
  b.date("target_date", f.target_date);
  b.text("external_source", f.external_source);
  b.text("external_id", f.external_id);
  return b.done();
}

json::object comment_body(const comment_fields& f) {
  json::object body{{"comment_html", f.html.empty() ? std::string{"<p></p>"} : f.html}};
  if (!f.access.empty()) body["access"] = f.access;
  if (!f.external_id.empty() && !f.external_source.empty()) {
    body["external_source"] = f.external_source;
    body["external_id"] = f.external_id;
  }
  return body;
}

}  // namespace

std::string_view bare_base(std::string_view base_url) noexcept {
  const auto cut_slashes = [&] {
    while (base_url.ends_with('/')) base_url.remove_suffix(1);
  };
  cut_slashes();
  if (base_url.ends_with("/api/v1")) base_url.remove_suffix(7);
  cut_slashes();
  return base_url;
}

http_request get_me(const api& a) { return json_request("GET", url_of(a, {"users", "me"})); }

http_request list_projects(const api& a, const list_query& q) {
  return json_request("GET", with(workspace_url(a, {"projects"}), q));
}

http_request get_project(const api& a, std::string_view project) {
  return json_request("GET", project_url(a, project, {}));
}

http_request list_work_items(const api& a, std::string_view project, const list_query& q) {
  return json_request("GET", with(project_url(a, project, {a.items_path}), q));
}

http_request get_work_item(const api& a, std::string_view project, std::string_view id,
                           std::string_view expand) {
  auto url = item_url(a, project, id);
  add_query(url, "expand", expand);
  return json_request("GET", std::move(url));
}

http_request get_by_identifier(const api& a, std::string_view identifier, std::int64_t sequence,
                               std::string_view expand) {
  const auto key = std::string{identifier} + '-' + std::to_string(sequence);
  auto url = workspace_url(a, {a.items_path, key});
  add_query(url, "expand", expand);
  return json_request("GET", std::move(url));
}

http_request by_external_id(const api& a, std::string_view project, std::string_view source,
                            std::string_view id) {
  auto url = project_url(a, project, {a.items_path});
  add_query(url, "external_id", id);
  add_query(url, "external_source", source);
  return json_request("GET", std::move(url));
}

http_request list_states(const api& a, std::string_view project, const list_query& q) {
  return json_request("GET", with(project_url(a, project, {"states"}), q));
}
http_request list_labels(const api& a, std::string_view project, const list_query& q) {
  return json_request("GET", with(project_url(a, project, {"labels"}), q));
}
http_request list_workspace_members(const api& a) {
  return json_request("GET", workspace_url(a, {"members"}));
}
http_request list_project_members(const api& a, std::string_view project) {
  return json_request("GET", project_url(a, project, {"members"}));
}
http_request list_comments(const api& a, std::string_view project, std::string_view item,
                           const list_query& q) {
  return json_request("GET", with(item_url(a, project, item, {"comments"}), q));
}
http_request get_comment(const api& a, std::string_view project, std::string_view item,
                         std::string_view comment) {
  return json_request("GET", item_url(a, project, item, {"comments", comment}));
}
http_request list_links(const api& a, std::string_view project, std::string_view item,
                        const list_query& q) {
  return json_request("GET", with(item_url(a, project, item, {"links"}), q));
}

result<http_request> create_work_item(const api& a, std::string_view project,
                                      const item_fields& fields) {
  const auto body = item_body(fields, "plane.create_work_item", true);
  if (!body) return body.error();
  return sending("POST", project_url(a, project, {a.items_path}), *body);
}

result<http_request> update_work_item(const api& a, std::string_view project, std::string_view id,
                                      const item_fields& fields) {
  const auto body = item_body(fields, "plane.update_work_item", false);
  if (!body) return body.error();
  if (body->empty()) return refused("plane.update_work_item", "body", "nothing to change");
  return sending("PATCH", item_url(a, project, id), *body);
}

http_request delete_work_item(const api& a, std::string_view project, std::string_view id) {
  return json_request("DELETE", item_url(a, project, id));
}

http_request create_comment(const api& a, std::string_view project, std::string_view item,
                            const comment_fields& fields) {
  return sending("POST", item_url(a, project, item, {"comments"}), comment_body(fields));
}
http_request update_comment(const api& a, std::string_view project, std::string_view item,
                            std::string_view comment, const comment_fields& fields) {
  return sending("PATCH", item_url(a, project, item, {"comments", comment}), comment_body(fields));
}
http_request delete_comment(const api& a, std::string_view project, std::string_view item,
                            std::string_view comment) {
  return json_request("DELETE", item_url(a, project, item, {"comments", comment}));
}

result<http_request> create_state(const api& a, std::string_view project, std::string_view name,
                                  std::string_view color, state_group group) {
  if (group == state_group::triage)
    return refused("plane.create_state", "group", "triage cannot be made");
  return sending("POST", project_url(a, project, {"states"}),
                 {{"name", js(name)}, {"color", js(color)}, {"group", js(to_string(group))}});
}
http_request create_label(const api& a, std::string_view project, std::string_view name,
                          std::string_view color) {
  return sending("POST", project_url(a, project, {"labels"}),
                 {{"name", js(name)}, {"color", js(color)}});
}
http_request create_link(const api& a, std::string_view project, std::string_view item,
                         std::string_view url, std::string_view title) {
  json::object body{{"url", js(url)}};
  if (!title.empty()) body["title"] = js(title);
  return sending("POST", item_url(a, project, item, {"links"}), body);
}
http_request delete_link(const api& a, std::string_view project, std::string_view item,
                         std::string_view link) {
  return json_request("DELETE", item_url(a, project, item, {"links", link}));
}

namespace {
std::string_view attachments_of(const api& a) noexcept {
  return a.items_path == "issues" ? "issue-attachments" : "attachments";
}
std::string attachment_url(const api& a, std::string_view project, std::string_view item,
                           std::string_view asset) {
  return item_url(a, project, item, {attachments_of(a), asset});
}
}  // namespace

http_request create_attachment(const api& a, std::string_view project, std::string_view item,
                               const attachment_fields& fields) {
  return sending("POST", item_url(a, project, item, {attachments_of(a)}),
                 {{"name", fields.name},
                  {"type", fields.type},
                  {"size", fields.size},
                  {"external_source", fields.external_source},
                  {"external_id", fields.external_id}});
}
http_request complete_attachment(const api& a, std::string_view project, std::string_view item,
                                 std::string_view asset) {
  return sending("PATCH", attachment_url(a, project, item, asset), {});
}
http_request get_attachment(const api& a, std::string_view project, std::string_view item,
                            std::string_view asset) {
  return json_request("GET", attachment_url(a, project, item, asset));
}
http_request list_attachments(const api& a, std::string_view project, std::string_view item) {
  return json_request("GET", item_url(a, project, item, {attachments_of(a)}));
}
http_request delete_attachment(const api& a, std::string_view project, std::string_view item,
                               std::string_view asset) {
  return json_request("DELETE", attachment_url(a, project, item, asset));
}

void authorize(http_request& request, const credential& c) {
  std::erase_if(request.headers, [](const http_header& h) {
    return iequals(h.name, "X-API-Key") || iequals(h.name, "Authorization");
  });
  if (c.how == credential::kind::api_key)
    request.headers.push_back({"X-API-Key", c.value.reveal(), true});
  else
    request.headers.push_back({"Authorization", "Bearer " + c.value.reveal(), true});
}

}  // namespace pb::protocol::plane
