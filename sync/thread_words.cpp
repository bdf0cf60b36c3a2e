#include "sync/thread_words.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/utf8.hpp"

namespace pb::sync {
namespace plane = protocol::plane;
namespace {

/// Code points; a byte that is none of UTF-8 becomes a number beyond them, equal to itself only.
std::u32string characters(std::string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto n = std::max<std::size_t>(utf8_length(text, i), 1);
    const auto lead = static_cast<unsigned char>(text[i]);
    char32_t c = n == 1   ? lead < 0x80 ? lead : 0x110000U + lead
                 : n == 2 ? lead & 0x1FU
                 : n == 3 ? lead & 0x0FU
                          : lead & 0x07U;
    for (std::size_t k = 1; k < n; ++k)
      c = (c << 6U) | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    out += c;
    i += n;
  }
  return out;
}
bool is_blank(char32_t c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0x3000 || c == 0xA0 ||
         c == 0x200B || c == 0xFEFF || (c >= 0x2000 && c <= 0x200A);
}
/// Length in bytes of the blank that begins at `at`; 0: none does.
std::size_t blank_length(std::string_view text, std::size_t at) {
  const auto n = std::max<std::size_t>(utf8_length(text, at), 1);
  const auto c = characters(text.substr(at, n));
  return is_blank(c.front()) ? n : 0;
}

struct priority_name {
  std::string_view word;
  plane::priority value;
};
constexpr std::array<priority_name, 27> priority_names{
    {{"urgent", plane::priority::urgent},   {"high", plane::priority::high},
     {"medium", plane::priority::medium},   {"low", plane::priority::low},
     {"none", plane::priority::none},       {"紧急", plane::priority::urgent},
     {"高", plane::priority::high},         {"中", plane::priority::medium},
     {"低", plane::priority::low},          {"无", plane::priority::none},
     {"p0", plane::priority::urgent},       {"p1", plane::priority::high},
     {"p2", plane::priority::medium},       {"p3", plane::priority::low},
     {"med", plane::priority::medium},      {"normal", plane::priority::medium},
     {"critical", plane::priority::urgent}, {"加急", plane::priority::urgent},
     {"最高", plane::priority::urgent},     {"高优先级", plane::priority::high},
     {"中优先级", plane::priority::medium}, {"中等", plane::priority::medium},
     {"普通", plane::priority::medium},     {"低优先级", plane::priority::low},
     {"没有", plane::priority::none},       {"清空", plane::priority::none},
     {"-", plane::priority::none}}};

}  // namespace

std::string fold(std::string_view text) {
  std::string out;
  bool gap = false;
  for (std::size_t i = 0; i < text.size();) {
    const auto n = std::max<std::size_t>(utf8_length(text, i), 1);
    auto c = characters(text.substr(i, n)).front();
    if (is_blank(c)) {
      gap = !out.empty();
      i += n;
      continue;
    }
    if (gap) out += ' ';
    gap = false;
    if (c >= 0xFF01 && c <= 0xFF5E && n == 3) c -= 0xFEE0;
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
    if (c < 0x80)
      out += static_cast<char>(c);
    else
      out += text.substr(i, n);
    i += n;
  }
  return out;
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto n = blank_length(text, 0);
    if (n == 0) break;
    text.remove_prefix(n);
  }
  while (!text.empty()) {
    std::size_t at = text.size() - 1;
    while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
    const auto n = blank_length(text, at);
    if (n == 0 || at + n != text.size()) break;
    text.remove_suffix(n);
  }
  return text;
}

bool has_chinese(std::string_view text) noexcept {
  const auto all = characters(text);
  return std::any_of(all.begin(), all.end(), [](char32_t c) { return c >= 0x3400 && c <= 0x9FFF; });
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  constexpr std::size_t most = 40;
  const auto x = characters(a).substr(0, most), y = characters(b).substr(0, most);
  // Swapped neighbours are one mistake: that is how people mistype.
  std::vector<std::vector<std::size_t>> d(x.size() + 1, std::vector<std::size_t>(y.size() + 1));
  for (std::size_t i = 0; i <= x.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= y.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= x.size(); ++i)
    for (std::size_t j = 1; j <= y.size(); ++j) {
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (x[i - 1] == y[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[x.size()][y.size()];
}

std::optional<std::size_t> nearest(std::string_view text, std::span<const std::string> candidates) {
  const auto wanted = fold(text);
  const auto length = characters(wanted).size();
  std::optional<std::size_t> best;
  std::size_t best_distance = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto name = fold(candidates[i]);
    const auto longer = std::max(length, characters(name).size());
    const auto most = std::clamp<std::size_t>(longer / 3, 1, 3);
    const auto distance = edit_distance(wanted, name);
    if (distance > most || distance >= longer) continue;
    if (!best || distance < best_distance) {
      best = i;
      best_distance = distance;
    }
  }
  return best;
}

std::optional<std::size_t> find_name(std::string_view text,
                                     std::span<const std::string> candidates) {
  const auto wanted = fold(text);
  if (wanted.empty()) return std::nullopt;
  std::optional<std::size_t> found;
  bool several = false;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto name = fold(candidates[i]);
    if (name == wanted) return i;
    if (!name.starts_with(wanted)) continue;
    several = found.has_value();
    found = i;
  }
  return several ? std::nullopt : found;
}

std::optional<plane::priority> parse_priority(std::string_view text) {
  for (const auto& p : priority_names)
    if (text == p.word) return p.value;
  return std::nullopt;
}
std::string_view priority_word(plane::priority p, bool chinese) noexcept {
  for (std::size_t i = chinese ? 5 : 0; i < priority_names.size(); ++i)
    if (priority_names[i].value == p) return priority_names[i].word;
  return {};
}
std::vector<std::string> priority_words(bool chinese) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < 5; ++i) out.emplace_back(priority_names[i + (chinese ? 5 : 0)].word);
  return out;
}

}  // namespace pb::sync
