// planebridge: the command line.
#include <CLI/CLI.hpp>
#include <iostream>

#include "app/command_line.hpp"
#include "app/version.hpp"

int main(int argc, char** argv) {
  using namespace pb::app;
  CLI::App app{"planebridge keeps calendars in step with Plane"};
  app.set_version_flag("--version", std::string{"planebridge "} + version);
  app.require_subcommand(1);
  common_options common;
  app.add_option("--config", common.config_path,
                 "TOML file (else ./planebridge.toml, /etc/planebridge/planebridge.toml)")
      ->envname("PLANEBRIDGE_CONFIG");
  app.add_option("--env-file", common.env_file,
                 "file of NAME=value lines, weaker than the environment")
      ->envname("PLANEBRIDGE_ENV_FILE");
  app.fallthrough();
  int code = 0;

  auto* serve_command = app.add_subcommand("serve", "run the daemon");
  serve_command->callback([&] { code = serve(common); });

  bool status_only = false;
  auto* migrate_command = app.add_subcommand("migrate", "bring the database to this version");
  migrate_command->add_flag("--status", status_only, "only tell which migrations are applied");
  migrate_command->callback([&] { code = migrate(common, status_only); });

  config_options c;
  auto* config_command = app.add_subcommand("config", "check, show or write the configuration");
  config_command->require_subcommand(1);
  config_command->add_subcommand("check", "report all mistakes at once")->callback([&] {
    c.action = "check";
    code = configure(common, c);
  });
  auto* show = config_command->add_subcommand(
      "show", "effective values and where each came from, secrets masked");
  show->add_flag("--json", c.json, "as JSON");
  show->callback([&] {
    c.action = "show";
    code = configure(common, c);
  });
  auto* init = config_command->add_subcommand("init", "write a commented example");
  init->add_option("path", c.path, "where to");
  init->add_flag("--force", c.force, "overwrite");
  init->callback([&] {
    c.action = "init";
    code = configure(common, c);
  });

  auto* keys = app.add_subcommand("keys", "sealed credentials");
  keys->require_subcommand(1);
  keys->add_subcommand(
          "rotate",
          "reseal everything under ENCRYPTION_KEY; ENCRYPTION_KEY_PREVIOUS opens what is older")
      ->callback([&] { code = rotate_keys(common); });

  remote_options remote;
  const auto with_url = [&remote](CLI::App* sub) {
    sub->add_option("--url", remote.url,
                    "the daemon's address (else this machine, the configured port)");
  };

  std::string kind, state;
  bool watch = false;
  auto* actors = app.add_subcommand("actors", "the live actors of the running daemon");
  actors->add_option("--kind", kind, "only this kind");
  actors->add_option("--state", state, "only states that contain this");
  actors->add_flag("--watch", watch, "refresh every second until Ctrl-C");
  with_url(actors);
  actors->callback([&] { code = show_actors(common, remote, kind, state, watch); });

  dead_letter_options dead;
  auto* letters =
      app.add_subcommand("dead-letters", "deliveries and effects whose attempts are used up");
  letters->require_subcommand(1);
  with_url(letters);
  for (const char* action : {"list", "show", "retry", "skip", "export"}) {
    auto* sub = letters->add_subcommand(action);
    if (std::string_view{action} != "list" && std::string_view{action} != "export")
      sub->add_option("ids", dead.ids, "d<number> or e<number>")->required();
    with_url(sub);
    sub->callback([&, action] {
      dead.action = action;
      code = dead_letters(common, remote, dead);
    });
  }

  std::string project;
  bool dry_run = false;
  auto* sync = app.add_subcommand("sync", "full syncs");
  sync->require_subcommand(1);
  auto* now =
      sync->add_subcommand("now", "compare everything with Plane and the calendars, and mend it");
  now->add_option("--project", project, "uuid or identifier of one project");
  now->add_flag("--dry-run", dry_run, "only tell what differs");
  with_url(now);
  now->callback([&] { code = sync_now(common, remote, project, dry_run); });

  mapping_options m;
  auto* all_mappings =
      app.add_subcommand("mappings", "who in Feishu is who in Plane, and which chat which project");
  all_mappings->require_subcommand(1);
  for (const char* what : {"users", "channels"}) {
    const bool users = std::string_view{what} == "users";
    auto* of = all_mappings->add_subcommand(
        what, users ? "Feishu users and Plane members" : "chats and projects");
    of->require_subcommand(1);
    const auto add = [&, what](const char* action, const char* sentence) {
      auto* sub = of->add_subcommand(action, sentence);
      with_url(sub);
      sub->callback([&, what, action] {
        m.what = what;
        m.action = action;
        code = mappings(common, remote, m);
      });
      return sub;
    };
    const auto with_key = [&m, users](CLI::App* sub) {
      sub->add_option("key", m.keys, users ? "open_id" : "chat id and project (uuid or identifier)")
          ->required()
          ->expected(users ? 1 : 2);
    };
    add("list", "as comma-separated values, which import takes back");
    auto* set = add("set", "make or change one; what is not named stays");
    with_key(set);
    set->add_option(
        "--set,-s", m.set,
        users
            ? "field=value: plane_user, name, email, union_id"
            : "field=value: shown, default, announce_items, announce_projects, "
              "internal_comments, external, states, priorities, labels, types (lists with \";\")");
    with_key(add("delete", "forget one"));
    auto* import = add("import", "from a CSV file with a heading, all or nothing");
    import->add_option("file", m.file, "- for standard input")->required();
    import->add_flag("--dry-run", m.dry_run, "only tell what would change");
    if (users)
      add("match", "map everybody by their e-mail addresses; tells who is left, and why")
          ->add_flag("--dry-run", m.dry_run, "only tell what would change");
  }

  auto* check =
      app.add_subcommand("healthcheck", "exit 0 when the daemon is ready (for containers)");
  with_url(check);
  check->callback([&] { code = health_check(common, remote); });

  sandbox_command s;
  auto* sandbox =
      app.add_subcommand("sandbox", "a Plane and a Feishu/Lark in memory, to try rules against");
  sandbox->add_option("--port", s.port, "where it listens, on loopback");
  sandbox->add_option("--webhook-url", s.webhook_url, "where its webhooks go");
  sandbox->add_option("--webhook-secret", s.webhook_secret, "what signs them");
  sandbox->add_option("--api-key", s.api_key, "the key its API takes");
  sandbox->add_option("--seed", s.seed, "demo, or empty for nothing");
  sandbox->add_option("--time-scale", s.time_scale,
                      "1 is real time; 0.01 makes its webhook retries a hundred times faster");
  sandbox->add_option("--requests-per-minute", s.requests_per_minute,
                      "its rate limit per API key; 0: none");
  sandbox->add_option("--oauth-client-id", s.oauth_client_id,
                      "an app that its OAuth knows; empty: none, as in the open edition");
  sandbox->add_option("--oauth-client-secret", s.oauth_client_secret, "and its secret");
  sandbox->add_option("--oauth-redirect-uri", s.oauth_redirect_uris, "and where it may lead back");
  sandbox->add_option("--oauth-token-seconds", s.oauth_token_seconds,
                      "how long its access tokens live");
  sandbox->add_option("--lark-event-url", s.lark_event_url, "where Lark's events go");
  sandbox->add_option("--lark-callback-url", s.lark_callback_url,
                      "where its callbacks go; empty: as the events");
  sandbox->add_option("--lark-app-id", s.lark_app_id, "the app that its API knows");
  sandbox->add_option("--lark-app-secret", s.lark_app_secret, "and its secret");
  sandbox->add_option("--lark-encrypt-key", s.lark_encrypt_key,
                      "encrypts and signs what it pushes; empty: plain");
  sandbox->add_option("--lark-verification-token", s.lark_verification_token,
                      "the token in what it pushes");
  sandbox->add_flag("--lark-long-connection", s.lark_long_connection,
                    "it pushes over the long connection instead of by webhook");
  sandbox->add_flag("--lark-legacy-cards", s.lark_legacy_cards, "clicks come in the old form");
  sandbox->callback([&] { code = run_sandbox_command(s); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int parsed = app.exit(e);
    return parsed == 0 ? 0 : 2;
  } catch (const std::exception& e) {
    std::cerr << "planebridge: " << e.what() << "\n";
    return 1;
  }
  return code;
}
