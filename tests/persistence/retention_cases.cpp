// Retention on either engine: what goes, and what never does.
#include <boost/test/unit_test.hpp>
#include <future>

#include "tests/persistence/scratch_database.hpp"

namespace pb::persistence::testing {
namespace {

std::int64_t retain(store& s, retention_limits limits) {
  std::promise<result<std::int64_t>> p;
  s.retain(limits, [&](result<std::int64_t> n) { p.set_value(std::move(n)); });
  const auto n = p.get_future().get();
  BOOST_REQUIRE(n.has_value());
  return *n;
}

effect finished(std::int64_t id, effect_status status, timestamp when) {
  effect e;
  e.id = id;
  e.entity = entity_key{"plane:issue:1"};
  e.status = status;
  e.cause = id >> 8;
  e.created_at = when;
  if (status != effect_status::waiting && status != effect_status::dead) e.finished_at = when;
  return e;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(keeping)

BOOST_AUTO_TEST_CASE(finished_deliveries_go_after_their_days_and_unfinished_or_dead_ones_never) {
  scratch_database db;
  auto s = db.open();
  const timestamp old = at(1000), now = old + std::chrono::days{8};
  write w;
  for (int i = 0; i < 6; ++i) w.appends.push_back(arriving("x", {"i" + std::to_string(i)}));
  w.appends[5].row.received_at = now;
  must_write(*s, std::move(w));
  write marks;
  marks.marks = {{1, delivery_status::done, "", 0},
                 {2, delivery_status::ignored, "", 0},
                 {3, delivery_status::skipped, "", 0},
                 {4, delivery_status::dead, "", 0},
                 {6, delivery_status::done, "", 0}};
  must_write(*s, std::move(marks));
  BOOST_TEST(retain(*s, {now, 9, 30}) == 0);
  BOOST_TEST(retain(*s, {now, 7, 30}) == 3);
  const auto left = must_read(*s, [](reader& r) { return r.deliveries({}, {}); });
  BOOST_REQUIRE(left.size() == 3u);
  BOOST_TEST(left[0].seq == 4);
  BOOST_TEST(left[1].seq == 5);
  BOOST_TEST(left[2].seq == 6);
  // The identity outlives the body: the same happening is still known.
  const auto again = must_write(*s, unit_of(arriving("x", {"i0"})));
  BOOST_TEST(again.appends.at(0).duplicate);
  BOOST_TEST(again.appends.at(0).seq == 1);
  BOOST_TEST(retain(*s, {old + std::chrono::days{31}, 7, 30}) > 0);
  BOOST_TEST(!must_write(*s, unit_of(arriving("x", {"i0"}))).appends.at(0).duplicate);
  BOOST_TEST(must_read(*s, [](reader& r) { return r.counts(); }).dead_deliveries == 1);
}

BOOST_AUTO_TEST_CASE(
    finished_effects_go_with_their_attempts_and_waiting_or_dead_ones_hold_their_delivery) {
  scratch_database db;
  auto s = db.open();
  const timestamp old = at(1000), now = old + std::chrono::days{8};
  write w;
  for (int i = 0; i < 4; ++i) w.appends.push_back(arriving("x", {}));
  must_write(*s, std::move(w));
  write plan;
  for (std::int64_t seq = 1; seq <= 3; ++seq)
    plan.marks.push_back({seq, delivery_status::done, "", 0});
  plan.marks.push_back({4, delivery_status::dead, "", 0});
  plan.effects = {
      finished(256, effect_status::done, old),      finished(257, effect_status::superseded, old),
      finished(258, effect_status::cancelled, old), finished(512, effect_status::waiting, old),
      finished(513, effect_status::done, old),      finished(768, effect_status::dead, old),
      finished(1024, effect_status::done, old),     finished(259, effect_status::done, now)};
  for (const effect& e : plan.effects)
    plan.attempts.push_back({e.id, 1, old, {}, 200, "none", "", ""});
  provenance p;
  p.effect = 256;
  p.entity = entity_key{"plane:issue:1"};
  plan.provenances = {p};
  link_row l;
  l.entity = p.entity;
  l.integration = "caldav";
  l.object = "uid";
  plan.links = {l};
  must_write(*s, std::move(plan));

  retain(*s, {now, 7, 30});
  std::vector<std::int64_t> ids, seqs;
  for (const auto& e : must_read(*s, [](reader& r) { return r.effects({}, {}); }))
    ids.push_back(e.id);
  for (const auto& d : must_read(*s, [](reader& r) { return r.deliveries({}, {}); }))
    seqs.push_back(d.seq);
  // 1024 belongs to a dead letter, 512 waits, 768 is dead, 259 is new.
  BOOST_TEST((ids == std::vector<std::int64_t>{259, 512, 768, 1024}));
  BOOST_TEST((seqs == std::vector<std::int64_t>{2, 3, 4}));
  BOOST_TEST(db.number("SELECT COUNT(*) FROM attempts") == 4);
  BOOST_TEST(must_read(*s, [](reader& r) {
               return r.provenance_of(entity_key{"plane:issue:1"}, 9);
             }).size() == 1u);
  BOOST_TEST(must_read(*s, [](reader& r) { return r.links_of("caldav", "", 9); }).size() == 1u);
}

BOOST_AUTO_TEST_CASE(many_rows_go_in_bounded_slices) {
  scratch_database db;
  auto s = db.open();
  for (int batch = 0; batch < 3; ++batch) {
    write w;
    for (int i = 0; i < 400; ++i) {
      auto a = arriving("x", {std::to_string(batch) + "-" + std::to_string(i)});
      a.row.status = delivery_status::ignored;
      w.appends.push_back(a);
    }
    must_write(*s, std::move(w));
  }
  BOOST_TEST(retain(*s, {at(1000) + std::chrono::days{60}, 7, 30}) == 2400);
  BOOST_TEST(db.number("SELECT COUNT(*) FROM deliveries") == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace pb::persistence::testing
