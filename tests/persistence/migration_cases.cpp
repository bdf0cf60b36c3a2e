// Migrations on either engine: once, together, and never under a binary that is too old.
#include <boost/test/unit_test.hpp>
#include <thread>

#include "tests/persistence/scratch_database.hpp"

namespace pb::persistence::testing {

BOOST_AUTO_TEST_SUITE(migrations)

BOOST_AUTO_TEST_CASE(an_empty_database_is_migrated_once) {
  scratch_database db;
  const auto before = migration_status(db.options());
  BOOST_REQUIRE(before.has_value());
  BOOST_TEST(before->before == 0);
  BOOST_TEST(!before->pending.empty());
  const auto first = migrate(db.options());
  BOOST_REQUIRE(first.has_value());
  BOOST_TEST(first->applied.size() == before->pending.size());
  const auto second = migrate(db.options());
  BOOST_REQUIRE(second.has_value());
  BOOST_TEST(second->applied.empty());
  BOOST_TEST(second->after == first->after);
  BOOST_TEST(migration_status(db.options())->pending.empty());
  BOOST_TEST(db.number("SELECT COUNT(*) FROM schema_migrations") == std::ssize(first->applied));
}

BOOST_AUTO_TEST_CASE(two_that_start_at_once_migrate_once) {
  scratch_database db;
  std::vector<std::thread> threads;
  std::vector<std::optional<result<migration_report>>> reports(4);
  for (auto& report : reports) threads.emplace_back([&] { report = migrate(db.options()); });
  for (auto& t : threads) t.join();
  std::size_t applied = 0;
  for (const auto& report : reports) {
    BOOST_REQUIRE_MESSAGE(report->has_value(), describe(report->error()));
    applied += (*report)->applied.size();
  }
  BOOST_TEST(static_cast<std::int64_t>(applied) ==
             db.number("SELECT COUNT(*) FROM schema_migrations"));
}

BOOST_AUTO_TEST_CASE(an_older_binary_runs_while_the_newer_migration_allows_it) {
  scratch_database db;
  BOOST_REQUIRE(migrate(db.options()).has_value());
  db.script("INSERT INTO schema_migrations VALUES (900, 'later', 1, '0.1.0')");
  const auto report = migration_status(db.options());
  BOOST_TEST(report->compatible);
  BOOST_TEST(report->unknown.size() == 1u);
  BOOST_TEST(must_write(*db.open(), unit_of(arriving("x", {}))).appends.at(0).seq == 1);
}

BOOST_AUTO_TEST_CASE(a_database_beyond_this_binary_is_refused_by_name) {
  scratch_database db;
  BOOST_REQUIRE(migrate(db.options()).has_value());
  db.script("INSERT INTO schema_migrations VALUES (900, 'later', 1, '7.2.0')");
  const auto opened = persistence::open(db.options());
  BOOST_REQUIRE(!opened.has_value());
  BOOST_TEST((opened.error().code == errc::precondition));
  BOOST_TEST(opened.error().detail.find("0900 later") != std::string::npos, opened.error().detail);
  BOOST_TEST(opened.error().detail.find("7.2.0 or newer") != std::string::npos,
             opened.error().detail);
  BOOST_TEST((open_for_reading(db.options()).error().code == errc::precondition));
  BOOST_TEST(!migration_status(db.options())->compatible);
  auto newer = db.options();
  newer.binary = "7.10.0";
  BOOST_TEST(persistence::open(newer).has_value());
}

BOOST_AUTO_TEST_CASE(a_database_that_was_never_migrated_cannot_be_read_yet) {
  scratch_database db;
  db.script("CREATE TABLE something_else (x integer)");
  const auto opened = open_for_reading(db.options());
  BOOST_REQUIRE(!opened.has_value());
  BOOST_TEST((opened.error().code == errc::precondition));
}

BOOST_AUTO_TEST_CASE(a_migration_that_fails_leaves_nothing_behind) {
  scratch_database db;
  auto c = db.session();
  std::vector<migration> broken = migrations_of(c->kind());
  broken.push_back(
      {901, "half", "0.1.0", "CREATE TABLE half (x integer); SELECT nonsense FROM nowhere;"});
  const auto report = migrate(*c, broken, "0.1.0", at(1));
  BOOST_REQUIRE(!report.has_value());
  BOOST_TEST(report.error().detail.find("0901 half") != std::string::npos, report.error().detail);
  BOOST_TEST(!migration_status(db.options())->pending.empty());
  BOOST_TEST(migrate(db.options()).has_value());
}

BOOST_AUTO_TEST_CASE(both_engines_have_the_same_migrations) {
  const auto& a = sqlite_migrations();
  const auto& b = postgres_migrations();
  BOOST_REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    BOOST_TEST(a[i].version == static_cast<int>(i) + 1);
    BOOST_TEST(a[i].version == b[i].version);
    BOOST_TEST(a[i].name == b[i].name);
    BOOST_TEST(a[i].oldest_binary == b[i].oldest_binary);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace pb::persistence::testing
