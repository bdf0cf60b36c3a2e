// persistence/connection: the thin driver under the engine, over SQLite's C API or libpq.
// Statements are SQL text with positional parameters $1, $2 …, prepared once per session and text.
// What differs between the dialects is `bulk`: many rows at once, as unnest() over arrays on
// PostgreSQL and as one execution per row on SQLite. Not thread-safe: one thread at a time per
// connection.
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.hpp"
#include "base/secret.hpp"

namespace pb::persistence {

enum class dialect : std::uint8_t { sqlite, postgres };
enum class value_type : std::uint8_t { int64, text, bytes, real };

/// A parameter. Views are borrowed until the statement was executed (a deferred one: until commit).
struct value {
  value_type type = value_type::int64;
  bool null = false;
  std::int64_t number = 0;
  double real = 0;
  std::string_view view;

  static value of(std::int64_t n) { return {value_type::int64, false, n, 0, {}}; }
  static value of(double d) { return {value_type::real, false, 0, d, {}}; }
  static value text(std::string_view t) { return {value_type::text, false, 0, 0, t}; }
  static value bytes(std::string_view b) { return {value_type::bytes, false, 0, 0, b}; }
  static value nothing(value_type t) { return {t, true, 0, 0, {}}; }
};

/// One value of a result.
struct cell {
  bool null = false;
  std::int64_t number = 0;
  double real = 0;
  std::string data;
};
using result_row = std::vector<cell>;
using row_set = std::vector<result_row>;

struct column {
  std::string_view name;
  value_type type;
};

/// Text that both engines take: NUL and bytes that are not UTF-8 become U+FFFD. Nothing when the
/// text is fine as it is. Statement texts, keys to look up and rows to write all pass through it,
/// so that a strange header of a sender can neither fail a write nor be stored twice.
std::optional<std::string> cleaned_text(std::string_view text);

/// Rows for one bulk statement, row by row.
class bulk_rows {
public:
  explicit bulk_rows(std::span<const column> columns) : columns_(columns) {}

  void number(std::int64_t n) { cells_.push_back(value::of(n)); }
  void number_or_null(std::optional<std::int64_t> n) {
    cells_.push_back(n ? value::of(*n) : value::nothing(value_type::int64));
  }
  /// The text itself is borrowed; only what had to be cleaned is kept.
  void text(std::string_view t);
  void bytes(std::string_view b) { cells_.push_back(value::bytes(b)); }

  [[nodiscard]] std::span<const column> columns() const noexcept { return columns_; }
  [[nodiscard]] std::size_t size() const noexcept { return cells_.size() / columns_.size(); }
  [[nodiscard]] bool empty() const noexcept { return cells_.empty(); }
  [[nodiscard]] const value& at(std::size_t row, std::size_t col) const {
    return cells_[row * columns_.size() + col];
  }
  [[nodiscard]] std::span<const value> row_at(std::size_t row) const {
    return std::span{cells_}.subspan(row * columns_.size(), columns_.size());
  }

private:
  std::span<const column> columns_;
  std::vector<value> cells_;
  std::deque<std::string> owned_;
};

/// What went wrong last, as far as the writer must know.
enum class fault : std::uint8_t {
  none,
  data,     ///< the database refused the values: the same again fails again
  away,     ///< not executed: no connection, no space, a timeout, a lock
  unknown,  ///< the connection was lost between COMMIT and its answer
};

class connection {
public:
  connection() = default;
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  virtual ~connection() = default;

  [[nodiscard]] virtual dialect kind() const noexcept = 0;
  virtual result<row_set> query(const std::string& sql, std::span<const value> parameters) = 0;
  /// `{rows}` in the text stands for a relation v(columns…) of the given rows; results of all rows
  /// come together, in no fixed order.
  virtual result<row_set> query_rows(const std::string& sql, const bulk_rows& rows) = 0;
  /// Several such statements about the same rows, in one trip where there are trips.
  virtual result<std::vector<row_set>> query_each(std::span<const std::string> statements,
                                                  const bulk_rows& rows) {
    std::vector<row_set> all;
    for (const std::string& sql : statements) {
      auto answer = query_rows(sql, rows);
      if (!answer) return answer.error();
      all.push_back(std::move(*answer));
    }
    return all;
  }
  /// The same without a result; inside a transaction it may run as late as the next query or the
  /// commit, whose failure is then this statement's.
  virtual result<void> execute_rows(const std::string& sql, const bulk_rows& rows) = 0;
  virtual result<void> execute(const std::string& sql, std::span<const value> parameters) = 0;
  /// Statements separated by semicolons, for migrations; no statement deadline.
  virtual result<void> script(const std::string& sql) = 0;
  virtual result<void> begin() = 0;
  virtual result<void> commit() = 0;
  /// Best effort; a session that cannot even roll back is dropped by its owner.
  virtual void rollback() noexcept = 0;
  /// Of the last call that failed.
  [[nodiscard]] virtual fault last_fault() const noexcept = 0;
};

struct sqlite_options {
  std::string path;  ///< ":memory:" for tests
  bool read_only = false;
  bool create = true;
  std::chrono::milliseconds busy_timeout{5'000};
};
result<std::unique_ptr<connection>> connect_sqlite(const sqlite_options& options);

struct postgres_options {
  secret url;
  std::string application_name = "planebridge";
  std::chrono::seconds connect_timeout{5};
  std::chrono::milliseconds tcp_user_timeout{10'000};
  std::chrono::milliseconds statement_timeout{30'000};
  /// Writers and readers look up by key, a page at a time: plans that scan are never right, however
  /// small a table was when its plan was made.
  bool point_lookups = false;
};
/// Errors never carry the password.
result<std::unique_ptr<connection>> connect_postgres(const postgres_options& options);

}  // namespace pb::persistence
