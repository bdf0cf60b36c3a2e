// The PostgreSQL driver, on libpq: libpqxx 6.4 has neither deadlines nor binary arrays. What a
// transaction does without needing an answer is queued and travels with the commit as one pipeline,
// so that a transaction costs two round trips however many statements it has. Every wait has a
// deadline: a server that accepts and then says nothing must not hold the writer.
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <unordered_map>

#include "persistence/connection.hpp"
#include "persistence/postgres_library.hpp"

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

struct encoded {
  std::vector<Oid> types;
  std::vector<std::string> data;
  std::vector<bool> nulls;
};

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

/// By SQLSTATE: is it the values, or is the database not able to just now?
fault fault_of(std::string_view state) noexcept {
  if (state.empty()) return fault::away;
  const std::string_view group = state.substr(0, 2);
  // 22 data, 23 constraints, 42 text of the statement, 54 limits (an index row that is too long).
  if (group == "22" || group == "23" || group == "42" || group == "54" || group == "0A")
    return fault::data;
  return fault::away;
}

class postgres_connection final : public connection {
public:
  postgres_connection(PGconn* c, std::string password, std::chrono::milliseconds patience)
      : conn_(c), password_(std::move(password)), patience_(patience) {
    PQsetnonblocking(conn_, 1);
    PQsetNoticeProcessor(
        conn_, [](void*, const char*) {}, nullptr);
  }
  ~postgres_connection() override { PQfinish(conn_); }

  [[nodiscard]] dialect kind() const noexcept override { return dialect::postgres; }
  [[nodiscard]] fault last_fault() const noexcept override { return fault_; }

  result<row_set> query(const std::string& sql, std::span<const value> parameters) override {
    if (auto r = send(sql, encode(parameters)); !r) return r.error();
    return drain();
  }
  result<void> execute(const std::string& sql, std::span<const value> parameters) override {
    if (auto r = send(sql, encode(parameters)); !r) return r.error();
    return settle();
  }
  result<row_set> query_rows(const std::string& sql, const bulk_rows& rows) override {
    if (auto r = send(expanded(sql, rows.columns()), encode(rows)); !r) return r.error();
    return drain();
  }
  result<std::vector<row_set>> query_each(std::span<const std::string> statements,
                                          const bulk_rows& rows) override {
    const encoded e = encode(rows);
    for (const std::string& sql : statements)
      if (auto r = send(expanded(sql, rows.columns()), e); !r) return r.error();
    std::vector<row_set> all;
    if (auto r = drain(&all); !r) return r.error();
    return all;
  }
  result<void> execute_rows(const std::string& sql, const bulk_rows& rows) override {
    if (auto r = send(expanded(sql, rows.columns()), encode(rows)); !r) return r.error();
    return settle();
  }
  result<void> script(const std::string& sql) override {
    // The simple protocol takes several statements, but not inside a pipeline.
    if (auto r = drain(); !r) return r.error();
    if (PQsendQuery(conn_, sql.c_str()) == 0) return lost();
    result<void> answer;
    while (true) {
      if (!wait(std::chrono::hours{1})) return lost();
      PGresult* r = PQgetResult(conn_);
      if (r == nullptr) break;
      if (failed_status(r) && answer) answer = failed(r);
      PQclear(r);
    }
    return answer;
  }
  result<void> begin() override {
    if (auto r = command("BEGIN"); !r) return r.error();
    in_transaction_ = true;
    return {};
  }
  result<void> commit() override {
    result<void> answer = command("COMMIT");
    if (answer)
      if (auto done = drain(); !done) answer = done.error();
    in_transaction_ = false;
    if (!answer && broken_ && !stopped_before_last_) fault_ = fault::unknown;
    return answer;
  }
  void rollback() noexcept override {
    in_transaction_ = false;
    if (broken_ || PQstatus(conn_) != CONNECTION_OK) return;
    if (auto r = drain(); !r && broken_) return;
    if (PQtransactionStatus(conn_) == PQTRANS_IDLE) return;
    if (auto r = command("ROLLBACK"); r) (void)drain();
  }

private:
  struct pending {
    std::string prepares;  ///< the text, when this prepares it
  };

  const std::string& expanded(const std::string& sql, std::span<const column> columns) {
    auto [at, fresh] = expanded_.try_emplace(sql);
    if (fresh) at->second = unnested(sql, columns);
    return at->second;
  }
  static encoded encode(std::span<const value> parameters) {
    encoded e;
    for (const value& v : parameters) {
      e.types.push_back(oid_of(v.type));
      e.nulls.push_back(v.null);
      put_value(e.data.emplace_back(), v);
    }
    return e;
  }
  static encoded encode(const bulk_rows& rows) {
    encoded e;
    for (std::size_t i = 0; i < rows.columns().size(); ++i) {
      e.types.push_back(array_oid_of(rows.columns()[i].type));
      e.nulls.push_back(false);
      e.data.push_back(array_of(rows, i));
    }
    return e;
  }

