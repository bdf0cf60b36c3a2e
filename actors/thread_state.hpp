// actors/thread_state: what the actor of a conversation adds to the pipeline of entities. Private
// to thread_actor.cpp and its lanes.
#pragma once
#include "actors/chat_lane.hpp"
#include "actors/entity_pipeline.hpp"
#include "actors/plane_lane.hpp"
#include "actors/thread_actor.hpp"
#include "sync/thread_rules.hpp"

namespace pb::actors {

class thread_state : public entity_pipeline,
                     private chat_lane::conversation,
                     private plane_lane::owner {
public:
  static inline const char* name = "thread";
  explicit thread_state(entity_actor::pointer self) : entity_pipeline(self) {}

  entity_actor::behavior_type start(context_ptr ctx, entity_key key, std::uint64_t incarnation,
                                    dispatcher_actor dispatcher, thread_peers peers);

private:
  /// What the delivery in hand lacks, and what was found of it so far.
  struct inquiry {
    std::uint64_t number = 0;
    std::vector<sync::need> open;
    sync::facts given;
    int rounds = 0;
    bool late = false;  ///< the time for facts is over: what else is lacking is given up
  };

  void recall(const persistence::entity_state& state) override;
  void judge_current() override;
  std::string write_row() override;
  void on_fact(const fact_told& m) override;
  void forget() override { inquiry_.reset(); }
  void committed() override;
  void tell_about(boost::json::object& into) const override;
  [[nodiscard]] const sync::thread_knowledge& known() const noexcept override { return known_; }
  void settled(const effect& e, const sync::message_outcome& how,
               persistence::write& unit) override;

  /// A new item belongs to no place yet.
  [[nodiscard]] place plane_place() const override { return {}; }
  void written(const effect& e, const sync::plane_write& what, const sync::plane_outcome& how,
               persistence::write& unit) override;

  void decide();
  [[nodiscard]] result<sync::thread_verdict> verdict(const sync::facts& given) const;
  void inquire(std::vector<sync::need> needs);
  void commit_plan(sync::thread_plan plan);
  /// Effects, hand-overs and receipts of a plan, into the unit; what is known is taken over.
  void carry(sync::thread_plan plan, const origin& from, persistence::write& unit);
  void unmap(const protocol::lark::person_left& p, persistence::write& unit);
  void want(const sync::wanted_message& w, const origin& from, persistence::write& unit);
  effect* waiting_like(const sync::wanted_message& w);

  thread_peers peers_;
  sync::thread_knowledge known_;
  chat_lane* chat_ = nullptr;
  std::unique_ptr<inquiry> inquiry_;
  std::uint64_t last_inquiry_ = 0;
  std::vector<std::string> left_;  ///< open_ids of a plan that is being committed
};

}  // namespace pb::actors
