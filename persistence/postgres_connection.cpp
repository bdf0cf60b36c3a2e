// The PostgreSQL driver, on libpq: libpqxx 6.4 has neither deadlines nor binary arrays. What a
// transaction does without needing an answer is queued and travels with the commit as one pipeline,
// so that a transaction costs two round trips however many statements it has. Every wait has a
// deadline: a server that accepts and then says nothing must not hold the writer.
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "persistence/connection.hpp"
#include "persistence/postgres_library.hpp"
#include "persistence/postgres_values.hpp"

namespace pb::persistence {
namespace {

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
