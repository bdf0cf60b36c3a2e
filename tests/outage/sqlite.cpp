// SQLite whose disk is full, or whose file somebody else holds locked, while webhooks keep coming.
#define BOOST_TEST_MODULE outage_sqlite
#include <boost/test/unit_test.hpp>
#include <iostream>
#include <set>

#include "tests/outage/loader.hpp"
#include "tests/outage/small_disk.hpp"

namespace pb::outage {
namespace {

void configure(app::testing::bridge& b, const std::string& file) {
  b.environment["DATABASE_URL"] = "sqlite:" + file;
  b.environment["PLANE_WEBHOOK_SECRET"] = app::testing::webhook_secret;
  b.environment["PLANEBRIDGE_STORE_SPOOL_AFTER_MS"] = "500";
  b.environment["PLANEBRIDGE_STORE_SPOOL_MAX_MB"] = "4";
  b.environment["PLANEBRIDGE_STORE_TOUCHED_MAX"] = "1024";
  b.environment["PLANEBRIDGE_SERVER_ACCESS_LOG"] = "false";
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_full_disk_takes_deliveries_into_reserved_space_and_then_ids) {
  const small_disk disk{24};
  if (!disk.mounted()) return;
  const auto file = disk.path() + "/planebridge.db";
  app::testing::bridge b;
  configure(b, file);
  b.start();
  load_options o;
  o.body_bytes = 20'000;
  load l{b, o};
  BOOST_TEST(l.goes_on(30));
  disk.fill();
  // First the space that the spool reserved, then the touched set: nobody is refused.
  BOOST_TEST(app::testing::eventually(60s, [&] { return spool_figure(b, "touched") == "20"; }));
  BOOST_TEST(l.goes_on(50));
  BOOST_TEST(std::stoi(spool_figure(b, "spooled")) > 0);
  l.stop();
  disk.empty();
  BOOST_TEST(settled(b), b.log());
  BOOST_TEST(l.errors() == 0);
  BOOST_TEST(spool_figure(b, "refused") == "0");
  const auto v = compare(l.edits(), journal_of(sqlite_at(file)));
  BOOST_TEST(v.doubled == 0, v.first);
  BOOST_TEST(v.disordered == 0, v.first);
  const auto reads = touched_in(sqlite_at(file));
  const std::set<std::string> read{reads.begin(), reads.end()};
  for (const auto& [item, n] : v.missing_of) BOOST_TEST(read.contains(item), item);
  std::cerr << "acknowledged " << l.acknowledged() << ", in the journal " << v.rows
            << ", unanswered " << l.unanswered() << ", spooled " << spool_figure(b, "spooled")
            << ", touched " << spool_figure(b, "touched_total") << "\n";
}

BOOST_AUTO_TEST_CASE(a_file_that_another_process_holds_locked_keeps_nobody_waiting) {
  app::testing::bridge b;
  const auto file = b.folder() / "planebridge.db";
  configure(b, file);
  b.start();
  load l{b};
  BOOST_TEST(l.goes_on(50));
  {
    persistence::sqlite_options o;
    o.path = file;
    auto other = persistence::connect_sqlite(o);
    BOOST_REQUIRE(other.has_value());
    BOOST_REQUIRE((*other)->begin().has_value());  // BEGIN IMMEDIATE: nobody else writes
    BOOST_TEST(l.goes_on(100));
    BOOST_TEST(spool_figure(b, "engaged") == "true");
    (*other)->rollback();
  }
  BOOST_TEST(l.goes_on(50));
  l.stop();
  BOOST_TEST(settled(b), b.log());
  const auto v = compare(l.edits(), journal_of(sqlite_at(file)));
  BOOST_TEST(v.missing == 0, v.first);
  BOOST_TEST(v.doubled == 0, v.first);
  BOOST_TEST(v.disordered == 0, v.first);
  BOOST_TEST(l.slowest() < 10s);
}

}  // namespace pb::outage
