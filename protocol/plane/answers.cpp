#include "protocol/plane/answers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/entity.hpp"
#include "protocol/json_reader.hpp"

namespace pb::protocol::plane {
namespace json = boost::json;
namespace {

constexpr std::size_t max_error_body = 1u << 20;
constexpr std::size_t max_message = 500;
constexpr std::size_t most_fields_told = 8;
constexpr std::chrono::milliseconds longest_pause = std::chrono::hours{24};

std::string one_line(std::string text) {
  for (auto& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  if (text.size() > max_message) {
    auto cut = max_message;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U) --cut;
    text.resize(cut);
    text += "…";
  }
  return text;
}

/// A string, the strings of a list, or the fields of an object: {"assignees":{"0":["…"]}}.
void append_text(std::string& out, const json::value& v, int depth) {
  if (depth > 4 || out.size() > max_message) return;
  const auto separate = [&] {
    if (!out.empty() && !out.ends_with(": ")) out += "; ";
  };
  if (const auto* s = v.if_string()) {
    separate();
    out.append(s->data(), s->size());
  } else if (const auto* a = v.if_array()) {
    for (const auto& one : *a) append_text(out, one, depth + 1);
  } else if (const auto* o = v.if_object()) {
    std::size_t count = 0;
    for (const auto& [key, value] : *o) {
      if (++count > most_fields_told) break;
      separate();
      out.append(key.data(), key.size());
      out += ": ";
      append_text(out, value, depth + 1);
    }
  }
}

errc code_of(int status, std::string_view message) {
  // The open edition answers a wrong or expired key with 403 and this text.
  if (status == 403 && message.find("API token is not valid") != std::string_view::npos)
    return errc::unauthorized;
  return meaning_of_status(status);
}

std::string_view remedy_of(errc code, int status) noexcept {
  if (status >= 300 && status < 400)
    return "check plane.base_url: scheme, host and path must be the API's own";
  switch (code) {
    case errc::unauthorized:
      return "check plane.api_key: wrong, expired or of another server";
    case errc::forbidden:
      return "the key's user must be a member of the workspace and of the project";
    case errc::too_large:
      return "raise FILE_SIZE_LIMIT of the Plane server, or send less";
    default:
      return {};
  }
}

int number(std::string_view text) noexcept {
  int value = -1;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), value);
  return r.ec == std::errc{} && r.ptr == text.data() + text.size() ? value : -1;
}

int month_of(std::string_view name) noexcept {
  static constexpr std::array<std::string_view, 12> names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto it = std::find(names.begin(), names.end(), name);
  return it == names.end() ? -1 : static_cast<int>(it - names.begin()) + 1;
}

}  // namespace

std::string remote_message(std::string_view body) {
  if (body.empty()) return {};
  const auto v = parse_json(body, max_error_body, errc::unexpected_answer, "plane");
  if (!v) return {};
  std::string out;
  const auto* o = v->if_object();
  if (o == nullptr) {
    append_text(out, *v, 0);
    return one_line(std::move(out));
  }
  for (const auto* key : {"error", "detail", "message", "error_message"}) {
    const auto* found = o->if_contains(key);
    if (found == nullptr || found->is_null()) continue;
    append_text(out, *found, 0);
    if (!out.empty()) return one_line(std::move(out));
  }
  append_text(out, *v, 0);
  return one_line(std::move(out));
}

failure classify(const http_response& answer, std::string_view operation) {
  const auto message = remote_message(answer.body);
  failure f;
  f.code = code_of(answer.status, message);
  f.where = operation;
  f.status = answer.status;
  f.detail = !message.empty()      ? message
             : answer.body.empty() ? std::string{"an answer without a body"}
                                   : "an answer of " + std::to_string(answer.body.size()) +
                                         " bytes without a message";
  f.remedy = remedy_of(f.code, answer.status);
  for (const auto* name : {"X-Request-Id", "CF-Ray"}) {
    const auto id = answer.header(name);
    if (id.empty() || id.size() > 200) continue;
    f.request_id = one_line(std::string{id});
    break;
  }
  f.retry_after = retry_after_of(answer);
  return f;
}

std::optional<std::chrono::milliseconds> retry_after_of(const http_response& answer) {
  const auto value = answer.header("Retry-After");
  if (value.empty()) return std::nullopt;
  std::chrono::milliseconds pause{};
  if (value.find_first_not_of("0123456789") == std::string_view::npos) {
    if (value.size() > 8) return longest_pause;
    pause = std::chrono::seconds{number(value)};
  } else {
    const auto then = parse_http_date(value), now = parse_http_date(answer.header("Date"));
    if (!then || !now) return std::nullopt;
    pause = *then - *now;
  }
  return std::clamp(pause, std::chrono::milliseconds{}, longest_pause);
}

std::optional<conflict_info> conflict_of(const http_response& answer, write_kind kind) {
  if (answer.status != 409) return std::nullopt;
  const auto v = parse_json(answer.body, max_error_body, errc::unexpected_answer, "plane");
  if (!v || !v->is_object()) return std::nullopt;
  const auto* id = v->get_object().if_contains("id");
  if (id == nullptr || !id->is_string()) return std::nullopt;
  std::string text{id->get_string().data(), id->get_string().size()};
  if (!is_uuid(text)) return std::nullopt;
  conflict_info out;
  (kind == write_kind::creation ? out.existing_id : out.own_id) = std::move(text);
  out.message = remote_message(answer.body);
  return out;
}

std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) noexcept {
  if (text.empty() || text.size() > 64) return std::nullopt;
  std::array<std::string_view, 6> tokens;
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size() && count < tokens.size();) {
    const auto begin = text.find_first_not_of(" ,-", i);
    if (begin == std::string_view::npos) break;
    const auto end = std::min(text.find_first_of(" ,-", begin), text.size());
    tokens[count++] = text.substr(begin, end - begin);
    i = end;
  }
  if (count < 5) return std::nullopt;
  const bool asctime = month_of(tokens[1]) > 0;  // "Sun Nov  6 08:49:37 1994"
  const auto clock = asctime ? tokens[3] : tokens[4];
  const int day = number(asctime ? tokens[2] : tokens[1]);
  const int month = month_of(asctime ? tokens[1] : tokens[2]);
  int year = number(asctime ? tokens[4] : tokens[3]);
  if (year >= 0 && year < 100) year += year < 70 ? 2000 : 1900;
  if (clock.size() != 8 || clock[2] != ':' || clock[5] != ':') return std::nullopt;
  const int h = number(clock.substr(0, 2)), m = number(clock.substr(3, 2)),
            s = number(clock.substr(6, 2));
  if (day < 1 || month < 1 || year < 1970 || year > 9999 || h < 0 || h > 23 || m < 0 || m > 59 ||
      s < 0 || s > 60)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{h} + std::chrono::minutes{m} +
         std::chrono::seconds{s};
}

}  // namespace pb::protocol::plane
