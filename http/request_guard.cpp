#include "http/request_guard.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "protocol/http_message.hpp"

namespace pb::http {
namespace {

using protocol::iequals;
using protocol::is_token;
using protocol::percent_decode;

constexpr std::size_t most_header_lines = 128;
constexpr std::size_t most_length_digits = 18;

bool digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool hex(char c) noexcept { return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
/// A control character other than a tab.
bool control(char c) noexcept {
  const auto b = static_cast<unsigned char>(c);
  return (b < 0x20 && c != '\t') || b == 0x7f;
}

struct framing {
  int lengths = 0, encodings = 0, hosts = 0;
};

std::optional<std::string> line_fault(std::string_view line, framing& seen) {
  if (line.front() == ' ' || line.front() == '\t') return "a header line is folded";
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return "a header line has no colon";
  const auto name = line.substr(0, colon);
  if (!is_token(name)) return "a header name holds a character that is not allowed there";
  const auto value = trimmed(line.substr(colon + 1), " \t");
  if (std::any_of(value.begin(), value.end(), control))
    return "a header value holds a control character";
  if (iequals(name, "Content-Length")) {
    if (value.empty() || value.size() > most_length_digits ||
        !std::all_of(value.begin(), value.end(), digit))
      return "Content-Length is not a number";
    if (++seen.lengths > 1) return "more than one Content-Length";
  } else if (iequals(name, "Transfer-Encoding")) {
    if (!iequals(value, "chunked")) return "Transfer-Encoding other than chunked";
    if (++seen.encodings > 1) return "more than one Transfer-Encoding";
  } else if (iequals(name, "Host")) {
    if (++seen.hosts > 1) return "more than one Host";
  }
  return std::nullopt;
}

/// Every "%" is followed by two hex digits.
bool escapes_hold(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '%' && (i + 2 >= text.size() || !hex(text[i + 1]) || !hex(text[i + 2])))
      return false;
  return true;
}

}  // namespace

head_scan scan_head(std::string_view data, std::size_t& from, std::size_t& end) noexcept {
  for (;;) {
    const auto at = data.find('\n', from);
    if (at == std::string_view::npos) {
      from = data.size();
      return head_scan::incomplete;
    }
    if (at == 0 || data[at - 1] != '\r') return head_scan::bare_newline;
    from = at + 1;
    if (at >= 3 && data[at - 2] == '\n') {
      end = at + 1;
      return head_scan::complete;
    }
  }
}

std::optional<std::string> head_fault(std::string_view head) {
  const auto first = head.substr(0, head.find("\r\n"));
  const auto method_end = first.find(' ');
  const auto version_at = first.rfind(' ');
  if (method_end == std::string_view::npos || version_at == method_end ||
      !is_token(first.substr(0, method_end)))
    return "the request line cannot be read";
  const auto target = first.substr(method_end + 1, version_at - method_end - 1);
  if (target.empty() || std::any_of(target.begin(), target.end(), [](char c) {
        return c == ' ' || c == '\t' || control(c) || static_cast<unsigned char>(c) >= 0x80;
      }))
    return "the target holds a character that is not allowed there";
  const auto version = first.substr(version_at + 1);
  if (std::any_of(version.begin(), version.end(), control))
    return "the request line cannot be read";
  framing seen;
  std::size_t lines = 0;
  auto rest = head.substr(std::min(head.size(), first.size() + 2));
  for (;;) {
    const auto line = rest.substr(0, rest.find("\r\n"));
    if (line.empty()) break;
    rest.remove_prefix(std::min(rest.size(), line.size() + 2));
    if (++lines > most_header_lines) return "too many header lines";
    if (auto fault = line_fault(line, seen)) return fault;
  }
  if (seen.lengths > 0 && seen.encodings > 0)
    return "Content-Length and Transfer-Encoding exclude each other";
  if (version == "HTTP/1.0" && seen.encodings > 0) return "Transfer-Encoding in HTTP/1.0";
  if (version == "HTTP/1.1" && seen.hosts == 0) return "Host is missing";
  return std::nullopt;
}

std::optional<target_parts> split_target(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (target.size() > scheme.size() && iequals(target.substr(0, scheme.size()), scheme)) {
      target.remove_prefix(scheme.size());
      const auto slash = target.find_first_of("/?");
      if (slash == std::string_view::npos) return target_parts{"/", "/", ""};
      if (target[slash] == '?')
        return target_parts{"/", "/", std::string{target.substr(slash + 1)}};
      target.remove_prefix(slash);
      break;
    }
  if (target.empty() || target.front() != '/' || target.find('#') != std::string_view::npos)
    return std::nullopt;
  const auto mark = target.find('?');
  target_parts out;
  out.raw_path = target.substr(0, mark);
  if (mark != std::string_view::npos) out.query = target.substr(mark + 1);
  if (!escapes_hold(out.raw_path)) return std::nullopt;
  out.path = percent_decode(out.raw_path);
  if (std::any_of(out.path.begin(), out.path.end(), [](char c) { return control(c) || c == '\t'; }))
    return std::nullopt;
  return out;
}

bool sane_request_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return digit(c) || letter(c) || c == '.' || c == '_' || c == '-';
  });
}

std::string_view media_type(std::string_view content_type) noexcept {
  return trimmed(content_type.substr(0, content_type.find(';')), " \t");
}

std::string_view error_code_of(int status) noexcept {
  switch (status) {
    case 400:
      return "BAD_REQUEST";
    case 401:
      return "UNAUTHORIZED";
    case 403:
      return "FORBIDDEN";
    case 404:
      return "NOT_FOUND";
    case 405:
      return "METHOD_NOT_ALLOWED";
    case 408:
      return "REQUEST_TIMEOUT";
    case 409:
      return "CONFLICT";
    case 413:
      return "BODY_TOO_LARGE";
    case 415:
      return "UNSUPPORTED_MEDIA_TYPE";
    case 417:
      return "EXPECTATION_FAILED";
    case 429:
      return "RATE_LIMITED";
    case 431:
      return "HEADER_TOO_LARGE";
    case 503:
      return "UNAVAILABLE";
    case 505:
      return "HTTP_VERSION";
    default:
      return status >= 500 ? "INTERNAL" : "ERROR";
  }
}

}  // namespace pb::http
