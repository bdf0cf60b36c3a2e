// protocol/caldav/auth: Basic and Digest (RFC 7616, 7617) as a pure state machine. The connector
// owns one authenticator, calls authorize() before each try and challenge() on each 401
// (docs/contracts/caldav.md, "Authentication"). Not thread-safe: one connector.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.hpp"
#include "protocol/http_message.hpp"

namespace pb::protocol::caldav {

/// One challenge of a WWW-Authenticate header; parameter names in lower case.
struct auth_challenge {
  std::string scheme;  ///< lower case
  std::vector<std::pair<std::string, std::string>> params;
  [[nodiscard]] std::string param(std::string_view name) const;  ///< empty when absent
};
/// Several challenges may share a header. What cannot be read is left out.
std::vector<auth_challenge> parse_challenges(std::string_view header);
/// Of all WWW-Authenticate headers of an answer.
std::vector<auth_challenge> challenges_of(const http_response& answer);

enum class digest_algorithm : std::uint8_t { md5, md5_sess, sha256, sha256_sess };
struct digest_input {
  digest_algorithm algorithm = digest_algorithm::md5;
  std::string username, realm, nonce, method, uri, cnonce;
  std::uint32_t nc = 1;
  bool qop_auth = true;  ///< false: the form of RFC 2069, without qop
};
/// The "response" value in lower-case hex.
std::string digest_response(const digest_input& in, const secret& password);

/// Path and query of a URL exactly as the request line has them.
std::string request_target(std::string_view url);

enum class auth_preference : std::uint8_t { automatic, basic, digest };
struct auth_options {
  std::string username;
  secret password;
  auth_preference preference = auth_preference::automatic;
  bool https = false;
  bool clear_allowed = false;  ///< loopback or allow_insecure: Basic may travel over plain http
};

class authenticator {
public:
  explicit authenticator(auth_options options) : options_(std::move(options)) {}

  /// Replaces the request's Authorization header; adds none when nothing is known yet.
  /// @param cnonce  fresh and random for each call
  void authorize(http_request& request, std::string_view cnonce);

  /// After a 401 to `sent`: is the same request to be sent again (through authorize())? False means
  /// that the credentials were refused, or that no offered scheme can be used.
  [[nodiscard]] bool challenge(const http_request& sent, const http_response& answer);

private:
  enum class scheme : std::uint8_t { none, basic, digest };
  struct digest_state {
    std::string realm, nonce, opaque, algorithm_word;
    digest_algorithm algorithm = digest_algorithm::md5;
    bool qop_auth = true, has_opaque = false;
    std::uint32_t used = 0;
  };
  [[nodiscard]] bool basic_usable() const noexcept {
    return options_.preference != auth_preference::digest &&
           (options_.https || options_.clear_allowed);
  }
  [[nodiscard]] std::string digest_header(const http_request& request, std::string_view cnonce);
  [[nodiscard]] bool adopt(const std::vector<auth_challenge>& offered, bool without_basic);

  auth_options options_;
  scheme scheme_ = scheme::none;
  digest_state digest_;
};

}  // namespace pb::protocol::caldav
