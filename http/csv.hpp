// http/csv: comma-separated values as people upload them (RFC 4180), strict: what could be read in
// two ways is an error that names line and column. A byte order mark and either line end are
// accepted; quoted fields may hold commas, quotes (doubled) and line breaks. Pure.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.hpp"

namespace pb::http {

struct csv_limits {
  std::size_t bytes = 2u << 20;
  std::size_t rows = 10'001;  ///< the heading included
  std::size_t fields = 32;    ///< of one row
  std::size_t field_bytes = 4096;
};

/// Both from 1; a column is counted in bytes.
struct csv_place {
  std::size_t line = 0, column = 0;
};
struct csv_field {
  std::string text;
  csv_place at;
};
using csv_row = std::vector<csv_field>;  ///< never empty

struct csv_mistake {
  csv_place at;
  std::string message;
};

/// Empty lines are left out. Fields are as written, blanks around them included.
struct csv_table {
  std::vector<csv_row> rows;
  std::vector<csv_mistake> mistakes;  ///< at most one: nothing behind it can be trusted
};
csv_table parse_csv(std::string_view text, const csv_limits& limits = {});

}  // namespace pb::http
