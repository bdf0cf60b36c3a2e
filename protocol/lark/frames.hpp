// protocol/lark/frames: what travels over the long connection: protobuf frames, messages that are
// split over several of them, pings and acknowledgements (docs/contracts/lark.md, 7). The frame has
// nine members of four wire types, so it is read and written here and not by a generated class: a
// hostile frame is bounded while it is read, the bytes of an acknowledgement are those of Feishu's
// own client, and no code generator joins the build. Pure; any thread.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/failure.hpp"

namespace pb::protocol::lark {

inline constexpr std::size_t max_frame_bytes = 2u << 20;
inline constexpr std::size_t max_frame_headers = 64;

struct frame {
  enum class kind : std::int32_t { control = 0, data = 1 };
  std::uint64_t seq_id = 0, log_id = 0;
  std::int32_t service = 0;
  std::int32_t method = 0;  ///< kind, or a number that we do not know
  std::vector<std::pair<std::string, std::string>> headers;
  /// Absent and empty are not the same on the wire, and an acknowledgement repeats what came.
  std::optional<std::string> payload_encoding, payload_type, payload, log_id_new;

  [[nodiscard]] std::string_view header(std::string_view key) const noexcept;
  friend bool operator==(const frame&, const frame&) = default;
};

/// errc::bad_input: not such a frame; too_large. Unknown members are skipped.
result<frame> read_frame(std::string_view bytes);
std::string write_frame(const frame& f);

frame ping(std::int32_t service);
bool is_pong(const frame& f) noexcept;
/// A frame that carries an event or a callback, whole or in part.
bool is_event(const frame& f) noexcept;

/// The same frame with `biz_rt` and {"code":200}. Answers of callbacks go along.
/// @param answer_json  empty, or what the person who clicked is answered
frame acknowledgement(const frame& of, std::chrono::milliseconds took,
                      std::string_view answer_json = {});
/// Code 500: Feishu sends it again.
frame refusal(const frame& of, std::chrono::milliseconds took);

/// Joins messages that come in several frames. Not thread-safe; bounded in messages, bytes and
/// time, so that what never becomes whole goes away.
class frame_joiner {
public:
  struct limits {
    std::size_t messages = 64, bytes = 8u << 20, parts = 256;  ///< bytes: of all together
    std::chrono::milliseconds keep{10'000};
  };
  frame_joiner() = default;
  explicit frame_joiner(limits l) : limits_(l) {}
  /// The whole payload once the last missing part is there; nothing while parts are missing. That
  /// frame is the one to acknowledge. errc::bad_input for parts that contradict each other.
  result<std::optional<std::string>> add(const frame& f, timestamp now);
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }

private:
  struct partial {
    std::string id;
    timestamp began{};
    std::size_t missing = 0, bytes = 0;
    std::vector<std::optional<std::string>> parts;
  };
  void forget_old(timestamp now);
  [[nodiscard]] std::size_t total() const noexcept;
  limits limits_{};
  std::deque<partial> waiting_;  ///< oldest first
};

}  // namespace pb::protocol::lark
