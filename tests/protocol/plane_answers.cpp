#define BOOST_TEST_MODULE plane_answers
#include <boost/test/unit_test.hpp>

#include "plane_fixture.hpp"
#include "protocol/plane/answers.hpp"

using namespace pb::protocol::plane;
namespace fixture = plane_fixture;
using pb::errc;
using pb::protocol::http_response;
using namespace std::chrono_literals;

namespace {
errc expected_for(const http_response& a) {
  switch (a.status) {
    case 400:
      return errc::bad_input;
    case 401:
      return errc::unauthorized;
    case 403:
      return a.body.find("token is not valid") != std::string::npos ? errc::unauthorized
                                                                    : errc::forbidden;
    case 404:
      return errc::not_found;
    case 409:
      return errc::conflict;
    case 413:
      return errc::too_large;
    case 429:
      return errc::rate_limited;
    case 500:
      return errc::upstream_down;
    default:
      return errc::unexpected_answer;
  }
}
http_response answer(int status, std::string body = {},
                     std::vector<pb::protocol::http_header> headers = {}) {
  return {status, std::move(headers), std::move(body)};
}
}  // namespace

BOOST_AUTO_TEST_CASE(every_recorded_error_is_typed_and_carries_the_remote_sentence) {
  std::size_t seen = 0;
  for (const auto* folder : {"plane-live/rest", "plane-live/v0.25.3/rest"}) {
    for (const auto& path : fixture::files(folder)) {
      const auto e = fixture::load_exchange(path);
      if (e.answer.status < 300) continue;
      BOOST_TEST_CONTEXT(path.filename().string()) {
        ++seen;
        const auto f = classify(e.answer, "plane.some_call");
        BOOST_TEST(f.code == expected_for(e.answer));
        BOOST_TEST(f.status == e.answer.status);
        BOOST_TEST(f.where == "plane.some_call");
        BOOST_TEST(!f.detail.empty());
        BOOST_TEST(f.detail.find('{') == std::string::npos);
        BOOST_TEST(f.retry_after.has_value() == (e.answer.status == 429));
        BOOST_TEST(remote_message(e.answer.body).empty() == e.answer.body.empty());
      }
    }
  }
  BOOST_TEST(seen > 50u);
}

