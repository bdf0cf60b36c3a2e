// sandbox: the in-memory Lark's door: routing, tokens, scopes, rate limits, and the envelope of
// every answer. Order of the checks: token, monthly quota, rate, scope, body.
#include "sandbox/lark.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/digest.hpp"
#include "sandbox/lark_state.hpp"

namespace pb::sandbox {
namespace {

using lark_self = lark::impl;
using namespace std::chrono_literals;

constexpr std::string_view sends = "im:message:send_as_bot,im:message";
constexpr std::string_view reads = "im:message:readonly,im:message";

constexpr lark_route routes[] = {
    {"GET", "bot/v3/info", "", &lark_self::bot_info},
    {"POST", "im/v1/messages", sends, &lark_self::message_create},
    {"GET", "im/v1/messages", reads, &lark_self::message_list},
    {"POST", "im/v1/messages/{id}/reply", sends, &lark_self::message_reply},
    {"PATCH", "im/v1/messages/{id}", "im:message:update,im:message", &lark_self::message_patch},
    {"PUT", "im/v1/messages/{id}", "im:message:update,im:message", &lark_self::message_edit},
    {"DELETE", "im/v1/messages/{id}", "im:message:recall,im:message", &lark_self::message_delete},
    {"GET", "im/v1/messages/{id}", reads, &lark_self::message_get},
    {"POST", "im/v1/messages/{id}/reactions", "im:message.reactions:write_only,im:message",
     &lark_self::reaction_add},
    {"GET", "im/v1/messages/{id}/reactions", "im:message.reactions:read,im:message",
     &lark_self::reaction_list},
    {"DELETE", "im/v1/messages/{id}/reactions/{id}", "im:message.reactions:write_only,im:message",
     &lark_self::reaction_delete},
    {"GET", "im/v1/messages/{id}/resources/{id}", reads, &lark_self::resource_get},
    {"POST", "im/v1/images", "im:resource", &lark_self::image_upload},
    {"GET", "im/v1/images/{id}", "im:resource", &lark_self::image_get},
    {"GET", "im/v1/chats/{id}", "im:chat:readonly,im:chat", &lark_self::chat_get},
    {"POST", "contact/v3/users/batch_get_id", "contact:user.id:readonly",
     &lark_self::ids_of_people},
    {"GET", "contact/v3/users/batch", "contact:contact.base:readonly", &lark_self::people_get},
    {"GET", "contact/v3/users/{id}", "contact:contact.base:readonly", &lark_self::person_get},
    {"POST", "interactive/v1/card/update", sends, &lark_self::card_update},
    {"POST", "im/v2/url_previews/batch_update", "im:url_preview.update",
     &lark_self::preview_update},
};
constexpr std::string_view api = "/open-apis/";

struct refusal_text {
  int code;
  int status;
  const char* text;
};
constexpr refusal_text refusals[] = {
    {10014, 400, "app secret invalid"},
    {99991400, 429, "request trigger frequency limit"},
    {99991403, 400, "This month's API call quota has been exceeded."},
    {99991661, 400, "Need a token"},
    {99991663, 400,
     "Invalid access token for authorization. Please make a request with token attached."},
    {99991664, 400, "Invalid app access token."},
    {99991671, 400, "Invalid access token for authorization. It must start with t- or u-."},
    {99991672, 400, "Access denied."},
    {99992354, 400, "The request you send is not a valid message id."},
    {99992361, 400, "open_id cross app"},
    {230001, 400, "Your request contains an invalid request parameter"},
    {230002, 400, "Bot/User can NOT be out of the chat."},
    {230009, 400, "This message can no longer be recalled."},
    {230011, 400, "The message is recalled."},
    {230013, 400, "Bot has NO availability to this user."},
    {230019, 400, "The topic does NOT exist."},
    {230020, 400, "This operation triggers the frequency limit."},
    {230025, 400, "The length of the message content reaches its limit."},
    {230026, 400, "The app has no right to recall this message."},
    {230027, 400, "Lack of necessary permissions."},
    {230031, 400, "The message was sent more than 14 days ago."},
    {230054, 400, "This operation is not supported for this message type."},
    {230071, 400, "The app is not the sender of this message."},
    {230072, 400, "The message has reached its number of edits."},
    {230099, 400, "Failed to create card content"},
    {232009, 400, "Your request specifies a chat which has already been dissolved."},
    {232006, 400, "Your request specifies a chat_id which is invalid."},
    {300020, 400, "the card token is invalid"},
    {300030, 400, "the card token has expired"},
    {300040, 400, "the card token was used too often"},
    {200000, 400, "the message was recalled"},
    {200830, 400, "a card of schema 2.0 cannot become one of schema 1.0"},
    {11311, 400, "the card is invalid"},
    {41050, 400, "no user authority error"},
    {234001, 400, "Invalid request param."},
    {234006, 400, "The file size exceed the max value."},
    {234008, 400, "The app is not the resource sender."},
    {231001, 400, "reaction type is invalid."},
    {231002, 400, "The operator has no permission to react on the specific message."},
};

std::string_view take_piece(std::string_view& rest) {
  const auto slash = rest.find('/');
  const auto piece = rest.substr(0, slash);
  rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
  return piece;
}

/// The {id} pieces, or nothing.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
  std::vector<std::string> ids;
  while (!pattern.empty() && !path.empty()) {
    const auto want = take_piece(pattern), got = take_piece(path);
    if (want == "{id}" && !got.empty())
      ids.emplace_back(got);
    else if (want != got)
      return std::nullopt;
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return ids;
}

bool is_multipart(const inbound& in) {
  return header_of(in, "Content-Type").starts_with("multipart/form-data");
}

}  // namespace

std::string millis(timestamp t) {
  return std::to_string(
      std::chrono::floor<std::chrono::milliseconds>(t).time_since_epoch().count());
}

failure not_possible(std::string detail) {
  return failure{errc::bad_input, "sandbox.lark", std::move(detail), {}, 0, {}, {}};
}

void forget_older(std::deque<timestamp>& times, timestamp than) {
  while (!times.empty() && times.front() <= than) times.pop_front();
}

std::string lark_call::param(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return {};
}

timestamp lark::impl::stamp() {
  const timestamp now = std::chrono::floor<std::chrono::milliseconds>(clock.now());
  last_stamp = std::max(now, last_stamp + 1ms);
  return last_stamp;
}

std::string lark::impl::hex(std::size_t digits) {
  std::string bytes(digits / 2 + 1, '\0');
  random.fill({reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()});
  return to_hex(bytes).substr(0, digits);
}

std::string lark::impl::log_id() {
  std::string at = format_rfc3339(std::chrono::floor<std::chrono::seconds>(clock.now()));
  std::erase_if(at, [](char c) { return c < '0' || c > '9'; });
  std::string id = at + hex(20);
  for (char& c : id) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
  return id;
}

answer lark::impl::ok(json::value data) {
  return {200,
          {{"Content-Type", "application/json; charset=utf-8"}, {"X-Tt-Logid", log_id()}},
          json::serialize(row{{"code", 0}, {"msg", "success"}, {"data", std::move(data)}})};
}

answer lark::impl::refuse(int code, std::string_view more) {
  const auto found = std::ranges::find(refusals, code, &refusal_text::code);
  const std::string id = log_id();
  std::string text = found == std::end(refusals) ? "error" : found->text;
  if (!more.empty()) text += ", ext=" + std::string{more};
  row body{{"code", code}, {"msg", text}};
  if (code != 99991400 && code != 10014)
    body["error"] =
        row{{"log_id", id},
            {"troubleshooter",
             "排查建议查看(Troubleshooting suggestions): "
             "https://open.feishu.cn/search?from=openapi&log_id=" +
                 id + "&code=" + std::to_string(code) + "&method_id=6921911482032898068"}};
  return {found == std::end(refusals) ? 400 : found->status,
          {{"Content-Type", "application/json; charset=utf-8"}, {"X-Tt-Logid", id}},
          json::serialize(body)};
}

answer lark::impl::give_token(lark_call& c) {
  if (text_of(c.body, "app_id") != options.app_id ||
      !constant_time_equal(text_of(c.body, "app_secret"), options.app_secret.reveal()))
    return refuse(10014);
  const timestamp now = clock.now();
  std::erase_if(tokens, [&](const tenant_token& t) { return t.expires <= now; });
  // With half an hour left or more the same one comes back; else a new one beside the old.
  if (tokens.empty() || tokens.back().expires - now < 30min)
    tokens.push_back({"t-g1044g" + hex(36), now + options.token_life});
  const auto left = std::chrono::floor<std::chrono::seconds>(tokens.back().expires - now).count();
  return {200,
          {{"Content-Type", "application/json; charset=utf-8"}, {"X-Tt-Logid", log_id()}},
          json::serialize(row{{"code", 0},
                              {"expire", left},
                              {"msg", "ok"},
                              {"tenant_access_token", tokens.back().value}})};
}

answer lark::impl::bot_info(lark_call&) {
  return {200,
          {{"Content-Type", "application/json; charset=utf-8"}, {"X-Tt-Logid", log_id()}},
          json::serialize(row{{"code", 0},
                              {"msg", "ok"},
                              {"bot", row{{"activate_status", 2},
                                          {"app_name", options.app_name},
                                          {"avatar_url", ""},
                                          {"ip_white_list", json::array{}},
                                          {"open_id", options.bot_open_id}}}})};
}

std::optional<answer> lark::impl::check_token(const lark_call& c) {
  constexpr std::string_view bearer = "Bearer ";
  std::string_view given = header_of(*c.in, "Authorization");
  if (!given.starts_with(bearer) || given.size() == bearer.size()) return refuse(99991661);
  given.remove_prefix(bearer.size());
  if (given.starts_with("a-")) return refuse(99991664);
  if (!given.starts_with("t-") && !given.starts_with("u-")) return refuse(99991671);
  const timestamp now = clock.now();
  const bool known = std::ranges::any_of(
      tokens, [&](const tenant_token& t) { return t.value == given && t.expires > now; });
  if (!known) return refuse(99991663);
  return std::nullopt;
}

std::optional<answer> lark::impl::check_rate() {
  const timestamp now = clock.now();
  ++all_calls;
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(now)};
  const std::pair current{static_cast<int>(day.year()), static_cast<unsigned>(day.month())};
  if (month != current) {
    month = current;
    month_calls = 0;
  }
  if (options.limits.monthly_calls != 0 && month_calls >= options.limits.monthly_calls)
    return refuse(99991403);
  ++month_calls;
  forget_older(recent, now - 60s);
  const auto over = [&](unsigned limit, std::chrono::seconds window) -> std::optional<answer> {
    if (limit == 0) return std::nullopt;
    const auto since = std::ranges::upper_bound(recent, now - window);
    if (static_cast<std::size_t>(recent.end() - since) < limit) return std::nullopt;
    const auto oldest = *(recent.end() - limit);
    const auto wait = std::chrono::ceil<std::chrono::seconds>(oldest + window - now);
    answer a = refuse(99991400);
    a.headers.push_back({"x-ogw-ratelimit-limit", std::to_string(limit)});
    a.headers.push_back(
        {"x-ogw-ratelimit-reset", std::to_string(std::max<std::int64_t>(1, wait.count()))});
    return a;
  };
  if (auto refused = over(options.limits.app_per_minute, 60s)) return refused;
  if (auto refused = over(options.limits.app_per_second, 1s)) return refused;
  recent.push_back(now);
  return std::nullopt;
}

