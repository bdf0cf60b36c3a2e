// protocol/lark/reader: what json_reader reads, in Feishu's own shapes: opaque ids, times as text
// of several units, people, mentions. Used inside protocol/lark/ only.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "protocol/json_reader.hpp"
#include "protocol/lark/model.hpp"

namespace pb::protocol::lark {

/// A message may mention this many; further ones are not read.
inline constexpr std::size_t max_mentions = 500;
inline constexpr std::size_t max_name_bytes = 1'000;

class reader : public json_reader {
public:
  using json_reader::json_reader;

  /// An opaque id; absent, null and "" are the empty string unless required.
  std::string opaque(const object& o, std::string_view path, std::string_view key,
                     need n = need::optional);
  /// A text that people read: cut to max_name_bytes at a character.
  std::string name(const object& o, std::string_view path, std::string_view key);
  /// A time as text or as a number; the epoch when absent or unreadable.
  timestamp time(const object& o, std::string_view key);
  /// {open_id, union_id, user_id} under `key`; empty when absent.
  person who(const object& o, std::string_view path, std::string_view key, need n = need::optional);
  /// The same members in `o` itself.
  person who(const object& o, std::string_view path);
  /// Of events ({key, id:{…}, mentioned_type, name}) and of REST answers (id is a text).
  std::vector<mention> mentions(const object& o, std::string_view path);
};

/// At most `most` bytes, cut before a character.
std::string cut(std::string text, std::size_t most);
inline std::string_view view(const boost::json::string& s) noexcept { return {s.data(), s.size()}; }

}  // namespace pb::protocol::lark
