// config/show: the effective configuration for a person (`config show`) and as JSON
// (/debug/config), what a reload changes, and the example files. Secrets appear masked only.
#pragma once
#include <string>
#include <vector>

#include "config/load.hpp"

namespace pb::config {

/// One line per entry: name = value  # origin.
std::string show(const load_outcome& o);
/// {"file", "entries": [{"key", "value", "default", "origin", "variable", "type", "unit", "secret",
/// "reloadable", "description"}], "warnings": […], "notes": […]}; without a {"data": …} around it.
std::string show_json(const load_outcome& o);
/// One line per mistake, warning and note, for `config check` and the start.
std::string report(const load_outcome& o);

/// Complete and commented: what `config init` writes; planebridge.example.toml in the repository.
std::string example_toml();
/// .env.example in the repository.
std::string example_env();

struct reload_outcome {
  std::vector<std::string> applied;        ///< dotted names that changed and take effect now
  std::vector<std::string> needs_restart;  ///< changed in the file, unchanged in the process
};
reload_outcome reload_diff(const settings& running, const settings& next);
/// `running` with the entries of `next` that can change at run time.
settings reload_merge(const settings& running, const settings& next);

}  // namespace pb::config
