// protocol/lark/rich_text: what somebody wrote, apart from how Feishu or Plane spell it. Message
// contents are read into it (content.hpp), cards, posts, texts and HTML are made of it. Bounded by
// who reads: at most max_blocks blocks and max_runs runs. Pure values; any thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace pb::protocol::lark {

inline constexpr std::size_t max_blocks = 2'000;
inline constexpr std::size_t max_runs = 10'000;

struct text_style {
  bool bold = false, italic = false, underline = false, strike = false, code = false;
  friend bool operator==(const text_style&, const text_style&) = default;
};

/// A piece of a line.
struct run {
  enum class kind : std::uint8_t {
    text,     ///< `text`; may hold newlines
    link,     ///< `text` is the label (may be empty), `key` the URL as it was written: any scheme
    mention,  ///< `text` is the name (may be empty), `key` the open_id (empty: not known)
    mention_all,  ///< everybody in the chat
    image,        ///< `key` is the image_key or, from HTML, a URL; `text` the alternative text
    file,         ///< `key` is the file_key or, from HTML, a URL; `text` the file's name
    emotion,      ///< `text` is Feishu's emoji_type, "SMILE"
  };
  kind what = kind::text;
  std::string text, key;
  text_style style{};
  bool bot = false;  ///< mention: of a bot
  friend bool operator==(const run&, const run&) = default;
};
using runs = std::vector<run>;

struct block {
  enum class kind : std::uint8_t {
    paragraph,
    heading,    ///< `level` 1..6
    list_item,  ///< `level` 0.. is its depth
    quote,      ///< one paragraph of a quotation
    code,       ///< `text` and `language`
    rule,
    table,  ///< `rows`, each a list of cells
  };
  enum class marker : std::uint8_t { bullet, number, open_box, ticked_box };
  kind what = kind::paragraph;
  std::uint8_t level = 0;
  marker mark = marker::bullet;
  std::uint32_t number = 0;  ///< list_item with marker number: the number it shows
  bool header_row = false;   ///< table: its first row is a header
  runs line;
  std::string text, language;  ///< language in lower case as editors name it; may be empty
  std::vector<std::vector<runs>> rows;
  friend bool operator==(const block&, const block&) = default;
};

struct rich_text {
  std::string title;  ///< of a post; empty: none
  std::vector<block> blocks;
  /// What could not be told in these values, in words of the sender's system: "sticker",
  /// "vote" … A reader is told about it, so that nothing is lost silently.
  std::vector<std::string> left_out;
  friend bool operator==(const rich_text&, const rich_text&) = default;
};

}  // namespace pb::protocol::lark
