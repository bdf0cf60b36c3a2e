// sandbox: encryption and signatures of the in-memory Lark's pushes (contract 1.2, 1.3, 1.6). Its
// own code on purpose: what reads it is tested against something that was not written with it.
#include <openssl/evp.h>
#include <boost/json/serialize.hpp>

#include <array>
#include <stdexcept>

#include "base/digest.hpp"
#include "sandbox/lark_state.hpp"

namespace pb::sandbox {
namespace {

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string lark_encrypt(std::string_view key, std::string_view text, random_source& random) {
  const auto hashed = sha256(key);
  std::array<unsigned char, 16> iv{};
  random.fill(iv);
  std::string out(iv.size() + text.size() + 16, '\0');
  std::copy(iv.begin(), iv.end(), out.begin());
  auto* to = reinterpret_cast<unsigned char*>(out.data()) + iv.size();
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> cipher{
      EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free};
  int written = 0, last = 0;
  if (!cipher ||
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_cbc(), nullptr, hashed.data(), iv.data()) != 1 ||
      EVP_EncryptUpdate(cipher.get(), to, &written, bytes(text), static_cast<int>(text.size())) !=
          1 ||
      EVP_EncryptFinal_ex(cipher.get(), to + written, &last) != 1)
    throw std::runtime_error("sandbox: OpenSSL refused AES-256-CBC");
  out.resize(iv.size() + static_cast<std::size_t>(written + last));
  return to_base64(out);
}

std::string sha1_hex(std::string_view text) {
  std::array<unsigned char, 20> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1)
    throw std::runtime_error("sandbox: OpenSSL refused SHA-1");
  return to_hex(digest);
}

protocol::http_request lark::sealed(const lark_push& push) {
  const std::scoped_lock held{impl_->lock};
  auto& in = *impl_;
  protocol::http_request r;
  r.method = "POST";
  r.headers = {{"Content-Type", "application/json;charset=utf-8"},
               {"X-Request-Id", push.id.empty() ? in.hex(32) : push.id}};
  const std::string& key = in.options.encrypt_key.reveal();
  const std::string time = std::to_string(
      std::chrono::floor<std::chrono::seconds>(in.clock.now()).time_since_epoch().count());
  const std::string nonce = in.hex(10);
  const auto sign = [&](std::string signature) {
    r.headers.push_back({"X-Lark-Request-Timestamp", time});
    r.headers.push_back({"X-Lark-Request-Nonce", nonce});
    if (!signature.empty()) r.headers.push_back({"X-Lark-Signature", std::move(signature)});
  };
  if (push.legacy) {
    r.body = push.body;
    sign(sha1_hex(time + nonce + in.options.verification_token.reveal() + r.body));
  } else if (key.empty()) {
    r.body = push.body;
  } else {
    r.body = json::serialize(row{{"encrypt", lark_encrypt(key, push.body, in.random)}});
    // The challenge carries none.
    sign(push.type == "url_verification" ? "" : sha256_hex(time + nonce + key + r.body));
  }
  return r;
}

}  // namespace pb::sandbox