  failure fail(fault what, std::string detail) {
    fault_ = what;
    while (!detail.empty() && (detail.back() == '\n' || detail.back() == ' ')) detail.pop_back();
    std::replace(detail.begin(), detail.end(), '\n', ' ');
    if (!password_.empty())
      for (auto at = detail.find(password_); at != detail.npos; at = detail.find(password_, at + 4))
        detail.replace(at, password_.size(), "****");
    return {what == fault::data ? errc::bad_input : errc::storage, "store.postgres",
            std::move(detail)};
  }
  failure lost() {
    broken_ = true;
    std::string why = PQerrorMessage(conn_);
    if (why.empty()) why = "the server did not answer in time";
    return fail(fault::away, std::move(why));
  }
  static bool failed_status(const PGresult* r) {
    switch (PQresultStatus(r)) {
      case PGRES_FATAL_ERROR:
      case PGRES_BAD_RESPONSE:
      case PGRES_PIPELINE_ABORTED:
        return true;
      default:
        return false;
    }
  }
  failure failed(const PGresult* r) {
    const char* state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const std::string_view code = state == nullptr ? std::string_view{} : std::string_view{state};
    // The primary message only: its detail would repeat values.
    const char* text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    std::string detail = text == nullptr ? PQerrorMessage(conn_) : text;
    if (!code.empty()) detail += " (" + std::string{code} + ")";
    return fail(fault_of(code), std::move(detail));
  }

