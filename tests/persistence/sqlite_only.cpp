#define BOOST_TEST_MODULE sqlite_only
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "tests/persistence/scratch_database.hpp"

const pb::config::database_target::engine pb::persistence::testing::engine_under_test =
    pb::config::database_target::engine::sqlite;

namespace pb::persistence::testing {

BOOST_AUTO_TEST_CASE(the_database_file_is_for_its_owner_only) {
  scratch_database db;
  auto s = db.open();
  must_write(*s, unit_of(arriving("x", {})));
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
    struct stat st {};
    BOOST_REQUIRE(::stat((db.options().target.path + suffix).c_str(), &st) == 0);
    BOOST_TEST((st.st_mode & 0777) == 0600u, suffix);
  }
}

BOOST_AUTO_TEST_CASE(every_commit_is_synced_through_the_log) {
  scratch_database db;
  auto c = db.session();
  BOOST_TEST(c->query("PRAGMA journal_mode", {})->at(0).at(0).data == "wal");
  BOOST_TEST(c->query("PRAGMA synchronous", {})->at(0).at(0).number == 2);
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_not_there_is_named) {
  open_options o;
  o.target.path = "/nonexistent/folder/store.db";
  const auto s = persistence::open(o);
  BOOST_REQUIRE(!s.has_value());
  BOOST_TEST((s.error().code == errc::storage));
  BOOST_TEST(s.error().detail.find("/nonexistent/folder") != std::string::npos);
  BOOST_TEST(!s.error().remedy.empty());
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_database_is_refused_and_left_alone) {
  scratch_database db;
  const std::string text(4096, 'x');
  std::ofstream{db.options().target.path} << text;
  const auto s = persistence::open(db.options());
  BOOST_TEST(!s.has_value());
  std::ifstream in{db.options().target.path};
  BOOST_TEST((std::string{std::istreambuf_iterator<char>{in}, {}} == text));
}

BOOST_AUTO_TEST_CASE(an_in_memory_store_serves_the_simulation) {
  seeded_random random{7};
  auto s = inline_store::open_in_memory(&random);
  BOOST_REQUIRE(s.has_value());
  BOOST_TEST(must_write(**s, unit_of(arriving("x", {"1"}))).appends.at(0).seq == 1);
  BOOST_TEST(must_write(**s, unit_of(arriving("x", {"1"}))).appends.at(0).duplicate);
}

BOOST_AUTO_TEST_CASE(the_holder_is_free_again_when_its_process_is_gone) {
  scratch_database db;
  db.open().reset();
  // The file stays behind with the old name in it; the lock does not.
  BOOST_TEST(std::filesystem::exists(db.options().target.path + ".lock"));
  BOOST_TEST(persistence::open(db.options()).has_value());
}

}  // namespace pb::persistence::testing
