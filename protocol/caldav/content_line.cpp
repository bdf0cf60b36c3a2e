#include "protocol/caldav/content_line.hpp"

#include <utility>

#include "base/ascii.hpp"
#include "protocol/html/utf8.hpp"
#include "protocol/http_message.hpp"

namespace pb::protocol::caldav {
namespace {
constexpr std::size_t line_octets = 75;

bool name_char(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

failure bad_object(errc code, std::string detail) {
  return {code, "caldav.read_event", std::move(detail), "", 0, "", {}};
}

/// Calls take(line) for every unfolded line until it returns false.
template <class Take>
void each_line(std::string_view text, Take take) {
  std::string line;
  bool open = false;
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto piece = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (end != std::string_view::npos && !piece.empty() && piece.back() == '\r')
      piece.remove_suffix(1);
    if (open && !piece.empty() && (piece.front() == ' ' || piece.front() == '\t')) {
      line.append(piece.substr(1));
      continue;
    }
    if (open && !take(std::exchange(line, {}))) return;
    line.assign(piece);
    open = true;
  }
  if (open) take(std::move(line));
}
}  // namespace

std::string_view content_line::params() const noexcept {
  if (name.empty()) return {};
  return std::string_view{text}.substr(name_end, value_at - 1 - name_end);
}

std::string content_line::param(std::string_view wanted) const {
  auto rest = params();
  while (!rest.empty()) {
    rest.remove_prefix(1);  // the semicolon
    std::size_t end = 0;
    for (bool quoted = false; end < rest.size() && (quoted || rest[end] != ';'); ++end)
      if (rest[end] == '"') quoted = !quoted;
    const auto one = rest.substr(0, end);
    rest.remove_prefix(end);
    const auto equals = one.find('=');
    if (equals == std::string_view::npos || !iequals(one.substr(0, equals), wanted)) continue;
    auto value = one.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    return std::string{value};
  }
  return {};
}

content_line parse_line(std::string text) {
  content_line line;
  line.text = std::move(text);
  const std::string_view all{line.text};
  std::size_t at = 0;
  while (at < all.size() && name_char(all[at])) ++at;
  if (at == 0 || at == all.size() || (all[at] != ';' && all[at] != ':')) return line;
  const auto name_end = at;
  for (bool quoted = false; at < all.size(); ++at) {
    if (all[at] == '"') quoted = !quoted;
    if (all[at] == ':' && !quoted) {
      line.name = upper_case(all.substr(0, name_end));
      line.name_end = name_end;
      line.value_at = at + 1;
      break;
    }
  }
  return line;
}

content_line make_line(std::string_view name, std::string_view value, std::string_view params) {
  content_line line;
  line.text.reserve(name.size() + params.size() + value.size() + 1);
  line.text.append(name).append(params).append(":").append(value);
  line.name = upper_case(name);
  line.name_end = name.size();
  line.value_at = name.size() + params.size() + 1;
  return line;
}

result<std::vector<content_line>> parse_lines(std::string_view text, const read_limits& limits) {
  if (text.size() > limits.bytes)
    return bad_object(errc::too_large, "calendar object is too large");
  if (text.find('\0') != std::string_view::npos)
    return bad_object(errc::bad_input, "calendar object holds a zero byte");
  std::vector<content_line> lines;
  std::vector<std::string> open;
  failure wrong;
  each_line(text, [&](std::string&& one) {
    if (one.empty()) return true;
    if (lines.size() >= limits.lines) {
      wrong = bad_object(errc::too_large, "calendar object has too many lines");
      return false;
    }
    auto line = parse_line(std::move(one));
    if (line.name == "BEGIN") {
      if (open.size() >= limits.depth) {
        wrong = bad_object(errc::too_large, "calendar object nests too deep");
        return false;
      }
      open.push_back(upper_case(line.value()));
    } else if (line.name == "END") {
      if (open.empty() || open.back() != upper_case(line.value())) {
        wrong = bad_object(errc::bad_input, "END does not match BEGIN");
        return false;
      }
      open.pop_back();
    }
    lines.push_back(std::move(line));
    return true;
  });
  if (wrong.code != errc::none) return wrong;
  if (!open.empty()) return bad_object(errc::bad_input, "component is not closed");
  if (lines.empty() || lines.front().name != "BEGIN" ||
      !iequals(lines.front().value(), "VCALENDAR"))
    return bad_object(errc::bad_input, "not an iCalendar object");
  return lines;
}

std::string write_lines(const std::vector<content_line>& lines) {
  std::string out;
  for (const auto& line : lines) {
    out += fold(line.text);
    out += "\r\n";
  }
  return out;
}

std::string fold(std::string_view line) {
  std::string out;
  out.reserve(line.size() + line.size() / line_octets * 3);
  std::size_t room = line_octets;
  while (line.size() > room) {
    const auto piece = html::cut_utf8(line, room);
    out.append(piece).append("\r\n ");
    line.remove_prefix(piece.size());
    room = line_octets - 1;  // the space counts
  }
  return out.append(line);
}

std::string unfold(std::string_view folded) {
  std::string out;
  bool first = true;
  each_line(folded, [&](std::string&& line) {
    if (!first) out += "\r\n";
    first = false;
    out += line;
    return true;
  });
  return out;
}

std::string escape_text(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 16);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' || c == ';' || c == ',') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F)) {
      out += c;
    }
  }
  return out;
}

std::string unescape_text(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '\\' || i + 1 == value.size()) {
      out += value[i];
      continue;
    }
    const char next = value[++i];
    if (next == 'n' || next == 'N')
      out += '\n';
    else if (next == '\\' || next == ';' || next == ',')
      out += next;
    else
      out.append({'\\', next});  // not an escape: kept as it is
  }
  return out;
}

std::vector<std::string_view> split_values(std::string_view value) {
  std::vector<std::string_view> out;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= value.size(); ++i) {
    if (i < value.size() && value[i] == '\\') {
      ++i;
      continue;
    }
    if (i >= value.size() || value[i] == ',') {
      out.push_back(value.substr(begin, std::min(i, value.size()) - begin));
      begin = i + 1;
    }
  }
  return out;
}

}  // namespace pb::protocol::caldav
