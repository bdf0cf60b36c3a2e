// app/command_line: the subcommands. Each returns the process's exit code: 0 well, 1 the asked
// thing failed, 2 the command line or the configuration is wrong.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "config/load.hpp"

namespace pb::app {

/// --config and --env-file, which every subcommand takes.
struct common_options {
  std::optional<std::string> config_path, env_file;
};
config::load_outcome load_configuration(const common_options& o);
/// Prints what is wrong; true when there is nothing.
bool report_configuration(const config::load_outcome& o);
/// Prints what failed and how to mend it; 1, the exit code.
int complain(const failure& f);

int serve(const common_options& o);

struct config_options {
  std::string action;  ///< check, show, init
  bool json = false;
  std::string path = "planebridge.toml";
  bool force = false;
};
int configure(const common_options& o, const config_options& c);
int migrate(const common_options& o, bool status_only);
int rotate_keys(const common_options& o);

/// Commands that ask the running daemon over its API.
struct remote_options {
  std::string url;  ///< empty: this machine, the configured port
};
int show_actors(const common_options& o, const remote_options& r, const std::string& kind,
                const std::string& state, bool watch);
struct dead_letter_options {
  std::string action;  ///< list, show, retry, skip, export
  std::vector<std::string> ids;
};
int dead_letters(const common_options& o, const remote_options& r, const dead_letter_options& d);
int sync_now(const common_options& o, const remote_options& r, const std::string& project,
             bool dry_run);
struct mapping_options {
  std::string what;               ///< users, channels
  std::string action;             ///< list, set, delete, import; match (users)
  std::vector<std::string> keys;  ///< open_id; chat and project
  std::vector<std::string> set;   ///< "field=value"
  std::string file;               ///< CSV; "-": standard input
  bool dry_run = false;
};
int mappings(const common_options& o, const remote_options& r, const mapping_options& m);
int health_check(const common_options& o, const remote_options& r);

struct sandbox_command {
  unsigned short port = 8090;
  std::string webhook_url, webhook_secret = "plane_wh_sandbox", api_key = "plane_api_sandbox",
                           seed = "demo";
  double time_scale = 1.0;
  unsigned requests_per_minute = 60;
  std::string oauth_client_id, oauth_client_secret = "plane-oauth-sandbox";
  std::vector<std::string> oauth_redirect_uris;
  unsigned oauth_token_seconds = 86'400;
  std::string lark_event_url, lark_callback_url,
      lark_app_id = "cli_a7f3c0d2e5b8100c", lark_app_secret = "lark-sandbox-secret",
      lark_encrypt_key, lark_verification_token = "vt-sandbox";
  bool lark_long_connection = false, lark_legacy_cards = false;
};
int run_sandbox_command(const sandbox_command& s);

}  // namespace pb::app
