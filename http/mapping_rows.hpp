// http/mapping_rows: mappings as people write and read them: the fields of a user's and of a
// channel's mapping, each checked, from JSON and from CSV alike. Used by mapping_endpoints. Pure.
#pragma once
#include <boost/json.hpp>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/csv.hpp"
#include "persistence/rows.hpp"
#include "sync/facts.hpp"

namespace pb::http {

/// One value. CSV knows texts only, lists then stand in one cell with ";" between; JSON may give
/// a list as one.
struct given_value {
  std::string text;
  std::optional<std::vector<std::string>> list;
};
struct given_field {
  std::string name;
  given_value value;
  csv_place at;  ///< {0, 0} in JSON
};
using given_row = std::vector<given_field>;

struct row_mistake {
  csv_place at;
  std::string field, message;
};

/// An identifier or a uuid → the project's uuid; empty: there is none.
using project_resolver = std::function<std::string(const std::string&)>;

/// In the order of documents; the key first.
std::span<const std::string_view> user_fields();
std::span<const std::string_view> channel_fields();

/// Sets one field; what is wrong with it otherwise, as a sentence's half. An empty text clears a
/// text, and leaves a choice as it is.
std::optional<std::string> set_field(persistence::user_mapping_row& row, std::string_view name,
                                     const given_value& v);
std::optional<std::string> set_field(sync::channel_mapping& row, std::string_view name,
                                     const given_value& v, const project_resolver& resolve);

/// The rows of a file with a heading of field names, or its mistakes.
struct given_file {
  std::vector<given_row> rows;
  std::vector<row_mistake> mistakes;
};
given_file read_file(std::string_view csv, std::span<const std::string_view> fields,
                     std::size_t key_fields);
/// One object of a JSON body. A member of the wrong type is a mistake, so is an unknown one.
given_file read_object(std::string_view body, std::span<const std::string_view> fields,
                       std::size_t key_fields);

boost::json::object to_json(const persistence::user_mapping_row& row);
boost::json::object to_json(const sync::channel_mapping& row, timestamp changed_at);

}  // namespace pb::http
