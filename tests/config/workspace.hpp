// A folder for one test's files, removed at its end, and the loading of what is in it.
#pragma once
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "config/load.hpp"

namespace pb::config::testing {

class folder {
public:
  folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "pb-config-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"no temporary folder"};
    path_ = pattern;
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    const std::string file = path(name);
    std::ofstream{file, std::ios::binary} << text;
    ::chmod(file.c_str(), mode);
    return file;
  }

private:
  std::string path_;
};

inline load_outcome load_toml(const std::string& text,
                              std::map<std::string, std::string> environment = {}) {
  const folder f;
  load_inputs in;
  in.toml_path = f.write("planebridge.toml", text);
  in.environment = std::move(environment);
  return load(in);
}

inline load_outcome load_environment(std::map<std::string, std::string> environment) {
  load_inputs in;
  in.environment = std::move(environment);
  return load(in);
}

inline std::string all_of(const std::vector<mistake>& list) {
  std::string text;
  for (const mistake& m : list) text += describe(m) + "\n";
  return text;
}

inline bool mentions(const std::vector<mistake>& list, std::string_view words) {
  return std::any_of(list.begin(), list.end(), [&](const mistake& m) {
    return describe(m).find(words) != std::string::npos;
  });
}

/// base64 of 32 bytes.
inline const std::string good_key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

}  // namespace pb::config::testing
