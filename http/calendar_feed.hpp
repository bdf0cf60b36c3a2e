// http/calendar_feed: GET /calendar/{token}.ics, the calendar for programs that subscribe to a
// URL. The token in the path is the only secret, so a wrong one looks like a page that does not
// exist. The text comes from a function that app/ gives (built from the store on its reader
// thread); here are the token, ETag and If-None-Match. Wired by app/.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/failure.hpp"
#include "http/secret_list.hpp"
#include "http/server.hpp"

namespace pb::http {

/// Calls back once, on any thread, with a whole iCalendar text. An empty filter means everything;
/// else it is a project's uuid or identifier (errc::not_found when there is none such).
using calendar_body =
    std::function<void(std::string project_filter, std::function<void(result<std::string>)> done)>;

struct calendar_feed_options {
  std::shared_ptr<secret_list> tokens;  ///< several while they rotate
};

/// `?project=` filters.
void add_calendar_feed(server& to, calendar_feed_options options, calendar_body body);
route calendar_feed_route(calendar_feed_options options, calendar_body body);

/// Strong: equal texts have equal tags. With its quotes.
std::string strong_etag(std::string_view text);
/// Does an If-None-Match name this tag? Weak comparison, lists and "*" (RFC 9110, 13.1.2).
bool names_etag(std::string_view if_none_match, std::string_view etag) noexcept;

}  // namespace pb::http
