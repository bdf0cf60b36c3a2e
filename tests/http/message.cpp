// A request as handlers read it, and the promise that it is answered exactly once.
#define BOOST_TEST_MODULE http_message
#include "http/message.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <vector>

using namespace pb::http;

BOOST_AUTO_TEST_CASE(headers_are_found_in_any_case) {
  request r;
  r.headers = {{"X-One", "1"}, {"x-one", "2"}};
  BOOST_TEST(r.header("X-ONE") == "1");
  BOOST_TEST(r.header("X-Two") == "");
}

BOOST_AUTO_TEST_CASE(query_values_are_decoded_and_the_first_counts) {
  request r;
  r.query = "a=1&b=x%20y+z&b=2&empty=&flag&na%6De=v";
  BOOST_TEST(r.query_value("a") == "1");
  BOOST_TEST(r.query_value("b") == "x y z");
  BOOST_TEST(r.query_value("empty") == "");
  BOOST_TEST(r.query_value("flag") == "");
  BOOST_TEST(r.query_value("name") == "v");
  BOOST_TEST(r.query_value("absent") == "");
}

BOOST_AUTO_TEST_CASE(bearer_takes_the_token_only_of_its_own_scheme) {
  request r;
  BOOST_TEST(r.bearer() == "");
  r.headers = {{"Authorization", "bearer  token "}};
  BOOST_TEST(r.bearer() == "token");
  r.headers = {{"Authorization", "Basic token"}};
  BOOST_TEST(r.bearer() == "");
  r.headers = {{"Authorization", "Bearer"}};
  BOOST_TEST(r.bearer() == "");
}

BOOST_AUTO_TEST_CASE(only_the_first_answer_is_delivered) {
  std::vector<int> seen;
  {
    const responder a{[&](response r) { seen.push_back(r.status); }};
    const auto copy = a;
    copy(data_response("1", 201));
    a(data_response("2"));
  }
  BOOST_TEST(seen == std::vector<int>{201}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_request_given_up_is_answered_with_503) {
  std::vector<response> seen;
  {
    const responder a{[&](response r) { seen.push_back(std::move(r)); }};
    const auto copy = a;
    BOOST_TEST(seen.empty());
  }
  BOOST_REQUIRE(seen.size() == 1u);
  BOOST_TEST(seen[0].status == 503);
  BOOST_TEST(boost::json::parse(seen[0].body).at("error").at("code").as_string() == "UNANSWERED");
}

BOOST_AUTO_TEST_CASE(an_empty_responder_does_nothing) { responder{}(response{}); }

BOOST_AUTO_TEST_CASE(data_and_errors_have_their_shapes) {
  BOOST_TEST(data_response("{\"a\":1}").body == "{\"data\":{\"a\":1}}");
  const auto e = error_response(400, "BAD", "a \"quote\"\nand\ttab", "id-1");
  BOOST_TEST(e.status == 400);
  const auto j = boost::json::parse(e.body).at("error");
  BOOST_TEST(j.at("code").as_string() == "BAD");
  BOOST_TEST(j.at("message").as_string() == "a \"quote\"\nand\ttab");
  BOOST_TEST(j.at("details").as_object().empty());
  BOOST_TEST(j.at("request_id").as_string() == "id-1");
}

BOOST_AUTO_TEST_CASE(a_missing_key_names_entry_variable_and_place) {
  const auto e = key_missing_response("plane.token", "PLANE_TOKEN", "docs/secrets.md#plane", "id");
  BOOST_TEST(e.status == 503);
  const auto j = boost::json::parse(e.body).at("error");
  BOOST_TEST(j.at("code").as_string() == "KEY_MISSING");
  BOOST_TEST(j.at("details").at("entry").as_string() == "plane.token");
  BOOST_TEST(j.at("details").at("variable").as_string() == "PLANE_TOKEN");
  BOOST_TEST(j.at("details").at("ssot_ref").as_string() == "docs/secrets.md#plane");
}
