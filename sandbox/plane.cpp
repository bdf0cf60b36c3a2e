// sandbox: the in-memory Plane's door: set-up, routing, who may do what, and the rate limit.
// Order of the checks as recorded: route, key, permission, rate, method, body.
#include "sandbox/plane.hpp"

#include <boost/json/parse.hpp>
#include <stdexcept>

#include "base/entity.hpp"
#include "sandbox/plane_state.hpp"

namespace pb::sandbox {
namespace {

using scope = route::scope;
using plane_self = plane::impl;

#define PB_PROJECT "workspaces/{slug}/projects/{id}"
constexpr route rest_routes[] = {
    {"users/me", "GET", scope::user, &plane_self::me},
    {"workspaces/{slug}/members", "GET", scope::workspace, &plane_self::workspace_members},
    {"workspaces/{slug}/projects", "GET, POST", scope::workspace, &plane_self::project_list},
    {PB_PROJECT, "GET, PATCH, DELETE", scope::workspace, &plane_self::project_one},
    {PB_PROJECT "/archive", "POST, DELETE", scope::project, &plane_self::project_archive},
    {PB_PROJECT "/members", "GET, POST", scope::project, &plane_self::members_of_project},
    {PB_PROJECT "/project-members", "GET, POST", scope::project, &plane_self::members_of_project},
    {PB_PROJECT "/states", "GET, POST", scope::project, &plane_self::state_list},
    {PB_PROJECT "/states/{id}", "GET, PATCH, DELETE", scope::project, &plane_self::state_one},
    {PB_PROJECT "/labels", "GET, POST", scope::project, &plane_self::label_list},
    {PB_PROJECT "/labels/{id}", "GET, PATCH, DELETE", scope::project, &plane_self::label_one},
    {PB_PROJECT "/{items}", "GET, POST", scope::project, &plane_self::item_list},
    {PB_PROJECT "/{items}/{id}", "GET, PATCH, DELETE", scope::project, &plane_self::item_one},
    {PB_PROJECT "/{items}/{id}/comments", "GET, POST", scope::project, &plane_self::comment_list},
    {PB_PROJECT "/{items}/{id}/comments/{id}", "GET, PATCH, DELETE", scope::project,
     &plane_self::comment_one},
    {PB_PROJECT "/{items}/{id}/links", "GET, POST", scope::project, &plane_self::link_list},
    {PB_PROJECT "/{items}/{id}/links/{id}", "GET, PATCH, DELETE", scope::project,
     &plane_self::link_one},
    {PB_PROJECT "/{items}/{id}/attachments", "GET, POST", scope::project,
     &plane_self::attachment_list},
    {PB_PROJECT "/{items}/{id}/attachments/{id}", "GET, PATCH, DELETE", scope::project,
     &plane_self::attachment_one},
    {PB_PROJECT "/issues/{id}/issue-attachments", "GET, POST", scope::project,
     &plane_self::attachment_list},
    {PB_PROJECT "/issues/{id}/issue-attachments/{id}", "GET, PATCH, DELETE", scope::project,
     &plane_self::attachment_one},
    {PB_PROJECT "/{items}/{id}/activities", "GET", scope::project, &plane_self::activity_list},
    {PB_PROJECT "/{items}/{id}/relations", "GET, POST", scope::project, &plane_self::relation_list},
    {PB_PROJECT "/modules", "GET, POST", scope::project, &plane_self::module_list},
    {PB_PROJECT "/modules/{id}", "GET, PATCH, DELETE", scope::project, &plane_self::module_one},
    {PB_PROJECT "/modules/{id}/module-issues", "GET, POST", scope::project,
     &plane_self::module_item_list},
    {PB_PROJECT "/modules/{id}/module-issues/{id}", "DELETE", scope::project,
     &plane_self::module_item_one},
    {PB_PROJECT "/cycles", "GET, POST", scope::project, &plane_self::cycle_list},
    {PB_PROJECT "/cycles/{id}", "GET, PATCH, DELETE", scope::project, &plane_self::cycle_one},
    {PB_PROJECT "/cycles/{id}/cycle-issues", "GET, POST", scope::project,
     &plane_self::cycle_item_list},
    {PB_PROJECT "/cycles/{id}/cycle-issues/{id}", "GET, DELETE", scope::project,
     &plane_self::cycle_item_one},
    {"workspaces/{slug}/{items}/search", "GET", scope::workspace, &plane_self::item_search},
    {"workspaces/{slug}/{items}/{name}", "GET", scope::workspace, &plane_self::item_by_identifier},
};
constexpr route session_routes[] = {
    {"users/me", "GET", scope::user, &plane_self::me},
    {"workspaces/{slug}/members", "GET", scope::workspace, &plane_self::workspace_members},
    {"workspaces/{slug}/projects", "GET, POST", scope::workspace, &plane_self::project_list},
    {PB_PROJECT, "GET, PATCH, DELETE", scope::workspace, &plane_self::project_one},
    {PB_PROJECT "/states", "GET, POST", scope::project, &plane_self::state_list},
    {PB_PROJECT "/labels", "GET, POST", scope::project, &plane_self::label_list},
    {PB_PROJECT "/members", "GET, POST", scope::project, &plane_self::members_of_project},
    {PB_PROJECT "/issues", "GET, POST", scope::project, &plane_self::item_list},
    {PB_PROJECT "/issues/{id}", "GET, PATCH, DELETE", scope::project, &plane_self::item_one},
    {PB_PROJECT "/issues/{id}/archive", "POST, DELETE", scope::project, &plane_self::item_archive},
    {PB_PROJECT "/issues/{id}/comments", "GET, POST", scope::project, &plane_self::comment_list},
    {PB_PROJECT "/issues/{id}/comments/{id}", "PATCH, DELETE", scope::project,
     &plane_self::comment_one},
    {PB_PROJECT "/issues/{id}/attachments", "GET", scope::project, &plane_self::attachment_list},
    {PB_PROJECT "/issues/{id}/attachments/{id}", "GET", scope::project,
     &plane_self::attachment_one},
    {PB_PROJECT "/issues/{id}/reactions", "POST", scope::project, &plane_self::reaction_add},
    {PB_PROJECT "/comments/{id}/reactions", "POST", scope::project, &plane_self::reaction_add},
    {PB_PROJECT "/bulk-delete-issues", "DELETE", scope::project, &plane_self::bulk_delete},
    {PB_PROJECT "/modules", "POST", scope::project, &plane_self::module_list},
    {PB_PROJECT "/modules/{id}", "PATCH, DELETE", scope::project, &plane_self::module_one},
    {PB_PROJECT "/cycles", "POST", scope::project, &plane_self::cycle_list},
    {PB_PROJECT "/cycles/{id}", "PATCH, DELETE", scope::project, &plane_self::cycle_one},
    {"workspaces/{slug}/webhooks", "GET, POST", scope::workspace, &plane_self::webhook_list},
    {"workspaces/{slug}/webhooks/{id}", "GET, PATCH, DELETE", scope::workspace,
     &plane_self::webhook_one},
    {"workspaces/{slug}/webhooks/{id}/regenerate", "POST", scope::workspace,
     &plane_self::webhook_regenerate},
    {"workspaces/{slug}/webhook-logs/{id}", "GET", scope::workspace, &plane_self::webhook_log_list},
};
#undef PB_PROJECT

std::string_view take_segment(std::string_view& rest) {
  const auto slash = rest.find('/');
  const auto piece = rest.substr(0, slash);
  rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
  return piece;
}

/// The {…} pieces, or nothing. `path` has no slash at either end.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path,
                                              bool work_items) {
  std::vector<std::string> ids;
  while (!pattern.empty() && !path.empty()) {
    const auto want = take_segment(pattern), got = take_segment(path);
    if (want == "{items}") {
      if (got != "issues" && !(work_items && got == "work-items")) return std::nullopt;
    } else if (want == "{id}") {
      if (!is_uuid(got)) return std::nullopt;
      ids.emplace_back(got);
    } else if (want.front() == '{') {
      if (got.empty() || (want == "{name}" && got.find('-') == std::string_view::npos))
        return std::nullopt;
      ids.emplace_back(got);
    } else if (want != got) {
      return std::nullopt;
    }
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return ids;
}

/// Reads a JSON object body; an answer when it is not one.
std::optional<answer> read_body(call& c) {
  if (c.method() != "POST" && c.method() != "PATCH" && c.method() != "DELETE") return std::nullopt;
  if (c.in->body.empty()) return std::nullopt;
  const std::string_view type = header_of(*c.in, "Content-Type");
  if (!protocol::iequals(type.substr(0, type.find(';')), "application/json"))
    return reply(
        415, row{{"detail", "Unsupported media type \"" + std::string{type} + "\" in request."}});
  boost::system::error_code ec;
  json::value v = json::parse(c.in->body, ec);
  if (ec)
    return reply(400,
                 row{{"detail", "JSON parse error - Expecting value: line 1 column 1 (char 0)"}});
  if (!v.is_object())
    return reply(400, row{{"non_field_errors",
                           json::array{"Invalid data. Expected a dictionary, but got another."}}});
  c.body = std::move(v.get_object());
  return std::nullopt;
}

void add_constant_headers(answer& a, std::string_view allow) {
  if (!allow.empty()) a.headers.push_back({"Allow", std::string{allow}});
  a.headers.push_back({"Vary", "Accept-Encoding, Cookie, origin"});
  a.headers.push_back({"X-Frame-Options", "DENY"});
  a.headers.push_back({"X-Content-Type-Options", "nosniff"});
  a.headers.push_back({"Referrer-Policy", "same-origin"});
  a.headers.push_back({"Cross-Origin-Opener-Policy", "same-origin"});
}

bool allows(std::string_view allow, std::string_view method) {
  while (!allow.empty()) {
    const auto comma = allow.find(", ");
    if (allow.substr(0, comma) == method) return true;
    allow = comma == std::string_view::npos ? std::string_view{} : allow.substr(comma + 2);
  }
  return false;
}

row& known(table& rows, std::string_view id, const char* what) {
  if (row* r = rows.find(id)) return *r;
  throw std::invalid_argument(std::string{"sandbox: no such "} + what);
}

std::string workspace_with_slug(plane_self& s, std::string_view slug) {
  for (const row* w : s.workspaces.of(""))
    if (text_of(*w, "slug") == slug) return text_of(*w, "id");
  throw std::invalid_argument("sandbox: no such workspace");
}

}  // namespace

std::string plane::impl::stamp() {
  last_stamp = std::max(clock.now(), last_stamp + std::chrono::microseconds{1});
  return format_rfc3339(last_stamp);
}

int plane::impl::project_role(std::string_view project_id, std::string_view user_id) const {
  if (const auto bot = bots.find(user_id); bot != bots.end()) {
    for (const row* p : projects.of(bot->second))
      if (text_of(*p, "id") == project_id) return 20;
    return 0;
  }
  const auto project = project_members.find(std::string{project_id});
  if (project == project_members.end()) return 0;
  const auto member = project->second.find(std::string{user_id});
  return member == project->second.end() ? 0 : static_cast<int>(number_of(member->second, "role"));
}

row plane::impl::base_row(const call& c, bool updated_by) {
  row r{
      {"id", new_id()}, {"created_at", stamp()}, {"updated_at", stamp()}, {"deleted_at", nullptr}};
  r["created_by"] = c.user_id();
  r["updated_by"] = updated_by ? json::value(c.user_id()) : json::value{};
  return r;
}

void plane::impl::touch(row& r, const call& c) {
  r["updated_at"] = stamp();
  r["updated_by"] = c.user_id();
}

answer plane::impl::check_token(call& c, api_token*& token) {
  const std::string_view key = header_of(*c.in, "X-API-Key");
  constexpr std::string_view scheme = "Bearer ";
  if (const auto bearer = header_of(*c.in, "Authorization");
      key.empty() && bearer.starts_with(scheme))
    return check_bearer(c, bearer.substr(scheme.size()), token);
  if (key.empty())
    return reply(401, row{{"detail", "Authentication credentials were not provided."}});
  const auto it = tokens.find(key);
  if (it == tokens.end() || (it->second.expires && *it->second.expires <= clock.now()))
    return reply(403, row{{"detail", "Given API token is not valid"}});
  token = &it->second;
  c.user = users.find(token->user_id);
  return {};
}

answer plane::impl::check_session(call& c) {
  constexpr std::string_view name = "session-id=";
  const std::string_view cookies = header_of(*c.in, "Cookie");
  const auto at = cookies.find(name);
  const std::string_view value =
      at == std::string_view::npos ? std::string_view{} : cookies.substr(at + name.size());
  const auto it = sessions.find(value.substr(0, value.find(';')));
  if (it == sessions.end())
    return reply(401, row{{"detail", "Authentication credentials were not provided."}});
  c.user = users.find(it->second);
  return {};
}

answer plane::impl::check_access(call& c, const route& r) {
  if (r.needs == scope::user) return {};
  for (row* w : workspaces.of(""))
    if (text_of(*w, "slug") == c.ids.front()) c.workspace = w;
  if (c.workspace == nullptr || !workspace_roles[c.workspace_id()].contains(c.user_id()))
    return forbidden();
  c.ids.erase(c.ids.begin());
  if (r.needs == scope::workspace) return {};
  c.project = projects.find(c.ids.front());
  c.ids.erase(c.ids.begin());
  if (c.project == nullptr || text_of(*c.project, "workspace") != c.workspace_id())
    return forbidden();
  const int role = project_role(c.project_id(), c.user_id());
  const bool comment = r.pattern.find("comments") != std::string_view::npos;
  return role == 0 || (role < 15 && c.method() != "GET" && !comment) ? forbidden() : answer{};
}

answer plane::impl::check_rate(api_token& token, std::optional<std::size_t>& remaining) {
  const std::size_t limit =
      token.is_service ? options.service_requests_per_minute : options.requests_per_minute;
  if (options.requests_per_minute == 0) return {};
  const timestamp now = clock.now();
  while (!token.recent.empty() && token.recent.front() <= now - std::chrono::seconds{60})
    token.recent.pop_front();
  if (token.recent.size() >= limit) {
    answer a = reply(429, row{{"error_code", 5900}, {"error_message", "RATE_LIMIT_EXCEEDED"}});
    const auto wait = token.recent.front() + std::chrono::seconds{60} - now;
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
    a.headers.push_back({"Retry-After", std::to_string(seconds)});
    return a;
  }
  token.recent.push_back(now);
  remaining = limit - token.recent.size();
  return {};
}

answer plane::impl::guarded(call& c, const route& r, std::string_view) {
  api_token* token = nullptr;
  if (answer refused = c.session ? check_session(c) : check_token(c, token); refused.status != 0)
    return refused;
  if (answer refused = check_access(c, r); refused.status != 0) return refused;
  std::optional<std::size_t> remaining;
  if (token != nullptr)
    if (answer refused = check_rate(*token, remaining); refused.status != 0) return refused;
  answer a;
  if (!allows(r.allow, c.method()))
    a = reply(405, row{{"detail", "Method \"" + c.method() + "\" not allowed."}});
  else if (auto bad = read_body(c))
    a = std::move(*bad);
  else
    a = (this->*r.handle)(c);
  if (remaining) {
    const auto reset = std::chrono::floor<std::chrono::seconds>(clock.now()).time_since_epoch();
    a.headers.push_back({"X-RateLimit-Remaining", std::to_string(*remaining)});
    a.headers.push_back({"X-RateLimit-Reset", std::to_string(reset.count() + 60)});
  }
  return a;
}

answer plane::impl::handle(const inbound& request) {
  call c;
  c.in = &request;
  c.query = parse_query(request.query);
  std::string_view path = request.path;
  if (path.starts_with("/auth/o/")) return oauth(request);
  if (path.starts_with("/uploads")) return storage(request);
  constexpr std::string_view rest_prefix = "/api/v1/", session_prefix = "/api/";
  c.session = !path.starts_with(rest_prefix);
  if (c.session && !path.starts_with(session_prefix)) return page_not_found();
  path.remove_prefix(c.session ? session_prefix.size() : rest_prefix.size());
  const bool slash = path.ends_with('/');
  if (slash) path.remove_suffix(1);
  const auto find = [&](const auto& routes) -> const route* {
    for (const auto& r : routes)
      if (auto ids = match(r.pattern, path, options.work_items_path)) {
        c.ids = std::move(*ids);
        return &r;
      }
    return nullptr;
  };
  const route* r = c.session ? find(session_routes) : find(rest_routes);
  if (r == nullptr) {
    answer a = page_not_found();
    add_constant_headers(a, {});
    return a;
  }
  if (!slash) {
    answer a = empty_reply(301);
    a.headers.push_back({"Content-Type", "text/html; charset=utf-8"});
    a.headers.push_back(
        {"Location", request.path + "/" + (request.query.empty() ? "" : "?" + request.query)});
    return a;
  }
  answer a = guarded(c, *r, path);
  add_constant_headers(a, r->allow);
  return a;
}

plane::plane(clock_source& clock, random_source& random, plane_options options)
    : impl_(std::make_unique<impl>(clock, random, options)) {}
plane::~plane() = default;

protocol::http_response plane::handle(const inbound& request) {
  const std::scoped_lock held{impl_->lock};
  return impl_->handle(request);
}

std::string plane::add_workspace(std::string_view slug, std::string_view name) {
  const std::scoped_lock held{impl_->lock};
  const std::string id = impl_->new_id();
  impl_->workspaces.add(row{{"id", id}, {"slug", slug}, {"name", name}, {"deleted_at", nullptr}});
  return id;
}

std::string plane::add_user(const new_user& user) {
  const std::scoped_lock held{impl_->lock};
  const std::string id = impl_->new_id();
  impl_->users.add(row{{"id", id},
                       {"first_name", user.first_name},
                       {"last_name", user.last_name},
                       {"email", user.email},
                       {"avatar", ""},
                       {"avatar_url", nullptr},
                       {"display_name", user.display_name}});
  return id;
}

void plane::add_workspace_member(std::string_view slug, std::string_view user_id, int role) {
  const std::scoped_lock held{impl_->lock};
  const std::string id = workspace_with_slug(*impl_, slug);
  const std::string user = text_of(known(impl_->users, user_id, "user"), "id");
  if (impl_->workspace_roles[id].emplace(user, role).second)
    impl_->member_order[id].insert(impl_->member_order[id].begin(), user);
}

void plane::add_project_member(std::string_view project_id, std::string_view user_id, int role) {
  const std::scoped_lock held{impl_->lock};
  const std::string id = text_of(known(impl_->projects, project_id, "project"), "id");
  const std::string user = text_of(known(impl_->users, user_id, "user"), "id");
  row member{{"id", impl_->new_id()}, {"member", user}, {"role", role}};
  if (impl_->project_members[id].insert_or_assign(user, std::move(member)).second)
    impl_->member_order[id].insert(impl_->member_order[id].begin(), user);
}

void plane::add_token(std::string_view user_id, const secret& key, bool is_service,
                      std::optional<timestamp> expires) {
  const std::scoped_lock held{impl_->lock};
  const std::string user = text_of(known(impl_->users, user_id, "user"), "id");
  impl_->tokens[key.reveal()] = api_token{user, is_service, expires, {}};
}

std::string plane::open_session(std::string_view user_id) {
  const std::scoped_lock held{impl_->lock};
  const std::string value = impl_->new_id();
  impl_->sessions[value] = text_of(known(impl_->users, user_id, "user"), "id");
  return value;
}

void plane::set_external_id_race(bool on) {
  const std::scoped_lock held{impl_->lock};
  impl_->external_id_race = on;
}

clock_source& plane::clock() const noexcept { return impl_->clock; }
double plane::unit_draw() {
  const std::scoped_lock held{impl_->lock};
  return impl_->random.unit_draw();
}

}  // namespace pb::sandbox
