#include "protocol/caldav/href.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "protocol/http_message.hpp"

namespace pb::protocol::caldav {
namespace {
constexpr std::size_t href_limit = 4096;

/// Encodes what may not stand in a request target; "%" stays.
std::string sendable(std::string_view text) {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto b = static_cast<unsigned char>(c);
    if (b > 0x20 && b < 0x7F && c != '"' && c != '<' && c != '>' && c != '\\' && c != '^' &&
        c != '`' && c != '{' && c != '|' && c != '}') {
      out += c;
    } else {
      out += '%';
      out += hex[b >> 4];
      out += hex[b & 15];
    }
  }
  return out;
}

bool host_is(std::string_view host, std::string_view allowed) {
  if (host == allowed) return true;
  return host.size() > allowed.size() && host.ends_with(allowed) &&
         host[host.size() - allowed.size() - 1] == '.';
}
}  // namespace

url_parts split_url(std::string_view url) {
  const auto mark = url.find("://");
  if (mark == std::string_view::npos) return {};
  url_parts out;
  auto scheme = lower_case(url.substr(0, mark));
  if (scheme != "http" && scheme != "https") return {};
  url.remove_prefix(mark + 3);
  url = url.substr(0, url.find('#'));
  const auto end = std::min(url.find_first_of("/?"), url.size());
  out.authority = lower_case(url.substr(0, end));
  if (out.authority.empty() || out.authority.find_first_of("@ \r\n\t") != std::string::npos)
    return {};
  const std::string_view usual = scheme == "https" ? ":443" : ":80";
  if (out.authority.ends_with(usual)) out.authority.resize(out.authority.size() - usual.size());
  const auto bracket = out.authority.rfind(']');
  const auto colon = out.authority.rfind(':');
  const bool port = colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  out.host = port ? out.authority.substr(0, colon) : out.authority;
  out.target = url.substr(end);
  if (out.target.empty() || out.target.front() != '/') out.target.insert(0, "/");
  out.scheme = std::move(scheme);
  return out;
}

std::string origin_of(std::string_view url) {
  const auto parts = split_url(url);
  return parts.scheme.empty() ? std::string{} : parts.scheme + "://" + parts.authority;
}

std::string path_of(std::string_view url) {
  auto target = split_url(url).target;
  target.resize(std::min(target.find('?'), target.size()));
  return target;
}

std::string resolve_href(std::string_view request_url, std::string_view href) {
  while (!href.empty() && static_cast<unsigned char>(href.front()) <= 0x20) href.remove_prefix(1);
  while (!href.empty() && static_cast<unsigned char>(href.back()) <= 0x20) href.remove_suffix(1);
  if (href.empty() || href.size() > href_limit) return {};
  const auto base = split_url(request_url);
  if (base.scheme.empty()) return {};
  std::string url;
  if (href.starts_with("//"))
    url = base.scheme + ":" + std::string{href};
  else if (href.find("://") != std::string_view::npos && href.front() != '/')
    url = href;
  else if (href.front() == '/')
    url = origin_of(request_url) + std::string{href};
  else {
    const auto path = path_of(request_url);
    url = origin_of(request_url) + path.substr(0, path.rfind('/') + 1) + std::string{href};
  }
  const auto parts = split_url(url);
  if (parts.scheme.empty()) return {};
  return parts.scheme + "://" + parts.authority + sendable(parts.target);
}

std::string href_key(std::string_view href) {
  auto key = percent_decode(path_of(href));
  while (key.size() > 1 && key.back() == '/') key.pop_back();
  return origin_of(href) + key;
}

bool same_href(std::string_view a, std::string_view b) { return href_key(a) == href_key(b); }

std::string as_collection(std::string_view href) {
  while (!href.empty() && href.back() == '/') href.remove_suffix(1);
  return std::string{href} + "/";
}

host_policy::host_policy(std::string_view configured_url, std::vector<std::string> allowed)
    : configured_(split_url(configured_url)), allowed_(std::move(allowed)) {
  for (auto& host : allowed_) host = lower_case(host);
  // Its principals and homes live on pNN-caldav.icloud.com.
  if (host_is(configured_.host, "icloud.com")) allowed_.emplace_back("icloud.com");
}

bool host_policy::allows(std::string_view url) const {
  const auto parts = split_url(url);
  if (parts.scheme.empty() || configured_.scheme.empty()) return false;
  if (parts.scheme == configured_.scheme && parts.authority == configured_.authority) return true;
  if (parts.scheme != "https") return false;
  if (configured_.scheme == "http" && parts.host == configured_.host) return true;
  return std::any_of(allowed_.begin(), allowed_.end(),
                     [&](const auto& host) { return host_is(parts.host, host); });
}

}  // namespace pb::protocol::caldav
