// The journal on either engine: what is a duplicate, what order, what bytes.
#include <boost/test/unit_test.hpp>
#include <future>
#include <thread>

#include "base/digest.hpp"
#include "tests/persistence/scratch_database.hpp"

namespace pb::persistence::testing {

BOOST_AUTO_TEST_SUITE(journal)

BOOST_AUTO_TEST_CASE(a_delivery_gets_the_next_number_and_comes_back_whole) {
  scratch_database db;
  auto s = db.open();
  auto a = arriving("body", {"id-1"});
  a.row.remote_id = "a-header";
  a.row.status = delivery_status::dead;
  a.row.reason = "does not parse";
  a.row.attempts = 2;
  const auto w = must_write(*s, unit_of(a));
  BOOST_TEST(w.appends.at(0).seq == 1);
  BOOST_TEST(!w.appends.at(0).duplicate);
  const auto d = must_read(*s, [](reader& r) { return r.delivery_by_seq(1); });
  BOOST_REQUIRE(d.has_value());
  BOOST_TEST(d->tenant == "default");
  BOOST_TEST(d->source == "plane");
  BOOST_TEST(d->form == "plane.webhook");
  BOOST_TEST(d->event == "issue.updated");
  BOOST_TEST(d->entity.text() == "plane:issue:1");
  BOOST_TEST(*d->body == "body");
  BOOST_TEST(to_micros(d->received_at) == to_micros(at(1000)));
  BOOST_TEST((d->status == delivery_status::dead));
  BOOST_TEST(d->reason == "does not parse");
  BOOST_TEST(d->attempts == 2);
  BOOST_TEST(d->remote_id == "a-header");
}

BOOST_AUTO_TEST_CASE(any_known_identity_makes_a_duplicate_that_names_the_earlier_delivery) {
  scratch_database db;
  auto s = db.open();
  must_write(*s, unit_of(arriving("one", {"sender-1", "hash-1"})));
  for (const auto& identities : std::vector<std::vector<std::string>>{
           {"sender-1"}, {"hash-1"}, {"sender-2", "hash-1"}, {"sender-1", "hash-2"}}) {
    const auto w = must_write(*s, unit_of(arriving("again", identities)));
    BOOST_TEST(w.appends.at(0).duplicate);
    BOOST_TEST(w.appends.at(0).seq == 1);
  }
  BOOST_TEST(db.number("SELECT COUNT(*) FROM deliveries") == 1);
  // Nothing of a duplicate is kept, its new identities neither.
  BOOST_TEST(db.number("SELECT COUNT(*) FROM identities") == 2);
}

BOOST_AUTO_TEST_CASE(the_same_identity_of_another_source_or_tenant_is_no_duplicate) {
  scratch_database db;
  auto s = db.open();
  must_write(*s, unit_of(arriving("one", {"x"})));
  auto other_source = arriving("two", {"x"});
  other_source.row.source = "lark";
  auto other_tenant = arriving("three", {"x"});
  other_tenant.row.tenant = "another";
  BOOST_TEST(!must_write(*s, unit_of(other_source)).appends.at(0).duplicate);
  BOOST_TEST(!must_write(*s, unit_of(other_tenant)).appends.at(0).duplicate);
}

BOOST_AUTO_TEST_CASE(duplicates_inside_one_unit_are_seen_and_the_rest_of_the_unit_applies) {
  scratch_database db;
  auto s = db.open();
  write w;
  w.appends = {arriving("a", {"1", "2", "1"}), arriving("b", {"3"}), arriving("c", {"9", "2"}),
               arriving("d", {})};
  w.states = {{"k", "v"}};
  const auto done = must_write(*s, std::move(w));
  BOOST_TEST(done.appends.size() == 4u);
  BOOST_TEST(done.appends[0].seq == 1);
  BOOST_TEST(done.appends[1].seq == 2);
  BOOST_TEST(done.appends[2].seq == 1);
  BOOST_TEST(done.appends[2].duplicate);
  BOOST_TEST(done.appends[3].seq == 3);
  write again;
  again.appends = {arriving("a", {"1"})};
  again.states = {{"k", "v2"}};
  BOOST_TEST(must_write(*s, std::move(again)).appends[0].duplicate);
  BOOST_TEST(must_read(*s, [](reader& r) { return r.state("k"); }).value() == "v2");
}

BOOST_AUTO_TEST_CASE(two_earlier_deliveries_that_meet_in_one_are_answered_by_the_first) {
  scratch_database db;
  auto s = db.open();
  must_write(*s, unit_of(arriving("a", {"1"})));
  must_write(*s, unit_of(arriving("b", {"2"})));
  BOOST_TEST(must_write(*s, unit_of(arriving("c", {"2", "1"}))).appends.at(0).seq == 1);
}

BOOST_AUTO_TEST_CASE(identities_are_bytes) {
  scratch_database db;
  auto s = db.open();
  const auto hash = sha256("x");
  const std::string raw{reinterpret_cast<const char*>(hash.data()), hash.size()};
  using namespace std::string_literals;
  for (const std::string& identity : {raw, "\0"s, "\0\0"s, "\xff\xfe"s, ""s}) {
    BOOST_TEST(!must_write(*s, unit_of(arriving("b", {identity}))).appends.at(0).duplicate);
    BOOST_TEST(must_write(*s, unit_of(arriving("b", {identity}))).appends.at(0).duplicate);
  }
}

BOOST_AUTO_TEST_CASE(bodies_come_back_byte_for_byte) {
  scratch_database db;
  auto s = db.open();
  std::string every;
  for (int i = 0; i < 256; ++i) every.push_back(static_cast<char>(i));
  std::string large;
  while (large.size() < (1u << 20)) large += every + std::to_string(large.size());
  using namespace std::string_literals;
  const std::vector<std::string> bodies{"",       "\0"s, "a\0b"s, "\xff\xfe\x80"s,
                                        "中文 🎉", every, large};
  for (const std::string& body : bodies) must_write(*s, unit_of(arriving(body, {})));
  const auto found = must_read(*s, [](reader& r) { return r.pending({0, 100}); });
  BOOST_REQUIRE(found.size() == bodies.size());
  for (std::size_t i = 0; i < bodies.size(); ++i)
    BOOST_TEST((*found[i].body == bodies[i]), "body " << i);
}

BOOST_AUTO_TEST_CASE(a_missing_body_reads_as_an_empty_one) {
  scratch_database db;
  auto s = db.open();
  auto a = arriving("", {});
  a.row.body.reset();
  must_write(*s, unit_of(a));
  BOOST_TEST(must_read(*s, [](reader& r) { return r.delivery_by_seq(1); })->body->empty());
}

BOOST_AUTO_TEST_CASE(text_that_no_database_takes_is_cleaned_and_not_refused) {
  scratch_database db;
  auto s = db.open();
  using namespace std::string_literals;
  auto a = arriving("x", {"1"}, "plane:issue:\xff");
  a.row.remote_id = "a\0b\xc3"s;
  must_write(*s, unit_of(a));
  const auto d = must_read(*s, [](reader& r) { return r.delivery_by_seq(1); });
  BOOST_TEST(d->remote_id ==
             "a\xef\xbf\xbd"
             "b\xef\xbf\xbd");
  // Looked up by the same strange key, it is found.
  BOOST_TEST(must_read(*s, [](reader& r) {
               return r.pending_of(entity_key{"plane:issue:\xff"}, 9);
             }).size() == 1u);
}

BOOST_AUTO_TEST_CASE(numbers_are_never_used_again_across_a_restart_and_after_retention) {
  scratch_database db;
  {
    auto s = db.open();
    for (int i = 0; i < 3; ++i) must_write(*s, unit_of(arriving("x", {std::to_string(i)})));
    write done;
    for (std::int64_t seq = 1; seq <= 3; ++seq)
      done.marks.push_back({seq, delivery_status::done, "applied", 1});
    must_write(*s, std::move(done));
    std::promise<result<std::int64_t>> removed;
    s->retain({at(1000) + std::chrono::days{60}, 7, 30},
              [&](result<std::int64_t> n) { removed.set_value(n); });
    BOOST_TEST(removed.get_future().get().has_value());
    BOOST_TEST(db.number("SELECT COUNT(*) FROM deliveries") == 0);
    BOOST_TEST(db.number("SELECT COUNT(*) FROM identities") == 0);
  }
  auto s = db.open();
  BOOST_TEST(must_write(*s, unit_of(arriving("x", {"n"}))).appends.at(0).seq == 4);
}

BOOST_AUTO_TEST_CASE(concurrent_senders_get_distinct_numbers_and_each_identity_goes_in_once) {
  scratch_database db;
  auto s = db.open();
  constexpr int senders = 4, each = 50;
  std::vector<std::vector<std::future<result<written>>>> answers(senders);
  std::vector<std::thread> threads;
  for (int t = 0; t < senders; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) {
        auto p = std::make_shared<std::promise<result<written>>>();
        answers[static_cast<std::size_t>(t)].push_back(p->get_future());
        // Every sender offers the same happenings.
        s->submit(unit_of(arriving("b" + std::to_string(i), {"same-" + std::to_string(i)})),
                  [p](result<written> w) { p->set_value(std::move(w)); });
      }
    });
  for (auto& t : threads) t.join();
  int fresh = 0;
  std::vector<std::int64_t> seqs(each, 0);
  for (auto& of_sender : answers)
    for (std::size_t i = 0; i < of_sender.size(); ++i) {
      const auto w = of_sender[i].get();
      BOOST_REQUIRE(w.has_value());
      const auto& a = w->appends.at(0);
      if (!a.duplicate) ++fresh;
      if (seqs[i] == 0) seqs[i] = a.seq;
      BOOST_TEST(seqs[i] == a.seq);
    }
  BOOST_TEST(fresh == each);
  BOOST_TEST(db.number("SELECT COUNT(*) FROM deliveries") == each);
}

