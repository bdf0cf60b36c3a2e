// The link that the bot gives, and the question to Plane, without a daemon.
#define BOOST_TEST_MODULE personal_keys
#include "app/personal_keys.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "tests/http/fake_store.hpp"

namespace {

struct fake_transport final : pb::http::transport {
  std::vector<pb::protocol::http_request> sent;
  pb::result<pb::protocol::http_response> says = pb::protocol::http_response{};
  void send(pb::protocol::http_request r, pb::http::call_limits, completion done) override {
    sent.push_back(std::move(r));
    done(says);
  }
};

struct fixture {
  pb::manual_clock clock{pb::from_micros(1'795'245'000'000'000)};
  pb::seeded_random random{3};
  fake::store store;
  pb::config::settings settings;
  fixture() {
    settings.server.public_url = "https://bridge.example.org/";
    settings.security.encryption_key = pb::secret{"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="};
    settings.plane.base_url = "https://plane.test";
  }
  pb::result<pb::sync::lark_effect> link(const std::string& language) {
    pb::sync::lark_effect e;
    e.open_id = "ou_ann";
    e.language = language;
    return pb::app::connect_links(settings, store, clock, random)(e);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_link_goes_to_whom_it_is_for_and_its_ticket_is_kept, fixture) {
  for (const std::string language : {"zh", "en"}) {
    const auto sent = link(language);
    BOOST_REQUIRE(sent.has_value());
    BOOST_TEST(sent->open_id == "ou_ann");
    BOOST_TEST(sent->msg_type == "text");
    const std::string words{boost::json::parse(sent->content).at("text").as_string()};
    const auto at = words.find("https://bridge.example.org/connect/");
    BOOST_REQUIRE(at != std::string::npos);
    BOOST_TEST((words.find("Plane") != std::string::npos));
  }
  BOOST_TEST(store.states_kept.size() == 2u);
  store.states_kept.clear();
  pb::sync::lark_effect refused;
  refused.open_id = "ou_ann";
  refused.content = pb::sync::refused_key_link;
  const auto again = pb::app::connect_links(settings, store, clock, random)(refused);
  BOOST_REQUIRE(again.has_value());
  BOOST_TEST((again->content.find("no longer takes") != std::string::npos));
  for (const auto& [key, value] : store.states_kept) {
    BOOST_TEST(key.starts_with(pb::http::connect_ticket_prefix));
    BOOST_TEST(value.find("ou_ann") != std::string::npos);
  }
}

BOOST_FIXTURE_TEST_CASE(without_an_address_or_a_key_the_missing_entry_is_named, fixture) {
  settings.server.public_url.clear();
  BOOST_TEST((link("en").error().code == pb::errc::key_missing));
  BOOST_TEST(link("en").error().remedy == "set server.public_url");
  settings.server.public_url = "https://b.test";
  settings.security.encryption_key = {};
  BOOST_TEST(link("en").error().remedy == "set ENCRYPTION_KEY");
  BOOST_TEST(store.states_kept.empty());
}

BOOST_FIXTURE_TEST_CASE(plane_is_asked_with_the_key_itself_whose_it_is, fixture) {
  fake_transport calls;
  const auto check = pb::app::key_check_at(settings, calls);
  const auto ask = [&] {
    std::optional<pb::result<pb::http::plane_account>> out;
    check(pb::secret{"plane_api_x"}, [&](auto r) { out = std::move(r); });
    BOOST_REQUIRE(out.has_value());
    return *out;
  };
  pb::protocol::http_response answer;
  answer.status = 200;
  answer.body =
      R"({"id":"aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa","display_name":"Ann","email":"a@b.c","x":1})";
  calls.says = answer;
  const auto ann = ask();
  BOOST_REQUIRE(ann.has_value());
  BOOST_TEST(ann->id == "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa");
  BOOST_TEST(ann->name == "Ann");
  BOOST_TEST(ann->email == "a@b.c");
  BOOST_REQUIRE(calls.sent.size() == 1u);
  BOOST_TEST(calls.sent[0].url == "https://plane.test/api/v1/users/me/");
  bool carried = false;
  for (const auto& h : calls.sent[0].headers)
    if (h.value == "plane_api_x") carried = h.sensitive;
  BOOST_TEST(carried);
  answer.status = 401;
  calls.says = answer;
  BOOST_TEST((ask().error().code == pb::errc::unauthorized));
  answer.status = 200;
  for (const std::string body : {"", "[]", "{}", R"({"id":"x"})"}) {
    answer.body = body;
    calls.says = answer;
    BOOST_TEST((ask().error().code == pb::errc::unexpected_answer), body);
  }
  settings.plane.base_url.clear();
  pb::app::key_check_at(settings, calls)(pb::secret{"k"}, [](const auto& r) {
    BOOST_TEST((r.error().code == pb::errc::key_missing));
  });
}

BOOST_FIXTURE_TEST_CASE(the_page_offers_oauth_where_plane_has_an_app_and_the_cookie_comes_back,
                        fixture) {
  fake_transport calls;
  const auto offered = [&] {
    return pb::app::personal_oauth_of(settings, calls, clock, random) != nullptr;
  };
  BOOST_TEST(!offered());
  settings.plane.client_id = "client-1";
  BOOST_TEST(!offered());
  settings.plane.client_secret = pb::secret{"hunter2"};
  BOOST_TEST(offered());
  settings.plane.api_key = pb::secret{"the bridge's own"};
  BOOST_TEST(offered());
  settings.plane.redirect_uri = "https://bridge.example.org/plane/oauth/callback";
  BOOST_TEST(offered());
  settings.plane.redirect_uri = "https://other.example.org/plane/oauth/callback";
  BOOST_TEST(!offered());
  settings.plane.redirect_uri.clear();
  settings.security.encryption_key = {};
  BOOST_TEST(!offered());
}
