// actors/issue_state: what the actor of one work item adds to the pipeline of entities: what it
// knows of the item, reads of it, looks into the calendar. Private to issue_actor.cpp.
#pragma once
#include "actors/calendar_lane.hpp"
#include "actors/delivery_forms.hpp"
#include "actors/entity_pipeline.hpp"
#include "actors/plane_lane.hpp"
#include "sync/issue_chat.hpp"

namespace pb::actors {

class issue_state : public entity_pipeline, private plane_lane::owner {
public:
  static inline const char* name = "issue";
  explicit issue_state(entity_actor::pointer self) : entity_pipeline(self) {}

  entity_actor::behavior_type start(context_ptr ctx, entity_key key, std::uint64_t incarnation,
                                    dispatcher_actor dispatcher, issue_peers peers);

private:
  void recall(const persistence::entity_state& state) override;
  void judge_current() override;
  /// What was seen in the calendar, or came from Plane, while our own write there is under way may
  /// be that very write.
  bool waits_for_outcome(const delivery& d) override;
  std::string write_row() override;
  void on_answer(const exchange_performed& m) override;
  void on_calendar(const calendar_answered& m) override { calendar_->on_calendar(m); }
  /// What Plane told goes before what we found ourselves.
  [[nodiscard]] urgency hurry() const override;
  void forget() override { calendar_->forget(); }
  void tell_about(boost::json::object& into) const override;

  // Conversations (issue_conversations.cpp)
  [[nodiscard]] place plane_place() const override {
    return {known_.project, std::string{key_.id()}};
  }
  [[nodiscard]] protocol::plane::item_names names_for(
      const sync::plane_write& what) const override {
    const auto* fields = std::get_if<sync::item_update>(&what);
    return fields != nullptr ? sync::names_for(*fields, known_) : protocol::plane::item_names{};
  }
  void written(const effect& e, const sync::plane_write& what, const sync::plane_outcome& how,
               persistence::write& unit) override;
  [[nodiscard]] sync::chat_setting chat_setting() const;
  void recall_conversations(const persistence::entity_state& state);
  plane_lane& writes();
  [[nodiscard]] std::vector<sync::queued_write> queued_writes() const;
  /// What conversations hear of it; goes with the plan of the delivery in hand. False: something
  /// has to be read first, and the delivery comes again or goes on then.
  bool tell_conversations(const sync::item_knowledge& before, const sync::item_knowledge& after,
                          const sync::heard& what);
  bool tell_comment(const sync::comment_heard& c);
  void on_comment(const performed& p);
  /// Which chats hear of new items of its project; then judge(what) again. Always false.
  bool want_channels(const sync::heard& what, const std::string& project);
  void on_fact(const fact_told& m) override;
  /// A conversation wants something of the item.
  void judge_request();
  /// A conversation asks for something, and hears what becomes of it.
  static bool is_request(const delivery& d);
  void decide_unread();
  void carry(sync::chat_plan plan, const origin& from, persistence::write& unit);
  /// Of the delivery in hand, for the timeline: its rule and what conversations have to do with it.
  std::string carry_chat(const std::string& rule);

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
  plane_lane* writes_ = nullptr;  ///< made when there is something to write
  std::vector<sync::binding> bindings_;
  // The rare and large ones apart: there is an actor for each item that is at work.
  std::unique_ptr<sync::chat_plan> chat_;         ///< of the delivery in hand
  std::unique_ptr<sync::comment_heard> comment_;  ///< that is being read
  std::unique_ptr<sync::heard> asks_channels_for_;
  std::unique_ptr<std::vector<sync::channel_mapping>> channels_;  ///< of a new item's project
  std::string project_hint_, read_in_;
  std::unique_ptr<sync::heard> first_answer_;  ///< of a read that goes on in another project
  int rereads_ = 0;
  bool just_read_ = false;
};

}  // namespace pb::actors
