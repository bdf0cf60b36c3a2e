// Queries on either engine: order, pages, filters.
#include <boost/test/unit_test.hpp>

#include "tests/persistence/scratch_database.hpp"

namespace pb::persistence::testing {
namespace {

std::vector<std::int64_t> seqs_of(const std::vector<delivery>& all) {
  std::vector<std::int64_t> out;
  for (const auto& d : all) out.push_back(d.seq);
  return out;
}
using numbers = std::vector<std::int64_t>;

}  // namespace

BOOST_AUTO_TEST_SUITE(reading)

BOOST_AUTO_TEST_CASE(pending_deliveries_replay_in_journal_order_page_by_page) {
  scratch_database db;
  auto s = db.open();
  write w;
  for (int i = 0; i < 10; ++i)
    w.appends.push_back(arriving(std::to_string(i), {}, "plane:issue:" + std::to_string(i % 2)));
  must_write(*s, std::move(w));
  write done;
  done.marks = {{3, delivery_status::done, "", 0},
                {4, delivery_status::ignored, "", 0},
                {5, delivery_status::dead, "", 0}};
  must_write(*s, std::move(done));
  const auto page = [&](std::int64_t after, std::size_t limit) {
    return seqs_of(must_read(*s, [&](reader& r) { return r.pending({after, limit}); }));
  };
  BOOST_TEST((page(0, 4) == numbers{1, 2, 6, 7}));
  BOOST_TEST((page(7, 4) == numbers{8, 9, 10}));
  BOOST_TEST((page(10, 4) == numbers{}));
  const auto of_one =
      must_read(*s, [](reader& r) { return r.pending_of(entity_key{"plane:issue:1"}, 3); });
  BOOST_TEST((seqs_of(of_one) == numbers{2, 6, 8}));
}

BOOST_AUTO_TEST_CASE(deliveries_are_listed_by_every_filter_together) {
  scratch_database db;
  auto s = db.open();
  write w;
  for (int i = 0; i < 6; ++i) {
    auto a = arriving("x", {}, "plane:issue:" + std::to_string(i % 3));
    if (i >= 3) a.row.event = "issue.deleted";
    if (i == 5) a.row.source = "caldav";
    w.appends.push_back(a);
  }
  must_write(*s, std::move(w));
  const auto list = [&](const delivery_filter& f, page_of p = {}) {
    return seqs_of(must_read(*s, [&](reader& r) { return r.deliveries(f, p); }));
  };
  BOOST_TEST((list({}) == numbers{1, 2, 3, 4, 5, 6}));
  BOOST_TEST((list({}, {2, 2}) == numbers{3, 4}));
  delivery_filter by_event;
  by_event.event = "issue.deleted";
  BOOST_TEST((list(by_event) == numbers{4, 5, 6}));
  by_event.source = "plane";
  BOOST_TEST((list(by_event) == numbers{4, 5}));
  by_event.entity = "plane:issue:1";
  by_event.status = delivery_status::pending;
  BOOST_TEST((list(by_event) == numbers{5}));
  by_event.status = delivery_status::dead;
  BOOST_TEST((list(by_event) == numbers{}));
}

BOOST_AUTO_TEST_CASE(due_entities_come_oldest_first_and_only_for_waiting_effects) {
  scratch_database db;
  auto s = db.open();
  write w;
  const auto add = [&](std::int64_t id, const char* entity, std::int64_t due,
                       effect_status status) {
    effect e;
    e.id = id;
    e.entity = entity_key{entity};
    e.due_at = at(due);
    e.created_at = at(due - 1);
    e.status = status;
    w.effects.push_back(e);
  };
  add(1, "plane:issue:late", 30, effect_status::waiting);
  add(2, "plane:issue:early", 10, effect_status::waiting);
  add(3, "plane:issue:late", 20, effect_status::waiting);
  add(4, "plane:issue:future", 99, effect_status::waiting);
  add(5, "plane:issue:dead", 5, effect_status::dead);
  add(6, "plane:issue:shadow", 5, effect_status::withheld);
  must_write(*s, std::move(w));
  const auto due = [&](std::int64_t now, std::size_t limit) {
    std::vector<std::string> out;
    for (const auto& k : must_read(*s, [&](reader& r) { return r.due_entities(at(now), limit); }))
      out.push_back(k.text());
    return out;
  };
  using texts = std::vector<std::string>;
  BOOST_TEST((due(40, 9) == texts{"plane:issue:early", "plane:issue:late"}));
  BOOST_TEST((due(20, 9) == texts{"plane:issue:early", "plane:issue:late"}));
  BOOST_TEST((due(19, 9) == texts{"plane:issue:early"}));
  BOOST_TEST((due(9, 9) == texts{}));
  BOOST_TEST((due(99, 1) == texts{"plane:issue:early"}));
  const auto counts = must_read(*s, [](reader& r) { return r.counts(); });
  BOOST_TEST(counts.waiting_effects == 4);
  BOOST_TEST(counts.dead_effects == 1);
  BOOST_TEST((counts.oldest_waiting == at(9)));
  BOOST_TEST(!counts.oldest_pending.has_value());
  effect_filter dead;
  dead.status = effect_status::dead;
  BOOST_TEST(must_read(*s, [&](reader& r) { return r.effects(dead, {}); }).size() == 1u);
  effect_filter late;
  late.entity = "plane:issue:late";
  BOOST_TEST(must_read(*s, [&](reader& r) { return r.effects(late, {1, 9}); }).at(0).id == 3);
}

BOOST_AUTO_TEST_CASE(links_and_entities_page_in_the_order_of_bytes) {
  scratch_database db;
  auto s = db.open();
  write w;
  for (const char* name : {"b", "a", "B", "é", "中"}) {
    entity_row e;
    e.key = entity_key{std::string{"plane:issue:"} + name};
    e.parent = name[0] == 'B' ? "other" : "project";
    w.entities.push_back(e);
    link_row l;
    l.entity = e.key;
    l.integration = "caldav";
    l.object = name;
    w.links.push_back(l);
  }
  link_row elsewhere;
  elsewhere.entity = entity_key{"plane:issue:a"};
  elsewhere.integration = "lark";
  elsewhere.object = "a";
  w.links.push_back(elsewhere);
  must_write(*s, std::move(w));
  std::string seen;
  std::string after;
  while (true) {
    const auto page = must_read(*s, [&](reader& r) { return r.links_of("caldav", after, 2); });
    if (page.empty()) break;
    for (const auto& l : page) seen += l.object;
    after = page.back().object;
  }
  BOOST_TEST(seen == "Babé中");
  seen.clear();
  after.clear();
  while (true) {
    const auto page = must_read(*s, [&](reader& r) { return r.entities_of("project", after, 2); });
    if (page.empty()) break;
    for (const auto& e : page) seen += e.key.id();
    after = page.back().key.text();
  }
  BOOST_TEST(seen == "abé中");
  BOOST_TEST(must_read(*s, [](reader& r) { return r.entities_of("", "", 99); }).size() == 5u);
}

BOOST_AUTO_TEST_CASE(what_the_actors_ask_often_never_scans_what_is_finished) {
  scratch_database db;
  auto s = db.open();
  const bool sqlite = engine_under_test == config::database_target::engine::sqlite;
  auto c = db.session();
  if (!sqlite) BOOST_REQUIRE(c->script("SET enable_seqscan = off").has_value());
  const std::vector<std::pair<std::string, std::string>> asked{
      {"SELECT b.body FROM open_deliveries o JOIN deliveries d ON d.seq = o.seq JOIN bodies b ON "
       "b.seq = d.seq WHERE o.status = 0 AND o.seq > 5 ORDER BY o.seq LIMIT 5",
       sqlite ? "SEARCH o USING PRIMARY KEY" : "open_deliveries_pkey"},
      {"SELECT d.seq FROM deliveries d WHERE d.entity = 'e' AND d.seq >= (SELECT MIN(seq) FROM "
       "open_deliveries WHERE status = 0) AND d.status = 0 ORDER BY d.seq LIMIT 5",
       "deliveries_entity"},
      {"SELECT COUNT(*) FROM open_deliveries WHERE status = 0",
       sqlite ? "SEARCH open_deliveries USING PRIMARY KEY" : "open_deliveries_pkey"},
      {"SELECT COUNT(*) FROM effects WHERE status = 2", "effects_dead"},
      {"SELECT entity FROM (SELECT entity, due_at FROM effects WHERE status = 0 AND due_at <= 5 "
       "ORDER BY due_at LIMIT 100000) AS due GROUP BY entity",
       "effects_due"}};
  for (const auto& [sql, index] : asked) {
    const auto plan = c->query((sqlite ? "EXPLAIN QUERY PLAN " : "EXPLAIN ") + sql, {});
    BOOST_REQUIRE(plan.has_value());
    std::string text;
    for (const auto& r : *plan)
      for (const auto& part : r) text += part.data + "\n";
    BOOST_TEST(text.find(index) != text.npos, sql << "\n" << text);
    BOOST_TEST(text.find("SCAN d ") == text.npos, sql << "\n" << text);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace pb::persistence::testing
