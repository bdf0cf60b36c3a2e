#include "actors/plane_lane.hpp"

#include "actors/front.hpp"
#include "base/log.hpp"
#include "http/mapping_endpoints.hpp"

namespace pb::actors {
using persistence::effect_status;

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
  const auto at = whose_.plane_place();
  ask(plane_, calls_->write(*what, at.project, at.item, whose_.names_for(*what),
                            possibly_sent_before(head)));
}

std::string plane_lane::settle(effect& e, const performed& p, persistence::write& unit) {
  const auto what = sync::parse_plane_write(e.operation, e.payload);
  const auto how = remotes::outcome_from(*p.what);
  if (!what) return "plane: written";
  e.remote_id = how.item ? how.item->id : how.comment;
  const effect done = e;  // whose_ may add others
  whose_.written(done, *what, how, unit);
  return "plane: " + done.operation;
}

bool plane_lane::before_failure(effect& e, const failure& f, const performed& p,
                                persistence::write& unit) {
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
