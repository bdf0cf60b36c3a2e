#include "http/plane_oauth_page.hpp"

#include <boost/json.hpp>

#include "config/secrets.hpp"
#include "protocol/html/escape.hpp"

namespace pb::http {
using protocol::html::escaped;
namespace json = boost::json;
namespace {

void harden(response& r) {
  // the URL of the callback holds a code: neither caches nor other sites may see it
  r.headers.push_back({"Cache-Control", "no-store"});
  r.headers.push_back({"Referrer-Policy", "no-referrer"});
  r.headers.push_back({"X-Content-Type-Options", "nosniff"});
}

using rows = std::vector<std::pair<std::string_view, std::string>>;

response page(int status, std::string_view title, std::string_view text, const rows& facts) {
  std::string body =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\"><title>";
  body += escaped(title) +
          "</title><style>body{font:16px/1.5 system-ui,sans-serif;"
          "max-width:40rem;margin:3rem auto;padding:0 1rem}dt{color:#666}dd{margin:0 0 .5rem;"
          "overflow-wrap:anywhere}</style></head><body><h1>";
  body += escaped(title) + "</h1><p>" + escaped(text) + "</p><dl>";
  for (const auto& [name, value] : facts)
    if (!value.empty()) body += "<dt>" + escaped(name) + "</dt><dd>" + escaped(value) + "</dd>";
  body += "</dl></body></html>\n";
  response r;
  r.status = status;
  r.content_type = "text/html; charset=utf-8";
  r.body = std::move(body);
  harden(r);
  r.headers.push_back({"Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"});
  return r;
}

}  // namespace

bool wants_json(const request& r) {
  return r.header("Accept").find("application/json") != std::string_view::npos;
}

response refusal_response(const request& r, const oauth_refusal& why) {
  if (!wants_json(r))
    return page(why.status, "Plane was not connected", why.message,
                {{"What to do", why.remedy},
                 {"Your state", why.callers},
                 {"Code", why.code},
                 {"Request", r.id}});
  json::object details;
  if (!why.remedy.empty()) details["remedy"] = why.remedy;
  if (!why.callers.empty()) details["state"] = why.callers;
  auto out = error_response(why.status, why.code, why.message, r.id,
                            details.empty() ? std::string{} : json::serialize(details));
  harden(out);
  return out;
}

response summary_response(const request& r, const oauth_summary& s) {
  if (!wants_json(r))
    return page(200, "Plane is connected",
                "The tokens are stored, sealed. You may close this window.",
                {{"Flow", s.flow},
                 {"Workspace", s.workspace_name.empty() ? s.workspace_slug : s.workspace_name},
                 {"User", s.user_id},
                 {"Installation", s.installation_id},
                 {"Scope", s.scope},
                 {"Valid until", s.expires_at},
                 {"Stored as", s.credential},
                 {"Your state", s.callers}});
  json::object data{{"status", "connected"}, {"flow", s.flow}, {"credential", s.credential}};
  const auto add = [](json::object& to, std::string_view key, const std::string& value) {
    if (!value.empty()) to[key] = value;
  };
  add(data, "app_installation_id", s.installation_id);
  add(data, "user_id", s.user_id);
  add(data, "scope", s.scope);
  add(data, "expires_at", s.expires_at);
  add(data, "state", s.callers);
  json::object workspace;
  add(workspace, "id", s.workspace_id);
  add(workspace, "slug", s.workspace_slug);
  add(workspace, "name", s.workspace_name);
  if (!workspace.empty()) data["workspace"] = std::move(workspace);
  auto out = data_response(json::serialize(data));
  harden(out);
  return out;
}

response oauth_key_missing(const request& r, std::string_view entry) {
  const auto* needed = config::find_requirement(entry);
  const std::string variable{needed != nullptr ? needed->variable : std::string_view{}};
  const std::string place = needed != nullptr ? needed->ssot_ref() : "docs/secrets.md";
  if (wants_json(r)) return key_missing_response(entry, variable, place, r.id);
  return page(503, "Plane cannot be connected yet", "An entry of the configuration is missing.",
              {{"Entry", std::string{entry}},
               {"Variable", variable},
               {"How to get it", place},
               {"Code", "KEY_MISSING"},
               {"Request", r.id}});
}

}  // namespace pb::http
