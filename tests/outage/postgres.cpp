// A real PostgreSQL that stops, freezes, fills up, refuses to write, answers late or not at all, or
// moves, while webhooks keep coming: what was acknowledged is in the journal once and in order.
#define BOOST_TEST_NO_MAIN
#include <boost/test/unit_test.hpp>
#include <iostream>

#include "tests/outage/cluster.hpp"
#include "tests/outage/cutting_proxy.hpp"
#include "tests/outage/loader.hpp"
#include "tests/outage/small_disk.hpp"

namespace pb::outage {
namespace {

struct stage {
  app::testing::bridge b;
  std::string url;

  explicit stage(const std::string& database_url) : url(database_url) {
    b.environment["DATABASE_URL"] = url;
    b.environment["PLANEBRIDGE_STORE_DATA_DIR"] = b.folder().path();
    b.environment["PLANE_WEBHOOK_SECRET"] = app::testing::webhook_secret;
    b.environment["PLANEBRIDGE_STORE_SPOOL_AFTER_MS"] = "500";
    b.environment["PLANEBRIDGE_SERVER_ACCESS_LOG"] = "false";
    b.start();
  }
  /// The load has ended and the database is there: everything that was acknowledged is in it.
  void check(load& l) {
    l.stop();
    const bool done = settled(b);
    const auto log = b.log();
    BOOST_TEST(done, log.substr(log.size() > 4000 ? log.size() - 4000 : 0));
    const auto v = compare(l.edits(), journal_of(postgres_at(url)));
    BOOST_TEST(v.missing == 0, v.first);
    BOOST_TEST(v.doubled == 0, v.first);
    BOOST_TEST(v.disordered == 0, v.first);
    BOOST_TEST(l.errors() == 0);
    std::cerr << boost::unit_test::framework::current_test_case().p_name.get() << ": acknowledged "
              << l.acknowledged() << ", rows " << v.rows << ", unanswered " << l.unanswered()
              << ", slowest answer " << l.slowest().count() << " ms, spooled "
              << spool_figure(b, "spooled") << ", drained " << spool_figure(b, "drained") << "\n";
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_server_that_is_stopped_and_started_again_loses_and_doubles_nothing) {
  cluster server;
  for (const char* how : {"fast", "immediate"}) {
    stage t{server.url()};
    load l{t.b};
    BOOST_TEST(l.goes_on(100));
    server.halt(how);
    BOOST_TEST(l.goes_on(100), how);  // acknowledged, with no database
    BOOST_TEST(spool_figure(t.b, "engaged") == "true");
    BOOST_TEST(t.b.get("/readyz").status == 200);
    BOOST_TEST(app::testing::text_at(t.b.json("/api/v1/health"), "/error/details/status") ==
               "down");
    const auto list = t.b.get("/api/v1/deliveries");  // what needs the database says so
    BOOST_TEST(list.status == 503);
    BOOST_TEST(!list.field("Retry-After").empty());
    server.resume();
    BOOST_TEST(l.goes_on(100));
    t.check(l);
    BOOST_TEST(t.b.stop() == 0);
    server.run("DROP SCHEMA public CASCADE");
    server.run("CREATE SCHEMA public");
  }
}

BOOST_AUTO_TEST_CASE(a_server_that_stands_still_keeps_nobody_waiting) {
  cluster server;
  stage t{server.url()};
  load l{t.b};
  BOOST_TEST(l.goes_on(100));
  server.freeze();
  BOOST_TEST(l.goes_on(200));
  server.thaw();
  BOOST_TEST(l.goes_on(100));
  t.check(l);
  BOOST_TEST(l.slowest() < 10s);  // Plane gives up after 30 s
}

BOOST_AUTO_TEST_CASE(a_killed_daemon_brings_home_what_it_acknowledged_without_a_database) {
  cluster server;
  stage t{server.url()};
  load l{t.b};
  BOOST_TEST(l.goes_on(50));
  server.halt("immediate");
  BOOST_TEST(l.goes_on(100));
  t.b.kill();
  server.resume();
  t.b.start();  // the senders have repeated what had no answer all the while
  BOOST_TEST(l.goes_on(100));
  t.check(l);
}

BOOST_AUTO_TEST_CASE(a_server_whose_disk_is_full_is_waited_for) {
  const small_disk disk{200};
  if (!disk.mounted()) return;
  cluster server{disk.path() + "/pg"};
  stage t{server.url()};
  load_options o;
  o.body_bytes = 20'000;  // so that the disk is full soon
  load l{t.b, o};
  BOOST_TEST(l.goes_on(50));
  disk.fill();
  BOOST_TEST(app::testing::eventually(60s, [&] { return spool_figure(t.b, "engaged") == "true"; }));
  BOOST_TEST(l.goes_on(50));
  disk.empty();
  // It may have gone down altogether for want of room for its log.
  try {
    server.resume();
  } catch (const std::exception&) {
  }
  BOOST_TEST(l.goes_on(50));
  t.check(l);
}

BOOST_AUTO_TEST_CASE(a_server_that_refuses_to_write_is_away) {
  cluster server;
  stage t{server.url()};
  load l{t.b};
  BOOST_TEST(l.goes_on(50));
  server.run("ALTER SYSTEM SET default_transaction_read_only = on");
  server.run("SELECT pg_reload_conf()");
  BOOST_TEST(app::testing::eventually(30s, [&] { return spool_figure(t.b, "engaged") == "true"; }));
  BOOST_TEST(l.goes_on(100));
  server.run("ALTER SYSTEM RESET default_transaction_read_only");
  server.run("SELECT pg_reload_conf()");
  BOOST_TEST(l.goes_on(50));
  t.check(l);
}

BOOST_AUTO_TEST_CASE(commits_whose_answer_is_lost_on_the_way_double_nothing) {
  cluster server;
  cutting_proxy way{server.port()};
  stage t{"postgresql://postgres@127.0.0.1:" + std::to_string(way.port()) + "/postgres"};
  load l{t.b};
  for (int round = 0; round < 10; ++round) {
    way.cut_commits(1 + round % 3);
    BOOST_TEST(app::testing::eventually(30s, [&] { return way.left() == 0; }));
    BOOST_TEST(l.goes_on(20));
  }
  // And with the database out of reach before it can be asked what became of it.
  way.cut_commits(1);
  BOOST_TEST(app::testing::eventually(30s, [&] { return way.left() == 0; }));
  way.refuse(true);
  BOOST_TEST(l.goes_on(50));
  way.refuse(false);
  BOOST_TEST(l.goes_on(50));
  t.check(l);
}

BOOST_AUTO_TEST_CASE(a_query_that_does_not_end_keeps_nobody_waiting) {
  cluster server;
  stage t{server.url()};
  load l{t.b};
  BOOST_TEST(l.goes_on(50));
  {
    persistence::postgres_options o;
    o.url = secret{server.url()};
    auto other = persistence::connect_postgres(o);
    BOOST_REQUIRE(other.has_value());
    BOOST_REQUIRE((*other)->begin().has_value());
    BOOST_REQUIRE(
        (*other)->query("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE", {}).has_value());
    BOOST_TEST(l.goes_on(100));
    BOOST_TEST(spool_figure(t.b, "engaged") == "true");
    (*other)->rollback();
  }
  BOOST_TEST(l.goes_on(50));
  t.check(l);
  BOOST_TEST(l.slowest() < 10s);
}

BOOST_AUTO_TEST_CASE(a_failover_to_a_server_on_another_port_loses_and_doubles_nothing) {
  cluster primary;
  auto standby = cluster::standby_of(primary);
  stage t{"postgresql://postgres@" + primary.host() + "," + standby.host() +
          "/postgres?target_session_attrs=read-write"};
  load l{t.b};
  BOOST_TEST(l.goes_on(100));
  primary.halt("immediate");
  BOOST_TEST(l.goes_on(100));  // the standby does not take writes yet
  standby.promote();
  BOOST_TEST(l.goes_on(100));
  t.check(l);
}

}  // namespace pb::outage

int main(int argc, char** argv) {
  if (!pb::outage::postgres_installed()) return 77;
  return boost::unit_test::unit_test_main([] { return true; }, argc, argv);
}
