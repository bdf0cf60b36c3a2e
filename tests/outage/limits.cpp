// When what is kept is kept on a disk with an end: spool, touched set, and what is left after both.
#define BOOST_TEST_NO_MAIN
#include <boost/test/unit_test.hpp>
#include <set>

#include "tests/outage/cluster.hpp"
#include "tests/outage/loader.hpp"

namespace pb::outage {
namespace {

struct stage {
  cluster server;
  app::testing::plane_side plane;
  app::testing::bridge b;
  std::vector<std::string> items;

  stage() {
    plane.configure(b);
    b.environment["DATABASE_URL"] = server.url();
    b.environment["PLANEBRIDGE_STORE_DATA_DIR"] = b.folder().path();
    b.environment["PLANEBRIDGE_STORE_SPOOL_AFTER_MS"] = "500";
    b.environment["PLANEBRIDGE_SERVER_ACCESS_LOG"] = "false";
    b.environment["PLANEBRIDGE_PLANE_POLL_INTERVAL_S"] = "86400";
    b.environment["PLANEBRIDGE_PLANE_SCAN_INTERVAL_S"] = "604800";
    for (int n = 0; n < 8; ++n) items.push_back(plane.create("item " + std::to_string(n), ""));
  }
  load_options sending() const {
    load_options o;
    o.items = items;
    o.items_each = 2;
    o.project = plane.project();
    return o;
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_full_spool_keeps_ids_the_answer_stays_200_and_the_items_are_read_later) {
  stage t;
  t.b.environment["PLANEBRIDGE_STORE_SPOOL_MAX_MB"] = "1";
  t.b.start();
  auto o = t.sending();
  o.body_bytes = 30'000;
  load l{t.b, o};
  BOOST_TEST(l.goes_on(20));
  t.server.halt("fast");
  BOOST_TEST(app::testing::eventually(60s, [&] { return spool_figure(t.b, "touched") == "8"; }));
  BOOST_TEST(l.goes_on(50));
  BOOST_TEST(t.b.get("/readyz").status == 200);
  const auto metrics = app::testing::ask({.url = t.b.url() + "/metrics"}).body;
  BOOST_TEST(metrics.find("planebridge_touched_entities 8") != std::string::npos, metrics);
  BOOST_TEST(metrics.find("planebridge_spool_engaged 1") != std::string::npos);
  l.stop();
  t.server.resume();
  BOOST_TEST(settled(t.b), t.b.log());
  BOOST_TEST(l.errors() == 0);
  BOOST_TEST(spool_figure(t.b, "touched") == "0");
  BOOST_TEST(spool_figure(t.b, "refused") == "0");
  const auto v = compare(l.edits(), journal_of(postgres_at(t.server.url())));
  BOOST_TEST(v.doubled == 0, v.first);
  BOOST_TEST(v.disordered == 0, v.first);
  BOOST_TEST(v.missing > 0);
  // Whatever is not in the journal is an item that was read.
  const auto reads = touched_in(postgres_at(t.server.url()));
  const std::set<std::string> read{reads.begin(), reads.end()};
  for (const auto& [item, n] : v.missing_of) BOOST_TEST(read.contains(item), item);
  const auto ends = t.server.rows(
      "SELECT DISTINCT reason FROM deliveries WHERE form = 'plane.touch' AND event = "
      "'issue.touched'");
  // What was read may be what is known already.
  for (const auto& how : ends)
    BOOST_TEST((how.find("read") != std::string::npos || how == "absorbed: echo-by-value"), how);
}

BOOST_AUTO_TEST_CASE(with_nothing_durable_left_plane_gets_no_answer_and_repeats) {
  stage t;
  t.b.environment["PLANEBRIDGE_STORE_SPOOL_MAX_MB"] = "0";
  t.b.environment["PLANEBRIDGE_STORE_TOUCHED_MAX"] = "0";
  t.b.start();
  load l{t.b, t.sending()};
  BOOST_TEST(l.goes_on(20));
  t.server.halt("fast");
  BOOST_TEST(app::testing::eventually(30s, [&] { return spool_figure(t.b, "engaged") == "true"; }));
  const int before = l.acknowledged();
  BOOST_TEST(app::testing::eventually(30s, [&] { return l.unanswered() > 20; }));
  BOOST_TEST(l.acknowledged() <= before + 4);  // what was under way
  BOOST_TEST(t.b.get("/readyz").status == 503);
  const auto other = t.b.get("/api/v1/deliveries");
  BOOST_TEST(other.status == 503);
  BOOST_TEST(!other.field("Retry-After").empty());
  t.server.resume();
  BOOST_TEST(l.goes_on(50));
  l.stop();
  BOOST_TEST(settled(t.b), t.b.log());
  BOOST_TEST(l.errors() == 0);
  const auto v = compare(l.edits(), journal_of(postgres_at(t.server.url())));
  BOOST_TEST(v.missing == 0, v.first);
  BOOST_TEST(v.doubled == 0, v.first);
  BOOST_TEST(v.disordered == 0, v.first);
}

}  // namespace pb::outage

int main(int argc, char** argv) {
  if (!pb::outage::postgres_installed()) return 77;
  return boost::unit_test::unit_test_main([] { return true; }, argc, argv);
}
