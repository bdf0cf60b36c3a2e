// http/admin_auth: the bearer ADMIN_TOKEN in front of the API and the debug endpoints. All
// accepted tokens are compared in constant time, so that the time does not tell which was near.
// Without one configured: 503 KEY_MISSING; a wrong or missing one: 401. Used by the endpoints.
#pragma once
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "http/message.hpp"
#include "http/secret_list.hpp"
#include "http/server.hpp"

namespace pb::http {

/// Tokens as configured at start, or a list that a reload replaces while it is in use.
class accepted_tokens {
public:
  // NOLINTNEXTLINE(google-explicit-constructor): either form is written where it is wired
  accepted_tokens(secret_list::list fixed)
      : tokens_(std::make_shared<secret_list>(std::move(fixed))) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  accepted_tokens(std::shared_ptr<secret_list> live)
      : tokens_(live ? std::move(live) : std::make_shared<secret_list>()) {}

  [[nodiscard]] bool none() const { return tokens_->get()->empty(); }
  [[nodiscard]] bool accept(std::string_view token) const;

private:
  std::shared_ptr<secret_list> tokens_;  // never null
};

/// Cheap to copy: copies see the same tokens.
class admin_auth {
public:
  explicit admin_auth(accepted_tokens tokens) : tokens_(std::move(tokens)) {}

  [[nodiscard]] bool configured() const { return !tokens_.none(); }
  [[nodiscard]] bool accepts(const request& r) const;
  /// Nothing when the request carries a right token; else what it is to be answered.
  [[nodiscard]] std::optional<response> refusal(const request& r) const;
  /// `handle` behind this check.
  [[nodiscard]] handler guard(handler handle) const;

private:
  accepted_tokens tokens_;
};

/// 401 with the challenge that RFC 9110 asks for.
response unauthorized_response(std::string_view request_id);
/// 503 KEY_MISSING with variable and place looked up in the registry of secrets.
response missing_entry_response(std::string_view entry, std::string_view request_id);

}  // namespace pb::http
