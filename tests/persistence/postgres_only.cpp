#define BOOST_TEST_NO_MAIN
#include <boost/test/unit_test.hpp>
#include <future>

#include "tests/persistence/scratch_database.hpp"

const pb::config::database_target::engine pb::persistence::testing::engine_under_test =
    pb::config::database_target::engine::postgresql;

namespace pb::persistence::testing {
namespace {

std::string all_of(const failure& f) { return describe(f) + f.remedy; }

/// Ends every session of the scratch database but the asking one.
void end_sessions(const scratch_database& db) {
  db.query(
      "SELECT COUNT(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
      "WHERE datname = current_database() AND pid <> pg_backend_pid()");
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_terminated_session_is_replaced_and_nothing_is_lost_or_doubled) {
  scratch_database db;
  auto s = db.open();
  for (int round = 0; round < 5; ++round) {
    must_write(*s, unit_of(arriving("before", {})));
    end_sessions(db);
    must_write(*s, unit_of(arriving("after", {})));
    BOOST_TEST(must_read(*s, [](reader& r) { return r.counts(); }).pending == 2 * (round + 1));
  }
  BOOST_TEST((s->health() == store_health::up));
}

BOOST_AUTO_TEST_CASE(sessions_ended_under_load_lose_and_double_nothing) {
  scratch_database db;
  auto s = db.open();
  constexpr int units = 400;
  std::vector<std::future<result<written>>> answers;
  for (int i = 0; i < units; ++i) {
    auto p = std::make_shared<std::promise<result<written>>>();
    answers.push_back(p->get_future());
    s->submit(unit_of(arriving(std::to_string(i), {})),
              [p](result<written> w) { p->set_value(std::move(w)); });
    if (i % 40 == 20) end_sessions(db);
  }
  for (auto& a : answers) BOOST_REQUIRE(a.get().has_value());
  const auto all = must_read(*s, [](reader& r) { return r.pending({0, 10'000}); });
  BOOST_REQUIRE(all.size() == std::size_t{units});
  for (std::size_t i = 0; i < all.size(); ++i) BOOST_TEST(*all[i].body == std::to_string(i));
}

BOOST_AUTO_TEST_CASE(another_daemon_that_took_over_keeps_the_database) {
  scratch_database db;
  auto options = db.options();
  options.patience = std::chrono::milliseconds{50};
  options.connect_timeout = std::chrono::seconds{0};
  auto first = db.open(options);
  // Its session ends, and a second daemon is quicker: the first must not write any more.
  std::unique_ptr<store> second;
  while (!second) {
    end_sessions(db);
    if (auto s = persistence::open(db.options())) second = std::move(*s);
  }
  result<written> w = written{};
  while (w) w = submit_and_wait(*first, unit_of(arriving("late", {"late"})));
  BOOST_TEST((w.error().code == errc::storage));
  BOOST_TEST(w.error().detail.find("another planebridge") != std::string::npos, w.error().detail);
  BOOST_TEST((first->health() == store_health::down));
  BOOST_TEST(must_write(*second, unit_of(arriving("x", {}))).appends.size() == 1u);
}

BOOST_AUTO_TEST_CASE(bodies_are_compressed_with_lz4_where_the_server_can) {
  scratch_database db;
  auto s = db.open();
  std::string body;
  for (int i = 0; i < 2000; ++i) body += "the same words again and again ";
  must_write(*s, unit_of(arriving(body, {})));
  const auto can = db.query(
      "SELECT 1 FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = "
      "ANY(enumvals)");
  if (can.empty()) return;
  BOOST_TEST(db.query("SELECT pg_column_compression(body) FROM bodies").at(0).at(0).data == "lz4");
  BOOST_TEST(db.number("SELECT pg_column_size(body) FROM bodies") < 5000);
}

BOOST_AUTO_TEST_CASE(passwords_are_in_no_message) {
  const std::string secret_word = "hunter-two-and-more";
  for (const std::string& url :
       {"postgres://role:" + secret_word + "@127.0.0.1:1/nowhere",
        "postgres://role:" + secret_word + "@[broken/nowhere",
        "postgres://role:" + secret_word + "@127.0.0.1:1/x?no_such_option=1",
        "postgres://127.0.0.1:1/x?password=" + secret_word}) {
    open_options o;
    o.target.kind = config::database_target::engine::postgresql;
    o.target.url = secret{url};
    const auto s = persistence::open(o);
    BOOST_REQUIRE(!s.has_value());
    BOOST_TEST((s.error().code == errc::storage));
    BOOST_TEST(all_of(s.error()).find(secret_word) == std::string::npos, all_of(s.error()));
  }
}

BOOST_AUTO_TEST_CASE(a_statement_that_takes_too_long_ends_by_itself) {
  scratch_database db;
  postgres_options o;
  o.url = db.options().target.url;
  o.statement_timeout = std::chrono::milliseconds{50};
  auto c = connect_postgres(o);
  BOOST_REQUIRE(c.has_value());
  const auto r = (*c)->query("SELECT pg_sleep(30)", {});
  BOOST_REQUIRE(!r.has_value());
  BOOST_TEST(((*c)->last_fault() == fault::away));
  BOOST_TEST((*c)->query("SELECT 1::bigint", {}).has_value());
}

BOOST_AUTO_TEST_CASE(a_key_too_long_for_an_index_fails_its_own_unit_only) {
  scratch_database db;
  auto s = db.open();
  seeded_random random{1};
  std::string key = "plane:issue:";
  while (key.size() < 20'000) key += make_uuid(random);
  const auto w = submit_and_wait(*s, unit_of(arriving("x", {}, key)));
  BOOST_REQUIRE(!w.has_value());
  BOOST_TEST((w.error().code == errc::bad_input));
  BOOST_TEST(must_write(*s, unit_of(arriving("y", {}))).appends.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_failed_statement_inside_a_pipeline_leaves_a_usable_session) {
  scratch_database db;
  auto c = db.session();
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(c->begin().has_value());
    BOOST_TEST(c->execute("INSERT INTO nowhere VALUES (1)", {}).has_value());  // deferred
    BOOST_TEST(c->execute("SELECT 1", {}).has_value());
    const auto r = c->commit();
    BOOST_REQUIRE(!r.has_value());
    BOOST_TEST((c->last_fault() == fault::data));
    c->rollback();
    BOOST_TEST(c->query("SELECT 1::bigint", {})->at(0).at(0).number == 1);
  }
}

}  // namespace pb::persistence::testing

int main(int argc, char** argv) { return pb::persistence::testing::run_with_postgres(argc, argv); }
