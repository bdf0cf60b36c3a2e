// People who gave their own key of Plane write as themselves; when Plane takes it no more the bot
// writes for them, and they are told once.
#define BOOST_TEST_MODULE actors_own_keys
#include "own_keys.hpp"

using namespace pb;
using namespace pb::test;

BOOST_FIXTURE_TEST_CASE(who_gave_a_key_writes_as_themselves_and_is_not_told_their_own_words,
                        own_keys) {
  know_at_plane(own_key);
  keep(own_key);
  bind();
  const auto before = chat.messages.size();
  say("/comment seen on Safari 17", root, true);
  run_for(1min);
  say("/priority high", root, true);
  run_for(1min);
  const auto all = comments();
  BOOST_REQUIRE(all.size() == 1u);
  BOOST_TEST(all[0].actor == member);
  BOOST_TEST(all[0].html == "<p>seen on Safari 17</p>");
  BOOST_TEST(all[0].source == "planebridge");
  BOOST_TEST(all[0].id.starts_with("lark:om_person"));
  const auto now_is =
      json::parse(page("GET", "projects/" + project + "/issues/" + item + "/").body);
  BOOST_TEST(now_is.at("priority").as_string() == "high");
  for (auto n = before; n < chat.messages.size(); ++n)
    BOOST_TEST(chat.messages[n].content.find("Safari") == std::string::npos);
  BOOST_TEST(told() == 0u);
  at_rest_and_clean();
}

BOOST_FIXTURE_TEST_CASE(a_refused_key_is_used_once_and_the_bot_writes_with_the_name_in_front,
                        own_keys) {
  keep(own_key);  // Plane does not know it
  bind();
  const auto first = calls.size();
  say("/comment seen on Safari 17", root, true);
  run_for(1min);
  const auto refused = [&] {
    return std::count_if(calls.begin() + static_cast<std::ptrdiff_t>(first), calls.end(),
                         [](const sent_call& c) { return c.status == 401 || c.status == 403; });
  };
  BOOST_TEST(refused() == 1);
  say("/priority high", root, true);
  run_for(1min);
  const auto other = say("another conversation");
  run_for(2s);
  say("/bind " + link_of(item), other, true);
  run_for(20s);
  say("/comment and on Firefox", other, true);
  run_for(1min);
  // A new process knows it too.
  kill();
  start();
  say("/comment still there", other, true);
  run_for(1min);
  BOOST_TEST(refused() == 1);
  BOOST_TEST(told() == 1u);
  const auto all = comments();
  BOOST_REQUIRE(all.size() == 3u);
  for (const auto& c : all) {
    BOOST_TEST(c.actor != member);
    BOOST_TEST((c.html.find("Li Lei:") != std::string::npos));
    BOOST_TEST(c.source == "planebridge");
  }
  const auto now_is =
      json::parse(page("GET", "projects/" + project + "/issues/" + item + "/").body);
  BOOST_TEST(now_is.at("priority").as_string() == "high");
  // Nobody else's calls waited for it.
  BOOST_TEST(comments_with(item, "seen on Safari 17") == 1u);
  at_rest_and_clean();
}

BOOST_FIXTURE_TEST_CASE(a_field_is_set_by_the_bot_when_the_key_is_refused, own_keys) {
  keep(own_key);
  bind();
  say("/priority urgent", root, true);
  run_for(1min);
  const auto now_is =
      json::parse(page("GET", "projects/" + project + "/issues/" + item + "/").body);
  BOOST_TEST(now_is.at("priority").as_string() == "urgent");
  BOOST_TEST(told() == 1u);
  at_rest_and_clean();
}

BOOST_FIXTURE_TEST_CASE(another_key_in_its_place_is_used_at_once, own_keys) {
  keep(own_key);
  bind();
  say("/comment by the bot", root, true);
  run_for(1min);
  BOOST_TEST(told() == 1u);
  know_at_plane("plane_api_the_second_key_of_li_lei");
  keep("plane_api_the_second_key_of_li_lei");
  vault->forget(person);
  say("/comment by themselves", root, true);
  run_for(1min);
  const auto all = comments();
  BOOST_REQUIRE(all.size() == 2u);
  BOOST_TEST(std::count_if(all.begin(), all.end(), [&](const comment& c) {
               return c.actor == member && c.html == "<p>by themselves</p>";
             }) == 1);
  at_rest_and_clean();
}

