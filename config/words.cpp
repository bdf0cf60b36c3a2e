// Texts for people: masking of URLs, nearest words, printable excerpts.
#include <algorithm>
#include <array>

#include "base/ascii.hpp"
#include "base/utf8.hpp"
#include "config/value.hpp"

namespace pb::config {
namespace {

constexpr std::size_t longest_word = 64;

std::string comparable(std::string_view text) {
  std::string out = lower_case(text.substr(0, longest_word));
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

}  // namespace

bool valid_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t n = utf8_length(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  while (!text.empty()) {
    if (out.size() >= limit) return out + "…";
    const std::size_t n = utf8_length(text);
    const bool control = static_cast<unsigned char>(text[0]) < 0x20 || text[0] == 0x7f;
    if (n == 0 || control)
      out += '?';
    else
      out += text.substr(0, n);
    text.remove_prefix(std::max<std::size_t>(n, 1));
  }
  return out;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> pieces;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view piece = trimmed(text.substr(0, comma));
    if (!piece.empty()) pieces.emplace_back(piece);
    if (comma == std::string_view::npos) return pieces;
    text.remove_prefix(comma + 1);
  }
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  a = a.substr(0, longest_word);
  b = b.substr(0, longest_word);
  std::array<std::array<std::size_t, longest_word + 1>, longest_word + 1> d{};
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
  const std::string wanted = comparable(word);
  if (wanted.empty()) return std::nullopt;
  std::size_t best = std::max<std::size_t>(1, wanted.size() / 3) + 1;
  std::optional<std::string> found;
  for (const std::string& candidate : candidates) {
    const std::string known = comparable(candidate);
    std::size_t distance = edit_distance(wanted, known);
    // A forgotten unit or prefix is the likelier error: "header_timeout" for "header_timeout_ms".
    if (wanted.size() >= 3 && (known.starts_with(wanted + "_") || known.ends_with("_" + wanted)))
      distance = std::min<std::size_t>(distance, 1);
    if (distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string masked_url(std::string_view url) {
  if (url.starts_with("sqlite:")) return printable(url, 300);
  std::string out{url};
  const std::size_t start = out.find("://");
  if (start == std::string::npos) return "****";
  const std::size_t authority = start + 3;
  // The last "@" of all: a password may hold "@", "/" or "?" that nobody encoded.
  const std::size_t at = out.rfind('@');
  if (at != std::string::npos && at >= authority) {
    const std::size_t colon = out.find(':', authority);
    // Before a proxy's "@" may stand a token alone; PostgreSQL's user name is worth showing.
    const bool keep_user = out.starts_with("postgres") && colon != std::string::npos;
    if (keep_user && colon < at)
      out.replace(colon + 1, at - colon - 1, "****");
    else if (!out.starts_with("postgres"))
      out.replace(authority, at - authority, "****");
  }
  if (at == std::string::npos && out[std::min(authority, out.size() - 1)] != '[') {
    // Without "@" a word behind ":" is no port: somebody lost the host.
    const std::size_t end = std::min(out.find_first_of("/?", authority), out.size());
    const std::size_t colon = out.find(':', authority);
    if (colon < end && out.find_first_not_of("0123456789", colon + 1) < end) return "****";
  }
  const std::size_t query = out.find('?');
  if (query != std::string::npos) {
    std::string kept = out.substr(0, query + 1);
    std::string_view rest = std::string_view{out}.substr(query + 1);
    while (!rest.empty()) {
      const std::size_t amp = rest.find('&');
      const std::string_view pair = rest.substr(0, amp);
      const std::size_t equals = pair.find('=');
      kept += pair.substr(0, equals);
      // Any parameter may hold a secret (password, sslpassword, options): only names are shown.
      if (equals != std::string_view::npos) kept += "=****";
      if (amp == std::string_view::npos) break;
      kept += '&';
      rest.remove_prefix(amp + 1);
    }
    out = std::move(kept);
  }
  return printable(out, 300);
}

}  // namespace pb::config
