// The writer thread on either engine: group commit, bad neighbours, a database that goes away.
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <future>
#include <mutex>

#include "tests/persistence/faulty_connection.hpp"
#include "tests/persistence/scratch_database.hpp"

namespace pb::persistence::testing {
namespace {

using answer = std::future<result<written>>;

answer send(store& s, write unit) {
  auto p = std::make_shared<std::promise<result<written>>>();
  auto f = p->get_future();
  s.submit(std::move(unit), [p](result<written> w) { p->set_value(std::move(w)); });
  return f;
}

/// A store whose driver fails on cue, and what it committed.
struct stage {
  scratch_database db;
  std::shared_ptr<cues> cue = std::make_shared<cues>();
  std::mutex lock;
  std::vector<commit_figures> commits;
  std::vector<store_health> healths;
  open_options options = db.options();
  std::unique_ptr<store> s;

  void open() {
    options.wrap_writer =
        [c = cue](std::unique_ptr<connection> real) -> std::unique_ptr<connection> {
      return std::make_unique<faulty_connection>(std::move(real), c);
    };
    options.on_commit = [this](const commit_figures& f) {
      const std::lock_guard hold{lock};
      commits.push_back(f);
    };
    options.on_health = [this](store_health h) {
      const std::lock_guard hold{lock};
      healths.push_back(h);
    };
    s = db.open(options);
  }
  ~stage() {
    cue->open();
    s.reset();
  }
  /// Keeps the writer busy with one unit until cue->open(), so that what follows must wait.
  answer block() {
    cue->close();
    auto first = send(*s, unit_of(arriving("first", {"first"})));
    cue->entered();
    return first;
  }
};

write broken_unit() {
  write w;
  effect e;
  e.id = 1;
  e.status = static_cast<effect_status>(99);  // what a check of the table refuses
  w.effects = {e};
  w.states = {{"broken", "written"}};
  return w;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(writer)

BOOST_AUTO_TEST_CASE(everything_that_waits_goes_into_one_transaction) {
  stage t;
  t.open();
  auto first = t.block();
  std::vector<answer> rest;
  for (int i = 0; i < 100; ++i)
    rest.push_back(send(*t.s, unit_of(arriving("x", {std::to_string(i)}))));
  t.cue->open();
  BOOST_TEST(first.get().has_value());
  for (auto& a : rest) BOOST_TEST(a.get().has_value());
  const std::lock_guard hold{t.lock};
  BOOST_REQUIRE(t.commits.size() == 2u);
  BOOST_TEST(t.commits[0].units == 1u);
  BOOST_TEST(t.commits[1].units == 100u);
  BOOST_TEST(t.commits[1].appends == 100u);
  BOOST_TEST(t.commits[1].duplicates == 0u);
}

BOOST_AUTO_TEST_CASE(a_batch_is_bounded_in_units_and_in_bytes) {
  stage t;
  t.options.batch_max = 10;
  t.options.batch_bytes = 40'000;
  t.open();
  auto first = t.block();
  std::vector<answer> rest;
  for (int i = 0; i < 20; ++i) rest.push_back(send(*t.s, unit_of(arriving("x", {}))));
  for (int i = 0; i < 4; ++i)
    rest.push_back(send(*t.s, unit_of(arriving(std::string(30'000, 'x'), {}))));
  t.cue->open();
  for (auto& a : rest) BOOST_TEST(a.get().has_value());
  const std::lock_guard hold{t.lock};
  std::vector<std::size_t> sizes;
  for (const auto& c : t.commits) sizes.push_back(c.units);
  BOOST_TEST((sizes == std::vector<std::size_t>{1, 10, 10, 1, 1, 1, 1}));
}

BOOST_AUTO_TEST_CASE(deliveries_go_before_our_own_writes_which_get_their_part_of_each_transaction) {
  stage t;
  t.options.batch_max = 16;
  t.open();
  auto first = t.block();
  std::mutex lock;
  std::string order;
  std::vector<answer> all;
  const auto put = [&](write unit, char kind) {
    auto p = std::make_shared<std::promise<result<written>>>();
    all.push_back(p->get_future());
    t.s->submit(std::move(unit), [&, p, kind](result<written> w) {
      {
        const std::lock_guard hold{lock};
        order += kind;
      }
      p->set_value(std::move(w));
    });
  };
  for (int i = 0; i < 20; ++i) {
    write ours;
    ours.states = {{"k" + std::to_string(i), "v"}};
    put(std::move(ours), 'o');
  }
  for (int i = 0; i < 20; ++i) put(unit_of(arriving("x", {std::to_string(i)})), 'd');
  t.cue->open();
  BOOST_TEST(first.get().has_value());
  for (auto& a : all) BOOST_TEST(a.get().has_value());
  // An eighth of a full transaction is ours while deliveries wait, and all of it when none does.
  BOOST_TEST(order ==
             std::string(14, 'd') + "oo" + std::string(6, 'd') + "oo" + std::string(16, 'o'));
}

BOOST_AUTO_TEST_CASE(in_a_burst_our_own_writes_stand_back_for_a_while) {
  for (const bool waited_long : {false, true}) {
    stage t;
    t.options.stands_back = waited_long ? std::chrono::milliseconds{0} : std::chrono::hours{1};
    t.open();
    auto first = t.block();
    std::vector<answer> all;
    for (int i = 0; i < 40; ++i) {
      write ours;
      ours.states = {{"k" + std::to_string(i), "v"}};
      all.push_back(send(*t.s, std::move(ours)));
    }
    for (int i = 0; i < 40; ++i)
      all.push_back(send(*t.s, unit_of(arriving("x", {std::to_string(i)}))));
    t.cue->open();
    for (auto& a : all) BOOST_TEST(a.get().has_value());
    const std::lock_guard hold{t.lock};
    // An eighth of what senders wait for; of a whole batch once it has waited for long.
    std::vector<std::size_t> sizes;
    for (const auto& c : t.commits) sizes.push_back(c.units);
    BOOST_TEST((sizes == (waited_long ? std::vector<std::size_t>{1, 72, 8}
                                      : std::vector<std::size_t>{1, 45, 35})));
  }
}

BOOST_AUTO_TEST_CASE(a_duplicate_among_new_ones_is_told_and_the_others_are_kept) {
  stage t;
  t.open();
  BOOST_TEST(send(*t.s, unit_of(arriving("old", {"old", "o2"}))).get().has_value());
  for (const char* again : {"old", "o2"}) {
    auto first = t.block();
    auto a = send(*t.s, unit_of(arriving("a", {std::string{"a"} + again})));
    auto b = send(*t.s, unit_of(arriving("b", {again, std::string{"b"} + again})));
    auto c = send(*t.s, unit_of(arriving("c", {std::string{"c"} + again})));
    t.cue->open();
    BOOST_TEST(first.get().has_value());
    BOOST_TEST(!a.get()->appends.at(0).duplicate);
    const auto told = b.get();
    BOOST_TEST(told->appends.at(0).duplicate);
    BOOST_TEST(told->appends.at(0).seq == 1);
    BOOST_TEST(!c.get()->appends.at(0).duplicate);
    // Nothing of the duplicate is kept, its new identity neither.
    BOOST_TEST(t.db.number(std::string{"SELECT COUNT(*) FROM identities WHERE seq NOT IN "
                                       "(SELECT seq FROM deliveries)"}) == 0);
  }
  BOOST_TEST(!send(*t.s, unit_of(arriving("b", {"bold"}))).get()->appends.at(0).duplicate);
}

BOOST_AUTO_TEST_CASE(one_refused_unit_fails_alone_and_wholly) {
  for (const std::size_t bad : {std::size_t{0}, std::size_t{3}, std::size_t{8}}) {
    stage t;
    t.open();
    auto first = t.block();
    std::vector<answer> rest;
    for (std::size_t i = 0; i < 9; ++i)
      rest.push_back(send(*t.s, i == bad
                                    ? broken_unit()
                                    : unit_of(arriving(std::to_string(i), {std::to_string(i)}))));
    t.cue->open();
    for (std::size_t i = 0; i < rest.size(); ++i) {
      const auto w = rest[i].get();
      BOOST_TEST(w.has_value() == (i != bad), "unit " << i);
      if (!w) BOOST_TEST((w.error().code == errc::bad_input));
    }
    BOOST_TEST(!must_read(*t.s, [](reader& r) { return r.state("broken"); }).has_value());
    const auto all = must_read(*t.s, [](reader& r) { return r.pending({0, 99}); });
    BOOST_REQUIRE(all.size() == 9u);
    for (std::size_t i = 2; i < all.size(); ++i)
      BOOST_TEST(std::stoi(*all[i].body) > std::stoi(*all[i - 1].body));  // still in order
  }
}

BOOST_AUTO_TEST_CASE(several_refused_units_among_good_ones_each_fail_alone) {
  stage t;
  t.open();
  auto first = t.block();
  std::vector<answer> rest;
  for (int i = 0; i < 16; ++i)
    rest.push_back(send(*t.s, i % 3 == 0 ? broken_unit() : unit_of(arriving("x", {}))));
  t.cue->open();
  for (std::size_t i = 0; i < rest.size(); ++i)
    BOOST_TEST(rest[i].get().has_value() == (i % 3 != 0));
}

BOOST_AUTO_TEST_CASE(a_full_queue_refuses_at_once_and_keeps_what_it_has) {
  stage t;
  t.options.queue_max = 3;
  t.open();
  auto first = t.block();
  std::vector<answer> rest;
  for (int i = 0; i < 5; ++i) rest.push_back(send(*t.s, unit_of(arriving("x", {}))));
  for (std::size_t i = 3; i < 5; ++i) {
    const auto w = rest[i].get();  // while the writer is still held
    BOOST_REQUIRE(!w.has_value());
    BOOST_TEST((w.error().code == errc::storage));
    BOOST_TEST(w.error().detail == "queue full");
  }
  t.cue->open();
  for (std::size_t i = 0; i < 3; ++i) BOOST_TEST(rest[i].get().has_value());
}

BOOST_AUTO_TEST_CASE(a_commit_whose_answer_was_lost_is_found_and_not_written_again) {
  stage t;
  t.open();
  auto first = t.block();
  std::vector<answer> rest;
  for (int i = 0; i < 5; ++i)
    rest.push_back(send(*t.s, unit_of(arriving("x", {}))));  // no identity would catch a double
  t.cue->lose_answer = 1;
  t.cue->open();
  BOOST_TEST(first.get()->appends.at(0).seq == 1);
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const auto w = rest[i].get();
    BOOST_REQUIRE(w.has_value());
    const auto seq = w->appends.at(0).seq;
    BOOST_TEST(!w->appends.at(0).duplicate);
    BOOST_TEST(must_read(*t.s, [&](reader& r) { return r.delivery_by_seq(seq); }).has_value());
  }
  BOOST_TEST(t.db.number("SELECT COUNT(*) FROM deliveries") == 6);
  BOOST_TEST(t.cue->sessions == 2);
  BOOST_TEST((t.s->health() == store_health::up));
}

BOOST_AUTO_TEST_CASE(a_commit_that_never_arrived_is_written_again_in_order) {
  stage t;
  t.open();
  auto first = t.block();
  std::vector<answer> rest;
  for (int i = 0; i < 5; ++i) rest.push_back(send(*t.s, unit_of(arriving(std::to_string(i), {}))));
  t.cue->lose_before_commit = 2;
  t.cue->open();
  for (auto& a : rest) BOOST_REQUIRE(a.get().has_value());
  const auto all = must_read(*t.s, [](reader& r) { return r.pending({0, 99}); });
  BOOST_REQUIRE(all.size() == 6u);
  BOOST_TEST(*all[0].body == "first");
  for (std::size_t i = 0; i < 5; ++i) BOOST_TEST(*all[i + 1].body == std::to_string(i));
}

BOOST_AUTO_TEST_CASE(a_database_that_comes_back_in_time_costs_nobody_a_failure) {
  stage t;
  t.open();
  t.cue->lose_at_begin = 4;
  std::vector<answer> rest;
  for (int i = 0; i < 5; ++i) rest.push_back(send(*t.s, unit_of(arriving(std::to_string(i), {}))));
  for (auto& a : rest) BOOST_TEST(a.get().has_value());
  BOOST_TEST(t.cue->sessions >= 5);
  BOOST_TEST(t.db.number("SELECT COUNT(*) FROM deliveries") == 5);
  const std::lock_guard hold{t.lock};
  BOOST_REQUIRE(t.healths.size() >= 2u);
  BOOST_TEST((t.healths.front() == store_health::reconnecting));
  BOOST_TEST((t.healths.back() == store_health::up));
}

BOOST_AUTO_TEST_CASE(a_database_that_stays_away_fails_what_waited_too_long) {
  stage t;
  t.options.patience = std::chrono::milliseconds{20};
  t.open();
  t.cue->lose_at_begin = 1'000'000;
  const auto w = send(*t.s, unit_of(arriving("x", {}))).get();
  BOOST_REQUIRE(!w.has_value());
  BOOST_TEST((w.error().code == errc::storage));
  BOOST_TEST((t.s->health() != store_health::up || t.cue->sessions > 1));
  t.cue->lose_at_begin = 0;
  // It goes on by itself once the database is there again.
  while (!send(*t.s, unit_of(arriving("y", {"y"}))).get()) {
  }
  BOOST_TEST(t.db.number("SELECT COUNT(*) FROM deliveries") == 1);
}

BOOST_AUTO_TEST_CASE(closing_writes_what_waits) {
  scratch_database db;
  std::vector<answer> rest;
  {
    auto s = db.open();
    for (int i = 0; i < 50; ++i) rest.push_back(send(*s, unit_of(arriving("x", {}))));
  }
  for (auto& a : rest) BOOST_TEST(a.get().has_value());
  BOOST_TEST(db.number("SELECT COUNT(*) FROM deliveries") == 50);
}

BOOST_AUTO_TEST_CASE(a_second_daemon_is_refused_and_told_who_holds_the_database) {
  scratch_database db;
  auto first = db.open();
  auto second = persistence::open(db.options());
  BOOST_REQUIRE(!second.has_value());
  BOOST_TEST((second.error().code == errc::conflict));
  BOOST_TEST(second.error().detail.find(":" + std::to_string(::getpid())) != std::string::npos,
             second.error().detail);
  // Commands that only look need no lock.
  must_write(*first, unit_of(arriving("x", {})));
  auto looking = open_for_reading(db.options());
  BOOST_REQUIRE(looking.has_value());
  BOOST_TEST(must_read(**looking, [](reader& r) { return r.counts(); }).pending == 1);
  const auto refused = submit_and_wait(**looking, unit_of(arriving("y", {})));
  BOOST_TEST((refused.error().code == errc::forbidden));
  first.reset();
  BOOST_TEST(persistence::open(db.options()).has_value());
}

BOOST_AUTO_TEST_CASE(completions_may_use_the_store) {
  scratch_database db;
  auto s = db.open();
  auto p = std::make_shared<std::promise<std::int64_t>>();
  auto f = p->get_future();
  s->submit(unit_of(arriving("one", {})), [&s, p](result<written>) {
    s->submit(unit_of(arriving("two", {})), [&s, p](result<written> w) {
      s->read([p, seq = w->appends.at(0).seq](result<reader*> r) {
        p->set_value((*r)->delivery_by_seq(seq).value()->seq);
      });
    });
  });
  BOOST_TEST(f.get() == 2);
}

BOOST_AUTO_TEST_CASE(the_inline_store_fails_waits_and_loses_answers_on_request) {
  scratch_database db;
  auto s = db.open_inline();
  s->defer(true);
  auto a = send(*s, unit_of(arriving("1", {"1"})));
  auto b = send(*s, broken_unit());
  auto c = send(*s, unit_of(arriving("2", {"1"})));
  BOOST_TEST(s->waiting() == 3u);
  BOOST_TEST(db.number("SELECT COUNT(*) FROM deliveries") == 0);
  BOOST_TEST(s->run_waiting() == 3u);
  BOOST_TEST(a.get().has_value());
  BOOST_TEST(!b.get().has_value());
  BOOST_TEST(c.get()->appends.at(0).duplicate);
  s->defer(false);
  s->lose_answers(1);
  BOOST_TEST((send(*s, unit_of(arriving("3", {"3"}))).get().error().code == errc::timed_out));
  BOOST_TEST(send(*s, unit_of(arriving("3", {"3"}))).get()->appends.at(0).duplicate);
  s->fail_next(1);
  BOOST_TEST((send(*s, unit_of(arriving("4", {"4"}))).get().error().code == errc::storage));
  s->fail_with(failure{errc::storage, "test", "down"});
  BOOST_TEST((s->health() == store_health::reconnecting));
  BOOST_TEST(!read_and_wait(*s, [](reader& r) { return r.counts(); }).has_value());
  s->fail_with(std::nullopt);
  BOOST_TEST(!send(*s, unit_of(arriving("4", {"4"}))).get()->appends.at(0).duplicate);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace pb::persistence::testing
