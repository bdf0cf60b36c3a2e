#include "app/token_vault.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace pb::app {
namespace json = boost::json;
namespace plane = protocol::plane;
using namespace std::chrono_literals;
namespace {

constexpr auto renew_before = 15min;
constexpr auto pause_after_failure = 30s;

/// When it is time. Tokens that live for less than the quarter hour would else be renewed without
/// end.
timestamp renewal_due(const bot_credential& c) {
  timestamp::duration before = renew_before;
  if (c.obtained_at != timestamp{} && c.obtained_at < c.expires_at)
    before = std::min(before, (c.expires_at - c.obtained_at) / 4);
  return c.expires_at - before;
}

class token_exchange final : public protocol::exchange {
public:
  explicit token_exchange(protocol::http_request request) : request_(std::move(request)) {}
  protocol::step start() override { return protocol::call{request_, "plane.oauth_token", true}; }
  protocol::step on_response(const protocol::http_response& answer) override {
    auto tokens = plane::parse_token_answer(answer);
    if (!tokens) return tokens.error();
    tokens_ = std::move(*tokens);
    return protocol::finished{};
  }
  [[nodiscard]] const plane::oauth_tokens& tokens() const noexcept { return tokens_; }

private:
  protocol::http_request request_;
  plane::oauth_tokens tokens_;
};

}  // namespace

std::string to_json(const bot_credential& c) {
  boost::system::error_code ec;
  auto v = json::parse(c.rest.reveal().empty() ? "{}" : c.rest.reveal(), ec);
  json::object o = !ec && v.is_object() ? std::move(v.get_object()) : json::object{};
  o["access_token"] = c.access.reveal();
  o["refresh_token"] = c.refresh.reveal();
  o["app_installation_id"] = c.installation;
  o["expires_at"] = to_micros(c.expires_at);
  o["obtained_at"] = to_micros(c.obtained_at);
  return json::serialize(o);
}

result<bot_credential> parse_bot_credential(std::string_view text) {
  boost::system::error_code ec;
  auto v = json::parse(json::string_view{text.data(), text.size()}, ec);
  if (ec || !v.is_object())
    return failure{errc::storage,
                   "plane.oauth",
                   "the sealed token does not read",
                   "install the app again through /plane/oauth/start",
                   0,
                   "",
                   {}};
  const auto& o = v.get_object();
  const auto string_at = [&](const char* key) {
    const auto* s = o.if_contains(key);
    return s != nullptr && s->is_string() ? std::string{s->get_string()} : std::string{};
  };
  bot_credential c;
  c.access = secret{string_at("access_token")};
  c.refresh = secret{string_at("refresh_token")};
  c.installation = string_at("app_installation_id");
  c.rest = secret{std::string{text}};
  const auto time_at = [&](const char* key) {
    const auto* t = o.if_contains(key);
    return t != nullptr && t->is_int64() ? from_micros(t->get_int64()) : timestamp{};
  };
  c.expires_at = time_at("expires_at");
  c.obtained_at = time_at("obtained_at");
  return c;
}

void token_vault::put(bot_credential c) {
  const std::lock_guard hold{lock_};
  held_ = std::move(c);
  try_again_at_ = {};
}

std::optional<secret> token_vault::access() const {
  const std::lock_guard hold{lock_};
  if (!held_ || held_->access.empty()) return std::nullopt;
  return held_->access;
}

std::shared_ptr<protocol::exchange> token_vault::renewal(timestamp now) {
  const std::lock_guard hold{lock_};
  if (!held_ || held_->expires_at == timestamp{} || now < renewal_due(*held_) ||
      now < try_again_at_)
    return nullptr;
  try_again_at_ = now + pause_after_failure;
  if (!held_->refresh.empty())
    return std::make_shared<token_exchange>(plane::refresh_token_request(app_, held_->refresh));
  if (!held_->installation.empty())
    return std::make_shared<token_exchange>(plane::bot_token_request(app_, held_->installation));
  return nullptr;
}

void token_vault::renewed(const actors::performed& done) {
  if (done.failed) return;
  bot_credential fresh;
  {
    const std::lock_guard hold{lock_};
    if (!held_) return;
    const auto& t = dynamic_cast<const token_exchange&>(*done.what).tokens();
    held_->access = t.access;
    if (t.refresh) held_->refresh = *t.refresh;
    held_->obtained_at = clock_.now();
    held_->expires_at = t.expires_in ? held_->obtained_at + *t.expires_in : timestamp{};
    try_again_at_ = {};
    fresh = *held_;
  }
  save_(fresh);
}

}  // namespace pb::app
