#include "protocol/http_message.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace pb::protocol {
namespace {
int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower_case(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
const http_header* find(const std::vector<http_header>& headers, std::string_view name) noexcept {
  for (const auto& h : headers)
    if (iequals(h.name, name)) return &h;
  return nullptr;
}
}  // namespace

void add_query(std::string& url, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  url += url.find('?') == std::string::npos ? '?' : '&';
  url += key;
  url += '=';
  url += percent_encode(value);
}

http_request json_request(std::string_view method, std::string url) {
  return {std::string{method}, std::move(url), {{"Accept", "application/json", false}}, {}};
}

bool iequals(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower_case(a[i]) != lower_case(b[i])) return false;
  return true;
}

bool is_token_char(char c) noexcept {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         marks.find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

std::string_view http_response::header(std::string_view name) const noexcept {
  const auto* h = find(headers, name);
  return h == nullptr ? std::string_view{} : std::string_view{h->value};
}
bool http_response::has_header(std::string_view name) const noexcept {
  return find(headers, name) != nullptr;
}

std::string percent_encode(std::string_view piece) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(piece.size() + 8);
  for (const char c : piece) {
    const bool unreserved = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                            (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out += c;
    } else {
      const auto b = static_cast<unsigned char>(c);
      out += '%';
      out += digits[b >> 4];
      out += digits[b & 15];
    }
  }
  return out;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

std::string join_url(std::string_view base, const std::vector<std::string_view>& segments) {
  while (!base.empty() && base.back() == '/') base.remove_suffix(1);
  std::string out{base};
  for (const auto s : segments) {
    out += '/';
    out += percent_encode(s);
  }
  return out;
}

errc meaning_of_status(int status) noexcept {
  switch (status) {
    case 400:
    case 422:
      return errc::bad_input;
    case 401:
      return errc::unauthorized;
    case 403:
      return errc::forbidden;
    case 404:
    case 410:
      return errc::not_found;
    case 408:
      return errc::timed_out;
    case 409:
    case 423:
      return errc::conflict;
    case 412:
      return errc::precondition;
    case 413:
      return errc::too_large;
    case 429:
      return errc::rate_limited;
    case 507:
      return errc::insufficient_storage;
    default:
      return status >= 500 && status < 600 ? errc::upstream_down : errc::unexpected_answer;
  }
}

}  // namespace pb::protocol
