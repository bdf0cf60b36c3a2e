// What the work item tells its conversations: changes, comments, answers.
#include <algorithm>

#include "protocol/lark/chat_text.hpp"
#include "protocol/lark/from_html.hpp"
#include "sync/thread_dates.hpp"
#include "sync/thread_desk.hpp"
#include "sync/thread_digest.hpp"

namespace pb::sync {
namespace lark = protocol::lark;
namespace {

/// When a digest is due: after the window of its burst, and not in the hours that are kept quiet.
timestamp digest_due(const thread_knowledge& k, timestamp now, const thread_rules& rules) {
  const auto due = now + rules.digest_window;
  const auto from = parse_time_of_day(k.quiet_from), to = parse_time_of_day(k.quiet_to);
  if (!from || !to || *from == *to) return due;
  const int at = minute_of_day(due, rules.timezone);
  const bool quiet = *from < *to ? at >= *from && at < *to : at >= *from || at < *to;
  return quiet ? next_time_of_day(due, rules.timezone, *to / 60, *to % 60) : due;
}

void learn(thread_knowledge& k, const item_view& now) {
  auto before = std::move(k.item);
  k.item = now;
  // A change told before the project was known does not unlearn the number.
  if (k.item.identifier.empty()) k.item.identifier = before.identifier;
  if (k.item.url.empty()) k.item.url = before.url;
}

std::vector<digest::person> who_is_called(thread_desk& desk) {
  std::vector<digest::person> out;
  const auto& k = desk.plan.now;
  constexpr std::size_t most = 5;
  const auto* project = desk.project(k.item.project);
  if (project == nullptr) return out;
  for (const auto& a : k.item.assignees)
    for (const auto& m : project->members)
      if (m.user.id == a.id && !m.open_id.empty() && out.size() < most &&
          std::find(k.muted.begin(), k.muted.end(), m.open_id) == k.muted.end())
        out.push_back({m.open_id, m.user.display_name, m.user.id});
  return out;
}

std::string comment_object(const thread_desk& desk, std::string_view comment) {
  return std::string{comment} + "@" + desk.known.root;
}

}  // namespace

thread_verdict judge_changed(thread_desk& desk, const item_changed& heard) {
  if (!desk.bound() || desk.known.item.id != heard.now.id)
    return desk.ignored("not bound to this item any more");
  const auto seen = desk.shown_here(heard.now.project);
  auto& k = desk.plan.now;
  learn(k, heard.now);
  if (desk.lacking()) return desk.ask();
  if (seen != audience::shown) return desk.done("ignored: private-stays-private");
  // With the message that tells of it, so that a burst costs one refresh too; what somebody asked
  // for is shown at once.
  desk.refresh_cards(heard.caused_by_thread.empty() ? desk.now + desk.rules.digest_window
                                                    : desk.now);
  const bool ours = !heard.caused_by_thread.empty() && heard.caused_by_thread == k.root;
  digest d;
  if (k.gets_changes && !ours) {
    for (const auto& c : heard.changes) add(d, c, heard.actor, heard.actor_id);
    if (!d.empty()) {
      d.number = short_name(k.item);
      d.name = k.item.name;
      d.url = k.item.url;
      d.language = desk.chinese() ? "zh" : "en";
      d.call = who_is_called(desk);
    }
  }
  if (desk.lacking()) return desk.ask();
  if (d.empty())
    return desk.done(ours                    ? "absorbed: asked for here"
                     : !k.gets_changes       ? "ignored: changes are not told here"
                     : heard.changes.empty() ? "applied: card only"
                                             : "absorbed: back where it was");
  lark_effect carrier;
  carrier.root = k.root;
  carrier.in_thread = !k.p2p;
  desk.effect("lark.reply", "digest", effect_of(d, carrier), "coalesce",
              wanted_message::kind::digest, digest_due(k, desk.now, desk.rules));
  return desk.done("applied: changes");
}

thread_verdict judge_commented(thread_desk& desk, const item_commented& heard) {
  if (!desk.bound() || desk.known.item.id != heard.now.id)
    return desk.ignored("not bound to this item any more");
  auto& k = desk.plan.now;
  const auto object = comment_object(desk, heard.comment);
  if (heard.from_thread == k.root) {
    desk.plan.receipts.push_back({"plane", object, heard.from_message});
    return desk.done("absorbed: echo-by-receipt");
  }
  if (!k.gets_comments) return desk.ignored("comments are not told here");
  const auto seen = desk.shown_here(heard.now.project);
  const auto* project = desk.project(heard.now.project);
  const bool external = !k.p2p && desk.external(k.chat);
  const bool inner = heard.internal && is_meant_internal(project, external);
  const bool inner_ok = !inner || k.p2p ||
                        shows_internal_comments(heard.now.project, k.chat, desk.channels(k.chat),
                                                external, desk.rules.internal_comments);
  const auto* kept = desk.receipt("plane", object);
  if (desk.lacking()) return desk.ask();
  learn(k, heard.now);
  if (seen != audience::shown || !inner_ok) return desk.done("ignored: private-stays-private");
  const bool fresh = heard.how == item_commented::what::written;
  if (fresh && kept != nullptr) return desk.ignored("echo-by-receipt: shown before");
  // The message that shows it; the people of this conversation wrote it themselves otherwise.
  const auto message = kept != nullptr ? kept->remote_id : std::string{};
  if (!fresh && message.empty()) return desk.ignored("this comment is not shown here");

  lark::html_reading options;
  // Names only: text from Plane calls nobody.
  options.person = [project](std::string_view id) -> std::optional<lark::html_reading::mentioned> {
    if (project != nullptr)
      for (const auto& m : project->members)
        if (m.user.id == id) return lark::html_reading::mentioned{m.user.display_name, {}};
    return std::nullopt;
  };
  lark::comment_text text;
  text.how = static_cast<lark::comment_text::what>(heard.how);
  text.author = heard.author;
  text.body = lark::from_html(heard.html, options);
  text.item = {short_name(k.item), k.item.name, k.item.url};
  text.internal = inner;
  text.lang = desk.lang();
  const auto messages = lark::comment_messages(text);
  if (messages.empty()) return desk.ignored("an empty comment");
  if (!fresh) {
    lark_effect e;
    e.message = message;
    e.msg_type = messages.front().msg_type;
    e.content = messages.front().content;
    e.fallback = messages.front().fallback;
    desk.effect("lark.edit", message, e, "comment", wanted_message::kind::state);
    return desk.done(heard.how == item_commented::what::edited ? "applied: comment edited"
                                                               : "applied: comment deleted");
  }
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto part = i == 0 ? object : object + "#" + std::to_string(i);
    desk.reply(messages[i], wanted_message::kind::append, part, "comment", {},
               to_json(effect_note{.receipt = part}));
  }
  desk.plan.receipts.push_back({"plane", object, ""});
  return desk.done("applied: comment");
}

