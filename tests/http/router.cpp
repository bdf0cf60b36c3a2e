// Which route a path belongs to.
#define BOOST_TEST_MODULE http_router
#include "http/router.hpp"

#include <boost/test/unit_test.hpp>

using namespace pb::http;

namespace {

routed at(std::string method, std::string pattern) {
  route r;
  r.method = std::move(method);
  r.pattern = std::move(pattern);
  return {std::move(r), {}};
}

router some() {
  router r;
  r.add(at("GET", "/actors/{id}"));
  r.add(at("GET", "/actors/all"));
  r.add(at("POST", "/actors/{id}"));
  r.add(at("GET", "/calendar/{token}.ics"));
  r.add(at("GET", "/"));
  r.add(at("HEAD", "/special"));
  r.add(at("GET", "/special"));
  return r;
}

std::string pattern_of(const route_match& m) {
  return m.entry == nullptr ? "" : m.entry->what.method + " " + m.entry->what.pattern;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_literal_segment_wins_over_a_parameter) {
  const auto r = some();
  BOOST_TEST(pattern_of(r.find("GET", "/actors/all")) == "GET /actors/all");
  BOOST_TEST(pattern_of(r.find("GET", "/actors/7")) == "GET /actors/{id}");
  BOOST_TEST(pattern_of(r.find("GET", "/")) == "GET /");
}

BOOST_AUTO_TEST_CASE(a_parameter_lies_within_one_segment_and_is_never_empty) {
  const auto r = some();
  auto m = r.find("GET", "/calendar/a%2Fb.ics");
  BOOST_TEST(m.params["token"] == "a/b");
  BOOST_TEST(pattern_of(r.find("GET", "/calendar/.ics")) == "");
  BOOST_TEST(pattern_of(r.find("GET", "/calendar/a/b.ics")) == "");
  BOOST_TEST(pattern_of(r.find("GET", "/actors/")) == "");
  BOOST_TEST(pattern_of(r.find("GET", "/actors/7/")) == "");
}

BOOST_AUTO_TEST_CASE(head_is_get_unless_it_has_a_route_of_its_own) {
  const auto r = some();
  BOOST_TEST(pattern_of(r.find("HEAD", "/actors/7")) == "GET /actors/{id}");
  BOOST_TEST(pattern_of(r.find("HEAD", "/special")) == "HEAD /special");
}

BOOST_AUTO_TEST_CASE(the_methods_of_a_path_are_told_only_when_there_is_such_a_path) {
  const auto r = some();
  BOOST_TEST(r.find("DELETE", "/actors/7").allow == "GET, HEAD, POST");
  BOOST_TEST(r.find("DELETE", "/nothing").allow == "");
}
