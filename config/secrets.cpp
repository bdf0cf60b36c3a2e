#include "config/secrets.hpp"

#include <array>

#include "config/entry.hpp"
#include "config/settings.hpp"

namespace pb::config {
namespace {

constexpr std::array registry{
    requirement{
        "store.database_url", "DATABASE_URL", "Database URL", "database-url", true,
        "Nothing is missing without it: the store is then the SQLite file planebridge.db in "
        "store.data_dir. With PostgreSQL it may carry the password of the database role.",
        "Create a role and a database for planebridge and write "
        "`postgres://role:password@host:5432/database`. Characters of the password that are "
        "not letters, digits, `-`, `.`, `_` or `~` are percent-encoded."},
    requirement{
        "security.encryption_key", "ENCRYPTION_KEY", "Encryption key", "encryption-key", true,
        "Sealing tokens in the store: the OAuth installation (`/plane/oauth/start` and "
        "`/plane/oauth/callback`) and everything that uses its tokens; what people connect "
        "their own Plane accounts with (`/connect/…`).",
        "Make one with `openssl rand -base64 32` and keep a copy outside of the machine: what "
        "it sealed cannot be opened without it. To change it, move the old key to "
        "`ENCRYPTION_KEY_PREVIOUS` and restart."},
    requirement{"security.encryption_key_previous", "ENCRYPTION_KEY_PREVIOUS",
                "Previous encryption keys", "previous-encryption-keys", true,
                "Opening what earlier encryption keys sealed, while keys are being changed.",
                "The former values of `ENCRYPTION_KEY`, separated by commas. Remove them once "
                "everything is sealed with the new key."},
    requirement{
        "security.admin_token", "ADMIN_TOKEN", "Admin token", "admin-token", true,
        "The API (`/api/v1/…`) and the debug endpoints (`/debug/…`), and the commands of the "
        "command line that ask a running daemon.",
        "Make one with `openssl rand -hex 32`; callers send it as `Authorization: Bearer …`. "
        "Several, separated by commas, are valid at once while it is being changed; a reload "
        "applies it."},
    requirement{"security.metrics_token", "METRICS_TOKEN", "Metrics token", "metrics-token", true,
                "Reading `/metrics` from another machine; from loopback it is open.",
                "Make one with `openssl rand -hex 32` and enter it as the bearer token of the "
                "scraper's job."},
    requirement{
        "security.integration_token", "INTEGRATION_TOKEN", "Integration token", "integration-token",
        true, "Pipelines that post to `/ingest/…`.",
        "Make one with `openssl rand -hex 32` and store it as a secret of the pipelines, which "
        "send it as `Authorization: Bearer …`."},
    requirement{"plane.base_url", "PLANE_BASE_URL", "Plane base URL", "plane-base-url", false,
                "Everything that reads or writes Plane.",
                "`https://api.plane.so` for Plane's cloud, else the URL of your own Plane."},
    requirement{
        "plane.api_key", "PLANE_API_KEY", "Plane API key", "plane-api-key", true,
        "Reading and writing work items: polls, full syncs, calendars.",
        "In Plane: profile settings, personal access tokens, add one. The key sees what its "
        "user sees: a user of its own, member of the projects to be mirrored, is best. "
        "`PLANE_API_TOKEN` is accepted too."},
    requirement{
        "plane.workspace_slug", "PLANE_WORKSPACE_SLUG", "Plane workspace slug",
        "plane-workspace-slug", false, "Everything that reads or writes Plane.",
        "The first part of the path when the workspace is open in the browser: `my-team` in "
        "`https://app.plane.so/my-team/projects/`."},
    requirement{"plane.webhook_secret", "PLANE_WEBHOOK_SECRET", "Plane webhook secret",
                "plane-webhook-secret", true,
                "`POST /webhooks/plane`: without it no delivery can be told from a forged one.",
                "In Plane: workspace settings, webhooks, add one with the URL of this service and "
                "`/webhooks/plane`. Plane shows its secret once. Several, separated by commas, are "
                "valid at once while it is being changed; a reload applies it."},
    requirement{"plane.client_id", "PLANE_CLIENT_ID", "Plane client id", "plane-client-id", false,
                "Installing the OAuth app; people connecting their own Plane accounts by it.",
                "In Plane: workspace settings, integrations, build your own. Redirect URI: this "
                "service's URL with `/plane/oauth/callback`."},
    requirement{"plane.client_secret", "PLANE_CLIENT_SECRET", "Plane client secret",
                "plane-client-secret", true,
                "Installing the OAuth app, people connecting their own Plane accounts by it, and "
                "renewing tokens.",
                "Shown once when the app is created, beside the client id."},
    requirement{"plane.redirect_uri", "PLANE_REDIRECT_URI", "Plane redirect URI",
                "plane-redirect-uri", false,
                "Installing the OAuth app, when `server.public_url` is not set.",
                "One of the redirect URIs that the OAuth app lists in Plane."},
    requirement{
        "calendar.url", "CALDAV_URL", "CalDAV URL", "caldav-url", false, "Writing calendars.",
        "The address that the calendar server names for CalDAV clients; discovery finds the "
        "rest."},
    requirement{"calendar.username", "CALDAV_USERNAME", "CalDAV username", "caldav-username", false,
                "Logging in at the CalDAV server.",
                "An account of its own is best, with the calendars shared to those who read them."},
    requirement{
        "calendar.password", "CALDAV_PASSWORD", "CalDAV password", "caldav-password", true,
        "Logging in at the CalDAV server.",
        "The account's password, or an app password where the server offers them. Over plain "
        "http it is sent to this machine only, unless `calendar.allow_insecure` is set."},
    requirement{
        "calendar.feed_token", "CALENDAR_FEED_TOKEN", "Calendar feed token", "calendar-feed-token",
        true, "The feed `/calendar/{token}.ics`.",
        "Make one with `openssl rand -hex 16`. Who knows the URL reads the calendar: change "
        "the token to take that back. A reload applies it."},
    requirement{"lark.app_id", "LARK_APP_ID", "Lark app id", "lark-app-id", false,
                "Everything in Feishu or Lark: conversations, cards, link previews, alarms.",
                "In the developer console (open.feishu.cn or open.larksuite.com): create a custom "
                "app; its id stands under credentials and begins with `cli_`. docs/lark.md goes "
                "through the whole of it."},
    requirement{"lark.app_secret", "LARK_APP_SECRET", "Lark app secret", "lark-app-secret", true,
                "Everything in Feishu or Lark: it is what the tenant token is asked with.",
                "In the developer console beside the app id."},
    requirement{"lark.verification_token", "LARK_VERIFICATION_TOKEN", "Lark verification token",
                "lark-verification-token", true,
                "`POST /webhooks/lark/…`: every event and callback carries it, and nothing without "
                "it is believed. The long connection needs none.",
                "In the developer console: events and callbacks, encryption strategy, verification "
                "token. Several, separated by commas, are valid at once while it is being changed; "
                "a reload applies it."},
    requirement{
        "lark.encrypt_key", "LARK_ENCRYPT_KEY", "Lark encrypt key", "lark-encrypt-key", true,
        "Encrypted and signed events and callbacks. Without it they come plain, and whoever "
        "learns the verification token can forge them. The long connection needs none.",
        "In the developer console: events and callbacks, encryption strategy, encrypt key; "
        "any text, `openssl rand -hex 16` makes a good one. Several, separated by commas, "
        "are valid at once while it is being changed; a reload applies it."},
    requirement{"lark.base_url", "LARK_BASE_URL", "Lark base URL", "lark-base-url", false,
                "Lark outside of China.",
                "`https://open.feishu.cn` for Feishu, `https://open.larksuite.com` for Lark: where "
                "the app was created. An app's tokens do not work on the other."},
    requirement{"http.https_proxy", "HTTPS_PROXY", "HTTPS proxy", "https-proxy", true,
                "Reaching remote systems where only a proxy may. It may carry a password.",
                "`http://user:password@proxy:3128`, from whoever runs the network."},
};

}  // namespace

std::span<const requirement> requirements() { return registry; }

const requirement* find_requirement(std::string_view entry) {
  for (const requirement& r : registry)
    if (r.entry == entry) return &r;
  return nullptr;
}

std::string requirement::ssot_ref() const { return "docs/secrets.md#" + std::string{anchor}; }

std::vector<const requirement*> unmet(const settings& s) {
  std::vector<const requirement*> out;
  const auto need = [&out](bool missing, std::string_view entry) {
    if (missing) out.push_back(find_requirement(entry));
  };
  need(s.plane.base_url.empty(), "plane.base_url");
  if (!s.plane.base_url.empty())
    need(!s.plane.enabled() && !s.plane.oauth_enabled(), "plane.api_key");
  need(s.plane.webhook_secret.empty(), "plane.webhook_secret");
  need(!s.calendar.enabled(), "calendar.url");
  need(s.lark.app_id.empty(), "lark.app_id");
  if (!s.lark.app_id.empty()) {
    need(s.lark.app_secret.empty(), "lark.app_secret");
    const bool pushed = s.lark.transport == lark_transport::webhook;
    need(pushed && s.lark.verification_token.empty(), "lark.verification_token");
    need(pushed && s.lark.encrypt_key.empty(), "lark.encrypt_key");
  }
  need(s.security.admin_token.empty(), "security.admin_token");
  return out;
}

std::string secrets_markdown() {
  std::string out =
      "# Secrets, and what must be configured beside them\n"
      "\n"
      "<!-- Generated from config/secrets.cpp; the test config.documents compares. -->\n"
      "\n"
      "An answer `KEY_MISSING` names one of these entries, its variable, and its place on this "
      "page.\n"
      "Nothing here is needed to start: what lacks its secret says so, and the rest runs.\n"
      "\n"
      "Each can be set, strongest first, by\n"
      "\n"
      "1. the variable in the environment, or the variable with `_FILE` behind its name and the "
      "path\n"
      "   of a file as its value (a trailing newline is dropped; setting both is a mistake);\n"
      "2. the same in the file given by `--env-file`;\n"
      "3. a systemd credential named like the variable in lower case\n"
      "   (`LoadCredential=admin_token:/etc/planebridge/admin_token`), secrets only;\n"
      "4. the entry in `planebridge.toml`, which then should be readable by the service only.\n"
      "\n"
      "`_FILE` and credentials are for secrets. An empty variable counts as unset. Secrets are "
      "masked\n"
      "wherever the configuration is shown, and appear in no log line, error, metric or answer.\n"
      "\n"
      "| entry | variable | secret | needed by |\n"
      "|---|---|---|---|\n";
  for (const requirement& r : registry) {
    out += "| [`" + std::string{r.entry} + "`](#" + std::string{r.anchor} + ") | `" +
           std::string{r.variable} + "` | " + (r.is_secret ? "yes" : "no") + " | " +
           std::string{r.needed_by} + " |\n";
  }
  for (const requirement& r : registry) {
    const entry* e = find_entry(r.entry);
    out += "\n<a id=\"" + std::string{r.anchor} + "\"></a>\n\n## " + std::string{r.title} + "\n\n";
    out += "- Entry: `" + std::string{r.entry} + "`\n- Variables:";
    std::string separator = " ";
    for (const std::string_view name : e->variables) {
      out += separator + "`" + std::string{name} + "`";
      separator = ", ";
    }
    out += separator + "`" + e->own_variable() + "`\n";
    out += "- Meaning: " + std::string{e->sentence} + "\n";
    out += "- Needed by: " + std::string{r.needed_by} + "\n";
    out += "- Where it comes from: " + std::string{r.get_it} + "\n";
    out += e->reloadable ? "- Changing it: a reload (SIGHUP) applies it.\n"
                         : "- Changing it: needs a restart.\n";
  }
  return out;
}

}  // namespace pb::config
