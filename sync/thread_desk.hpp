// sync/thread_desk: one decision about a conversation while it is made: what is known, what is
// asked for, and the plan as it grows. Used by the thread_*.cpp of sync/ only.
#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/lark/words.hpp"
#include "sync/audience.hpp"
#include "sync/lark_effects.hpp"
#include "sync/thread_rules.hpp"
#include "sync/thread_text.hpp"

namespace pb::protocol::lark {
struct shown_message;
struct card_input;
}  // namespace pb::protocol::lark

namespace pb::sync {

class thread_desk {
public:
  thread_desk(const thread_knowledge& what, const facts& found, timestamp when,
              const thread_rules& by)
      : known(what), given(found), now(when), rules(by) {
    plan.now = known;
  }
  const thread_knowledge& known;
  const facts& given;
  const timestamp now;
  const thread_rules& rules;
  thread_plan plan;

  // Facts ----------------------------------------------------------------------------------------
  // Each gives what there is: nullptr when there is none, or it could not be had, or it has to be
  // asked for first; lacking() tells the last.
  [[nodiscard]] bool lacking() const noexcept { return !needs_.empty(); }
  [[nodiscard]] thread_verdict ask() { return std::move(needs_); }
  [[nodiscard]] bool gave_up(need::kind what, std::string_view key = {}) const;

  std::string_view bot();
  const std::vector<channel_mapping>& channels(std::string_view chat);
  const person_facts* person(std::string_view open_id);
  const project_facts* project(std::string_view uuid);
  const std::vector<protocol::plane::project>* all_projects();
  const item_fact* item(std::string_view key);
  const receipt_fact* receipt(std::string_view integration, std::string_view object);
  std::optional<std::string> quoted(std::string_view message);
  /// Whose actor the journal has the message for; empty: it has not.
  entity_key place(std::string_view message);
  /// Are people of other tenants in the chat? What was heard last when it cannot be asked.
  bool external(std::string_view chat);

  /// May items of the project appear here? A conversation with one person alone: that person has to
  /// be a member, which whoever asks for an item checks anyway.
  audience shown_here(std::string_view project);

  // Who may --------------------------------------------------------------------------------------
  struct permission {
    bool granted = false;
    chat_author author;
    std::string refusal;  ///< in the language asked for; says how to become one who may
  };
  /// @param admins_too  an administrator who is no member may as well (binding)
  permission may_change(std::string_view open_id, std::string_view project_id, bool chinese,
                        bool admins_too = false);
  chat_author author_of(std::string_view open_id);

  // The plan -------------------------------------------------------------------------------------
  [[nodiscard]] bool bound() const noexcept { return !plan.now.item.id.empty(); }
  [[nodiscard]] bool chinese() const noexcept;
  [[nodiscard]] protocol::lark::language lang() const noexcept;
  /// A short answer in the conversation.
  void answer(std::string_view words, std::string_view about);
  /// The same, calling whoever clicked.
  void answer_to(std::string_view open_id, std::string_view words, std::string_view about);
  void reply(const protocol::lark::shown_message& m, wanted_message::kind how, std::string object,
             std::string rule, timestamp due_at = {}, std::string about = {});
  void effect(std::string operation, std::string object, const lark_effect& payload,
              std::string rule, wanted_message::kind how = wanted_message::kind::append,
              timestamp due_at = {});
  void react(std::string_view message, std::string_view emoji);
  void hand_over(entity_key to, between what);
  /// Binds, and tells the item, the item bound before, and the chat.
  void bind(const item_view& item, std::string_view by);
  void unbind();
  /// Sends the card of the bound item; asks for what its menus need.
  void send_card();
  /// Cards that show something else than the item is now. @param wanted  when, if nothing that is
  /// to be shown sooner takes it along
  void refresh_cards(timestamp wanted);
  void remember_asked(std::string_view message);
  [[nodiscard]] bool has_asked(std::string_view message) const noexcept;

  thread_verdict done(std::string rule) {
    if (lacking()) return ask();
    plan.rule = std::move(rule);
    return std::move(plan);
  }
  thread_verdict ignored(std::string_view why) {
    if (lacking()) return ask();
    thread_plan out;
    out.now = known;
    out.rule = "ignored: " + std::string{why};
    return out;
  }

private:
  void want(need::kind what, std::string_view key);
  std::vector<need> needs_;
};

/// What chat shows of an item, without menus.
protocol::lark::card_input card_input_of(const item_view& item, protocol::lark::language lang);
/// The card of an item, as content and as the text that stands for it.
struct item_card {
  std::string content, fallback;
  std::string shown;  ///< hash of the content
};
/// @param project  may be null: no menus
item_card card_of(const item_view& item, const project_facts* project, std::string_view thread,
                  protocol::lark::language lang, bool announced = false,
                  std::string_view author = {});

/// What the rules keep with an effect and find again in settle(): lark_effect::about.
struct effect_note {
  bool card = false;        ///< a card of the bound item
  std::string shown{};      ///< card: its hash
  std::string item{};       ///< card: view_hash() of the item it was made of
  std::string receipt{};    ///< "<comment>@<root>" that the message shows; empty: none
  std::string announced{};  ///< JSON of the item whose announcement it is; empty: none
  std::string announced_by{};
};
std::string view_hash(const item_view& item);
std::string to_json(const effect_note& n);
effect_note parse_effect_note(std::string_view json);

// The parts of judge() ---------------------------------------------------------------------------
thread_verdict judge_message(thread_desk& desk, const protocol::lark::message& m);
/// @param clicked_at  by Feishu's clock; nothing: now
thread_verdict judge_click(thread_desk& desk, const protocol::lark::card_action& click,
                           std::string_view event_id, timestamp clicked_at);
/// @param again  the journal was asked before
thread_verdict judge_recall(thread_desk& desk, const protocol::lark::message_recalled& r,
                            bool again = false);
/// Receipts of messages that were recalled before anybody heard of them.
inline constexpr std::string_view recalled_early = "lark.recalled";
thread_verdict judge_membership(thread_desk& desk, const protocol::lark::chat_membership& m);
thread_verdict judge_contact(thread_desk& desk, const protocol::lark::private_contact& c);

thread_verdict judge_changed(thread_desk& desk, const item_changed& heard);
thread_verdict judge_commented(thread_desk& desk, const item_commented& heard);
thread_verdict judge_answered(thread_desk& desk, const item_answered& heard);
thread_verdict judge_announcement(thread_desk& desk, const chat_announcement& heard);

// Setting fields, by command or click ------------------------------------------------------------
struct field_wish {
  std::optional<std::string> state{}, target_date{};  ///< state: uuid
  std::optional<protocol::plane::priority> prio{};
  std::optional<std::vector<std::string>> assignees{};
  std::vector<std::string> labels_added{}, labels_removed{};  ///< uuids
};
/// Leaves out what the item is already; nothing when nothing is left.
std::optional<field_wish> without_known(field_wish wish, const item_view& item);
void hand_over_wish(thread_desk& desk, const item_view& item, const field_wish& wish,
                    const chat_author& author, std::string_view message);

}  // namespace pb::sync
