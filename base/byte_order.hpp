// base/byte_order: whole numbers as bytes of local files, least significant byte first on every
// machine. Pure.
#pragma once
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

namespace pb {

template <std::unsigned_integral T>
void put_le(std::string& out, T n) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    out.push_back(static_cast<char>(static_cast<unsigned char>(n >> (8 * i))));
}

/// The caller made sure that the bytes are there.
template <std::unsigned_integral T>
[[nodiscard]] T get_le(std::string_view bytes, std::size_t at = 0) {
  T n = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    n = static_cast<T>(
        n | static_cast<T>(static_cast<T>(static_cast<unsigned char>(bytes[at + i])) << (8 * i)));
  return n;
}

}  // namespace pb
