// actors/calendar_watch_state: what the calendar watcher holds, and what it does: finding and
// making calendars (calendar_watch.cpp), and its rounds, which look into all of them
// (calendar_round.cpp). Private to these two.
#pragma once
#include <map>
#include <set>
#include <unordered_map>

#include "actors/calendar_watch.hpp"
#include "actors/first_look.hpp"

namespace pb::actors {

class calendar_watch_state {
public:
  using milliseconds = std::chrono::milliseconds;

  static inline const char* name = "calendar-watch";
  explicit calendar_watch_state(calendar_watch_actor::pointer self) : self_(self) {}

  calendar_watch_actor::behavior_type start(context_ptr ctx, dispatcher_actor dispatcher,
                                            connector_port caldav,
                                            std::shared_ptr<const remotes> calls,
                                            std::shared_ptr<sync_board> board);

private:
  struct cached {
    std::string href;
    milliseconds until{0};
  };
  enum class call { discover, ensure, list };
  struct pending_call {
    call what;
    std::string key;
  };
  using reply_ptr = std::shared_ptr<reply_once<result<calendar_found>>>;

  std::string key_of(const std::string& project) const;

  // Finding and making calendars
  void on_want(const want_calendar& m);

  void forget(const std::string& project);

  void find(const std::string& key);

  /// Nobody asks again sooner than this: all that wait for a calendar would ask at once.
  failure not_available(failure f);

  void discover();

  void on_discovered(const performed& p);

  void no_home();

  void refuse_all(const failure& f);

  void on_ensured(const std::string& key, const performed& p);

  // A round: look into every calendar of ours
  struct round {
    start_sync ask;
    timestamp started{};
    bool listing = false;
    const options* rules = nullptr;   ///< of this round
    std::optional<first_look> first;  ///< the first round under these rules
    bool incomplete = false;
    std::set<entity_key> observed;
    std::map<std::string, std::string> to_list;  ///< project → calendar href
    std::map<std::string, std::map<std::string, std::string>> listed;  ///< project → href → etag
    std::string after_object;
    std::map<std::string, std::set<std::string>>
        seen;  ///< project → decoded hrefs that a link claims
    std::vector<persistence::delivery_append> found;
    std::size_t right = 0, events = 0;
  };

  void begin_round(const start_sync& ask);

  void list_calendars();

  void add_listing(const std::string& project);

  const std::string* in_home(const std::string& href) const;

  void on_listed(const std::string& project, const performed& p);

  void read_links();

  void on_links(const links_read& m);

  void read_entities(const std::string& after);

  void on_entities(const known_entities_read& m);

  void compare(const persistence::link_row& l);

  /// Do names and addresses that the item's own values do not hold still read as in its event?
  bool same_names(const sync::calendar_base& base);

  void unlinked(const std::string& project, const std::string& href, const std::string& etag);

  void observe(const entity_key& entity, const std::string& project, bool present,
               const std::string& href, const std::string& etag, const char* what);

  void journal_found();

  void on_accepted(const deliveries_accepted& m);

  void fail_round(const failure& f);

  void end_round();

  // Calls
  void ask(exchange_ptr what, urgency how, pending_call c);

  void on_performed(const exchange_performed& m);

  calendar_watch_actor::pointer self_;
  context_ptr ctx_;
  dispatcher_actor dispatcher_;
  connector_port caldav_;
  std::shared_ptr<const remotes> calls_;
  std::shared_ptr<sync_board> board_;
  std::shared_ptr<probe> probe_;
  remotes::calendar_home home_;
  milliseconds home_until_{0};
  std::map<std::string, cached> calendars_;
  std::map<std::string, std::vector<reply_ptr>> waiters_;
  std::set<std::string> finding_;
  std::optional<round> round_;
  std::vector<start_sync> queued_;
  std::unordered_map<std::uint64_t, pending_call> pending_;
  std::uint64_t last_token_ = 0, round_generation_ = 0;
  bool discovering_ = false;
  unsigned failed_in_a_row_ = 0;
  const options* checked_rules_ = nullptr;  ///< every entity was compared with these
};

}  // namespace pb::actors
