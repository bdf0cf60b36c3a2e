#include "protocol/json_reader.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <chrono>

#include "base/entity.hpp"

namespace pb::protocol {
namespace json = boost::json;
namespace {
std::string_view view(const json::string& s) noexcept { return {s.data(), s.size()}; }

int digits(std::string_view text) noexcept {
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}
}  // namespace

result<json::value> parse_json(std::string_view text, std::size_t max_bytes, errc code,
                               std::string_view where) {
  if (text.size() > max_bytes)
    return failure{.code = errc::too_large,
                   .where = std::string{where},
                   .detail = "a body of " + std::to_string(text.size()) + " bytes, at most " +
                             std::to_string(max_bytes) + " are read"};
  json::parse_options options;
  options.max_depth = max_json_depth;
  boost::system::error_code ec;
  json::stream_parser parser{{}, options};
  // One block for all values of the document instead of one for each.
  parser.reset(json::make_shared_resource<json::monotonic_resource>(text.size() + 1024));
  const auto used = parser.write_some(json::string_view{text.data(), text.size()}, ec);
  if (!ec && used < text.size()) ec = json::make_error_code(json::error::extra_data);
  if (!ec) parser.finish(ec);
  if (ec)
    return failure{.code = code,
                   .where = std::string{where},
                   .detail = "not JSON: " + ec.message() + " at byte " + std::to_string(used) +
                             " of " + std::to_string(text.size())};
  return parser.release();
}

std::string joined_path(std::string_view path, std::string_view key) {
  std::string out{path};
  if (!out.empty() && !key.empty()) out += '.';
  out += key;
  return out;
}

std::string element_path(std::string_view path, std::size_t index) {
  return std::string{path} + '[' + std::to_string(index) + ']';
}

std::string_view kind_name(const json::value& v) noexcept {
  switch (v.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "a boolean";
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
      return "a number";
    case json::kind::string:
      return "a string";
    case json::kind::array:
      return "an array";
    case json::kind::object:
      return "an object";
  }
  return "unknown";
}

bool is_civil_date(std::string_view text) noexcept {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  const int y = digits(text.substr(0, 4)), m = digits(text.substr(5, 2)),
            d = digits(text.substr(8, 2));
  if (y < 1 || m < 1 || d < 1) return false;
  return std::chrono::year_month_day{std::chrono::year{y},
                                     std::chrono::month{static_cast<unsigned>(m)},
                                     std::chrono::day{static_cast<unsigned>(d)}}
      .ok();
}

void json_reader::fail(std::string_view path, std::string_view key, std::string_view what) {
  if (problem_) return;
  problem_ = failure{
      .code = code_, .where = where_, .detail = joined_path(path, key) + ": " + std::string{what}};
}

const json::value* json_reader::find(const object& o, std::string_view path, std::string_view key,
                                     need n) {
  if (failed()) return nullptr;
  const auto* v = o.if_contains(json::string_view{key.data(), key.size()});
  const bool null = v == nullptr || v->is_null() ||
                    (none_is_null_ && v->is_string() && *v->if_string() == "None");
  if (!null) return v;
  if (n == need::required) fail(path, key, v == nullptr ? "missing" : "null where a value is due");
  return nullptr;
}

std::string json_reader::text(const object& o, std::string_view path, std::string_view key,
                              need n) {
  const auto* v = find(o, path, key, n);
  if (v == nullptr) return {};
  const auto* s = v->if_string();
  if (s == nullptr) {
    fail(path, key, "a string is due, got " + std::string{kind_name(*v)});
    return {};
  }
  if (view(*s).find('\0') != std::string_view::npos) {
    fail(path, key, "holds a NUL character");
    return {};
  }
  return std::string{view(*s)};
}

std::string json_reader::id(const object& o, std::string_view path, std::string_view key, need n) {
  auto text = this->text(o, path, key, n);
  if (text.empty() && n == need::optional) return text;
  if (!failed() && !is_uuid(text)) fail(path, key, "not a uuid in lower case");
  return failed() ? std::string{} : text;
}

std::string json_reader::id_or_object(const object& o, std::string_view path, std::string_view key,
                                      need n) {
  const auto* v = find(o, path, key, n);
  if (v == nullptr) return {};
  if (const auto* inner = v->if_object())
    return id(*inner, joined_path(path, key), "id", need::required);
  return id(o, path, key, n);
}

std::string json_reader::date(const object& o, std::string_view path, std::string_view key) {
  auto text = this->text(o, path, key);
  if (text.empty() || is_civil_date(text)) return text;
  fail(path, key, "not a date of the form YYYY-MM-DD");
  return {};
}

std::int64_t json_reader::number(const object& o, std::string_view path, std::string_view key,
                                 need n) {
  const auto* v = find(o, path, key, n);
  if (v == nullptr) return 0;
  if (const auto* i = v->if_int64()) return *i;
  fail(path, key, "a whole number is due, got " + std::string{kind_name(*v)});
  return 0;
}

bool json_reader::flag(const object& o, std::string_view path, std::string_view key) {
  const auto* v = find(o, path, key, need::optional);
  if (v == nullptr) return false;
  if (const auto* b = v->if_bool()) return *b;
  fail(path, key, "a boolean is due, got " + std::string{kind_name(*v)});
  return false;
}

const json_reader::object* json_reader::child(const object& o, std::string_view path,
                                              std::string_view key, need n) {
  const auto* v = find(o, path, key, n);
  if (v == nullptr) return nullptr;
  if (const auto* inner = v->if_object()) return inner;
  fail(path, key, "an object is due, got " + std::string{kind_name(*v)});
  return nullptr;
}

const json_reader::array* json_reader::list(const object& o, std::string_view path,
                                            std::string_view key, need n) {
  const auto* v = find(o, path, key, n);
  if (v == nullptr) return nullptr;
  const auto* a = v->if_array();
  if (a == nullptr) {
    fail(path, key, "an array is due, got " + std::string{kind_name(*v)});
    return nullptr;
  }
  if (a->size() > max_list_length) {
    fail(path, key, "more than " + std::to_string(max_list_length) + " elements");
    return nullptr;
  }
  return a;
}

}  // namespace pb::protocol
