#include "actors/plane_lane.hpp"

#include "actors/front.hpp"
#include "base/log.hpp"
#include "http/mapping_endpoints.hpp"

namespace pb::actors {
using persistence::effect_status;
namespace {

/// The end of waiting in line for a turn, in the form in which lanes hear of ends.
struct granted_turn final : protocol::exchange {
  explicit granted_turn(file_turns::turn t) : turn(std::move(t)) {}
  protocol::step start() override { return protocol::finished{}; }
  protocol::step on_response(const protocol::http_response&) override {
    return protocol::finished{};
  }
  file_turns::turn turn;
};

std::string size_text(std::size_t bytes) {
  constexpr std::size_t mega = 1U << 20;
  return bytes % mega == 0 ? std::to_string(bytes / mega) + " MB"
                           : std::to_string(bytes) + " bytes";
}

/// Too large, of a kind that Plane does not take, or not to be had from Feishu any more: a file
/// that will not get there, whatever anybody does.
bool is_hopeless(const failure& f) {
  using protocol::lark::remedy;
  if (f.code == errc::too_large) return true;
  if (f.where == "plane.create_attachment") return f.code == errc::bad_input;
  switch (protocol::lark::remedy_of(f)) {
    case remedy::drop_message:
    case remedy::give_up:
    case remedy::report:
    case remedy::unlink:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::vector<sync::queued_write> plane_lane::queued() const {
  std::vector<sync::queued_write> out;
  for (const auto& e : effects())
    if (e.integration == name &&
        (e.status == effect_status::waiting || e.status == effect_status::withheld))
      out.push_back({e.id, e.operation, e.object, e.payload, possibly_sent(e)});
  return out;
}

bool plane_lane::may_send(const effect& /*head*/) { return ctx().opt().plane_on; }

void plane_lane::carry_out(effect& head) {
  const auto what = sync::parse_plane_write(head.operation, head.payload);
  if (!what) return effect_failed(what.error(), performed{}, false);
  if (const auto* file = std::get_if<sync::file_copy>(&*what)) return carry_file(head, *file);
  const auto at = whose_.plane_place();
  ask(plane_, calls_->write(*what, at.project, at.item, whose_.names_for(*what),
                            possibly_sent_before(head)));
}

void plane_lane::carry_file(effect& head, const sync::file_copy& what) {
  if (files_ == nullptr || !files_->chat || !files_->turns || !ctx().opt().lark_on)
    return effect_failed(failure{errc::key_missing,
                                 "lark.files",
                                 "Feishu is not configured",
                                 "set lark.app_id and lark.app_secret",
                                 0,
                                 "",
                                 {}},
                         performed{}, false);
  if (!possibly_sent_before(head)) return want_turn();
  const auto at = whose_.plane_place();
  ask_with(plane_, calls_->write(what, at.project, at.item, {}, true), token_for(call_look));
}

void plane_lane::want_turn() {
  auto who = entity_actor{self()};
  files_->turns->want([who, token = token_for(call_turn)](file_turns::turn t) {
    performed p;
    p.what = std::make_shared<granted_turn>(std::move(t));
    caf::anon_send(who, exchange_performed{token, std::make_shared<const performed>(std::move(p))});
  });
}

std::optional<sync::file_copy> plane_lane::file_sent() const {
  const auto* e = sent_ ? find_effect(sent_->id) : nullptr;
  if (e == nullptr || e->operation != sync::file_copy::operation) return std::nullopt;
  const auto what = sync::parse_plane_write(e->operation, e->payload);
  return what ? std::optional{std::get<sync::file_copy>(*what)} : std::nullopt;
}

bool plane_lane::take_answer(std::uint8_t what, const exchange_performed& m) {
  if (what == call_effect || !m.outcome) return false;
  const auto file = file_sent();
  if (!file) return false;
  if (what == call_look) {
    const auto& p = *m.outcome;
    // A failure is the outcome, and so is that it is there.
    if (p.failed || !remotes::outcome_from(*p.what).attachment.empty()) return false;
    want_turn();
  } else if (what == call_turn) {
    turn_ = dynamic_cast<const granted_turn&>(*m.outcome->what).turn;
    ask_with(files_->lark,
             files_->chat->download(file->by.message, file->what, ctx().opt().max_file_bytes),
             token_for(call_download));
  } else {
    on_downloaded(*file, *m.outcome);
  }
  return true;
}

void plane_lane::on_downloaded(const sync::file_copy& what, const performed& p) {
  if (p.failed) {
    auto f = *p.failed;
    if (f.code == errc::too_large) {
      f.where = "lark.download";
      f.detail = "it is larger than " + size_text(ctx().opt().max_file_bytes);
      f.remedy = "an operator may raise lark.max_file_bytes, and FILE_SIZE_LIMIT of Plane";
    }
    return effect_failed(f, p, f.code != errc::breaker_open && f.code != errc::cancelled);
  }
  const auto at = whose_.plane_place();
  ask(plane_, calls_->attach(what, at.project, at.item, chat_calls::take_download(*p.what)));
}

std::string plane_lane::settle(effect& e, const performed& p, persistence::write& unit) {
  const auto what = sync::parse_plane_write(e.operation, e.payload);
  const auto how = remotes::outcome_from(*p.what);
  if (!what) return "plane: written";
  e.remote_id = how.item ? how.item->id : !how.attachment.empty() ? how.attachment : how.comment;
  const effect done = e;  // whose_ may add others
  whose_.written(done, *what, how, unit);
  return "plane: " + done.operation;
}

bool plane_lane::before_failure(effect& e, const failure& f, const performed& p,
                                persistence::write& unit) {
  if (e.operation == sync::file_copy::operation && is_hopeless(f)) {
    // Its author is told why, and operators could do nothing about it.
    const effect before = e;  // whose_ may add others
    died(before, f, unit);
    effect* ended = find_effect(before.id);
    ended->status = effect_status::cancelled;
    ended->finished_at = ctx().clock.now();
    ended->last_error = describe(f);
    return false;
  }
  if (f.where.starts_with("lark")) return true;  // of no key to Plane
  if (!calls_->people || (f.code != errc::unauthorized && f.code != errc::key_missing)) return true;
  auto what = sync::parse_plane_write(e.operation, e.payload);
  const auto credential = what ? sync::credential_of(*what) : std::string{};
  if (credential.empty()) return true;
  e.due_at = ctx().clock.now();
  e.last_error = describe(f);
  if (f.code == errc::unauthorized) {
    const auto which = calls_->people->refused(credential, p.started_at);
    if (!which) return false;  // again, with the key that they have now
    const auto person = sync::own_key_of(*what), thread = sync::thread_of(*what);
    log::warn("Plane refuses a person's own key, the bot writes for them",
              {log::kv("entity", key()), log::kv("effect", e.id), log::kv("person", person)});
    unit.states.push_back({http::refused_key_state(person), *which});
    if (thread.empty()) return write_as_bot(e, std::move(*what));
    // One identity for all that this key was refused for: they are told once.
    const sync::between told{sync::key_refused{person}};
    const std::string form{sync::form_of(told)};
    unit.appends.push_back(own_delivery(ctx(), "internal", form, form,
                                        entity_key::lark_thread(thread), sync::to_json(told),
                                        "key-refused:" + person + ":" + *which));
  }
  return write_as_bot(e, std::move(*what));
}

bool plane_lane::write_as_bot(effect& e, sync::plane_write what) {
  e.payload = sync::to_json(sync::as_integration(std::move(what)));
  return false;
}

void plane_lane::died(const effect& e, const failure& f, persistence::write& unit) {
  // What crashed has left things half changed: nothing is concluded from it.
  const auto what = sync::parse_plane_write(e.operation, e.payload);
  if (f.code == errc::crashed || !what) return;
  sync::plane_outcome how;
  how.failed = f;
  whose_.written(e, *what, how, unit);
}

}  // namespace pb::actors
