#include "actors/chat_lane.hpp"

#include "base/log.hpp"
#include "protocol/lark/answers.hpp"

namespace pb::actors {

bool chat_lane::may_send(const effect& /*head*/) {
  return ctx().opt().lark_on && peers_.chat != nullptr;
}

void chat_lane::carry_out(effect& head) {
  const auto what = sync::parse_lark_effect(head.payload);
  if (!what) return effect_failed(what.error(), performed{}, false);
  const auto& k = whose_.known();
  chat_request r{head.operation, *what, head.id, k.chat, k.thread_id, {}, ctx().clock.now()};
  // One that was never answered cannot have been sent before it was due.
  if (what->perhaps_sent_since != timestamp{})
    r.perhaps_sent_since = what->perhaps_sent_since;
  else if (possibly_sent_before(head))
    r.perhaps_sent_since = head.attempts > 0 ? head.created_at : head.due_at;
  auto exchange = peers_.chat->make(r);
  if (!exchange) return effect_failed(exchange.error(), performed{}, false);
  ask(peers_.lark, std::move(*exchange));
}

std::string chat_lane::settle(effect& e, const performed& p, persistence::write& unit) {
  sync::message_outcome how;
  how.message_id = chat_calls::message_of(*p.what);
  e.remote_id = how.message_id;
  if (const auto why = chat_calls::fell_back(*p.what))
    log::warn("sent as plain text instead",
              {log::kv("entity", key()), log::kv("effect", e.id), log::kv("failure", *why)});
  const effect done = e;  // whose_ may add others
  whose_.settled(done, how, unit);
  return "chat: " + done.operation;
}

bool chat_lane::is_final(const failure& f) const {
  using protocol::lark::remedy;
  switch (protocol::lark::remedy_of(f)) {
    case remedy::give_up:
    case remedy::report:
    case remedy::new_card:
    case remedy::send_anew:
    case remedy::drop_message:
    case remedy::unlink:
      return true;
    default:
      return false;
  }
}

/// What was to be changed about a message that is no more is no dead letter: there is nothing that
/// anybody could do about it.
bool chat_lane::before_failure(effect& e, const failure& f, const performed& /*p*/,
                               persistence::write& unit) {
  const bool gone = protocol::lark::remedy_of(f) == protocol::lark::remedy::drop_message;
  if (!gone || e.operation == "lark.reply" || e.operation == "lark.send") return true;
  const effect before = e;  // whose_ may add others, and drops what is cancelled
  died(before, f, unit);
  effect* ended = find_effect(before.id);
  ended->status = persistence::effect_status::cancelled;
  ended->finished_at = ctx().clock.now();
  ended->last_error = describe(f);
  return false;
}

void chat_lane::died(const effect& e, const failure& f, persistence::write& unit) {
  // What crashed has left things half changed: nothing is concluded from it.
  if (f.code == errc::crashed) return;
  sync::message_outcome how;
  how.ok = false;
  how.why = f;
  how.lark_code = static_cast<int>(protocol::lark::remote_code(f));
  whose_.settled(e, how, unit);
}

}  // namespace pb::actors
