#include "config/rules.hpp"

#include <arpa/inet.h>
#include <date/tz.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "base/ascii.hpp"
#include "base/digest.hpp"

namespace pb::config {
namespace {

std::optional<int> small_number(std::string_view digits, int most) {
  int n = 0;
  if (digits.empty() || digits.size() > 5) return std::nullopt;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (error != std::errc{} || end != digits.data() + digits.size() || n < 0 || n > most)
    return std::nullopt;
  return n;
}

std::string_view authority_of(std::string_view url) {
  const std::size_t start = url.find("://");
  if (start == std::string_view::npos) return {};
  const std::string_view rest = url.substr(start + 3);
  return rest.substr(0, rest.find_first_of("/?#"));
}

std::optional<objection> check_host_and_port(std::string_view authority) {
  std::string_view host = authority, port;
  if (host.starts_with('[')) {
    const std::size_t close = host.find(']');
    if (close == std::string_view::npos || !is_network(host.substr(1, close - 1), false))
      return objection{"the URL's IPv6 address is not one"};
    port = host.substr(close + 1);
    if (!port.empty() && port[0] != ':')
      return objection{"the URL's port is not a number from 1 to 65535"};
    host = host.substr(0, close + 1);
  } else if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) {
    port = host.substr(colon);
    host = host.substr(0, colon);
  }
  if (host.empty()) return objection{"the URL names no host"};
  const bool sane =
      host.starts_with('[') || std::all_of(host.begin(), host.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_';
      });
  if (!sane)
    return objection{"the URL's host holds characters that host names do not have",
                     "write names with other letters in their ASCII form (xn--…)"};
  if (!port.empty()) {
    const auto n = small_number(port.substr(1), 65'535);
    if (!n || *n == 0) return objection{"the URL's port is not a number from 1 to 65535"};
  }
  return std::nullopt;
}

struct cron_field {
  std::string_view name;
  int least, most;
  std::string_view words;  ///< three letters each, the first means `least`
};
constexpr std::array<cron_field, 5> cron_fields{{
    {"minute", 0, 59, ""},
    {"hour", 0, 23, ""},
    {"day of month", 1, 31, ""},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"day of week", 0, 7, "sunmontuewedthufrisat"},
}};

std::optional<int> cron_value(const cron_field& f, std::string_view text) {
  if (text.size() == 3)
    if (const std::size_t at = f.words.find(lower_case(text));
        at != std::string_view::npos && at % 3 == 0)
      return f.least + static_cast<int>(at / 3);
  const auto n = small_number(text, f.most);
  return n && *n >= f.least ? n : std::nullopt;
}

bool cron_part_is_right(const cron_field& f, std::string_view part) {
  if (const std::size_t slash = part.find('/'); slash != std::string_view::npos) {
    const auto step = small_number(part.substr(slash + 1), f.most);
    if (!step || *step == 0) return false;
    part = part.substr(0, slash);
    if (part != "*" && part.find('-') == std::string_view::npos) return false;
  }
  if (part == "*") return true;
  const std::size_t dash = part.find('-');
  const auto first = cron_value(f, part.substr(0, dash));
  if (dash == std::string_view::npos) return first.has_value();
  const auto last = cron_value(f, part.substr(dash + 1));
  return first && last && *first <= *last;
}

std::optional<objection> check_key(std::string_view text) {
  const auto bytes = from_base64(text);
  if (bytes && bytes->size() == 32) return std::nullopt;
  return objection{
      bytes ? "the key is base64 of " + std::to_string(bytes->size()) + " bytes, not of 32"
            : "the key is not base64",
      "make one with: openssl rand -base64 32"};
}

std::optional<objection> check_proxy(std::string_view url) {
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    return objection{"the proxy is not an http:// or https:// URL", "write http://host:port"};
  std::string_view authority = authority_of(url);
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos)
    authority = authority.substr(at + 1);
  if (auto why = check_host_and_port(authority))
    return objection{"the proxy's host or port is not right"};
  return std::nullopt;
}

std::optional<objection> check_slug(std::string_view slug) {
  const bool sane = std::all_of(slug.begin(), slug.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
  });
  if (sane) return std::nullopt;
  return objection{"\"" + printable(slug) + "\" is not a workspace slug",
                   "write only the part of the URL that names the workspace: my-team"};
}

}  // namespace

std::optional<objection> check_http_url(std::string_view url) {
  const std::string scheme = lower_case(url.substr(0, url.find("://")));
  if (url.find("://") == std::string_view::npos)
    return objection{"the URL does not begin with http:// or https://",
                     check_host_and_port(url.substr(0, url.find('/')))
                         ? ""
                         : "write https://" + printable(url, 200)};
  if (scheme != "http" && scheme != "https")
    return objection{"the URL does not begin with http:// or https://"};
  if (std::any_of(url.begin(), url.end(), [](char c) {
        const auto u = static_cast<unsigned char>(c);
        return u <= 0x20 || u >= 0x7f || c == '\\' || c == '"' || c == '<' || c == '>';
      }))
    return objection{"the URL holds a blank or a character that must be percent-encoded"};
  if (authority_of(url).find('@') != std::string_view::npos)
    return objection{"the URL holds a user or a password", "use the entries for user and password"};
  if (url.find_first_of("?#") != std::string_view::npos)
    return objection{"the URL holds a query or a fragment",
                     "write it up to the \"?\" or \"#\" only"};
  return check_host_and_port(authority_of(url));
}

