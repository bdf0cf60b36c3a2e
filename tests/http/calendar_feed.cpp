#define BOOST_TEST_MODULE http_calendar_feed
#include "http/calendar_feed.hpp"

#include <boost/test/unit_test.hpp>

#include "drive.hpp"

using namespace pb;
using namespace pb::http;

namespace {

const std::string token = "0123456789abcdef0123456789abcdef";

struct fixture {
  std::shared_ptr<secret_list> tokens =
      std::make_shared<secret_list>(secret_list::list{secret{"older"}, secret{token}});
  result<std::string> text = std::string{"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"};
  std::vector<std::string> asked;

  std::shared_ptr<drive::outcome> get(const std::string& given, const std::string& query = "",
                                      std::vector<protocol::http_header> headers = {}) {
    const auto at = calendar_feed_route({tokens}, [this](std::string filter, auto done) {
      asked.push_back(std::move(filter));
      done(text);
    });
    drive::given g;
    g.path_params["token"] = given;
    g.query = query;
    g.headers = std::move(headers);
    auto out = drive::send(at, std::move(g));
    BOOST_REQUIRE(out->answer);
    return out;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_right_token_reads_the_calendar, fixture) {
  for (const auto& t : {token, std::string{"older"}}) {
    const auto out = get(t);
    BOOST_TEST(out->answer->status == 200);
    BOOST_TEST(out->answer->content_type == "text/calendar; charset=utf-8");
    BOOST_TEST(out->answer->body == *text);
    BOOST_TEST(out->header("ETag") == strong_etag(*text));
    BOOST_TEST(out->header("Cache-Control").starts_with("private"));
  }
}

BOOST_FIXTURE_TEST_CASE(a_wrong_token_looks_like_a_missing_page, fixture) {
  for (const auto& t : {std::string{}, std::string{"x"}, token + "x", token.substr(1),
                        std::string(token.size(), '0')}) {
    const auto out = get(t);
    BOOST_TEST(out->answer->status == 404);
    BOOST_TEST(out->answer->content_type == "application/json");
    BOOST_TEST(out->answer->body.find(token) == std::string::npos);
  }
  BOOST_TEST(asked.empty());
}

BOOST_FIXTURE_TEST_CASE(an_unchanged_calendar_is_not_sent_again, fixture) {
  const auto etag = get(token)->header("ETag");
  for (const auto& value : {etag, "W/" + etag, "\"other\", " + etag, std::string{"*"}}) {
    const auto out = get(token, "", {{"If-None-Match", value}});
    BOOST_TEST_CONTEXT(value) {
      BOOST_TEST(out->answer->status == 304);
      BOOST_TEST(out->answer->body.empty());
      BOOST_TEST(out->header("ETag") == etag);
    }
  }
  for (const auto& value : {std::string{}, std::string{"\"other\""}, etag.substr(1),
                            etag.substr(0, 5), std::string{"W/"}, std::string{", ,"}})
    BOOST_TEST(get(token, "", {{"If-None-Match", value}})->answer->status == 200);
  text = std::string{"another"};
  BOOST_TEST(get(token, "", {{"If-None-Match", etag}})->answer->status == 200);
}

BOOST_FIXTURE_TEST_CASE(a_project_may_be_chosen, fixture) {
  get(token, "project=FAKE");
  BOOST_REQUIRE(asked.size() == 1u);
  BOOST_TEST(asked.front() == "FAKE");
  BOOST_TEST(get(token, "project=a%2Fb")->answer->status == 400);
  BOOST_TEST(get(token, "project=" + std::string(65, 'a'))->answer->status == 400);
  text = failure{.code = errc::not_found};
  BOOST_TEST(get(token, "project=NONE")->answer->status == 404);
}

BOOST_FIXTURE_TEST_CASE(a_store_that_is_away_asks_for_patience, fixture) {
  text = failure{.code = errc::storage, .where = "store", .detail = "away"};
  const auto out = get(token);
  BOOST_TEST(out->answer->status == 503);
  BOOST_TEST(out->header("Retry-After") == "30");
}

BOOST_FIXTURE_TEST_CASE(without_a_token_the_answer_names_the_entry, fixture) {
  tokens->set({secret{""}});
  for (const auto& t : {std::string{}, token}) {
    const auto out = get(t);
    BOOST_TEST(out->answer->status == 503);
    BOOST_TEST(out->answer->body.find("KEY_MISSING") != std::string::npos);
    BOOST_TEST(out->answer->body.find("calendar.feed_token") != std::string::npos);
  }
}
