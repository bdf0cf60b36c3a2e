// The sandbox's Plane as the editions that have apps: the page, the three grants, what ends.
#define BOOST_TEST_MODULE sandbox_plane_oauth
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "base/digest.hpp"
#include "sandbox/seed.hpp"

using namespace pb;
using namespace std::chrono_literals;
namespace sb = pb::sandbox;
namespace json = boost::json;

namespace {

const std::string uri = "https://bridge.test/back?x=1";

sb::plane_options with_an_app(bool rotates) {
  sb::plane_options o;
  o.oauth_client_id = "client-1";
  o.oauth_client_secret = secret{"hunter2"};
  o.oauth_redirect_uris = {uri};
  o.oauth_token_life = 1h;
  o.oauth_rotates = rotates;
  return o;
}

struct world {
  explicit world(bool app = true, bool rotates = true)
      : plane(clock, random, app ? with_an_app(rotates) : sb::plane_options{}),
        seeds(sb::seed_demo(plane, secret{"key"})) {}
  manual_clock clock{from_micros(1'795'000'000'000'000)};
  seeded_random random{1};
  sb::plane plane;
  sb::seeded seeds;

  protocol::http_response call(const std::string& method, const std::string& path,
                               const std::string& query = {}, const std::string& body = {},
                               std::vector<protocol::http_header> headers = {}) {
    sb::inbound in;
    in.method = method;
    in.path = path;
    in.query = query;
    in.body = body;
    in.headers = std::move(headers);
    return plane.handle(in);
  }
  static std::string about(const std::string& more = {}) {
    return "client_id=client-1&response_type=code&scope=read+write&state=s%261&redirect_uri=" +
           protocol::percent_encode(uri) + more;
  }
  protocol::http_response agree(const std::string& user, const std::string& decision) {
    return call("POST", "/auth/o/authorize-app/", {},
                about("&user=" + user + "&decision=" + decision));
  }
  static std::string in_query(const std::string& url, const std::string& name) {
    const auto at = url.find(name + "=");
    if (at == std::string::npos) return {};
    const auto from = at + name.size() + 1;
    return protocol::percent_decode(url.substr(from, url.find('&', from) - from));
  }
  protocol::http_response token(const std::string& form) {
    return call("POST", "/auth/o/token/", {}, form + "&client_id=client-1&client_secret=hunter2");
  }
  protocol::http_response by_code(const std::string& user) {
    const auto back = agree(user, "allow");
    return token("grant_type=authorization_code&redirect_uri=" + protocol::percent_encode(uri) +
                 "&code=" + in_query(std::string{back.header("Location")}, "code"));
  }
  protocol::http_response as(const std::string& bearer, const std::string& method,
                             const std::string& path, const std::string& body = {}) {
    return call(method, path, {}, body,
                {{"Authorization", "Bearer " + bearer}, {"Content-Type", "application/json"}});
  }
};

std::string text(const protocol::http_response& r, const char* key) {
  const auto v = json::parse(r.body);
  const auto* found = v.as_object().if_contains(key);
  return found != nullptr && found->is_string() ? std::string{found->get_string()} : "";
}
constexpr const char* me = "/api/v1/users/me/";

}  // namespace

BOOST_AUTO_TEST_CASE(the_open_edition_has_no_apps) {
  world w{false};
  for (const char* path : {"/auth/o/authorize-app/", "/auth/o/app-installation/"})
    BOOST_TEST(w.call("GET", path, world::about()).status == 404);
  BOOST_TEST(w.call("POST", "/auth/o/token/").status == 404);
  BOOST_TEST(w.as("x", "GET", me).status == 401);
}

BOOST_AUTO_TEST_CASE(the_page_asks_whoever_looks_and_hands_on_what_it_was_given) {
  world w;
  const auto page = w.call("GET", "/auth/o/authorize-app/", world::about());
  BOOST_TEST(page.status == 200);
  BOOST_TEST((page.body.find("value=\"s&amp;1\"") != std::string::npos));
  BOOST_TEST((page.body.find("sandbox.member") != std::string::npos));
  BOOST_TEST((page.body.find(">Allow<") != std::string::npos));
  for (const std::string other :
       {"client_id=x", "redirect_uri=https%3A%2F%2Fevil.test", "response_type=token"}) {
    const auto wrong = w.call("GET", "/auth/o/authorize-app/", other + "&" + world::about());
    BOOST_TEST(wrong.status == 400, other);
    BOOST_TEST((wrong.body.find("<form") == std::string::npos), other);
  }
}

BOOST_AUTO_TEST_CASE(a_user_agrees_and_the_app_acts_as_them) {
  world w;
  const auto back = w.agree(w.seeds.colleague_id, "allow");
  BOOST_TEST(back.status == 302);
  const std::string url{back.header("Location")};
  BOOST_TEST(url.starts_with(uri + "&code="));
  BOOST_TEST(world::in_query(url, "state") == "s&1");
  BOOST_TEST(world::in_query(url, "app_installation_id").empty());
  const auto given = w.by_code(w.seeds.colleague_id);
  BOOST_REQUIRE(given.status == 200);
  BOOST_TEST(json::parse(given.body).at("expires_in").to_number<int>() == 3600);
  BOOST_TEST(text(given, "token_type") == "Bearer");
  BOOST_TEST(text(w.as(text(given, "access_token"), "GET", me), "id") == w.seeds.colleague_id);
  const auto denied = w.agree(w.seeds.colleague_id, "deny");
  BOOST_TEST(world::in_query(std::string{denied.header("Location")}, "error") == "access_denied");
  BOOST_TEST(w.agree("nobody", "allow").status == 403);
  BOOST_TEST(w.agree(w.seeds.colleague_id, "install").status == 403);  // no admin
}

BOOST_AUTO_TEST_CASE(a_code_counts_once_and_for_its_address_and_not_for_long) {
  world w;
  const auto take = [&](const std::string& to) {
    const auto back = w.agree(w.seeds.owner_id, "allow");
    return "grant_type=authorization_code&redirect_uri=" + protocol::percent_encode(to) +
           "&code=" + world::in_query(std::string{back.header("Location")}, "code");
  };
  const auto form = take(uri);
  BOOST_TEST(w.token(form).status == 200);
  BOOST_TEST(text(w.token(form), "error") == "invalid_grant");
  BOOST_TEST(w.token(take("https://evil.test")).status == 400);
  const auto late = take(uri);
  w.clock.advance(10min);
  BOOST_TEST(w.token(late).status == 400);
  BOOST_TEST(w.call("POST", "/auth/o/token/", {}, take(uri) + "&client_id=client-1").status == 401);
  BOOST_TEST(text(w.token("grant_type=password"), "error") == "unsupported_grant_type");
}

BOOST_AUTO_TEST_CASE(tokens_end_and_refresh_tokens_rotate) {
  world w;
  const auto first = w.by_code(w.seeds.owner_id);
  w.clock.advance(1h);
  BOOST_TEST(w.as(text(first, "access_token"), "GET", me).status == 401);
  const auto form = "grant_type=refresh_token&refresh_token=" + text(first, "refresh_token");
  const auto second = w.token(form);
  BOOST_REQUIRE(second.status == 200);
  BOOST_TEST(text(second, "refresh_token") != text(first, "refresh_token"));
  BOOST_TEST(w.as(text(second, "access_token"), "GET", me).status == 200);
  BOOST_TEST(text(w.token(form), "error") == "invalid_grant");

  world still{true, false};
  const auto kept = still.by_code(still.seeds.owner_id);
  const auto again = "grant_type=refresh_token&refresh_token=" + text(kept, "refresh_token");
  for (int n = 0; n < 2; ++n) {
    const auto more = still.token(again);
    BOOST_TEST(more.status == 200);
    BOOST_TEST(text(more, "refresh_token").empty());
  }
}

BOOST_AUTO_TEST_CASE(an_installation_has_a_bot_of_its_own) {
  world w;
  const std::string url{w.agree(w.seeds.owner_id, "install").header("Location")};
  const auto id = world::in_query(url, "app_installation_id");
  BOOST_REQUIRE(!id.empty());
  const auto form = "grant_type=client_credentials&app_installation_id=" + id;
  const auto given = w.call("POST", "/auth/o/token/", {}, form,
                            {{"Authorization", "Basic " + to_base64("client-1:hunter2"), true}});
  BOOST_REQUIRE(given.status == 200);
  BOOST_TEST(text(given, "refresh_token").empty());
  const auto bot = text(given, "access_token");
  const auto all = json::parse(w.as(bot, "GET", "/auth/o/app-installation/").body).as_array();
  BOOST_REQUIRE(all.size() == 1u);
  BOOST_TEST(std::string{all[0].at("workspace_detail").at("slug").as_string()} == "demo");
  BOOST_TEST(std::string{all[0].at("app_bot").as_string()} == text(w.as(bot, "GET", me), "id"));
  const auto items = "/api/v1/workspaces/demo/projects/" + w.seeds.projects[0].id + "/work-items/";
  const auto made = w.as(bot, "POST", items, R"({"name":"by the bot"})");
  BOOST_TEST(made.status == 201);
  BOOST_TEST(text(made, "created_by") == text(w.as(bot, "GET", me), "id"));
  BOOST_TEST(w.token("grant_type=client_credentials&app_installation_id=none").status == 400);
}

BOOST_AUTO_TEST_CASE(scopes_limits_and_revocation_count) {
  world w;
  const auto back =
      w.call("POST", "/auth/o/authorize-app/", {},
             "client_id=client-1&response_type=code&scope=profile:read&redirect_uri=" +
                 protocol::percent_encode(uri) + "&decision=allow&user=" + w.seeds.owner_id);
  const auto given =
      w.token("grant_type=authorization_code&redirect_uri=" + protocol::percent_encode(uri) +
              "&code=" + world::in_query(std::string{back.header("Location")}, "code"));
  const auto token = text(given, "access_token");
  const auto items = "/api/v1/workspaces/demo/projects/" + w.seeds.projects[0].id + "/work-items/";
  BOOST_TEST(w.as(token, "POST", items, R"({"name":"n"})").status == 403);
  BOOST_TEST(w.as(token, "GET", me).header("X-RateLimit-Remaining") == "59");
  w.plane.end_tokens(w.seeds.owner_id, false);
  BOOST_TEST(w.as(token, "GET", me).status == 401);
  const auto refresh = "grant_type=refresh_token&refresh_token=" + text(given, "refresh_token");
  const auto next = w.token(refresh);
  BOOST_TEST(next.status == 200);
  const json::object gone{{"token", text(next, "access_token")},
                          {"client_id", "client-1"},
                          {"client_secret", "hunter2"}};
  BOOST_TEST(w.call("POST", "/auth/o/revoke-token/", {}, json::serialize(gone)).status == 200);
  BOOST_TEST(w.as(text(next, "access_token"), "GET", me).status == 401);
  w.plane.end_tokens(w.seeds.owner_id, true);
  BOOST_TEST(
      w.token("grant_type=refresh_token&refresh_token=" + text(next, "refresh_token")).status ==
      400);
}
