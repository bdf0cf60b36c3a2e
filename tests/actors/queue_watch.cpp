// The queues' figures: never waited for, asked for again when they are old.
#define BOOST_TEST_MODULE actors_queue_watch
#include "actors/queue_watch.hpp"

#include <boost/test/unit_test.hpp>
#include <deque>

#include "base/clock.hpp"
#include "persistence/inline_store.hpp"

using namespace pb;
using namespace pb::actors;
using namespace std::chrono_literals;

namespace {

/// A store whose reader answers when the test says so.
class slow_store final : public persistence::store {
public:
  void submit(persistence::write unit, done completion) override {
    inner->submit(std::move(unit), std::move(completion));
  }
  void read(std::function<void(result<persistence::reader*>)> body) override {
    asked.push_back(std::move(body));
  }
  persistence::store_health health() const noexcept override { return inner->health(); }
  void retain(persistence::retention_limits, std::function<void(result<std::int64_t>)>) override {}
  void answer() {
    auto body = std::move(asked.front());
    asked.pop_front();
    inner->read(std::move(body));
  }

  std::unique_ptr<persistence::inline_store> inner =
      persistence::inline_store::open_in_memory().value();
  std::deque<std::function<void(result<persistence::reader*>)>> asked;
};

struct fixture {
  void journal() {
    persistence::write unit;
    persistence::delivery_append a;
    a.row.source = "plane";
    a.row.received_at = clock.now();
    a.row.entity = entity_key::plane_issue("00000000-0000-4000-8000-000000000001");
    unit.appends.push_back(std::move(a));
    store.submit(std::move(unit), {});
  }
  manual_clock clock{timestamp{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}}};
  slow_store store;
  queue_watch watch{store, clock};
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_look_never_waits_and_one_question_is_asked_at_a_time, fixture) {
  BOOST_TEST(!watch.look().has_value());
  BOOST_TEST(!watch.look().has_value());
  BOOST_TEST(store.asked.size() == 1u);
  journal();
  clock.advance(3ms);
  store.answer();
  const auto seen = watch.look();
  BOOST_REQUIRE(seen.has_value());
  BOOST_TEST(seen->counts.pending == 1);
  BOOST_TEST(seen->took.count() == 3'000);
  BOOST_TEST(store.asked.empty());  // fresh enough
}

BOOST_FIXTURE_TEST_CASE(what_is_old_is_shown_and_asked_for_again, fixture) {
  (void)watch.look();
  store.answer();
  journal();
  clock.advance(1s);
  BOOST_TEST(watch.look()->counts.pending == 0);
  BOOST_REQUIRE(store.asked.size() == 1u);
  store.answer();
  BOOST_TEST(watch.look()->counts.pending == 1);
}

BOOST_FIXTURE_TEST_CASE(while_the_store_is_away_the_last_answer_stands, fixture) {
  journal();
  (void)watch.look();
  store.answer();
  store.inner->fail_with(failure{.code = errc::storage, .where = "store", .detail = "away"});
  clock.advance(2s);
  BOOST_TEST(watch.look()->counts.pending == 1);
  store.answer();
  BOOST_TEST(watch.look()->counts.pending == 1);
  BOOST_TEST(store.asked.size() == 1u);  // and it is asked again
}

BOOST_FIXTURE_TEST_CASE(ages_are_never_negative, fixture) {
  const auto now = clock.now();
  BOOST_TEST(queue_watch::age(std::nullopt, now).count() == 0);
  BOOST_TEST(queue_watch::age(now - 5s, now).count() == 5'000'000);
  BOOST_TEST(queue_watch::age(now + 5s, now).count() == 0);
}

BOOST_AUTO_TEST_CASE(an_answer_after_the_end_is_harmless) {
  slow_store store;
  manual_clock clock{timestamp{}};
  {
    queue_watch watch{store, clock};
    (void)watch.look();
  }
  store.answer();
  BOOST_TEST(store.asked.empty());
}
