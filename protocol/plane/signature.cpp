#include "protocol/plane/signature.hpp"

#include "base/digest.hpp"

namespace pb::protocol::plane {

bool signature_matches(std::string_view hex, const sha256_digest& expected) noexcept {
  static constexpr char digits[] = "0123456789abcdef";
  if (hex.size() != expected.size() * 2) return false;
  unsigned difference = 0;
  const auto bits = [](char c) { return static_cast<unsigned>(static_cast<unsigned char>(c)); };
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const unsigned byte = expected[i];
    difference |= bits(hex[2 * i]) ^ bits(digits[byte >> 4U]);
    difference |= bits(hex[2 * i + 1]) ^ bits(digits[byte & 15U]);
  }
  return difference == 0;
}

bool verify(std::string_view body, std::string_view header, std::span<const secret> secrets) {
  bool any = false;
  for (const auto& s : secrets) {
    if (s.empty()) continue;
    const bool here = signature_matches(header, hmac_sha256(s.reveal(), body));
    any = any || here;
  }
  return any;
}

}  // namespace pb::protocol::plane
