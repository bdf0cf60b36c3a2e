// The example files, made from the table.
#include "config/show.hpp"
#include "config/value.hpp"

namespace pb::config {
namespace {

constexpr std::size_t comment_width = 98;

std::string comment(std::string_view text) {
  std::string out, line = "#";
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t blank = std::min(rest.find(' '), rest.size());
    if (line.size() + 1 + blank > comment_width) {
      out += line + "\n";
      line = "#";
    }
    line += " " + std::string{rest.substr(0, blank)};
    rest.remove_prefix(std::min(blank + 1, rest.size()));
  }
  return out + line + "\n";
}

std::string default_text(const entry& e) {
  static const settings defaults;
  return display(e, defaults);
}

/// What stands behind "=" in the example: the default, or the example where there is none.
std::string sample(const entry& e) {
  const std::string text = default_text(e);
  return text.empty() ? std::string{e.example} : text;
}

std::string toml_literal(const entry& e, const std::string& text) {
  if (e.is_number() || e.type_text() == "true or false") return text;
  if (!e.is_list() || e.is_secret()) return "\"" + text + "\"";
  std::string list;
  for (const std::string& piece : split_list(text))
    list += (list.empty() ? "\"" : ", \"") + piece + "\"";
  return "[" + list + "]";
}

std::string facts(const entry& e) {
  const std::string standard = default_text(e);
  std::string text = e.type_text();
  text += standard.empty() ? "; not set by default" : "; default " + standard;
  text += e.reloadable ? "; a reload applies it" : "";
  return text + ".";
}

/// "A, B or C" of the variables that set it, the well-known ones first.
std::string variable_list(const entry& e) {
  std::vector<std::string> names(e.variables.begin(), e.variables.end());
  names.push_back(e.own_variable());
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i)
    list += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  return list;
}

}  // namespace

std::string example_toml() {
  std::string out =
      "# planebridge.toml: every entry, with its default. Lines that begin with \"#\" are "
      "comments;\n"
      "# take the \"#\" away where you want something else. `planebridge config check` finds "
      "mistakes,\n"
      "# `planebridge config show` says what is in force and where it came from.\n"
      "#\n"
      "# Looked for at --config, then ./planebridge.toml, then /etc/planebridge/planebridge.toml.\n"
      "# Stronger than this file: systemd credentials (named like the variable, in lower case), "
      "an\n"
      "# --env-file, the environment. Secrets are better kept there, or in files named by the\n"
      "# variable with _FILE behind it: docs/secrets.md.\n";
  for (const std::string_view section : sections()) {
    out += "\n" + comment(section_sentence(section)) + "[" + std::string{section} + "]\n";
    for (const entry& e : entries()) {
      if (e.section != section) continue;
      out += "\n" + comment(e.sentence);
      out += comment("  " + facts(e) + " Variable: " + variable_list(e) + ".");
      out += "# " + std::string{e.key} + " = " + toml_literal(e, sample(e)) + "\n";
    }
  }
  return out;
}

std::string example_env() {
  std::string out =
      "# Variables for planebridge: copy to .env and start with --env-file .env, or set them in "
      "the\n"
      "# environment, which is stronger. An empty variable is an unset one. A secret may stand in "
      "a\n"
      "# file instead: ADMIN_TOKEN_FILE=/run/secrets/admin_token. Several secrets for one purpose "
      "are\n"
      "# separated by commas. Keep this file to yourself: chmod 600 .env\n"
      "\n"
      "# The names that operators know.\n";
  for (const entry& e : entries()) {
    if (e.variables.empty()) continue;
    out += "\n" + comment(e.sentence) + comment("  " + facts(e));
    if (!e.example.empty()) out += "#   for example " + std::string{e.example} + "\n";
    out += e.variable() + "=\n";
  }
  out += "\n# Everything else, with its default; take the \"#\" away to change one.\n";
  for (const entry& e : entries()) {
    if (!e.variables.empty()) continue;
    out += "\n" + comment(e.sentence) + comment("  " + facts(e));
    const std::string value = sample(e);
    const bool quoted = value.find_first_of(" #{}'") != std::string::npos;
    out += "#" + e.own_variable() + "=" + (quoted ? "\"" + value + "\"" : value) + "\n";
  }
  out += "\n# Accepted and unused by this version:\n#";
  for (const std::string_view name : unused_variables()) out += " " + std::string{name};
  return out + "\n";
}

}  // namespace pb::config
