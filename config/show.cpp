#include "config/show.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "config/value.hpp"

namespace pb::config {
namespace {

std::string origin_text(const load_outcome& o, const std::string& name) {
  const auto it = o.origins.find(name);
  return it == o.origins.end() ? "default" : printable(it->second.text(), 300);
}

/// As TOML would write it, secrets masked.
std::string shown(const entry& e, const settings& s) {
  const std::string text = display(e, s);
  if (text.empty()) return "(not set)";
  if (e.is_number() || boolean(e, s)) return text;
  return "\"" + text + "\"";
}

std::string unit_of(const entry& e) {
  if (!e.is_number()) return {};
  struct unit {
    std::string_view ending, name;
  };
  static constexpr unit units[] = {
      {"_ms", "ms"},  {"_s", "s"},         {"_minutes", "min"}, {"_h", "h"},
      {"_days", "d"}, {"_bytes", "bytes"}, {"_percent", "%"},   {"_per_minute", "1/min"}};
  for (const unit& u : units)
    if (e.key.ends_with(u.ending)) return std::string{u.name};
  return {};
}

boost::json::value json_value(const entry& e, const settings& s) {
  if (const auto n = number(e, s)) return *n;
  if (const auto b = boolean(e, s)) return *b;
  if (e.is_list() && !e.is_secret()) {
    boost::json::array list;
    for (const std::string& one : texts(e, s)) list.emplace_back(printable(one, 300));
    return list;
  }
  const std::string text = display(e, s);
  if (text.empty()) return nullptr;
  return boost::json::value(printable(text, 2'000));
}

boost::json::array json_of(const std::vector<mistake>& all) {
  boost::json::array list;
  for (const mistake& m : all)
    list.push_back({{"file", m.file},
                    {"line", m.line},
                    {"column", m.column},
                    {"key", m.key},
                    {"message", m.message},
                    {"suggestion", m.suggestion}});
  return list;
}

}  // namespace

std::string show(const load_outcome& o) {
  std::vector<std::pair<std::string, std::string>> left;
  std::size_t width = 0;
  for (const entry& e : entries()) {
    left.emplace_back(e.name(), e.name() + " = " + shown(e, o.values));
    if (left.back().second.size() < 60) width = std::max(width, left.back().second.size());
  }
  std::string out = "configuration file: " + (o.toml_path.empty() ? "none" : o.toml_path) + "\n";
  for (const auto& [name, text] : left) {
    const std::size_t pad = text.size() < width ? width - text.size() : 0;
    out += text + std::string(pad + 2, ' ') + "# " + origin_text(o, name) + "\n";
  }
  return out;
}

std::string show_json(const load_outcome& o) {
  static const settings defaults;
  boost::json::array list;
  for (const entry& e : entries()) {
    boost::json::object row;
    row["key"] = e.name();
    row["value"] = json_value(e, o.values);
    row["default"] = json_value(e, defaults);
    row["origin"] = origin_text(o, e.name());
    row["variable"] = e.variable();
    row["type"] = e.type_text();
    row["unit"] = unit_of(e);
    row["secret"] = e.is_secret();
    row["reloadable"] = e.reloadable;
    row["description"] = e.sentence;
    list.push_back(std::move(row));
  }
  boost::json::object root;
  root["file"] = o.toml_path;
  root["entries"] = std::move(list);
  root["warnings"] = json_of(o.warnings);
  root["notes"] = json_of(o.notes);
  return boost::json::serialize(root);
}

std::string report(const load_outcome& o) {
  std::string out;
  for (const mistake& m : o.mistakes) out += "mistake: " + describe(m) + "\n";
  for (const mistake& m : o.warnings) out += "warning: " + describe(m) + "\n";
  for (const mistake& m : o.notes) out += "note: " + describe(m) + "\n";
  return out;
}

reload_outcome reload_diff(const settings& running, const settings& next) {
  reload_outcome out;
  for (const entry& e : entries())
    if (!same(e, running, next))
      (e.reloadable ? out.applied : out.needs_restart).push_back(e.name());
  return out;
}

settings reload_merge(const settings& running, const settings& next) {
  settings merged = running;
  for (const entry& e : entries())
    if (e.reloadable) copy(e, next, merged);
  return merged;
}

}  // namespace pb::config
