// actors/calendar_lane: the lane of a work item towards the calendar: one event for each item,
// rendered when it is sent. Judgement is in sync/calendar_rules. Private to the issue actor.
#pragma once
#include "actors/effect_lane.hpp"
#include "actors/issue_actor.hpp"

namespace pb::actors {

class calendar_lane final : public effect_lane {
public:
  /// `known` is the entity's, read when it is needed.
  calendar_lane(entity_pipeline& of, const sync::item_knowledge& known, const issue_peers& peers,
                std::string uid)
      : effect_lane(of, name), known_(known), peers_(peers), uid_(std::move(uid)) {}

  static constexpr const char* name = "caldav";

  [[nodiscard]] const std::string& uid() const noexcept { return uid_; }
  [[nodiscard]] const sync::calendar_link& link() const noexcept { return link_; }
  void take_link(const persistence::link_row& l);
  void set_link(const sync::calendar_link& l) { link_ = l; }
  [[nodiscard]] persistence::link_row link_row() const;

  [[nodiscard]] std::vector<sync::queued_effect> queued() const;
  static void revise(effect& e, const sync::calendar_plan::wanted& as);
  void on_calendar(const calendar_answered& m);

  /// As the item would be written now.
  [[nodiscard]] protocol::caldav::event_values render() const;
  [[nodiscard]] std::string names() const;
  /// Somebody saw the event as it is now: what is remembered of it may be out of date.
  void seen(const sync::observed_event& o) {
    if (stands_ && (!o.present || o.etag != stands_->etag)) stands_.reset();
  }
  void forget() { stands_.reset(); }

private:
  static constexpr std::uint8_t call_project = call_first, call_calendar = call_first + 1;

  /// What the effect under way was rendered from.
  struct rendering {
    sync::calendar_operation operation = sync::calendar_operation::put;
    std::string project, fingerprint, calendar, names;
    bool asked_project = false;
    sync::calendar_link link;  ///< as it was, should handling it crash
  };
  /// The event as it stands on the server, if that is known: out of the last exchange, until one
  /// fails or somebody else is seen to have changed it.
  struct standing_event {
    std::string href, etag, text;
  };

  bool may_send(const effect& head) override;
  void take_up(const effect& head) override;
  void carry_out(effect& head) override;
  bool take_answer(std::uint8_t what, const exchange_performed& m) override;
  std::optional<failure> refuses(const effect& e, const performed& p) override;
  std::string settle(effect& e, const performed& p, persistence::write& unit) override;
  bool before_failure(effect& e, const failure& f, const performed& p,
                      persistence::write& unit) override;
  void died(const effect& e, const failure& f, persistence::write& unit) override;
  void restore() override { link_ = now_->link; }
  void released() override { now_.reset(); }

  void send_delete(const effect& e);
  /// The page link and the project line need the project's names: asked for once, a bounded time.
  void want_facts();
  void ask_calendar();
  void take_calendar(const calendar_answered& m);
  std::string settle_ours(std::int64_t id, const performed& p, persistence::write& unit);
  void plan_anew(const effect& carried_out, persistence::write& unit);
  effect delete_elsewhere(const effect& cause, const std::string& href, const std::string& etag,
                          timestamp now);
  /// Kept for the next write, which then need not read first; not what is too large to be held by
  /// each of many.
  void remember_event(const put_result& r);

  const sync::item_knowledge& known_;
  const issue_peers& peers_;
  const std::string uid_;
  sync::calendar_link link_;
  std::optional<standing_event> stands_;
  // The rare and large one apart: there is a lane for each item that is at work.
  std::unique_ptr<rendering> now_;
};

}  // namespace pb::actors
