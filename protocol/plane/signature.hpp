// protocol/plane/signature: X-Plane-Signature, HMAC-SHA256 over the raw body as 64 lower-case hex
// digits without a prefix. Called by the inbox before anything of a body is believed.
#pragma once
#include <span>
#include <string_view>

#include "base/digest.hpp"
#include "base/secret.hpp"

namespace pb::protocol::plane {

/// In time that does not depend on the digits. Anything but 64 lower-case hex digits is false.
bool signature_matches(std::string_view hex, const sha256_digest& expected) noexcept;

/// True when one of the secrets signed these bytes (several during a rotation). All are tried,
/// so that the time does not tell which. An empty secret never matches.
bool verify(std::string_view body, std::string_view header, std::span<const secret> secrets);

}  // namespace pb::protocol::plane
