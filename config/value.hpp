// config/value: a value between its source and its place in the settings: typed reading with
// ranges, the text a person sees (secrets masked), and the nearest known word for a typing error.
// Pure. For the files of this layer only.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/entry.hpp"

namespace pb::config {

/// What a source held. Variables and secret files hold text only; TOML has types of its own.
struct raw_value {
  /// Something of TOML that no entry takes (a table, a date); the text names it.
  struct foreign {
    std::string type;
  };
  std::variant<std::string, std::int64_t, double, bool, std::vector<std::string>, foreign> held;
  bool from_text = false;  ///< numbers, booleans and lists are to be read from text
};

struct objection {
  std::string message;
  std::string suggestion{};
};

/// Puts the value where it belongs, or says why not; the settings are then untouched. The message
/// never contains a secret.
std::optional<objection> assign(const entry& e, const raw_value& value, settings& into);

/// The value for a person; secrets masked, "" for what is not set.
std::string display(const entry& e, const settings& s);
bool is_set(const entry& e, const settings& s);
/// Same value, secrets compared in constant time.
bool same(const entry& e, const settings& a, const settings& b);
void copy(const entry& e, const settings& from, settings& to);
/// The numeric value, for JSON; nothing for other types or unset optional numbers.
std::optional<std::int64_t> number(const entry& e, const settings& s);
std::optional<bool> boolean(const entry& e, const settings& s);
/// The texts of a list of texts.
std::vector<std::string> texts(const entry& e, const settings& s);
/// The secrets of an entry, for checks inside this layer.
std::vector<std::string_view> revealed(const entry& e, const settings& s);

/// A URL with everything replaced that may be a password.
std::string masked_url(std::string_view url);

/// The candidate a person most likely meant, or nothing when none is near. A candidate that only
/// adds a unit ("timeout" for "timeout_ms") counts as near.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);
/// Insertions, deletions, substitutions and swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// Bounded, one line, control characters and invalid UTF-8 replaced: safe to print.
std::string printable(std::string_view text, std::size_t limit = 80);
bool valid_utf8(std::string_view text) noexcept;
/// Split at commas, surrounding blanks removed, empty pieces dropped.
std::vector<std::string> split_list(std::string_view text);

}  // namespace pb::config
