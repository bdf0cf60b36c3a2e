// actors/entity_pipeline: what the actor of one entity does, whatever the entity is: it loads what
// is stored, takes its deliveries one at a time in journal order, plans each on what the one before
// it left, commits what belongs together in one transaction, and hands its effects to its lanes
// (actors/effect_lane). Judgement is in sync/; what a kind of entity adds are the virtual functions
// below. Private to entity actors; used on its actor's thread only.
#pragma once
#include <array>
#include <boost/json/fwd.hpp>
#include <list>
#include <unordered_map>
#include <unordered_set>

#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "sync/thread_rules.hpp"

namespace pb::actors {

class effect_lane;

/// Before what the store refused is tried again.
inline constexpr std::chrono::milliseconds storage_pause{2'000};
using exchange_ptr = std::shared_ptr<protocol::exchange>;

class entity_pipeline {
public:
  using delivery = persistence::delivery;
  using effect = persistence::effect;
  using delivery_status = persistence::delivery_status;
  using effect_status = persistence::effect_status;
  using milliseconds = std::chrono::milliseconds;

  entity_pipeline(const entity_pipeline&) = delete;
  entity_pipeline& operator=(const entity_pipeline&) = delete;

protected:
  friend class effect_lane;
  enum class phase { loading, idle, reading, committing, stopped };

  explicit entity_pipeline(entity_actor::pointer self);
  virtual ~entity_pipeline();

  entity_actor::behavior_type begin(const char* kind, context_ptr ctx, entity_key key,
                                    std::uint64_t incarnation, dispatcher_actor dispatcher);

  // What a kind of entity adds --------------------------------------------------------------------

  /// What is stored: knowledge and links. row_ and effects_ are taken over already.
  virtual void recall(const persistence::entity_state& state) = 0;
  /// Plans current_: ends in planned() or bury(), or in phase::reading until what it lacks is
  /// there. An exception counts on the delivery, which dies after its attempts.
  virtual void judge_current() = 0;
  /// What becomes of current_ depends on a write that is under way: it waits.
  virtual bool waits_for_outcome(const delivery&) { return false; }
  /// The columns of row_ that follow from what is known; returns that as JSON.
  virtual std::string write_row() = 0;
  /// What phase::reading waited for; current_ is still there.
  virtual void on_answer(const exchange_performed&) {}
  virtual void on_fact(const fact_told&) {}
  virtual void on_calendar(const calendar_answered&) {}
  /// How much the delivery in hand hurries.
  [[nodiscard]] virtual urgency hurry() const { return urgency::person; }
  /// What is remembered beside the store is not to be trusted any more.
  virtual void forget() {}
  /// What was planned is in the store from now on.
  virtual void committed() {}
  /// What people who watch are told beside its key.
  virtual void tell_about(boost::json::object& into) const = 0;

  // Planning --------------------------------------------------------------------------------------

  void go_on();
  /// The current delivery is planned: its part of the unit is there. "ignored…" is no use of it.
  void conclude(const std::string& reason);
  void planned(std::string_view ending);
  void submit_planned();
  void bury(const std::string& reason);
  /// An exception while judging: counted on the delivery, which dies after its attempts.
  void poison(const std::string& what);
  void count_attempt(const delivery& d, const std::string& why,
                     delivery_status as = delivery_status::pending);
  /// Memory is dropped; everything is in the store. The dispatcher reads our deliveries again
  /// later.
  void give_back(milliseconds pause, const std::string& why);
  /// Something remote is needed before current_ can be judged: false when what is planned has to be
  /// committed first, which must not wait for it; current_ then comes again.
  bool begin_reading(const char* from, const std::string& why);
  /// True while less than `at_most` has passed since it came; then it is looked at again.
  bool wait_at_most(const delivery& d, milliseconds at_most);

  /// The operators hear that something of this entity is a dead letter; unless it is what would
  /// tell them.
  void ring_for_dead(const std::string& what, const std::string& why) const;

  // Effects ---------------------------------------------------------------------------------------

  std::int64_t next_effect_id(std::int64_t cause) const;
  /// What something is planned for: a delivery, or the outcome of an effect.
  struct origin {
    std::int64_t cause = 0;  ///< seq of the delivery
    timestamp since{};       ///< when it came
    std::int64_t after = 0;  ///< the effect whose outcome it is; 0: none
    /// Of what is handed over for it: the same thing planned again is the same.
    [[nodiscard]] std::string identity() const;
  };
  [[nodiscard]] origin of_current() const { return {current_->seq, current_->received_at, 0}; }
  [[nodiscard]] static origin of_outcome(const effect& e) { return {e.cause, e.created_at, e.id}; }
  effect& add_effect(const char* integration, persistence::effect_class kind, std::string object,
                     timestamp now, timestamp due_at, const origin& from);
  /// Internal deliveries to other entities, journaled with the unit.
  void hand_over(const std::vector<sync::handed_over>& what, const origin& from,
                 persistence::write& unit);
  /// What is known goes into a unit that is no plan's. Not while a plan is being committed.
  void keep_row(persistence::write& unit);
  /// Somebody waits for it, if somebody waits for the current delivery.
  void note_hurry(const effect& e);
  effect* find_effect(std::int64_t id);
  void cancel_effects(const std::vector<std::int64_t>& ids, const std::string& rule,
                      persistence::write& unit);

  // Small change ----------------------------------------------------------------------------------

  struct pending_call {
    effect_lane* lane = nullptr;  ///< nobody: the pipeline's own
    std::uint8_t what = 0;
  };
  std::uint64_t token_for(std::uint8_t what, effect_lane* lane = nullptr);
  std::optional<pending_call> take_call(std::uint64_t token);
  void ask(const connector_port& whom, exchange_ptr what, urgency how, std::uint64_t token);
  /// Commits; plan_committed{token} follows. What the unit appends is handed to the dispatcher.
  void submit(persistence::write unit, std::uint64_t token);
  void announce_plan(const std::string& reason, bool with_effect);
  /// A place for one more lane; they stay as long as the actor.
  effect_lane& add_lane(std::unique_ptr<effect_lane> lane);

  static constexpr std::uint8_t call_read = 0, call_commit = 1, call_of_lane = 2;

  entity_actor::pointer self_;
  context_ptr ctx_;
  entity_key key_;
  dispatcher_actor dispatcher_;
  std::shared_ptr<probe> probe_;
  phase phase_ = phase::loading;
  persistence::entity_row row_;
  std::vector<effect> effects_;
  /// A list: most actors have nothing waiting, and a deque keeps half a kilobyte for that.
  std::list<std::shared_ptr<const delivery>> queue_;
  std::shared_ptr<const delivery> current_;
  persistence::write unit_;  ///< of what is planned and not committed yet
  bool steps_down_ = false;

private:
  void load();
  void on_loaded(const result<persistence::entity_state>& state);
  void plan_waiting();
  bool goes_along(const delivery& d) const;
  void handle_current();
  void on_committed(const plan_committed& m);
  void on_performed(const exchange_performed& m);
  void on_fact_told(const fact_told& m);
  void on_lane_due(const lane_due& m);
  /// What phase::reading waited for is there.
  template <class F>
  void go_on_with(F work);
  void report_finished(std::size_t how_many);
  /// When its writes and its commits have ended: a successor must not judge beside them.
  void go_when_ended();
  /// The same at the dispatcher's wish, as soon as nothing is under way.
  void leave();
  bool is_idle() const;
  void report_idle();
  /// What it is in when no delivery is being planned: what its lanes do.
  std::string resting_state();
  template <class F>
  bool any_lane(F holds) const;

  const char* kind_ = "entity";
  std::uint64_t incarnation_ = 0;
  std::array<std::unique_ptr<effect_lane>, 2> lanes_;
  /// When the deliveries of effects planned in this life came; after a restart their plan's time.
  std::unordered_map<std::int64_t, timestamp> accepted_at_;
  /// Effects that somebody waits for, planned for a webhook in this life. What scans found, what a
  /// restart left and what an operator retried lets them pass.
  std::unordered_set<std::int64_t> hurried_;
  struct planned_delivery {
    std::shared_ptr<const delivery> what;
    std::string_view ending;  ///< for metrics
  };
  std::vector<planned_delivery> planned_;  ///< not committed yet
  std::unordered_map<std::uint64_t, pending_call> calls_;
  std::uint64_t last_token_ = 0, last_generation_ = 0;  ///< of calls, of lanes' timers
  std::int64_t outcome_awaited_ = 0;
  unsigned commits_ = 0;               ///< under way
  std::optional<milliseconds> pause_;  ///< before the next life
  std::size_t passed_over_ = 0;        ///< handled before this life; not reported yet
  bool woken_ = false, reported_idle_ = false;
};

}  // namespace pb::actors
