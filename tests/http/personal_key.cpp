// /connect/{token} over a store in memory: one key per link, for the right person, and nothing of
// it anywhere else.
#define BOOST_TEST_MODULE http_personal_key
#include "http/personal_key.hpp"

#include <boost/test/unit_test.hpp>

#include "ask.hpp"
#include "fake_store.hpp"
#include "http/mapping_endpoints.hpp"
#include "http/personal_key_page.hpp"
#include "persistence/sealing.hpp"

using namespace std::chrono_literals;

namespace {

const std::string ann = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const std::string bob = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";
const std::string key = "plane_api_0123456789abcdef";
const std::string path = "/connect/{token}";

struct fixture {
  pb::manual_clock clock{pb::from_micros(1'795'245'000'000'000)};
  pb::seeded_random random{7};
  fake::store store;
  pb::persistence::sealer sealer{pb::secret{std::string(32, 'k')}};
  std::vector<std::string> connected, checked;
  pb::result<pb::http::plane_account> says = pb::http::plane_account{ann, "Ann", "ann@example.org"};
  bool hold = false;
  std::vector<std::function<void()>> held;
  bool has_key = true;

  std::vector<pb::http::route> routes() {
    pb::http::personal_key_dependencies d{
        store,
        clock,
        "https://bridge.example.org",
        [this](const pb::secret& k, std::function<void(pb::result<pb::http::plane_account>)> done) {
          checked.push_back(k.reveal());
          if (hold)
            held.emplace_back([done, r = says] { done(r); });
          else
            done(says);
        },
        {},
        [this](const std::string& who) { connected.push_back(who); }};
    if (has_key)
      d.seal = [this](const std::string& name, const pb::secret& plain) {
        return sealer.seal("default", name, plain, clock.now());
      };
    return pb::http::personal_key_routes(std::move(d));
  }
  std::string ticket(const std::string& open_id = "ou_ann", const std::string& name = "小安 <b>") {
    auto t = pb::http::make_connect_ticket("https://bridge.example.org", open_id, name, clock.now(),
                                           random);
    store.states_kept[t.entry.key] = *t.entry.value;
    const auto& url = t.url.reveal();
    BOOST_REQUIRE(url.starts_with("https://bridge.example.org/connect/"));
    return url.substr(url.rfind('/') + 1);
  }
  pb::http::response get(const std::string& token, const std::string& language = "en") {
    ask::question q;
    q.path_params["token"] = token;
    q.headers = {{"Accept-Language", language}};
    return ask::now(routes(), "GET", path, std::move(q));
  }
  ask::owed begin_post(const std::vector<pb::http::route>& to, const std::string& token,
                       const std::string& body,
                       std::vector<pb::protocol::http_header> headers = {}) {
    ask::question q;
    q.path_params["token"] = token;
    q.body = body;
    q.headers = std::move(headers);
    return ask::start(to, "POST", path, std::move(q));
  }
  pb::http::response post(const std::string& token, const std::string& body = "key=" + key,
                          std::vector<pb::protocol::http_header> headers = {}) {
    const auto out = begin_post(routes(), token, body, std::move(headers));
    BOOST_REQUIRE(*out);
    BOOST_TEST((**out).body.find(key) == std::string::npos);
    if (token.size() > 20) BOOST_TEST((**out).body.find(token) == std::string::npos);
    return **out;
  }
};

bool has_form(const pb::http::response& r) { return r.body.find("<form") != std::string::npos; }

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_key_is_sealed_for_whom_the_link_was_made, fixture) {
  const auto token = ticket();
  const auto page = get(token);
  BOOST_TEST(page.status == 200);
  BOOST_TEST(has_form(page));
  BOOST_TEST(page.body.find("小安 &lt;b&gt;") != std::string::npos);
  BOOST_TEST(page.body.find(token) == std::string::npos);
  BOOST_TEST(ask::header(page, "Cache-Control") == "no-store");
  BOOST_TEST(ask::header(page, "Content-Security-Policy").find("default-src 'none'") !=
             std::string::npos);
  const auto done = post(token, "x=1&key=+" + key + "%20%0A");
  BOOST_TEST(done.status == 200);
  BOOST_TEST(!has_form(done));
  BOOST_TEST(checked == std::vector<std::string>{key}, boost::test_tools::per_element());
  const auto& row = store.credentials_kept.at(pb::http::personal_key_credential("ou_ann"));
  BOOST_TEST(row.sealed.find(key) == std::string::npos);
  const auto plain = sealer.open(row);
  BOOST_REQUIRE(plain.has_value());
  const auto kept = pb::http::parse_personal_key(plain->reveal());
  BOOST_REQUIRE(kept.has_value());
  BOOST_TEST(kept->key.reveal() == key);
  BOOST_TEST(kept->plane_user == ann);
  BOOST_TEST(store.users_kept.at("ou_ann").plane_user == ann);
  BOOST_TEST(connected == std::vector<std::string>{"ou_ann"}, boost::test_tools::per_element());
  // Once only.
  BOOST_TEST(store.states_kept.empty());
  BOOST_TEST(post(token).status == 404);
  BOOST_TEST(get(token).status == 404);
  BOOST_TEST(checked.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(the_page_says_for_whom_it_is_as_their_mapping_has_it, fixture) {
  auto& mine = store.users_kept["ou_ann"];
  mine.open_id = "ou_ann";
  mine.name = "Ann & Co";
  BOOST_TEST(get(ticket("ou_ann", "")).body.find("Ann &amp; Co") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(the_store_never_holds_what_opens_the_page, fixture) {
  const auto token = ticket();
  for (const auto& [k, v] : store.states_kept) {
    BOOST_TEST(k.find(token) == std::string::npos);
    BOOST_TEST(v.find(token) == std::string::npos);
  }
  BOOST_TEST(ticket() != token);
}

BOOST_FIXTURE_TEST_CASE(looking_at_a_link_does_not_use_it_up_and_a_quarter_of_an_hour_does,
                        fixture) {
  const auto token = ticket();
  for (int i = 0; i < 20; ++i) BOOST_TEST(get(token).status == 200);
  clock.advance(15min - 1s);
  BOOST_TEST(get(token).status == 200);
  clock.advance(1s);
  BOOST_TEST(get(token).status == 404);
  BOOST_TEST(post(token).status == 404);
  BOOST_TEST(checked.empty());
  const auto fresh = ticket("ou_b");
  pb::http::drop_old_connect_tickets(store, clock.now());
  BOOST_TEST(store.states_kept.size() == 1u);
  BOOST_TEST(get(fresh).status == 200);
}

BOOST_FIXTURE_TEST_CASE(what_was_never_a_link_is_none, fixture) {
  const auto token = ticket();
  auto other = token;
  other[3] = other[3] == 'A' ? 'B' : 'A';
  for (const std::string& t :
       {std::string{}, std::string{"x"}, other, token + "A", std::string(43, '/')}) {
    BOOST_TEST(get(t).status == 404, t);
    BOOST_TEST(!has_form(get(t)));
    BOOST_TEST(post(t).status == 404, t);
  }
  BOOST_TEST(checked.empty());
}

BOOST_FIXTURE_TEST_CASE(what_is_no_key_is_not_sent_to_plane, fixture) {
  const auto token = ticket();
  for (const std::string& body :
       {std::string{}, std::string{"key="}, std::string{"key=short"},
        "key=" + std::string(600, 'k'), std::string{"key=with%20a%20blank"},
        std::string{"key=line%0Abreak"}, std::string{"key=中文中文中文"},
        std::string{"other=0123456789"}}) {
    const auto out = post(token, body);
    BOOST_TEST(out.status == 400, body);
    BOOST_TEST(has_form(out), body);
  }
  BOOST_TEST(checked.empty());
  BOOST_TEST(post(token).status == 200);
}

BOOST_FIXTURE_TEST_CASE(a_link_is_no_place_to_try_keys_at, fixture) {
  const auto token = ticket();
  says = pb::failure{.code = pb::errc::unauthorized, .where = "plane", .detail = key};
  for (unsigned i = 0; i < pb::http::connect_ticket_tries; ++i) {
    const auto out = post(token);
    BOOST_TEST(out.status == 400);
    BOOST_TEST(out.body.find("does not know this key") != std::string::npos);
  }
  says = pb::http::plane_account{ann, "Ann", ""};
  BOOST_TEST(post(token).status == 404);
  BOOST_TEST(checked.size() == pb::http::connect_ticket_tries);
  BOOST_TEST(store.credentials_kept.empty());
}

BOOST_FIXTURE_TEST_CASE(a_plane_that_is_away_costs_no_try, fixture) {
  const auto token = ticket();
  says = pb::failure{.code = pb::errc::upstream_down, .where = "plane"};
  for (int i = 0; i < 9; ++i) BOOST_TEST(post(token).status == 503);
  says = pb::http::plane_account{"not-a-uuid", "Ann", ""};
  BOOST_TEST(post(token).status == 503);
  says = pb::http::plane_account{ann, "Ann", ""};
  BOOST_TEST(post(token).status == 200);
}

BOOST_FIXTURE_TEST_CASE(a_key_of_another_person_is_refused, fixture) {
  auto& mine = store.users_kept["ou_ann"];
  mine.open_id = "ou_ann";
  mine.plane_user = bob;
  BOOST_TEST(post(ticket()).status == 403);
  mine.plane_user = "";
  auto& theirs = store.users_kept["ou_bob"];
  theirs.open_id = "ou_bob";
  theirs.plane_user = ann;
  BOOST_TEST(post(ticket()).status == 403);
  BOOST_TEST(store.credentials_kept.empty());
  theirs.left = true;  // who left maps to nobody
  BOOST_TEST(post(ticket()).status == 200);
  BOOST_TEST(store.users_kept.at("ou_ann").plane_user == ann);
}

BOOST_FIXTURE_TEST_CASE(a_form_of_another_site_is_refused_unread, fixture) {
  const auto token = ticket();
  using headers = std::vector<pb::protocol::http_header>;
  for (const auto& bad :
       {headers{{"Sec-Fetch-Site", "cross-site"}}, headers{{"Sec-Fetch-Site", "same-site"}},
        headers{{"Origin", "https://evil.example"}, {"Host", "bridge.internal"}},
        headers{{"Origin", "null"}, {"Host", "null"}},
        headers{{"Origin", "https://bridge.example.org.evil.example"}}})
    BOOST_TEST(post(token, "key=" + key, bad).status == 403);
  BOOST_TEST(checked.empty());
  says = pb::failure{.code = pb::errc::upstream_down, .where = "plane"};
  for (const auto& good :
       {headers{{"Sec-Fetch-Site", "same-origin"}},
        headers{{"Origin", "https://bridge.example.org"}, {"Host", "10.0.0.1"}},
        headers{{"Origin", "http://localhost:8080"}, {"Host", "localhost:8080"}}})
    BOOST_TEST(post(token, "key=" + key, good).status == 503);
}

BOOST_FIXTURE_TEST_CASE(two_at_once_are_one, fixture) {
  const auto token = ticket();
  const auto to = routes();
  hold = true;
  const auto first = begin_post(to, token, "key=" + key);
  BOOST_TEST(!*first);
  const auto second = begin_post(to, token, "key=" + key);
  BOOST_REQUIRE(*second);
  BOOST_TEST((**second).status == 409);
  BOOST_REQUIRE(held.size() == 1u);
  held.front()();
  BOOST_TEST((**first).status == 200);
  held.clear();
  const auto third = begin_post(to, token, "key=" + key);
  BOOST_TEST((**third).status == 404);
}

BOOST_FIXTURE_TEST_CASE(without_an_encryption_key_the_page_says_what_is_missing, fixture) {
  const auto token = ticket();
  has_key = false;
  for (const auto& out : {get(token), post(token)}) {
    BOOST_TEST(out.status == 503);
    BOOST_TEST(out.body.find("ENCRYPTION_KEY") != std::string::npos);
  }
  BOOST_TEST(get(token, "zh-CN,zh;q=0.9").body.find("管理员需要设置 ENCRYPTION_KEY") !=
             std::string::npos);
  BOOST_TEST(checked.empty());
}

BOOST_FIXTURE_TEST_CASE(a_store_that_is_away_is_said, fixture) {
  const auto token = ticket();
  store.away = true;
  BOOST_TEST(get(token).status == 503);
  BOOST_TEST(post(token).status == 503);
  BOOST_TEST(checked.empty());
}

BOOST_AUTO_TEST_CASE(the_page_speaks_the_language_that_is_preferred_of_the_two) {
  using pb::http::page_language;
  const struct {
    const char* header;
    const char* language;
  } table[] = {{"", "en"},
               {"zh-CN,zh;q=0.9,en;q=0.8", "zh"},
               {"en-US,en;q=0.9,zh;q=0.8", "en"},
               {"fr,zh;q=0.5,en;q=0.7", "en"},
               {"fr, ZH-Hans;q=0.9, en;q=0.7", "zh"},
               {"zhx, de", "en"},
               {"en;q=0,zh;q=0.1", "zh"},
               {"*", "en"},
               {",,;;q=,=", "en"},
               {"zh;q=1.0,en;q=0.9", "zh"}};
  for (const auto& row : table) BOOST_TEST(page_language(row.header) == row.language, row.header);
}
