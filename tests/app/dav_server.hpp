// A real calendar server, started by tests/servers and looked at the way a calendar client does.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/caldav/auth.hpp"
#include "tests/app/bridge.hpp"

namespace pb::app::testing {

struct dav_kind {
  std::string script;                ///< of tests/servers
  std::vector<std::string> options;  ///< of its start
  std::vector<std::string> needs;    ///< programs
  /// False, said loudly, when a program is missing on this machine.
  [[nodiscard]] bool installed() const;
};

struct stored_event {
  std::string text;  ///< unfolded, LF
  std::string etag;
  /// Of the first such property in VEVENT, without its parameters.
  [[nodiscard]] std::string value(const std::string& property) const;
  [[nodiscard]] bool has_line(const std::string& beginning) const;
};

class dav_server {
public:
  explicit dav_server(const dav_kind& kind);
  dav_server(const dav_server&) = delete;
  dav_server& operator=(const dav_server&) = delete;
  ~dav_server();
  void configure(bridge& b) const;
  /// As configure() wants it, while it is not started.
  void start();
  void stop();

  [[nodiscard]] std::string calendar(const std::string& project) const;
  [[nodiscard]] std::string event_url(const std::string& project, const std::string& item) const;
  [[nodiscard]] std::optional<stored_event> event(const std::string& url);
  /// True only when the server says that there is none.
  [[nodiscard]] bool gone(const std::string& url);
  int put(const std::string& url, const std::string& text, const std::string& etag = {});
  /// Last pieces of the addresses of all objects of a calendar, sorted.
  [[nodiscard]] std::vector<std::string> names(const std::string& project);

private:
  answer dav(asked a);
  dav_kind kind_;
  scratch_folder folder_;
  std::string port_ = "0", url_, username_, password_, home_;
  bool runs_ = false;
  std::unique_ptr<protocol::caldav::authenticator> login_;
};

}  // namespace pb::app::testing
