#include "config/load.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "base/ascii.hpp"
#include "config/rules.hpp"
#include "config/sources.hpp"

namespace pb::config {
namespace {

constexpr std::size_t file_limit = 1024 * 1024, secret_limit = 64 * 1024;

struct variable_value {
  std::string text;
  std::size_t line = 0, column = 0;
};
using variables = std::map<std::string, variable_value>;

bool others_can_read(const std::string& path) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) &&
         (about.st_mode & (S_IRGRP | S_IROTH)) != 0;
}

/// Kubernetes describes a service called "planebridge" by variables of these names.
bool from_kubernetes(std::string_view name) {
  constexpr std::string_view ours = "PLANEBRIDGE_";
  const std::string_view rest = name.substr(ours.size());
  if (rest.starts_with("SERVICE_")) return true;
  return rest == "PORT" || (rest.starts_with("PORT_") && rest.size() > 5 &&
                            rest.find_first_not_of("0123456789", 5) != 5);
}

class loader {
public:
  explicit loader(const load_inputs& inputs) : inputs_(inputs) {}

  load_outcome take() {
    take_toml();
    take_credentials();
    take_env_file();
    take_environment();
    judge_together();
    return std::move(out_);
  }

private:
  void take_toml() {
    if (!inputs_.toml_path) return;
    out_.toml_path = *inputs_.toml_path;
    auto text = read_bounded(*inputs_.toml_path, file_limit);
    if (!text) {
      out_.mistakes.push_back({*inputs_.toml_path,
                               0,
                               0,
                               {},
                               text.error().detail,
                               "planebridge config init writes a file to begin with"});
      return;
    }
    source_text source = read_toml(*text, *inputs_.toml_path);
    bool has_secret = false;
    for (const located_value& v : source.values) {
      const entry* e = find_entry(v.key);
      origin from;
      from.from = origin::kind::toml_file;
      from.file = *inputs_.toml_path;
      from.line = v.line;
      from.column = v.column;
      std::optional<mistake> wrong = put(*e, v.value, from);
      if (wrong) source.mistakes.push_back(std::move(*wrong));
      has_secret = has_secret || (e->is_secret() && is_set(*e, out_.values));
    }
    std::stable_sort(source.mistakes.begin(), source.mistakes.end(),
                     [](const mistake& a, const mistake& b) {
                       return std::tie(a.line, a.column) < std::tie(b.line, b.column);
                     });
    append(out_.mistakes, source.mistakes);
    if (has_secret) warn_if_readable(*inputs_.toml_path);
  }

  void take_credentials() {
    if (inputs_.credentials_directory.empty()) return;
    for (const entry& e : entries()) {
      if (!e.is_secret()) continue;
      for (const std::string& name : e.all_variables()) {
        const std::string credential = lower_case(name);
        const std::string path = inputs_.credentials_directory + "/" + credential;
        struct stat about {};
        if (::stat(path.c_str(), &about) != 0) continue;
        origin from;
        from.from = origin::kind::credential;
        from.variable = credential;
        from.secret_file = path;
        put_file(e, path, from, "credentials");
        break;
      }
    }
  }

  void take_env_file() {
    if (!inputs_.env_file_path) return;
    const std::string& path = *inputs_.env_file_path;
    auto text = read_bounded(path, file_limit);
    if (!text) {
      out_.mistakes.push_back({path, 0, 0, {}, text.error().detail, {}});
      return;
    }
    source_text source = read_env(*text, path);
    append(out_.mistakes, source.mistakes);
    append(out_.warnings, source.warnings);
    variables set;
    for (located_value& v : source.values)
      set[v.key] = {std::get<std::string>(std::move(v.value.held)), v.line, v.column};
    take_variables(set, origin::kind::env_file, path);
    const bool has_secret =
        std::any_of(out_.origins.begin(), out_.origins.end(), [](const auto& o) {
          return o.second.from == origin::kind::env_file && o.second.secret_file.empty() &&
                 find_entry(o.first)->is_secret();
        });
    if (has_secret) warn_if_readable(path);
  }

  void take_environment() {
    variables set;
    for (const auto& [name, text] : inputs_.environment) set[name] = {text, 0, 0};
    take_variables(set, origin::kind::environment, "environment");
  }

