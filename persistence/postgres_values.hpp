// persistence/postgres_values: values in the binary form of PostgreSQL's protocol, as parameters
// and as cells of a result, and what a failed statement's SQLSTATE means. For
// postgres_connection.cpp only.
#pragma once
#include <libpq-fe.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "persistence/connection.hpp"

namespace pb::persistence {

/// Parameters of one statement.
struct encoded {
  std::vector<Oid> types;
  std::vector<std::string> data;
  std::vector<bool> nulls;
};
encoded encode(std::span<const value> parameters);
/// Each column as an array.
encoded encode(const bulk_rows& rows);

/// The statement with "{rows}" as what unnests such arrays.
std::string unnested(const std::string& sql, std::span<const column> columns);

/// A cell of a binary result. libpq is loaded.
cell decoded(const PGresult* r, int row, int col);

/// By SQLSTATE: is it the values, or is the database not able to just now?
fault fault_of(std::string_view state) noexcept;

}  // namespace pb::persistence
