// config/load: from a TOML file, an env file, the environment and secret files to settings, with
// every mistake found at once and where each value came from. Reads files, nothing else; called by
// app/ at start, by `config check` and on SIGHUP.
//
// Precedence, strongest first: environment, env file, systemd credentials, TOML file, default.
// Within one environment: PLANEBRIDGE_<SECTION>_<KEY>, the canonical name, its aliases.
#pragma once
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"

namespace pb::config {

struct load_inputs {
  std::optional<std::string> toml_path;
  std::optional<std::string> env_file_path;
  std::map<std::string, std::string> environment;
  std::string credentials_directory;  ///< $CREDENTIALS_DIRECTORY; empty: none
  /// PLANEBRIDGE_… names that the command line reads itself.
  std::vector<std::string> other_variables = {"PLANEBRIDGE_CONFIG", "PLANEBRIDGE_ENV_FILE"};
};

struct origin {
  enum class kind { by_default, toml_file, credential, env_file, environment };
  kind from = kind::by_default;
  std::string variable;     ///< the variable or the credential; empty for TOML
  std::string file;         ///< the TOML or env file
  std::string secret_file;  ///< whose contents are the value (…_FILE, credentials)
  std::size_t line = 0, column = 0;
  /// "default", "planebridge.toml:12", "environment PORT", ".env:3 PORT", with " (file …)".
  [[nodiscard]] std::string text() const;
};

struct mistake {
  std::string file;  ///< "environment" for variables; empty when it concerns no single place
  std::size_t line = 0, column = 0;
  std::string key;      ///< dotted entry or variable
  std::string message;  ///< never contains the value of a secret
  std::string suggestion;
};
/// "planebridge.toml:3:8: server.port: … (did you mean …)"
std::string describe(const mistake& m);

struct load_outcome {
  settings values;                        ///< defaults where an entry was wrong
  std::map<std::string, origin> origins;  ///< by dotted name; entries not in it are defaults
  std::vector<mistake> mistakes;          ///< refuse to start when there are any
  std::vector<mistake> warnings;
  std::vector<mistake> notes;  ///< accepted and unused
  std::string toml_path;       ///< empty: none was read
  [[nodiscard]] bool ok() const noexcept { return mistakes.empty(); }
};

[[nodiscard]] load_outcome load(const load_inputs& inputs);

/// --config, else ./planebridge.toml, else /etc/planebridge/planebridge.toml, else nothing. The
/// explicit one is returned whether it exists or not: load() reports it as a mistake.
std::optional<std::string> find_file(const std::optional<std::string>& explicit_path,
                                     const std::function<bool(const std::string&)>& exists);

}  // namespace pb::config
