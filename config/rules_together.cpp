// The rules between entries: what contradicts, what is missing its other half, what is dangerous.
#include <algorithm>

#include "config/rules.hpp"

namespace pb::config {
namespace {

class findings {
public:
  void wrong(std::string key, std::string message, std::string suggestion) {
    all_.push_back({std::move(key), {std::move(message), std::move(suggestion)}, false});
  }
  void doubtful(std::string key, std::string message, std::string suggestion) {
    all_.push_back({std::move(key), {std::move(message), std::move(suggestion)}, true});
  }
  std::vector<rule_finding> take() { return std::move(all_); }

private:
  std::vector<rule_finding> all_;
};

bool plain_and_remote(const std::string& url) {
  const auto colon = url.find("://");
  if (colon != 4 || (url[0] != 'h' && url[0] != 'H')) return false;
  return !is_loopback_host(host_of(url));
}

void server_rules(const settings& s, findings& f) {
  if (s.server.tls_certificate_file.empty() != s.server.tls_key_file.empty()) {
    const bool no_key = s.server.tls_key_file.empty();
    f.wrong(no_key ? "server.tls_certificate_file" : "server.tls_key_file",
            "a certificate and its key belong together",
            no_key ? "set server.tls_key_file too" : "set server.tls_certificate_file too");
  }
  if (s.store.identity_retention < s.store.retention)
    f.wrong("store.identity_retention_days",
            "identities are kept for a shorter time than the deliveries they belong to",
            "write at least " + std::to_string(s.store.retention.count()));
  for (const secret& token : s.security.admin_token)
    if (token.reveal().size() < 16)
      f.doubtful("security.admin_token",
                 "an admin token of fewer than 16 characters can be guessed",
                 "make one with: openssl rand -hex 32");
}

void plane_rules(const settings& s, findings& f) {
  const plane_settings& p = s.plane;
  if (p.body_limit_bytes > p.stream_limit_bytes)
    f.wrong("plane.body_limit_bytes", "larger than plane.stream_limit_bytes",
            "write at most " + std::to_string(p.stream_limit_bytes));
  if (p.base_url.ends_with("/api/v1") || p.base_url.ends_with("/api/v1/"))
    f.wrong("plane.base_url", "the API's path does not belong here",
            "write the URL without /api/v1");
  if (plain_and_remote(p.base_url))
    f.doubtful("plane.base_url", "the API key travels over plain http", "use https");
  if (!p.api_key.empty() && p.base_url.empty())
    f.doubtful("plane.api_key", "plane.base_url is missing, so Plane stays unused",
               "set PLANE_BASE_URL, https://api.plane.so for the cloud");
  if (!p.base_url.empty() && p.workspace_slug.empty())
    f.doubtful("plane.base_url", "plane.workspace_slug is missing, so no work item can be read",
               "set PLANE_WORKSPACE_SLUG");
  if (p.client_id.empty() != p.client_secret.empty())
    f.doubtful(p.client_id.empty() ? "plane.client_secret" : "plane.client_id",
               "client id and client secret belong together",
               p.client_id.empty() ? "set PLANE_CLIENT_ID too" : "set PLANE_CLIENT_SECRET too");
  if (p.enabled() && p.webhook_secret.empty())
    f.doubtful("plane.webhook_secret",
               "without it webhooks are refused and only polls find changes",
               "set PLANE_WEBHOOK_SECRET");
  for (const std::string& project : p.projects_include)
    if (std::find(p.projects_exclude.begin(), p.projects_exclude.end(), project) !=
        p.projects_exclude.end())
      f.wrong("plane.projects_exclude",
              "\"" + printable(project) + "\" is both included and excluded", "remove it from one");
  if (p.requests_per_minute > 60 && host_of(p.base_url) == "api.plane.so")
    f.doubtful("plane.requests_per_minute", "Plane's cloud allows 60 requests a minute",
               "write at most 60");
}

void calendar_rules(const settings& s, findings& f) {
  const calendar_settings& c = s.calendar;
  if (plain_and_remote(c.url) && !c.allow_insecure)
    f.wrong("calendar.url", "the password would travel over plain http",
            "use https, or set calendar.allow_insecure = true where the network is trusted");
  if (c.username.empty() != c.password.empty())
    f.doubtful(c.username.empty() ? "calendar.password" : "calendar.username",
               "user and password belong together",
               c.username.empty() ? "set CALDAV_USERNAME too" : "set CALDAV_PASSWORD too");
  if (c.username.find(':') != std::string::npos)
    f.wrong("calendar.username", "a user name with \":\" cannot log in by Basic or Digest",
            "use the account's other name");
  if (c.layout == calendar_layout::single && c.single_name.empty())
    f.wrong("calendar.single_name", "the one calendar needs a name", "write a name");
  if (c.layout == calendar_layout::per_project &&
      c.name_template.find("{project}") == std::string::npos &&
      c.name_template.find("{identifier}") == std::string::npos)
    f.wrong("calendar.name_template", "all projects' calendars would have the same name",
            "use {project} or {identifier} in it");
  for (const secret& token : c.feed_token)
    if (token.reveal().size() < 16)
      f.doubtful("calendar.feed_token", "a feed token of fewer than 16 characters can be guessed",
                 "make one with: openssl rand -hex 16");
  for (const secret& token : c.feed_token)
    if (token.reveal().find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "0123456789-_~") != std::string::npos)
      f.wrong("calendar.feed_token", "the token is part of a URL and holds characters that are not",
              "use letters, digits, \"-\" and \"_\" only");
}

/// Ids say of what kind they are by their first letters.
void id_rule(findings& f, const char* key, const std::string& id, std::string_view prefix,
             const char* what) {
  if (id.empty() || id.starts_with(prefix)) return;
  f.wrong(key, "\"" + printable(id) + "\" is no " + what,
          "it begins with \"" + std::string{prefix} + "\"");
}

void lark_rules(const settings& s, findings& f) {
  const lark_settings& l = s.lark;
  if (l.app_id.empty() != l.app_secret.empty())
    f.doubtful(l.app_id.empty() ? "lark.app_secret" : "lark.app_id",
               "app id and app secret belong together, so Feishu stays unused",
               l.app_id.empty() ? "set LARK_APP_ID too" : "set LARK_APP_SECRET too");
  if (!l.app_id.empty() && !l.app_id.starts_with("cli_"))
    f.doubtful("lark.app_id", "app ids begin with \"cli_\"", "copy it from the developer console");
  if (l.enabled() && l.transport == lark_transport::webhook && l.verification_token.empty())
    f.doubtful("lark.verification_token",
               "without it pushed events are refused and nothing that happens in Feishu is heard",
               "set LARK_VERIFICATION_TOKEN, or lark.transport = \"websocket\"");
  if (l.enabled() && l.transport == lark_transport::webhook && l.encrypt_key.empty())
    f.doubtful("lark.encrypt_key",
               "without it events are not signed: whoever learns the verification token can forge "
               "them",
               "set LARK_ENCRYPT_KEY");
  if (l.legacy_cards && l.verification_token.empty())
    f.wrong("lark.legacy_cards", "old card callbacks are signed with the verification token",
            "set LARK_VERIFICATION_TOKEN too");
  if (l.base_url.empty())
    f.wrong("lark.base_url", "Feishu's API has no address",
            "write https://open.feishu.cn or https://open.larksuite.com");
  if (l.base_url.find("/open-apis") != std::string::npos)
    f.wrong("lark.base_url", "the API's path does not belong here",
            "write the URL without /open-apis");
  if (plain_and_remote(l.base_url))
    f.doubtful("lark.base_url", "the app secret travels over plain http", "use https");
  id_rule(f, "lark.bot_open_id", l.bot_open_id, "ou_", "open_id");
  id_rule(f, "lark.alarm_chat", l.alarm_chat, "oc_", "chat id");
  for (const std::string& id : l.admins) id_rule(f, "lark.admins", id, "ou_", "open_id");
  if (l.chat_requests_per_second > 5)
    f.doubtful("lark.chat_requests_per_second",
               "Feishu allows 5 a second in one chat, all apps together", "write at most 5");
  if (l.requests_per_second > 50 || l.requests_per_minute > 1'000)
    f.doubtful(l.requests_per_second > 50 ? "lark.requests_per_second" : "lark.requests_per_minute",
               "Feishu allows an app 50 requests a second and 1000 a minute", "write at most that");
  if (l.previews == preview_audience::everyone)
    f.doubtful("lark.preview_audience",
               "whoever sees a link sees the item's name, state and people, members or not",
               "write \"members\"");
}

void tuning_rules(const settings& s, findings& f) {
  if (s.concurrency.backoff_base > s.concurrency.backoff_cap)
    f.wrong("concurrency.backoff_base_ms", "larger than concurrency.backoff_cap_ms",
            "write at most " + std::to_string(s.concurrency.backoff_cap.count()));
  if (s.http.connect_timeout > s.http.total_timeout)
    f.wrong("http.connect_timeout_ms", "longer than http.total_timeout_ms",
            "write at most " + std::to_string(s.http.total_timeout.count()));
  if (s.http.headers_timeout > s.http.total_timeout)
    f.wrong("http.headers_timeout_ms", "longer than http.total_timeout_ms",
            "write at most " + std::to_string(s.http.total_timeout.count()));
  if (s.concurrency.store_batch_max > s.concurrency.store_queue_max)
    f.wrong("concurrency.store_batch_max", "larger than concurrency.store_queue_max",
            "write at most " + std::to_string(s.concurrency.store_queue_max));
}

}  // namespace

std::vector<rule_finding> check_together(const settings& s) {
  findings f;
  server_rules(s, f);
  plane_rules(s, f);
  calendar_rules(s, f);
  lark_rules(s, f);
  tuning_rules(s, f);
  return f.take();
}

}  // namespace pb::config
