// protocol/json_reader: typed access to JSON from a remote system. The first thing that is not as
// the contract says is kept, with its path; later reads then return empty values, so that a parser
// reads straight through and asks once at the end. Unknown keys are never looked at.
// Used inside protocol/ only.
#pragma once
#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/failure.hpp"

namespace pb::protocol {

/// Deeper JSON is refused: Plane's ProseMirror documents nest some ten levels per list level.
inline constexpr std::size_t max_json_depth = 128;
/// Plane's largest page is 1000; longer lists are refused.
inline constexpr std::size_t max_list_length = 10'000;

/// Strict UTF-8 JSON of at most `max_bytes`; `code` is what a mistake is called: bad_input for
/// what was sent to us, unexpected_answer for what we asked for.
result<boost::json::value> parse_json(std::string_view text, std::size_t max_bytes, errc code,
                                      std::string_view where);

enum class need : std::uint8_t { optional, required };

class json_reader {
public:
  using object = boost::json::object;
  using array = boost::json::array;

  /// @param none_is_null  v2 webhooks may print null as the string "None"
  json_reader(errc code, std::string_view where, bool none_is_null = false)
      : code_(code), where_(where), none_is_null_(none_is_null) {}

  [[nodiscard]] bool failed() const noexcept { return problem_.has_value(); }
  [[nodiscard]] const failure& problem() const { return *problem_; }
  void fail(std::string_view path, std::string_view key, std::string_view what);

  /// Absent and null are the empty string unless required. A NUL inside is refused: neither
  /// Plane's database nor ours can hold one.
  std::string text(const object& o, std::string_view path, std::string_view key,
                   need n = need::optional);
  /// A uuid in lower case; same rule for absent and null.
  std::string id(const object& o, std::string_view path, std::string_view key,
                 need n = need::optional);
  /// A uuid, or an expanded object that has one as "id".
  std::string id_or_object(const object& o, std::string_view path, std::string_view key,
                           need n = need::optional);
  /// "YYYY-MM-DD" of a day that exists.
  std::string date(const object& o, std::string_view path, std::string_view key);
  std::int64_t number(const object& o, std::string_view path, std::string_view key,
                      need n = need::optional);
  bool flag(const object& o, std::string_view path, std::string_view key);
  /// nullptr when absent or null.
  const object* child(const object& o, std::string_view path, std::string_view key,
                      need n = need::optional);
  const array* list(const object& o, std::string_view path, std::string_view key,
                    need n = need::optional);

private:
  const boost::json::value* find(const object& o, std::string_view path, std::string_view key,
                                 need n);

  errc code_;
  std::string where_;
  bool none_is_null_;
  std::optional<failure> problem_;
};

/// "data" + "id" → "data.id"; an empty path gives the key alone.
std::string joined_path(std::string_view path, std::string_view key);
/// "data.labels" + 3 → "data.labels[3]".
std::string element_path(std::string_view path, std::size_t index);
/// What a person calls the type: "a string", "an object", "null" …
std::string_view kind_name(const boost::json::value& v) noexcept;
bool is_civil_date(std::string_view text) noexcept;

}  // namespace pb::protocol