BOOST_FIXTURE_TEST_CASE(a_key_that_is_withdrawn_or_does_not_open_leaves_the_bot_to_write,
                        own_keys) {
  bind();  // they are said to have one, and there is none
  say("/comment one", root, true);
  run_for(1min);
  persistence::write unit;
  auto row = *persistence::sealer{secret{std::string(32, 'x')}}.seal(
      "default", http::personal_key_credential(person), secret{"{}"}, now());
  unit.credentials.push_back(row);
  store().submit(std::move(unit), [](const auto&) {});
  vault->forget(person);
  say("/comment two", root, true);
  run_for(1min);
  BOOST_TEST(comments_with(item, "Li Lei:") == 2u);
  BOOST_TEST(told() == 0u);
  at_rest_and_clean();
}

BOOST_FIXTURE_TEST_CASE(keys_are_held_in_number_and_each_is_counted_for_itself, own_keys) {
  start();
  keep(own_key);
  vault->use(3);
  const auto call_of = [](const std::string& who) {
    protocol::call c;
    c.credential = c.budget_key = http::personal_key_credential(who);
    return c;
  };
  const auto at = context().clock.steady_now();
  for (int n = 0; n < 3; ++n) {
    BOOST_TEST(!vault->admit(at, call_of(person)));
    protocol::http_request r;
    BOOST_TEST(!vault->authorize(r, call_of(person).credential));
    BOOST_REQUIRE(r.headers.size() == 1u);
    BOOST_TEST(r.headers[0].sensitive);
    BOOST_TEST(r.headers[0].value == own_key);
  }
  const auto wait = vault->admit(at, call_of(person));
  BOOST_REQUIRE(wait.has_value());
  BOOST_TEST((wait->waits == actors::admission_wait::who::key));
  BOOST_TEST((wait->pause > 59s && wait->pause <= 60s));
  // Others without a key are let through to be told so.
  for (std::size_t n = 0; n < 2 * app::personal_key_vault::most_held; ++n) {
    const auto c = call_of("ou_" + std::to_string(n));
    BOOST_TEST(!vault->admit(at + 1ms * static_cast<int>(n), c));
    protocol::http_request r;
    BOOST_TEST((vault->authorize(r, c.credential)->code == errc::key_missing));
    BOOST_TEST(r.headers.empty());
  }
  BOOST_TEST(vault->held() == app::personal_key_vault::most_held);
}

BOOST_AUTO_TEST_CASE(dying_at_any_commit_or_request_neither_loses_the_comment_nor_tells_twice) {
  using at = crash_point::at;
  const auto play = [](own_keys& w, std::optional<crash_point> dies) {
    w.keep(own_key);  // Plane does not know it
    w.bind();
    const auto commits = w.commits(), requests = w.requests();
    if (dies) w.crash_at(*dies);
    w.say("/comment seen on Safari 17", w.root, true);
    const auto until = w.now() + 2min;
    while (w.now() < until) {
      w.run_until([&w] { return !w.running(); },
                  std::chrono::duration_cast<milliseconds>(until - w.now()));
      if (w.running()) continue;
      w.run_for(3s);
      w.start();
    }
    BOOST_TEST(w.comments_with(w.item, "Li Lei:") == 1u);
    BOOST_TEST(w.comments().size() == 1u);
    BOOST_TEST(w.told() == 1u);
    w.at_rest_and_clean();
    return std::pair{w.commits() - commits, w.requests() - requests};
  };
  std::pair<unsigned, unsigned> all;
  {
    own_keys w;
    all = play(w, std::nullopt);
  }
  BOOST_TEST(all.first >= 5u);
  BOOST_TEST(all.second >= 3u);
  for (const auto where :
       {at::before_commit, at::after_commit, at::before_request, at::after_request}) {
    const bool commit = where == at::before_commit || where == at::after_commit;
    for (unsigned n = 1; n <= (commit ? all.first : all.second); ++n)
      BOOST_TEST_CONTEXT("dies " << static_cast<int>(where) << " at " << n) {
        own_keys w;
        play(w, crash_point{where, n});
      }
  }
}
