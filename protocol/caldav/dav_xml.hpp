// protocol/caldav/dav_xml: WebDAV's XML, both ways. Elements are matched by namespace and local
// name only, prefixes mean nothing (docs/contracts/caldav.md, "Namespaces"). Answers are hostile
// input: no document type, no entities of their own, bounded size, depth and count.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/failure.hpp"
#include "protocol/http_message.hpp"

namespace pb::protocol::caldav {

enum class xml_space : unsigned char { none, dav, caldav, calendarserver, apple, other };

struct xml_node {
  xml_space space = xml_space::none;
  std::string name;  ///< local name
  std::string text;  ///< character data and CDATA of this element itself
  std::vector<std::pair<std::string, std::string>> attributes;  ///< without xmlns
  std::vector<xml_node> children;

  [[nodiscard]] const xml_node* child(xml_space s, std::string_view local) const noexcept;
  [[nodiscard]] bool is(xml_space s, std::string_view local) const noexcept {
    return space == s && name == local;
  }
  [[nodiscard]] std::string attribute(std::string_view local) const;
};

struct xml_limits {
  std::size_t bytes = 32U << 20;
  std::size_t depth = 32;
  std::size_t nodes = 1'000'000;
  std::size_t spaces_in_scope = 64;
};
/// errc::unexpected_answer, errc::too_large.
result<xml_node> parse_xml(std::string_view body, const xml_limits& limits = {});

struct propstat {
  int status = 0;
  std::vector<xml_node> properties;
};
struct dav_response {
  std::string href;  ///< as sent; empty when it was not readable
  int status = 0;    ///< of the response itself, 0 without one
  std::vector<propstat> stats;
  std::string condition;    ///< local name of the error's first child: "no-uid-conflict"
  std::string description;  ///< responsedescription

  /// A property that the server has (its propstat says 2xx); nullptr when absent.
  [[nodiscard]] const xml_node* property(xml_space s, std::string_view local) const noexcept;
  /// Its text without blanks around it; empty when absent.
  [[nodiscard]] std::string text_of(xml_space s, std::string_view local) const;
  /// The href elements in a property, as sent.
  [[nodiscard]] std::vector<std::string> hrefs_of(xml_space s, std::string_view local) const;
};
struct multistatus {
  std::vector<dav_response> responses;
  std::string sync_token;  ///< wherever among the children it stands

  /// Xandikos says "there is nothing" to a PROPFIND as a 207 whose only response is a 404.
  [[nodiscard]] bool says_missing() const noexcept;
};
result<multistatus> parse_multistatus(std::string_view body);

/// "HTTP/1.1 404 Not Found" → 404; 0 when it is not a status line.
int parse_status_line(std::string_view line) noexcept;

/// What a PUT, MKCALENDAR, MKCOL or DELETE came to: only 200, 201 and 204 are success, a 207 is a
/// failure with the inner status and the inner condition.
struct effective_status {
  int status = 0;
  std::string condition;    ///< "no-uid-conflict", "valid-calendar-data", "resource-must-be-null"
  std::string description;  ///< the server's words, cut
  [[nodiscard]] bool ok() const noexcept { return status == 200 || status == 201 || status == 204; }
};
effective_status status_of(const http_response& answer);

// Request bodies.
std::string body_find_principal();  ///< current-user-principal, resourcetype
std::string body_find_home();       ///< calendar-home-set
std::string body_list_calendars();
std::string body_list_etags();  ///< getetag, resourcetype
std::string body_get_etag();
std::string body_collection_state();  ///< getctag, sync-token
struct calendar_properties {
  std::string name;
  std::string color;  ///< "#RRGGBBAA"; empty: none
  std::string description;
};
std::string body_make_calendar(const calendar_properties& p);     ///< MKCALENDAR
std::string body_make_collection(const calendar_properties& p);   ///< extended MKCOL
std::string body_patch_properties(const calendar_properties& p);  ///< name and colour
/// `hrefs` are absolute URLs; their paths are sent.
std::string body_multiget(const std::vector<std::string>& hrefs);
/// The whole UID: a part of it matches on some servers only.
std::string body_query_uid(std::string_view uid);
std::string body_sync(std::string_view token);
std::string escape_xml(std::string_view text);

}  // namespace pb::protocol::caldav
