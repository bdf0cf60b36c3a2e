// sandbox/fields: checks a request body the way Plane's serializers do, with their words and
// shapes: {"name": ["This field is required."]}, {"labels": {"0": [...]}}. Internal to sandbox/.
#pragma once
#include <functional>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "sandbox/rows.hpp"

namespace pb::sandbox {

enum class kind { text, choice, date, moment, whole, real, flag, reference, references, any };

struct field_rule {
  std::string_view name;
  kind is = kind::text;
  bool required = false;
  bool nullable = false;
  bool blank = false;
  std::size_t longest = 0;  ///< characters; 0: any
  std::vector<std::string_view> choices{};
  std::function<bool(std::string_view id)> exists{};  ///< for reference(s)
};

struct checked {
  row values;  ///< the known keys that were given, cleaned
  row errors;  ///< empty when all is well
};

/// @param partial  PATCH: nothing is required.
checked check_fields(const row& body, const std::vector<field_rule>& rules, bool partial);
/// A real calendar date, YYYY-MM-DD.
bool is_date(std::string_view text);

}  // namespace pb::sandbox
