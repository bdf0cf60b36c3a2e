#include "http/mapping_rows.hpp"

#include <algorithm>
#include <array>

#include "base/ascii.hpp"
#include "base/utf8.hpp"
#include "http/api_answer.hpp"

namespace pb::http {
namespace json = boost::json;
namespace {

constexpr std::size_t max_id_bytes = 200;
constexpr std::size_t max_name_bytes = 200;
constexpr std::size_t max_email_bytes = 320;
constexpr std::size_t max_list = 100;
constexpr std::string_view blanks = " \t";

constexpr std::array<std::string_view, 5> of_users{"open_id", "plane_user", "name", "email",
                                                   "union_id"};
constexpr std::array<std::string_view, 12> of_channels{"chat",
                                                       "project",
                                                       "shown",
                                                       "default",
                                                       "announce_items",
                                                       "announce_projects",
                                                       "internal_comments",
                                                       "external",
                                                       "states",
                                                       "priorities",
                                                       "labels",
                                                       "types"};
constexpr std::array<std::string_view, 5> priorities{"urgent", "high", "medium", "low", "none"};

using complaint = std::optional<std::string>;

bool is_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto n = utf8_length(text, i);
    if (n == 0 || static_cast<unsigned char>(text[i]) < 0x20 || text[i] == 0x7f) return false;
    i += n;
  }
  return true;
}

complaint set_text(std::string& to, std::string_view text, std::size_t most) {
  if (text.size() > most) return "longer than " + std::to_string(most) + " bytes";
  if (!is_text(text)) return "holds characters that are no text";
  to = text;
  return {};
}

complaint set_id(std::string& to, std::string_view text, std::string_view prefix,
                 std::string_view what, bool may_be_empty) {
  const auto printable = [](char c) { return c > ' ' && c <= '~' && c != '/' && c != '|'; };
  const bool fine = text.size() > prefix.size() && text.size() <= max_id_bytes &&
                    text.starts_with(prefix) && std::all_of(text.begin(), text.end(), printable);
  if (!fine && !(may_be_empty && text.empty()))
    return "not " + std::string{what} + ": it begins with \"" + std::string{prefix} + "\"";
  to = text;
  return {};
}

complaint set_flag(bool& to, std::string_view text) {
  const auto word = lower_case(text);
  if (word.empty()) return {};
  if (word == "true" || word == "yes" || word == "1") {
    to = true;
  } else if (word == "false" || word == "no" || word == "0") {
    to = false;
  } else {
    return "neither true nor false";
  }
  return {};
}

std::vector<std::string> listed_names(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(';'), text.size());
    if (const auto piece = trimmed(text.substr(0, end), blanks); !piece.empty())
      out.emplace_back(piece);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

complaint set_names(std::vector<std::string>& to, const given_value& v) {
  auto all = v.list ? *v.list : listed_names(v.text);
  if (all.size() > max_list) return "more than " + std::to_string(max_list) + " names";
  std::vector<std::string> checked;
  for (const auto& name : all) {
    std::string one;
    if (auto wrong = set_text(one, trimmed(name, blanks), max_name_bytes)) return wrong;
    if (!one.empty()) checked.push_back(std::move(one));
  }
  to = std::move(checked);
  return {};
}

std::string listed(std::span<const std::string_view> words) {
  std::string out;
  for (const auto w : words) out += (out.empty() ? "" : ", ") + std::string{w};
  return out;
}

bool contains(std::span<const std::string_view> words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// The value of a JSON member; nothing when its type is none that a field has.
std::optional<given_value> value_of(const json::value& v) {
  if (v.is_null()) return given_value{};
  if (v.is_bool()) return given_value{v.get_bool() ? "true" : "false", {}};
  if (const auto* text = v.if_string())
    return given_value{std::string{text->data(), text->size()}, {}};
  const auto* list = v.if_array();
  if (list == nullptr) return {};
  given_value out;
  out.list.emplace();
  for (const auto& one : *list) {
    if (!one.is_string()) return {};
    out.list->emplace_back(one.get_string().data(), one.get_string().size());
  }
  return out;
}

}  // namespace

std::span<const std::string_view> user_fields() { return of_users; }
std::span<const std::string_view> channel_fields() { return of_channels; }

complaint set_field(persistence::user_mapping_row& row, std::string_view name,
                    const given_value& v) {
  if (v.list) return "a text is due";
  const auto text = trimmed(v.text, blanks);
  if (name == "open_id") return set_id(row.open_id, text, "ou_", "an open_id", false);
  if (name == "union_id") return set_id(row.union_id, text, "on_", "a union_id", true);
  if (name == "name") return set_text(row.name, text, max_name_bytes);
  if (name == "email") {
    const auto at = text.find('@');
    const bool fine = at != text.npos && at > 0 && at + 1 < text.size() &&
                      text.find_first_of(" @,;<>", at + 1) == text.npos;
    if (!text.empty() && !fine) return "not an e-mail address";
    return set_text(row.email, text, max_email_bytes);
  }
  if (name == "plane_user") {
    auto id = lower_case(text);
    if (!id.empty() && !is_uuid(id)) return "not the uuid of a Plane user";
    row.plane_user = std::move(id);
    return {};
  }
  return "no such field";
}

