// What the writer of either engine hands to the refuge when the database goes away, and in which
// order; what it had begun by then is settled, and not lost and not doubled.
#include <boost/test/unit_test.hpp>
#include <future>
#include <mutex>

#include "tests/persistence/faulty_connection.hpp"
#include "tests/persistence/scratch_database.hpp"

namespace pb::persistence::testing {
namespace {

/// Keeps what it is given, and says so to the sender.
class keeping final : public refuge {
public:
  bool engaged() const noexcept override { return on; }
  void engage(const failure&) override { on = true; }
  bool take(write& unit, store::done& completion) override {
    {
      const std::lock_guard hold{lock};
      bodies.push_back(*unit.appends.at(0).row.body);
      units.push_back(std::move(unit));
    }
    written w;
    w.appends = {{0, false, true}};
    completion(std::move(w));
    return true;
  }
  std::atomic<bool> on{false};
  std::mutex lock;
  std::vector<std::string> bodies;
  std::vector<write> units;
};

struct stage {
  scratch_database db;
  keeping kept;
  std::shared_ptr<cues> cue = std::make_shared<cues>();
  open_options options = db.options();
  std::unique_ptr<store> s;

  void open() {
    options.shelter = &kept;
    options.wrap_writer =
        [c = cue](std::unique_ptr<connection> real) -> std::unique_ptr<connection> {
      return std::make_unique<faulty_connection>(std::move(real), c);
    };
    s = db.open(options);
  }
  ~stage() {
    cue->open();
    s.reset();
  }
  struct sent {
    std::shared_ptr<std::vector<result<written>>> answers =
        std::make_shared<std::vector<result<written>>>();
    std::future<void> first;
  };
  sent send(const std::string& body, bool may_spool = true) {
    sent out;
    auto unit = unit_of(arriving(body, {body}));
    unit.may_spool = may_spool;
    auto p = std::make_shared<std::promise<void>>();
    out.first = p->get_future();
    s->submit(std::move(unit), [p, to = out.answers](result<written> w) {
      to->push_back(std::move(w));
      if (to->size() == 1) p->set_value();
    });
    return out;
  }
  sent block() {
    cue->close();
    auto first = send("0");
    cue->entered();
    return first;
  }
};

bool spooled(const result<written>& w) { return w && w->appends.at(0).spooled; }

}  // namespace

BOOST_AUTO_TEST_SUITE(away)

BOOST_AUTO_TEST_CASE(a_database_that_comes_back_at_once_is_waited_for) {
  stage t;
  t.open();
  t.cue->lose_at_begin = 1;
  auto a = t.send("a");
  a.first.get();
  BOOST_TEST(!spooled(a.answers->at(0)));
  BOOST_TEST(t.kept.bodies.empty());
}

BOOST_AUTO_TEST_CASE(what_waits_goes_to_the_refuge_in_order_once_it_stays_away) {
  stage t;
  t.open();
  auto first = t.block();
  std::vector<stage::sent> rest;
  for (int i = 1; i <= 5; ++i) rest.push_back(t.send(std::to_string(i)));
  auto own = t.send("own", false);
  t.cue->lose_at_begin = 1'000'000;
  t.cue->open();
  first.first.get();
  for (auto& r : rest) r.first.get();
  BOOST_TEST(spooled(first.answers->at(0)));
  for (auto& r : rest) BOOST_TEST(spooled(r.answers->at(0)));
  {
    const std::lock_guard hold{t.kept.lock};
    BOOST_TEST((t.kept.bodies == std::vector<std::string>{"0", "1", "2", "3", "4", "5"}));
  }
  // From now on at the entrance, ours too.
  auto late = t.send("late");
  late.first.get();
  BOOST_TEST(spooled(late.answers->at(0)));
  t.cue->lose_at_begin = 0;
  own.first.get();  // what was in the queue already is written
  BOOST_TEST(own.answers->at(0)->appends.at(0).seq == 1);
  BOOST_TEST(t.db.number("SELECT COUNT(*) FROM deliveries") == 1);
}

BOOST_AUTO_TEST_CASE(a_lost_answer_is_settled_even_when_its_sender_has_one_from_the_spool) {
  for (const bool committed : {true, false}) {
    stage t;
    t.open();
    (committed ? t.cue->lose_answer : t.cue->lose_before_commit) = 1;
    t.cue->lose_at_begin = 0;
    t.cue->close();
    auto a = t.send("a");
    t.cue->entered();
    auto b = t.send("b");
    // Commit, lose the answer, and then do not come back before both were handed on.
    t.cue->lose_sessions = 3;
    t.cue->open();
    a.first.get();
    b.first.get();
    BOOST_TEST(spooled(a.answers->at(0)));
    BOOST_TEST(spooled(b.answers->at(0)));
    // The refuge brings them home, as the shelter does it.
    write unit;
    unit.past_refuge = true;
    {
      const std::lock_guard hold{t.kept.lock};
      for (const auto& u : t.kept.units) unit.appends.push_back(u.appends.at(0));
    }
    const auto home = must_write(*t.s, unit);
    BOOST_TEST(home.appends.at(0).duplicate == committed);
    BOOST_TEST(!home.appends.at(1).duplicate);
    BOOST_TEST(t.db.number("SELECT COUNT(*) FROM deliveries") == 2);
    // Found committed: whoever hands deliveries on hears of it, with its number.
    BOOST_TEST(a.answers->size() == (committed ? 2u : 1u));
    if (committed) BOOST_TEST(a.answers->at(1)->appends.at(0).seq == 1);
  }
}

BOOST_AUTO_TEST_CASE(a_server_that_says_nothing_keeps_no_sender_waiting) {
  stage t;
  t.open();
  auto first = t.block();
  auto next = t.send("1");
  t.s->relieve(std::chrono::hours{1});
  BOOST_TEST(t.kept.bodies.empty());
  t.s->relieve(std::chrono::milliseconds{-1});
  first.first.get();
  next.first.get();
  BOOST_TEST((t.kept.bodies == std::vector<std::string>{"0", "1"}));
  t.cue->open();
  // What it was busy with ends well after all: a second answer with the number, and no second row.
  write unit;
  unit.past_refuge = true;
  for (const auto& u : t.kept.units) unit.appends.push_back(u.appends.at(0));
  const auto home = must_write(*t.s, unit);
  BOOST_TEST(home.appends.at(0).duplicate);
  BOOST_TEST(!home.appends.at(1).duplicate);
  BOOST_TEST(first.answers->size() == 2u);
  BOOST_TEST(t.db.number("SELECT COUNT(*) FROM deliveries") == 2);
}

BOOST_AUTO_TEST_CASE(a_full_queue_sends_deliveries_to_the_refuge_and_refuses_the_rest) {
  stage t;
  t.options.queue_max = 2;
  t.open();
  auto first = t.block();
  auto a = t.send("1"), b = t.send("2"), c = t.send("3");
  auto own = t.send("own", false);
  BOOST_TEST(spooled(c.answers->at(0)));
  BOOST_TEST(!own.answers->at(0).has_value());
  t.cue->open();
  a.first.get();
  b.first.get();
  BOOST_TEST(!spooled(a.answers->at(0)));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace pb::persistence::testing
