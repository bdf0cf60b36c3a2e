// protocol/lark/safe_text: text of other people made harmless for the places that Feishu
// interprets (docs/contracts/lark.md, 3.2 and 4.1). Text from Plane can mention nobody, open no
// tag and cut no message short. Pure; any thread. All results are well-formed UTF-8.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace pb::protocol::lark {

/// What stands between the two characters of something that must not be read as markup: U+200B.
inline constexpr std::string_view breaker = "\xE2\x80\x8B";

/// What a link or a work item is called, in bytes.
inline constexpr std::size_t name_limit = 300;

/// Well-formed UTF-8 without controls other than LF; TAB stays too.
std::string clean_text(std::string_view text);
/// As clean_text on one line, runs of blanks as one space, at most `limit` bytes; "…" at the end
/// says that it was cut.
std::string one_line(std::string_view text, std::size_t limit);
/// At most `limit` bytes, line ends kept; "…" at the end says that it was cut.
std::string cut_text(std::string_view text, std::size_t limit);

/// For the `text` of messages and posts: "<" before a letter, "/" or "@", "@_user_1" and "@_all",
/// and "](" are broken up, so that no mention, style or link comes to be that nobody wrote.
std::string for_message(std::string_view text);
/// Puts `safe` behind `text`, both as for_message gives them, so that nothing opens between them.
void append_safe(std::string& text, std::string_view safe);
/// Undoes for_message in what people quote or copy.
std::string without_breakers(std::string_view text);
/// For `markdown` elements of cards: what Markdown or a tag could be made of becomes "&#NN;".
std::string for_card_markdown(std::string_view text);

/// http or https with a host and without blanks, quotes or controls, at most 2000 bytes: what may
/// become a button's or a link's target. mailto only for text links.
bool is_web_address(std::string_view url) noexcept;
bool is_link_address(std::string_view url) noexcept;

}  // namespace pb::protocol::lark