  void take_variables(const variables& set, origin::kind kind, const std::string& file) {
    for (const entry& e : entries()) take_entry(e, set, kind, file);
    for (const auto& [name, value] : set)
      if (!value.text.empty()) judge_name(name, value, kind, file);
  }

  struct candidate {
    std::string name;
    const variable_value* value;
    bool is_file;
  };

  static const variable_value* find_set(const variables& set, const std::string& name) {
    const auto it = set.find(name);
    return it == set.end() || it->second.text.empty() ? nullptr : &it->second;
  }

  void take_entry(const entry& e, const variables& set, origin::kind kind,
                  const std::string& file) {
    std::vector<candidate> found;
    for (const std::string& name : e.all_variables()) {
      const variable_value* plain = find_set(set, name);
      const variable_value* in_file = e.is_secret() ? find_set(set, name + "_FILE") : nullptr;
      if (plain != nullptr && in_file != nullptr)
        out_.mistakes.push_back({file, in_file->line, in_file->column, name + "_FILE",
                                 name + " and " + name + "_FILE are both set", "set one of them"});
      if (plain != nullptr)
        found.push_back({name, plain, false});
      else if (in_file != nullptr)
        found.push_back({name + "_FILE", in_file, true});
    }
    if (found.empty()) return;
    const candidate& first = found.front();
    for (std::size_t i = 1; i < found.size(); ++i)
      if (found[i].is_file != first.is_file || found[i].value->text != first.value->text)
        out_.warnings.push_back({file, found[i].value->line, found[i].value->column, found[i].name,
                                 "also set as " + first.name + ", which counts",
                                 "set one of them"});
    origin from;
    from.from = kind;
    from.variable = first.name;
    from.file = kind == origin::kind::env_file ? file : std::string{};
    from.line = first.value->line;
    from.column = first.value->column;
    if (first.is_file) {
      from.secret_file = first.value->text;
      put_file(e, first.value->text, from, file);
    } else if (auto wrong = put(e, raw_value{first.value->text, true}, from)) {
      out_.mistakes.push_back(std::move(*wrong));
    }
  }

  /// A name that sets nothing: unused on purpose, misspelt, or not ours.
  void judge_name(const std::string& name, const variable_value& value, origin::kind kind,
                  const std::string& file) {
    if (known().contains(name)) return;
    const auto unused = unused_variables();
    if (std::find(unused.begin(), unused.end(), name) != unused.end()) {
      out_.notes.push_back({file, value.line, 0, name, "accepted, unused by this version", {}});
      return;
    }
    const std::vector<std::string> names(known().begin(), known().end());
    if (name.starts_with("PLANEBRIDGE_")) {
      const auto& others = inputs_.other_variables;
      if (from_kubernetes(name) || std::find(others.begin(), others.end(), name) != others.end())
        return;
      const auto near = nearest(name, names);
      out_.mistakes.push_back(
          {file, value.line, value.line == 0 ? 0u : 1u, printable(name),
           "no entry has this variable",
           near ? "did you mean " + *near + "?" : "planebridge config show lists all entries"});
      return;
    }
    judge_foreign_name(name, value, kind, file, names);
  }

  /// Other programs' variables are none of our business, but a near miss is worth a word.
  void judge_foreign_name(const std::string& name, const variable_value& value, origin::kind kind,
                          const std::string& file, const std::vector<std::string>& names) {
    for (const entry& e : entries())
      for (const std::string_view variable : e.variables)
        if (name == std::string{variable} + "_FILE") {
          out_.warnings.push_back({file, value.line, 0, name, "only secrets are read from files",
                                   "set " + std::string{variable}});
          return;
        }
    static constexpr std::string_view prefixes[] = {"PLANE_",       "CALDAV_", "CALENDAR_",
                                                    "ENCRYPTION_",  "ADMIN_",  "DATABASE_",
                                                    "INTEGRATION_", "METRICS_"};
    const bool ours = kind == origin::kind::env_file ||
                      std::any_of(std::begin(prefixes), std::end(prefixes),
                                  [&](std::string_view p) { return name.starts_with(p); });
    const auto near = ours ? nearest(name, names) : std::nullopt;
    if (near && name.size() > 5 && edit_distance(name, *near) <= 2)
      out_.warnings.push_back(
          {file, value.line, 0, printable(name), "sets nothing", "did you mean " + *near + "?"});
  }

