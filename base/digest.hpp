// base/digest: the hashes and encodings that the layers share. Pure, any thread.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace pb {

using sha256_digest = std::array<unsigned char, 32>;

sha256_digest sha256(std::string_view bytes);
sha256_digest hmac_sha256(std::string_view key, std::string_view bytes);
std::string md5_hex(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);

/// HMAC-SHA256 over bytes that arrive in pieces (bodies verified as a stream).
class hmac_sha256_stream {
public:
  explicit hmac_sha256_stream(std::string_view key);
  hmac_sha256_stream(hmac_sha256_stream&&) noexcept;
  hmac_sha256_stream& operator=(hmac_sha256_stream&&) noexcept;
  ~hmac_sha256_stream();
  void update(std::string_view bytes);
  [[nodiscard]] sha256_digest finish();  ///< call once

private:
  void* mac_ = nullptr;  // EVP_MAC_CTX
};

/// SHA-256 over bytes that arrive in pieces.
class sha256_stream {
public:
  sha256_stream();
  sha256_stream(sha256_stream&&) noexcept;
  sha256_stream& operator=(sha256_stream&&) noexcept;
  ~sha256_stream();
  void update(std::string_view bytes);
  [[nodiscard]] sha256_digest finish();  ///< call once

private:
  void* digest_ = nullptr;  // EVP_MD_CTX
};

std::string to_hex(std::string_view bytes);
template <std::size_t N>
std::string to_hex(const std::array<unsigned char, N>& bytes) {
  return to_hex(std::string_view{reinterpret_cast<const char*>(bytes.data()), N});
}
/// Lower or upper case; nothing on an odd length or a foreign character.
std::optional<std::string> from_hex(std::string_view hex);
std::string to_base64(std::string_view bytes);
/// Standard alphabet with padding; nothing on anything else.
std::optional<std::string> from_base64(std::string_view text);
/// URL-safe alphabet without padding.
std::string to_base64url(std::string_view bytes);
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace pb
