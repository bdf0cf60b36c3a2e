// persistence/row_taking: from the rows of a query to values, for the files of query_reader.
#pragma once
#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "persistence/connection.hpp"
#include "persistence/rows.hpp"

namespace pb::persistence {

/// Takes the values of one row in the order of the column list.
class taking {
public:
  explicit taking(result_row& r) : row_(r) {}
  std::string text() { return std::move(next().data); }
  std::int64_t number() { return next().number; }
  std::int32_t small() { return static_cast<std::int32_t>(next().number); }
  timestamp time() { return from_micros(next().number); }
  std::optional<timestamp> time_or_nothing() {
    const cell& c = next();
    return c.null ? std::nullopt : std::optional{from_micros(c.number)};
  }
  entity_key key() { return entity_key{text()}; }
  [[nodiscard]] bool more() const { return at_ < row_.size(); }

private:
  cell& next() { return row_[at_++]; }
  result_row& row_;
  std::size_t at_ = 0;
};

template <class Row>
std::vector<Row> rows_of(row_set& rows, Row (*read)(result_row&)) {
  std::vector<Row> out;
  out.reserve(rows.size());
  for (result_row& r : rows) out.push_back(read(r));
  return out;
}

template <class Row>
result<std::vector<Row>> all_of(result<row_set> rows, Row (*read)(result_row&)) {
  if (!rows) return rows.error();
  return rows_of(*rows, read);
}

template <class Row>
result<std::optional<Row>> one_of(result<row_set> rows, Row (*read)(result_row&)) {
  if (!rows) return rows.error();
  std::optional<Row> out;
  if (!rows->empty()) out = read(rows->front());
  return out;
}

inline value limit_of(std::size_t n) {
  return value::of(static_cast<std::int64_t>(std::min<std::size_t>(
      n, static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))));
}

}  // namespace pb::persistence
