// The commands that work on the database and the in-memory Plane: migrate, keys rotate, sandbox.
#include <iostream>

#include "app/command_line.hpp"
#include "base/clock.hpp"
#include "persistence/open.hpp"
#include "persistence/sealing.hpp"
#include "sandbox/run.hpp"

namespace pb::app {

int migrate(const common_options& o, bool status_only) {
  const auto loaded = load_configuration(o);
  if (!report_configuration(loaded)) return 2;
  const auto options = persistence::options_of(loaded.values);
  if (!options) return complain(options.error());
  const auto report =
      status_only ? persistence::migration_status(*options) : persistence::migrate(*options);
  if (!report) return complain(report.error());
  for (const auto& m : report->applied) std::cout << "applied  " << m << "\n";
  for (const auto& m : report->pending) std::cout << "pending  " << m << "\n";
  for (const auto& m : report->unknown) std::cout << "unknown  " << m << "\n";
  std::cout << "schema " << report->after << "\n";
  if (!report->compatible) {
    std::cerr << "planebridge: " << report->explanation << "\n";
    return 1;
  }
  return 0;
}

int rotate_keys(const common_options& o) {
  const auto loaded = load_configuration(o);
  if (!report_configuration(loaded)) return 2;
  const auto options = persistence::options_of(loaded.values);
  if (!options) return complain(options.error());
  auto store = persistence::open(*options);
  if (!store) return complain(store.error());
  const persistence::sealer keys{config::encryption_key_bytes(loaded.values),
                                 config::previous_encryption_keys(loaded.values)};
  const auto report = persistence::rotate(**store, keys, system_clock_source{}.now());
  if (!report) return complain(report.error());
  std::cout << report->resealed << " resealed, " << report->current
            << " under the current key already\n";
  for (const auto& u : report->unreadable) std::cerr << "cannot be opened: " << u << "\n";
  return report->unreadable.empty() ? 0 : 1;
}

int run_sandbox_command(const sandbox_command& s) {
  sandbox::run_options o;
  o.port = s.port;
  o.webhook_url = s.webhook_url;
  o.webhook_secret = secret{s.webhook_secret};
  o.api_key = secret{s.api_key};
  o.seed = s.seed;
  o.time_scale = s.time_scale;
  o.plane.requests_per_minute = s.requests_per_minute;
  o.plane.oauth_client_id = s.oauth_client_id;
  o.plane.oauth_client_secret = secret{s.oauth_client_secret};
  o.plane.oauth_redirect_uris = s.oauth_redirect_uris;
  o.plane.oauth_token_life = std::chrono::seconds{s.oauth_token_seconds};
  o.lark.app_id = s.lark_app_id;
  o.lark.app_secret = secret{s.lark_app_secret};
  o.lark.encrypt_key = secret{s.lark_encrypt_key};
  o.lark.verification_token = secret{s.lark_verification_token};
  o.lark.legacy_cards = s.lark_legacy_cards;
  o.lark_event_url = s.lark_event_url;
  o.lark_callback_url = s.lark_callback_url;
  o.lark_long_connection = s.lark_long_connection;
  return sandbox::run_sandbox(o, std::cout);
}

}  // namespace pb::app
