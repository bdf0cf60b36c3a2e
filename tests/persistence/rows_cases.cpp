// Entities, effects, links and the rest on either engine: whole rows, written again in place.
#include <boost/test/unit_test.hpp>
#include <future>

#include "tests/persistence/scratch_database.hpp"

namespace pb::persistence::testing {
namespace {

effect some_effect(std::int64_t id, const std::string& entity) {
  effect e;
  e.id = id;
  e.entity = entity_key{entity};
  e.integration = "caldav";
  e.kind = effect_class::digest;
  e.operation = "caldav.put_event";
  e.object = "uid-1";
  e.revision = 7;
  e.payload = R"({"a":"中"})";
  e.idempotency_key = "key-1";
  e.rule = "due-date";
  e.attempts = 3;
  e.created_at = at(10);
  e.due_at = at(20);
  e.cause = id >> 8;
  e.last_error = "upstream_down";
  e.remote_id = "/cal/1.ics";
  return e;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rows)

BOOST_AUTO_TEST_CASE(an_entity_is_read_with_its_links_and_unfinished_effects) {
  scratch_database db;
  auto s = db.open();
  const entity_key key{"plane:issue:1"};
  write w;
  entity_row e;
  e.key = key;
  e.parent = "project-1";
  e.cursor = 42;
  e.known = R"({"name":"n"})";
  e.tombstone = true;
  e.changed_at = at(5);
  e.source_time = "2026-11-21T07:10:48Z";
  w.entities = {e};
  link_row l;
  l.entity = key;
  l.integration = "caldav";
  l.object = "uid-1";
  l.remote_id = "/cal/1.ics";
  l.state = "live";
  l.base = "{}";
  l.changed_at = at(6);
  w.links = {l};
  w.effects = {some_effect(300, key.text()),      some_effect(256, key.text()),
               some_effect(257, key.text()),      some_effect(258, key.text()),
               some_effect(259, "plane:issue:2"), some_effect(260, key.text())};
  w.effects[2].status = effect_status::done;
  w.effects[2].finished_at = at(30);
  w.effects[3].status = effect_status::dead;
  w.effects[5].status = effect_status::withheld;
  must_write(*s, std::move(w));

  const auto state = must_read(*s, [&](reader& r) { return r.entity(key); });
  BOOST_REQUIRE(state.row.has_value());
  BOOST_TEST(state.row->key.text() == key.text());
  BOOST_TEST(state.row->tenant == "default");
  BOOST_TEST(state.row->parent == "project-1");
  BOOST_TEST(state.row->cursor == 42);
  BOOST_TEST(state.row->known == R"({"name":"n"})");
  BOOST_TEST(state.row->tombstone);
  BOOST_TEST(to_micros(state.row->changed_at) == to_micros(at(5)));
  BOOST_TEST(state.row->source_time == "2026-11-21T07:10:48Z");
  BOOST_REQUIRE(state.links.size() == 1u);
  BOOST_TEST(state.links[0].object == "uid-1");
  BOOST_TEST(state.links[0].remote_id == "/cal/1.ics");
  BOOST_TEST(state.links[0].state == "live");
  BOOST_TEST(state.links[0].base == "{}");
  BOOST_TEST(to_micros(state.links[0].changed_at) == to_micros(at(6)));
  std::vector<std::int64_t> ids;
  for (const auto& u : state.unfinished) ids.push_back(u.id);
  BOOST_TEST((ids == std::vector<std::int64_t>{256, 258, 260, 300}));

  const auto found = must_read(*s, [](reader& r) { return r.effect_by_id(257); });
  BOOST_REQUIRE(found.has_value());
  BOOST_TEST(found->integration == "caldav");
  BOOST_TEST((found->kind == effect_class::digest));
  BOOST_TEST(found->operation == "caldav.put_event");
  BOOST_TEST(found->object == "uid-1");
  BOOST_TEST(found->revision == 7);
  BOOST_TEST(found->payload == R"({"a":"中"})");
  BOOST_TEST(found->idempotency_key == "key-1");
  BOOST_TEST(found->rule == "due-date");
  BOOST_TEST((found->status == effect_status::done));
  BOOST_TEST(found->attempts == 3);
  BOOST_TEST(to_micros(found->created_at) == to_micros(at(10)));
  BOOST_TEST(to_micros(found->due_at) == to_micros(at(20)));
  BOOST_TEST(found->cause == 1);
  BOOST_TEST(found->last_error == "upstream_down");
  BOOST_TEST(found->remote_id == "/cal/1.ics");
  BOOST_TEST((found->finished_at == at(30)));
  BOOST_TEST(
      !must_read(*s, [](reader& r) { return r.effect_by_id(256); })->finished_at.has_value());
}

BOOST_AUTO_TEST_CASE(an_unknown_entity_is_empty) {
  scratch_database db;
  auto s = db.open();
  const auto state =
      must_read(*s, [](reader& r) { return r.entity(entity_key{"plane:issue:none"}); });
  BOOST_TEST(!state.row.has_value());
  BOOST_TEST(state.links.empty());
  BOOST_TEST(state.unfinished.empty());
  BOOST_TEST(!must_read(*s, [](reader& r) { return r.delivery_by_seq(7); }).has_value());
  BOOST_TEST(!must_read(*s, [](reader& r) { return r.state("none"); }).has_value());
}

BOOST_AUTO_TEST_CASE(
    an_entity_that_is_known_to_be_stored_is_updated_and_a_new_one_beside_it_inserted) {
  scratch_database db;
  auto s = db.open();
  const auto row = [](const std::string& id, std::int64_t cursor, bool stored) {
    entity_row e;
    e.key = entity_key{"plane:issue:" + id};
    e.cursor = cursor;
    e.parent = "project" + std::to_string(cursor);
    e.known = "{\"n\":" + std::to_string(cursor) + "}";
    e.source_time = "t" + std::to_string(cursor);
    e.tombstone = cursor % 2 == 0;
    e.changed_at = at(cursor);
    e.stored = stored;
    return e;
  };
  write first;
  first.entities = {row("1", 1, false)};
  must_write(*s, std::move(first));
  BOOST_TEST(
      must_read(*s, [](reader& r) { return r.entity(entity_key{"plane:issue:1"}); }).row->stored);
  write next;
  // Of "2", the first row is new in this very transaction.
  next.entities = {row("1", 2, true), row("2", 3, false), row("2", 4, true)};
  must_write(*s, std::move(next));
  for (const auto& [id, cursor] : {std::pair{"1", 2}, std::pair{"2", 4}}) {
    const auto found = must_read(*s, [id = std::string{id}](reader& r) {
                         return r.entity(entity_key{"plane:issue:" + id});
                       }).row;
    BOOST_REQUIRE(found.has_value());
    const auto wanted = row(id, cursor, true);
    BOOST_TEST(found->cursor == wanted.cursor);
    BOOST_TEST(found->parent == wanted.parent);
    BOOST_TEST(found->known == wanted.known);
    BOOST_TEST(found->source_time == wanted.source_time);
    BOOST_TEST(found->tombstone == wanted.tombstone);
    BOOST_TEST(to_micros(found->changed_at) == to_micros(wanted.changed_at));
  }
}

BOOST_AUTO_TEST_CASE(entities_that_are_loaded_together_are_what_each_is_alone) {
  scratch_database db;
  auto s = db.open();
  write w;
  for (const std::string id : {"a", "b", "c"}) {
    entity_row e;
    e.key = entity_key{"plane:issue:" + id};
    e.known = id;
    w.entities.push_back(e);
    for (const std::string object : {"2", "1"}) {
      link_row l;
      l.entity = e.key;
      l.integration = "caldav";
      l.object = id + object;
      w.links.push_back(l);
    }
    for (int n = 0; n < 6; ++n) {
      effect f = some_effect(1000 * (id[0] - 'a' + 1) - n, e.key.text());
      f.status = static_cast<effect_status>(n);
      w.effects.push_back(f);
    }
  }
  must_write(*s, std::move(w));
  // Asked for twice, unknown, and by a key that no database takes as it is.
  const std::vector<entity_key> keys{entity_key{"plane:issue:b"}, entity_key{"plane:issue:zz"},
                                     entity_key{"plane:issue:a"}, entity_key{"plane:issue:b"},
                                     entity_key{"plane:issue:\xff"}};
  const auto same = [](const entity_state& x, const entity_state& y) {
    const auto facts = [](const entity_state& e) {
      std::string out = e.row ? e.row->key.text() + e.row->known : "none";
      for (const auto& l : e.links) out += " " + l.object;
      for (const auto& f : e.unfinished) out += " " + std::to_string(f.id);
      return out;
    };
    BOOST_TEST(facts(x) == facts(y));
  };
  const auto together = must_read(*s, [&](reader& r) { return r.entities(keys); });
  BOOST_REQUIRE(together.size() == keys.size());
  std::vector<std::future<result<entity_state>>> loaded;
  for (const auto& key : keys) {
    auto p = std::make_shared<std::promise<result<entity_state>>>();
    loaded.push_back(p->get_future());
    s->load(key, [p](result<entity_state> e) { p->set_value(std::move(e)); });
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto alone = must_read(*s, [&](reader& r) { return r.entity(keys[i]); });
    same(together[i], alone);
    const auto by_itself = loaded[i].get();
    BOOST_REQUIRE(by_itself.has_value());
    same(*by_itself, alone);
  }
  BOOST_TEST(together[0].links.front().object == "b1");
  BOOST_TEST(together[0].unfinished.size() == 3u);
  BOOST_TEST(!together[1].row.has_value());
}

BOOST_AUTO_TEST_CASE(writing_a_row_again_replaces_it_also_within_one_unit) {
  scratch_database db;
  auto s = db.open();
  const entity_key key{"plane:issue:1"};
  for (int round = 0; round < 2; ++round) {
    write w;
    for (int i = 0; i < 3; ++i) {
      entity_row e;
      e.key = key;
      e.cursor = round * 10 + i;
      w.entities.push_back(e);
      effect f = some_effect(256, key.text());
      f.revision = round * 10 + i;
      w.effects.push_back(f);
      link_row l;
      l.entity = key;
      l.integration = "caldav";
      l.object = "uid";
      l.base = std::to_string(round * 10 + i);
      w.links.push_back(l);
      attempt a;
      a.effect = 256;
      a.number = 1;
      a.status = round * 10 + i;
      w.attempts.push_back(a);
      provenance p;
      p.effect = 256;
      p.entity = key;
      p.rule = std::to_string(round * 10 + i);
      w.provenances.push_back(p);
    }
    must_write(*s, std::move(w));
    const auto state = must_read(*s, [&](reader& r) { return r.entity(key); });
    const int last = round * 10 + 2;
    BOOST_TEST(state.row->cursor == last);
    BOOST_TEST(state.unfinished.at(0).revision == last);
    BOOST_TEST(state.links.at(0).base == std::to_string(last));
    BOOST_TEST(must_read(*s, [](reader& r) { return r.attempts_of(256); }).at(0).status == last);
    BOOST_TEST(must_read(*s, [&](reader& r) { return r.provenance_of(key, 9); }).at(0).rule ==
               std::to_string(last));
  }
}

BOOST_AUTO_TEST_CASE(marks_finish_deliveries_and_an_unknown_number_is_no_error) {
  scratch_database db;
  auto s = db.open();
  for (int i = 0; i < 3; ++i) must_write(*s, unit_of(arriving("x", {})));
  write w;
  w.marks = {{1, delivery_status::done, "applied", 1},
             {2, delivery_status::dead, "crashed", 3},
             {99, delivery_status::done, "", 0}};
  must_write(*s, std::move(w));
  const auto one = must_read(*s, [](reader& r) { return r.delivery_by_seq(1); });
  BOOST_TEST((one->status == delivery_status::done));
  BOOST_TEST(one->reason == "applied");
  BOOST_TEST(one->attempts == 1);
  const auto counts = must_read(*s, [](reader& r) { return r.counts(); });
  BOOST_TEST(counts.pending == 1);
  BOOST_TEST(counts.dead_deliveries == 1);
}

BOOST_AUTO_TEST_CASE(states_are_set_replaced_removed_and_listed_by_prefix) {
  scratch_database db;
  auto s = db.open();
  write w;
  w.states = {{"a.1", "one"},   {"a.2", "two"},       {"a.中", "three"},
              {"b.1", "other"}, {"a.2", "two again"}, {"a", "short"}};
  must_write(*s, std::move(w));
  write removal;
  removal.states = {{"a.1", std::nullopt}, {"missing", std::nullopt}};
  must_write(*s, std::move(removal));
  BOOST_TEST(!must_read(*s, [](reader& r) { return r.state("a.1"); }).has_value());
  BOOST_TEST(must_read(*s, [](reader& r) { return r.state("a.2"); }).value() == "two again");
  const auto listed = must_read(*s, [](reader& r) { return r.states("a."); });
  BOOST_REQUIRE(listed.size() == 2u);
  BOOST_TEST(listed[0].first == "a.2");
  BOOST_TEST(listed[1].second == "three");
  BOOST_TEST(must_read(*s, [](reader& r) { return r.states(""); }).size() == 4u);
  write both;
  both.states = {{"b.1", std::nullopt}, {"b.1", "back"}};
  must_write(*s, std::move(both));
  BOOST_TEST(must_read(*s, [](reader& r) { return r.state("b.1"); }).value() == "back");
}

BOOST_AUTO_TEST_CASE(credentials_keep_their_bytes) {
  scratch_database db;
  auto s = db.open();
  using namespace std::string_literals;
  write w;
  w.credentials = {{"default", "plane.oauth.bot", "0a1b2c3d", "\0\xff sealed"s, at(3)},
                   {"default", "other", "0a1b2c3d", "x", at(3)}};
  must_write(*s, std::move(w));
  const auto c =
      must_read(*s, [](reader& r) { return r.credential("default", "plane.oauth.bot"); });
  BOOST_REQUIRE(c.has_value());
  BOOST_TEST((c->sealed == "\0\xff sealed"s));
  BOOST_TEST(c->key_id == "0a1b2c3d");
  BOOST_TEST(must_read(*s, [](reader& r) { return r.credentials(); }).size() == 2u);
}

BOOST_AUTO_TEST_CASE(attempts_and_provenance_come_back_whole) {
  scratch_database db;
  auto s = db.open();
  write w;
  attempt a{256, 1, at(50), std::chrono::microseconds{1234}, 503, "upstream_down", "busy", "req-1"};
  attempt b{256, 2, at(51), std::chrono::microseconds{99}, 201, "none", "", "req-2"};
  w.attempts = {b, a};
  provenance p;
  p.effect = 256;
  p.entity = entity_key{"plane:issue:1"};
  p.integration = "caldav";
  p.operation = "caldav.put_event";
  p.object = "uid";
  p.remote_id = "/x.ics";
  p.rule = "due-date";
  p.cause = 1;
  p.at = at(60);
  w.provenances = {p};
  must_write(*s, std::move(w));
  const auto tries = must_read(*s, [](reader& r) { return r.attempts_of(256); });
  BOOST_REQUIRE(tries.size() == 2u);
  BOOST_TEST(tries[0].number == 1);
  BOOST_TEST(tries[0].took.count() == 1234);
  BOOST_TEST(tries[0].status == 503);
  BOOST_TEST(tries[0].code == "upstream_down");
  BOOST_TEST(tries[0].detail == "busy");
  BOOST_TEST(tries[0].request_id == "req-1");
  BOOST_TEST(to_micros(tries[0].started_at) == to_micros(at(50)));
  const auto why =
      must_read(*s, [](reader& r) { return r.provenance_of(entity_key{"plane:issue:1"}, 9); });
  BOOST_REQUIRE(why.size() == 1u);
  BOOST_TEST(why[0].operation == "caldav.put_event");
  BOOST_TEST(why[0].object == "uid");
  BOOST_TEST(why[0].remote_id == "/x.ics");
  BOOST_TEST(why[0].rule == "due-date");
  BOOST_TEST(why[0].cause == 1);
  BOOST_TEST(to_micros(why[0].at) == to_micros(at(60)));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace pb::persistence::testing
