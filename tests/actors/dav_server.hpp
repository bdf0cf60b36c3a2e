// tests/actors/dav_server: a small CalDAV server in memory: discovery, calendars, events with
// strong etags and preconditions. Answers at once; what goes wrong on the way is the wire's affair.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/http_message.hpp"

namespace pb::test {

class dav_server {
public:
  static constexpr const char* origin = "http://dav.test";
  static constexpr const char* url = "http://dav.test/dav/";

  protocol::http_response handle(const protocol::http_request& request);

  struct event {
    std::string etag, text;
  };
  struct calendar {
    std::string name;
    std::map<std::string, event> events;  ///< by decoded path
  };
  std::map<std::string, calendar> calendars;  ///< by decoded path, with its slash

  struct write {
    std::string path, text;  ///< text empty: a deletion
    std::string before{};    ///< what stood there; empty: nothing
    bool unheard = false;    ///< carried out when the caller had given up
  };
  std::vector<write> writes;  ///< what really changed an event, in order

  bool names_writes = true;  ///< an answer to PUT carries the etag
  bool unheard = false;      ///< what is handled now has no caller any more

  /// The event of this work item, wherever it is; twice in two calendars is an error of the test.
  [[nodiscard]] const event* find(const std::string& item) const;
  [[nodiscard]] std::size_t count(const std::string& item) const;
  [[nodiscard]] std::size_t events() const;
  /// What a person does in a calendar client.
  void edit(const std::string& item, const std::string& from, const std::string& to);
  void remove(const std::string& item);
  void add(const std::string& calendar_path, const std::string& file, const std::string& text);

private:
  protocol::http_response propfind(const std::string& path, bool deep);
  protocol::http_response put(const std::string& path, const protocol::http_request& r);
  protocol::http_response drop(const std::string& path, const protocol::http_request& r);
  protocol::http_response query(const std::string& path, const std::string& body);
  calendar* calendar_of(const std::string& path);
  std::string next_etag();
  unsigned last_etag_ = 0;
};

/// The first line of this property in an iCalendar text, unfolded, without its name and parameters.
std::string property(const std::string& ics, const std::string& name);

}  // namespace pb::test
