// protocol/caldav/href: where a server's hrefs lead, and which of them may be followed with our
// credentials. Within this library an href is always an absolute URL, percent-encoded as the server
// gave it.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace pb::protocol::caldav {

struct url_parts {
  std::string scheme;     ///< lower case
  std::string authority;  ///< lower case, default port removed
  std::string host;       ///< lower case, without port
  std::string target;     ///< path and query as sent, at least "/"
};
/// http and https only, without userinfo; an empty scheme says "not such a URL".
url_parts split_url(std::string_view url);
/// "https://host:port".
std::string origin_of(std::string_view url);
/// Path without the query.
std::string path_of(std::string_view url);

/// An href (absolute, "//host/…", "/path" or relative) against the URL of the request that gave
/// it. Characters that may not stand in a URL are encoded. Empty when it leads nowhere.
std::string resolve_href(std::string_view request_url, std::string_view href);
/// Equal for two hrefs of the same resource: "@" or "%40", with or without the trailing slash.
std::string href_key(std::string_view href);
bool same_href(std::string_view a, std::string_view b);
/// With exactly one slash at its end.
std::string as_collection(std::string_view href);

/// Which hosts may get our credentials.
class host_policy {
public:
  host_policy() = default;
  /// @param allowed  further hosts, reached over https; "icloud.com" includes its sub-domains
  explicit host_policy(std::string_view configured_url, std::vector<std::string> allowed = {});
  /// The configured origin, the same host moved from http to https, or an allowed host.
  [[nodiscard]] bool allows(std::string_view url) const;

private:
  url_parts configured_;
  std::vector<std::string> allowed_;
};

}  // namespace pb::protocol::caldav
