#define BOOST_TEST_MODULE plane_oauth
#include <boost/test/unit_test.hpp>

#include "base/digest.hpp"
#include "plane_fixture.hpp"
#include "protocol/plane/oauth.hpp"

using namespace pb::protocol::plane;
namespace fixture = plane_fixture;
using pb::errc;
using pb::secret;
using namespace std::chrono_literals;

namespace {
const oauth_app app{"https://api.plane.so/", "client-1", secret{"s&cret"},
                    "https://bridge.example.test/plane/oauth/callback"};
pb::failure refused(int status, const std::string& body) {
  const auto r = parse_token_answer({status, {}, body});
  BOOST_REQUIRE(r.has_error());
  return r.error();
}
}  // namespace

BOOST_AUTO_TEST_CASE(a_person_is_sent_to_the_authorize_page_with_scopes_and_state) {
  BOOST_TEST(authorize_url(app, {"projects:read", "profile:read"}, "a.b") ==
             "https://api.plane.so/auth/o/authorize-app/?client_id=client-1&response_type=code"
             "&redirect_uri=https%3A%2F%2Fbridge.example.test%2Fplane%2Foauth%2Fcallback"
             "&scope=projects%3Aread%20profile%3Aread&state=a.b");
  BOOST_TEST(default_scopes().size() >= 12u);
}

BOOST_AUTO_TEST_CASE(the_bot_flow_uses_basic_and_the_others_the_form) {
  const auto bot = bot_token_request(app, "0b8e6d4f-a15c-4973-82ed-c9f7b3a0e516");
  BOOST_TEST(bot.method == "POST");
  BOOST_TEST(bot.url == "https://api.plane.so/auth/o/token/");
  BOOST_TEST(bot.body ==
             "grant_type=client_credentials&app_installation_id=0b8e6d4f-a15c-4973-82ed-"
             "c9f7b3a0e516");
  BOOST_TEST(bot.headers.back().name == "Authorization");
  BOOST_TEST(bot.headers.back().value == "Basic " + pb::to_base64("client-1:s&cret"));
  BOOST_TEST(bot.headers.back().sensitive);
  BOOST_TEST(bot.headers.front().value == "application/x-www-form-urlencoded");

  BOOST_TEST(user_token_request(app, secret{"c/1"}).body ==
             "grant_type=authorization_code&code=c%2F1"
             "&redirect_uri=https%3A%2F%2Fbridge.example.test%2Fplane%2Foauth%2Fcallback"
             "&client_id=client-1&client_secret=s%26cret");
  BOOST_TEST(refresh_token_request(app, secret{"r"}).body ==
             "grant_type=refresh_token&refresh_token=r&client_id=client-1&client_secret=s%26cret");
  BOOST_TEST(revoke_token_request(app, secret{"t"}).url ==
             "https://api.plane.so/auth/o/revoke-token/");
  BOOST_TEST(installations_request(app, "a b").url ==
             "https://api.plane.so/auth/o/app-installation/?id=a%20b");
  BOOST_TEST(installations_request(app, "").url == "https://api.plane.so/auth/o/app-installation/");
}

BOOST_AUTO_TEST_CASE(tokens_are_read_and_a_bot_has_no_refresh_token) {
  const auto user = parse_token_answer({200, {}, fixture::sample("oauth_user_token_200.json")});
  BOOST_REQUIRE(user.has_value());
  BOOST_TEST(user->access.reveal() == "pln_EXAMPLE");
  BOOST_TEST(user->refresh->reveal() == "pln_refresh_EXAMPLE");
  BOOST_TEST((user->expires_in == 86400s));
  BOOST_TEST(user->scope == "projects:read projects.work_items:read");
  const auto bot = parse_token_answer({200, {}, fixture::sample("oauth_bot_token_200.json")});
  BOOST_REQUIRE(bot.has_value());
  BOOST_TEST(!bot->access.empty());
  BOOST_TEST(!bot->refresh.has_value());
}

BOOST_AUTO_TEST_CASE(answers_without_a_usable_token_are_errors_that_do_not_repeat_it) {
  const std::string token = "pln_SHOULD_NOT_SHOW";
  for (const auto& body : {std::string{"[]"}, std::string{"{}"}, std::string{"<html>"},
                           R"({"access_token":7})" + std::string{},
                           R"({"access_token":")" + token + R"( with blank"})",
                           R"({"access_token":")" + token + R"(\r\nX: y"})",
                           R"({"access_token":")" + token + R"(","token_type":"mac"})",
                           R"({"access_token":")" + token + R"(","expires_in":-1})",
                           R"({"access_token":")" + token + R"(","expires_in":"soon"})",
                           R"({"access_token":")" + token + R"(","refresh_token":"\u0001"})",
                           R"({"access_token":")" + std::string(9000, 'x') + R"("})"}) {
    BOOST_TEST_CONTEXT(body.substr(0, 80)) {
      const auto f = refused(200, body);
      BOOST_TEST(f.code == errc::unexpected_answer);
      BOOST_TEST(pb::describe(f).find(token) == std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_refused_code_or_client_is_unauthorized_with_the_remote_message) {
  const auto f = refused(400, R"({"error":"invalid_grant"})");
  BOOST_TEST(f.code == errc::unauthorized);
  BOOST_TEST(f.detail == "invalid_grant");
  BOOST_TEST(!f.remedy.empty());
  BOOST_TEST(refused(401, R"({"error":"invalid_client"})").code == errc::unauthorized);
  BOOST_TEST(refused(400, R"({"error":"unsupported_grant_type"})").code == errc::bad_input);
  BOOST_TEST(refused(503, "").code == errc::upstream_down);
}

BOOST_AUTO_TEST_CASE(an_installation_tells_workspace_and_bot_user) {
  const auto list =
      parse_installations({200, {}, fixture::sample("oauth_app_installation_200.json")});
  BOOST_REQUIRE(list.has_value());
  BOOST_REQUIRE(list->size() == 1u);
  const auto& one = list->front();
  BOOST_TEST(one.workspace_slug == "acme-rd");
  BOOST_TEST(one.workspace_id == "7c0b9c1e-52d6-4a1f-9d0e-3b6a8f2e4d10");
  BOOST_TEST(one.app_bot == "e07a5d2c-3f81-4b96-9c4e-6d1b8a0f2e73");
  BOOST_TEST(one.status == "installed");
  BOOST_TEST(parse_installations({200, {}, "{}"}).error().code == errc::unexpected_answer);
  BOOST_TEST(parse_installations({200, {}, "[1]"}).error().code == errc::unexpected_answer);
  BOOST_TEST(parse_installations({403, {}, ""}).error().code == errc::forbidden);
  BOOST_TEST(parse_installations({200, {}, "[]"})->empty());
}
