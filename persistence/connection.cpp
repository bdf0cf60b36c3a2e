#include "persistence/connection.hpp"

#include <algorithm>

#include "base/utf8.hpp"

namespace pb::persistence {

std::optional<std::string> cleaned_text(std::string_view text) {
  std::size_t at = ascii_length(text);
  // NUL is a character, but none that a database takes.
  const auto fine = [&] { return text[at] == '\0' ? std::size_t{0} : utf8_length(text, at); };
  while (at < text.size()) {
    const std::size_t n = fine();
    if (n == 0) break;
    at += n;
    at += ascii_length(text, at);
  }
  if (at == text.size()) return std::nullopt;
  std::string clean{text.substr(0, at)};
  while (at < text.size()) {
    const std::size_t n = fine();
    if (n == 0)
      clean += "\xef\xbf\xbd";
    else
      clean.append(text, at, n);
    at += std::max<std::size_t>(n, 1);
  }
  return clean;
}

void bulk_rows::text(std::string_view t) {
  if (auto clean = cleaned_text(t)) {
    owned_.push_back(std::move(*clean));
    t = owned_.back();
  }
  cells_.push_back(value::text(t));
}

}  // namespace pb::persistence
