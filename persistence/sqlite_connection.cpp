// The SQLite driver: WAL, synchronous=FULL, one prepared statement per text. A bulk statement runs
// once per row inside the transaction; that is as fast as SQLite gets.
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <thread>
#include <unordered_map>

#include "persistence/connection.hpp"

namespace pb::persistence {
namespace {

struct statement {
  sqlite3_stmt* handle = nullptr;
  std::vector<std::size_t> slots;  ///< parameter n of SQLite (from 1) is our $slots[n - 1]
};

/// "{rows}" → "(SELECT $1 AS a, $2 AS b) AS v".
std::string one_row(const std::string& sql, std::span<const column> columns) {
  std::string rows = "(SELECT ";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i != 0) rows += ", ";
    rows += "$" + std::to_string(i + 1) + " AS ";
    rows += columns[i].name;
  }
  rows += ") AS v";
  std::string out = sql;
  out.replace(out.find("{rows}"), 6, rows);
  return out;
}

class sqlite_connection final : public connection {
public:
  explicit sqlite_connection(sqlite3* db) : db_(db) {}
  ~sqlite_connection() override {
    for (auto& [sql, s] : prepared_) sqlite3_finalize(s.handle);
    sqlite3_close_v2(db_);
  }

  [[nodiscard]] dialect kind() const noexcept override { return dialect::sqlite; }
  [[nodiscard]] fault last_fault() const noexcept override { return fault_; }

  result<row_set> query(const std::string& sql, std::span<const value> parameters) override {
    row_set rows;
    if (auto r = run(sql, parameters, &rows); !r) return r.error();
    return rows;
  }
  result<void> execute(const std::string& sql, std::span<const value> parameters) override {
    return run(sql, parameters, nullptr);
  }
  result<row_set> query_rows(const std::string& sql, const bulk_rows& rows) override {
    row_set out;
    const std::string& text = expanded(sql, rows.columns());
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (auto r = run(text, rows.row_at(i), &out); !r) return r.error();
    return out;
  }
  result<void> execute_rows(const std::string& sql, const bulk_rows& rows) override {
    const std::string& text = expanded(sql, rows.columns());
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (auto r = run(text, rows.row_at(i), nullptr); !r) return r.error();
    return {};
  }
  result<void> script(const std::string& sql) override {
    const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return failed(code);
    return {};
  }
  result<void> begin() override { return run("BEGIN IMMEDIATE", {}, nullptr); }
  result<void> commit() override {
    auto r = run("COMMIT", {}, nullptr);
    // A failed sync may leave the frames in the log, where a recovery would find them.
    if (!r && fault_ == fault::away) fault_ = fault::unknown;
    return r;
  }
  void rollback() noexcept override {
    if (sqlite3_get_autocommit(db_) == 0) sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
  }

private:
  const std::string& expanded(const std::string& sql, std::span<const column> columns) {
    auto [at, fresh] = expanded_.try_emplace(sql);
    if (fresh) at->second = one_row(sql, columns);
    return at->second;
  }

  failure failed(int code) {
    switch (code & 0xff) {
      case SQLITE_CONSTRAINT:
      case SQLITE_MISMATCH:
      case SQLITE_TOOBIG:
      case SQLITE_RANGE:
      case SQLITE_ERROR:
        fault_ = fault::data;
        break;
      default:
        fault_ = fault::away;
    }
    failure f{fault_ == fault::data ? errc::bad_input : errc::storage, "store.sqlite",
              std::string{sqlite3_errmsg(db_)} + " (" +
                  std::to_string(sqlite3_extended_errcode(db_)) + ")"};
    if ((code & 0xff) == SQLITE_FULL) f.remedy = "the disk is full: make room";
    if ((code & 0xff) == SQLITE_BUSY) f.remedy = "another process holds the database file locked";
    return f;
  }

