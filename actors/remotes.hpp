// actors/remotes: makes the exchanges that actors ask connectors to perform, with this
// installation's addresses filled in, and reads their results. Pure glue to protocol/; no CAF.
#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/person_keys.hpp"
#include "protocol/caldav/event.hpp"
#include "protocol/caldav/href.hpp"
#include "protocol/exchange.hpp"
#include "protocol/lark/answers.hpp"
#include "protocol/plane/change_item.hpp"
#include "sync/calendar_rules.hpp"
#include "sync/plane_rules.hpp"
#include "sync/plane_write.hpp"

namespace pb::actors {

using exchange_ptr = std::shared_ptr<protocol::exchange>;

struct put_request {
  std::string calendar_href, event_href;  ///< event_href empty: derived from the UID
  protocol::caldav::event_values wanted;
  std::string etag, hash;
  std::string text{};  ///< what stands there under `etag`, if that is known; empty: it is read
  std::vector<std::string> base_labels;
  int last_sequence = 0;
  std::optional<int> alarm_minutes;
  timestamp now{};
};
struct put_result {
  std::string href, etag, hash;
  std::string text;  ///< what stands there under `etag`; empty: not known
  std::vector<std::string> labels;
  int sequence = 0;
  bool wrote = false;
  bool put_back = false;  ///< a client had edited our values since they were agreed on
  bool foreign = false;   ///< another's object is at our href; not touched
};

/// The addresses of one installation.
struct remotes {
  protocol::plane::api plane;
  std::string caldav_url;

  /// Plane as it is asked now: the path of items is learnt.
  [[nodiscard]] protocol::plane::api api_now() const;
  [[nodiscard]] exchange_ptr read_item(const std::string& project, const std::string& id) const;
  [[nodiscard]] static sync::heard heard_from(const protocol::exchange& read,
                                              timestamp requested_at);
  [[nodiscard]] exchange_ptr read_project(const std::string& id) const;
  [[nodiscard]] static std::optional<protocol::plane::project> project_from(
      const protocol::exchange& read);
  [[nodiscard]] exchange_ptr put_event(const put_request& r) const;
  [[nodiscard]] static put_result put_from(const protocol::exchange& put);
  /// Where our event of this UID is when nobody else made it.
  [[nodiscard]] static std::string event_href(const std::string& calendar, const std::string& uid);
  [[nodiscard]] exchange_ptr delete_event(const std::string& href, const std::string& etag) const;

  /// Where the calendars live, and which exist.
  struct calendar_home {
    std::string home;
    std::string fixed;  ///< the configured URL is itself a calendar: everything goes there
    std::vector<std::string> calendars;  ///< hrefs
  };
  [[nodiscard]] exchange_ptr discover() const;
  [[nodiscard]] static calendar_home home_from(const protocol::exchange& discovery);
  /// `project` empty: the one calendar for all.
  [[nodiscard]] exchange_ptr ensure_calendar(const std::string& home, const std::string& project,
                                             const std::string& display_name) const;
  [[nodiscard]] static std::string calendar_from(const protocol::exchange& ensured);
  [[nodiscard]] static std::string calendar_href(const std::string& home,
                                                 const std::string& project);
  struct listed_event {
    std::string href, etag;
  };
  [[nodiscard]] exchange_ptr list_events(const std::string& calendar) const;
  [[nodiscard]] static std::vector<listed_event> events_from(const protocol::exchange& listing);

  // What conversations have written (sync/plane_write).
  /// @param item  empty for plane.create_item: it takes its project from the write
  /// @param possibly_sent  an earlier attempt may have arrived: look before creating
  /// With the key of whoever asked where they gave one (protocol::call::credential) and the
  /// connector can use it (people); else with the connector's own, and their name in front.
  [[nodiscard]] exchange_ptr write(const sync::plane_write& what, const std::string& project,
                                   const std::string& item, protocol::plane::item_names names,
                                   bool possibly_sent) const;
  /// A file of a conversation with its bytes. What write() makes of one only looks whether an
  /// earlier attempt has brought it there.
  [[nodiscard]] exchange_ptr attach(const sync::file_copy& what, const std::string& project,
                                    const std::string& item, protocol::lark::downloaded file) const;
  [[nodiscard]] static sync::plane_outcome outcome_from(
      const protocol::exchange& written, const protocol::plane::item_names& names = {});
  [[nodiscard]] exchange_ptr read_comment(const std::string& project, const std::string& item,
                                          const std::string& comment) const;
  /// Nothing: it is gone.
  [[nodiscard]] static std::optional<protocol::plane::comment> comment_from(
      const protocol::exchange& read);

  // What polls and scans read.
  [[nodiscard]] exchange_ptr list_projects() const;
  [[nodiscard]] static std::vector<protocol::plane::project> projects_from(
      const protocol::exchange& list);
  /// One row of a list, as Plane gave it.
  struct listed_item {
    std::string id, updated_at, json;
  };
  /// Newest first down to `watermark` (RFC 3339; empty: everything), expanded.
  [[nodiscard]] exchange_ptr poll_items(const std::string& project,
                                        const std::string& watermark) const;
  /// All of a project: cut down to id and updated_at, or whole and expanded.
  [[nodiscard]] exchange_ptr scan_items(const std::string& project, bool whole) const;
  [[nodiscard]] static std::vector<listed_item> items_from(const protocol::exchange& listing);
  /// Old servers know "/issues/" only: probed once, learnt for all later calls.
  [[nodiscard]] exchange_ptr probe_items_path(const std::string& project) const;
  void learn_items_path(const protocol::exchange& probe) const;

  /// Plane's connector makes calls with people's own keys; unset: with the integration's alone.
  std::shared_ptr<person_keys> people{};

  std::shared_ptr<std::atomic<bool>> old_paths = std::make_shared<std::atomic<bool>>(false);

private:
  /// With the key of whoever asked for it, where that can be used.
  [[nodiscard]] exchange_ptr in_their_name(const sync::plane_write& what, exchange_ptr made) const;
  [[nodiscard]] protocol::caldav::host_policy hosts() const;
};

}  // namespace pb::actors
