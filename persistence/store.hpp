// persistence/store: the one interface to durable state, over SQLite or PostgreSQL.
//
// Writes: submit() queues; one writer thread takes everything that waits when a transaction
// starts into that one transaction (group commit, no timer). A unit is atomic; a bad unit fails
// alone. The completion runs on the writer thread after the commit and must not block.
// Reads: read() runs a function on the reader thread with a synchronous reader.
// Both are safe from any thread. In tests and the simulation `inline_store` runs the same engine
// on the caller's thread.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/failure.hpp"
#include "persistence/rows.hpp"

namespace pb::persistence {

/// One atomic unit.
struct write {
  std::vector<delivery_append> appends;
  std::vector<entity_row> entities;  ///< whole row, upsert by key
  std::vector<effect> effects;       ///< whole row, upsert by id
  std::vector<link_row> links;       ///< whole row, upsert by (entity, integration, object)
  std::vector<delivery_mark> marks;
  std::vector<attempt> attempts;
  std::vector<provenance> provenances;
  std::vector<state_entry> states;
  std::vector<credential_row> credentials;
  std::vector<receipt_row> receipts;                  ///< upsert by (integration, object)
  std::vector<user_mapping_row> user_mappings;        ///< upsert or delete by open_id
  std::vector<channel_mapping_row> channel_mappings;  ///< upsert or delete by (chat, project)

