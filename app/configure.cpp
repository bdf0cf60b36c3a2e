// The commands that need no running daemon: config check, show and init.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "app/command_line.hpp"
#include "config/secrets.hpp"
#include "config/show.hpp"

extern char** environ;

namespace pb::app {

config::load_outcome load_configuration(const common_options& o) {
  config::load_inputs in;
  in.toml_path = config::find_file(o.config_path,
                                   [](const std::string& p) { return std::filesystem::exists(p); });
  in.env_file_path = o.env_file;
  for (char** e = environ; *e != nullptr; ++e) {
    const std::string_view pair{*e};
    const auto eq = pair.find('=');
    if (eq != std::string_view::npos)
      in.environment.emplace(pair.substr(0, eq), pair.substr(eq + 1));
  }
  if (const auto it = in.environment.find("CREDENTIALS_DIRECTORY"); it != in.environment.end())
    in.credentials_directory = it->second;
  return config::load(in);
}

bool report_configuration(const config::load_outcome& o) {
  if (!o.ok() || !o.warnings.empty()) std::cerr << config::report(o);
  return o.ok();
}

int complain(const failure& f) {
  std::cerr << "planebridge: " << describe(f) << "\n";
  if (!f.remedy.empty()) std::cerr << "  " << f.remedy << "\n";
  return 1;
}

int configure(const common_options& o, const config_options& c) {
  if (c.action == "init") {
    if (std::filesystem::exists(c.path) && !c.force) {
      std::cerr << "planebridge: " << c.path << " exists; --force overwrites it\n";
      return 1;
    }
    // Secrets may go into it: only its owner may read it.
    const auto old = ::umask(0077);
    std::ofstream out{c.path, std::ios::trunc};
    ::umask(old);
    out << config::example_toml();
    if (!out.flush()) {
      std::cerr << "planebridge: cannot write " << c.path << "\n";
      return 1;
    }
    std::cout << c.path << " written; every entry is in it, commented out, with its default\n";
    return 0;
  }
  const auto loaded = load_configuration(o);
  if (c.action == "check") {
    std::cout << config::report(loaded);
    for (const auto* r :
         loaded.ok() ? config::unmet(loaded.values) : std::vector<const config::requirement*>{})
      std::cout << "not set: " << r->entry << " (" << r->variable << "): " << r->needed_by
                << " See " << r->ssot_ref() << "\n";
    if (loaded.ok())
      std::cout << "the configuration is right"
                << (loaded.toml_path.empty() ? "" : ": " + loaded.toml_path) << "\n";
    return loaded.ok() ? 0 : 2;
  }
  if (!report_configuration(loaded)) return 2;
  std::cout << (c.json ? config::show_json(loaded) + "\n" : config::show(loaded));
  return 0;
}

}  // namespace pb::app
