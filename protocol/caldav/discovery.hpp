// protocol/caldav/discovery: from the configured URL to the calendars we may write, and a calendar
// made where there is none (docs/contracts/caldav.md, "Discovery" and "Making a calendar"). The
// connector runs these and caches what they find.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "protocol/caldav/dav_exchange.hpp"

namespace pb::protocol::caldav {

struct calendar_info {
  std::string href;  ///< absolute URL, as the server gave it
  std::string name, color, description;
  bool writable = false;
  std::string ctag, sync_token;  ///< opaque; empty when the server has none
};

/// "planebridge-{project uuid}": the same project always gives the same calendar, so that a crash
/// after making it cannot make a second one.
std::string calendar_slug(std::string_view project_uuid);
inline constexpr std::string_view single_calendar_slug = "planebridge";
/// "{home}{slug}/".
std::string calendar_href(std::string_view home, std::string_view slug);

/// A response of a listing as a calendar that can hold events; nothing for anything else.
std::optional<calendar_info> as_calendar(const dav_response& response, std::string href);

struct discovered {
  std::string principal;           ///< empty when the configured URL is itself a calendar
  std::vector<std::string> homes;  ///< absolute URLs of collections
  std::vector<calendar_info> calendars;
};

class discover_exchange final : public dav_exchange {
public:
  static constexpr std::size_t home_limit = 8;
  static constexpr std::size_t calendar_limit = 5'000;

  /// @param allowed_hosts  where else hrefs and redirects may lead with our credentials
  explicit discover_exchange(std::string configured_url,
                             std::vector<std::string> allowed_hosts = {});
  /// After `finished`.
  [[nodiscard]] const discovered& found() const noexcept { return found_; }

private:
  // One PROPFIND after the other: candidates, principal, each home.
  enum class stage { principal, home, listing };
  step begin() override;
  step on_answer(const http_response& answer) override;
  step next_candidate();
  step on_principal(const http_response& answer);
  step on_home(const http_response& answer);
  step on_listing(const http_response& answer);
  step next_home();

  std::string configured_url_;
  std::vector<std::string> candidates_;
  std::size_t candidate_ = 0, home_ = 0;
  stage stage_ = stage::principal;
  discovered found_;
};

struct ensure_calendar_request {
  std::string home, slug;
  calendar_properties properties;
};

/// Finds or makes `{home}{slug}/`. Name and colour are set once, when it is made (or found without
/// a name): a person may rename it afterwards.
class ensure_calendar_exchange final : public dav_exchange {
public:
  ensure_calendar_exchange(ensure_calendar_request request, host_policy hosts);
  [[nodiscard]] const calendar_info& calendar() const noexcept { return calendar_; }
  [[nodiscard]] bool created() const noexcept { return created_; }
  /// For the log: what the server refused although the calendar is there.
  [[nodiscard]] const std::vector<std::string>& notes() const noexcept { return notes_; }

private:
  enum class stage { look, make, make_collection, patch, read_back };
  step begin() override;
  step on_answer(const http_response& answer) override;
  step look(stage as);
  step on_look(const http_response& answer);
  step on_made(const http_response& answer);
  step patch();
  [[nodiscard]] failure by_hand(const http_response& answer) const;

  ensure_calendar_request request_;
  std::string href_;
  stage stage_ = stage::look;
  calendar_info calendar_;
  bool created_ = false, patched_ = false;
  std::optional<failure> refused_;  ///< why making it failed, when it may exist already
  std::vector<std::string> notes_;
};

}  // namespace pb::protocol::caldav
