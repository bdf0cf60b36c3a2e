#include "http/client_target.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <boost/url.hpp>
#include <charconv>

#include "base/ascii.hpp"
#include "base/digest.hpp"

namespace pb::http {
namespace {

namespace ip = boost::asio::ip;
using protocol::iequals;
using protocol::is_token;

constexpr std::size_t max_url_bytes = 16 * 1024;
constexpr std::size_t max_headers = 100;

failure refused(std::string detail, std::string remedy = {}) {
  return failure{.code = errc::bad_input,
                 .where = "http.client",
                 .detail = std::move(detail),
                 .remedy = std::move(remedy)};
}

bool is_sendable_value(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '\t' || (c >= ' ' && c <= '~'); });
}

std::optional<std::uint16_t> to_port(std::string_view text) noexcept {
  std::uint16_t port = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (ec != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

/// As an IPv6 address stands in a URL. (operator+ makes g++ 12 warn of an overlap that is not.)
std::string bracketed(std::string_view host) {
  std::string out;
  out.reserve(host.size() + 2);
  out += '[';
  out += host;
  out += ']';
  return out;
}

struct endpoint_of {
  std::string host, authority;
  bool literal = false;
};

result<endpoint_of> host_of(const boost::urls::url_view& url) {
  using boost::urls::host_type;
  endpoint_of out;
  const auto kind = url.host_type();
  if (kind == host_type::ipvfuture || kind == host_type::none) return refused("URL without a host");
  out.host = lower_case(std::string{url.host_address()});
  if (out.host.empty()) return refused("URL without a host");
  out.literal = kind == host_type::ipv4 || kind == host_type::ipv6;
  if (!out.literal)
    for (const char c : out.host)
      if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'))
        return refused("the URL's host is not a name in ASCII",
                       "write an international name in its xn-- form");
  out.authority = kind == host_type::ipv6 ? bracketed(out.host) : out.host;
  return out;
}

bool matches_network(const ip::address& host, std::string_view entry) {
  boost::system::error_code ec;
  if (host.is_v4()) {
    const auto net = ip::make_network_v4(std::string{entry}, ec);
    if (ec) return false;
    const auto all = ip::make_network_v4(host.to_v4(), net.prefix_length());
    return all.canonical() == net.canonical();
  }
  const auto net = ip::make_network_v6(std::string{entry}, ec);
  if (ec) return false;
  return ip::make_network_v6(host.to_v6(), net.prefix_length()).canonical() == net.canonical();
}

bool matches_entry(const call_target& target, std::string_view entry) {
  if (entry.empty()) return false;
  if (entry == "*") return true;
  std::string wanted = lower_case(entry);
  if (target.literal) {
    boost::system::error_code ec;
    const auto host = ip::make_address(target.host, ec);
    if (ec) return false;
    if (wanted.find('/') != std::string::npos) return matches_network(host, wanted);
    if (wanted == target.host || wanted == bracketed(target.host)) return true;
  }
  if (const auto colon = wanted.rfind(':');
      colon != std::string::npos && wanted.find(':') == colon) {
    if (to_port(std::string_view{wanted}.substr(colon + 1)) != target.port) return false;
    wanted.resize(colon);
  }
  if (wanted.starts_with("*.")) wanted.erase(0, 1);
  if (wanted.starts_with(".")) wanted.erase(0, 1);
  if (wanted.empty()) return false;
  return target.host == wanted || target.host.ends_with("." + wanted);
}

}  // namespace

std::string call_target::pool_key() const {
  return (tls ? "https " : "http ") + host + " " + std::to_string(port);
}

result<call_target> parse_target(std::string_view url) {
  if (url.size() > max_url_bytes) return refused("URL too long");
  const auto parsed = boost::urls::parse_uri({url.data(), url.size()});
  if (!parsed) return refused("not a URL: " + parsed.error().message());
  call_target out;
  const auto& u = *parsed;
  if (u.scheme_id() == boost::urls::scheme::https)
    out.tls = true;
  else if (u.scheme_id() != boost::urls::scheme::http)
    return refused("URL scheme is neither http nor https");
  if (u.has_userinfo())
    return refused("URL with a user or password in it", "configure them as entries of their own");
  if (u.has_fragment()) return refused("URL with a fragment");
  auto at = host_of(u);
  if (!at) return at.error();
  out.host = std::move(at->host);
  out.literal = at->literal;
  out.port = out.tls ? 443 : 80;
  out.authority = std::move(at->authority);
  if (u.has_port() && !u.port().empty()) {
    const auto port = to_port(std::string_view{u.port().data(), u.port().size()});
    if (!port) return refused("URL with an impossible port");
    if (*port != out.port) out.authority += ":" + std::to_string(*port);
    out.port = *port;
  }
  const auto path = u.encoded_path();
  out.path = path.empty() ? "/" : std::string{path.data(), path.size()};
  out.shown = (out.tls ? "https://" : "http://") + out.authority + out.path;
  if (u.has_query()) {
    const auto query = u.encoded_query();
    out.path += "?" + std::string{query.data(), query.size()};
  }
  return out;
}

result<proxy_address> parse_proxy(const secret& url) {
  const auto& text = url.reveal();
  const auto wrong = [](std::string what) {
    return refused("proxy: " + std::move(what), "write HTTPS_PROXY as http://host:port");
  };
  // other tools take "host:port" too
  const std::string whole = text.find("://") == std::string::npos ? "http://" + text : text;
  const auto parsed = boost::urls::parse_uri(whole);
  if (!parsed) return wrong("not a URL");
  const auto& u = *parsed;
  if (u.scheme_id() != boost::urls::scheme::http)
    return wrong("only proxies that are spoken to by plain http are supported");
  auto at = host_of(u);
  if (!at) return wrong("no host");
  proxy_address out;
  out.host = std::move(at->host);
  out.port = 80;
  if (u.has_port()) {
    const auto port = to_port(std::string_view{u.port().data(), u.port().size()});
    if (!port) return wrong("impossible port");
    out.port = *port;
  }
  if (u.has_userinfo())
    out.authorization = secret{"Basic " + to_base64(u.user() + ":" + u.password())};
  return out;
}

bool bypasses_proxy(const call_target& target, const std::vector<std::string>& no_proxy) {
  if (target.host == "localhost" || target.host.ends_with(".localhost")) return true;
  if (target.literal) {
    boost::system::error_code ec;
    const auto host = ip::make_address(target.host, ec);
    if (!ec && host.is_loopback()) return true;
  }
  return std::any_of(no_proxy.begin(), no_proxy.end(),
                     [&](const std::string& e) { return matches_entry(target, e); });
}

result<std::string> render_head(const protocol::http_request& request, const call_target& target,
                                std::string_view user_agent, bool absolute,
                                const secret& proxy_authorization) {
  static constexpr std::array<std::string_view, 8> ours{
      "Host", "Content-Length",   "Transfer-Encoding",   "Connection",
      "TE",   "Proxy-Connection", "Proxy-Authorization", "Upgrade"};
  if (!is_token(request.method)) return refused("the method is not a token");
  if (request.headers.size() > max_headers) return refused("too many headers");
  std::string head = request.method + " ";
  if (absolute) head += (target.tls ? "https://" : "http://") + target.authority;
  head += target.path + " HTTP/1.1\r\nHost: " + target.authority + "\r\n";
  bool has_agent = false;
  for (const auto& h : request.headers) {
    if (!is_token(h.name)) return refused("a header's name is not a token");
    if (!is_sendable_value(h.value))
      return refused("header " + h.name + " holds a control or non-ASCII character");
    if (std::any_of(ours.begin(), ours.end(), [&](auto o) { return iequals(o, h.name); }))
      return refused("header " + h.name + " is set by the client itself");
    has_agent = has_agent || iequals(h.name, "User-Agent");
    head += h.name + ": " + h.value + "\r\n";
  }
  if (!has_agent && !user_agent.empty())
    head.append("User-Agent: ").append(user_agent).append("\r\n");
  if (!proxy_authorization.empty())
    head += "Proxy-Authorization: " + proxy_authorization.reveal() + "\r\n";
  const auto& m = request.method;
  if (!request.body.empty() || m == "POST" || m == "PUT" || m == "PATCH")
    head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return head + "\r\n";
}

bool is_repeatable(const protocol::http_request& request) noexcept {
  static constexpr std::array<std::string_view, 5> reading{"GET", "HEAD", "OPTIONS", "PROPFIND",
                                                           "REPORT"};
  static constexpr std::array<std::string_view, 3> settling{"PUT", "DELETE", "PROPPATCH"};
  const auto is = [&](auto m) { return request.method == m; };
  if (std::any_of(reading.begin(), reading.end(), is)) return true;
  if (std::none_of(settling.begin(), settling.end(), is)) return false;
  return std::none_of(request.headers.begin(), request.headers.end(), [](const auto& h) {
    return iequals(h.name, "If-Match") || iequals(h.name, "If-None-Match");
  });
}

}  // namespace pb::http
