// Feishu's error codes: the contract's table (docs/contracts/lark.md, 3.3, 4.4, 7).
#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "protocol/lark/answers.hpp"
#include "protocol/lark/events.hpp"
#include "protocol/lark/exchanges.hpp"
#include "protocol/lark/reader.hpp"

namespace pb::protocol::lark {
namespace json = boost::json;
namespace {

constexpr std::size_t max_error_bytes = 1u << 20, max_message_bytes = 500;
constexpr std::chrono::milliseconds longest_pause = std::chrono::hours{24};
constexpr std::string_view code_prefix = "code ";

struct meaning {
  std::int64_t code;
  errc as;
  remedy what;
  std::string_view hint;  ///< for administrators; may be empty
};

constexpr std::string_view ask_admin =
    "in the developer console, then publish a version of the app";

// Sorted by code; the contract's table says why.
constexpr meaning meanings[]{
    {1, errc::upstream_down, remedy::wait, {}},
    {403, errc::forbidden, remedy::alert,
     "the app may not open a long connection: choose it for events and callbacks in the console"},
    {514, errc::forbidden, remedy::alert,
     "the app may not open a long connection: check lark.app_id and lark.app_secret"},
    {1500, errc::upstream_down, remedy::wait, {}},
    {2200, errc::upstream_down, remedy::wait, {}},
    {10002, errc::bad_input, remedy::fall_back_to_text, {}},
    {10014, errc::unauthorized, remedy::alert, "check lark.app_id and lark.app_secret"},
    {10015, errc::unauthorized, remedy::alert, "check lark.app_id and lark.app_secret"},
    {11232, errc::rate_limited, remedy::wait, {}},
    {11233, errc::rate_limited, remedy::wait, {}},
    {11311, errc::bad_input, remedy::fall_back_to_text, {}},
    {18121, errc::conflict, remedy::retry_soon, {}},
    {200000, errc::not_found, remedy::drop_message, {}},
    {200310, errc::forbidden, remedy::give_up, "the card is another app's"},
    {200830, errc::precondition, remedy::new_card, {}},
    {230001, errc::bad_input, remedy::give_up, {}},
    {230002, errc::forbidden, remedy::unlink, "add the bot to the chat"},
    {230006, errc::forbidden, remedy::alert,
     "switch on the app's bot in the developer console and publish a version"},
    {230009, errc::precondition, remedy::give_up,
     "the tenant's time for recalling messages is over"},
    {230011, errc::not_found, remedy::drop_message, {}},
    {230013, errc::forbidden, remedy::give_up,
     "the person must be in the app's availability range"},
    {230018, errc::forbidden, remedy::alert, "the group's settings do not let the bot speak"},
    {230019, errc::not_found, remedy::give_up, {}},
    {230020, errc::rate_limited, remedy::wait, {}},
    {230022, errc::forbidden, remedy::report, "the tenant's list of sensitive words"},
    {230025, errc::too_large, remedy::split, {}},
    {230026, errc::forbidden, remedy::give_up, {}},
    {230027, errc::forbidden, remedy::give_up,
     "the app lacks the permission to speak in external groups"},
    {230028, errc::forbidden, remedy::report,
     "the tenant's audit of data leaks: phone numbers, mail addresses"},
    {230031, errc::precondition, remedy::new_card, {}},
    {230035, errc::forbidden, remedy::alert, "the bot is muted in the group"},
    {230049, errc::conflict, remedy::retry_soon, {}},
    {230050, errc::not_found, remedy::give_up, {}},
    {230054, errc::bad_input, remedy::give_up, {}},
    {230071, errc::bad_input, remedy::retry_without_thread, {}},
    {230072, errc::bad_input, remedy::retry_without_thread, {}},
    {230075, errc::precondition, remedy::send_anew, {}},
    {230099, errc::bad_input, remedy::fall_back_to_text, {}},
    {230110, errc::not_found, remedy::drop_message, {}},
    {230111, errc::not_found, remedy::drop_message, {}},
    {232009, errc::not_found, remedy::unlink, {}},
    {234003, errc::not_found, remedy::drop_message, {}},
    {234004, errc::forbidden, remedy::unlink, "add the bot to the chat"},
    {234006, errc::too_large, remedy::give_up, {}},
    {234037, errc::too_large, remedy::give_up, {}},
    {234038, errc::forbidden, remedy::report, "the chat does not let files be taken out of it"},
    {300020, errc::bad_input, remedy::patch_instead, {}},
    {300030, errc::precondition, remedy::patch_instead, {}},
    {300040, errc::precondition, remedy::patch_instead, {}},
    {300090, errc::bad_input, remedy::give_up, {}},
    {99991400, errc::rate_limited, remedy::wait, {}},
    {99991401, errc::forbidden, remedy::alert, "add this host's address to the app's IP whitelist"},
    {99991403, errc::rate_limited, remedy::stop,
     "the month's API calls of the tenant's plan are used up: a larger plan, or lark.monthly_calls "
     "to thin out earlier"},
    {99991661, errc::unauthorized, remedy::refresh_token, {}},
    {99991662, errc::forbidden, remedy::alert, "the app is disabled: enable it for the tenant"},
    {99991663, errc::unauthorized, remedy::refresh_token, {}},
    {99991664, errc::unauthorized, remedy::refresh_token, {}},
    {99991665, errc::unauthorized, remedy::refresh_token, {}},
    {99991671, errc::unauthorized, remedy::refresh_token, {}},
    {99991672, errc::forbidden, remedy::alert, {}},
    {99991673, errc::forbidden, remedy::alert,
     "the app is not installed: publish a version and have it approved"},
    {99992354, errc::not_found, remedy::drop_message, {}},
    {99992361, errc::bad_input, remedy::give_up,
     "the open_id is of another app: was lark.app_id changed?"},
    {1000040343, errc::upstream_down, remedy::wait, {}},
    {1000040344, errc::forbidden, remedy::alert, "check lark.app_id and lark.app_secret"},
    {1000040350, errc::forbidden, remedy::alert,
     "more than 50 long connections of this app: stop some"},
};
static_assert(std::is_sorted(std::begin(meanings), std::end(meanings),
                             [](const meaning& a, const meaning& b) { return a.code < b.code; }));

const meaning* meaning_of(std::int64_t code) noexcept {
  const auto* end = std::end(meanings);
  const auto* it = std::lower_bound(std::begin(meanings), end, code,
                                    [](const meaning& m, std::int64_t c) { return m.code < c; });
  return it == end || it->code != code ? nullptr : it;
}

std::string message_line(std::string text) {
  for (auto& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return cut(std::move(text), max_message_bytes);
}

/// Scopes that are asked for: error.permission_violations[].subject.
std::string scopes_of(const json::object& root) {
  std::string out;
  const auto* error = root.if_contains("error");
  const auto* all = error == nullptr || !error->is_object()
                        ? nullptr
                        : error->get_object().if_contains("permission_violations");
  if (all == nullptr || !all->is_array()) return out;
  for (const auto& one : all->get_array()) {
    const auto* s = one.is_object() ? one.get_object().if_contains("subject") : nullptr;
    if (s == nullptr || !s->is_string() || out.size() > 300) continue;
    const auto name = view(s->get_string());
    if (!is_id(name)) continue;
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

failure without_code(const http_response& answer, std::string_view operation) {
  failure f;
  f.code = answer.status == 200 ? errc::unexpected_answer : meaning_of_status(answer.status);
  f.where = operation;
  f.detail = "an answer of " + std::to_string(answer.body.size()) + " bytes without a code";
  return f;
}

std::chrono::milliseconds default_pause(remedy r) {
  return r == remedy::retry_soon || r == remedy::wait ? std::chrono::seconds{1}
                                                      : std::chrono::seconds{0};
}

}  // namespace

std::string_view to_string(remedy r) noexcept {
  switch (r) {
    case remedy::none:
      return "none";
    case remedy::refresh_token:
      return "refresh_token";
    case remedy::wait:
      return "wait";
    case remedy::retry_soon:
      return "retry_soon";
    case remedy::stop:
      return "stop";
    case remedy::alert:
      return "alert";
    case remedy::give_up:
      return "give_up";
    case remedy::report:
      return "report";
    case remedy::split:
      return "split";
    case remedy::fall_back_to_text:
      return "fall_back_to_text";
    case remedy::new_card:
      return "new_card";
    case remedy::send_anew:
      return "send_anew";
    case remedy::patch_instead:
      return "patch_instead";
    case remedy::retry_without_thread:
      return "retry_without_thread";
    case remedy::drop_message:
      return "drop_message";
    case remedy::unlink:
      return "unlink";
  }
  return "none";
}

std::optional<pace_hint> pace_of(const http_response& answer) {
  const auto number = [&](std::string_view name) -> std::int64_t {
    const auto text = answer.header(name);
    std::int64_t n = -1;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), n);
    return r.ec == std::errc{} && r.ptr == text.data() + text.size() ? n : -1;
  };
  const auto limit = number("x-ogw-ratelimit-limit"), reset = number("x-ogw-ratelimit-reset");
  if (limit < 0 && reset < 0) return std::nullopt;
  pace_hint out;
  out.limit = std::max<std::int64_t>(limit, 0);
  const auto longest = std::chrono::duration_cast<std::chrono::seconds>(longest_pause).count();
  out.reset = std::chrono::seconds{std::clamp<std::int64_t>(reset, 0, longest)};
  return out;
}

std::optional<failure> refusal_of(const http_response& answer, std::string_view operation) {
  const auto v = parse_json(answer.body, max_error_bytes, errc::unexpected_answer, operation);
  const auto* root = v ? v->if_object() : nullptr;
  const auto* code = root == nullptr ? nullptr : root->if_contains("code");
  const auto* n = code == nullptr ? nullptr : code->if_int64();
  if (n != nullptr && *n == 0) return std::nullopt;
  // Larger than any refusal, so a good answer: the code is checked where it is read.
  if (!v && v.error().code == errc::too_large && answer.status == 200) return std::nullopt;

  auto f = n == nullptr ? without_code(answer, operation) : failure{};
  f.where = operation;
  f.status = answer.status;
  const auto id = answer.header("X-Tt-Logid");
  if (!id.empty() && id.size() <= 200) f.request_id = message_line(std::string{id});
  if (n == nullptr) {
    if (const auto pace = pace_of(answer); pace && f.code == errc::rate_limited)
      f.retry_after = pace->reset;
    return f;
  }

  const auto* m = meaning_of(*n);
  f.code = m != nullptr                                   ? m->as
           : answer.status == 200 || answer.status == 400 ? errc::bad_input
                                                          : meaning_of_status(answer.status);
  const auto* msg = root->if_contains("msg");
  f.detail =
      std::string{code_prefix} + std::to_string(*n) + ": " +
      (msg != nullptr && msg->is_string() ? message_line(std::string{view(msg->get_string())})
                                          : std::string{"without a message"});
  if (m != nullptr) f.remedy = m->hint;
  if (const auto scopes = scopes_of(*root); !scopes.empty())
    f.remedy = "add the scope " + scopes + ' ' + std::string{ask_admin};
  const auto what = remedy_of(f);
  if (const auto pace = pace_of(answer); pace && what == remedy::wait)
    f.retry_after = std::max(pace->reset, default_pause(what));
  else if (what == remedy::wait || what == remedy::retry_soon)
    f.retry_after = default_pause(what);
  return f;
}

std::int64_t remote_code(const failure& f) noexcept {
  const std::string_view text = f.detail;
  if (!f.where.starts_with("lark.") || !text.starts_with(code_prefix)) return 0;
  std::int64_t n = 0;
  const auto* begin = text.data() + code_prefix.size();
  const auto r = std::from_chars(begin, text.data() + text.size(), n);
  return r.ec == std::errc{} ? n : 0;
}

remedy remedy_of(const failure& f) noexcept {
  const auto code = remote_code(f);
  if (code == 0)
    return f.code == errc::rate_limited || f.code == errc::upstream_down ||
                   f.code == errc::timed_out
               ? remedy::wait
               : remedy::none;
  // Editing has its own meanings for two codes of replies.
  if (f.where == operation::edit && code == 230071) return remedy::give_up;
  if (f.where == operation::edit && code == 230072) return remedy::send_anew;
  if (const auto* m = meaning_of(code)) return m->what;
  return f.code == errc::upstream_down || f.code == errc::rate_limited ? remedy::wait
                                                                       : remedy::give_up;
}

}  // namespace pb::protocol::lark
