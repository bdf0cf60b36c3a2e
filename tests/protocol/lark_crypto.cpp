#define BOOST_TEST_MODULE lark_crypto
#include "protocol/lark/crypto.hpp"

#include <boost/test/unit_test.hpp>

#include "base/digest.hpp"
#include "lark_fixture.hpp"

using namespace pb::protocol::lark;
namespace fixture = lark_fixture;
using fixture::text;
using pb::secret;

namespace {
const boost::json::value& vectors() {
  static const auto v = fixture::parsed("crypto_vectors.json");
  return v;
}
push_headers headers_of(const boost::json::value& v) {
  return {text(v, "timestamp"), text(v, "nonce"), text(v, "signature")};
}
}  // namespace

BOOST_AUTO_TEST_CASE(every_encryption_vector_opens_and_is_made_again) {
  std::size_t count = 0;
  for (const auto& v : vectors().at("encryption").as_array()) {
    BOOST_TEST_CONTEXT(text(v, "note")) {
      const secret key{text(v, "encrypt_key")};
      const auto plain = decrypt(text(v, "encrypt_base64"), key);
      BOOST_REQUIRE(plain.has_value());
      BOOST_TEST(*plain == text(v, "plaintext"));
      const auto iv = pb::from_hex(text(v, "iv_hex"));
      BOOST_TEST(encrypt(*plain, key, *iv) == text(v, "encrypt_base64"));
      BOOST_TEST(!decrypt(text(v, "encrypt_base64"), secret{}).has_value());
      ++count;
    }
  }
  BOOST_TEST(count == 7u);
}

BOOST_AUTO_TEST_CASE(every_negative_encryption_vector_is_refused) {
  std::size_t count = 0;
  for (const auto& v : vectors().at("encryption_negative").as_array()) {
    BOOST_TEST_CONTEXT(text(v, "note")) {
      const auto plain = decrypt(text(v, "encrypt_base64"), secret{text(v, "encrypt_key")});
      BOOST_REQUIRE(plain.has_error());
      BOOST_TEST(plain.error().code == pb::errc::bad_input);
      ++count;
    }
  }
  BOOST_TEST(count == 4u);
}

BOOST_AUTO_TEST_CASE(only_a_whole_pkcs7_padding_opens) {
  // AES-CBC lets whoever flips bits of the block before choose the last one's padding.
  const secret key{"k"};
  const std::string iv(16, '\x07'), plain(20, 'x');  // padding: twelve times 0x0c
  const auto sealed = *pb::from_base64(encrypt(plain, key, iv));
  std::size_t opened = 0;
  for (int last = 1; last < 256; ++last) {
    auto bent = sealed;
    bent[bent.size() - 17] = static_cast<char>(bent[bent.size() - 17] ^ last);
    opened += decrypt(pb::to_base64(bent), key).has_value() ? 1u : 0u;
  }
  // 0x01 is a padding of its own, which nothing can tell; all other changes are seen
  BOOST_TEST(opened == 1u);
  auto bent = sealed;
  bent[bent.size() - 22] = static_cast<char>(bent[bent.size() - 22] ^ 1);
  BOOST_TEST(!decrypt(pb::to_base64(bent), key).has_value());
}

BOOST_AUTO_TEST_CASE(what_is_not_standard_base64_is_refused) {
  const secret key{fixture::encrypt_key};
  const auto good = encrypt("{}", key, std::string(16, 'i'));
  BOOST_TEST(decrypt(good, key).has_value());
  for (const auto& bad : {std::string{}, good + "\n", good + "====", good.substr(1), "=" + good,
                          good.substr(0, good.size() - 2) + "-_", std::string(1 << 16, '=')})
    BOOST_TEST(!decrypt(bad, key).has_value());
}

BOOST_AUTO_TEST_CASE(every_signature_vector_holds_for_its_own_bytes_and_no_others) {
  std::size_t count = 0;
  for (const auto& v : vectors().at("signature").as_array()) {
    BOOST_TEST_CONTEXT(text(v, "note")) {
      const secret key{text(v, "encrypt_key")};
      const auto h = headers_of(v);
      const auto body = text(v, "body");
      BOOST_TEST(signature_holds(h, key, body));
      BOOST_TEST(!signature_holds(h, key, body + " "));
      BOOST_TEST(!signature_holds(h, secret{text(v, "encrypt_key") + "x"}, body));
      BOOST_TEST(!signature_holds(h, secret{}, body));
      auto later = h;
      later.timestamp += "0";
      BOOST_TEST(!signature_holds(later, key, body));
      auto upper = h;
      for (auto& c : upper.signature)
        if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
      BOOST_TEST(!signature_holds(upper, key, body));
      ++count;
    }
  }
  BOOST_TEST(count == 6u);
}

BOOST_AUTO_TEST_CASE(every_negative_signature_vector_is_refused) {
  std::size_t count = 0;
  for (const auto& v : vectors().at("signature_negative").as_array()) {
    BOOST_TEST_CONTEXT(text(v, "note")) {
      BOOST_TEST(!signature_holds(headers_of(v), secret{text(v, "encrypt_key")}, text(v, "body")));
      ++count;
    }
  }
  BOOST_TEST(count == 3u);
}

BOOST_AUTO_TEST_CASE(an_old_card_is_signed_with_sha1_and_the_verification_token) {
  std::size_t count = 0;
  for (const auto& v : vectors().at("legacy_card_signature").as_array()) {
    const secret token{text(v, "verification_token")};
    const auto h = headers_of(v);
    BOOST_TEST(legacy_signature_holds(h, token, text(v, "body")));
    BOOST_TEST(!legacy_signature_holds(h, token, text(v, "body") + " "));
    BOOST_TEST(!legacy_signature_holds(h, secret{}, text(v, "body")));
    BOOST_TEST(!signature_holds(h, token, text(v, "body")));
    ++count;
  }
  BOOST_TEST(count == 2u);
}

BOOST_AUTO_TEST_CASE(an_empty_key_never_vouches_even_for_what_it_signed) {
  const push_headers h{"1", "n", signature_of("1", "n", secret{}, "{}")};
  BOOST_TEST(!signature_holds(h, secret{}, "{}"));
  const push_headers old{"1", "n", legacy_signature_of("1", "n", secret{}, "{}")};
  BOOST_TEST(!legacy_signature_holds(old, secret{}, "{}"));
}
