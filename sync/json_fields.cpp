#include "sync/json_fields.hpp"

#include <utility>

namespace pb::sync {
namespace json = boost::json;
namespace {

/// Times that no clock gave would overflow the sums made with them.
timestamp time_of(std::int64_t micros) {
  constexpr std::int64_t year_9999 = 253'402'300'799'000'000;
  return micros > 0 && micros <= year_9999 ? from_micros(micros) : timestamp{};
}

}  // namespace

result<json::object> read_object(std::string_view text, std::size_t max_bytes, errc code,
                                 std::string_view where) {
  if (text.size() > max_bytes)
    return failure{.code = errc::too_large,
                   .where = std::string{where},
                   .detail = std::to_string(text.size()) + " bytes, at most " +
                             std::to_string(max_bytes) + " are read"};
  boost::system::error_code ec;
  auto v = json::parse(json::string_view{text.data(), text.size()}, ec);
  if (ec || !v.is_object())
    return failure{.code = code, .where = std::string{where}, .detail = "not a JSON object"};
  return std::move(v.get_object());
}

void json_fields::complain(std::string_view key, std::string_view due) const {
  if (problem_ == nullptr || !problem_->empty()) return;
  *problem_ = std::string{key} + ": " + std::string{due} + " is due";
}
const json::value* json_fields::find(std::string_view key) const {
  return o_->if_contains(json::string_view{key.data(), key.size()});
}
bool json_fields::has(std::string_view key) const { return find(key) != nullptr; }

std::string json_fields::text(std::string_view key) const {
  const auto* v = find(key);
  if (v == nullptr) return {};
  if (const auto* s = v->if_string()) return {s->data(), s->size()};
  complain(key, "a string");
  return {};
}
std::int64_t json_fields::number(std::string_view key) const {
  const auto* v = find(key);
  if (v == nullptr) return 0;
  if (const auto* n = v->if_int64()) return *n;
  complain(key, "a whole number");
  return 0;
}
std::int64_t json_fields::bounded(std::string_view key, std::int64_t last) const {
  const auto n = number(key);
  if (n >= 0 && n <= last) return n;
  complain(key, "a number up to " + std::to_string(last));
  return 0;
}
bool json_fields::flag(std::string_view key, bool otherwise) const {
  const auto* v = find(key);
  if (v == nullptr) return otherwise;
  if (const auto* b = v->if_bool()) return *b;
  complain(key, "true or false");
  return otherwise;
}
timestamp json_fields::time(std::string_view key) const { return time_of(number(key)); }
std::vector<timestamp> json_fields::times(std::string_view key) const {
  std::vector<timestamp> out;
  if (const auto* a = list(key))
    for (const auto& e : *a) {
      if (out.size() == max_list) break;
      if (const auto* n = e.if_int64())
        out.push_back(time_of(*n));
      else
        complain(key, "a list of whole numbers");
    }
  return out;
}
const json::array* json_fields::list(std::string_view key) const {
  const auto* v = find(key);
  if (v == nullptr) return nullptr;
  const auto* a = v->if_array();
  if (a == nullptr)
    complain(key, "a list");
  else if (a->size() > max_list)
    complain(key, "a list of at most " + std::to_string(max_list));
  return a;
}
std::vector<std::string> json_fields::texts(std::string_view key) const {
  std::vector<std::string> out;
  if (const auto* a = list(key))
    for (const auto& e : *a) {
      if (out.size() == max_list) break;
      if (const auto* s = e.if_string())
        out.emplace_back(s->data(), s->size());
      else
        complain(key, "a list of strings");
    }
  return out;
}
std::optional<json_fields> json_fields::object(std::string_view key) const {
  const auto* v = find(key);
  if (v == nullptr) return std::nullopt;
  if (const auto* o = v->if_object()) return json_fields{*o, problem_};
  complain(key, "an object");
  return std::nullopt;
}
std::vector<json_fields> json_fields::objects(std::string_view key) const {
  std::vector<json_fields> out;
  if (const auto* a = list(key))
    for (const auto& e : *a) {
      if (out.size() == max_list) break;
      if (const auto* o = e.if_object())
        out.emplace_back(*o, problem_);
      else
        complain(key, "a list of objects");
    }
  return out;
}

json::array array_of(const std::vector<std::string>& texts) {
  json::array a;
  a.reserve(texts.size());
  for (const auto& t : texts) a.emplace_back(t);
  return a;
}

}  // namespace pb::sync
