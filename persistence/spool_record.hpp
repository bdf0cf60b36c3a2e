// persistence/spool_record: how deliveries lie in a spool file, and how they are found again after
// a torn write or a flipped bit. Pure: bytes in, values out. The files are persistence/spool's.
//
// A segment is a header and records. A record is marker, length, checksum, payload; the checksum
// covers the segment's nonce and the record's offset too, so that neither what an earlier use of
// the same file left behind nor what a sender put into a body is ever taken for a record.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/failure.hpp"
#include "persistence/rows.hpp"

namespace pb::persistence {

inline constexpr std::size_t segment_header_bytes = 32;
inline constexpr std::size_t record_head_bytes = 12;

struct segment_header {
  std::uint64_t number = 0;
  std::uint64_t nonce = 0;  ///< drawn anew for each use of the file
};
std::string encode_header(const segment_header& h);
/// Nothing when the bytes are no header of this version.
std::optional<segment_header> decode_header(std::string_view segment);

/// The payload of a record: everything of a delivery on its way in.
std::string encode_delivery(const delivery_append& d);
/// errc::bad_input on anything that encode_delivery did not write.
result<delivery_append> decode_delivery(std::string_view payload);

/// Appends the record to `segment_tail`, which will lie at `offset` of the segment.
void append_record(std::string& segment_tail, std::uint64_t offset, std::uint64_t nonce,
                   std::string_view payload);

struct found_record {
  std::string_view payload;
  std::size_t next = 0;  ///< where the following record would begin
};
/// The whole record that begins at `at` of `bytes`; nothing when none does.
/// @param base  where `bytes` begins within the segment
std::optional<found_record> record_at(std::string_view bytes, std::size_t at, std::uint64_t nonce,
                                      std::uint64_t base = 0);
/// Where the first whole record at or behind `at` begins.
std::optional<std::size_t> find_record(std::string_view bytes, std::size_t at, std::uint64_t nonce,
                                       std::uint64_t base = 0);

}  // namespace pb::persistence