  /// Until a result is there to be taken: sends what waits, reads what comes.
  bool wait(std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (true) {
      const int unsent = PQflush(conn_);
      if (unsent < 0) return false;
      if (unsent == 0 && PQisBusy(conn_) == 0) return true;
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return false;
      pollfd p{PQsocket(conn_), static_cast<short>(unsent != 0 ? POLLIN | POLLOUT : POLLIN), 0};
      if (p.fd < 0) return false;
      const int n = ::poll(
          &p, 1, static_cast<int>(std::min<std::chrono::milliseconds::rep>(left.count(), 60'000)));
      if (n < 0 && errno != EINTR) return false;
      if (n > 0 && PQconsumeInput(conn_) == 0) return false;
    }
  }

  result<void> enter() {
    if (broken_) return fail(fault::away, "the connection is lost");
    if (PQpipelineStatus(conn_) == PQ_PIPELINE_OFF && PQenterPipelineMode(conn_) == 0)
      return lost();
    return {};
  }
  result<void> command(const char* sql) {
    if (auto r = enter(); !r) return r;
    if (PQsendQueryParams(conn_, sql, 0, nullptr, nullptr, nullptr, nullptr, 1) == 0) return lost();
    queue_.emplace_back();
    return {};
  }
  result<void> send(const std::string& sql, const encoded& e) {
    if (auto r = enter(); !r) return r;
    auto known = names_.find(sql);
    if (known == names_.end()) {
      known = names_.emplace(sql, "s" + std::to_string(++last_name_)).first;
      if (PQsendPrepare(conn_, known->second.c_str(), sql.c_str(), static_cast<int>(e.types.size()),
                        e.types.data()) == 0)
        return lost();
      queue_.push_back({sql});
    }
    std::vector<const char*> data;
    std::vector<int> sizes, formats(e.data.size(), 1);
    for (std::size_t i = 0; i < e.data.size(); ++i) {
      data.push_back(e.nulls[i] ? nullptr : e.data[i].data());
      sizes.push_back(static_cast<int>(e.data[i].size()));
    }
    if (PQsendQueryPrepared(conn_, known->second.c_str(), static_cast<int>(data.size()),
                            data.data(), sizes.data(), formats.data(), 1) == 0)
      return lost();
    queue_.emplace_back();
    return {};
  }
  result<void> settle() {
    if (in_transaction_) return {};  // with the next query or the commit
    if (auto r = drain(); !r) return r.error();
    return {};
  }

  /// Sends the queue and takes every answer; the rows are those of the last statement, and those of
  /// each that has rows in `each`.
  result<row_set> drain(std::vector<row_set>* each = nullptr) {
    if (broken_) return fail(fault::away, "the connection is lost");
    row_set rows;
    if (queue_.empty()) {
      if (PQpipelineStatus(conn_) != PQ_PIPELINE_OFF && PQexitPipelineMode(conn_) == 0)
        return lost();
      return rows;
    }
    if (PQpipelineSync(conn_) == 0) return lost();
    std::optional<failure> first;
    fault first_fault = fault::none;
    stopped_before_last_ = false;
    for (const pending& p : queue_) {
      bool ok = true;
      while (true) {
        if (!wait(patience_)) return lost();
        PGresult* r = PQgetResult(conn_);
        if (r == nullptr) break;
        if (failed_status(r)) {
          ok = false;
          if (!first) {
            first = failed(r);
            first_fault = fault_;
            // What libpq says of its own about a lost connection has no SQLSTATE.
            stopped_before_last_ =
                &p != &queue_.back() && PQresultErrorField(r, PG_DIAG_SQLSTATE) != nullptr;
          }
        } else if (PQresultStatus(r) == PGRES_TUPLES_OK) {
          take(r, rows);
          if (each != nullptr) each->push_back(std::move(rows));
        } else {
          rows.clear();
        }
        PQclear(r);
        if (PQstatus(conn_) != CONNECTION_OK) {
          broken_ = true;
          if (!first) return lost();
          fault_ = fault::away;
          return *first;
        }
      }
      if (!ok && !p.prepares.empty()) names_.erase(p.prepares);
    }
    queue_.clear();
    if (!wait(patience_)) return lost();
    PQclear(PQgetResult(conn_));  // the sync
    if (PQexitPipelineMode(conn_) == 0) return lost();
    if (!first) return rows;
    fault_ = first_fault;
    return *first;
  }
  static void take(const PGresult* r, row_set& rows) {
    rows.clear();
    const int n = PQntuples(r), width = PQnfields(r);
    rows.reserve(static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i) {
      result_row& out = rows.emplace_back();
      out.reserve(static_cast<std::size_t>(width));
      for (int j = 0; j < width; ++j) out.push_back(decoded(r, i, j));
    }
  }

  PGconn* conn_;
  std::string password_;
  std::chrono::milliseconds patience_;
  fault fault_ = fault::none;
  bool broken_ = false;
  bool in_transaction_ = false;
  /// The server has said that it failed before the last statement of the queue, which therefore was
  /// not carried out, even if the session ended with that.
  bool stopped_before_last_ = false;
  std::vector<pending> queue_;
  std::unordered_map<std::string, std::string> names_;
  std::unordered_map<std::string, std::string> expanded_;
  unsigned last_name_ = 0;
};

failure cannot_connect(std::string why) {
  while (!why.empty() && why.back() == '\n') why.pop_back();
  return {errc::storage, "store.open", "PostgreSQL: " + why,
          "check DATABASE_URL (store.database_url) and that the server accepts connections"};
}

}  // namespace

result<std::unique_ptr<connection>> connect_postgres(const postgres_options& o) {
  if (auto loaded = load_postgres_library(); !loaded) return loaded.error();
  // Parsed here first: libpq's own complaint about a malformed URL repeats it, password and all.
  PQconninfoOption* parsed = PQconninfoParse(o.url.reveal().c_str(), nullptr);
  if (parsed == nullptr) return cannot_connect("the URL in DATABASE_URL is malformed");
  std::map<std::string, std::string> all;
  for (const PQconninfoOption* p = parsed; p->keyword != nullptr; ++p)
    if (p->val != nullptr) all[p->keyword] = p->val;
  PQconninfoFree(parsed);
  all.emplace("connect_timeout", std::to_string(o.connect_timeout.count()));
  all.emplace("tcp_user_timeout", std::to_string(o.tcp_user_timeout.count()));
  all.emplace("keepalives", "1");
  all.emplace("keepalives_idle", "10");
  all.emplace("keepalives_interval", "3");
  all.emplace("keepalives_count", "3");
  all["application_name"] = o.application_name.substr(0, 63);
  all["client_encoding"] = "UTF8";
  std::vector<const char*> keys, values;
  for (const auto& [k, v] : all) keys.push_back(k.c_str()), values.push_back(v.c_str());
  keys.push_back(nullptr), values.push_back(nullptr);

  PGconn* conn = PQconnectdbParams(keys.data(), values.data(), 0);
  const std::string password = all.contains("password") ? all["password"] : std::string{};
  if (conn == nullptr || PQstatus(conn) != CONNECTION_OK) {
    std::string why = conn == nullptr ? "no memory" : PQerrorMessage(conn);
    if (!password.empty())
      for (auto at = why.find(password); at != why.npos; at = why.find(password, at + 4))
        why.replace(at, password.size(), "****");
    PQfinish(conn);
    return cannot_connect(std::move(why));
  }
  // The client's own deadline lies behind the server's, which gives the better message.
  auto c = std::make_unique<postgres_connection>(conn, password,
                                                 o.statement_timeout + std::chrono::seconds{5});
  std::string setup = "SET statement_timeout = " + std::to_string(o.statement_timeout.count()) +
                      "; SET synchronous_commit = on; SET timezone = 'UTC'; SET jit = off;"
                      "SET idle_in_transaction_session_timeout = '60s';";
  // The statements are few and what they are given is arrays: a plan of its own for each would cost
  // as much as carrying it out.
  setup += "SET plan_cache_mode = force_generic_plan;";
  if (o.point_lookups)
    setup +=
        "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; "
        "SET enable_bitmapscan = off; SET enable_material = off;";
  if (PQserverVersion(conn) < 150000)
    return cannot_connect("the server is version " + std::to_string(PQserverVersion(conn) / 10000) +
                          "; planebridge needs PostgreSQL 15 or newer");
  if (auto r = c->script(setup); !r) return cannot_connect(r.error().detail);
  return std::unique_ptr<connection>{std::move(c)};
}

}  // namespace pb::persistence
