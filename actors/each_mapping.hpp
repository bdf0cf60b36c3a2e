// actors/each_mapping: every person who is mapped, read from the store in pages. Runs on the
// store's reading thread.
#pragma once
#include <string>

#include "persistence/store.hpp"

namespace pb::actors {

/// A company's people; what is beyond is not looked at.
inline constexpr std::size_t most_mappings = 20'000;
inline constexpr std::size_t mappings_a_page = 1'000;

/// @param look  takes a `const persistence::user_mapping_row&`
template <class Look>
result<void> each_mapping(persistence::reader& r, Look look) {
  std::string after;
  for (std::size_t seen = 0; seen < most_mappings;) {
    const auto rows = r.user_mappings(after, mappings_a_page);
    if (!rows) return rows.error();
    for (const auto& row : *rows) look(row);
    if (rows->size() < mappings_a_page) break;
    seen += rows->size();
    after = rows->back().open_id;
  }
  return {};
}

}  // namespace pb::actors