complaint set_field(sync::channel_mapping& row, std::string_view name, const given_value& v,
                    const project_resolver& resolve) {
  const bool of_list = contains(std::span{of_channels}.last(4), name);
  if (v.list && !of_list) return "not a list";
  const auto text = trimmed(v.text, blanks);
  if (name == "chat") return set_id(row.chat, text, "oc_", "a chat id", false);
  if (name == "project") {
    auto id = lower_case(text);
    if (!is_uuid(id)) id = resolve && text.size() <= max_id_bytes ? resolve(std::string{text}) : "";
    if (id.empty()) return "not a project's uuid, nor the identifier of one that Plane showed us";
    row.project = std::move(id);
    return {};
  }
  if (name == "shown") return set_flag(row.shown, text);
  if (name == "default") return set_flag(row.is_default, text);
  if (name == "announce_items") return set_flag(row.announce_items, text);
  if (name == "announce_projects") return set_flag(row.announce_projects, text);
  if (name == "internal_comments") return set_flag(row.internal_comments, text);
  if (name == "external") return set_flag(row.external, text);
  if (name == "states") return set_names(row.states, v);
  if (name == "labels") return set_names(row.labels, v);
  if (name == "types") return set_names(row.types, v);
  if (name == "priorities") {
    if (auto wrong = set_names(row.priorities, v)) return wrong;
    for (auto& p : row.priorities) {
      p = lower_case(p);
      if (!contains(priorities, p)) return "a priority is one of " + listed(priorities);
    }
    return {};
  }
  return "no such field";
}

given_file read_file(std::string_view csv, std::span<const std::string_view> fields,
                     std::size_t key_fields) {
  given_file out;
  auto table = parse_csv(csv);
  for (auto& m : table.mistakes) out.mistakes.push_back({m.at, {}, std::move(m.message)});
  if (!out.mistakes.empty()) return out;
  if (table.rows.empty()) {
    out.mistakes.push_back({{1, 1}, {}, "the first line names the fields: " + listed(fields)});
    return out;
  }
  std::vector<std::string> heading;
  for (const auto& f : table.rows.front()) {
    auto name = lower_case(trimmed(f.text, blanks));
    if (!contains(fields, name))
      out.mistakes.push_back({f.at, {}, "no field of this name; there are: " + listed(fields)});
    else if (std::find(heading.begin(), heading.end(), name) != heading.end())
      out.mistakes.push_back({f.at, name, "this field is named twice"});
    heading.push_back(std::move(name));
  }
  for (const auto needed : fields.first(key_fields))
    if (std::find(heading.begin(), heading.end(), needed) == heading.end())
      out.mistakes.push_back({{1, 1}, std::string{needed}, "this field is missing"});
  if (!out.mistakes.empty()) return out;
  for (std::size_t i = 1; i < table.rows.size(); ++i) {
    auto& row = table.rows[i];
    if (row.size() != heading.size()) {
      out.mistakes.push_back({row.front().at,
                              {},
                              std::to_string(row.size()) + " fields, the heading has " +
                                  std::to_string(heading.size())});
      continue;
    }
    given_row given;
    for (std::size_t f = 0; f < row.size(); ++f)
      given.push_back({heading[f], {std::move(row[f].text), {}}, row[f].at});
    out.rows.push_back(std::move(given));
  }
  return out;
}

given_file read_object(std::string_view body, std::span<const std::string_view> fields,
                       std::size_t key_fields) {
  given_file out;
  boost::system::error_code ec;
  json::parse_options options;
  options.max_depth = 4;
  const auto parsed = json::parse(body, ec, {}, options);
  if (ec || !parsed.is_object()) {
    out.mistakes.push_back({{}, "body", "a JSON object is due"});
    return out;
  }
  given_row row;
  for (const auto& [key, value] : parsed.get_object()) {
    const std::string name{key.data(), key.size()};
    if (!contains(fields, name)) {
      out.mistakes.push_back(
          {{}, as_utf8(name, 64), "no such field; there are: " + listed(fields)});
      continue;
    }
    auto v = value_of(value);
    if (!v)
      out.mistakes.push_back({{}, name, "of the wrong type"});
    else
      row.push_back({name, std::move(*v), {}});
  }
  for (const auto needed : fields.first(key_fields))
    if (std::none_of(row.begin(), row.end(), [&](const auto& f) { return f.name == needed; }))
      out.mistakes.push_back({{}, std::string{needed}, "this field is missing"});
  if (out.mistakes.empty()) out.rows.push_back(std::move(row));
  return out;
}

json::object to_json(const persistence::user_mapping_row& row) {
  return {{"open_id", as_utf8(row.open_id)},
          {"plane_user", as_utf8(row.plane_user)},
          {"name", as_utf8(row.name)},
          {"email", as_utf8(row.email)},
          {"union_id", as_utf8(row.union_id)},
          {"how", row.how == persistence::mapped_by::manual ? "manual" : "auto"},
          {"left", row.left},
          {"changed_at", format_rfc3339(row.changed_at)}};
}

json::object to_json(const sync::channel_mapping& row, timestamp changed_at) {
  const auto list = [](const std::vector<std::string>& names) {
    json::array out;
    for (const auto& n : names) out.emplace_back(as_utf8(n));
    return out;
  };
  return {{"chat", as_utf8(row.chat)},
          {"project", as_utf8(row.project)},
          {"shown", row.shown},
          {"default", row.is_default},
          {"announce_items", row.announce_items},
          {"announce_projects", row.announce_projects},
          {"internal_comments", row.internal_comments},
          {"external", row.external},
          {"states", list(row.states)},
          {"priorities", list(row.priorities)},
          {"labels", list(row.labels)},
          {"types", list(row.types)},
          {"changed_at", format_rfc3339(changed_at)}};
}

}  // namespace pb::http
