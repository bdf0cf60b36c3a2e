// persistence/rows: what the store keeps, as values. Times are int64 microseconds UTC, keys are
// text, bodies are bytes that the database never parses.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/entity.hpp"

namespace pb::protocol::plane {
struct webhook_event;
}

namespace pb::persistence {

enum class delivery_status : std::uint8_t {
  pending = 0,  ///< journaled, to be handled
  done = 1,     ///< handled; `reason` says how ("applied", "absorbed: echo-by-value", "stale" …)
  ignored = 2,  ///< a kind we do not use; `reason` says why
  dead = 3,     ///< a dead letter, with its reason; never removed by retention
  skipped = 4,  ///< a dead letter that an operator skipped
};

/// Open: somebody has to do something about it, this daemon or a person.
constexpr bool is_open(delivery_status s) noexcept {
  return s == delivery_status::pending || s == delivery_status::dead;
}

/// One row of the journal. `seq` is journal order; the store's writer assigns it.
struct delivery {
  std::int64_t seq = 0;
  std::string tenant;  ///< "default" until tenants exist
  std::string source;  ///< "plane", "caldav", "internal"
  std::string form;    ///< how the body reads: "plane.webhook", "plane.read", "plane.absent", …
  std::string event;   ///< "issue.updated"; for people, filters and metrics
  entity_key entity;   ///< empty for what concerns no entity
  std::shared_ptr<const std::string> body;
  timestamp received_at{};
  /// Not stored: when this process learned of its commit; nothing when it was read from the
  /// journal.
  std::optional<timestamp> committed_at;
  /// Not stored either: what its body says, when this process has just read it; a reader that
  /// finds nothing here parses the body.
  std::shared_ptr<const protocol::plane::webhook_event> said;
  delivery_status status = delivery_status::pending;
  std::string reason;
  std::int32_t attempts = 0;  ///< times that handling it crashed or failed
  std::string remote_id;      ///< the sender's delivery header, for people
};

/// A delivery on its way in. Duplicate when any identity is known for (tenant, source).
struct delivery_append {
  delivery row;
  std::vector<std::string> identities;  ///< stable-identity: raw bytes of a hash, or a short text
};

/// What we know of an entity: one row, read when its actor wakes, written with every plan.
struct entity_row {
  entity_key key;
  std::string tenant = "default";
  std::string parent;       ///< the project's uuid for a work item
  std::int64_t cursor = 0;  ///< highest journal seq handled
  std::string known;        ///< JSON, owned by sync/: last planned values, source times
  bool tombstone = false;   ///< gone or archived at its source
  timestamp changed_at{};
  std::string source_time;  ///< the source's own update time as last seen, for scans
  /// Not a column: it was read from the store, or its first write was committed. Writing it again
  /// is then an update, which costs half of an insert that meets a row.
  bool stored = false;
};

enum class effect_class : std::uint8_t { state = 0, append = 1, digest = 2 };
enum class effect_status : std::uint8_t {
  waiting = 0,
  done = 1,
  dead = 2,        ///< a dead letter
  superseded = 3,  ///< a newer state effect took its place, or a later one succeeded
  cancelled = 4,   ///< no longer wanted (reverted before it was attempted, skipped by an operator)
  withheld = 5,    ///< planned in shadow mode, never sent
};

/// One row of the outbox; the lane is (entity, integration).
struct effect {
  std::int64_t id = 0;  ///< cause << 8 | n: unique, ordered, made by the planner
  std::string tenant = "default";
  entity_key entity;
  std::string integration;  ///< "caldav"
  effect_class kind = effect_class::state;
  std::string operation;  ///< "caldav.put_event"
  std::string object;  ///< what it sets: "plane-issue-…@calplanebot"; state effects replace by it
  std::int64_t revision = 0;
  std::string payload;  ///< JSON; empty for state effects, which are rendered when dispatched
  std::string idempotency_key;
  std::string rule;  ///< the rule that made it
  effect_status status = effect_status::waiting;
  std::int32_t attempts = 0;
  timestamp created_at{};
  timestamp due_at{};
  std::int64_t cause = 0;  ///< seq of the delivery it was planned for
  std::string last_error;  ///< describe(failure); empty when none
  std::string remote_id;   ///< href, message id …, once known
  std::optional<timestamp> finished_at;
};

/// A durable relation between an entity and a remote object, with the base last agreed on.
struct link_row {
  std::string tenant = "default";
  entity_key entity;
  std::string integration;  ///< "caldav"
  std::string object;       ///< the UID: unique per (entity, integration)
  std::string remote_id;    ///< the href
  std::string state;        ///< "live", "muted", "diverged", "removed"
  std::string base;         ///< JSON, owned by sync/
  timestamp changed_at{};
};

struct attempt {
  std::int64_t effect = 0;
  std::int32_t number = 0;
  timestamp started_at{};
  std::chrono::microseconds took{0};
  int status = 0;      ///< HTTP status of the last answer, 0 without one
  std::string code;    ///< errc word, "none" when it went well
  std::string detail;  ///< the remote's words, masked and cut to 500 bytes
  std::string request_id;
};

/// Outlives the retention of bodies: why is this event here?
struct provenance {
  std::int64_t effect = 0;
  std::string tenant = "default";
  entity_key entity;
  std::string integration, operation, object, remote_id, rule;
  std::int64_t cause = 0;
  timestamp at{};
};

struct delivery_mark {
  std::int64_t seq = 0;
  delivery_status status = delivery_status::done;
  std::string reason;
  std::int32_t attempts = 0;
};

/// Scheduler state, watermarks, cached discoveries: small values by key.
struct state_entry {
  std::string key;
  std::optional<std::string> value;  ///< nothing deletes
};

/// A sealed secret; see persistence/sealing.hpp.
struct credential_row {
  std::string tenant = "default";
  std::string name;    ///< "plane.oauth.bot"
  std::string key_id;  ///< first 8 hex digits of the key's SHA-256
  std::string sealed;  ///< nonce, ciphertext, tag; empty: writing it deletes the row
  timestamp changed_at{};
};

/// What became of a message or comment, found again by its id for years. Never removed by
/// retention.
struct receipt_row {
  std::string integration, object;  ///< ("lark", "om_…"), ("plane", "<comment>@<thread>")
  entity_key entity;                ///< whose plan made it
  std::string remote_id;            ///< comment uuid, message id; empty: seen, nothing made yet
  timestamp at{};
};

/// Who found out that two accounts are one person. What a person entered is never overwritten by
/// what an e-mail address suggests.
enum class mapped_by : std::uint8_t { automatic = 0, manual = 1 };

/// A Feishu user and the Plane member who is the same person.
struct user_mapping_row {
  std::string open_id;  ///< "ou_…", per app; the key
  std::string tenant = "default";
  std::string union_id, name, email;
  std::string plane_user;  ///< uuid; empty: known, and mapped to nobody
  mapped_by how = mapped_by::manual;
  bool left = false;  ///< left the tenant: maps to nobody until it comes back
  timestamp changed_at{};
  /// Not a column: this write deletes the row.
  bool removed = false;
};

/// An administrator's rule: what a chat has to do with a project.
struct channel_mapping_row {
  std::string chat, project;  ///< "oc_…", uuid; together the key
  std::string tenant = "default";
  std::string options = "{}";  ///< JSON; see channel_options in sync/facts
  timestamp changed_at{};
  /// Not a column: this write deletes the row.
  bool removed = false;
};

}  // namespace pb::persistence
