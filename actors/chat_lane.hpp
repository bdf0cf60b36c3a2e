// actors/chat_lane: the lane of a conversation towards Feishu. Payloads are complete when they are
// planned (sync/lark_effects); what follows from an outcome is decided by sync::settle. Private to
// the thread actor.
#pragma once
#include "actors/effect_lane.hpp"
#include "actors/thread_actor.hpp"
#include "sync/thread_rules.hpp"

namespace pb::actors {

class chat_lane final : public effect_lane {
public:
  static constexpr const char* name = "lark";

  /// Whose lane it is.
  class conversation {
  public:
    [[nodiscard]] virtual const sync::thread_knowledge& known() const noexcept = 0;
    /// An effect has ended for good; what follows goes into the unit. May add effects.
    virtual void settled(const effect& e, const sync::message_outcome& how,
                         persistence::write& unit) = 0;

  protected:
    ~conversation() = default;
  };

  chat_lane(entity_pipeline& of, conversation& whose, const thread_peers& peers)
      : effect_lane(of, name), whose_(whose), peers_(peers) {}

private:
  bool may_send(const effect& head) override;
  /// What people say keeps its order. A digest that waits for the end of its burst or of quiet
  /// hours, and a card that waits for its turn, keep no answer waiting.
  [[nodiscard]] bool holds_back(const effect& e) const override {
    return e.kind == persistence::effect_class::append;
  }
  void carry_out(effect& head) override;
  bool changes_knowledge() const override { return true; }
  std::string settle(effect& e, const performed& p, persistence::write& unit) override;
  bool before_failure(effect& e, const failure& f, const performed& p,
                      persistence::write& unit) override;
  [[nodiscard]] bool is_final(const failure& f) const override;
  void died(const effect& e, const failure& f, persistence::write& unit) override;

  conversation& whose_;
  const thread_peers& peers_;
};

}  // namespace pb::actors
