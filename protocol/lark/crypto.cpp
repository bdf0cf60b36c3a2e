#include "protocol/lark/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <stdexcept>

#include "base/digest.hpp"

namespace pb::protocol::lark {
namespace {

constexpr std::size_t block_bytes = 16;

using cipher_context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;
cipher_context new_context() {
  cipher_context c{EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free};
  if (!c) throw std::runtime_error("EVP_CIPHER_CTX_new failed");
  return c;
}

const unsigned char* bytes_of(std::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}
unsigned char* bytes_of(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }

/// The AES key, wiped when it is done with.
class derived_key {
public:
  explicit derived_key(const secret& from) : bytes_(sha256(from.reveal())) {}
  derived_key(const derived_key&) = delete;
  derived_key& operator=(const derived_key&) = delete;
  ~derived_key() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }
  [[nodiscard]] const unsigned char* data() const { return bytes_.data(); }

private:
  sha256_digest bytes_;
};

failure not_decrypted(std::string_view why) {
  return {.code = errc::bad_input, .where = "lark.decrypt", .detail = std::string{why}};
}

}  // namespace

result<std::string> decrypt(std::string_view base64, const secret& encrypt_key) {
  if (encrypt_key.empty())
    return failure{.code = errc::key_missing,
                   .where = "lark.decrypt",
                   .detail = "lark.encrypt_key",
                   .remedy = "set lark.encrypt_key to the app's Encrypt Key"};
  const auto sealed = from_base64(base64);
  if (!sealed) return not_decrypted("not base64");
  if (sealed->size() < 2 * block_bytes || sealed->size() % block_bytes != 0)
    return not_decrypted("not a whole number of cipher blocks after the first");
  const std::string_view iv = std::string_view{*sealed}.substr(0, block_bytes);
  const std::string_view text = std::string_view{*sealed}.substr(block_bytes);
  const derived_key key{encrypt_key};
  const auto c = new_context();
  std::string plain(text.size() + block_bytes, '\0');
  int head = 0, tail = 0;
  // OpenSSL checks the whole PKCS7 padding; the SDKs of others do not, but all senders pad rightly.
  if (EVP_DecryptInit_ex(c.get(), EVP_aes_256_cbc(), nullptr, key.data(), bytes_of(iv)) != 1 ||
      EVP_DecryptUpdate(c.get(), bytes_of(plain), &head, bytes_of(text),
                        static_cast<int>(text.size())) != 1 ||
      EVP_DecryptFinal_ex(c.get(), bytes_of(plain) + head, &tail) != 1)
    return not_decrypted("does not open with lark.encrypt_key");
  plain.resize(static_cast<std::size_t>(head) + static_cast<std::size_t>(tail));
  return plain;
}

std::string encrypt(std::string_view plaintext, const secret& encrypt_key, std::string_view iv) {
  if (iv.size() != block_bytes) throw std::invalid_argument("an iv has 16 bytes");
  const derived_key key{encrypt_key};
  const auto c = new_context();
  std::string sealed(plaintext.size() + block_bytes, '\0');
  int head = 0, tail = 0;
  if (EVP_EncryptInit_ex(c.get(), EVP_aes_256_cbc(), nullptr, key.data(), bytes_of(iv)) != 1 ||
      EVP_EncryptUpdate(c.get(), bytes_of(sealed), &head, bytes_of(plaintext),
                        static_cast<int>(plaintext.size())) != 1 ||
      EVP_EncryptFinal_ex(c.get(), bytes_of(sealed) + head, &tail) != 1)
    throw std::runtime_error("EVP_Encrypt failed");
  sealed.resize(static_cast<std::size_t>(head) + static_cast<std::size_t>(tail));
  return to_base64(std::string{iv} + sealed);
}

std::string signature_of(std::string_view timestamp, std::string_view nonce,
                         const secret& encrypt_key, std::string_view raw_body) {
  sha256_stream hash;
  hash.update(timestamp);
  hash.update(nonce);
  hash.update(encrypt_key.reveal());
  hash.update(raw_body);
  return to_hex(hash.finish());
}

bool signature_holds(const push_headers& h, const secret& encrypt_key, std::string_view raw_body) {
  if (encrypt_key.empty()) return false;
  return constant_time_equal(h.signature,
                             signature_of(h.timestamp, h.nonce, encrypt_key, raw_body));
}

std::string legacy_signature_of(std::string_view timestamp, std::string_view nonce,
                                const secret& verification_token, std::string_view raw_body) {
  using digest_context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
  const digest_context c{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  std::array<unsigned char, 20> out{};
  bool ok = c && EVP_DigestInit_ex(c.get(), EVP_sha1(), nullptr) == 1;
  for (const auto part :
       {timestamp, nonce, std::string_view{verification_token.reveal()}, raw_body})
    ok = ok && EVP_DigestUpdate(c.get(), part.data(), part.size()) == 1;
  if (!ok || EVP_DigestFinal_ex(c.get(), out.data(), nullptr) != 1)
    throw std::runtime_error("EVP_Digest failed");
  return to_hex(out);
}

bool legacy_signature_holds(const push_headers& h, const secret& verification_token,
                            std::string_view raw_body) {
  if (verification_token.empty()) return false;
  return constant_time_equal(
      h.signature, legacy_signature_of(h.timestamp, h.nonce, verification_token, raw_body));
}

}  // namespace pb::protocol::lark
