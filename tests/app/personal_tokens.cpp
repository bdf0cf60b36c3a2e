// The vault of people's keys while tokens of OAuth are renewed: what happens in the store
// meanwhile.
#define BOOST_TEST_MODULE personal_tokens
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "app/personal_key_vault.hpp"
#include "base/log.hpp"
#include "http/mapping_endpoints.hpp"
#include "tests/http/fake_store.hpp"

using namespace pb;
using namespace std::chrono_literals;

namespace {

const std::string ann = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const std::string name = http::personal_key_credential("ou_ann");

struct slow_transport final : http::transport {
  std::vector<protocol::http_request> sent;
  std::vector<completion> waiting;
  void send(protocol::http_request r, http::call_limits, completion done) override {
    sent.push_back(std::move(r));
    waiting.push_back(std::move(done));
  }
  void answer(int status, const std::string& body) {
    const auto done = waiting.back();
    waiting.pop_back();
    protocol::http_response a;
    a.status = status;
    a.body = body;
    done(a);
  }
};

std::string& logged() {
  static std::string lines;
  return lines;
}

struct fixture {
  manual_clock clock{from_micros(1'795'245'000'000'000)};
  fake::store store;
  persistence::sealer sealer{secret{std::string(32, 'k')}};
  slow_transport calls;
  std::shared_ptr<app::personal_key_vault> vault;

  fixture() {
    logged().clear();
    log::capture([](std::string_view line) { logged() += std::string{line} + "\n"; });
    vault = std::make_shared<app::personal_key_vault>(
        store, sealer, clock, 60,
        app::token_endpoint{{"https://plane.test", "client-1", secret{"client-hunter2"},
                             "https://bridge.test/plane/oauth/callback"},
                            &calls});
    auto& mine = store.users_kept["ou_ann"];
    mine.open_id = "ou_ann";
    mine.plane_user = ann;
    keep("access-1", "refresh-1");
    clock.advance(1h);  // it has ended
  }
  ~fixture() {
    log::capture(nullptr);
    for (const std::string hidden : {"access-", "refresh-", "hunter2"})
      BOOST_TEST(logged().find(hidden) == std::string::npos, logged());
  }
  void keep(const std::string& access, const std::string& refresh) {
    const http::personal_key k{secret{access}, ann, true, secret{refresh}, clock.now() + 1h};
    store.credentials_kept[name] =
        *sealer.seal("default", name, secret{http::to_text(k)}, clock.now());
  }
  [[nodiscard]] std::string kept_refresh() const {
    const auto at = store.credentials_kept.find(name);
    if (at == store.credentials_kept.end()) return "none";
    return http::parse_personal_key(sealer.open(at->second)->reveal())->refresh.reveal();
  }
  std::optional<actors::admission_wait> admit() {
    protocol::call c;
    c.credential = c.budget_key = name;
    return vault->admit(clock.steady_now(), c);
  }
  /// The Authorization that a call would carry.
  std::string carried() {
    protocol::http_request r;
    if (const auto f = vault->authorize(r, name)) return std::string{to_string(f->code)};
    return r.headers.at(0).name + ": " + r.headers.at(0).value;
  }
  void renewed() {
    calls.answer(200,
                 R"({"access_token":"access-2","refresh_token":"refresh-2","expires_in":3600})");
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(one_renewal_at_a_time_and_what_comes_of_it_is_stored_before_it_is_used,
                        fixture) {
  for (int n = 0; n < 5; ++n) {
    const auto wait = admit();
    BOOST_REQUIRE(wait.has_value());
    BOOST_TEST((wait->waits == actors::admission_wait::who::key));  // nobody else's calls
  }
  BOOST_TEST(calls.sent.size() == 1u);
  BOOST_TEST((calls.sent[0].body.find("refresh_token=refresh-1") != std::string::npos));
  store.hold = true;
  renewed();
  BOOST_TEST(admit().has_value());
  BOOST_TEST(kept_refresh() == "refresh-1");
  store.hold = false;
  BOOST_REQUIRE(store.held.size() == 1u);
  store.held.front()();
  BOOST_TEST(kept_refresh() == "refresh-2");
  BOOST_TEST(!admit().has_value());
  BOOST_TEST(carried() == "Authorization: Bearer access-2");
  BOOST_TEST(calls.sent.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(without_a_new_refresh_token_the_last_one_stays, fixture) {
  BOOST_TEST(admit().has_value());
  calls.answer(200, R"({"access_token":"access-2","expires_in":3600})");
  BOOST_TEST(kept_refresh() == "refresh-1");
  BOOST_TEST(!admit().has_value());
  BOOST_TEST(carried() == "Authorization: Bearer access-2");
}

BOOST_FIXTURE_TEST_CASE(whoever_is_unmapped_meanwhile_is_not_brought_back, fixture) {
  BOOST_TEST(admit().has_value());
  store.credentials_kept.clear();
  store.users_kept.clear();
  vault->forget("ou_ann");
  renewed();
  BOOST_TEST(kept_refresh() == "none");
  BOOST_TEST(!admit().has_value());
  BOOST_TEST(carried() == "key_missing");
  BOOST_TEST(vault->held() == 1u);
}

BOOST_FIXTURE_TEST_CASE(whoever_is_unmapped_while_it_is_being_stored_is_not_brought_back, fixture) {
  BOOST_TEST(admit().has_value());
  store.hold = true;
  renewed();  // read, and on its way into the store
  store.hold = false;
  store.credentials_kept.clear();
  store.users_kept.clear();
  vault->forget("ou_ann");
  BOOST_REQUIRE(store.held.size() == 1u);
  store.held.front()();
  BOOST_TEST(kept_refresh() == "none");
}

BOOST_FIXTURE_TEST_CASE(a_mapping_that_is_only_looked_at_loses_nothing, fixture) {
  BOOST_TEST(admit().has_value());
  vault->forget("ou_ann");  // their name was corrected, say
  BOOST_TEST(admit().has_value());
  BOOST_TEST(calls.sent.size() == 1u);  // the refresh token counts once
  renewed();
  BOOST_TEST(kept_refresh() == "refresh-2");
  BOOST_TEST(!admit().has_value());
  BOOST_TEST(carried() == "Authorization: Bearer access-2");
}

BOOST_FIXTURE_TEST_CASE(what_they_connected_meanwhile_is_not_overwritten, fixture) {
  BOOST_TEST(admit().has_value());
  clock.advance(1s);
  keep("access-9", "refresh-9");
  vault->forget("ou_ann");
  renewed();
  BOOST_TEST(kept_refresh() == "refresh-9");
  BOOST_TEST(!admit().has_value());
  BOOST_TEST(carried() == "Authorization: Bearer access-9");
}

BOOST_FIXTURE_TEST_CASE(a_store_that_is_away_is_tried_again_and_the_new_token_used_meanwhile,
                        fixture) {
  BOOST_TEST(admit().has_value());
  store.away = true;
  renewed();
  BOOST_TEST(!admit().has_value());
  BOOST_TEST(carried() == "Authorization: Bearer access-2");
  clock.advance(10min);             // it is not read again as it was
  BOOST_TEST(admit().has_value());  // storing it is tried
  BOOST_TEST(!admit().has_value());
  BOOST_TEST(carried() == "Authorization: Bearer access-2");
  store.away = false;
  clock.advance(1min);
  BOOST_TEST(admit().has_value());
  BOOST_TEST(kept_refresh() == "refresh-2");
  BOOST_TEST(!admit().has_value());
  BOOST_TEST(calls.sent.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_renewal_that_is_refused_is_not_asked_for_again, fixture) {
  BOOST_TEST(admit().has_value());
  calls.answer(400, R"({"error":"invalid_grant","error_description":"refresh-1 is unknown"})");
  BOOST_TEST(!admit().has_value());
  BOOST_TEST(carried() == "unauthorized");
  const auto which = vault->refused(name, clock.now());
  BOOST_REQUIRE(which.has_value());
  BOOST_TEST(*which == http::which_key(store.credentials_kept.at(name)));
  BOOST_TEST(carried() == "key_missing");
  clock.advance(1min);
  BOOST_TEST(!admit().has_value());
  BOOST_TEST(calls.sent.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_renewal_that_fails_is_tried_again_after_a_while, fixture) {
  BOOST_TEST(admit().has_value());
  calls.answer(502, "");
  const auto wait = admit();
  BOOST_REQUIRE(wait.has_value());
  BOOST_TEST((wait->waits == actors::admission_wait::who::call));  // given back, not held
  BOOST_TEST((wait->pause > 0ms && wait->pause <= 30s));
  clock.advance(31s);
  BOOST_TEST(admit().has_value());
  BOOST_TEST(calls.sent.size() == 2u);
  calls.answer(401, R"({"error":"invalid_client"})");
  BOOST_TEST(!admit().has_value());
  BOOST_TEST(carried() == "key_missing");  // the bot writes, and nobody is told to connect again
  BOOST_TEST((logged().find("PLANE_CLIENT_SECRET") != std::string::npos));
  clock.advance(31s);
  BOOST_TEST(admit().has_value());
  renewed();
  BOOST_TEST(!admit().has_value());
  BOOST_TEST(carried() == "Authorization: Bearer access-2");
}

BOOST_FIXTURE_TEST_CASE(a_plane_that_renews_nothing_for_long_leaves_the_bot_to_write, fixture) {
  for (int n = 0; n < 5; ++n) {
    BOOST_TEST(admit().has_value());
    calls.answer(404, "");
    if (n < 4) BOOST_TEST(admit().has_value());  // it waits
    clock.advance(n < 4 ? 31s : 1s);
  }
  BOOST_TEST(!admit().has_value());
  BOOST_TEST(carried() == "key_missing");
  clock.advance(31s);
  BOOST_TEST(admit().has_value());
  renewed();
  BOOST_TEST(!admit().has_value());
  BOOST_TEST(carried() == "Authorization: Bearer access-2");
}

BOOST_FIXTURE_TEST_CASE(a_token_that_ends_soon_is_renewed_and_good_until_it_ends, fixture) {
  keep("access-3", "refresh-3");
  vault->forget("ou_ann");
  BOOST_TEST(!admit().has_value());
  clock.advance(56min);
  BOOST_TEST(admit().has_value());
  BOOST_TEST(calls.sent.size() == 1u);
  calls.answer(503, "");
  BOOST_TEST(!admit().has_value());  // four minutes are left
  BOOST_TEST(carried() == "Authorization: Bearer access-3");
  BOOST_TEST(vault->held() == 1u);
}

BOOST_FIXTURE_TEST_CASE(without_the_app_a_token_is_used_until_plane_refuses_it, fixture) {
  vault = std::make_shared<app::personal_key_vault>(store, sealer, clock, 60);
  BOOST_TEST(!admit().has_value());
  BOOST_TEST(carried() == "Authorization: Bearer access-1");
  BOOST_TEST(vault->refused(name, clock.now()).has_value());
  BOOST_TEST(calls.sent.empty());
}
