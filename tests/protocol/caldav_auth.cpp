#define BOOST_TEST_MODULE caldav_auth
#include "protocol/caldav/auth.hpp"

#include <boost/test/unit_test.hpp>

#include "caldav_support.hpp"

using namespace pb;
using namespace pb::protocol;
using namespace pb::protocol::caldav;
using namespace pb::protocol::caldav::testing;

namespace {
constexpr const char* recorded_password = "Pl4ne!secret";

http_response refusal(std::vector<std::string> challenges) {
  http_response r;
  r.status = 401;
  for (auto& c : challenges) r.headers.push_back({"WWW-Authenticate", std::move(c)});
  return r;
}
http_request propfind(std::string url = "https://cal.example/a%40b/") {
  return {"PROPFIND", std::move(url), {}, "<body/>"};
}
authenticator made(bool https, auth_preference preference = auth_preference::automatic,
                   bool clear = true) {
  return authenticator{{"user", secret{"pass"}, preference, https, clear}};
}
std::string sent(authenticator& a, http_request& r, std::string_view cnonce = "c") {
  a.authorize(r, cnonce);
  return header_of(r, "Authorization");
}
const std::string digest_challenge =
    "Digest realm=\"r\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"";
}  // namespace

BOOST_AUTO_TEST_CASE(challenges_are_read_from_one_header_or_several) {
  const auto list = parse_challenges(
      "Negotiate YWJj==, Basic realm=\"a, \\\"b\\\"\" ,Digest realm=x,nonce=\"n,1\", "
      "qop=\"auth,auth-int\" , stale=TRUE, algorithm=SHA-256");
  BOOST_REQUIRE(list.size() == 3U);
  BOOST_TEST(list[0].scheme == "negotiate");
  BOOST_TEST(list[1].scheme == "basic");
  BOOST_TEST(list[1].param("realm") == "a, \"b\"");
  BOOST_TEST(list[2].param("nonce") == "n,1");
  BOOST_TEST(list[2].param("qop") == "auth,auth-int");
  BOOST_TEST(list[2].param("stale") == "TRUE");
  BOOST_TEST(challenges_of(refusal({"Basic realm=\"a\"", digest_challenge})).size() == 2U);
}

