#include "tests/persistence/scratch_database.hpp"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <stdexcept>

namespace pb::persistence::testing {
namespace {

constexpr auto postgresql = config::database_target::engine::postgresql;

template <class T>
T must(result<T> r) {
  if (!r) throw std::runtime_error(describe(r.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}

std::unique_ptr<connection> admin() {
  postgres_options o;
  o.url = secret{postgres_url()};
  return must(connect_postgres(o));
}

/// ".../postgres" → ".../<name>".
std::string url_of_database(const std::string& name) {
  std::string url = postgres_url();
  const auto query = url.find('?');
  const std::string tail = query == url.npos ? "" : url.substr(query);
  url = url.substr(0, query);
  const auto slash = url.find('/', url.find("://") + 3);
  return url.substr(0, slash) + "/" + name + tail;
}

}  // namespace

const char* postgres_url() {
  const char* url = std::getenv("PB_TEST_POSTGRES");
  return url == nullptr || *url == '\0' ? nullptr : url;
}

int run_with_postgres(int argc, char** argv) {
  if (postgres_url() == nullptr) {
    std::cerr
        << "SKIPPED: PB_TEST_POSTGRES is not set, so nothing here was tested on PostgreSQL.\n"
           "Start a cluster with scripts/pg_cluster start DIR and set it to the URL it prints.\n";
    return 77;
  }
  return boost::unit_test::unit_test_main([] { return true; }, argc, argv);
}

scratch_database::scratch_database() {
  secure_random random;
  const std::string name = "pbt_" + make_uuid(random).substr(0, 13);
  options_.lock_patience = std::chrono::milliseconds{0};
  options_.backoff_base = std::chrono::milliseconds{5};
  options_.backoff_cap = std::chrono::milliseconds{50};
  if (engine_under_test == postgresql) {
    place_ = "\"" + name + "\"";
    must(admin()->script("CREATE DATABASE " + place_));
    options_.target.kind = postgresql;
    options_.target.url = secret{url_of_database(name)};
  } else {
    place_ = (std::filesystem::temp_directory_path() / name).string();
    std::filesystem::create_directory(place_);
    options_.target.path = place_ + "/store.db";
  }
}

scratch_database::~scratch_database() {
  try {
    if (engine_under_test == postgresql)
      must(admin()->script("DROP DATABASE IF EXISTS " + place_ + " WITH (FORCE)"));
    else
      std::filesystem::remove_all(place_);
  } catch (const std::exception& e) {
    std::cerr << "cannot remove " << place_ << ": " << e.what() << "\n";
  }
}

std::unique_ptr<store> scratch_database::open() const { return open(options_); }
std::unique_ptr<store> scratch_database::open(const open_options& changed) const {
  return must(persistence::open(changed));
}
std::unique_ptr<inline_store> scratch_database::open_inline() const {
  return must(inline_store::open(options_));
}
std::unique_ptr<connection> scratch_database::session() const {
  return must(connect(options_, session_use::migration, "test"));
}
row_set scratch_database::query(const std::string& sql,
                                std::initializer_list<value> parameters) const {
  return must(session()->query(sql, {parameters.begin(), parameters.size()}));
}
std::int64_t scratch_database::number(const std::string& sql) const {
  return query(sql).at(0).at(0).number;
}
void scratch_database::script(const std::string& sql) const { must(session()->script(sql)); }

delivery_append arriving(const std::string& body, std::vector<std::string> identities,
                         const std::string& entity) {
  delivery_append a;
  a.row.tenant = "default";
  a.row.source = "plane";
  a.row.form = "plane.webhook";
  a.row.event = "issue.updated";
  a.row.entity = entity_key{entity};
  a.row.body = std::make_shared<const std::string>(body);
  a.row.received_at = at(1000);
  a.identities = std::move(identities);
  return a;
}

write unit_of(delivery_append a) {
  write w;
  w.appends.push_back(std::move(a));
  return w;
}

timestamp at(std::int64_t seconds) { return from_micros(seconds * 1'000'000); }

written must_write(store& s, write unit) { return must(submit_and_wait(s, std::move(unit))); }

}  // namespace pb::persistence::testing