  /// Its appends are a sender's, who waits for an answer: while the database is away it may be kept
  /// in the spool and is answered then (appended::spooled).
  bool may_spool = false;
  /// It comes out of the refuge and is not to go in again at the entrance.
  bool past_refuge = false;
};

struct appended {
  std::int64_t seq = 0;  ///< the new row's, or the earlier one's when duplicate (0 if forgotten)
  bool duplicate = false;
  /// Durable, but not in the journal yet: no number, and nobody knows yet whether it is new. What
  /// the database was doing with it may still end well; then the unit completes a second time.
  bool spooled = false;
};
struct written {
  std::vector<appended> appends;  ///< as many as the unit had, in order
};

/// Everything an entity actor needs to wake.
struct entity_state {
  std::optional<entity_row> row;
  std::vector<link_row> links;
  std::vector<effect> unfinished;  ///< waiting, dead and withheld effects, by id
};

struct page_of {
  std::int64_t after = 0;  ///< exclusive; 0 from the start
  std::size_t limit = 100;
  /// deliveries() and effects() only: downwards, `after` is then an upper bound and 0 the newest.
  bool newest_first = false;
};

struct delivery_filter {
  std::optional<delivery_status> status;
  std::string source, entity, event;  ///< empty: any
  bool bodies = true;  ///< false: empty ones, so that a list of large deliveries stays small
};
struct effect_filter {
  std::optional<effect_status> status;
  std::string entity, integration;
};

struct journal_counts {
  std::int64_t pending = 0, dead_deliveries = 0, waiting_effects = 0, dead_effects = 0;
  std::optional<timestamp> oldest_pending, oldest_waiting;
};

/// Synchronous queries; used on the reader thread only, inside the function given to read().
class reader {
public:
  virtual ~reader() = default;
  virtual result<entity_state> entity(const entity_key& key) = 0;
  /// The same for many, in the order of the keys, at the cost of one.
  virtual result<std::vector<entity_state>> entities(std::span<const entity_key> keys) = 0;
  /// Pending deliveries with bodies in journal order, seq > after.
  virtual result<std::vector<delivery>> pending(const page_of& page) = 0;
  /// Pending deliveries of one entity in journal order.
  virtual result<std::vector<delivery>> pending_of(const entity_key& key, std::size_t limit) = 0;
  /// Entities with a waiting effect whose due_at <= now, oldest first.
  virtual result<std::vector<entity_key>> due_entities(timestamp now, std::size_t limit) = 0;
  virtual result<std::vector<delivery>> deliveries(const delivery_filter& f,
                                                   const page_of& page) = 0;
  virtual result<std::optional<delivery>> delivery_by_seq(std::int64_t seq) = 0;
  virtual result<std::vector<effect>> effects(const effect_filter& f, const page_of& page) = 0;
  virtual result<std::optional<effect>> effect_by_id(std::int64_t id) = 0;
  virtual result<std::vector<attempt>> attempts_of(std::int64_t effect) = 0;
  virtual result<std::vector<provenance>> provenance_of(const entity_key& key,
                                                        std::size_t limit) = 0;
  virtual result<std::vector<link_row>> links_of(const std::string& integration,
                                                 const std::string& after_object,
                                                 std::size_t limit) = 0;
  /// Entities whose parent is this project (empty: all), by key, key > after.
  virtual result<std::vector<entity_row>> entities_of(const std::string& parent,
                                                      const std::string& after_key,
                                                      std::size_t limit) = 0;
  virtual result<std::optional<std::string>> state(const std::string& key) = 0;
  virtual result<std::vector<std::pair<std::string, std::string>>> states(
      const std::string& prefix) = 0;
  virtual result<std::optional<credential_row>> credential(const std::string& tenant,
                                                           const std::string& name) = 0;
  virtual result<std::vector<credential_row>> credentials() = 0;
  virtual result<std::optional<receipt_row>> receipt(const std::string& integration,
                                                     const std::string& object) = 0;
  /// Whose delivery has this identity, for as long as both are kept; nothing: none has.
  virtual result<std::optional<entity_key>> journaled_for(const std::string& source,
                                                          const std::string& identity) = 0;
  virtual result<std::optional<user_mapping_row>> user_mapping(const std::string& open_id) = 0;
  /// Who this Plane member is in Feishu: nobody who left; the one entered by hand before others.
  virtual result<std::optional<user_mapping_row>> user_mapping_by_plane_user(
      const std::string& plane_user) = 0;
  /// All, by open_id, open_id > after; those who left, too.
  virtual result<std::vector<user_mapping_row>> user_mappings(const std::string& after,
                                                              std::size_t limit) = 0;
  /// Of one chat, by project.
  virtual result<std::vector<channel_mapping_row>> channel_mappings(const std::string& chat) = 0;
  /// Of one project, by chat.
  virtual result<std::vector<channel_mapping_row>> channel_mappings_of_project(
      const std::string& project) = 0;
  /// All, by (chat, project) after the given one.
  virtual result<std::vector<channel_mapping_row>> all_channel_mappings(
      const std::string& after_chat, const std::string& after_project, std::size_t limit) = 0;
  virtual result<journal_counts> counts() = 0;
};

enum class store_health { up, reconnecting, down };

/// How long finished rows stay. Pending and dead deliveries, waiting and dead effects, links,
/// provenance and entities are never removed, whatever their age.
struct retention_limits {
  timestamp now{};
  int delivery_days = 7;
  int identity_days = 30;
};

/// Failures of submit(): errc::bad_input, the database refused the unit itself (its neighbours went
/// through); errc::storage, not written; errc::timed_out, the answer to the commit was lost and the
/// database did not come back in time to tell: it may be written, read before repeating.
class store {
public:
  using done = std::function<void(result<written>)>;
  virtual ~store() = default;
  virtual void submit(write unit, done completion) = 0;
  /// `body` gets the reader, or the failure when the database is away.
  virtual void read(std::function<void(result<reader*>)> body) = 0;
  /// What the actor of this entity needs. Loads that wait together are read together, beside and
  /// not behind what read() does.
  virtual void load(entity_key key, std::function<void(result<entity_state>)> completion) {
    read([key = std::move(key), completion = std::move(completion)](result<reader*> r) {
      completion(r ? (*r)->entity(key) : result<entity_state>{r.error()});
    });
  }
  [[nodiscard]] virtual store_health health() const noexcept = 0;
  /// Hands deliveries that have waited longer than this for the database to the refuge, if it has
  /// one: a server that accepts and says nothing looks like one that is up.
  virtual void relieve(std::chrono::milliseconds /*longest*/) {}
  /// Removes what is older than the limits in bounded slices, each a transaction of its own between
  /// which waiting units go first; completes with the number of rows removed.
  virtual void retain(retention_limits limits,
                      std::function<void(result<std::int64_t>)> completion) = 0;
};

/// Blocking forms for the command line and for start-up; never on a scheduler or HTTP thread.
result<written> submit_and_wait(store& s, write unit);
template <class F>
auto read_and_wait(store& s, F body) -> decltype(body(std::declval<reader&>()));

}  // namespace pb::persistence

#include "persistence/store_blocking.hpp"
