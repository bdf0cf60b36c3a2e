#include "sandbox/fields.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>
#include <chrono>
#include <optional>

#include "base/ascii.hpp"
#include "base/clock.hpp"
#include "base/entity.hpp"
#include "sandbox/json_text.hpp"

namespace pb::sandbox {
namespace {

using problem = std::optional<std::string>;

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

problem check_text(json::value& v, const field_rule& rule) {
  if (v.is_number()) v = rest_json(v);
  if (!v.is_string()) return "Not a valid string.";
  v = trimmed(v.get_string(), " \t\r\n\f\v");
  const std::string_view text = v.get_string();
  if (text.empty() && !rule.blank) return "This field may not be blank.";
  if (rule.longest != 0 && characters(text) > rule.longest)
    return "Ensure this field has no more than " + std::to_string(rule.longest) + " characters.";
  return std::nullopt;
}

problem check_choice(const json::value& v, const field_rule& rule) {
  if (v.is_string() && std::find(rule.choices.begin(), rule.choices.end(),
                                 std::string_view{v.get_string()}) != rule.choices.end())
    return std::nullopt;
  return "\"" + (v.is_string() ? std::string{v.get_string()} : rest_json(v)) +
         "\" is not a valid choice.";
}

problem check_reference(const json::value& v, const field_rule& rule) {
  if (!v.is_string()) return "Incorrect type. Expected pk value, received another.";
  const std::string_view id = v.get_string();
  if (!is_uuid(id)) return "\xE2\x80\x9C" + std::string{id} + "\xE2\x80\x9D is not a valid UUID.";
  if (rule.exists && !rule.exists(id))
    return "Invalid pk \"" + std::string{id} + "\" - object does not exist.";
  return std::nullopt;
}

problem check_number(json::value& v, bool whole) {
  if (v.is_string()) {
    const std::string_view text = v.get_string();
    double d = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), d);
    if (parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size())
      v = whole ? json::value(static_cast<std::int64_t>(d)) : json::value(d);
  }
  if (whole && (v.is_int64() || v.is_uint64())) return std::nullopt;
  if (!whole && v.is_number()) {
    boost::system::error_code ec;
    v = v.to_number<double>(ec);
    return std::nullopt;
  }
  return whole ? "A valid integer is required." : "A valid number is required.";
}

problem check_one(json::value& v, const field_rule& rule) {
  switch (rule.is) {
    case kind::text:
      return check_text(v, rule);
    case kind::choice:
      return check_choice(v, rule);
    case kind::date:
      if (v.is_string() && is_date(v.get_string())) return std::nullopt;
      return "Date has wrong format. Use one of these formats instead: YYYY-MM-DD.";
    case kind::moment:
      if (v.is_string()) {
        if (const auto t = parse_rfc3339(v.get_string())) {
          v = format_rfc3339(*t);
          return std::nullopt;
        }
        if (is_date(v.get_string())) {
          v = std::string{v.get_string()} + "T00:00:00Z";
          return std::nullopt;
        }
      }
      return "Datetime has wrong format. Use one of these formats instead: "
             "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].";
    case kind::whole:
      return check_number(v, true);
    case kind::real:
      return check_number(v, false);
    case kind::flag:
      if (v.is_bool()) return std::nullopt;
      return "Must be a valid boolean.";
    case kind::reference:
      return check_reference(v, rule);
    case kind::references:
    case kind::any:
      break;
  }
  return std::nullopt;
}

json::value check_list(const json::value& v, const field_rule& rule) {
  if (!v.is_array())
    return json::array{"Expected a list of items but got type \"" +
                       std::string{v.is_string()   ? "str"
                                   : v.is_object() ? "dict"
                                                   : "int"} +
                       "\"."};
  row wrong;
  std::size_t index = 0;
  for (const auto& item : v.get_array()) {
    if (const auto p = check_reference(item, rule)) wrong[std::to_string(index)] = json::array{*p};
    ++index;
  }
  return wrong.empty() ? json::value{} : json::value(std::move(wrong));
}

}  // namespace

bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  int y = 0;
  unsigned m = 0, d = 0;
  const char* p = text.data();
  const bool numbers = std::from_chars(p, p + 4, y).ptr == p + 4 &&
                       std::from_chars(p + 5, p + 7, m).ptr == p + 7 &&
                       std::from_chars(p + 8, p + 10, d).ptr == p + 10;
  return numbers && y > 0 &&
         std::chrono::year_month_day{std::chrono::year{y}, std::chrono::month{m},
                                     std::chrono::day{d}}
             .ok();
}

checked check_fields(const row& body, const std::vector<field_rule>& rules, bool partial) {
  checked out;
  for (const auto& rule : rules) {
    const json::value* given = body.if_contains(rule.name);
    if (given == nullptr) {
      if (rule.required && !partial) out.errors[rule.name] = json::array{"This field is required."};
      continue;
    }
    if (given->is_null()) {
      if (rule.nullable)
        out.values[rule.name] = nullptr;
      else
        out.errors[rule.name] = json::array{"This field may not be null."};
      continue;
    }
    json::value v = *given;
    if (rule.is == kind::references) {
      if (auto wrong = check_list(v, rule); !wrong.is_null()) {
        out.errors[rule.name] = std::move(wrong);
        continue;
      }
    } else if (const auto p = check_one(v, rule)) {
      out.errors[rule.name] = json::array{*p};
      continue;
    }
    out.values[rule.name] = std::move(v);
  }
  return out;
}

}  // namespace pb::sandbox
