// Who plans when much waits: one item's deliveries together, few items in a burst, and none that
// holds up the others.
#define BOOST_TEST_MODULE actors_planning
#include <boost/test/unit_test.hpp>
#include <set>

#include "world.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;
using persistence::delivery_status;

namespace {

/// A world whose store takes its time, so that deliveries come together.
struct busy_world : world {
  busy_world() {
    settings.calendar.url.clear();  // plans only
    start();
    run_for(10s);
    store_delay = [] { return 100ms; };
  }
  static bool plans(const persistence::write& unit) { return !unit.entities.empty(); }
};

}  // namespace

BOOST_AUTO_TEST_CASE(all_that_waits_for_one_item_is_planned_in_one_transaction) {
  busy_world w;
  std::vector<std::vector<std::int64_t>> units;
  w.on_submit = [&](const persistence::write& unit) {
    if (!busy_world::plans(unit)) return;
    BOOST_TEST(unit.entities.size() == 1u);
    auto& seqs = units.emplace_back();
    for (const auto& m : unit.marks) seqs.push_back(m.seq);
    BOOST_TEST(unit.entities.front().cursor == seqs.back());
  };
  const auto item = w.create("Item", "2026-12-04");
  for (int day = 10; day < 30; ++day) w.move_to(item, "2026-12-" + std::to_string(day));
  BOOST_TEST(w.settle());
  const auto all = w.deliveries(item);
  BOOST_REQUIRE(all.size() >= 21u);
  std::vector<std::int64_t> planned;
  std::size_t largest = 0;
  for (const auto& u : units) {
    planned.insert(planned.end(), u.begin(), u.end());
    largest = std::max(largest, u.size());
  }
  // Each once, in journal order, and far fewer transactions than deliveries.
  std::vector<std::int64_t> journal;
  for (const auto& d : all) journal.push_back(d.seq);
  BOOST_TEST((planned == journal));
  BOOST_TEST(largest >= 5u);
  BOOST_TEST(units.size() <= all.size() / 2);
}

BOOST_AUTO_TEST_CASE(one_that_cannot_be_committed_takes_no_other_of_its_item_with_it) {
  busy_world w;
  std::int64_t poisoned = 0;
  unsigned thrown = 0;
  w.on_submit = [&](const persistence::write& unit) {
    if (!busy_world::plans(unit)) return;
    if (poisoned == 0 && unit.marks.size() >= 3) poisoned = unit.marks[1].seq;
    for (const auto& m : unit.marks)
      if (m.seq == poisoned && m.status != delivery_status::dead) {
        ++thrown;
        throw std::runtime_error("a bug in planning");
      }
  };
  const auto item = w.create("Item", "2026-12-04");
  for (int day = 10; day < 20; ++day) w.move_to(item, "2026-12-" + std::to_string(day));
  BOOST_TEST(w.settle(10min));
  BOOST_REQUIRE(poisoned != 0);
  BOOST_TEST(thrown == 3u);
  for (const auto& d : w.deliveries(item))
    BOOST_TEST((d.status == delivery_status::dead) == (d.seq == poisoned),
               d.seq << " " << d.reason);
}

BOOST_AUTO_TEST_CASE(in_a_burst_few_items_plan_at_first_and_more_the_longer_it_lasts) {
  busy_world w;
  constexpr std::size_t items = 900, at_most = 256;
  std::size_t accepted = 0, begun = 0, under_way = 0, most = 0, too_many = 0, late_most = 0;
  std::optional<timestamp> first;
  w.on_submit = [&](const persistence::write& unit) {
    if (!busy_world::plans(unit)) return;
    ++begun;
    most = std::max(most, ++under_way);
    const auto waiting = accepted - begun;
    if (begun <= at_most || waiting < at_most) return;
    const auto steps = (w.now() - *first) / 500ms;
    too_many += under_way > static_cast<std::size_t>(8 * (1 + steps * steps));
    if (steps >= 1) late_most = std::max(late_most, under_way);
  };
  w.on_commit = [&](const persistence::write& unit, const result<persistence::written>& done) {
    BOOST_REQUIRE(done.has_value());
    if (busy_world::plans(unit)) --under_way;
    for (const auto& a : unit.appends)
      if (a.row.form == "plane.webhook") {
        if (!first) first = a.row.received_at;
        ++accepted;
      }
  };
  for (std::size_t n = 0; n < items; ++n) w.create("Item " + std::to_string(n), "2026-12-04");
  BOOST_TEST(w.settle());
  BOOST_TEST(accepted == items);
  BOOST_TEST(begun == items);
  BOOST_TEST(most <= at_most);
  BOOST_TEST(too_many == 0u);
  BOOST_TEST(late_most > 8u);  // it opens
}

BOOST_AUTO_TEST_CASE(an_item_with_hundreds_of_deliveries_keeps_no_other_waiting) {
  busy_world w;
  const auto hot = w.create("Hot", "2026-12-04");
  BOOST_REQUIRE(w.settle());
  for (int n = 0; n < 300; ++n) w.edit(hot, R"({"name":"Hot )" + std::to_string(n) + "\"}");
  const auto other = w.create("Other", "2026-12-05");
  const auto finished = [&](const std::string& item) {
    const auto all = w.deliveries(item);
    return !all.empty() && std::none_of(all.begin(), all.end(), [](const auto& d) {
      return d.status == delivery_status::pending;
    });
  };
  BOOST_TEST(w.run_until([&] { return finished(other); }, 2s));
  BOOST_TEST(!finished(hot));
  BOOST_TEST(w.settle());
}
