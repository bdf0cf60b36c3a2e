// sync/json_fields: members of a JSON object that we wrote ourselves, read back with bounds. An
// absent member is empty. The first thing of another type is kept as a problem; who reads decides
// whether that is a failure (internal deliveries) or read as empty (knowledge in the store, which
// must stay readable). Used inside sync/ only.
#pragma once
#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/failure.hpp"

namespace pb::sync {

/// @param max_bytes  too_large beyond; otherwise `code` for what is not a JSON object
result<boost::json::object> read_object(std::string_view text, std::size_t max_bytes, errc code,
                                        std::string_view where);

class json_fields {
public:
  /// @param problem  may be null: problems are not looked at
  json_fields(const boost::json::object& o, std::string* problem) : o_(&o), problem_(problem) {}

  /// Longer lists are cut and a problem.
  static constexpr std::size_t max_list = 20'000;

  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] std::string text(std::string_view key) const;
  [[nodiscard]] std::int64_t number(std::string_view key) const;
  /// A number of an enumeration's value in 0..last; what is beyond is a problem and 0.
  template <class Enum>
  [[nodiscard]] Enum choice(std::string_view key, Enum last) const {
    return static_cast<Enum>(bounded(key, static_cast<std::int64_t>(last)));
  }
  [[nodiscard]] bool flag(std::string_view key, bool otherwise = false) const;
  /// Microseconds; what no clock gives is the epoch.
  [[nodiscard]] timestamp time(std::string_view key) const;
  [[nodiscard]] std::vector<timestamp> times(std::string_view key) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;
  [[nodiscard]] std::optional<json_fields> object(std::string_view key) const;
  [[nodiscard]] std::vector<json_fields> objects(std::string_view key) const;

private:
  [[nodiscard]] const boost::json::value* find(std::string_view key) const;
  [[nodiscard]] const boost::json::array* list(std::string_view key) const;
  [[nodiscard]] std::int64_t bounded(std::string_view key, std::int64_t last) const;
  void complain(std::string_view key, std::string_view due) const;

  const boost::json::object* o_;
  std::string* problem_;
};

boost::json::array array_of(const std::vector<std::string>& texts);

}  // namespace pb::sync
