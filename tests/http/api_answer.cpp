#define BOOST_TEST_MODULE http_api_answer
#include "http/api_answer.hpp"

#include <boost/test/unit_test.hpp>

#include "ask.hpp"

using namespace pb;
using namespace pb::http;

BOOST_AUTO_TEST_CASE(utf8_stays_and_everything_else_becomes_a_replacement) {
  const std::string bad = "\xEF\xBF\xBD";
  const std::vector<std::pair<std::string, std::string>> rows{
      {"plain", "plain"},
      {"\xE4\xBA\xA4\xE4\xBB\x98 \xF0\x9F\x8E\x89", "\xE4\xBA\xA4\xE4\xBB\x98 \xF0\x9F\x8E\x89"},
      {"\xFF", bad},
      {"a\xC3", "a" + bad},
      {"\xC0\xAF", bad + bad},                      // overlong
      {"\xE0\x80\xAF", bad + bad + bad},            // overlong
      {"\xED\xA0\x80", bad + bad + bad},            // half a surrogate pair
      {"\xF4\x90\x80\x80", bad + bad + bad + bad},  // beyond the last character
      {std::string("\0x", 2), std::string("\0x", 2)},
  };
  for (const auto& [bytes, text] : rows) BOOST_TEST(as_utf8(bytes) == text);
}

BOOST_AUTO_TEST_CASE(a_cut_never_splits_a_character) {
  const std::string text = "a\xE4\xBA\xA4";
  for (std::size_t n = 1; n <= 3; ++n) BOOST_TEST(as_utf8(text, n) == "a");
  BOOST_TEST(as_utf8(text, 4) == text);
  BOOST_TEST(as_utf8(text, 0).empty());
}

BOOST_AUTO_TEST_CASE(ids_and_numbers_are_read_strictly) {
  BOOST_TEST(number_after('d', "d12").value() == 12);
  for (const auto* wrong :
       {"", "d", "e12", "d0", "d-1", "d+1", "d1x", "d 1", "12", "d99999999999999999999"})
    BOOST_TEST(!number_after('d', wrong).has_value());
}

BOOST_AUTO_TEST_CASE(a_limit_is_a_number_up_to_two_hundred) {
  request r;
  BOOST_TEST(limit_of(r).value() == 50u);
  for (const auto& [query, limit] :
       std::vector<std::pair<std::string, std::size_t>>{{"limit=1", 1}, {"limit=200", 200}}) {
    r.query = query;
    BOOST_TEST(limit_of(r).value() == limit);
  }
  for (const auto* wrong : {"limit=0", "limit=201", "limit=-1", "limit=x", "limit=1e2"}) {
    r.query = wrong;
    BOOST_TEST(!limit_of(r).has_value());
  }
}

BOOST_AUTO_TEST_CASE(failures_become_the_status_that_http_means_by_them) {
  request r;
  r.id = "req-1";
  const std::vector<std::tuple<errc, int, std::string>> rows{
      {errc::bad_input, 400, "BAD_REQUEST"},   {errc::not_found, 404, "NOT_FOUND"},
      {errc::conflict, 409, "CONFLICT"},       {errc::rate_limited, 429, "RATE_LIMITED"},
      {errc::storage, 503, "UNAVAILABLE"},     {errc::timed_out, 503, "UNAVAILABLE"},
      {errc::key_missing, 503, "KEY_MISSING"}, {errc::crashed, 500, "INTERNAL"},
      {errc::too_large, 413, "TOO_LARGE"},     {errc::forbidden, 403, "FORBIDDEN"},
  };
  for (const auto& [code, status, word] : rows) {
    const auto out = failure_response(r, failure{.code = code, .where = "w", .detail = "d\xFF"});
    BOOST_TEST(out.status == status);
    BOOST_TEST(ask::code_of(out) == word);
    BOOST_TEST(ask::header(out, "Retry-After").empty() == (status != 503 && status != 429));
  }
  const auto asked = failure_response(
      r, failure{.code = errc::storage, .retry_after = std::chrono::milliseconds{1500}});
  BOOST_TEST(ask::header(asked, "Retry-After") == "2");
}
