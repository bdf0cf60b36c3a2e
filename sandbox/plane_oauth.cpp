// sandbox: Plane's apps, which its cloud and commercial editions have (contract 5): the page where
// a person agrees, the three grants, installations, revocation. One app, as the options name it;
// without one all of it is 404, as in the open edition. Tokens are opaque, refresh tokens rotate.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "base/digest.hpp"
#include "protocol/html/escape.hpp"
#include "sandbox/plane_state.hpp"

namespace pb::sandbox {
namespace {

using fields = std::vector<std::pair<std::string, std::string>>;

constexpr std::chrono::minutes code_life{10};
constexpr std::string_view page_form =
    "client_id response_type redirect_uri scope state";  ///< handed on by the page

std::string value_of(const fields& all, std::string_view name) {
  for (const auto& [key, value] : all)
    if (key == name) return value;
  return {};
}

answer html(int status, std::string_view body) {
  answer a;
  a.status = status;
  a.headers = {{"Content-Type", "text/html; charset=utf-8"},
               {"Cache-Control", "no-store"},
               {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"}};
  a.body = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Authorize</title>" +
           std::string{body} + "</html>\n";
  return a;
}

answer refused(int status, std::string_view error) { return reply(status, row{{"error", error}}); }

/// Somebody agreed, or not: back to the app.
answer back_to(const std::string& uri, const fields& with) {
  std::string target = uri;
  char mark = uri.find('?') == std::string::npos ? '?' : '&';
  for (const auto& [key, value] : with) {
    if (value.empty()) continue;
    target += mark + key + "=" + protocol::percent_encode(value);
    mark = '&';
  }
  answer a = empty_reply(302);
  a.headers.push_back({"Location", target});
  a.headers.push_back({"Cache-Control", "no-store"});
  return a;
}

/// "Basic …" as id and secret.
std::pair<std::string, std::string> basic_of(std::string_view header) {
  constexpr std::string_view scheme = "Basic ";
  if (!header.starts_with(scheme)) return {};
  const auto plain = from_base64(header.substr(scheme.size()));
  const auto colon = plain ? plain->find(':') : std::string::npos;
  if (colon == std::string::npos) return {};
  return {plain->substr(0, colon), plain->substr(colon + 1)};
}

bool may(std::string_view scope, std::string_view what) {
  while (!scope.empty()) {
    const auto end = std::min(scope.find(' '), scope.size());
    const auto one = scope.substr(0, end);
    scope.remove_prefix(std::min(end + 1, scope.size()));
    if (one == what || one.ends_with(":" + std::string{what})) return true;
  }
  return false;
}

}  // namespace

bool plane::impl::is_app(std::string_view id, std::string_view secret_text) const {
  return !options.oauth_client_id.empty() && id == options.oauth_client_id &&
         constant_time_equal(secret_text, options.oauth_client_secret.reveal());
}

answer plane::impl::oauth(const inbound& request) {
  if (options.oauth_client_id.empty()) return page_not_found();
  const std::string_view path = request.path;
  const auto is = [&](std::string_view last) { return path == "/auth/o/" + std::string{last}; };
  if (is("authorize-app/") && (request.method == "GET" || request.method == "HEAD"))
    return oauth_page(request);
  if (is("authorize-app/") && request.method == "POST") return oauth_agreed(request);
  if (is("token/") && request.method == "POST") return oauth_token(request);
  if (is("revoke-token/") && request.method == "POST") return oauth_revoke(request);
  if (is("app-installation/") && request.method == "GET") return oauth_installations(request);
  return page_not_found();
}

/// What is wrong with who asks; then nobody is sent anywhere.
std::optional<answer> plane::impl::oauth_stranger(const fields& given) const {
  const auto uri = value_of(given, "redirect_uri");
  const bool known =
      std::find(options.oauth_redirect_uris.begin(), options.oauth_redirect_uris.end(), uri) !=
      options.oauth_redirect_uris.end();
  if (value_of(given, "client_id") != options.oauth_client_id)
    return html(400, "<p>There is no such app.</p>");
  if (!known) return html(400, "<p>The app has not registered this redirect URI.</p>");
  if (value_of(given, "response_type") != "code")
    return html(400, "<p>response_type has to be code.</p>");
  return std::nullopt;
}

/// Nobody signs in here: whoever looks chooses as whom they agree.
answer plane::impl::oauth_page(const inbound& request) {
  const auto given = parse_query(request.query);
  if (auto wrong = oauth_stranger(given)) return *wrong;
  std::string body = "<h1>An app asks for access</h1><p>Scopes: " +
                     protocol::html::escaped(value_of(given, "scope")) + "</p>";
  for (const row* w : workspaces.of(""))
    for (const auto& [user, role] : workspace_roles[text_of(*w, "id")]) {
      if (bots.contains(user)) continue;
      body += "<form method=\"post\" action=\"/auth/o/authorize-app/\">";
      for (std::string_view names = page_form; !names.empty();) {
        const auto end = std::min(names.find(' '), names.size());
        const auto name = std::string{names.substr(0, end)};
        names.remove_prefix(std::min(end + 1, names.size()));
        body += "<input type=\"hidden\" name=\"" + name + "\" value=\"" +
                protocol::html::escaped(value_of(given, name)) + "\">";
      }
      body += "<input type=\"hidden\" name=\"user\" value=\"" + user + "\"><p><b>" +
              protocol::html::escaped(text_of(*users.find(user), "display_name")) + "</b> " +
              "<button name=\"decision\" value=\"allow\">Allow</button> ";
      if (role >= 20)
        body += "<button name=\"decision\" value=\"install\">Install in " +
                protocol::html::escaped(text_of(*w, "name")) + "</button> ";
      body += "<button name=\"decision\" value=\"deny\">Deny</button></p></form>";
    }
  return html(200, body);
}

answer plane::impl::oauth_agreed(const inbound& request) {
  const auto given = parse_query(request.body);
  if (auto wrong = oauth_stranger(given)) return *wrong;
  const auto uri = value_of(given, "redirect_uri"), state = value_of(given, "state");
  const auto decision = value_of(given, "decision"), user = value_of(given, "user");
  if (decision != "allow" && decision != "install")
    return back_to(uri, {{"error", "access_denied"}, {"state", state}});
  const row* home = nullptr;
  for (const row* w : workspaces.of("")) {
    const auto& roles = workspace_roles[text_of(*w, "id")];
    if (const auto role = roles.find(user);
        role != roles.end() && (decision == "allow" || role->second >= 20))
      home = w;
  }
  if (home == nullptr) return html(403, "<p>That user may not do this.</p>");
  std::string installation;
  if (decision == "install") installation = oauth_install(*home, user);
  const auto code = "code_" + new_id();
  oauth_codes[code] = {user, uri, value_of(given, "scope"), clock.now() + code_life};
  return back_to(uri, {{"code", code}, {"state", state}, {"app_installation_id", installation}});
}

std::string plane::impl::oauth_install(const row& workspace, const std::string& by) {
  const auto id = new_id(), bot = new_id(), home = text_of(workspace, "id");
  users.add(row{{"id", bot},
                {"first_name", "App"},
                {"last_name", "Bot"},
                {"email", "app-bot@sandbox.example.test"},
                {"avatar", ""},
                {"avatar_url", nullptr},
                {"display_name", "App Bot"}});
  bots[bot] = home;
  workspace_roles[home].emplace(bot, 20);
  json::value detail = pick(workspace, {"id", "name", "slug"});
  installations.push_back(row{{"id", id},
                              {"workspace_detail", std::move(detail)},
                              {"created_at", stamp()},
                              {"updated_at", stamp()},
                              {"deleted_at", nullptr},
                              {"status", "installed"},
                              {"created_by", by},
                              {"updated_by", nullptr},
                              {"workspace", home},
                              {"application", options.oauth_client_id},
                              {"installed_by", by},
                              {"app_bot", bot},
                              {"webhook", nullptr}});
  return id;
}

answer plane::impl::oauth_token(const inbound& request) {
  const auto given = parse_query(request.body);
  auto [id, secret_text] = basic_of(header_of(request, "Authorization"));
  if (id.empty()) {
    id = value_of(given, "client_id");
    secret_text = value_of(given, "client_secret");
  }
  if (!is_app(id, secret_text)) return refused(401, "invalid_client");
  const auto grant = value_of(given, "grant_type");
  if (grant == "client_credentials") {
    for (const auto& one : installations)
      if (text_of(one, "id") == value_of(given, "app_installation_id"))
        return oauth_issue(text_of(one, "app_bot"), "read write", false);
    return refused(400, "invalid_grant");
  }
  if (grant == "authorization_code") {
    const auto found = oauth_codes.find(value_of(given, "code"));
    if (found == oauth_codes.end()) return refused(400, "invalid_grant");
    const auto code = found->second;
    oauth_codes.erase(found);  // once, whatever comes of it
    if (code.ends <= clock.now() || code.redirect_uri != value_of(given, "redirect_uri"))
      return refused(400, "invalid_grant");
    return oauth_issue(code.user_id, code.scope, true);
  }
  if (grant == "refresh_token") {
    const auto found = refresh_tokens.find(value_of(given, "refresh_token"));
    if (found == refresh_tokens.end()) return refused(400, "invalid_grant");
    const auto [user, scope] = found->second;
    if (options.oauth_rotates) refresh_tokens.erase(found);
    return oauth_issue(user, scope, options.oauth_rotates);
  }
  return refused(400, "unsupported_grant_type");
}

answer plane::impl::oauth_issue(const std::string& user, const std::string& scope,
                                bool with_refresh) {
  const bool bot = bots.contains(user);
  const auto access = (bot ? "pln_bot_" : "pln_") + new_id();
  auto& token = bearers[access];
  token.user_id = user;
  token.expires = clock.now() + options.oauth_token_life;
  bearer_scopes[access] = scope;
  row body{{"access_token", access},
           {"token_type", "Bearer"},
           {"expires_in", options.oauth_token_life.count()},
           {"scope", scope}};
  if (with_refresh) {
    const auto refresh = "pln_refresh_" + new_id();
    refresh_tokens[refresh] = {user, scope};
    body["refresh_token"] = refresh;
  }
  answer a = reply(200, body);
  a.headers.push_back({"Cache-Control", "no-store"});
  return a;
}

answer plane::impl::check_bearer(call& c, std::string_view value, api_token*& token) {
  const auto it = bearers.find(value);
  if (it == bearers.end() || *it->second.expires <= clock.now())
    return reply(401, row{{"detail", "Authentication credentials were not provided."}});
  const auto& scope = bearer_scopes[it->first];
  if (!may(scope, c.method() == "GET" || c.method() == "HEAD" ? "read" : "write"))
    return forbidden();
  token = &it->second;
  c.user = users.find(token->user_id);
  return {};
}

answer plane::impl::oauth_installations(const inbound& request) {
  constexpr std::string_view scheme = "Bearer ";
  const auto header = header_of(request, "Authorization");
  const auto it =
      header.starts_with(scheme) ? bearers.find(header.substr(scheme.size())) : bearers.end();
  if (it == bearers.end() || *it->second.expires <= clock.now())
    return reply(401, row{{"detail", "Authentication credentials were not provided."}});
  const auto wanted = value_of(parse_query(request.query), "id");
  json::array out;
  for (const auto& one : installations) {
    const auto& roles = workspace_roles[text_of(one, "workspace")];
    if (roles.contains(it->second.user_id) && (wanted.empty() || text_of(one, "id") == wanted))
      out.push_back(one);
  }
  return reply(200, out);
}

answer plane::impl::oauth_revoke(const inbound& request) {
  boost::system::error_code ec;
  const auto v = json::parse(request.body, ec);
  if (ec || !v.is_object()) return refused(400, "invalid_request");
  const auto& o = v.get_object();
  if (!is_app(text_of(o, "client_id"), text_of(o, "client_secret")))
    return refused(401, "invalid_client");
  bearers.erase(text_of(o, "token"));
  refresh_tokens.erase(text_of(o, "token"));
  return reply(200, row{});
}

void plane::end_tokens(std::string_view user_id, bool for_good) {
  const std::scoped_lock held{impl_->lock};
  std::erase_if(impl_->bearers, [&](const auto& b) { return b.second.user_id == user_id; });
  if (for_good)
    std::erase_if(impl_->refresh_tokens, [&](const auto& r) { return r.second.first == user_id; });
}

}  // namespace pb::sandbox
