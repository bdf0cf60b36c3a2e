#include "tests/load/database.hpp"

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <stdexcept>

namespace pb::app::testing {
namespace {

template <class T>
T must(result<T> r) {
  if (!r) throw std::runtime_error(describe(r.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}

std::string cluster_url() {
  const char* url = std::getenv("PB_TEST_POSTGRES");
  return url == nullptr ? "" : url;
}

std::unique_ptr<persistence::connection> connected(const std::string& url) {
  persistence::postgres_options o;
  o.url = secret{url};
  return must(persistence::connect_postgres(o));
}

std::int64_t file_bytes(const std::string& path) {
  std::error_code absent;
  const auto n = std::filesystem::file_size(path, absent);
  return absent ? 0 : static_cast<std::int64_t>(n);
}

}  // namespace

std::optional<database::engine> database::engine_of(std::string_view word) {
  if (word == "sqlite") return engine::sqlite;
  if (word == "postgres") return engine::postgres;
  return std::nullopt;
}

bool database::available(engine e) {
  if (e == engine::sqlite || !cluster_url().empty()) return true;
  std::cerr
      << "SKIPPED: PB_TEST_POSTGRES is not set, so nothing here was tested on PostgreSQL.\n"
         "Start a cluster with scripts/pg_cluster start DIR and set it to the URL it prints.\n";
  return false;
}

database::database(engine e) : engine_(e) {
  if (engine_ == engine::sqlite) {
    url_ = "sqlite:" + (folder_ / "planebridge.db");
    return;
  }
  secure_random random;
  name_ = "pbl_" + make_uuid(random).substr(0, 8);
  must(connected(cluster_url())->script("CREATE DATABASE " + name_));
  const auto all = cluster_url();
  const auto query = all.find('?');
  const auto path = all.substr(0, query);
  url_ = path.substr(0, path.rfind('/') + 1) + name_ +
         (query == std::string::npos ? "" : all.substr(query));
}

database::~database() {
  session_.reset();
  if (name_.empty()) return;
  try {
    must(connected(cluster_url())->script("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)"));
  } catch (const std::exception& failed) {
    std::cerr << "cannot remove " << name_ << ": " << failed.what() << "\n";
  }
}

persistence::connection& database::session() const {
  if (!session_ && engine_ == engine::sqlite) {
    persistence::sqlite_options o;
    o.path = folder_ / "planebridge.db";
    o.create = false;
    o.busy_timeout = std::chrono::milliseconds{30'000};
    session_ = must(persistence::connect_sqlite(o));
  } else if (!session_) {
    session_ = connected(url_);
  }
  return *session_;
}

persistence::row_set database::query(const std::string& sql) const {
  return must(session().query(sql, {}));
}
std::int64_t database::number(const std::string& sql) const {
  return query(sql).at(0).at(0).number;
}
void database::execute(const std::string& sql) const { must(session().execute(sql, {})); }

database::sizes database::measure() const {
  if (engine_ == engine::sqlite) {
    const auto file = folder_ / "planebridge.db";
    const auto page = number("PRAGMA page_size");
    const auto used = number("PRAGMA page_count") - number("PRAGMA freelist_count");
    return {file_bytes(file), used * page, file_bytes(file + "-wal")};
  }
  const auto total = number("SELECT pg_database_size(current_database())::int8");
  return {total, total, number("SELECT coalesce(sum(size), 0)::int8 FROM pg_ls_waldir()")};
}

}  // namespace pb::app::testing