BOOST_AUTO_TEST_CASE(every_written_error_sample_is_typed) {
  std::size_t seen = 0;
  for (const auto& path : fixture::files("plane")) {
    if (!path.filename().string().starts_with("error_")) continue;
    BOOST_TEST_CONTEXT(path.filename().string()) {
      ++seen;
      const auto v = boost::json::parse(fixture::read_file(path)).as_object();
      http_response a{
          static_cast<int>(v.at("status").as_int64()), {}, boost::json::serialize(v.at("body"))};
      for (const auto& [key, value] : v.at("headers").as_object())
        a.headers.push_back({std::string{key.data(), key.size()}, fixture::text(value), false});
      const auto f = classify(a, "t");
      BOOST_TEST(f.code == expected_for(a));
      BOOST_TEST(!remote_message(a.body).empty());
      if (a.status == 429) BOOST_TEST((f.retry_after == 23'000ms));
    }
  }
  BOOST_TEST(seen == 18u);
}

BOOST_AUTO_TEST_CASE(the_sentence_is_found_in_every_shape_that_errors_have) {
  const std::pair<const char*, const char*> rows[] = {
      {R"({"error":"no"})", "no"},
      {R"({"error":["no","really"]})", "no; really"},
      {R"({"error":{"name":["taken"]}})", "name: taken"},
      {R"({"detail":"d","message":"m"})", "d"},
      {R"({"message":"m","code":"C"})", "m"},
      {R"({"error_code":5900,"error_message":"RATE_LIMIT_EXCEEDED"})", "RATE_LIMIT_EXCEEDED"},
      {R"({"name":["required"],"priority":["bad"]})", "name: required; priority: bad"},
      {R"({"assignees":{"0":["Invalid pk"]}})", "assignees: 0: Invalid pk"},
      {R"({"non_field_errors":["Start after target"]})", "non_field_errors: Start after target"},
      {R"({"error":"","detail":"d"})", "d"},
      {R"({"error":"a\nb\u0007"})", "a b "},
      {R"(["one","two"])", "one; two"},
      {"<html>", ""},
      {"", ""},
  };
  for (const auto& [body, text] : rows) BOOST_TEST(remote_message(body) == text, body);
  BOOST_TEST(remote_message(R"({"error":")" + std::string(9000, 'x') + R"("})").size() < 600u);
}

BOOST_AUTO_TEST_CASE(a_refused_key_is_told_from_a_missing_permission_by_its_text_alone) {
  BOOST_TEST(classify(fixture::recorded("138-auth-bad").answer, "t").code == errc::unauthorized);
  BOOST_TEST(classify(fixture::recorded("139-auth-expired").answer, "t").code ==
             errc::unauthorized);
  BOOST_TEST(classify(fixture::recorded("141-forbidden-nonmember-project").answer, "t").code ==
             errc::forbidden);
  BOOST_TEST(!classify(fixture::recorded("138-auth-bad").answer, "t").remedy.empty());
}

BOOST_AUTO_TEST_CASE(statuses_beyond_the_recorded_ones_have_their_codes) {
  const std::pair<int, errc> rows[] = {
      {301, errc::unexpected_answer}, {405, errc::unexpected_answer},
      {408, errc::timed_out},         {410, errc::not_found},
      {412, errc::precondition},      {415, errc::unexpected_answer},
      {422, errc::bad_input},         {502, errc::upstream_down},
      {503, errc::upstream_down},     {504, errc::upstream_down},
      {200, errc::unexpected_answer}, {507, errc::insufficient_storage}};
  for (const auto& [status, code] : rows) BOOST_TEST(classify(answer(status), "t").code == code);
}

BOOST_AUTO_TEST_CASE(the_request_id_of_the_answer_is_kept) {
  BOOST_TEST(classify(answer(500, "", {{"x-request-id", "abc-1", false}}), "t").request_id ==
             "abc-1");
  BOOST_TEST(classify(answer(500, "", {{"cf-ray", "8f", false}}), "t").request_id == "8f");
  BOOST_TEST(
      classify(answer(500, "", {{"X-Request-Id", std::string(500, 'x'), false}}), "t").request_id ==
      "");
}

BOOST_AUTO_TEST_CASE(retry_after_is_read_as_seconds_and_as_a_date) {
  const auto pause = [](std::string value, std::string date = "Sat, 21 Nov 2026 07:10:00 GMT") {
    return retry_after_of(answer(
        429, "", {{"Retry-After", std::move(value), false}, {"Date", std::move(date), false}}));
  };
  BOOST_TEST((pause("59") == 59'000ms));
  BOOST_TEST((pause("0") == 0ms));
  BOOST_TEST((pause("99999999999") == 24h));
  BOOST_TEST((pause("Sat, 21 Nov 2026 07:11:30 GMT") == 90'000ms));
  BOOST_TEST((pause("Saturday, 21-Nov-26 07:10:05 GMT") == 5'000ms));
  BOOST_TEST((pause("Sat Nov 21 07:10:07 2026") == 7'000ms));
  BOOST_TEST((pause("Sat, 21 Nov 2026 07:00:00 GMT") == 0ms));
  for (const auto* odd : {"soon", "-5", "1.5", "Sat, 31 Feb 2026 07:00:00 GMT", "21 Nov"})
    BOOST_TEST(!pause(odd).has_value(), odd);
  BOOST_TEST(!pause("Sat, 21 Nov 2026 07:11:30 GMT", "").has_value());
  BOOST_TEST(!retry_after_of(answer(429)).has_value());
}

BOOST_AUTO_TEST_CASE(a_conflict_names_the_existing_item_on_creation_and_only_itself_on_a_patch) {
  const auto created = fixture::recorded("029-issue-create-duplicate-external");
  const auto on_create = conflict_of(created.answer, write_kind::creation);
  BOOST_REQUIRE(on_create.has_value());
  BOOST_TEST(on_create->existing_id.size() == 36u);
  BOOST_TEST(on_create->own_id.empty());
  const auto patched = fixture::recorded("063-issue-update-external-conflict");
  const auto on_patch = conflict_of(patched.answer, write_kind::patch);
  BOOST_REQUIRE(on_patch.has_value());
  BOOST_TEST(on_patch->existing_id.empty());
  BOOST_TEST(patched.path.find(on_patch->own_id) != std::string::npos);
  BOOST_TEST(
      !conflict_of(fixture::recorded("004-project-create-duplicate").answer, write_kind::creation));
  BOOST_TEST(!conflict_of(answer(409, R"({"id":"../x"})"), write_kind::creation));
  BOOST_TEST(!conflict_of(answer(400, created.answer.body), write_kind::creation));
}
