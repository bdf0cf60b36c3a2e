#include "http/admin_auth.hpp"

#include "config/secrets.hpp"

namespace pb::http {

bool accepted_tokens::accept(std::string_view token) const {
  if (token.empty()) return false;
  bool any = false;
  for (const auto& known : *tokens_->get()) any = constant_time_equal(known.reveal(), token) || any;
  return any;
}

bool admin_auth::accepts(const request& r) const { return tokens_.accept(r.bearer()); }

std::optional<response> admin_auth::refusal(const request& r) const {
  if (!configured()) return missing_entry_response("security.admin_token", r.id);
  if (!accepts(r)) return unauthorized_response(r.id);
  return std::nullopt;
}

handler admin_auth::guard(handler handle) const {
  return [auth = *this, handle = std::move(handle)](std::shared_ptr<request> r, responder answer) {
    if (auto refused = auth.refusal(*r)) return answer(std::move(*refused));
    handle(std::move(r), std::move(answer));
  };
}

response unauthorized_response(std::string_view request_id) {
  auto out = error_response(401, "UNAUTHORIZED", "a right bearer token is needed", request_id);
  out.headers.push_back({"WWW-Authenticate", "Bearer realm=\"planebridge\""});
  return out;
}

response missing_entry_response(std::string_view entry, std::string_view request_id) {
  const auto* needed = config::find_requirement(entry);
  const auto variable = needed != nullptr ? needed->variable : std::string_view{};
  const auto place = needed != nullptr ? needed->ssot_ref() : std::string{"docs/secrets.md"};
  return key_missing_response(entry, variable, place, request_id);
}

}  // namespace pb::http
