#include "base/digest.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

namespace pb {
namespace {

const unsigned char* bytes_of(std::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}

template <std::size_t N>
std::array<unsigned char, N> digest_of(const EVP_MD* kind, std::string_view bytes) {
  std::array<unsigned char, N> out{};
  unsigned int length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), out.data(), &length, kind, nullptr) != 1)
    throw std::runtime_error("EVP_Digest failed");
  return out;
}

EVP_MAC* hmac_algorithm() {
  static EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  return mac;
}

}  // namespace

sha256_digest sha256(std::string_view bytes) { return digest_of<32>(EVP_sha256(), bytes); }

sha256_digest hmac_sha256(std::string_view key, std::string_view bytes) {
  sha256_digest out{};
  unsigned int length = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(bytes), bytes.size(),
           out.data(), &length) == nullptr)
    throw std::runtime_error("HMAC failed");
  return out;
}

std::string md5_hex(std::string_view bytes) { return to_hex(digest_of<16>(EVP_md5(), bytes)); }
std::string sha256_hex(std::string_view bytes) { return to_hex(sha256(bytes)); }

hmac_sha256_stream::hmac_sha256_stream(std::string_view key) {
  auto* ctx = EVP_MAC_CTX_new(hmac_algorithm());
  char name[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", name, 0),
                               OSSL_PARAM_construct_end()};
  if (ctx == nullptr || EVP_MAC_init(ctx, bytes_of(key), key.size(), params) != 1) {
    EVP_MAC_CTX_free(ctx);
    throw std::runtime_error("EVP_MAC_init failed");
  }
  mac_ = ctx;
}
hmac_sha256_stream::hmac_sha256_stream(hmac_sha256_stream&& other) noexcept
    : mac_(std::exchange(other.mac_, nullptr)) {}
hmac_sha256_stream& hmac_sha256_stream::operator=(hmac_sha256_stream&& other) noexcept {
  std::swap(mac_, other.mac_);
  return *this;
}
hmac_sha256_stream::~hmac_sha256_stream() { EVP_MAC_CTX_free(static_cast<EVP_MAC_CTX*>(mac_)); }
void hmac_sha256_stream::update(std::string_view bytes) {
  EVP_MAC_update(static_cast<EVP_MAC_CTX*>(mac_), bytes_of(bytes), bytes.size());
}
sha256_digest hmac_sha256_stream::finish() {
  sha256_digest out{};
  std::size_t length = 0;
  EVP_MAC_final(static_cast<EVP_MAC_CTX*>(mac_), out.data(), &length, out.size());
  return out;
}

sha256_stream::sha256_stream() {
  auto* ctx = EVP_MD_CTX_new();
  if (ctx == nullptr || EVP_DigestInit_ex(ctx, EVP_sha256(), nullptr) != 1) {
    EVP_MD_CTX_free(ctx);
    throw std::runtime_error("EVP_DigestInit_ex failed");
  }
  digest_ = ctx;
}
sha256_stream::sha256_stream(sha256_stream&& other) noexcept
    : digest_(std::exchange(other.digest_, nullptr)) {}
sha256_stream& sha256_stream::operator=(sha256_stream&& other) noexcept {
  std::swap(digest_, other.digest_);
  return *this;
}
sha256_stream::~sha256_stream() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(digest_)); }
void sha256_stream::update(std::string_view bytes) {
  EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(digest_), bytes.data(), bytes.size());
}
sha256_digest sha256_stream::finish() {
  sha256_digest out{};
  unsigned int length = 0;
  EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(digest_), out.data(), &length);
  return out;
}

std::string to_hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto b = static_cast<unsigned char>(c);
    out += digits[b >> 4];
    out += digits[b & 15];
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  const auto value = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string out;
  out.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = value(hex[i]), low = value(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string to_base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(bytes),
                                static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(n));
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const auto is_digit = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  };
  std::size_t padding = 0;
  std::string_view body = text;
  while (!body.empty() && body.back() == '=' && padding < 2) {
    body.remove_suffix(1);
    ++padding;
  }
  if (!std::all_of(body.begin(), body.end(), is_digit)) return std::nullopt;
  if (text.empty()) return std::string{};
  std::string out(text.size() / 4 * 3, '\0');
  const int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(text),
                                static_cast<int>(text.size()));
  if (n < 0) return std::nullopt;
  out.resize(static_cast<std::size_t>(n) - padding);
  return out;
}

std::string to_base64url(std::string_view bytes) {
  std::string out = to_base64(bytes);
  while (!out.empty() && out.back() == '=') out.pop_back();
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  return out;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string standard{text};
  if (standard.find_first_of("+/=") != std::string::npos) return std::nullopt;
  std::replace(standard.begin(), standard.end(), '-', '+');
  std::replace(standard.begin(), standard.end(), '_', '/');
  while (standard.size() % 4 != 0) standard += '=';
  return from_base64(standard);
}

}  // namespace pb