std::string host_of(std::string_view url) {
  std::string_view host = authority_of(url);
  if (const std::size_t at = host.rfind('@'); at != std::string_view::npos)
    host = host.substr(at + 1);
  if (host.starts_with('[')) return lower_case(host.substr(1, host.find(']') - 1));
  return lower_case(host.substr(0, host.find(':')));
}

bool is_loopback_host(std::string_view host) {
  const std::string name = lower_case(host);
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  in6_addr six{};
  if (inet_pton(AF_INET6, name.c_str(), &six) == 1) return IN6_IS_ADDR_LOOPBACK(&six) != 0;
  in_addr four{};
  return inet_pton(AF_INET, name.c_str(), &four) == 1 && (ntohl(four.s_addr) >> 24) == 127;
}

bool is_network(std::string_view text, bool with_prefix) {
  std::string_view address = text;
  std::optional<int> prefix;
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    prefix = small_number(text.substr(slash + 1), 128);
    if (!with_prefix || !prefix) return false;
    address = text.substr(0, slash);
  }
  const std::string copy{address};
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  if (inet_pton(AF_INET, copy.c_str(), bytes.data()) == 1) return !prefix || *prefix <= 32;
  return inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1;
}

std::optional<objection> check_cron(std::string_view text) {
  std::vector<std::string_view> fields;
  for (std::string_view rest = trimmed(text); !rest.empty();) {
    const std::size_t blank = rest.find_first_of(" \t");
    fields.push_back(rest.substr(0, blank));
    rest = blank == std::string_view::npos ? std::string_view{} : trimmed(rest.substr(blank));
  }
  if (fields.size() != cron_fields.size())
    return objection{"a cron entry has five fields, this one has " + std::to_string(fields.size()),
                     "minute hour day-of-month month day-of-week, as in \"17 3 * * *\""};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    std::string_view rest = fields[i];
    while (true) {
      const std::size_t comma = rest.find(',');
      if (!cron_part_is_right(cron_fields[i], rest.substr(0, comma)))
        return objection{"\"" + printable(fields[i]) + "\" is not a " +
                         std::string{cron_fields[i].name} + " field (" +
                         std::to_string(cron_fields[i].least) + " to " +
                         std::to_string(cron_fields[i].most) + ", *, lists, ranges, steps)"};
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return std::nullopt;
}

std::optional<objection> check_time_zone(const std::string& name) try {
  const auto& zones = date::get_tzdb().zones;
  std::vector<std::string> names;
  for (const auto& zone : zones) {
    if (zone.name() == name) return std::nullopt;
    names.push_back(zone.name());
  }
  auto near = nearest(name, names);
  // "Shanghai" alone means the zone that ends with it.
  for (const std::string& known : names)
    if (lower_case(known).ends_with("/" + lower_case(name))) near = known;
  return objection{
      "\"" + printable(name) + "\" is not a time zone that the tz database knows",
      near ? "did you mean \"" + *near + "\"?" : "write a name such as Asia/Shanghai or UTC"};
} catch (const std::exception&) {
  // The library reports a missing database by throwing.
  return objection{"the machine has no tz database", "install the package tzdata"};
}

std::optional<objection> check_form(const entry& e, const settings& s) {
  const std::string text = e.is_secret() || e.is_list() ? std::string{} : display(e, s);
  switch (e.must_be) {
    case form::any:
      return std::nullopt;
    case form::http_url:
      return text.empty() ? std::nullopt : check_http_url(text);
    case form::slug:
      return check_slug(text);
    case form::cron:
      return text.empty() ? std::nullopt : check_cron(text);
    case form::time_zone:
      return check_time_zone(text);
    case form::address:
      if (is_network(text, false)) return std::nullopt;
      return objection{
          "\"" + printable(text) + "\" is not an IP address",
          "write 0.0.0.0 for all, :: for all including IPv6, 127.0.0.1 for this machine only"};
    case form::network:
      for (const std::string& one : texts(e, s))
        if (!is_network(one, true))
          return objection{"\"" + printable(one) + "\" is neither an address nor a network",
                           "write 192.0.2.7, 10.0.0.0/8 or fd00::/8"};
      return std::nullopt;
    case form::base64_key:
      for (const std::string_view one : revealed(e, s))
        if (auto why = check_key(one)) return why;
      return std::nullopt;
    case form::proxy_url:
      for (const std::string_view one : revealed(e, s))
        if (auto why = check_proxy(one)) return why;
      return std::nullopt;
    case form::database_url:
      if (auto target = database_of(s); !target)
        return objection{target.error().detail, target.error().remedy};
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace pb::config
