// actors/messages: every message between actors, one struct per meaning. Big payloads travel as
// shared_ptr<const T>. Commands are verbs, reports past participles, timers "…_due".
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/caf.hpp"
#include "actors/connector_policy.hpp"
#include "actors/facts_desk.hpp"
#include "http/inbox.hpp"
#include "persistence/store.hpp"
#include "protocol/exchange.hpp"

namespace pb::actors {

/// Answers once: by call, or with `lost` when the last holder dies (a crashed actor's queue).
template <class T>
class reply_once {
public:
  reply_once(std::function<void(T)> to, T lost) : to_(std::move(to)), lost_(std::move(lost)) {}
  reply_once(const reply_once&) = delete;
  reply_once& operator=(const reply_once&) = delete;
  ~reply_once() {
    if (to_) to_(std::move(lost_));
  }
  void operator()(T value) {
    if (auto to = std::exchange(to_, nullptr)) to(std::move(value));
  }

private:
  std::function<void(T)> to_;
  T lost_;
};

// dispatcher -------------------------------------------------------------------------------------
/// Something is in context::journaled.
struct deliveries_journaled {};
struct journal_page_read {
  std::shared_ptr<const result<std::vector<persistence::delivery>>> page;
};
struct parked_page_read {
  entity_key key;
  std::shared_ptr<const result<std::vector<persistence::delivery>>> page;
};
struct due_entities_read {
  std::shared_ptr<const std::vector<entity_key>> keys;
};
/// From an entity actor: it finished what it was given, changed between busy and idle, or gives up.
struct entity_reported {
  entity_key key;
  std::uint64_t incarnation = 0;
  std::size_t finished = 0;  ///< deliveries
  bool idle = false;
  /// It waits for a remote system before it can plan: others may plan meanwhile.
  bool waiting = false;
  /// Hand nothing for this long, then read its pending deliveries again; they are in the journal.
  std::optional<std::chrono::milliseconds> park;
};
struct sweep_due {};
struct wake_entity {
  entity_key key;
};
/// Its rows were changed from outside, or may have been: what is in memory is dropped and read
/// again, once what is under way has ended.
struct reload_entity {
  entity_key key;
};

// entity actors ----------------------------------------------------------------------------------
struct handle_delivery {
  std::shared_ptr<const persistence::delivery> what;
};
struct wake {};
/// End when nothing of yours is under way any more, and say so: whoever comes after you must not
/// judge beside a write that is still on its way.
struct step_down {};
struct entity_loaded {
  std::shared_ptr<const result<persistence::entity_state>> state;
};
/// An answer of the facts desk to the question of this number.
struct fact_told {
  std::uint64_t token = 0;
  std::shared_ptr<const fact_answer> answer;
};
struct plan_committed {
  std::uint64_t token = 0;
  std::optional<failure> failed;
};
struct lane_due {
  std::uint64_t generation = 0;
};

// connectors -------------------------------------------------------------------------------------
struct perform {
  std::shared_ptr<protocol::exchange> what;
  urgency how = urgency::person;
  std::string on_behalf;  ///< entity key or task, for the probe
  std::shared_ptr<reply_once<performed>> reply;
};
struct answered {
  std::uint64_t token = 0;
  std::shared_ptr<result<protocol::http_response>> answer;
};
struct pump_due {
  std::uint64_t generation = 0;
};
struct again_due {
  std::uint64_t token = 0;
};
struct exchange_performed {
  std::uint64_t token = 0;
  std::shared_ptr<const performed> outcome;
};
/// A call whose outcome comes to `to` as exchange_performed{token} in any case: as errc::crashed
/// when the connector dies with it.
template <class Handle>
perform call_for(Handle to, std::uint64_t token, std::shared_ptr<protocol::exchange> what,
                 urgency how, std::string on_behalf, timestamp now) {
  performed lost;
  lost.what = what;
  lost.started_at = now;
  lost.failed = failure{
      errc::crashed, "connector", "the connector crashed with this call in flight", "", 0, "", {}};
  auto reply = std::make_shared<reply_once<performed>>(
      [to, token](performed p) {
        caf::anon_send(to,
                       exchange_performed{token, std::make_shared<const performed>(std::move(p))});
      },
      std::move(lost));
  return {std::move(what), how, std::move(on_behalf), std::move(reply)};
}

// supervisor -------------------------------------------------------------------------------------
struct restart_due {
  std::uint64_t generation = 0;
};

// calendar and Plane watchers, scheduler ---------------------------------------------------------
struct calendar_found {
  std::string href;
};
/// The href of the calendar of this project, made if need be.
struct want_calendar {
  std::string project;
  std::shared_ptr<reply_once<result<calendar_found>>> reply;
};
struct calendar_answered {
  std::uint64_t token = 0;
  std::shared_ptr<const result<calendar_found>> found;
};
struct forget_calendar {
  std::string project;
};
struct round_due {
  std::uint64_t generation = 0;
};
struct start_sync {
  std::string id, project;
  bool dry_run = false;
  bool forced = false;
};
struct known_entities_read {
  std::uint64_t token = 0;
  std::shared_ptr<const result<std::vector<persistence::entity_row>>> rows;
};
struct links_read {
  std::uint64_t token = 0;
  std::shared_ptr<const result<std::vector<persistence::link_row>>> rows;
  std::shared_ptr<const std::vector<entity_key>> withheld;  ///< entities with withheld effects
};
struct states_read {
  std::shared_ptr<const result<std::vector<std::pair<std::string, std::string>>>> entries;
};
struct deliveries_accepted {
  std::uint64_t token = 0;
  std::size_t how_many = 0;
  std::optional<failure> failed;
};

using dispatcher_actor =
    caf::typed_actor<handles<void, deliveries_journaled>, handles<void, journal_page_read>,
                     handles<void, parked_page_read>, handles<void, due_entities_read>,
                     handles<void, entity_reported>, handles<void, sweep_due>,
                     handles<void, wake_entity>, handles<void, reload_entity>>;
using entity_actor =
    caf::typed_actor<handles<void, handle_delivery>, handles<void, wake>, handles<void, step_down>,
                     handles<void, entity_loaded>, handles<void, plan_committed>,
                     handles<void, exchange_performed>, handles<void, calendar_answered>,
                     handles<void, fact_told>, handles<void, lane_due>>;
using connector_actor = caf::typed_actor<handles<void, perform>, handles<void, answered>,
                                         handles<void, pump_due>, handles<void, again_due>>;
/// What connectors look like from outside: the supervisor passes `perform` on to its child.
using connector_port = caf::typed_actor<handles<void, perform>, handles<void, restart_due>>;
using calendar_watch_actor =
    caf::typed_actor<handles<void, want_calendar>, handles<void, forget_calendar>,
                     handles<void, round_due>, handles<void, start_sync>,
                     handles<void, exchange_performed>, handles<void, links_read>,
                     handles<void, known_entities_read>, handles<void, deliveries_accepted>>;
using plane_watch_actor =
    caf::typed_actor<handles<void, round_due>, handles<void, start_sync>,
                     handles<void, exchange_performed>, handles<void, known_entities_read>,
                     handles<void, states_read>, handles<void, deliveries_accepted>>;

}  // namespace pb::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::deliveries_journaled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::journal_page_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::parked_page_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::due_entities_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::entity_reported)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::sweep_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::wake_entity)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::reload_entity)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::handle_delivery)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::wake)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::step_down)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::entity_loaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::fact_told)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::plan_committed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::lane_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::perform)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::answered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::pump_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::again_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::exchange_performed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::restart_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::want_calendar)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::calendar_answered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::forget_calendar)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::round_due)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::start_sync)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::known_entities_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::links_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::states_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pb::actors::deliveries_accepted)
