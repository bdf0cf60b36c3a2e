#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>

#include "base/ascii.hpp"
#include "config/sources.hpp"

namespace pb::config {
namespace {

constexpr std::string_view name_characters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

struct scanned {
  std::string value;
  std::string problem;  ///< empty: fine
  std::size_t problem_at = 0;
};

bool only_comment(std::string_view rest) {
  rest = trimmed(rest);
  return rest.empty() || rest[0] == '#';
}

scanned scan_quoted(std::string_view text) {
  scanned out;
  const char quote = text[0];
  for (std::size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == quote) {
      if (!only_comment(text.substr(i + 1))) {
        out.problem = "there is something after the closing quote";
        out.problem_at = i + 1;
      }
      return out;
    }
    if (c != '\\' || quote == '\'') {
      out.value += c;
      continue;
    }
    const char escaped = i + 1 < text.size() ? text[++i] : '\0';
    if (escaped == 'n')
      out.value += '\n';
    else if (escaped == 't')
      out.value += '\t';
    else if (escaped == '"' || escaped == '\\' || escaped == '$')
      out.value += escaped;
    else {
      out.problem = "a backslash in double quotes stands before n, t, \", \\ or $ only";
      out.problem_at = i - 1;
      return out;
    }
  }
  out.problem = "the closing quote is missing";
  return out;
}

scanned scan_value(std::string_view text) {
  if (!text.empty() && (text[0] == '"' || text[0] == '\'')) return scan_quoted(text);
  // Unquoted: up to a comment, which needs a blank before it (tokens may hold "#").
  std::size_t end = text.size();
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '#' && (i == 0 || text[i - 1] == ' ' || text[i - 1] == '\t')) {
      end = i;
      break;
    }
  return {std::string{trimmed(text.substr(0, end))}, {}, 0};
}

}  // namespace

source_text read_env(std::string_view text, const std::string& path) {
  source_text out;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::map<std::string, std::size_t> seen;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    ++number;
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (only_comment(line)) continue;
    std::size_t column = line.find_first_not_of(" \t");
    if (line.substr(column).starts_with("export "))
      column = line.find_first_not_of(" \t", column + 7);
    const auto complain = [&](std::size_t where, std::string key, std::string message,
                              std::string suggestion) {
      out.mistakes.push_back(
          {path, number, where + 1, std::move(key), std::move(message), std::move(suggestion)});
    };
    if (column == std::string_view::npos) {
      complain(0, {}, "not a line of the form NAME=value", {});
      continue;
    }
    const std::size_t name_end =
        std::min(line.find_first_not_of(name_characters, column), line.size());
    const std::string name{line.substr(column, name_end - column)};
    const std::size_t equals = line.find_first_not_of(" \t", name_end);
    if (name.empty() || equals == std::string_view::npos || line[equals] != '=') {
      // The name is shown only when it is one: the line may be a secret that lost its name.
      const bool known_shape =
          name.find('_') != std::string::npos && name.size() < 48 &&
          name.find_first_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos;
      complain(column, known_shape ? name : std::string{}, "not a line of the form NAME=value",
               "put \"#\" before comments");
      continue;
    }
    const std::size_t value_at = std::min(line.find_first_not_of(" \t", equals + 1), line.size());
    scanned got = scan_value(line.substr(value_at));
    if (!got.problem.empty()) {
      complain(value_at + got.problem_at, name, got.problem,
               "single quotes keep everything as it is");
      continue;
    }
    if (const auto [before, fresh] = seen.emplace(name, number); !fresh)
      out.warnings.push_back(
          {path, number, column + 1, name,
           "set before in line " + std::to_string(before->second) + "; the later one counts",
           "remove one of them"});
    out.values.push_back({name, raw_value{std::move(got.value), true}, number, value_at + 1});
  }
  return out;
}

result<std::string> read_bounded(const std::string& path, std::size_t limit) {
  failure f;
  f.where = "config.read";
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) {
    f.code = errc::not_found;
    f.detail = "the file cannot be read: " + std::string{std::strerror(errno)};
    return f;
  }
  if (S_ISDIR(about.st_mode)) {
    f.code = errc::bad_input;
    f.detail = "this is a folder, not a file";
    return f;
  }
  std::ifstream in{path, std::ios::binary};
  if (!in) {
    f.code = errc::not_found;
    f.detail = "the file cannot be read: " + std::string{std::strerror(errno)};
    return f;
  }
  std::string bytes(limit + 1, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  if (bytes.size() > limit) {
    f.code = errc::too_large;
    f.detail = "the file is larger than " + std::to_string(limit) + " bytes";
    return f;
  }
  return bytes;
}

}  // namespace pb::config
