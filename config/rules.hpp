// config/rules: what a value must be beyond its type (URLs, cron, zones, networks, keys), and what
// values must be together. Pure but for the tz database. For load.cpp and tests.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/value.hpp"

namespace pb::config {

/// The value of `e` in `s`, judged by its form; nothing when it is fine or not set.
std::optional<objection> check_form(const entry& e, const settings& s);

struct rule_finding {
  std::string key;  ///< dotted entry that is to be changed
  objection what;
  bool is_warning = false;
};
/// What entries contradict each other or are dangerous together.
std::vector<rule_finding> check_together(const settings& s);

/// http:// or https://, host, optional port and path; no user, query or fragment.
std::optional<objection> check_http_url(std::string_view url);
/// Host of a URL in lower case, without brackets and port; empty when there is none.
std::string host_of(std::string_view url);
/// localhost, *.localhost, 127.0.0.0/8, ::1.
bool is_loopback_host(std::string_view host);
/// Five fields with numbers, names, ranges, lists and steps.
std::optional<objection> check_cron(std::string_view text);
std::optional<objection> check_time_zone(const std::string& name);
/// An IPv4 or IPv6 address, with a prefix length when `with_prefix`.
bool is_network(std::string_view text, bool with_prefix);

}  // namespace pb::config
