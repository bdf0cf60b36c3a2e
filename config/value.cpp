#include "config/value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <type_traits>

#include "base/ascii.hpp"

namespace pb::config {
namespace {

constexpr std::size_t text_limit = 8 * 1024, list_limit = 1'000;

template <class T>
struct is_duration : std::false_type {};
template <class R, class P>
struct is_duration<std::chrono::duration<R, P>> : std::true_type {};

std::string type_of(const raw_value& v) {
  static constexpr const char* names[] = {"a text", "a number", "a fraction", "true or false",
                                          "a list"};
  if (const auto* f = std::get_if<raw_value::foreign>(&v.held)) return f->type;
  return names[v.held.index()];
}

/// "16MiB" → 16777216 for an entry in bytes, "2m" → 120 for one in seconds: what to write instead.
std::optional<std::int64_t> with_unit(std::string_view key, std::string_view text) {
  std::int64_t amount = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (error != std::errc{} || amount < 0 || amount > 1'000'000'000) return std::nullopt;
  std::string unit;
  for (const char* p = end; p != text.data() + text.size(); ++p)
    if (*p != ' ') unit += lower_case(*p);
  struct known {
    std::string_view unit;
    std::int64_t factor;
  };
  static constexpr known bytes[] = {{"b", 1},           {"k", 1024},       {"kb", 1024},
                                    {"kib", 1024},      {"m", 1048576},    {"mb", 1048576},
                                    {"mib", 1048576},   {"g", 1073741824}, {"gb", 1073741824},
                                    {"gib", 1073741824}};
  static constexpr known times[] = {{"ms", 1},        {"s", 1'000},    {"sec", 1'000},
                                    {"m", 60'000},    {"min", 60'000}, {"h", 3'600'000},
                                    {"d", 86'400'000}};
  static constexpr known targets[] = {
      {"_ms", 1}, {"_s", 1'000}, {"_minutes", 60'000}, {"_h", 3'600'000}, {"_days", 86'400'000}};
  if (key.ends_with("_bytes"))
    for (const known& k : bytes)
      if (k.unit == unit) return amount * k.factor;
  for (const known& target : targets)
    if (key.ends_with(target.unit))
      for (const known& k : times)
        if (k.unit == unit && amount * k.factor % target.factor == 0)
          return amount * k.factor / target.factor;
  return std::nullopt;
}

std::variant<std::int64_t, objection> as_number(const entry& e, const raw_value& v) {
  std::int64_t n = 0;
  if (const auto* held = std::get_if<std::int64_t>(&v.held)) {
    n = *held;
  } else if (const auto* text = std::get_if<std::string>(&v.held)) {
    const std::string_view digits = trimmed(*text);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
    const bool whole = error == std::errc{} && end == digits.data() + digits.size();
    if (error == std::errc::result_out_of_range)
      return objection{"the number is out of range (" + e.type_text() + ")"};
    if (!whole) {
      if (const auto plain = with_unit(e.key, digits))
        return objection{"a number without a unit is expected, not \"" + printable(digits) + "\"",
                         "write " + std::to_string(*plain)};
      return objection{"\"" + printable(digits) + "\" is not a whole number (" + e.type_text() +
                       ")"};
    }
    if (!v.from_text)
      return objection{"a number is expected, not a text",
                       "write " + std::to_string(n) + " without quotes"};
  } else if (const auto* f = std::get_if<double>(&v.held)) {
    const bool sane = std::isfinite(*f) && std::fabs(*f) < 9e15;
    return objection{"a whole number is expected (" + e.type_text() + ")",
                     sane ? "write " + std::to_string(std::llround(*f)) : ""};
  } else {
    return objection{"a number is expected, not " + type_of(v)};
  }
  if (n < e.least || n > e.most)
    return objection{
        std::to_string(n) + " is out of range (" + std::to_string(e.least) + " to " +
            std::to_string(e.most) + ")",
        "write " + std::to_string(std::clamp(n, e.least, e.most)) + " or what lies between"};
  return n;
}

std::variant<bool, objection> as_boolean(const raw_value& v) {
  if (const auto* held = std::get_if<bool>(&v.held)) return *held;
  if (const auto* text = std::get_if<std::string>(&v.held)) {
    const std::string word = lower_case(trimmed(*text));
    const bool yes = word == "true" || word == "1" || word == "yes" || word == "on";
    const bool nay = word == "false" || word == "0" || word == "no" || word == "off";
    if (yes || nay) {
      if (v.from_text) return yes;
      return objection{"true or false is expected, not a text",
                       yes ? "write true without quotes" : "write false without quotes"};
    }
    return objection{"\"" + printable(word) + "\" is neither true nor false"};
  }
  return objection{"true or false is expected, not " + type_of(v)};
}

std::variant<std::string, objection> as_text(const entry& e, const raw_value& v) {
  const auto* text = std::get_if<std::string>(&v.held);
  if (text == nullptr)
    return objection{"a text is expected, not " + type_of(v),
                     v.held.index() <= 3 ? "put the value in double quotes" : ""};
  if (text->size() > text_limit)
    return objection{"the value is longer than " + std::to_string(text_limit) + " bytes"};
  if (!valid_utf8(*text)) return objection{"the value is not valid UTF-8"};
  if (std::any_of(text->begin(), text->end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
    return objection{e.is_secret()
                         ? "the secret contains a line break or another control character"
                         : "the value contains a line break or another control character"};
  return *text;
}

std::variant<std::vector<std::string>, objection> as_list(const entry& e, const raw_value& v) {
  std::vector<std::string> pieces;
  if (const auto* list = std::get_if<std::vector<std::string>>(&v.held)) {
    pieces = *list;
  } else if (const auto* text = std::get_if<std::string>(&v.held)) {
    pieces = split_list(*text);
  } else {
    return objection{"a list of texts is expected, not " + type_of(v), "write [\"…\", \"…\"]"};
  }
  if (pieces.size() > list_limit)
    return objection{"the list is longer than " + std::to_string(list_limit) + " values"};
  for (const std::string& piece : pieces) {
    if (piece.empty()) return objection{"the list contains an empty value"};
    auto checked = as_text(e, raw_value{piece, v.from_text});
    if (auto* why = std::get_if<objection>(&checked)) return std::move(*why);
  }
  return pieces;
}

std::variant<std::size_t, objection> as_choice(const entry& e, const raw_value& v) {
  auto text = as_text(e, v);
  if (auto* why = std::get_if<objection>(&text)) return std::move(*why);
  const std::string word{trimmed(std::get<std::string>(text))};
  std::vector<std::string> words;
  for (std::size_t i = 0; i < e.choices.size(); ++i) {
    if (e.choices[i] == word) return i;
    words.emplace_back(e.choices[i]);
  }
  const auto near = nearest(word, words);
  return objection{"\"" + printable(word) + "\" is not " + e.type_text(),
                   near ? "did you mean \"" + *near + "\"?" : ""};
}

/// Reads with `read` and stores through `store`; the objection otherwise.
template <class T, class Read, class Store>
std::optional<objection> take(Read read, Store store) {
  auto got = read();
  if (auto* why = std::get_if<objection>(&got)) return std::move(*why);
  store(std::move(std::get<T>(got)));
  return std::nullopt;
}

}  // namespace

std::optional<objection> assign(const entry& e, const raw_value& v, settings& into) {
  return std::visit(
      [&](auto* place) -> std::optional<objection> {
        using T = std::remove_pointer_t<decltype(place)>;
        if constexpr (std::is_same_v<T, std::string>) {
          return take<std::string>([&] { return as_text(e, v); },
                                   [&](std::string s) { *place = std::move(s); });
        } else if constexpr (std::is_same_v<T, secret>) {
          return take<std::string>([&] { return as_text(e, v); },
                                   [&](std::string s) { *place = secret{std::move(s)}; });
        } else if constexpr (std::is_same_v<T, bool>) {
          return take<bool>([&] { return as_boolean(v); }, [&](bool b) { *place = b; });
        } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          return take<T>([&] { return as_list(e, v); }, [&](T list) { *place = std::move(list); });
        } else if constexpr (std::is_same_v<T, std::vector<secret>>) {
          return take<std::vector<std::string>>([&] { return as_list(e, v); },
                                                [&](std::vector<std::string> list) {
                                                  place->clear();
                                                  for (auto& one : list)
                                                    place->emplace_back(std::move(one));
                                                });
        } else if constexpr (std::is_enum_v<T>) {
          return take<std::size_t>([&] { return as_choice(e, v); },
                                   [&](std::size_t i) { *place = static_cast<T>(i); });
        } else if constexpr (std::is_same_v<T, std::optional<std::chrono::minutes>>) {
          return take<std::int64_t>([&] { return as_number(e, v); },
                                    [&](std::int64_t n) { *place = std::chrono::minutes{n}; });
        } else if constexpr (is_duration<T>::value) {
          return take<std::int64_t>(
              [&] { return as_number(e, v); },
              [&](std::int64_t n) { *place = T{static_cast<typename T::rep>(n)}; });
        } else {
          return take<std::int64_t>([&] { return as_number(e, v); },
                                    [&](std::int64_t n) { *place = static_cast<T>(n); });
        }
      },
      e.of(into));
}

namespace {

/// The table binds to mutable settings; reading goes through the same binding and changes nothing.
slot place_in(const entry& e, const settings& s) { return e.of(const_cast<settings&>(s)); }

std::string joined(const std::vector<std::string>& pieces) {
  std::string text;
  for (const std::string& piece : pieces) text += (text.empty() ? "" : ", ") + piece;
  return text;
}

}  // namespace

std::optional<std::int64_t> number(const entry& e, const settings& s) {
  return std::visit(
      [](const auto* place) -> std::optional<std::int64_t> {
        using T = std::remove_cv_t<std::remove_pointer_t<decltype(place)>>;
        if constexpr (std::is_same_v<T, std::optional<std::chrono::minutes>>) {
          if (!*place) return std::nullopt;
          return (*place)->count();
        } else if constexpr (is_duration<T>::value) {
          return static_cast<std::int64_t>(place->count());
        } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
          return static_cast<std::int64_t>(*place);
        } else {
          return std::nullopt;
        }
      },
      place_in(e, s));
}

std::optional<bool> boolean(const entry& e, const settings& s) {
  const slot where = place_in(e, s);
  if (const auto* place = std::get_if<bool*>(&where)) return **place;
  return std::nullopt;
}

std::vector<std::string> texts(const entry& e, const settings& s) {
  const slot where = place_in(e, s);
  if (const auto* place = std::get_if<std::vector<std::string>*>(&where)) return **place;
  return {};
}

std::vector<std::string_view> revealed(const entry& e, const settings& s) {
  const slot where = place_in(e, s);
  std::vector<std::string_view> all;
  if (const auto* one = std::get_if<secret*>(&where)) {
    if (!(*one)->empty()) all.emplace_back((*one)->reveal());
  } else if (const auto* many = std::get_if<std::vector<secret>*>(&where)) {
    for (const secret& each : **many) all.emplace_back(each.reveal());
  }
  return all;
}

std::string display(const entry& e, const settings& s) {
  return std::visit(
      [&](const auto* place) -> std::string {
        using T = std::remove_cv_t<std::remove_pointer_t<decltype(place)>>;
        if constexpr (std::is_same_v<T, std::string>) {
          return *place;
        } else if constexpr (std::is_same_v<T, secret>) {
          if (place->empty()) return {};
          return e.is_secret_url() ? masked_url(place->reveal()) : masked(*place);
        } else if constexpr (std::is_same_v<T, bool>) {
          return *place ? "true" : "false";
        } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          return joined(*place);
        } else if constexpr (std::is_same_v<T, std::vector<secret>>) {
          std::vector<std::string> all;
          for (const secret& one : *place) all.push_back(masked(one));
          return joined(all);
        } else if constexpr (std::is_enum_v<T>) {
          return std::string{e.choices[static_cast<std::size_t>(*place)]};
        } else {
          const auto n = number(e, s);
          return n ? std::to_string(*n) : std::string{};
        }
      },
      place_in(e, s));
}

bool is_set(const entry& e, const settings& s) { return !display(e, s).empty(); }

bool same(const entry& e, const settings& a, const settings& b) {
  if (!e.is_secret()) return display(e, a) == display(e, b);
  const auto left = revealed(e, a), right = revealed(e, b);
  return std::equal(left.begin(), left.end(), right.begin(), right.end(), constant_time_equal);
}

void copy(const entry& e, const settings& from, settings& to) {
  const slot source = place_in(e, from);
  const slot target = e.of(to);
  std::visit([&](auto* into) { *into = *std::get<decltype(into)>(source); }, target);
}

}  // namespace pb::config
