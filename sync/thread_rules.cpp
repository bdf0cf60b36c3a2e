#include "sync/thread_rules.hpp"

#include <algorithm>

#include "protocol/lark/chat_text.hpp"
#include "sync/thread_desk.hpp"

namespace pb::sync {
namespace lark = protocol::lark;
namespace {

/// To the chat: which of its conversations are bound, so that all can end.
thread_verdict count_thread(thread_desk& desk, const thread_bound& b) {
  auto& all = desk.plan.now.threads;
  const auto at = std::find(all.begin(), all.end(), b.thread);
  if (!b.bound && at != all.end()) all.erase(at);
  if (b.bound && at == all.end() && all.size() < thread_knowledge::max_threads)
    all.push_back(b.thread);
  return desk.done("applied: counted");
}

thread_verdict start(thread_desk& desk, const thread_started& s) {
  auto& k = desk.plan.now;
  k.root = s.thread;
  k.chat = s.chat;
  const bool known = std::any_of(k.cards.begin(), k.cards.end(),
                                 [&](const auto& c) { return c.message_id == s.thread; });
  if (!known) k.cards.push_back({s.thread, desk.now, s.shown, s.announced_by, desk.now, {}});
  // Somebody was faster with /bind: what a person wants wins.
  if (desk.bound()) return desk.done("absorbed: bound by a person");
  desk.bind(s.item, {});
  return desk.done("applied: bound by announcement");
}

thread_verdict ask_to_reconnect(thread_desk& desk, const key_refused& heard) {
  if (heard.open_id.empty()) return desk.ignored("nobody to tell");
  lark_effect e;
  e.open_id = heard.open_id;
  e.language = desk.chinese() ? "zh" : "en";
  e.content = refused_key_link;
  desk.effect("lark.connect_link", "reconnect:" + e.open_id, e, "reconnect");
  return desk.done("applied: asked to connect again");
}

thread_verdict alarm(thread_desk& desk, const chat_alarm& a) {
  const auto m = lark::answer_message(say(phrase::alarm, desk.chinese(), {a.text}));
  lark_effect e;
  e.chat = desk.plan.now.chat;
  e.msg_type = m.msg_type;
  e.content = m.content;
  desk.effect("lark.send", "alarm", e, "alarm");
  return desk.done("applied: alarm");
}

/// The root message, the chat or our place in it is gone: nothing can be said here any more.
bool ends_conversation(int code, const std::string& operation) {
  if (code == 230002 || code == 232009) return true;
  const bool reply = operation == "lark.reply";
  return reply && (code == 230011 || code == 230110 || code == 230111 || code == 230019);
}
bool ends_card(int code) {
  // 230054: what Feishu took in place of the card is a text, which no card can replace.
  return code == 230031 || code == 230011 || code == 230110 || code == 230111 || code == 230054 ||
         code == 99992354;
}

}  // namespace

thread_verdict judge(const thread_knowledge& known, const lark::event& heard, const facts& given,
                     timestamp now, const thread_rules& rules) {
  thread_desk desk{known, given, now, rules};
  if (const auto* m = std::get_if<lark::message>(&heard.what)) return judge_message(desk, *m);
  if (const auto* c = std::get_if<lark::card_action>(&heard.what))
    return judge_click(desk, *c, heard.id, heard.created_at);
  if (const auto* r = std::get_if<lark::message_recalled>(&heard.what))
    return judge_recall(desk, *r);
  if (const auto* m = std::get_if<lark::chat_membership>(&heard.what))
    return judge_membership(desk, *m);
  if (const auto* c = std::get_if<lark::private_contact>(&heard.what))
    return judge_contact(desk, *c);
  if (const auto* p = std::get_if<lark::person_left>(&heard.what)) {
    desk.plan.leavers.push_back(*p);
    return desk.done("applied: unmapped, since they left");
  }
  return desk.ignored("a kind that conversations do not use");
}

thread_verdict judge(const thread_knowledge& known, const between& heard, const facts& given,
                     timestamp now, const thread_rules& rules) {
  thread_desk desk{known, given, now, rules};
  if (const auto* c = std::get_if<item_changed>(&heard)) return judge_changed(desk, *c);
  if (const auto* c = std::get_if<item_commented>(&heard)) return judge_commented(desk, *c);
  if (const auto* a = std::get_if<item_answered>(&heard)) return judge_answered(desk, *a);
  if (const auto* a = std::get_if<chat_announcement>(&heard)) return judge_announcement(desk, *a);
  if (const auto* a = std::get_if<chat_alarm>(&heard)) return alarm(desk, *a);
  if (const auto* s = std::get_if<thread_started>(&heard)) return start(desk, *s);
  if (const auto* b = std::get_if<thread_bound>(&heard)) return count_thread(desk, *b);
  if (const auto* r = std::get_if<thread_recalled>(&heard))
    return judge_recall(desk, {r->message, known.chat, {}, now}, true);
  if (const auto* r = std::get_if<key_refused>(&heard)) return ask_to_reconnect(desk, *r);
  if (const auto* e = std::get_if<thread_ended>(&heard)) {
    if (!desk.bound()) return desk.ignored("nothing is bound here");
    desk.unbind();
    return desk.done("applied: " + e->why);
  }
  return desk.ignored("meant for a work item");
}

thread_plan settle(const thread_knowledge& known, const wanted_message& done,
                   const message_outcome& how, timestamp now, const thread_rules& rules) {
  const facts nothing;
  thread_desk desk{known, nothing, now, rules};
  auto& k = desk.plan.now;
  const auto effect = parse_lark_effect(done.payload);
  const auto note = effect ? parse_effect_note(effect->about) : effect_note{};
  auto& plan = desk.plan;
  plan.rule = "settled";
  if (how.ok) {
    if (how.message_id.empty()) return plan;
    if (note.card && desk.bound()) {
      k.cards.push_back({how.message_id, now, note.shown, {}, now, {}});
      if (k.cards.size() > thread_knowledge::max_cards) k.cards.erase(k.cards.begin());
      plan.rule = "settled: card";
      // While it was on its way the item may have changed: it tells once more how it is.
      if (view_hash(k.item) != note.item)
        desk.hand_over(entity_key::plane_issue(k.item.id), thread_bound{.thread = k.root,
                                                                        .chat = k.chat,
                                                                        .comments = k.gets_comments,
                                                                        .changes = k.gets_changes});
    }
    if (!note.receipt.empty()) plan.receipts.push_back({"plane", note.receipt, how.message_id});
    if (!note.announced.empty())
      if (auto item = parse_item_view(note.announced)) {
        desk.hand_over(entity_key::lark_thread(how.message_id),
                       thread_started{how.message_id, k.chat, std::move(*item), note.shown,
                                      note.announced_by});
        plan.rule = "settled: conversation started";
      }
    return plan;
  }
  if (done.operation == "lark.update_card" && ends_card(how.lark_code)) {
    std::erase_if(k.cards,
                  [&](const auto& c) { return effect && c.message_id == effect->message; });
    plan.rule = "settled: card is no more";
  } else if (ends_conversation(how.lark_code, done.operation) && desk.bound()) {
    desk.unbind();
    plan.rule = "settled: conversation is no more";
  }
  return plan;
}

}  // namespace pb::sync
