// sync/thread_words: words that people type, compared as they meant them: folded, and with the
// nearest valid one for a mistake. Pure; any thread.
#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/plane/model.hpp"

namespace pb::sync {

/// Lower case (ASCII), full-width forms as ASCII ("／" → "/", "２０：００" → "20:00"), ideographic
/// and no-break blanks as blanks, runs of blanks as one, none at the ends. Idempotent.
std::string fold(std::string_view text);
/// Blanks of all kinds taken off both ends; nothing else changes.
std::string_view trim(std::string_view text) noexcept;
/// Does it hold a Chinese character?
bool has_chinese(std::string_view text) noexcept;

/// Levenshtein over characters; at most 40 characters of each are looked at.
std::size_t edit_distance(std::string_view a, std::string_view b);
/// The candidate that was meant, if one is near enough: a third of the longer one's characters may
/// differ, at least one, at most three. Candidates are compared folded; the first of equals wins.
std::optional<std::size_t> nearest(std::string_view text, std::span<const std::string> candidates);
/// The one that is equal when folded, else the only one that begins so.
std::optional<std::size_t> find_name(std::string_view text,
                                     std::span<const std::string> candidates);

/// "high", "高", "p1", "紧急" …; @param text folded
std::optional<protocol::plane::priority> parse_priority(std::string_view text);
std::string_view priority_word(protocol::plane::priority p, bool chinese) noexcept;
/// All words that parse_priority takes and that are worth suggesting in this language.
std::vector<std::string> priority_words(bool chinese);

}  // namespace pb::sync