std::optional<answer> lark::impl::check_scope(std::string_view any_of) {
  if (any_of.empty()) return std::nullopt;
  std::string names;
  json::array violations;
  while (!any_of.empty()) {
    const auto comma = any_of.find(',');
    const auto scope = any_of.substr(0, comma);
    any_of = comma == std::string_view::npos ? std::string_view{} : any_of.substr(comma + 1);
    if (!options.missing_scopes.contains(scope)) return std::nullopt;
    names += (names.empty() ? "" : ", ") + std::string{scope};
    violations.push_back(row{{"type", "action_scope_required"}, {"subject", scope}});
  }
  const std::string id = log_id();
  return answer{
      400,
      {{"Content-Type", "application/json; charset=utf-8"}, {"X-Tt-Logid", id}},
      json::serialize(
          row{{"code", 99991672},
              {"msg", "Access denied. One of the following scopes is required: [" + names + "]."},
              {"error", row{{"permission_violations", std::move(violations)}, {"log_id", id}}}})};
}

answer lark::impl::guarded(lark_call& c, const lark_route& r) {
  if (auto refused = check_token(c)) return std::move(*refused);
  if (auto refused = check_rate()) return std::move(*refused);
  if (auto refused = check_scope(r.scopes)) return std::move(*refused);
  if (!c.in->body.empty() && !is_multipart(*c.in)) {
    boost::system::error_code ec;
    json::value v = json::parse(c.in->body, ec);
    if (ec || !v.is_object()) return refuse(230001, "the body is not a JSON object");
    c.body = std::move(v.get_object());
  }
  return (this->*r.handle)(c);
}

