#include "sync/thread_orders.hpp"

#include <algorithm>
#include <cstdio>

namespace pb::sync {
namespace lark = protocol::lark;
namespace {

std::string hours(int minutes) {
  char out[8];
  std::snprintf(out, sizeof out, "%02d:%02d", minutes / 60 % 24, minutes % 60);
  return out;
}

void set_mute(thread_desk& desk, std::string_view open_id, bool on) {
  auto& muted = desk.plan.now.muted;
  constexpr std::size_t most = 1'000;
  const auto at = std::find(muted.begin(), muted.end(), open_id);
  if (!on && at != muted.end()) muted.erase(at);
  if (on && at == muted.end() && muted.size() < most) muted.emplace_back(open_id);
}

std::string sync_words(const thread_knowledge& k, bool zh) {
  const std::string gets = k.gets_comments && k.gets_changes
                               ? zh ? "评论和变更" : "comments and changes"
                           : k.gets_comments ? zh ? "评论" : "comments"
                           : k.gets_changes  ? zh ? "变更" : "changes"
                           : zh              ? "无"
                                             : "nothing";
  const std::string gives = k.takes == inbound::all        ? zh ? "每条回复" : "every reply"
                            : k.takes == inbound::commands ? zh ? "/评论 的内容" : "/comment"
                            : zh                           ? "无"
                                                           : "nothing";
  return say(phrase::sync_is, zh, {gets, gives});
}

phrase set_sync(thread_knowledge& k, command::sync_mode mode) {
  switch (mode) {
    case command::sync_mode::off:
      k.gets_comments = k.gets_changes = false;
      k.takes = inbound::off;
      return phrase::sync_off;
    case command::sync_mode::comments:
      k.gets_comments = true;
      k.gets_changes = false;
      k.takes = inbound::all;
      return phrase::sync_comments;
    case command::sync_mode::commands:
      k.gets_comments = k.gets_changes = true;
      k.takes = inbound::commands;
      return phrase::sync_commands;
    default:
      k.gets_comments = k.gets_changes = true;
      k.takes = inbound::all;
      return phrase::sync_on;
  }
}

}  // namespace

thread_verdict obey(thread_desk& desk, const lark::message& m, const command& order) {
  const bool zh = order.chinese;
  auto& k = desk.plan.now;
  const auto answered = [&](std::string_view words, std::string rule = "answered") {
    desk.answer(words, m.message_id);
    return desk.done(std::move(rule));
  };
  switch (order.what) {
    case verb::help:
      return answered(say(phrase::help, zh));
    case verb::bind:
      return obey_bind(desk, m, order);
    case verb::create:
      return obey_create(desk, m, order);
    case verb::connect: {
      const auto author = desk.author_of(m.sender.open_id);
      if (desk.lacking()) return desk.ask();
      if (author.plane_user.empty()) return answered(say(phrase::link_needs_mapping, zh));
      lark_effect e;
      e.open_id = m.sender.open_id;
      e.language = zh ? "zh" : "en";
      desk.effect("lark.connect_link", "connect:" + m.sender.open_id, e, "answer");
      if (!k.p2p) desk.answer(say(phrase::link_private, zh), m.message_id);
      return desk.done("applied: connect");
    }
    default:
      break;
  }
  // All else is about the bound item.
  if (!desk.bound()) return answered(say(phrase::not_bound, zh), "answered: nothing is bound here");
  const auto item = k.item;
  switch (order.what) {
    case verb::unbind: {
      const auto may = desk.may_change(m.sender.open_id, item.project, zh, true);
      if (desk.lacking()) return desk.ask();
      if (!may.granted) return answered(may.refusal, "answered: refused");
      desk.answer(say(phrase::unbound, zh, {short_name(item)}), m.message_id);
      desk.unbind();
      return desk.done("applied: unbound");
    }
    case verb::comment:
      if (k.takes == inbound::off) return answered(say(phrase::sync_is_off, zh));
      if (item.gone) return answered(say(phrase::item_gone, zh, {short_name(item)}));
      if (item.archived) return answered(say(phrase::item_archived, zh, {short_name(item)}));
      comment(desk, m, true);
      return desk.done("applied: comment");
    case verb::link:
      if (desk.shown_here(item.project) != audience::shown) {
        if (desk.lacking()) return desk.ask();
        const auto* project = desk.project(item.project);
        return answered(say(phrase::not_shown, zh,
                            {project != nullptr ? project->project.name : item.identifier}),
                        "answered: private-stays-private");
      }
      desk.send_card();
      return desk.done("applied: card");
    case verb::sync: {
      if (order.mode == command::sync_mode::ask) return answered(sync_words(k, zh));
      const auto may = desk.may_change(m.sender.open_id, item.project, zh, true);
      if (desk.lacking()) return desk.ask();
      if (!may.granted) return answered(may.refusal, "answered: refused");
      desk.answer(say(set_sync(k, order.mode), zh), m.message_id);
      desk.hand_over(entity_key::plane_issue(item.id),
                     thread_bound{k.root, k.chat, true, k.gets_comments, k.gets_changes});
      return desk.done("applied: sync");
    }
    case verb::mute:
      set_mute(desk, m.sender.open_id, order.on);
      return answered(say(order.on ? phrase::muted : phrase::unmuted, zh), "applied: mute");
    case verb::quiet:
      k.quiet_from = order.from ? hours(*order.from) : "";
      k.quiet_to = order.to ? hours(*order.to) : "";
      return answered(order.from ? say(phrase::quiet_hours, zh, {k.quiet_from, k.quiet_to})
                                 : say(phrase::quiet_off, zh),
                      "applied: quiet hours");
    default:
      return obey_fields(desk, m, order);
  }
}

}  // namespace pb::sync
