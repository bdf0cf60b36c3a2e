// http/inbox and inspector: what the endpoints need of the running system, without knowing an
// actor. actors/ implements both, app/ wires them.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/failure.hpp"
#include "persistence/rows.hpp"

namespace pb::http {

enum class accepted_as { accepted, duplicate, ignored };

struct acceptance {
  accepted_as as = accepted_as::accepted;
  std::int64_t seq = 0;
  /// Durable outside the journal while the database is away: no number yet, and whether it is a
  /// duplicate is not known yet.
  bool spooled = false;
};

/// Takes verified deliveries. The completion is called once, after the commit (or with a storage
/// failure when nothing durable took it), on any thread.
class inbox {
public:
  virtual ~inbox() = default;
  virtual void accept(persistence::delivery_append verified,
                      std::function<void(result<acceptance>)> done) = 0;
  /// A delivery of Plane's shape with a signature that does not fit names this work item. It is
  /// not believed; that a poll finds the item changed tells that our secret is the wrong one.
  virtual void wrongly_signed(std::string_view /*work_item*/, timestamp /*at*/) {}
};

/// Live state as JSON text. Reads probes only: never waits for an actor. Any thread.
class inspector {
public:
  virtual ~inspector() = default;
  struct actor_query {
    std::string kind, key, state, sort, cursor;
    std::size_t limit = 100;
  };
  /// {"data":[…],"page":{"next_cursor","has_more"}}
  [[nodiscard]] virtual std::string actors(const actor_query& q) const = 0;
  /// {"data":{…, "recent":[…], "effect":{…}}}; empty when there is no such actor.
  [[nodiscard]] virtual std::string actor(const std::string& id) const = 0;
  /// {"data":{…}}: scheduler threads, throughput, queue depths, cron entries with next run.
  [[nodiscard]] virtual std::string scheduler() const = 0;
  /// {"data":{"status":"ok|degraded|down","down":["caldav"…],"dependencies":{…},"gaps":{…}}}
  [[nodiscard]] virtual std::string health(bool detailed) const = 0;
  [[nodiscard]] virtual bool ready() const = 0;
  /// Server-sent events: calls back with each event's JSON until it returns false.
  virtual void subscribe(
      std::function<bool(std::string_view event, std::string_view json)> sink) = 0;
};

}  // namespace pb::http
