// One daemon per database: of two that start at once one serves, and the other ends and says who
// holds it.
#define BOOST_TEST_MODULE two_daemons
#include <boost/test/unit_test.hpp>
#include <cstdlib>

#include "tests/app/bridge.hpp"

using namespace pb::app::testing;
using namespace std::chrono_literals;

namespace {

bool serves(const bridge& b) { return b.log().find("planebridge listens") != std::string::npos; }

/// Starts both at once on this store; checks that exactly one serves, and takes over afterwards.
void race(const std::string& database_url, bool knows_who) {
  bridge one, other;
  for (auto* b : {&one, &other}) b->environment["DATABASE_URL"] = database_url;
  one.launch();
  other.launch();
  BOOST_TEST_REQUIRE(eventually(40s,
                                [&] {
                                  return (serves(one) && !other.process().runs()) ||
                                         (serves(other) && !one.process().runs());
                                }),
                     one.log() << "---\n"
                               << other.log());
  auto& winner = serves(one) ? one : other;
  auto& loser = serves(one) ? other : one;
  BOOST_TEST(!serves(loser));
  BOOST_TEST(loser.process().wait(0ms).value_or(-1) == 1);
  const auto said = loser.log();
  BOOST_TEST(said.find("level=error message=\"cannot start\"") != std::string::npos, said);
  BOOST_TEST(said.find("another") != std::string::npos, said);
  if (knows_who)
    BOOST_TEST(said.find(std::to_string(winner.process().id())) != std::string::npos, said);
  // The winner is not disturbed, and after its death the store is free at once.
  BOOST_TEST(winner.process().runs());
  winner.kill();
  loser.start();
  BOOST_TEST(loser.get("/readyz").status == 200);
  BOOST_TEST(loser.stop() == 0);
}

}  // namespace

BOOST_AUTO_TEST_CASE(of_two_daemons_on_one_sqlite_file_one_serves_and_the_other_names_it) {
  const scratch_folder folder;
  race("sqlite:" + (folder / "shared.db"), true);
}

BOOST_AUTO_TEST_CASE(of_two_daemons_on_one_postgresql_database_one_serves_and_the_other_says_why) {
  const char* administrator = std::getenv("PB_TEST_POSTGRES");
  if (administrator == nullptr) {
    BOOST_TEST_MESSAGE("SKIPPED: PB_TEST_POSTGRES is not set");
    return;
  }
  const std::string url = administrator;
  const std::string name = "pbt_two_" + std::to_string(::getpid());
  const auto psql = [&](const std::string& sql) {
    command c;
    c.words = {"/usr/bin/env", "psql", url, "-c", sql};
    const auto f = run(c);
    BOOST_TEST_REQUIRE(f.code == 0, f.err);
  };
  psql("CREATE DATABASE " + name);
  const auto question = url.find('?');
  const auto slash = url.rfind('/', question);
  race(
      url.substr(0, slash + 1) + name + (question == std::string::npos ? "" : url.substr(question)),
      false);
  psql("DROP DATABASE " + name + " WITH (FORCE)");
}
