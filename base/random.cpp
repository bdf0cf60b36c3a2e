#include "base/random.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <bit>
#include <stdexcept>

namespace pb {

void random_source::fill(std::span<unsigned char> out) {
  for (std::size_t i = 0; i < out.size();) {
    std::uint64_t word = next();
    for (std::size_t k = 0; k < 8 && i < out.size(); ++k, ++i, word >>= 8)
      out[i] = static_cast<unsigned char>(word & 0xff);
  }
}

std::uint64_t secure_random::next() {
  std::array<unsigned char, 8> bytes{};
  fill(bytes);
  return std::bit_cast<std::uint64_t>(bytes);
}

/// In one call: each has its price.
void secure_random::fill(std::span<unsigned char> out) {
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1)
    throw std::runtime_error("the system's random generator failed");
}

std::string make_uuid(random_source& random) {
  std::array<unsigned char, 16> b{};
  random.fill(b);
  b[6] = static_cast<unsigned char>((b[6] & 0x0f) | 0x40);
  b[8] = static_cast<unsigned char>((b[8] & 0x3f) | 0x80);
  static constexpr char hex[] = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < b.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += hex[b[i] >> 4];
    out += hex[b[i] & 15];
  }
  return out;
}

}  // namespace pb
