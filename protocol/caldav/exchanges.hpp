// protocol/caldav/exchanges: reading and writing events on a server, one exchange per operation
// (docs/contracts/caldav.md, "Objects" and "Reactions"). The connector runs them; every exchange
// decides on what is there, read or guarded by its etag, so starting anew after an unknown outcome
// is safe.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/caldav/dav_exchange.hpp"
#include "protocol/caldav/merge.hpp"

namespace pb::protocol::caldav {

/// "{calendar}{uid percent-encoded}.ics": only for an event that has no stored href yet.
std::string event_href(std::string_view calendar, std::string_view uid);

struct put_event_request {
  std::string calendar;  ///< absolute URL
  std::string href;      ///< stored href; empty: none yet, derived
  event_values wanted;
  std::string known_etag, known_hash;  ///< as last agreed on; empty when lost
  /// What stood at `href` under `known_etag`, out of an earlier result: merged with and written
  /// over without reading it again, as long as the server says that it still stands. Empty: it is
  /// read.
  std::string known_text;
  std::vector<std::string> base_labels;
  int last_sequence = 0;
  std::optional<std::chrono::minutes> alarm;  ///< on create only
  /// False: an event that is gone stays gone (a person deleted it) and `missing` says so.
  bool create_if_missing = true;
  timestamp now{};
};
struct put_event_result {
  std::string href, etag;  ///< etag with its quotes, empty when the server keeps none
  std::string hash;        ///< content hash of what was wanted
  std::string text;  ///< what stands there under `etag`; empty unless a strong one came with it
  int sequence = 0;
  std::vector<std::string> labels;  ///< the next base
  bool wrote = false;               ///< false: the server copy already held our values
  bool created = false;
  bool put_back = false;  ///< a client had edited our values since they were agreed on
  bool missing = false;   ///< gone, and not created again
  bool foreign = false;   ///< another's object is at our href; not touched
  std::vector<std::string> notes;
};

class put_event_exchange final : public dav_exchange {
public:
  static constexpr int round_limit = 3;
  static constexpr std::size_t shortened_description = 4 * 1024;

  put_event_exchange(put_event_request request, host_policy hosts);
  [[nodiscard]] const put_event_result& outcome() const noexcept { return out_; }

private:
  enum class stage { read, write, etag_before, etag_after, find_uid, look_for_calendar };
  step begin() override;
  step on_answer(const http_response& answer) override;
  step read();
  step create();
  step write(std::string_view precondition, std::string_view value);
  step on_read(const http_response& answer);
  step merge_with(std::string_view server_copy);
  step on_gone(const http_response& answer);
  step write_over(const std::string& etag);
  step on_written(const http_response& answer);
  step on_refused(const http_response& answer);
  step on_etag_before(const http_response& answer);
  step on_etag_after(const http_response& answer);
  step on_found_uid(const http_response& answer);
  step another_round();
  [[nodiscard]] step done();

  put_event_request request_;
  event_values wanted_;
  std::string href_;
  stage stage_ = stage::read;
  merged merged_;
  std::string text_, server_etag_;
  int rounds_ = 0;
  bool creating_ = false, shortened_ = false, looked_for_uid_ = false;
  bool from_memory_ = false;  ///< nothing was read yet: merged with the text of the request
  std::optional<failure> conflict_;
  put_event_result out_;
};

struct delete_event_request {
  std::string href;  ///< stored or listed
  std::string etag;  ///< empty: read first
};
/// Deletes only what carries one of our UIDs; an href without an event is success.
class delete_event_exchange final : public dav_exchange {
public:
  static constexpr int round_limit = 3;
  delete_event_exchange(delete_event_request request, host_policy hosts);
  [[nodiscard]] bool deleted() const noexcept { return deleted_; }  ///< false: it was gone already
  [[nodiscard]] bool foreign() const noexcept { return foreign_; }  ///< left alone

private:
  enum class stage { remove, read };
  step begin() override;
  step on_answer(const http_response& answer) override;
  step read();
  step remove(const std::string& etag);
  step on_read(const http_response& answer);

  delete_event_request request_;
  stage stage_ = stage::remove;
  int rounds_ = 0;
  bool deleted_ = false, foreign_ = false;
};

struct event_entry {
  std::string href, etag;
};
/// All members of a calendar with their etags.
class list_events_exchange final : public dav_exchange {
public:
  static constexpr std::size_t event_limit = 100'000;
  list_events_exchange(std::string calendar, host_policy hosts);
  [[nodiscard]] const std::vector<event_entry>& events() const noexcept { return events_; }

private:
  step begin() override;
  step on_answer(const http_response& answer) override;
  std::string calendar_;
  std::vector<event_entry> events_;
};

struct fetched_event {
  std::string href, etag;
  std::string data;      ///< iCalendar text, trimmed
  bool missing = false;  ///< the server has no such member
};
/// calendar-multiget in as many calls as needed; answers come in the server's order.
class fetch_events_exchange final : public dav_exchange {
public:
  static constexpr std::size_t hrefs_per_call = 100;
  fetch_events_exchange(std::string calendar, std::vector<std::string> hrefs, host_policy hosts);
  [[nodiscard]] const std::vector<fetched_event>& events() const noexcept { return events_; }

private:
  step begin() override;
  step on_answer(const http_response& answer) override;
  step next();
  std::string calendar_;
  std::vector<std::string> hrefs_;
  std::size_t asked_ = 0;
  std::vector<fetched_event> events_;
};

struct collection_state {
  std::string ctag, sync_token;  ///< opaque
};
/// The cheap probe: did anything change?
class probe_calendar_exchange final : public dav_exchange {
public:
  probe_calendar_exchange(std::string calendar, host_policy hosts);
  [[nodiscard]] const collection_state& state() const noexcept { return state_; }

private:
  step begin() override;
  step on_answer(const http_response& answer) override;
  std::string calendar_;
  collection_state state_;
};

struct sync_changes {
  std::string token;  ///< for the next call; empty: the server has no such report
  std::vector<event_entry> changed;
  std::vector<std::string> removed;
  bool reset = false;  ///< the token was not taken: `changed` is everything, `removed` is unknown
};
class sync_calendar_exchange final : public dav_exchange {
public:
  static constexpr int page_limit = 1'000;
  sync_calendar_exchange(std::string calendar, std::string token, host_policy hosts);
  [[nodiscard]] const sync_changes& changes() const noexcept { return out_; }

private:
  step begin() override;
  step on_answer(const http_response& answer) override;
  step ask();
  std::string calendar_, token_;
  int pages_ = 0;
  sync_changes out_;
};

}  // namespace pb::protocol::caldav
