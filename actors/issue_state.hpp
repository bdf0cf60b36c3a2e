// actors/issue_state: what the actor of one work item holds, and what it does: the serial pipeline
// of its deliveries (issue_actor.cpp) and its lane to the calendar (issue_lane.cpp). Private to
// these two.
#pragma once
#include <list>
#include <unordered_map>
#include <unordered_set>

#include "actors/delivery_forms.hpp"
#include "actors/issue_actor.hpp"

namespace pb::actors {

class issue_state {
public:
  using delivery = persistence::delivery;
  using effect = persistence::effect;
  using delivery_status = persistence::delivery_status;
  using effect_status = persistence::effect_status;
  using milliseconds = std::chrono::milliseconds;

  static inline const char* name = "issue";
  explicit issue_state(entity_actor::pointer self) : self_(self) {}

  entity_actor::behavior_type start(context_ptr ctx, entity_key key, std::uint64_t incarnation,
                                    dispatcher_actor dispatcher, issue_peers peers);

private:
  enum class call { read, commit, outcome_commit, effect, project, calendar };
  enum class phase { loading, idle, reading, committing, stopped };

  /// The effect that is with a connector, and what it was rendered from.
  struct dispatched {
    std::int64_t id = 0;
    sync::calendar_operation operation = sync::calendar_operation::put;
    std::string project, fingerprint, calendar, names;
    bool asked_project = false;
    urgency how = urgency::repair;
    effect row;                ///< as stored, should handling it crash
    sync::calendar_link link;  ///< likewise
  };

  // Loading
  void load();

  void on_loaded(const result<persistence::entity_state>& state);

  // The serial pipeline of deliveries
  void go_on();

  void plan_waiting();

  bool goes_along(const delivery& d) const;

  /// What was seen in the calendar while our own write to it is under way may be that very write.
  bool waits_for_outcome(const delivery& d);

  void handle_current();

  void judge(const sync::heard& what);

  /// That a webhook came, and what it told.
  void tell_sentinel(const sync::heard_webhook& w, const sync::settled* news);

  void plan(sync::item_knowledge now_known, std::string rule);

  void commit_plan(const sync::calendar_plan& plan, const std::string& reason);

  const effect& upsert_effect(const sync::calendar_plan& plan, timestamp now);
  static void revise(effect& e, const sync::calendar_plan::wanted& as);

  std::int64_t next_effect_id(std::int64_t cause) const;

  /// How much the delivery in hand hurries: what Plane told goes before what we found ourselves.
  [[nodiscard]] urgency hurry() const;

  // Reading the item behind a hint
  /// In the project where it was when last heard of; gone there, also in the one that this
  /// delivery names: it may have moved.
  void read_item(const std::string& why, bool elsewhere = false);

  void on_read(const performed& p);

  /// Away for now: the delivery stays in the journal, and neither actor nor budget is pinned. An
  /// answer that will not get better by waiting is counted, and ends as a dead letter.
  void read_failed(const failure& f);

  // A look into the calendar
  void judge_calendar();

  // Committing
  /// The current delivery is planned: its part of the unit is there.
  void planned(std::string_view ending);

  void submit_planned();

  void on_committed(const plan_committed& m);

  void report_finished(std::size_t how_many);

  void bury(const std::string& reason);

  /// An exception while judging: counted on the delivery, which dies after its attempts.
  void poison(const std::string& what);

  void count_attempt(const delivery& d, const std::string& why,
                     delivery_status as = delivery_status::pending);

  /// Memory is dropped; everything is in the store. The dispatcher reads our deliveries again
  /// later.
  void give_back(milliseconds pause, const std::string& why);

  /// When its write and its commits have ended: a successor must not judge beside them.
  void go_when_ended();

  /// The same at the dispatcher's wish, as soon as nothing is under way.
  void leave();

  // The lane
  effect* lane_head();

  std::vector<sync::queued_effect> queued() const;

  void dispatch_lane();

  /// An exception here is the effect's: it uses up an attempt, as a failure would, and what is in
  /// memory is dropped, since it may be half changed.
  template <class F>
  void in_lane(F work) {
    try {
      work();
    } catch (const std::exception& e) {
      if (!sent_) throw;
      effect row = sent_->row;
      link_ = sent_->link;
      persistence::write unit;
      const failure f{errc::crashed, "issue", e.what(), "", 0, "", {}};
      ++row.attempts;
      mark_failed(row, f, true, unit);
      unit.attempts.push_back(attempt_row(row, performed{}, f));
      ctx_->store.submit(std::move(unit), [](const auto&) {});
      drop_sent();  // whatever was under way has come back
      give_back(milliseconds{200}, e.what());
    }
  }

