// actors/effect_lane: the queue of effects of one entity towards one integration. At most one is
// under way: when it is due it is rendered from what is known then, sent through the connector,
// and its outcome is committed with what follows from it before the next one goes. Plain state of
// its entity's actor, no actor of its own. What an integration adds are the virtual functions.
#pragma once
#include <algorithm>
#include <memory>
#include <vector>

#include "actors/entity_pipeline.hpp"

namespace pb::actors {

class effect_lane {
public:
  using effect = persistence::effect;
  using effect_status = persistence::effect_status;
  using milliseconds = std::chrono::milliseconds;

  /// @param integration  a literal: it is kept
  effect_lane(entity_pipeline& of, const char* integration) : of_(of), integration_(integration) {}
  effect_lane(const effect_lane&) = delete;
  effect_lane& operator=(const effect_lane&) = delete;
  virtual ~effect_lane() = default;

  [[nodiscard]] const char* integration() const noexcept { return integration_; }
  /// Sends the first effect if it is due and nothing is under way.
  void dispatch();
  [[nodiscard]] bool busy() const noexcept { return sent_ != nullptr || committing_; }
  [[nodiscard]] bool on_the_wire() const noexcept {
    return sent_ != nullptr && !committing_ && !held_;
  }
  [[nodiscard]] bool armed() const noexcept { return armed_; }
  [[nodiscard]] bool is_sent(std::int64_t id) const noexcept { return sent_ && sent_->id == id; }
  /// It may have been sent: before a restart, or right now. Then it is neither replaced nor merged.
  [[nodiscard]] bool possibly_sent(const effect& e) const noexcept {
    return possibly_sent_before(e) || is_sent(e.id);
  }
  /// The same without what is under way now: whoever renders it looks before it repeats.
  [[nodiscard]] bool possibly_sent_before(const effect& e) const noexcept {
    return e.attempts > 0 ||
           std::find(possibly_sent_.begin(), possibly_sent_.end(), e.id) != possibly_sent_.end();
  }
  /// The next to go; the one that is due first while none may go yet.
  effect* head();
  const effect* head() const;

  // The actor's messages
  void loaded();
  /// Its timer, if it is that one's generation.
  bool on_due(std::uint64_t generation);
  void on_outcome(std::uint8_t what, const exchange_performed& m);
  void on_outcome_committed();
  /// What the entity knows is stored as it is in memory: outcomes that waited for that.
  void go_on_with_outcome();

protected:
  /// What is with a connector.
  struct dispatched {
    std::int64_t id = 0;
    urgency how = urgency::repair;
    effect row;  ///< as stored, should handling it crash
  };

  /// False: not now. Whatever changes that wakes the entity.
  virtual bool may_send(const effect& head) = 0;
  /// While it waits for its time those behind it wait too.
  [[nodiscard]] virtual bool holds_back(const effect& /*e*/) const { return true; }
  /// Before it counts as sent.
  virtual void take_up(const effect& /*head*/) {}
  /// Makes the first call for it. An exception is the effect's, as are those below.
  virtual void carry_out(effect& head) = 0;
  /// Its outcomes change what the entity knows, and are stored with it: they wait while a plan is
  /// being committed, since that may fail and theirs may not.
  [[nodiscard]] virtual bool changes_knowledge() const { return false; }
  /// An answer that is not the outcome: false, then it is that.
  virtual bool take_answer(std::uint8_t /*what*/, const exchange_performed& /*m*/) { return false; }
  /// It was answered well, and yet it is none: why.
  virtual std::optional<failure> refuses(const effect& /*e*/, const performed& /*p*/) {
    return std::nullopt;
  }
  /// What follows from its success, into the unit; returns the rule. May add effects: `e` is one of
  /// them and moves.
  virtual std::string settle(effect& e, const performed& p, persistence::write& unit) = 0;
  /// Before a failure is counted. False: `unit` and the effect are as they shall be, an attempt is
  /// recorded and nothing else.
  virtual bool before_failure(effect& /*e*/, const failure& /*f*/, const performed& /*p*/,
                              persistence::write& /*unit*/) {
    return true;
  }
  /// Failures of which no repetition can come anything.
  [[nodiscard]] virtual bool is_final(const failure& /*f*/) const { return false; }
  /// It is a dead letter now; errc::crashed: handling it was interrupted.
  virtual void died(const effect& /*e*/, const failure& /*f*/, persistence::write& /*unit*/) {}
  /// Handling it crashed: whatever was half changed is as it was when it was taken up.
  virtual void restore() {}
  virtual void released() {}  ///< nothing is under way any more

  /// An exception here is the effect's: it uses up an attempt, as a failure would, and what is in
  /// memory is dropped, since it may be half changed.
  template <class F>
  void guarded(F work) {
    try {
      work();
    } catch (const std::exception& e) {
      if (!sent_) throw;
      crashed(e.what());
    }
  }
  void effect_failed(const failure& f, const performed& p, bool sent);
  void drop_sent();
  void drop_outcome();
  /// Tokens of calls for the effect under way; `what` from call_first on is the integration's own.
  std::uint64_t token_for(std::uint8_t what);
  /// The effect's own call: what comes back is its outcome.
  void ask(const connector_port& whom, exchange_ptr what) {
    ask_with(whom, std::move(what), token_for(call_effect));
  }
  void ask_with(const connector_port& whom, exchange_ptr what, std::uint64_t token);

  static constexpr std::uint8_t call_effect = 0, call_outcome_commit = 1, call_first = 2;

  entity_pipeline& of_;
  std::unique_ptr<dispatched> sent_;

  // What lanes use of their entity; they are no friends of it, but this class is.
  [[nodiscard]] context& ctx() const noexcept { return *of_.ctx_; }
  [[nodiscard]] const entity_key& key() const noexcept { return of_.key_; }
  [[nodiscard]] entity_actor::pointer self() const noexcept { return of_.self_; }
  [[nodiscard]] std::vector<effect>& effects() const noexcept { return of_.effects_; }
  [[nodiscard]] bool steps_down() const noexcept { return of_.steps_down_; }
  [[nodiscard]] bool entity_stopped() const noexcept {
    return of_.phase_ == entity_pipeline::phase::stopped;
  }
  std::optional<entity_pipeline::pending_call> take_call(std::uint64_t token) {
    return of_.take_call(token);
  }
  effect* find_effect(std::int64_t id) const { return of_.find_effect(id); }
  std::int64_t next_effect_id(std::int64_t cause) const { return of_.next_effect_id(cause); }
  /// Whoever waits for `cause` waits for this one too.
  void hurry_like(const effect& cause, const effect& e);

private:
  struct held_outcome {
    std::uint8_t what = 0;
    exchange_performed answer;
  };
  void crashed(const char* what);
  void effect_done(const performed& p);
  /// The effect's next attempt, or its end as a dead letter; true: it is tried again.
  bool mark_failed(effect& e, const failure& f, bool sent, persistence::write& unit);
  persistence::attempt attempt_row(const effect& e, const performed& p,
                                   const std::optional<failure>& f) const;
  void commit_outcome(persistence::write unit);
  [[nodiscard]] bool overtakes(const effect& e, timestamp now) const;
  void arm(timestamp due);
  void announce(const effect& e, const std::string& how, const performed& p,
                const std::optional<failure>& f);

  const char* integration_;
  std::unique_ptr<held_outcome> held_;
  std::vector<std::int64_t> possibly_sent_;
  std::uint64_t generation_ = 0;
  timestamp armed_for_{};
  bool armed_ = false, committing_ = false;
};

}  // namespace pb::actors
