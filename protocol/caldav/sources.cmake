set(caldav_sources
  caldav/auth.cpp caldav/content_line.cpp caldav/dav_exchange.cpp caldav/dav_request.cpp
  caldav/dav_xml.cpp caldav/discovery.cpp caldav/ensure_calendar.cpp caldav/event.cpp
  caldav/exchanges.cpp caldav/feed.cpp caldav/href.cpp caldav/merge.cpp caldav/put_event.cpp
  caldav/reaction.cpp)