  result<statement*> prepared(const std::string& sql) {
    const auto known = prepared_.find(sql);
    if (known != prepared_.end()) return &known->second;
    statement s;
    const int code = sqlite3_prepare_v3(db_, sql.c_str(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &s.handle, nullptr);
    if (code != SQLITE_OK) return failed(code);
    const int n = sqlite3_bind_parameter_count(s.handle);
    for (int i = 1; i <= n; ++i) {
      const char* name = sqlite3_bind_parameter_name(s.handle, i);
      std::size_t slot = 0;
      if (name != nullptr) std::from_chars(name + 1, name + std::strlen(name), slot);
      s.slots.push_back(slot);
    }
    return &prepared_.emplace(sql, std::move(s)).first->second;
  }

  int bind(sqlite3_stmt* s, int n, const value& v, std::deque<std::string>& cleaned) {
    if (v.null) return sqlite3_bind_null(s, n);
    switch (v.type) {
      case value_type::int64:
        return sqlite3_bind_int64(s, n, v.number);
      case value_type::real:
        return sqlite3_bind_double(s, n, v.real);
      case value_type::text: {
        std::string_view t = v.view;
        if (auto clean = cleaned_text(t)) t = cleaned.emplace_back(std::move(*clean));
        return sqlite3_bind_text64(s, n, t.data() == nullptr ? "" : t.data(), t.size(),
                                   SQLITE_STATIC, SQLITE_UTF8);
      }
      case value_type::bytes:
        if (v.view.empty()) return sqlite3_bind_zeroblob(s, n, 0);
        return sqlite3_bind_blob64(s, n, v.view.data(), v.view.size(), SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
  }

  static cell read(sqlite3_stmt* s, int i) {
    cell c;
    switch (sqlite3_column_type(s, i)) {
      case SQLITE_INTEGER:
        c.number = sqlite3_column_int64(s, i);
        break;
      case SQLITE_FLOAT:
        c.real = sqlite3_column_double(s, i);
        break;
      case SQLITE_NULL:
        c.null = true;
        break;
      default: {
        const void* data = sqlite3_column_blob(s, i);
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(s, i));
        if (data != nullptr) c.data.assign(static_cast<const char*>(data), size);
      }
    }
    return c;
  }

  result<void> run(const std::string& sql, std::span<const value> parameters, row_set* out) {
    auto found = prepared(sql);
    if (!found) return found.error();
    sqlite3_stmt* s = (*found)->handle;
    std::deque<std::string> cleaned;
    int code = SQLITE_OK;
    for (std::size_t i = 0; code == SQLITE_OK && i < (*found)->slots.size(); ++i) {
      const std::size_t slot = (*found)->slots[i];
      code = slot == 0 || slot > parameters.size()
                 ? SQLITE_RANGE
                 : bind(s, static_cast<int>(i) + 1, parameters[slot - 1], cleaned);
    }
    if (code == SQLITE_OK) {
      while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        if (out == nullptr) continue;
        result_row& r = out->emplace_back();
        const int n = sqlite3_column_count(s);
        r.reserve(static_cast<std::size_t>(n));
        for (int i = 0; i < n; ++i) r.push_back(read(s, i));
      }
      if (code == SQLITE_DONE) code = SQLITE_OK;
    }
    result<void> answer;
    if (code != SQLITE_OK) answer = failed(code);
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return answer;
  }

  sqlite3* db_;
  fault fault_ = fault::none;
  std::unordered_map<std::string, statement> prepared_;
  std::unordered_map<std::string, std::string> expanded_;
};

failure cannot_open(const sqlite_options& o, const std::string& why) {
  return {errc::storage, "store.open", "cannot open the database " + o.path + ": " + why,
          "check that its folder exists and that this user may write there"};
}

}  // namespace

result<std::unique_ptr<connection>> connect_sqlite(const sqlite_options& o) {
  if (o.create && !o.read_only && o.path != ":memory:") {
    // For this user only: it holds sealed tokens and what people wrote. The log files follow it.
    const int fd = ::open(o.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return cannot_open(o, std::strerror(errno));
    ::close(fd);
  }
  sqlite3* db = nullptr;
  const int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (o.path == ":memory:" ? SQLITE_OPEN_CREATE : 0);
  if (const int code = sqlite3_open_v2(o.path.c_str(), &db, flags, nullptr); code != SQLITE_OK) {
    const std::string why = db == nullptr ? "no memory" : sqlite3_errmsg(db);
    sqlite3_close_v2(db);
    return cannot_open(o, why);
  }
  sqlite3_extended_result_codes(db, 1);
  sqlite3_busy_timeout(db, static_cast<int>(o.busy_timeout.count()));
  auto c = std::make_unique<sqlite_connection>(db);
  std::string pragmas =
      "PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF; PRAGMA cache_size=-8000;";
  pragmas += o.read_only ? "PRAGMA query_only=ON;"
                         // 16 MB of log: pages that many commits touch are copied back once.
                         : "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=4000;";
  // SQLite does not wait by itself while another connection holds a database that is not in WAL
  // mode yet: two that start at once on a new file.
  const auto until = std::chrono::steady_clock::now() + o.busy_timeout;
  while (true) {
    auto r = c->script(pragmas);
    if (r) return std::unique_ptr<connection>{std::move(c)};
    if ((sqlite3_errcode(db) & 0xff) != SQLITE_BUSY || std::chrono::steady_clock::now() >= until)
      return cannot_open(o, r.error().detail);
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
}

}  // namespace pb::persistence