  const std::set<std::string>& known() {
    if (known_.empty())
      for (const entry& e : entries())
        for (const std::string& name : e.all_variables()) {
          known_.insert(name);
          if (e.is_secret()) known_.insert(name + "_FILE");
        }
    return known_;
  }

  void put_file(const entry& e, const std::string& path, const origin& from,
                const std::string& file) {
    const auto complain = [&](std::string message, std::string suggestion) {
      out_.mistakes.push_back({file, from.line, from.column, from.variable,
                               printable(path, 200) + ": " + std::move(message),
                               std::move(suggestion)});
    };
    auto text = read_bounded(path, secret_limit);
    if (!text) return complain(text.error().detail, {});
    while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
    if (text->empty()) return complain("the file is empty", "write the secret into it");
    if (auto wrong = put(e, raw_value{std::move(*text), true}, from))
      out_.mistakes.push_back(std::move(*wrong));
  }

  /// Types, range and form; the settings change only when all are right.
  std::optional<mistake> put(const entry& e, const raw_value& value, const origin& from) {
    settings scratch = out_.values;
    auto why = assign(e, value, scratch);
    if (!why) why = check_form(e, scratch);
    if (why) {
      wrong_sections_.insert(std::string{e.section});
      return mistake{place_of(from), from.line,    from.column,
                     named(e, from), why->message, why->suggestion};
    }
    copy(e, scratch, out_.values);
    out_.origins[e.name()] = from;
    return std::nullopt;
  }

  static std::string place_of(const origin& from) {
    if (!from.file.empty()) return from.file;
    return from.from == origin::kind::credential ? "credentials" : "environment";
  }
  static std::string named(const entry& e, const origin& from) {
    return from.variable.empty() ? e.name() : from.variable;
  }

  void judge_together() {
    for (rule_finding& found : check_together(out_.values)) {
      const entry* e = find_entry(found.key);
      // What is missing because it was wrong has been said already.
      if (found.is_warning && wrong_sections_.contains(std::string{e->section})) continue;
      mistake m;
      m.key = found.key;
      if (const auto it = out_.origins.find(found.key); it != out_.origins.end()) {
        m.file = place_of(it->second);
        m.line = it->second.line;
        m.column = it->second.column;
        m.key = named(*e, it->second);
      }
      m.message = std::move(found.what.message);
      m.suggestion = std::move(found.what.suggestion);
      (found.is_warning ? out_.warnings : out_.mistakes).push_back(std::move(m));
    }
  }

  void warn_if_readable(const std::string& path) {
    if (others_can_read(path))
      out_.warnings.push_back(
          {path,
           0,
           0,
           {},
           "holds secrets, and others may read it",
           "chmod 600 " + path + ", or move the secrets to files or credentials"});
  }

  static void append(std::vector<mistake>& to, std::vector<mistake>& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  }

  const load_inputs& inputs_;
  load_outcome out_;
  std::set<std::string> known_;
  std::set<std::string> wrong_sections_;
};

}  // namespace

load_outcome load(const load_inputs& inputs) { return loader{inputs}.take(); }

std::optional<std::string> find_file(const std::optional<std::string>& explicit_path,
                                     const std::function<bool(const std::string&)>& exists) {
  if (explicit_path) return explicit_path;
  for (const char* path : {"./planebridge.toml", "/etc/planebridge/planebridge.toml"})
    if (exists(path)) return path;
  return std::nullopt;
}

std::string origin::text() const {
  const std::string at = file + (line == 0 ? "" : ":" + std::to_string(line));
  const std::string through = secret_file.empty() ? "" : " (file " + secret_file + ")";
  switch (from) {
    case kind::by_default:
      return "default";
    case kind::toml_file:
      return at;
    case kind::credential:
      return "credential " + variable + through;
    case kind::env_file:
      return at + " " + variable + through;
    case kind::environment:
      return "environment " + variable + through;
  }
  return {};
}

std::string describe(const mistake& m) {
  std::string text = m.file;
  if (m.line != 0) text += ":" + std::to_string(m.line);
  if (m.line != 0 && m.column != 0) text += ":" + std::to_string(m.column);
  if (!m.key.empty()) text += (text.empty() ? "" : ": ") + m.key;
  text += (text.empty() ? "" : ": ") + m.message;
  if (!m.suggestion.empty()) text += " (" + m.suggestion + ")";
  return text;
}

}  // namespace pb::config
