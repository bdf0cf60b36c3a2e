// base/checksum: CRC-32C (Castagnoli), the checksum of records in local files: finds torn writes
// and flipped bits, and is no protection against a person. Pure, any thread.
#pragma once
#include <cstdint>
#include <string_view>

namespace pb {

/// Of `bytes`, continuing from `before` (the checksum of what precedes them; 0 at the beginning).
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0) noexcept;

}  // namespace pb