answer lark::impl::handle(const inbound& request) {
  lark_call c;
  c.in = &request;
  c.query = parse_query(request.query);
  std::string_view path = request.path;
  if (path.starts_with(api)) {
    path.remove_prefix(api.size());
    if (request.method == "POST" && path == "auth/v3/tenant_access_token/internal") {
      boost::system::error_code ec;
      json::value v = json::parse(request.body, ec);
      if (!ec && v.is_object()) c.body = std::move(v.get_object());
      return give_token(c);
    }
    for (const auto& r : routes)
      if (r.method == request.method)
        if (auto ids = match(r.pattern, path)) {
          c.ids = std::move(*ids);
          return guarded(c, r);
        }
  }
  return {404, {{"Content-Type", "text/plain"}, {"X-Tt-Logid", log_id()}}, "404 page not found"};
}

lark::lark(clock_source& clock, random_source& random, lark_options options)
    : impl_(std::make_unique<impl>(clock, random, std::move(options))) {}
lark::~lark() = default;

bool lark::serves(std::string_view path) noexcept {
  return path.starts_with(api) || path.starts_with("/callback/ws/");
}

protocol::http_response lark::handle(const inbound& request) {
  const std::scoped_lock held{impl_->lock};
  return impl_->handle(request);
}

void lark::set_scope_missing(std::string_view scope, bool missing) {
  const std::scoped_lock held{impl_->lock};
  if (missing)
    impl_->options.missing_scopes.emplace(scope);
  else
    impl_->options.missing_scopes.erase(std::string{scope});
}

void lark::set_limits(const lark_limits& limits) {
  const std::scoped_lock held{impl_->lock};
  impl_->options.limits = limits;
}

void lark::expire_tokens() {
  const std::scoped_lock held{impl_->lock};
  impl_->tokens.clear();
}

std::uint64_t lark::calls() const {
  const std::scoped_lock held{impl_->lock};
  return impl_->all_calls;
}

const lark_options& lark::options() const noexcept { return impl_->options; }
clock_source& lark::clock() const noexcept { return impl_->clock; }

}  // namespace pb::sandbox
