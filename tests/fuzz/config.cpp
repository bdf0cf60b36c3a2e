// A configuration as people write it: a TOML file, an env file, and variables. Every mistake is
// found without an end, nothing that is shown holds a secret, and what is shown is one line each.
//
// Pieces: TOML, env file, environment (as lines of an env file).
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "base/ascii.hpp"
#include "config/entry.hpp"
#include "config/load.hpp"
#include "config/show.hpp"
#include "config/sources.hpp"
#include "config/value.hpp"
#include "tests/fuzz/property.hpp"

namespace {

using namespace pb;
using fuzz::must;

constexpr std::string_view canary = "C4naryC4nary";

/// A file without a folder: load() reads files.
class file {
public:
  explicit file(std::string_view text) : fd_(::memfd_create("config", 0)) {
    must(fd_ >= 0 && ::write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()),
         "a file for the text");
  }
  file(const file&) = delete;
  file& operator=(const file&) = delete;
  ~file() { ::close(fd_); }
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

private:
  int fd_;
};

bool names_secret(std::string_view left) {
  for (const auto& e : config::entries()) {
    if (!e.is_secret() || e.is_secret_url()) continue;
    if (left == e.key || left == e.name()) return true;
    const auto names = e.all_variables();
    if (std::find(names.begin(), names.end(), left) != names.end()) return true;
  }
  return false;
}

/// True when the canary stands nowhere but behind the "=" of a secret.
bool only_in_secrets(std::string_view text) {
  if (text.find("\"\"\"") != std::string_view::npos || text.find("'''") != std::string_view::npos)
    return text.find(canary) == std::string_view::npos;  // a text over lines may hold anything
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    const auto at = line.find(canary);
    if (at == std::string_view::npos) continue;
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || equals > at ||
        !names_secret(trimmed(line.substr(0, equals))))
      return false;
  }
  return true;
}

void check_shown(const config::load_outcome& o, bool hidden) {
  for (const auto& text : {config::report(o), config::show(o), config::show_json(o)})
    if (hidden) must(text.find(canary) == std::string::npos, "no secret in a text for people");
  for (const auto* all : {&o.mistakes, &o.warnings, &o.notes})
    for (const auto& m : *all) {
      const auto words = config::describe(m);
      must(words.find('\n') == std::string::npos, "a mistake is one line");
      must(config::valid_utf8(words), "a mistake is well-formed UTF-8");
      must(words.size() < 2'000, "a mistake is short");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8 * 1024) return 0;
  const auto in = fuzz::pieces(fuzz::text_of(data, size), 3);
  const file toml{in[0]}, env{in[1]};
  config::load_inputs inputs;
  inputs.toml_path = toml.path();
  inputs.env_file_path = env.path();
  for (const auto& v : config::read_env(in[2], "environment").values)
    // paths would be read: the fuzzer shall not wander through the machine's files
    if (!v.key.ends_with("_FILE")) inputs.environment[v.key] = std::get<std::string>(v.value.held);
  if (in[1].find("_FILE") != std::string_view::npos) return 0;
  const auto outcome = config::load(inputs);
  check_shown(outcome, only_in_secrets(in[0]) && only_in_secrets(in[1]) && only_in_secrets(in[2]));
  const auto again = config::load(inputs);
  must(config::report(again) == config::report(outcome), "read twice, it says the same");
  must(config::reload_diff(outcome.values, again.values).applied.empty(),
       "read twice, nothing changed");
  const auto merged = config::reload_merge(config::settings{}, outcome.values);
  must(config::reload_diff(merged, outcome.values).applied.empty(), "a reload applies what it can");
  return 0;
}
