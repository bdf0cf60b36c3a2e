// The app's own tokens: when they are renewed, and that what was renewed is kept.
#define BOOST_TEST_MODULE token_vault
#include "app/token_vault.hpp"

#include <boost/test/unit_test.hpp>

using namespace pb;
using namespace std::chrono_literals;

namespace {

struct fixture {
  manual_clock clock{from_micros(1'795'245'000'000'000)};
  std::vector<std::string> saved;
  app::token_vault vault{{"https://plane.test", "client-1", secret{"client-hunter2"}, ""},
                         clock,
                         [this](const app::bot_credential& c) { saved.push_back(to_json(c)); }};

  /// As it was stored when the app was installed.
  void put(std::chrono::seconds life) {
    vault.put(*app::parse_bot_credential(
        R"({"access_token":"a1","app_installation_id":"i1","obtained_at":)" +
        std::to_string(to_micros(clock.now())) + R"(,"expires_at":)" +
        std::to_string(to_micros(clock.now() + life)) + "}"));
  }
  /// Plane answers what it was asked.
  void answer(const std::shared_ptr<protocol::exchange>& asked, std::chrono::seconds life) {
    BOOST_REQUIRE(asked != nullptr);
    (void)asked->start();
    protocol::http_response a;
    a.status = 200;
    a.body = R"({"access_token":"a2","expires_in":)" + std::to_string(life.count()) + "}";
    (void)asked->on_response(a);
    actors::performed done;
    done.what = asked;
    vault.renewed(done);
  }
  bool due() { return vault.renewal(clock.now()) != nullptr; }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_day_long_token_is_renewed_in_its_last_quarter_of_an_hour, fixture) {
  put(24h);
  BOOST_TEST(!due());
  clock.advance(23h + 44min);
  BOOST_TEST(!due());
  clock.advance(2min);
  answer(vault.renewal(clock.now()), 24h);
  BOOST_TEST(vault.access()->reveal() == "a2");
  BOOST_TEST(saved.size() == 1u);
  BOOST_TEST(!due());
}

BOOST_FIXTURE_TEST_CASE(a_short_lived_token_is_not_renewed_without_end, fixture) {
  put(10min);
  BOOST_TEST(!due());
  clock.advance(8min);
  answer(vault.renewal(clock.now()), 10min);
  BOOST_TEST(!due());
  // Another process reads what was stored.
  vault.put(*app::parse_bot_credential(saved.back()));
  BOOST_TEST(!due());
  clock.advance(7min);
  BOOST_TEST(!due());
  clock.advance(1min);
  BOOST_TEST(due());
  BOOST_TEST(!due());  // one is under way
  clock.advance(2min);
  BOOST_TEST(due());
}
