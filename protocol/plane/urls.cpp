#include "protocol/plane/urls.hpp"

#include <algorithm>
#include <array>
#include <boost/url.hpp>
#include <charconv>
#include <optional>
#include <vector>

#include "base/ascii.hpp"
#include "base/entity.hpp"
#include "protocol/http_message.hpp"
#include "protocol/plane/requests.hpp"

namespace pb::protocol::plane {
namespace {

constexpr std::string_view op_link = "plane.parse_link";
constexpr std::size_t max_link_bytes = 2048, max_slug = 48, max_identifier_bytes = 48,
                      max_segments = 12;

failure no_link(std::string_view why) {
  return {.code = errc::bad_input, .where = std::string{op_link}, .detail = std::string{why}};
}

/// As people paste it: blanks around it, and the brackets of "<https://…>".
std::string_view unwrapped(std::string_view text) noexcept {
  const auto begin = text.find_first_not_of(" \t\r\n<");
  if (begin == std::string_view::npos) return {};
  const auto end = text.find_last_not_of(" \t\r\n>");
  return text.substr(begin, end - begin + 1);
}

/// An address bar may show letters that a URL must have encoded.
std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80)
      out += percent_encode(std::string_view{&c, 1});
    else
      out += c;
  }
  return out;
}

struct authority {
  std::string host, port;  ///< port empty: the scheme's own
  friend bool operator==(const authority&, const authority&) = default;
};

std::optional<authority> authority_of(boost::urls::url_view u) {
  const auto scheme = lower_case(std::string_view{u.scheme().data(), u.scheme().size()});
  if ((scheme != "http" && scheme != "https") || u.has_userinfo()) return std::nullopt;
  authority a;
  a.host = lower_case(u.host());
  a.port = std::string{u.port().data(), u.port().size()};
  if (a.host.empty()) return std::nullopt;
  if (a.port == (scheme == "http" ? "80" : "443")) a.port.clear();
  return a;
}

std::optional<authority> authority_of(std::string_view origin) {
  const auto u = boost::urls::parse_uri(boost::urls::string_view{origin.data(), origin.size()});
  if (!u) return std::nullopt;
  return authority_of(*u);
}

bool is_slug(std::string_view text) noexcept {
  if (text.empty() || text.size() > max_slug) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

/// First segments that are Plane's own pages and never a workspace.
bool is_reserved(std::string_view text) noexcept {
  static constexpr std::array<std::string_view, 17> words{"404",
                                                          "accounts",
                                                          "api",
                                                          "create-workspace",
                                                          "god-mode",
                                                          "installations",
                                                          "invitations",
                                                          "onboarding",
                                                          "profile",
                                                          "spaces",
                                                          "workspace-invitations",
                                                          "sign-in",
                                                          "sign-up",
                                                          "signin",
                                                          "signup",
                                                          "settings",
                                                          "login"};
  return std::find(words.begin(), words.end(), text) != words.end() || text == "register" ||
         text == "auth" || text == "accounts";
}

/// "GW-42", cut at the last dash.
bool read_key(std::string_view text, plane_link& out) {
  const auto cut = text.rfind('-');
  if (cut == std::string_view::npos || cut == 0 || cut > max_identifier_bytes) return false;
  const auto digits = text.substr(cut + 1);
  if (digits.empty() || digits.size() > 10 ||
      digits.find_first_not_of("0123456789") != std::string_view::npos)
    return false;
  std::from_chars(digits.data(), digits.data() + digits.size(), out.sequence);
  for (const char c : text.substr(0, cut))
    if (static_cast<unsigned char>(c) <= ' ' || c == '/' || c == 0x7f) return false;
  out.identifier = upper_case(text.substr(0, cut));
  return out.sequence > 0;
}

using path_pieces = std::vector<std::string>;

std::string query_value(boost::urls::url_view u, std::string_view key) {
  for (const auto& p : u.params())
    if (std::string_view{p.key.data(), p.key.size()} == key)
      return {p.value.data(), p.value.size()};
  return {};
}

/// What stands below /{slug}/projects/{uuid}/.
result<plane_link> below_project(plane_link out, const path_pieces& s, boost::urls::url_view u) {
  out.kind = link_kind::project;
  if (s.size() == 3) return out;
  const auto& section = s[3];
  const auto id_at = [&](std::size_t i) { return s.size() > i && is_uuid(s[i]); };
  const auto item_form = [&](link_kind k, std::size_t i) -> result<plane_link> {
    if (!id_at(i)) return no_link("the work item of the address is not a uuid");
    out.kind = k;
    out.item = s[i];
    return out;
  };
  const auto object_form = [&](link_kind k) -> result<plane_link> {
    if (s.size() == 4) return out;  // the list of them: the project
    if (!id_at(4)) return no_link("the object of the address is not a uuid");
    out.kind = k;
    out.object = s[4];
    return out;
  };
  if (section == "issues" || section == "work-items")
    return s.size() == 4 ? result<plane_link>{out} : item_form(link_kind::work_item, 4);
  if (section == "epics")
    return s.size() == 4 ? result<plane_link>{out} : item_form(link_kind::epic, 4);
  if (section == "archived-issues")
    return s.size() == 4 ? result<plane_link>{out} : item_form(link_kind::archived_item, 4);
  if (section == "archives") {
    if (s.size() >= 6 && (s[4] == "issues" || s[4] == "work-items"))
      return item_form(link_kind::archived_item, 5);
    return out;
  }
  if (section == "intake" || section == "inbox") {
    const auto id = lower_case(query_value(u, "inboxIssueId"));
    if (id.empty()) return out;
    if (!is_uuid(id)) return no_link("inboxIssueId is not a uuid");
    out.kind = link_kind::intake_item;
    out.item = id;
    return out;
  }
  if (section == "cycles") return object_form(link_kind::cycle);
  if (section == "modules") return object_form(link_kind::module);
  if (section == "views") return object_form(link_kind::view);
  if (section == "pages") return object_form(link_kind::page);
  return out;  // settings and whatever a release adds: at least the project is known
}

result<plane_link> published(const path_pieces& s, std::size_t from, boost::urls::url_view u) {
  if (s.size() < from + 2 || s[from + 1].empty())
    return no_link("a published board without a name");
  const auto id = lower_case(query_value(u, "peekId"));
  if (!is_uuid(id)) return no_link("a published board without peekId names no work item");
  plane_link out;
  out.kind = link_kind::published_item;
  out.anchor = s[from + 1];
  out.item = id;
  return out;
}

result<plane_link> read_path(const path_pieces& s, boost::urls::url_view u) {
  if (s.empty()) return no_link("the address names no workspace");
  const std::size_t from = s[0] == "spaces" ? 1 : 0;
  if (s.size() > from + 1 && s[from] == "issues" &&
      (from == 1 || !query_value(u, "peekId").empty()))
    return published(s, from, u);
  if (is_reserved(s[0])) return no_link("a page of Plane itself, not of a workspace");
  if (!is_slug(s[0])) return no_link("the workspace of the address is not a slug");
  plane_link out;
  out.slug = s[0];
  if (s.size() == 1) return out;
  if (s[1] == "browse") {
    if (s.size() != 3 || !read_key(s[2], out)) return no_link("not a key of the form GW-42");
    out.kind = link_kind::browse;
    return out;
  }
  if (s[1] == "projects" && s.size() > 2) {
    if (!is_uuid(s[2])) return no_link("the project of the address is not a uuid");
    out.project = s[2];
    return below_project(std::move(out), s, u);
  }
  if (s[1] == "settings" && s.size() > 3 && s[2] == "projects") {
    if (!is_uuid(s[3])) return no_link("the project of the address is not a uuid");
    out.kind = link_kind::project;
    out.project = s[3];
  }
  return out;
}

}  // namespace

