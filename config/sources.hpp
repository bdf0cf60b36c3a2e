// config/sources: the text of a TOML file or an env file as located raw values. Reading goes on
// after a mistake, so that all of them are found at once. Pure but for read_bounded(). For load.cpp
// and tests.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "config/load.hpp"
#include "config/value.hpp"

namespace pb::config {

struct located_value {
  std::string key;  ///< dotted entry, or a variable's name
  raw_value value;
  std::size_t line = 0, column = 0;
};

struct source_text {
  std::vector<located_value> values;  ///< of known entries only (TOML); of all names (env file)
  std::vector<mistake> mistakes;
  std::vector<mistake> warnings;
};

/// Unknown sections and keys are mistakes with a suggestion; so is everything TOML does not allow.
source_text read_toml(std::string_view text, const std::string& path);
/// NAME=value lines, "export " before and # comments allowed, '…' verbatim, "…" with \n \t \"
/// \\ \$.
source_text read_env(std::string_view text, const std::string& path);

/// The whole file, at most `limit` bytes; errc::not_found, too_large or bad_input with the reason.
result<std::string> read_bounded(const std::string& path, std::size_t limit);

}  // namespace pb::config
