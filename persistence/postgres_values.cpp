#include "persistence/postgres_values.hpp"

#include <bit>

namespace pb::persistence {
namespace {

// From PostgreSQL's catalog (pg_type.dat); they never change.
constexpr Oid oid_bool = 16, oid_bytea = 17, oid_int8 = 20, oid_int2 = 21, oid_int4 = 23,
              oid_text = 25, oid_float8 = 701;
constexpr Oid oid_bytea_array = 1001, oid_text_array = 1009, oid_int8_array = 1016,
              oid_float8_array = 1022;

Oid oid_of(value_type t) noexcept {
  switch (t) {
    case value_type::int64:
      return oid_int8;
    case value_type::text:
      return oid_text;
    case value_type::bytes:
      return oid_bytea;
    case value_type::real:
      return oid_float8;
  }
  return oid_text;
}
Oid array_oid_of(value_type t) noexcept {
  switch (t) {
    case value_type::int64:
      return oid_int8_array;
    case value_type::text:
      return oid_text_array;
    case value_type::bytes:
      return oid_bytea_array;
    case value_type::real:
      return oid_float8_array;
  }
  return oid_text_array;
}
std::string_view array_cast(value_type t) noexcept {
  switch (t) {
    case value_type::int64:
      return "::bigint[]";
    case value_type::text:
      return "::text[]";
    case value_type::bytes:
      return "::bytea[]";
    case value_type::real:
      return "::float8[]";
  }
  return "";
}

template <class Unsigned>
void put_number(std::string& out, Unsigned n) {
  for (std::size_t shift = sizeof(Unsigned) * 8; shift != 0; shift -= 8)
    out.push_back(static_cast<char>(static_cast<unsigned char>(n >> (shift - 8))));
}
std::int64_t read_number(const char* p, int size) noexcept {
  std::uint64_t n = (static_cast<unsigned char>(*p) & 0x80u) != 0 ? ~std::uint64_t{0} : 0;
  for (int i = 0; i < size; ++i) n = (n << 8) | static_cast<unsigned char>(p[i]);
  return static_cast<std::int64_t>(n);
}

void put_value(std::string& out, const value& v) {
  switch (v.type) {
    case value_type::int64:
      put_number(out, static_cast<std::uint64_t>(v.number));
      break;
    case value_type::real:
      put_number(out, std::bit_cast<std::uint64_t>(v.real));
      break;
    case value_type::text:
      if (auto clean = cleaned_text(v.view))
        out += *clean;
      else
        out += v.view;
      break;
    case value_type::bytes:
      out += v.view;
      break;
  }
}

void put_big_endian(char* to, std::uint64_t n, std::size_t bytes) noexcept {
  for (std::size_t i = 0; i < bytes; ++i)
    to[i] = static_cast<char>(static_cast<unsigned char>(n >> (8 * (bytes - 1 - i))));
}

/// The binary form of a one-dimensional array: one column of the rows, whose texts are clean.
std::string array_of(const bulk_rows& rows, std::size_t col) {
  const value_type type = rows.columns()[col].type;
  const bool number = type == value_type::int64 || type == value_type::real;
  std::size_t bytes = 20 + rows.size() * (number ? 12 : 4);
  if (!number)
    for (std::size_t r = 0; r < rows.size(); ++r) bytes += rows.at(r, col).view.size();
  std::string out;
  out.reserve(bytes);
  put_number(out, std::uint32_t{1});  // dimensions
  put_number(out, std::uint32_t{1});  // may hold nulls
  put_number(out, static_cast<std::uint32_t>(oid_of(type)));
  put_number(out, static_cast<std::uint32_t>(rows.size()));
  put_number(out, std::uint32_t{1});  // lower bound
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const value& v = rows.at(r, col);
    char item[12];
    if (v.null) {
      put_big_endian(item, ~std::uint32_t{0}, 4);
      out.append(item, 4);
    } else if (number) {
      put_big_endian(item, 8, 4);
      put_big_endian(item + 4,
                     type == value_type::real ? std::bit_cast<std::uint64_t>(v.real)
                                              : static_cast<std::uint64_t>(v.number),
                     8);
      out.append(item, 12);
    } else {
      put_big_endian(item, v.view.size(), 4);
      out.append(item, 4);
      out.append(v.view);
    }
  }
  return out;
}

}  // namespace

encoded encode(std::span<const value> parameters) {
  encoded e;
  for (const value& v : parameters) {
    e.types.push_back(oid_of(v.type));
    e.nulls.push_back(v.null);
    put_value(e.data.emplace_back(), v);
  }
  return e;
}

encoded encode(const bulk_rows& rows) {
  encoded e;
  for (std::size_t i = 0; i < rows.columns().size(); ++i) {
    e.types.push_back(array_oid_of(rows.columns()[i].type));
    e.nulls.push_back(false);
    e.data.push_back(array_of(rows, i));
  }
  return e;
}

std::string unnested(const std::string& sql, std::span<const column> columns) {
  std::string rows = "unnest(";
  std::string names;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i != 0) rows += ", ", names += ", ";
    rows += "$" + std::to_string(i + 1);
    rows += array_cast(columns[i].type);
    names += columns[i].name;
  }
  rows += ") AS v(" + names + ")";
  std::string out = sql;
  out.replace(out.find("{rows}"), 6, rows);
  return out;
}

cell decoded(const PGresult* r, int i, int j) {
  cell c;
  if (PQgetisnull(r, i, j) != 0) {
    c.null = true;
    return c;
  }
  const char* p = PQgetvalue(r, i, j);
  const int size = PQgetlength(r, i, j);
  switch (PQftype(r, j)) {
    case oid_bool:
    case oid_int2:
    case oid_int4:
    case oid_int8:
      c.number = read_number(p, size);
      break;
    case oid_float8:
      c.real = std::bit_cast<double>(static_cast<std::uint64_t>(read_number(p, size)));
      break;
    default:
      c.data.assign(p, static_cast<std::size_t>(size));
  }
  return c;
}

fault fault_of(std::string_view state) noexcept {
  if (state.empty()) return fault::away;
  const std::string_view group = state.substr(0, 2);
  // 22 data, 23 constraints, 42 text of the statement, 54 limits (an index row that is too long).
  if (group == "22" || group == "23" || group == "42" || group == "54" || group == "0A")
    return fault::data;
  return fault::away;
}

}  // namespace pb::persistence