BOOST_AUTO_TEST_CASE(hostile_challenges_are_bounded) {
  BOOST_TEST(parse_challenges(std::string(100'000, 'a')).empty());
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "Basic, ";
  BOOST_TEST(parse_challenges(many).size() <= 16U);
  std::string params = "Digest a=1";
  for (int i = 0; i < 500; ++i) params += ",b=2";
  BOOST_TEST(parse_challenges(params).front().params.size() <= 32U);
  for (const auto* text : {"", ",,,", "=", "\"", "Digest realm=\"open", "\x01\x02", "a=b"})
    (void)parse_challenges(text);
}

BOOST_AUTO_TEST_CASE(the_recorded_digest_answers_come_out_the_same) {
  for (const auto* name :
       {"digest-apache-radicale/02-handshake.http", "digest-apache-radicale/03-mkcalendar.http",
        "digest-apache-radicale/04-put.http"}) {
    BOOST_TEST_CONTEXT(name) {
      const auto steps = recording(name);
      const auto expected = parse_challenges(header_of(steps.at(1).request, "Authorization")).at(0);
      auto request = steps.at(1).request;
      request.url = "http://127.0.0.1:15241" + request.url;
      request.headers.clear();
      authenticator a{{"calplanebot", secret{recorded_password}, {}, false, true}};
      auto first = request;
      a.authorize(first, "x");
      BOOST_TEST(header_of(first, "Authorization") == "");
      BOOST_TEST(a.challenge(first, steps.at(0).answer));
      a.authorize(request, expected.param("cnonce"));
      const auto got = parse_challenges(header_of(request, "Authorization")).at(0);
      for (const auto* key :
           {"username", "realm", "nonce", "uri", "cnonce", "nc", "qop", "response", "algorithm"})
        BOOST_TEST(got.param(key) == expected.param(key));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_examples_of_rfc_7616_come_out_the_same) {
  digest_input in;
  in.username = "Mufasa";
  in.realm = "http-auth@example.org";
  in.nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
  in.method = "GET";
  in.uri = "/dir/index.html";
  in.cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
  BOOST_TEST(digest_response(in, secret{"Circle of Life"}) == "8ca523f5e9506fed4657c9700eebdbec");
  in.algorithm = digest_algorithm::sha256;
  BOOST_TEST(digest_response(in, secret{"Circle of Life"}) ==
             "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

BOOST_AUTO_TEST_CASE(session_algorithms_mix_nonce_and_cnonce_into_the_key) {
  digest_input in{digest_algorithm::md5_sess, "u", "r", "n", "GET", "/", "c", 1, true};
  const auto md5 = digest_response(in, secret{"p"});
  in.algorithm = digest_algorithm::sha256_sess;
  const auto sha = digest_response(in, secret{"p"});
  BOOST_TEST(md5.size() == 32U);
  BOOST_TEST(sha.size() == 64U);
  in.algorithm = digest_algorithm::md5;
  BOOST_TEST(digest_response(in, secret{"p"}) != md5);
}

BOOST_AUTO_TEST_CASE(the_nonce_is_reused_with_a_growing_counter) {
  auto a = made(false);
  auto r = propfind("http://127.0.0.1/x");
  BOOST_TEST(sent(a, r) == "");
  BOOST_TEST(a.challenge(r, refusal({digest_challenge})));
  BOOST_TEST(sent(a, r).find("nc=00000001") != std::string::npos);
  BOOST_TEST(sent(a, r).find("nc=00000002") != std::string::npos);
  BOOST_TEST(r.headers.size() == 1U);
  BOOST_TEST(r.headers.front().sensitive);
}

BOOST_AUTO_TEST_CASE(the_uri_is_the_request_target_as_sent) {
  auto a = made(false);
  auto r = propfind("http://127.0.0.1:80/cal/a%40b.ics?x=%20");
  BOOST_TEST(a.challenge(r, refusal({digest_challenge})));
  BOOST_TEST(sent(a, r).find("uri=\"/cal/a%40b.ics?x=%20\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_stale_nonce_is_replaced_and_a_wrong_password_stops) {
  auto a = made(false);
  auto r = propfind("http://127.0.0.1/x");
  BOOST_TEST(a.challenge(r, refusal({digest_challenge})));
  (void)sent(a, r);
  BOOST_TEST(
      a.challenge(r, refusal({"Digest realm=\"r\", nonce=\"n2\", qop=\"auth\", stale=true"})));
  BOOST_TEST(sent(a, r).find("nonce=\"n2\"") != std::string::npos);
  BOOST_TEST(!a.challenge(r, refusal({"Digest realm=\"r\", nonce=\"n3\", qop=\"auth\""})));
}

BOOST_AUTO_TEST_CASE(a_nonce_that_worked_and_was_forgotten_gets_one_more_try) {
  auto a = made(false);
  auto r = propfind("http://127.0.0.1/x");
  BOOST_TEST(a.challenge(r, refusal({digest_challenge})));
  (void)sent(a, r);
  (void)sent(a, r);  // the second use
  BOOST_TEST(a.challenge(r, refusal({"Digest realm=\"r\", nonce=\"n2\", qop=\"auth\""})));
  (void)sent(a, r);
  BOOST_TEST(!a.challenge(r, refusal({"Digest realm=\"r\", nonce=\"n3\", qop=\"auth\""})));
}

BOOST_AUTO_TEST_CASE(a_request_that_was_challenged_while_another_got_a_new_nonce_is_repeated) {
  auto a = made(false);
  auto first = propfind("http://127.0.0.1/x"), second = first;
  BOOST_TEST(a.challenge(first, refusal({digest_challenge})));
  BOOST_TEST(a.challenge(second, refusal({"Digest realm=\"r\", nonce=\"n9\", qop=\"auth\""})));
  BOOST_TEST(sent(a, second).find("nonce=\"n1\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(digest_goes_before_basic_over_plain_http_and_basic_over_https) {
  const auto both = refusal({"Basic realm=\"x\", " + digest_challenge});
  auto plain = made(false);
  auto r = propfind("http://127.0.0.1/x");
  BOOST_TEST(sent(plain, r) == "");
  BOOST_TEST(plain.challenge(r, both));
  BOOST_TEST(sent(plain, r).starts_with("Digest "));
  auto secure = made(true);
  r = propfind();
  BOOST_TEST(sent(secure, r) == "Basic dXNlcjpwYXNz");
  // Refused as Basic: Digest is the only other way.
  BOOST_TEST(secure.challenge(r, both));
  BOOST_TEST(sent(secure, r).starts_with("Digest "));
}

BOOST_AUTO_TEST_CASE(a_refused_basic_password_stops) {
  auto a = made(true);
  auto r = propfind();
  (void)sent(a, r);
  BOOST_TEST(!a.challenge(r, answer_of("radicale/04-bad-credentials.http")));
  BOOST_TEST(!a.challenge(r, refusal({})));
  BOOST_TEST(!a.challenge(r, {403, {}, ""}));
}

BOOST_AUTO_TEST_CASE(basic_never_travels_in_clear_unless_allowed) {
  auto a = made(false, auth_preference::basic, false);
  auto r = propfind("http://cal.example/");
  BOOST_TEST(sent(a, r) == "");
  BOOST_TEST(!a.challenge(r, refusal({"Basic realm=\"x\""})));
  BOOST_TEST(sent(a, r) == "");
  auto loopback = made(false);
  BOOST_TEST(loopback.challenge(r, answer_of("radicale/03-no-credentials.http")));
  BOOST_TEST(sent(loopback, r) == "Basic dXNlcjpwYXNz");
}

BOOST_AUTO_TEST_CASE(a_preference_excludes_the_other_scheme) {
  auto digest = made(true, auth_preference::digest);
  auto r = propfind();
  BOOST_TEST(sent(digest, r) == "");
  BOOST_TEST(!digest.challenge(r, refusal({"Basic realm=\"x\""})));
  BOOST_TEST(digest.challenge(r, refusal({digest_challenge})));
  auto basic = made(false, auth_preference::basic);
  r = propfind("http://127.0.0.1/x");
  BOOST_TEST(sent(basic, r).starts_with("Basic "));
  BOOST_TEST(!basic.challenge(r, refusal({digest_challenge})));
}

BOOST_AUTO_TEST_CASE(the_strongest_digest_that_we_know_is_taken) {
  auto a = made(false);
  auto r = propfind("http://127.0.0.1/x");
  BOOST_TEST(a.challenge(
      r, refusal({"Digest realm=\"r\", nonce=\"w\", algorithm=SHA-512-256, qop=\"auth\"",
                  digest_challenge,
                  "Digest realm=\"r\", nonce=\"s\", algorithm=SHA-256, qop=\"auth\", opaque=\"o\"",
                  "Digest realm=\"r\", nonce=\"i\", algorithm=SHA-256, qop=\"auth-int\""})));
  const auto header = sent(a, r);
  BOOST_TEST(header.find("nonce=\"s\"") != std::string::npos);
  BOOST_TEST(header.find("algorithm=SHA-256") != std::string::npos);
  BOOST_TEST(header.find("opaque=\"o\"") != std::string::npos);
  BOOST_TEST(header.find("qop=auth,") != std::string::npos);
  auto none = made(false);
  r = propfind("http://127.0.0.1/x");
  BOOST_TEST(!none.challenge(r, refusal({"Digest realm=\"r\", nonce=\"i\", qop=\"auth-int\""})));
}

BOOST_AUTO_TEST_CASE(without_a_user_name_nothing_is_sent) {
  authenticator a{{}};
  auto r = propfind();
  BOOST_TEST(sent(a, r) == "");
  BOOST_TEST(!a.challenge(r, refusal({digest_challenge})));
}
