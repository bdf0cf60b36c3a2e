#include "protocol/lark/reader.hpp"

#include "protocol/lark/events.hpp"

namespace pb::protocol::lark {
namespace json = boost::json;

std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
  text.resize(most);
  return text;
}

bool is_id(std::string_view text) noexcept {
  if (text.empty() || text.size() > max_id_bytes) return false;
  for (const char c : text)
    if (c <= ' ' || c > '~') return false;
  return true;
}

timestamp parse_time(std::string_view digits) noexcept {
  constexpr std::int64_t micros_per_second = 1'000'000;
  const auto point = digits.find('.');
  const auto whole = digits.substr(0, point);
  if (whole.empty() || whole.size() > 19) return {};
  std::int64_t n = 0;
  for (const char c : whole) {
    if (c < '0' || c > '9') return {};
    const std::int64_t d = c - '0';
    if (n > (INT64_MAX - d) / 10) return {};
    n = n * 10 + d;
  }
  if (whole.size() > 16) return from_micros(n / 1'000);
  if (whole.size() > 13) return from_micros(n);
  if (whole.size() > 10) return from_micros(n * 1'000);
  std::int64_t fraction = 0, unit = micros_per_second;
  if (point != std::string_view::npos)
    for (const char c : digits.substr(point + 1)) {
      if (c < '0' || c > '9') return {};
      unit /= 10;
      fraction += unit * (c - '0');
    }
  return from_micros(n * micros_per_second + fraction);
}

std::string reader::opaque(const object& o, std::string_view path, std::string_view key, need n) {
  auto text = this->text(o, path, key, n);
  if (failed() || (text.empty() && n == need::optional)) return {};
  if (is_id(text)) return text;
  fail(path, key, "not an id: printable ASCII of at most 200 bytes is due");
  return {};
}

std::string reader::name(const object& o, std::string_view path, std::string_view key) {
  return cut(text(o, path, key), max_name_bytes);
}

timestamp reader::time(const object& o, std::string_view key) {
  const auto* v = o.if_contains(json::string_view{key.data(), key.size()});
  if (v == nullptr) return {};
  if (const auto* s = v->if_string()) return parse_time(view(*s));
  if (const auto* i = v->if_int64(); i != nullptr && *i >= 0) return parse_time(std::to_string(*i));
  return {};
}

person reader::who(const object& o, std::string_view path) {
  return {opaque(o, path, "open_id"), opaque(o, path, "union_id"), opaque(o, path, "user_id")};
}

person reader::who(const object& o, std::string_view path, std::string_view key, need n) {
  const auto* inner = child(o, path, key, n);
  return inner == nullptr ? person{} : who(*inner, joined_path(path, key));
}

std::vector<mention> reader::mentions(const object& o, std::string_view path) {
  std::vector<mention> out;
  const auto* all = list(o, path, "mentions");
  if (all == nullptr) return out;
  for (const auto& one : *all) {
    if (out.size() == max_mentions) break;
    const auto here = element_path(joined_path(path, "mentions"), out.size());
    const auto* m = one.if_object();
    if (m == nullptr) {
      fail(here, "", "an object is due");
      return {};
    }
    mention found;
    found.key = opaque(*m, here, "key");
    found.name = name(*m, here, "name");
    const auto* id = m->if_contains("id");
    if (id != nullptr && id->is_object()) {
      found.who = who(*m, here, "id");
    } else {
      auto plain = opaque(*m, here, "id");
      const auto kind = text(*m, here, "id_type");
      (kind == "union_id"  ? found.who.union_id
       : kind == "user_id" ? found.who.user_id
                           : found.who.open_id) = std::move(plain);
    }
    found.bot = text(*m, here, "mentioned_type") == "bot";
    if (!found.key.empty()) out.push_back(std::move(found));
  }
  return out;
}

}  // namespace pb::protocol::lark