  void send_delete(const effect& e);

  static void read_target(const std::string& payload, std::string& href, std::string& etag);

  /// The page link and the project line need the project's names: asked for once, a bounded time.
  void want_facts();

  void ask_calendar();

  void on_calendar(const calendar_answered& m);

  void take_calendar(const calendar_answered& m);

  protocol::caldav::event_values render() const;
  std::string names() const;

  /// Kept for the next write, which then need not read first; not what is too large to be held by
  /// each of many.
  void remember_event(const put_result& r);

  // Outcomes
  void on_performed(const exchange_performed& m);

  void take_outcome(call what, const exchange_performed& m);

  void effect_done(const performed& p);

  void plan_anew(const effect& carried_out, persistence::write& unit);

  effect delete_elsewhere(const effect& cause, const std::string& href, const std::string& etag,
                          timestamp now);

  void effect_failed(const failure& f, const performed& p, bool sent);

  /// The effect's next attempt, or its end as a dead letter; true: it is tried again.
  bool mark_failed(effect& e, const failure& f, bool sent, persistence::write& unit);

  persistence::attempt attempt_row(const effect& e, const performed& p,
                                   const std::optional<failure>& f) const;

  void commit_outcome(persistence::write unit);

  void after_outcome();

  void drop_outcome();

  void drop_sent();

  // Small change
  std::uint64_t token_for(call what);

  void ask(const connector_port& whom, exchange_ptr what, urgency how, std::uint64_t token);

  effect* find_effect(std::int64_t id);

  persistence::link_row link_row() const;

  void arm_lane(milliseconds wait);

  bool is_idle() const;

  void report_idle();

  /// What it is in when no delivery is being planned: what its lane does.
  std::string resting_state();

  void announce_plan(const std::string& reason, const sync::calendar_plan& plan);
  void announce_effect(const effect& e, const std::string& how, const performed& p,
                       const std::optional<failure>& f);

  entity_actor::pointer self_;
  context_ptr ctx_;
  entity_key key_;
  std::uint64_t incarnation_ = 0;
  dispatcher_actor dispatcher_;
  issue_peers peers_;
  std::string uid_;
  std::shared_ptr<probe> probe_;

  phase phase_ = phase::loading;
  persistence::entity_row row_;
  sync::item_knowledge known_;
  sync::calendar_link link_;
  std::vector<effect> effects_;
  /// When the deliveries of effects planned in this life came; after a restart their plan's time.
  std::unordered_map<std::int64_t, timestamp> accepted_at_;
  /// Effects that somebody waits for, planned for a webhook in this life. What scans found, what a
  /// restart left and what an operator retried lets them pass.
  std::unordered_set<std::int64_t> hurried_;
  /// A list: most actors have nothing waiting, and a deque keeps half a kilobyte for that.
  std::list<std::shared_ptr<const delivery>> queue_;
  std::shared_ptr<const delivery> current_;
  struct planned_delivery {
    std::shared_ptr<const delivery> what;
    std::string_view ending;  ///< for metrics
  };
  std::vector<planned_delivery> planned_;  ///< not committed yet
  persistence::write unit_;                ///< theirs
  /// The event as it stands on the server, if that is known: out of the last exchange, until one
  /// fails or somebody else is seen to have changed it.
  struct standing_event {
    std::string href, etag, text;
  };
  std::optional<standing_event> stands_;
  // The rare and large ones apart: there is an actor for each item that is at work.
  std::unique_ptr<dispatched> sent_;
  timestamp sent_at_{};
  std::int64_t possibly_sent_ = 0, outcome_awaited_ = 0;
  std::unordered_map<std::uint64_t, call> calls_;
  std::uint64_t last_token_ = 0, lane_generation_ = 0;
  std::string project_hint_, read_in_;
  std::unique_ptr<sync::heard> first_answer_;  ///< of a read that goes on in another project
  int rereads_ = 0;
  unsigned commits_ = 0;               ///< under way
  std::optional<milliseconds> pause_;  ///< before the next life
  std::size_t passed_over_ = 0;        ///< handled before this life; not reported yet
  bool just_read_ = false, lane_armed_ = false, outcome_committing_ = false, woken_ = false,
       reported_idle_ = false, steps_down_ = false;
};

}  // namespace pb::actors