BOOST_AUTO_TEST_CASE(journal_order_is_the_order_of_submission) {
  scratch_database db;
  auto s = db.open();
  std::vector<std::future<result<written>>> answers;
  for (int i = 0; i < 300; ++i) {
    auto p = std::make_shared<std::promise<result<written>>>();
    answers.push_back(p->get_future());
    s->submit(unit_of(arriving(std::to_string(i), {})),
              [p](result<written> w) { p->set_value(std::move(w)); });
  }
  for (auto& a : answers) a.wait();
  const auto all = must_read(*s, [](reader& r) { return r.pending({0, 1000}); });
  BOOST_REQUIRE(all.size() == 300u);
  for (std::size_t i = 0; i < all.size(); ++i) {
    BOOST_TEST(*all[i].body == std::to_string(i));
    if (i > 0) BOOST_TEST(all[i].seq > all[i - 1].seq);
  }
}

BOOST_AUTO_TEST_CASE(rows_carry_the_partition_of_their_entity) {
  scratch_database db;
  auto s = db.open();
  const std::string key = "plane:issue:partitioned";
  write w;
  w.appends = {arriving("x", {}, key)};
  entity_row row;
  row.key = entity_key{key};
  w.entities = {row};
  effect e;
  e.id = 256;
  e.entity = entity_key{key};
  w.effects = {e};
  must_write(*s, std::move(w));
  const std::int64_t expected = sha256(key)[0];
  for (const char* table : {"deliveries", "entities", "effects"})
    BOOST_TEST(db.number(std::string{"SELECT partition FROM "} + table) == expected, table);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace pb::persistence::testing
