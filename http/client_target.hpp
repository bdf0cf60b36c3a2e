// http/client_target: where an outbound call goes: a URL taken apart, headers that may be sent,
// the proxy that is due. Pure. Used by the client only.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.hpp"
#include "base/secret.hpp"
#include "protocol/http_message.hpp"

namespace pb::http {

struct call_target {
  bool tls = false;
  std::string host;  ///< lower case, without brackets
  std::uint16_t port = 0;
  bool literal = false;   ///< host is an IP address
  std::string authority;  ///< as in Host: brackets kept, default port left out
  std::string path;       ///< path and query as sent, never empty
  std::string shown;      ///< for errors: scheme, authority and path; the query may hold secrets

  /// "https host 443": calls with the same key share connections.
  [[nodiscard]] std::string pool_key() const;
};

/// http and https only; no userinfo, no fragment, at most 16 kB. errc::bad_input, without the URL.
result<call_target> parse_target(std::string_view url);

struct proxy_address {
  std::string host;
  std::uint16_t port = 0;
  secret authorization;  ///< value of Proxy-Authorization; empty: none
};
/// "http://[user:password@]host:port". errc::bad_input, without the value.
result<proxy_address> parse_proxy(const secret& url);

/// NO_PROXY as other tools read it: "*", a host, a domain with or without its dot (subdomains
/// too), host:port, an address or a CIDR. Loopback never goes through a proxy.
bool bypasses_proxy(const call_target& target, const std::vector<std::string>& no_proxy);

/// The request's head. errc::bad_input for what could split or smuggle a request: method or
/// header name not a token, CR, LF, NUL or non-ASCII in a value, framing headers of the caller's.
/// @param absolute  request line with the whole URL, as a plain proxy wants it
result<std::string> render_head(const protocol::http_request& request, const call_target& target,
                                std::string_view user_agent, bool absolute,
                                const secret& proxy_authorization);

/// May a request be repeated blindly? By method, and only without a condition that the first copy
/// may have used up.
bool is_repeatable(const protocol::http_request& request) noexcept;

}  // namespace pb::http