std::string_view to_string(link_kind k) noexcept {
  switch (k) {
    case link_kind::browse:
      return "browse";
    case link_kind::work_item:
      return "work_item";
    case link_kind::archived_item:
      return "archived_item";
    case link_kind::intake_item:
      return "intake_item";
    case link_kind::epic:
      return "epic";
    case link_kind::published_item:
      return "published_item";
    case link_kind::project:
      return "project";
    case link_kind::cycle:
      return "cycle";
    case link_kind::module:
      return "module";
    case link_kind::view:
      return "view";
    case link_kind::page:
      return "page";
    case link_kind::workspace:
      break;
  }
  return "workspace";
}

result<plane_link> parse_link(std::string_view url, std::span<const std::string> origins) {
  const auto text = unwrapped(url);
  if (text.empty()) return no_link("empty");
  if (text.size() > max_link_bytes) return no_link("longer than 2048 bytes");
  auto whole = encoded(text);
  if (whole.find("://") == std::string::npos) whole.insert(0, "https://");
  const auto parsed = boost::urls::parse_uri(whole);
  if (!parsed) return no_link("not an address");
  const auto host = authority_of(*parsed);
  if (!host) return no_link("not an http or https address without a user name");
  const bool ours = std::any_of(origins.begin(), origins.end(), [&](const std::string& origin) {
    const auto a = authority_of(origin);
    return a && *a == *host;
  });
  if (!ours) return no_link("the host is not one of this Plane");
  path_pieces path;
  for (const auto& piece : parsed->segments()) {
    if (piece.empty()) continue;  // a trailing or doubled slash
    if (path.size() == max_segments) return no_link("a longer path than Plane has");
    std::string decoded{piece.data(), piece.size()};
    path.push_back(is_uuid(lower_case(decoded)) ? lower_case(decoded) : std::move(decoded));
  }
  return read_path(path, *parsed);
}

std::string item_page_url(std::string_view app_url, std::string_view slug,
                          std::string_view identifier, std::int64_t sequence,
                          std::string_view project, std::string_view id) {
  if (!identifier.empty() && sequence > 0) {
    const auto key = std::string{identifier} + '-' + std::to_string(sequence);
    return join_url(app_url, {slug, "browse", key}) + '/';
  }
  return join_url(app_url, {slug, "projects", project, "issues", id}) + '/';
}

std::string default_app_url(std::string_view base_url) {
  const auto base = bare_base(base_url);
  const auto u = boost::urls::parse_uri(boost::urls::string_view{base.data(), base.size()});
  if (!u) return std::string{base};
  if (lower_case(u->host()) == "api.plane.so") return "https://app.plane.so";
  std::string out{u->scheme().data(), u->scheme().size()};
  out += "://";
  const auto host = u->encoded_host_and_port();
  out.append(host.data(), host.size());
  return out;
}

}  // namespace pb::protocol::plane
