// protocol/plane/oauth: Plane Apps (cloud and commercial editions): where to send a person, how to
// ask for tokens, what the answers say. The signed `state` and the storage of tokens are others'
// work. Bodies and headers made here carry secrets: a request of this file is never logged.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.hpp"
#include "base/secret.hpp"
#include "protocol/http_message.hpp"

namespace pb::protocol::plane {

struct oauth_app {
  std::string base_url;  ///< "https://api.plane.so" or one's own host
  std::string client_id;
  secret client_secret;
  std::string redirect_uri;
};

/// The scopes that planebridge uses.
const std::vector<std::string>& default_scopes();

std::string authorize_url(const oauth_app& app, const std::vector<std::string>& scopes,
                          std::string_view state);

/// Bot flow: client_credentials with HTTP Basic. Bot tokens have no refresh token: ask again.
http_request bot_token_request(const oauth_app& app, std::string_view installation_id);
http_request user_token_request(const oauth_app& app, const secret& code);
http_request refresh_token_request(const oauth_app& app, const secret& refresh);
http_request revoke_token_request(const oauth_app& app, const secret& token);

struct oauth_tokens {
  secret access;
  std::optional<secret> refresh;
  std::optional<std::chrono::seconds> expires_in;
  std::string scope;
};
/// Failures carry the remote's message, never a token. A refused code or client is unauthorized.
result<oauth_tokens> parse_token_answer(const http_response& answer);

/// GET; with an empty id all installations of the token. Needs authorize() with the bearer.
http_request installations_request(const oauth_app& app, std::string_view installation_id);
struct installation {
  std::string id, workspace_id, workspace_slug, workspace_name, app_bot, status, webhook;
};
result<std::vector<installation>> parse_installations(const http_response& answer);

}  // namespace pb::protocol::plane
