// Plane's OAuth with a stand-in for Plane and for the store.
#define BOOST_TEST_MODULE http_plane_oauth
#include "http/plane_oauth.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "base/digest.hpp"
#include "base/log.hpp"
#include "drive.hpp"
#include "fake_store.hpp"
#include "http/plane_oauth_page.hpp"

using namespace pb;
using namespace pb::http;
using namespace std::chrono_literals;
namespace json = boost::json;
using protocol::http_request;
using protocol::http_response;

namespace {

const std::string installation = "0b8e6d4f-a15c-4973-82ed-c9f7b3a0e516";
const std::string code = "code-that-nobody-may-see";

std::string sample(const std::string& name) {
  std::ifstream in{std::filesystem::path{PB_FIXTURES} / "plane" / name, std::ios::binary};
  BOOST_REQUIRE_MESSAGE(in, name);
  return {std::istreambuf_iterator<char>{in}, {}};
}
std::string text(const json::value& v) { return std::string{v.as_string()}; }

std::string& log_lines() {
  static std::string lines;
  return lines;
}

struct fake_plane final : transport {
  std::vector<http_request> asked;
  std::map<std::string, result<http_response>> answers;  ///< by the path's end

  fake_plane() {
    answers.emplace("/auth/o/token/", http_response{200, {}, sample("oauth_bot_token_200.json")});
    answers.emplace("/auth/o/app-installation/",
                    http_response{200, {}, sample("oauth_app_installation_200.json")});
    answers.emplace("/api/v1/users/me/", http_response{200, {}, sample("rest_users_me.json")});
  }
  void set(const std::string& path, result<http_response> a) {
    answers.insert_or_assign(path, std::move(a));
  }
  void send(http_request r, call_limits, completion done) override {
    const auto path =
        r.url.substr(0, r.url.find('?')).substr(std::string{"https://plane.example.test"}.size());
    asked.push_back(std::move(r));
    BOOST_REQUIRE_MESSAGE(answers.contains(path), path);
    done(answers.at(path));
  }
};

struct fixture {
  manual_clock clock{from_micros(1'795'245'000'000'000)};
  seeded_random random{7};
  fake_plane plane;
  fake::store store;
  plane_oauth_options options;
  std::string sealed_name, sealed_text;
  std::vector<std::string> stored;
  std::vector<std::string> told;  ///< every answer's text, to be searched for secrets

  fixture() {
    log_lines().clear();
    log::capture([](std::string_view line) { log_lines() += std::string{line} + "\n"; });
    options.app = {"https://plane.example.test/", "client-1", secret{"client-secret-hunter2"},
                   "https://bridge.example.test/plane/oauth/callback"};
    options.encryption_key = secret{std::string(32, 'k')};
    options.seal = [this](const std::string& name,
                          const std::string& plain) -> result<std::string> {
      sealed_name = name;
      sealed_text = plain;
      return std::string{"sealed"};
    };
    options.stored = [this](const std::string& name) { stored.push_back(name); };
  }
  ~fixture() {
    log::capture(nullptr);
    std::string all = log_lines();
    for (const auto& t : told) all += t;
    for (const auto* hidden :
         {code.c_str(), "hunter2", "pln_bot_EXAMPLE", "pln_EXAMPLE", "pln_refresh_EXAMPLE"})
      BOOST_TEST(all.find(hidden) == std::string::npos, hidden << " was told");
  }

  std::shared_ptr<drive::outcome> get(std::size_t which, const std::string& query,
                                      bool as_json = true) {
    const auto routes = plane_oauth_routes(options, plane_oauth_peers{plane, store, clock, random});
    drive::given g;
    g.query = query;
    if (as_json) g.headers = {{"Accept", "application/json"}};
    auto out = drive::send(routes.at(which), std::move(g));
    if (out->answer) told.push_back(out->answer->body);
    return out;
  }
  std::shared_ptr<drive::outcome> start(const std::string& query, bool as_json = true) {
    return get(0, query, as_json);
  }
  std::shared_ptr<drive::outcome> back(const std::string& query, bool as_json = true) {
    return get(1, query, as_json);
  }
  std::string state_of(const std::string& query = "") {
    const auto body = json::parse(start(query)->answer->body);
    const auto url = text(body.at("data").at("authorize_url"));
    const auto at = url.find("state=") + 6;
    return protocol::percent_decode(url.substr(at, url.find('&', at) - at));
  }
  std::string installed(const std::string& state) {
    return "state=" + state + "&app_installation_id=" + installation + "&code=" + code;
  }
};

std::string code_of(const drive::outcome& o) {
  BOOST_REQUIRE(o.answer);
  return text(json::parse(o.answer->body).at("error").at("code"));
}
json::value data_of(const drive::outcome& o) {
  BOOST_REQUIRE(o.answer);
  BOOST_REQUIRE_MESSAGE(o.answer->status == 200, o.answer->body);
  return json::parse(o.answer->body).at("data");
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(start_sends_a_person_to_plane_and_tells_a_program_where, fixture) {
  const auto person = start("", false);
  BOOST_TEST(person->answer->status == 302);
  const auto url = person->header("Location");
  BOOST_TEST(url.starts_with("https://plane.example.test/auth/o/authorize-app/?"));
  BOOST_TEST(url.find("client_id=client-1") != std::string::npos);
  BOOST_TEST(url.find("response_type=code") != std::string::npos);
  BOOST_TEST(url.find("redirect_uri=https%3A%2F%2Fbridge.example.test") != std::string::npos);
  BOOST_TEST(person->header("Cache-Control") == "no-store");
  const auto program = data_of(*start("redirect=json&flow=user", false));
  BOOST_TEST(text(program.at("flow")) == "user");
  BOOST_TEST(program.at("expires_in").to_number<int>() == 600);
}

BOOST_FIXTURE_TEST_CASE(start_refuses_other_flows_and_states_it_could_not_hand_back, fixture) {
  BOOST_TEST(start("flow=robot")->answer->status == 400);
  BOOST_TEST(start("state=" + std::string(1025, 'x'))->answer->status == 400);
  BOOST_TEST(start("state=%FF%FE")->answer->status == 400);
  BOOST_TEST(start("state=%E4%B8%AD%22%00")->answer->status == 200);
}

BOOST_FIXTURE_TEST_CASE(an_installation_is_stored_sealed_and_summed_up, fixture) {
  const auto out = back(installed(state_of("state=mine%20%22%3Cb%3E")));
  const auto data = data_of(*out);
  BOOST_TEST(text(data.at("flow")) == "bot");
  BOOST_TEST(text(data.at("credential")) == "plane.oauth.bot");
  BOOST_TEST(text(data.at("state")) == "mine \"<b>");
  BOOST_TEST(text(data.at("workspace").at("slug")) == "acme-rd");
  BOOST_TEST(text(data.at("expires_at")) == format_rfc3339(clock.now() + 24h));
  BOOST_TEST(out->header("Cache-Control") == "no-store");

  BOOST_REQUIRE(plane.asked.size() == 2u);
  BOOST_TEST(plane.asked[0].body ==
             "grant_type=client_credentials&app_installation_id=" + installation);
  BOOST_REQUIRE(store.credentials_kept.contains("plane.oauth.bot"));
  const auto& row = store.credentials_kept.at("plane.oauth.bot");
  BOOST_TEST(row.tenant == "default");
  BOOST_TEST(row.sealed == "sealed");
  BOOST_TEST(row.key_id == sha256_hex(std::string(32, 'k')).substr(0, 8));
  BOOST_TEST(sealed_name == "plane.oauth.bot");
  const auto plain = json::parse(sealed_text);
  BOOST_TEST(text(plain.at("access_token")) == "pln_bot_EXAMPLE");
  BOOST_TEST(text(plain.at("app_installation_id")) == installation);
  BOOST_TEST(text(plain.at("bot_user_id")) == "e07a5d2c-3f81-4b96-9c4e-6d1b8a0f2e73");
  BOOST_TEST(plain.at("expires_at").as_int64() == to_micros(clock.now() + 24h));
  BOOST_TEST(stored == std::vector<std::string>{"plane.oauth.bot"},
             boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_user_is_stored_under_their_id, fixture) {
  plane.set("/auth/o/token/", http_response{200, {}, sample("oauth_user_token_200.json")});
  const auto data = data_of(*back("code=" + code + "&state=" + state_of("flow=user")));
  const auto id = text(json::parse(sample("rest_users_me.json")).at("id"));
  BOOST_TEST(text(data.at("user_id")) == id);
  BOOST_TEST(store.credentials_kept.contains("plane.oauth.user." + id));
  BOOST_TEST(plane.asked[0].body.find("grant_type=authorization_code") != std::string::npos);
  BOOST_TEST(text(json::parse(sealed_text).at("refresh_token")) == "pln_refresh_EXAMPLE");
  bool bearer = false;
  for (const auto& h : plane.asked.back().headers)
    bearer = bearer || h.value == "Bearer pln_EXAMPLE";
  BOOST_TEST(bearer);
}

BOOST_FIXTURE_TEST_CASE(a_person_gets_a_page_without_scripts_or_markup_of_others, fixture) {
  const auto out = back(installed(state_of("state=%3Cscript%3E")), false);
  BOOST_TEST(out->answer->status == 200);
  BOOST_TEST(out->answer->content_type == "text/html; charset=utf-8");
  BOOST_TEST(out->answer->body.find("&lt;script&gt;") != std::string::npos);
  BOOST_TEST(out->answer->body.find("<script") == std::string::npos);
  BOOST_TEST(out->answer->body.find("Acme R&amp;D") != std::string::npos);
  BOOST_TEST(out->header("Content-Security-Policy").starts_with("default-src 'none'"));
  BOOST_TEST(out->header("Referrer-Policy") == "no-referrer");
}

BOOST_FIXTURE_TEST_CASE(a_state_that_was_not_made_here_is_refused_before_anything_is_asked,
                        fixture) {
  const auto good = state_of();
  auto payload = good;
  payload[3] = payload[3] == 'A' ? 'B' : 'A';
  auto signature = good;
  signature[good.find('.') + 3] = signature[good.find('.') + 3] == 'A' ? 'B' : 'A';
  auto other = options;
  other.encryption_key = secret{std::string(32, 'x')};
  std::swap(other, options);
  const auto foreign = state_of();
  std::swap(other, options);
  for (const auto& state :
       {payload, signature, foreign, good.substr(0, good.find('.')), good + "A", std::string{"."},
        std::string{"a.b"}, std::string(10'000, 'a'), good.substr(good.find('.'))})
    BOOST_TEST_CONTEXT(state.substr(0, 60))
  BOOST_TEST(code_of(*back(installed(state))) == "OAUTH_STATE_INVALID");
  BOOST_TEST(code_of(*back("code=" + code)) == "OAUTH_STATE_MISSING");
  BOOST_TEST(plane.asked.empty());
  BOOST_TEST(store.credentials_kept.empty());
  BOOST_TEST(store.states_kept.empty());
}

BOOST_FIXTURE_TEST_CASE(a_state_ends_after_ten_minutes, fixture) {
  const auto first = state_of();
  const auto second = state_of();
  clock.advance(9min + 59s);
  BOOST_TEST(back(installed(first))->answer->status == 200);
  clock.advance(1s);
  BOOST_TEST(code_of(*back(installed(second))) == "OAUTH_STATE_EXPIRED");
}

BOOST_FIXTURE_TEST_CASE(a_state_counts_once_also_after_a_restart, fixture) {
  const auto state = state_of();
  BOOST_TEST(back(installed(state))->answer->status == 200);
  BOOST_TEST(code_of(*back(installed(state))) == "OAUTH_STATE_USED");  // get() makes new endpoints
  BOOST_TEST(plane.asked.size() == 2u);
  BOOST_TEST(store.states_kept.size() == 1u);
  // what was used is forgotten once it would have ended anyway
  clock.advance(11min);
  BOOST_TEST(back(installed(state_of()))->answer->status == 200);
  BOOST_TEST(store.states_kept.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_state_used_twice_at_once_counts_once, fixture) {
  const auto routes = plane_oauth_routes(options, plane_oauth_peers{plane, store, clock, random});
  const auto state = state_of();
  store.hold = true;
  const auto visit = [&] {
    drive::given g;
    g.query = installed(state);
    g.headers = {{"Accept", "application/json"}};
    return drive::send(routes.at(1), std::move(g));
  };
  const auto first = visit();
  const auto second = visit();
  BOOST_TEST(!first->answer);
  BOOST_TEST(code_of(*second) == "OAUTH_STATE_USED");
  store.hold = false;
  store.held.front()();
  BOOST_TEST(first->answer->status == 200);
}

BOOST_FIXTURE_TEST_CASE(a_tried_and_wrong_code_gets_a_page_with_a_remedy_or_json, fixture) {
  plane.set(
      "/auth/o/token/",
      http_response{400, {}, R"({"error":"invalid_grant","error_description":")" + code + "\"}"});
  const auto person = back("code=" + code + "&state=" + state_of("flow=user"), false);
  BOOST_TEST(person->answer->status == 400);
  BOOST_TEST(person->answer->content_type == "text/html; charset=utf-8");
  BOOST_TEST(person->answer->body.find("start again at /plane/oauth/start") != std::string::npos);
  const auto program = back("code=" + code + "&state=" + state_of("flow=user&state=mine"));
  BOOST_TEST(code_of(*program) == "OAUTH_GRANT_REFUSED");
  const auto details = json::parse(program->answer->body).at("error").at("details");
  BOOST_TEST(text(details.at("state")) == "mine");
  BOOST_TEST(!text(details.at("remedy")).empty());
  BOOST_TEST(store.credentials_kept.empty());
}

BOOST_FIXTURE_TEST_CASE(a_plane_that_is_away_or_odd_is_told_apart_from_a_wrong_code, fixture) {
  plane.set("/auth/o/token/",
            failure{.code = errc::timed_out, .where = "http.client", .detail = "token=" + code});
  BOOST_TEST(code_of(*back(installed(state_of()))) == "UPSTREAM");
  plane.set("/auth/o/token/", http_response{500, {}, "<html>" + code});
  BOOST_TEST(code_of(*back(installed(state_of()))) == "UPSTREAM");
  plane.set("/auth/o/token/", http_response{200, {}, R"({"access_token":"a\nb"})"});
  BOOST_TEST(code_of(*back(installed(state_of()))) == "UPSTREAM");
  plane.set("/auth/o/token/", http_response{200, {}, sample("oauth_user_token_200.json")});
  plane.set("/api/v1/users/me/", http_response{200, {}, R"({"id":"../../etc"})"});
  BOOST_TEST(code_of(*back("code=" + code + "&state=" + state_of("flow=user"))) == "UPSTREAM");
  BOOST_TEST(store.credentials_kept.empty());
}

BOOST_FIXTURE_TEST_CASE(an_unreadable_installation_does_not_lose_the_tokens, fixture) {
  plane.set("/auth/o/app-installation/", http_response{404, {}, "{}"});
  const auto data = data_of(*back(installed(state_of())));
  BOOST_TEST(!data.as_object().contains("workspace"));
  BOOST_TEST(store.credentials_kept.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(what_plane_refused_or_left_out_is_named, fixture) {
  BOOST_TEST(code_of(*back("error=access_denied&state=" + state_of())) == "OAUTH_DENIED");
  const auto odd = back("error=%3Cb%3Ehunter2&state=" + state_of());
  BOOST_TEST(code_of(*odd) == "OAUTH_DENIED");
  BOOST_TEST(back("state=" + state_of())->answer->status == 400);
  BOOST_TEST(back("state=" + state_of("flow=user"))->answer->status == 400);
  BOOST_TEST(back("app_installation_id=../x&state=" + state_of())->answer->status == 400);
  BOOST_TEST(
      back("code=" + std::string(3000, 'c') + "&state=" + state_of("flow=user"))->answer->status ==
      400);
  BOOST_TEST(plane.asked.empty());
}

BOOST_FIXTURE_TEST_CASE(a_store_that_is_away_is_503, fixture) {
  const auto state = state_of();
  store.away = true;
  BOOST_TEST(back(installed(state))->answer->status == 503);
  store.away = false;
  BOOST_TEST(back(installed(state))->answer->status == 200);
}

BOOST_FIXTURE_TEST_CASE(what_is_missing_is_named_with_its_place, fixture) {
  struct row {
    const char* entry;
    std::function<void(plane_oauth_options&)> take_away;
  };
  const row rows[] = {
      {"plane.base_url", [](auto& o) { o.app.base_url.clear(); }},
      {"plane.client_id", [](auto& o) { o.app.client_id.clear(); }},
      {"plane.client_secret", [](auto& o) { o.app.client_secret = secret{}; }},
      {"plane.redirect_uri", [](auto& o) { o.app.redirect_uri.clear(); }},
      {"security.encryption_key", [](auto& o) { o.encryption_key = secret{}; }},
  };
  const auto whole = options;
  for (const auto& r : rows) {
    options = whole;
    r.take_away(options);
    for (const std::size_t which : {0u, 1u}) {
      const auto out = get(which, "");
      BOOST_TEST(out->answer->status == 503);
      BOOST_TEST(code_of(*out) == "KEY_MISSING");
      BOOST_TEST(out->answer->body.find(r.entry) != std::string::npos);
      BOOST_TEST(out->answer->body.find("docs/secrets.md#") != std::string::npos);
      const auto page = get(which, "", false);
      BOOST_TEST(page->answer->status == 503);
      BOOST_TEST(page->answer->body.find(r.entry) != std::string::npos);
    }
  }
}
