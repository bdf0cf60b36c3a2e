// People who agreed at Plane by OAuth write as themselves: tokens are renewed as they end; taken
// back, the bot writes for them, and they are told once.
#define BOOST_TEST_MODULE actors_own_tokens
#include "own_keys.hpp"

using namespace pb;
using namespace pb::test;

namespace {

sandbox::plane_options with_an_app() {
  sandbox::plane_options o;
  o.oauth_client_id = "client-1";
  o.oauth_client_secret = secret{"client-secret-hunter2"};
  o.oauth_redirect_uris = {"https://bridge.test/plane/oauth/callback"};
  o.oauth_token_life = 1h;
  return o;
}

struct own_tokens : own_keys {
  std::vector<std::string> hidden{"client-secret-hunter2"};

  own_tokens() : own_keys(with_an_app()) {
    registered = {"http://plane.test", "client-1", secret{"client-secret-hunter2"},
                  "https://bridge.test/plane/oauth/callback"};
  }
  /// As the one-time page leaves it.
  void agree() {
    const auto post = [this](const std::string& path, const std::string& form) {
      sandbox::inbound in;
      in.method = "POST";
      in.path = path;
      in.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
      in.body = form;
      return plane().handle(in);
    };
    const auto about =
        "client_id=client-1&redirect_uri=" + protocol::percent_encode(registered.redirect_uri);
    const auto agreed = post("/auth/o/authorize-app/",
                             about + "&response_type=code&state=s&decision=allow&user=" + member +
                                 "&scope=read%20write");
    BOOST_REQUIRE(agreed.status == 302);
    const auto url = std::string{agreed.header("Location")};
    const auto at = url.find("code=") + 5;
    const auto given =
        json::parse(post("/auth/o/token/", about + "&grant_type=authorization_code&client_secret=" +
                                               registered.client_secret.reveal() +
                                               "&code=" + url.substr(at, url.find('&', at) - at))
                        .body);
    protocol::plane::oauth_tokens t;
    t.access = secret{std::string{given.at("access_token").as_string()}};
    t.refresh = secret{std::string{given.at("refresh_token").as_string()}};
    t.expires_in = std::chrono::seconds{given.at("expires_in").to_number<int>()};
    hide(http::to_personal_key(t, member, now()));
    keep(http::to_personal_key(t, member, now()));
  }
  void hide(const http::personal_key& k) {
    hidden.push_back(k.key.reveal());
    hidden.push_back(k.refresh.reveal());
  }
  http::personal_key stored() {
    http::personal_key out;
    store().read([&](result<persistence::reader*> r) {
      const auto row = (*r)->credential("default", http::personal_key_credential(person));
      if (row && *row) out = *http::parse_personal_key(sealer.open(**row)->reveal());
    });
    run_for(1ms);
    return out;
  }
  std::size_t renewals_asked() { return calls_to("POST", "/auth/o/token/").size(); }
  void comment(const std::string& text, milliseconds wait = 1min) {
    say("/comment " + text, root, true);
    run_for(wait);
  }
  /// How often it was written by themselves, and by the bot.
  std::pair<int, int> written(const std::string& text) {
    std::pair<int, int> out;
    for (const auto& c : comments())
      if (c.html.find(text) != std::string::npos) ++(c.actor == member ? out.first : out.second);
    return out;
  }
  void nothing_told() {
    hide(stored());
    at_rest_and_clean();
    for (const auto& h : hidden) {
      if (h.empty()) continue;
      for (const auto& line : log()) BOOST_TEST(line.find(h) == std::string::npos, line);
      for (const auto& e : effects()) BOOST_TEST(e.last_error.find(h) == std::string::npos);
      for (const auto& m : chat.messages) BOOST_TEST(m.content.find(h) == std::string::npos);
      BOOST_TEST(actors().find(h) == std::string::npos);
    }
  }
  using by = std::pair<int, int>;
  static constexpr by themselves{1, 0}, the_bot{0, 1};
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(who_agreed_writes_as_themselves_and_tokens_are_renewed_as_they_end,
                        own_tokens) {
  bind();
  agree();
  const auto first = stored();
  comment("in the first hour");
  BOOST_TEST((written("in the first hour") == themselves));
  BOOST_TEST(renewals_asked() == 0u);
  run_for(2h);
  comment("in the third");
  BOOST_TEST((written("in the third") == themselves));
  BOOST_TEST(renewals_asked() == 1u);
  const auto second = stored();
  hide(second);
  BOOST_TEST(second.key.reveal() != first.key.reveal());
  BOOST_TEST(second.refresh.reveal() != first.refresh.reveal());  // each counts once
  BOOST_TEST(second.plane_user == member);
  kill();  // what was renewed outlives the process
  start();
  run_for(2h);
  comment("in the fifth");
  BOOST_TEST((written("in the fifth") == themselves));
  BOOST_TEST(renewals_asked() == 2u);
  hide(stored());
  // Before the end, and not at every call.
  run_for(56min);
  comment("shortly before the end");
  comment("and once more");
  BOOST_TEST((written("and once more") == themselves));
  BOOST_TEST(renewals_asked() == 3u);
  BOOST_TEST(told() == 0u);
  nothing_told();
}

BOOST_FIXTURE_TEST_CASE(a_token_that_is_refused_is_renewed_once_and_the_comment_is_theirs,
                        own_tokens) {
  bind();
  agree();
  comment("before");
  plane().end_tokens(member, false);
  comment("after");
  BOOST_TEST((written("after") == themselves));
  BOOST_TEST(renewals_asked() == 1u);
  BOOST_TEST(told() == 0u);
  nothing_told();
}

BOOST_FIXTURE_TEST_CASE(what_was_taken_back_leaves_the_bot_to_write_and_is_told_once, own_tokens) {
  bind();
  agree();
  comment("before");
  plane().end_tokens(member, true);
  comment("after");
  comment("and later");
  kill();
  start();
  comment("in a new process");
  BOOST_TEST((written("before") == themselves));
  for (const std::string text : {"after", "and later", "in a new process"})
    BOOST_TEST((written(text) == the_bot), text);
  BOOST_TEST(renewals_asked() == 1u);
  BOOST_TEST(told() == 1u);
  agree();  // once more, over the link that they got
  vault->forget(person);
  persistence::write unit;
  unit.states.push_back({http::refused_key_state(person), std::nullopt});
  store().submit(std::move(unit), [](const auto&) {});
  comment("themselves again");
  BOOST_TEST((written("themselves again") == themselves));
  nothing_told();
}

BOOST_FIXTURE_TEST_CASE(a_token_refused_for_ever_ends_with_the_bot_and_without_a_loop, own_tokens) {
  bind();
  agree();
  // Plane renews and refuses what it has just given.
  faults.push_back({.method = "POST", .url = "/comments/", .status = 401});
  comment("nobody may", 2s);
  run_until([this] { return told() == 1; }, 5min);
  faults.clear();
  run_for(1min);
  BOOST_TEST((written("nobody may") == the_bot));
  BOOST_TEST(renewals_asked() == 1u);
  BOOST_TEST(told() == 1u);
  nothing_told();
}

BOOST_FIXTURE_TEST_CASE(many_calls_wait_for_one_renewal, own_tokens) {
  bind();
  agree();
  std::vector<std::string> others;
  for (int n = 0; n < 4; ++n) {
    const auto title = "Item " + std::to_string(n);
    const auto other = create(title);
    run_for(5s);
    others.push_back(say("about " + title));
    run_for(2s);
    say("/bind " + link_of(other), others.back(), true);
    run_for(10s);
  }
  run_for(2h);
  travel = 300ms;
  for (const auto& there : others) say("/comment at once", there, true);
  run_for(2min);
  BOOST_TEST(renewals_asked() == 1u);
  BOOST_TEST(told() == 0u);
  nothing_told();
}

BOOST_FIXTURE_TEST_CASE(comments_wait_while_tokens_cannot_be_renewed, own_tokens) {
  bind();
  agree();
  run_for(2h);
  faults.push_back({.method = "POST", .url = "/auth/o/token/", .status = 503, .count = 3});
  comment("patience", 10s);
  BOOST_TEST((written("patience") == by{0, 0}));
  run_for(10min);
  BOOST_TEST((written("patience") == themselves));
  BOOST_TEST(renewals_asked() == 4u);
  BOOST_TEST(told() == 0u);
  nothing_told();
}

BOOST_FIXTURE_TEST_CASE(an_app_that_plane_refuses_is_not_the_persons_trouble, own_tokens) {
  registered.client_secret = secret{"client-secret-of-last-year"};
  bind();
  registered.client_secret = secret{"client-secret-hunter2"};
  agree();
  run_for(2h);
  comment("by the bot");
  BOOST_TEST((written("by the bot") == the_bot));
  BOOST_TEST(told() == 0u);
  nothing_told();
}

BOOST_AUTO_TEST_CASE(dying_while_a_token_is_renewed_neither_loses_nor_doubles_the_comment) {
  using at = crash_point::at;
  const auto play = [](own_tokens& w, std::optional<crash_point> dies) {
    w.bind();
    w.agree();
    w.run_for(2h);
    const auto commits = w.commits(), requests = w.requests();
    if (dies) w.crash_at(*dies);
    w.say("/comment seen on Safari 17", w.root, true);
    const auto until = w.now() + 3min;
    while (w.now() < until) {
      w.run_until([&w] { return !w.running(); },
                  std::chrono::duration_cast<milliseconds>(until - w.now()));
      if (w.running()) continue;
      w.run_for(3s);
      w.start();
    }
    // Died between Plane's answer and our commit, the only refresh token is lost: then the bot
    // writes, and they are asked to connect again.
    BOOST_TEST(w.comments().size() == 1u);
    BOOST_TEST(w.told() == (w.written("Safari") == own_tokens::themselves ? 0u : 1u));
    w.nothing_told();
    return std::pair{w.commits() - commits, w.requests() - requests};
  };
  std::pair<unsigned, unsigned> all;
  {
    own_tokens w;
    all = play(w, std::nullopt);
    BOOST_TEST((w.written("Safari") == own_tokens::themselves));
  }
  for (const auto where :
       {at::before_commit, at::after_commit, at::before_request, at::after_request}) {
    const bool commit = where == at::before_commit || where == at::after_commit;
    const unsigned most = std::min(commit ? all.first : all.second, 12U);
    for (unsigned n = 1; n <= most; ++n)
      BOOST_TEST_CONTEXT("dies " << static_cast<int>(where) << " at " << n) {
        own_tokens w;
        play(w, crash_point{where, n});
      }
  }
}
