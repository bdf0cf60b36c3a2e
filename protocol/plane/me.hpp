// protocol/plane/me: whose credential is this? GET /users/me/ (docs/contracts/plane.md). Pure.
#pragma once
#include <string_view>

#include "base/failure.hpp"
#include "protocol/http_message.hpp"
#include "protocol/plane/model.hpp"

namespace pb::protocol::plane {

/// Needs authorize().
http_request me_request(std::string_view base_url);
/// errc::unauthorized: Plane does not know the credential.
result<user_ref> parse_me(const http_response& answer);

}  // namespace pb::protocol::plane
