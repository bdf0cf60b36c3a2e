// protocol/caldav/content_line: iCalendar text as a list of content lines that keeps every byte it
// does not understand (RFC 5545 section 3.1; docs/contracts/caldav.md, "Content lines"). Read by
// the merge and by the readers of server copies; not a calendar model.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.hpp"

namespace pb::protocol::caldav {

/// One unfolded line without its line end.
struct content_line {
  std::string text;          ///< all bytes as received
  std::string name;          ///< upper case; empty when the line has no "name:value" form
  std::size_t name_end = 0;  ///< where the parameters (or ":") begin in `text`
  std::size_t value_at = 0;  ///< where the value begins in `text`

  [[nodiscard]] std::string_view value() const noexcept {
    return std::string_view{text}.substr(value_at);
  }
  /// ";VALUE=DATE", with its leading semicolon; empty without parameters.
  [[nodiscard]] std::string_view params() const noexcept;
  /// Value of the first such parameter, any case of the name, quotes removed.
  [[nodiscard]] std::string param(std::string_view wanted) const;
};

struct read_limits {
  std::size_t bytes = 4U << 20;
  std::size_t lines = 100'000;
  std::size_t depth = 16;
};

/// Never fails: a line that cannot be read keeps its text and has no name.
content_line parse_line(std::string text);
/// "NAME" + params + ":" + value, as it is.
content_line make_line(std::string_view name, std::string_view value, std::string_view params = {});

/// Unfolds on octets (others cut inside UTF-8 sequences), takes CRLF and bare LF, drops empty
/// lines, and checks that BEGIN and END match. errc::bad_input, errc::too_large.
result<std::vector<content_line>> parse_lines(std::string_view text,
                                              const read_limits& limits = {});
/// Folded at 75 octets, CRLF after each line.
std::string write_lines(const std::vector<content_line>& lines);

/// Without the final line end: at most 75 octets a line, never inside a UTF-8 sequence.
std::string fold(std::string_view line);
std::string unfold(std::string_view folded);

/// TEXT values only: "\" ";" "," LF; CRLF becomes LF, other controls but TAB go.
std::string escape_text(std::string_view text);
std::string unescape_text(std::string_view value);
/// The raw pieces of a value list, cut at commas that are not escaped.
std::vector<std::string_view> split_values(std::string_view value);

}  // namespace pb::protocol::caldav
