// actors/issue_state: what the actor of one work item adds to the pipeline of entities: what it
// knows of the item, reads of it, looks into the calendar. Private to issue_actor.cpp.
#pragma once
#include "actors/calendar_lane.hpp"
#include "actors/delivery_forms.hpp"
#include "actors/entity_pipeline.hpp"

namespace pb::actors {

class issue_state : public entity_pipeline {
public:
  static inline const char* name = "issue";
  explicit issue_state(entity_actor::pointer self) : entity_pipeline(self) {}

  entity_actor::behavior_type start(context_ptr ctx, entity_key key, std::uint64_t incarnation,
                                    dispatcher_actor dispatcher, issue_peers peers);

private:
  void recall(const persistence::entity_state& state) override;
  void judge_current() override;
  /// What was seen in the calendar while our own write to it is under way may be that very write.
  bool waits_for_outcome(const delivery& d) override;
  std::string write_row() override;
  void on_answer(const exchange_performed& m) override;
  void on_calendar(const calendar_answered& m) override { calendar_->on_calendar(m); }
  /// What Plane told goes before what we found ourselves.
  [[nodiscard]] urgency hurry() const override;
  void forget() override { calendar_->forget(); }
  void tell_about(boost::json::object& into) const override;

  void judge(const sync::heard& what);
  /// That a webhook came, and what it told.
  void tell_sentinel(const sync::heard_webhook& w, const sync::settled* news);
  void plan(sync::item_knowledge now_known, std::string rule);
  void commit_plan(const sync::calendar_plan& plan, const std::string& reason);
  const effect& upsert_effect(const sync::calendar_plan& plan, timestamp now);

  /// In the project where it was when last heard of; gone there, also in the one that this
  /// delivery names: it may have moved.
  void read_item(const std::string& why, bool elsewhere = false);
  void on_read(const performed& p);
  /// Away for now: the delivery stays in the journal, and neither actor nor budget is pinned. An
  /// answer that will not get better by waiting is counted, and ends as a dead letter.
  void read_failed(const failure& f);
  void judge_calendar();

  issue_peers peers_;
  sync::item_knowledge known_;
  calendar_lane* calendar_ = nullptr;
  std::string project_hint_, read_in_;
  std::unique_ptr<sync::heard> first_answer_;  ///< of a read that goes on in another project
  int rereads_ = 0;
  bool just_read_ = false;
};

}  // namespace pb::actors
