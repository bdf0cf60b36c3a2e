#include "config/entry.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/ascii.hpp"

namespace pb::config {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 11> section_sentences{{
    {"general", "What concerns everything."},
    {"server", "The listener."},
    {"store", "The database and what is kept in it."},
    {"log", "Log lines go to standard error."},
    {"security", "Keys and tokens. Prefer variables, secret files or systemd credentials."},
    {"plane", "Plane, the master of all work items. Running once base_url and api_key are set."},
    {"calendar", "The CalDAV calendar. Running once url is set."},
    {"lark", "Feishu or Lark. Running once app_id and app_secret are set; docs/lark.md."},
    {"http", "Outbound calls."},
    {"concurrency", "What an operator tunes."},
    {"scheduler", "Cron entries: minute hour day-of-month month day-of-week."},
}};

constexpr std::array<std::string_view, 2> unused{"CNB_APP_TOKEN", "REDIS_URL"};

std::vector<entry> all_rows() {
  std::vector<entry> rows;
  const std::array parts{detail::server_rows(), detail::integration_rows(), detail::lark_rows(),
                         detail::tuning_rows()};
  for (const auto& [section, sentence] : section_sentences)
    for (const auto& part : parts)
      std::copy_if(part.begin(), part.end(), std::back_inserter(rows),
                   [&section = section](const entry& e) { return e.section == section; });
  return rows;
}

slot shape(const entry& e) {
  static settings sample;  // only its types are looked at
  return e.bind(sample);
}

}  // namespace

std::span<const entry> entries() {
  static const std::vector<entry> rows = all_rows();
  return rows;
}

const entry* find_entry(std::string_view dotted_name) {
  for (const entry& e : entries())
    if (dotted_name.size() == e.section.size() + 1 + e.key.size() &&
        dotted_name.starts_with(e.section) && dotted_name[e.section.size()] == '.' &&
        dotted_name.ends_with(e.key))
      return &e;
  return nullptr;
}

std::string_view section_sentence(std::string_view section) {
  for (const auto& [name, sentence] : section_sentences)
    if (name == section) return sentence;
  return {};
}

std::vector<std::string_view> sections() {
  std::vector<std::string_view> names;
  for (const auto& [name, sentence] : section_sentences) names.push_back(name);
  return names;
}

std::span<const std::string_view> unused_variables() { return unused; }

bool entry::is_secret() const {
  const slot where = shape(*this);
  return std::holds_alternative<secret*>(where) ||
         std::holds_alternative<std::vector<secret>*>(where);
}

bool entry::is_number() const {
  const slot where = shape(*this);
  return !is_secret() && !is_list() && choices.empty() &&
         !std::holds_alternative<std::string*>(where) && !std::holds_alternative<bool*>(where);
}

bool entry::is_list() const {
  const slot where = shape(*this);
  return std::holds_alternative<std::vector<std::string>*>(where) ||
         std::holds_alternative<std::vector<secret>*>(where);
}

std::string entry::type_text() const {
  if (is_secret()) return is_list() ? "secret, several separated by commas" : "secret";
  if (is_list()) return "list of texts";
  if (!choices.empty()) {
    std::string text = "one of ";
    for (std::size_t i = 0; i < choices.size(); ++i)
      text += (i == 0 ? "" : ", ") + std::string{choices[i]};
    return text;
  }
  if (is_number()) return "number, " + std::to_string(least) + " to " + std::to_string(most);
  return std::holds_alternative<bool*>(shape(*this)) ? "true or false" : "text";
}

std::string entry::own_variable() const {
  return "PLANEBRIDGE_" + upper_case(section) + "_" + upper_case(key);
}

std::vector<std::string> entry::all_variables() const {
  std::vector<std::string> names{own_variable()};
  names.insert(names.end(), variables.begin(), variables.end());
  return names;
}

std::string entry::variable() const {
  return variables.empty() ? own_variable() : std::string{variables.front()};
}

}  // namespace pb::config