thread_verdict judge_answered(thread_desk& desk, const item_answered& heard) {
  auto& k = desk.plan.now;
  const bool asked = desk.has_asked(heard.message);
  // A click has a card, which shows the outcome itself.
  const bool clicked = heard.message.find('#') != std::string::npos;
  const bool created = heard.now && desk.has_asked("new:" + heard.message);
  const bool awaited = !heard.message.empty() && k.awaits_item == heard.message;
  if (awaited) k.awaits_item.clear();
  if (!heard.ok) {
    desk.answer(heard.text.empty() ? say(phrase::not_done_plain, desk.chinese())
                                   : say(phrase::not_done, desk.chinese(), {heard.text}),
                heard.message);
    return desk.done("answered: not done");
  }
  if (!heard.comment.empty()) {
    const auto& item = heard.now ? heard.now->id : k.item.id;
    if (!heard.message.empty() && !item.empty())
      desk.plan.receipts.push_back({"lark", heard.message, item + "/" + heard.comment});
    desk.plan.receipts.push_back({"plane", comment_object(desk, heard.comment), heard.message});
  }
  if (created) {
    const auto words = say(phrase::created, desk.chinese(),
                           {short_name(*heard.now) + " " + heard.now->name, heard.now->url});
    if (awaited && !desk.bound()) {
      desk.bind(*heard.now, {});
      desk.plan.receipts.push_back({"lark", heard.message, heard.now->id});
      desk.answer(words, heard.message);
      desk.send_card();
      return desk.done("applied: bound to the new item");
    }
    desk.answer(words, heard.message);
    return desk.done("answered: created");
  }
  if (heard.now && heard.now->id == k.item.id &&
      desk.shown_here(heard.now->project) == audience::shown) {
    learn(k, *heard.now);
    desk.refresh_cards(desk.now);
  }
  if (asked && !clicked) desk.react(heard.message, "DONE");
  return desk.done(asked ? "answered: done" : "applied: receipt");
}

}  // namespace pb::sync
