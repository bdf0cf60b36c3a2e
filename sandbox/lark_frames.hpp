// sandbox/lark_frames: the frames of the long connection (contract 7, protobuf2), as bytes. Own
// code, so that the daemon's reader and writer meet something that was not written with them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pb::sandbox {

struct lark_frame {
  std::uint64_t seq_id = 0, log_id = 0;
  std::uint64_t service = 0;  ///< int32 on the wire; never negative here
  std::uint64_t method = 0;   ///< 0 control, 1 data
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<std::string> payload;
  std::string log_id_new;

  [[nodiscard]] std::string_view header(std::string_view key) const;
};

std::string to_bytes(const lark_frame& f);
/// Nothing when the bytes are no such frame, or a required field is missing.
std::optional<lark_frame> frame_of(std::string_view bytes);

}  // namespace pb::sandbox
