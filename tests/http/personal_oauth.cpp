// From the one-time page to Plane and back: whose account it is, in which browser it was begun, how
// often it counts, and that nothing secret is told.
#define BOOST_TEST_MODULE http_personal_oauth
#include "http/personal_oauth.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "ask.hpp"
#include "base/log.hpp"
#include "fake_store.hpp"
#include "http/mapping_endpoints.hpp"
#include "http/personal_key.hpp"
#include "persistence/sealing.hpp"

using namespace pb;
using namespace pb::http;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

const std::string ann = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const std::string bob = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";
const std::string code = "code-that-nobody-may-see";
const std::string access_token = "pln_access_nobody_may_see",
                  refresh = "pln_refresh_nobody_may_see";
const std::string client_secret = "client-secret-hunter2";

std::string& log_lines() {
  static std::string lines;
  return lines;
}

/// Plane's token endpoint and GET /users/me/.
struct plane_side final : transport {
  std::vector<protocol::http_request> asked;
  result<protocol::http_response> token, me;
  bool hold = false;
  std::vector<std::function<void()>> held;

  plane_side() : token(answer(200, tokens())), me(answer(200, person(ann))) {}
  static protocol::http_response answer(int status, const json::object& body) {
    return {status, {{"Content-Type", "application/json"}}, json::serialize(body)};
  }
  static json::object tokens() {
    return {{"access_token", access_token},
            {"refresh_token", refresh},
            {"token_type", "Bearer"},
            {"expires_in", 86'400},
            {"scope", "read write"}};
  }
  static json::object person(const std::string& id) {
    return {{"id", id}, {"display_name", "Ann"}, {"email", "ann@example.org"}};
  }
  void send(protocol::http_request r, call_limits, completion done) override {
    const auto& with = r.url.ends_with("/auth/o/token/") ? token : me;
    asked.push_back(std::move(r));
    if (hold)
      held.emplace_back([done, with] { done(with); });
    else
      done(with);
  }
};

struct fixture {
  manual_clock clock{from_micros(1'795'245'000'000'000)};
  seeded_random random{7};
  fake::store store;
  plane_side plane;
  persistence::sealer sealer{secret{std::string(32, 'k')}};
  std::vector<std::string> connected;
  std::string told;  ///< every answer, to be searched for secrets
  bool app = true;
  protocol::plane::oauth_app registered{"https://plane.example.test", "client-1",
                                        secret{client_secret},
                                        "https://bridge.example.org/plane/oauth/callback"};
  std::vector<route> page, callback;

  fixture() {
    log_lines().clear();
    log::capture([](std::string_view line) { log_lines() += std::string{line} + "\n"; });
    auto& mine = store.users_kept["ou_ann"];
    mine.open_id = "ou_ann";
    mine.name = "小安";
    mine.plane_user = ann;
    wire();
  }
  ~fixture() {
    log::capture(nullptr);
    for (const auto& hidden : {code, access_token, refresh, client_secret}) {
      BOOST_TEST(log_lines().find(hidden) == std::string::npos, hidden << " was logged");
      BOOST_TEST(told.find(hidden) == std::string::npos, hidden << " was told");
      for (const auto& [name, row] : store.credentials_kept)
        BOOST_TEST(row.sealed.find(hidden) == std::string::npos, hidden << " lies open");
      for (const auto& [name, value] : store.states_kept)
        BOOST_TEST(value.find(hidden) == std::string::npos, hidden << " is in a state");
    }
  }
  /// As a process does at its start.
  void wire() {
    const secret key{std::string(32, 'k')};
    personal_key_dependencies d{
        store,
        clock,
        "https://bridge.example.org",
        [](const secret&, const auto& done) { done(failure{.code = errc::unauthorized}); },
        [this](const std::string& name, const secret& plain) {
          return sealer.seal("default", name, plain, clock.now());
        },
        [this](const std::string& who) { connected.push_back(who); }};
    if (app) {
      personal_oauth_options o;
      o.app = registered;
      o.encryption_key = key;
      d.oauth = std::make_shared<personal_oauth>(std::move(o), plane, clock, random);
    }
    auto made = make_personal_key_page(std::move(d));
    page = std::move(made.routes);
    plane_oauth_options o;
    o.app = registered;
    o.encryption_key = key;
    o.seal = [](const std::string&, const std::string&) { return std::string{"sealed"}; };
    o.person = std::move(made.came_back);
    callback = plane_oauth_routes(std::move(o), {plane, store, clock, random});
  }
  std::string ticket(const std::string& open_id = "ou_ann") {
    auto t = make_connect_ticket("https://bridge.example.org", open_id, {}, clock.now(), random);
    store.states_kept[t.entry.key] = *t.entry.value;
    const auto& url = t.url.reveal();
    return url.substr(url.rfind('/') + 1);
  }
  response get(const std::string& token, const std::string& query = {},
               std::vector<protocol::http_header> headers = {}) {
    ask::question q;
    q.path_params["token"] = token;
    q.query = query;
    q.headers = std::move(headers);
    auto out = ask::now(page, "GET", "/connect/{token}", std::move(q));
    told += out.body;
    return out;
  }
  /// What the browser holds once it was sent to Plane.
  struct sent_off {
    std::string state, cookie, url, set_cookie;
  };
  sent_off begin(const std::string& token) {
    const auto out = get(token, "with=plane", {{"Sec-Fetch-Site", "same-origin"}});
    BOOST_REQUIRE(out.status == 302);
    sent_off s;
    s.url = ask::header(out, "Location");
    s.set_cookie = ask::header(out, "Set-Cookie");
    s.cookie = s.set_cookie.substr(0, s.set_cookie.find(';'));
    const auto at = s.url.find("state=");
    BOOST_REQUIRE(at != std::string::npos);
    s.state = s.url.substr(at + 6, s.url.find('&', at) - at - 6);
    return s;
  }
  ask::owed begin_back(const std::string& query, const std::string& cookie,
                       const std::string& language = "en") {
    ask::question q;
    q.query = query;
    q.headers = {{"Accept-Language", language}};
    if (!cookie.empty()) q.headers.push_back({"Cookie", cookie, true});
    return ask::start(callback, "GET", "/plane/oauth/callback", std::move(q));
  }
  response back(const sent_off& s, const std::string& more = "code=" + code) {
    const auto out = begin_back("state=" + s.state + "&" + more, s.cookie);
    BOOST_REQUIRE(*out);
    told += (**out).body;
    return **out;
  }
  [[nodiscard]] bool nothing_stored() const { return store.credentials_kept.empty(); }
};

bool has(const response& r, const std::string& text) {
  return r.body.find(text) != std::string::npos;
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_person_agrees_at_plane_and_their_tokens_are_sealed, fixture) {
  const auto token = ticket();
  const auto shown = get(token);
  BOOST_TEST(shown.status == 200);
  BOOST_TEST(has(shown, "Connect with Plane"));
  BOOST_TEST(has(shown, "name=\"key\""));  // still the key, where Plane takes keys
  BOOST_TEST(has(shown, "小安"));
  const auto s = begin(token);
  BOOST_TEST(s.url.starts_with("https://plane.example.test/auth/o/authorize-app/?"));
  BOOST_TEST((s.url.find("client_id=client-1") != std::string::npos));
  BOOST_TEST((s.url.find("response_type=code") != std::string::npos));
  BOOST_TEST((s.url.find("bridge.example.org%2Fplane%2Foauth%2Fcallback") != std::string::npos));
  for (const std::string part :
       {"Path=/plane/oauth/callback", "HttpOnly", "Secure", "SameSite=Lax"})
    BOOST_TEST((s.set_cookie.find(part) != std::string::npos), part);
  // Neither the link nor the cookie goes to Plane.
  BOOST_TEST((s.url.find(token) == std::string::npos));
  BOOST_TEST((s.url.find(s.cookie.substr(s.cookie.find('=') + 1)) == std::string::npos));

  const auto done = back(s);
  BOOST_TEST(done.status == 200);
  BOOST_TEST(has(done, "Connected"));
  BOOST_TEST(!has(done, "<form"));
  BOOST_REQUIRE(plane.asked.size() == 2u);
  BOOST_TEST((plane.asked[0].body.find("grant_type=authorization_code") != std::string::npos));
  bool bearer = false;
  for (const auto& h : plane.asked[1].headers)
    bearer = bearer || (h.value == "Bearer " + access_token && h.sensitive);
  BOOST_TEST(bearer);
  const auto plain = sealer.open(store.credentials_kept.at(personal_key_credential("ou_ann")));
  BOOST_REQUIRE(plain.has_value());
  const auto kept = parse_personal_key(plain->reveal());
  BOOST_REQUIRE(kept.has_value());
  BOOST_TEST(kept->oauth);
  BOOST_TEST(kept->key.reveal() == access_token);
  BOOST_TEST(kept->refresh.reveal() == refresh);
  BOOST_TEST((kept->expires_at == clock.now() + 24h));
  BOOST_TEST(kept->plane_user == ann);
  BOOST_TEST(connected == std::vector<std::string>{"ou_ann"}, boost::test_tools::per_element());
  BOOST_TEST(get(token).status == 404);  // the link counts once
}

BOOST_FIXTURE_TEST_CASE(without_an_app_the_page_is_as_it_was, fixture) {
  app = false;
  wire();
  const auto token = ticket();
  BOOST_TEST(!has(get(token), "Connect with Plane"));
  const auto asked = get(token, "with=plane");
  BOOST_TEST(asked.status == 200);
  BOOST_TEST(ask::header(asked, "Set-Cookie").empty());
  BOOST_TEST(has(asked, "name=\"key\""));
}

BOOST_FIXTURE_TEST_CASE(another_account_than_the_mapped_one_is_refused_and_may_be_mended, fixture) {
  const auto token = ticket();
  plane.me = plane_side::answer(200, plane_side::person(bob));
  const auto out = back(begin(token));
  BOOST_TEST(out.status == 403);
  BOOST_TEST(has(out, "Sign out there"));
  BOOST_TEST(nothing_stored());
  plane.me = plane_side::answer(200, plane_side::person(ann));
  BOOST_TEST(back(begin(token)).status == 200);
}

BOOST_FIXTURE_TEST_CASE(nobody_is_mapped_by_agreeing, fixture) {
  // The link may be somebody else's: agreeing gives their person no account.
  store.users_kept.clear();
  BOOST_TEST(back(begin(ticket("ou_eve"))).status == 403);
  auto& left = store.users_kept["ou_ann"];
  left.open_id = "ou_ann";
  left.plane_user = ann;
  left.left = true;
  const auto out = back(begin(ticket()));
  BOOST_TEST(out.status == 403);
  BOOST_TEST(has(out, "not mapped"));
  BOOST_TEST(nothing_stored());
}

BOOST_FIXTURE_TEST_CASE(an_answer_counts_once, fixture) {
  const auto token = ticket();
  const auto s = begin(token);
  plane.me = failure{.code = errc::upstream_down, .where = "plane"};
  BOOST_TEST(back(s).status == 503);
  plane.me = plane_side::answer(200, plane_side::person(ann));
  const auto asked = plane.asked.size();
  const auto again = back(s);
  BOOST_TEST(again.status == 400);
  BOOST_TEST(has(again, "used already"));
  wire();  // a new process knows it, too
  BOOST_TEST(back(s).status == 400);
  BOOST_TEST(plane.asked.size() == asked);
  BOOST_TEST(nothing_stored());
  BOOST_TEST(back(begin(token)).status == 200);
}

BOOST_FIXTURE_TEST_CASE(another_browsers_answer_is_refused_and_not_used_up, fixture) {
  const auto token = ticket();
  auto s = begin(token), other = begin(token);
  const auto mine = s.cookie;
  for (const std::string& cookie :
       {std::string{}, other.cookie, std::string{"planebridge_connect="},
        std::string{"planebridge_connect"}, "x" + mine, mine + "A",
        "planebridge_connect=" + std::string(5000, 'A')}) {
    s.cookie = cookie;
    const auto out = back(s);
    BOOST_TEST(out.status == 403, cookie);
    BOOST_TEST(has(out, "another browser"), cookie);
  }
  BOOST_TEST(plane.asked.empty());
  s.cookie = "a=b; " + mine + "; c=d";
  BOOST_TEST(back(s).status == 200);
}

BOOST_FIXTURE_TEST_CASE(states_end_and_so_do_links, fixture) {
  const auto token = ticket();
  const auto s = begin(token);
  clock.advance(10min);
  const auto late = back(s);
  BOOST_TEST(late.status == 400);
  BOOST_TEST(has(late, "ten minutes"));
  const auto second = begin(token);
  clock.advance(5min);  // the link has run out meanwhile
  BOOST_TEST(back(second).status == 404);
  BOOST_TEST(get(token, "with=plane", {{"Sec-Fetch-Site", "same-origin"}}).status == 404);
  BOOST_TEST(plane.asked.empty());
  BOOST_TEST(nothing_stored());
}

BOOST_FIXTURE_TEST_CASE(a_link_that_was_used_meanwhile_takes_no_second_account, fixture) {
  const auto token = ticket();
  const auto first = begin(token), second = begin(token);
  plane.hold = true;
  const auto one = begin_back("state=" + first.state + "&code=" + code, first.cookie);
  BOOST_TEST(!*one);
  const auto two = begin_back("state=" + second.state + "&code=" + code, second.cookie);
  BOOST_REQUIRE(*two);
  BOOST_TEST((**two).status == 409);
  plane.hold = false;
  BOOST_REQUIRE(plane.held.size() == 1u);
  plane.held.front()();
  BOOST_REQUIRE(*one);
  BOOST_TEST((**one).status == 200);
  const auto third = begin_back("state=" + second.state + "&code=" + code, second.cookie);
  BOOST_TEST((**third).status == 400);
}

BOOST_FIXTURE_TEST_CASE(a_state_of_the_other_flows_or_of_nobody_opens_nothing, fixture) {
  auto s = begin(ticket());
  const auto good = s.state;
  s.state[5] = s.state[5] == 'A' ? 'B' : 'A';
  BOOST_TEST(back(s).status == 400);
  s.state = good;
  // Who names no link and no browser is not let in by a signature alone.
  oauth_state made;
  made.flow = oauth_flow::person;
  made.nonce = "n";
  made.ends = clock.now() + 1min;
  const auto key = oauth_state_key(secret{std::string(32, 'k')});
  s.state = write_oauth_state(made, key);
  BOOST_TEST(back(s).status == 400);
  made.flow = oauth_flow::user;
  s.state = write_oauth_state(made, key);
  (void)back(s);  // the administrator's flow stores under another name
  BOOST_TEST(!store.credentials_kept.contains(personal_key_credential("ou_ann")));
}

BOOST_FIXTURE_TEST_CASE(only_the_page_itself_sends_people_to_plane, fixture) {
  const auto token = ticket();
  for (const std::string site : {"cross-site", "same-site", "none"}) {
    const auto out = get(token, "with=plane", {{"Sec-Fetch-Site", site}});
    BOOST_TEST(out.status == 403, site);
    BOOST_TEST(ask::header(out, "Set-Cookie").empty(), site);
  }
  BOOST_TEST(get(token, {}, {{"Sec-Fetch-Site", "cross-site"}}).status == 200);  // to look
}

BOOST_FIXTURE_TEST_CASE(what_goes_wrong_at_plane_is_said_and_the_link_stays, fixture) {
  const auto token = ticket();
  const auto denied = back(begin(token), "error=access_denied");
  BOOST_TEST(denied.status == 400);
  BOOST_TEST(has(denied, "did not agree"));
  BOOST_TEST(back(begin(token), "x=y").status == 400);
  BOOST_TEST(back(begin(token), "code=" + std::string(3000, 'c')).status == 400);
  BOOST_TEST(plane.asked.empty());
  plane.token = plane_side::answer(400, {{"error", "invalid_grant"}});
  const auto refused = back(begin(token));
  BOOST_TEST(refused.status == 400);
  BOOST_TEST(has(refused, "PLANE_CLIENT_ID"));
  plane.token = plane_side::answer(401, {{"error", code}});  // a remote that repeats what it heard
  BOOST_TEST(back(begin(token)).status == 400);
  plane.token = plane_side::answer(502, {});
  BOOST_TEST(back(begin(token)).status == 503);
  plane.token = plane_side::answer(200, {{"access_token", "not a token"}});
  BOOST_TEST(back(begin(token)).status == 503);
  plane.token = plane_side::answer(200, plane_side::tokens());
  plane.me = plane_side::answer(200, {{"id", "nobody"}});
  BOOST_TEST(back(begin(token)).status == 503);
  plane.me = plane_side::answer(200, plane_side::person(ann));
  store.away = true;
  BOOST_TEST(get(token).status == 503);
  store.away = false;
  const auto s = begin(token);
  store.away = true;
  BOOST_TEST(back(s).status == 503);
  store.away = false;
  BOOST_TEST(nothing_stored());
  BOOST_TEST(back(begin(token)).status == 200);
}

BOOST_FIXTURE_TEST_CASE(the_pages_speak_chinese_and_keep_the_address_to_themselves, fixture) {
  plane.me = plane_side::answer(200, plane_side::person(bob));
  const auto s = begin(ticket());
  const auto out = begin_back("state=" + s.state + "&code=" + code, s.cookie, "zh-CN");
  BOOST_TEST(has(**out, "请先在 Plane 中退出"));
  BOOST_TEST(ask::header(**out, "Cache-Control") == "no-store");
  BOOST_TEST(ask::header(**out, "Content-Security-Policy").starts_with("default-src 'none'"));
  BOOST_TEST(has(get(ticket(), {}, {{"Accept-Language", "zh-CN"}}), "使用 Plane 连接"));
}

BOOST_AUTO_TEST_CASE(what_is_sealed_reads_back_whichever_kind_it_is) {
  const personal_key key{secret{"plane_api_x"}, ann};
  const auto same = parse_personal_key(to_text(key));
  BOOST_REQUIRE(same.has_value());
  BOOST_TEST(!same->oauth);
  BOOST_TEST(same->key.reveal() == "plane_api_x");
  BOOST_TEST(to_text(key) == R"({"api_key":"plane_api_x","plane_user":")" + ann + "\"}");
  protocol::plane::oauth_tokens t;
  t.access = secret{"a2"};
  const auto now = from_micros(1'795'245'000'000'000);
  // Without a new refresh token the last one stays; without an end none is known.
  const auto renewed = to_personal_key(t, ann, now, secret{"r1"});
  const auto read = parse_personal_key(to_text(renewed));
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(read->oauth);
  BOOST_TEST(read->refresh.reveal() == "r1");
  BOOST_TEST((read->expires_at == timestamp{}));
  for (const std::string bad :
       {"", "[]", "{}", R"({"kind":"oauth","api_key":"x","plane_user":"y"})",
        R"({"api_key":1,"plane_user":"y"})"})
    BOOST_TEST(!parse_personal_key(bad).has_value(), bad);
}
