#define BOOST_TEST_MODULE plane_signature
#include <boost/test/unit_test.hpp>

#include "plane_fixture.hpp"
#include "protocol/plane/signature.hpp"

using namespace pb::protocol::plane;
namespace fixture = plane_fixture;
using pb::secret;

namespace {
bool holds(const std::string& body, std::string_view header, std::vector<secret> secrets) {
  return verify(body, header, secrets);
}
}  // namespace

BOOST_AUTO_TEST_CASE(every_vector_verifies_with_its_own_bytes_and_with_no_others) {
  const auto vectors = boost::json::parse(fixture::sample("signature_vectors.json"));
  BOOST_TEST(vectors.as_array().size() == 5u);
  for (const auto& v : vectors.as_array()) {
    const auto& o = v.as_object();
    const secret key{fixture::text(o.at("secret"))};
    const auto body = pb::from_base64(fixture::text(o.at("body_base64")));
    const auto hex = fixture::text(o.at("signature_hex"));
    BOOST_REQUIRE(body.has_value());
    BOOST_TEST(holds(*body, hex, {key}));
    BOOST_TEST(!holds(*body + " ", hex, {key}));
    BOOST_TEST(!holds(*body, hex, {secret{key.reveal() + "x"}}));
  }
}

BOOST_AUTO_TEST_CASE(every_recorded_delivery_verifies_with_the_secret_it_was_signed_with) {
  std::size_t verified = 0, unsigned_ones = 0;
  for (const auto* folder : {"plane-live/webhooks", "plane-live/failures",
                             "plane-live/several-webhooks", "plane-live/v0.25.3/webhooks"}) {
    for (const auto& path : fixture::files(folder)) {
      BOOST_TEST_CONTEXT(path.string()) {
        const auto d = fixture::load_delivery(path);
        const auto header = d.as_headers.header("X-Plane-Signature");
        // some secrets were made by the server and not kept
        if (!d.secret.starts_with("plane_wh_") || d.cut) continue;
        if (header.empty()) {  // a webhook stored without a secret
          ++unsigned_ones;
          BOOST_TEST(!holds(d.body, header, {secret{""}}));
          continue;
        }
        BOOST_TEST(holds(d.body, header, {secret{d.secret}}) == d.signature_holds);
        verified += d.signature_holds ? 1 : 0;
      }
    }
  }
  BOOST_TEST_MESSAGE(verified << " signatures, " << unsigned_ones << " without");
  BOOST_TEST(verified > 150u);
}

BOOST_AUTO_TEST_CASE(during_a_rotation_any_of_the_secrets_may_have_signed) {
  const std::string body = "{}";
  const auto old_hex = pb::to_hex(pb::hmac_sha256("old", body));
  const auto new_hex = pb::to_hex(pb::hmac_sha256("new", body));
  const std::vector<secret> both{secret{"new"}, secret{"old"}};
  BOOST_TEST(verify(body, old_hex, both));
  BOOST_TEST(verify(body, new_hex, both));
  BOOST_TEST(!verify(body, pb::to_hex(pb::hmac_sha256("third", body)), both));
  BOOST_TEST(!verify(body, new_hex, {}));
}

BOOST_AUTO_TEST_CASE(an_empty_secret_never_matches_even_what_it_signed) {
  BOOST_TEST(!holds("{}", pb::to_hex(pb::hmac_sha256("", "{}")), {secret{}}));
}

BOOST_AUTO_TEST_CASE(only_64_lower_case_hex_digits_are_a_signature) {
  const auto digest = pb::hmac_sha256("k", "{}");
  const auto hex = pb::to_hex(digest);
  BOOST_TEST(signature_matches(hex, digest));
  auto upper = hex;
  for (auto& c : upper)
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  const auto raw = *pb::from_hex(hex);
  for (const auto& wrong :
       {std::string{}, upper, "sha256=" + hex, hex + "0", hex.substr(1), hex + '\n', " " + hex, raw,
        pb::to_base64(raw), std::string(64, '0'), std::string(64, '\0')})
    BOOST_TEST(!signature_matches(wrong, digest));
  for (std::size_t i = 0; i < hex.size(); ++i) {
    auto one_off = hex;
    one_off[i] = one_off[i] == '0' ? '1' : '0';
    BOOST_TEST(!signature_matches(one_off, digest));
  }
}
