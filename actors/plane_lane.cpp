#include "actors/plane_lane.hpp"

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
  ask(plane_, calls_->write(*what, at.project, at.item, {}, possibly_sent_before(head)));
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

void plane_lane::died(const effect& e, const failure& f, persistence::write& unit) {
  // What crashed has left things half changed: nothing is concluded from it.
  const auto what = sync::parse_plane_write(e.operation, e.payload);
  if (f.code == errc::crashed || !what) return;
  sync::plane_outcome how;
  how.failed = f;
  whose_.written(e, *what, how, unit);
}

}  // namespace pb::actors
