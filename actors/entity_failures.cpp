// What becomes of a delivery that cannot be judged or committed: another attempt, later, by a new
// actor; in the end a dead letter, of which operators hear.
#include "actors/entity_pipeline.hpp"
#include "base/log.hpp"

namespace pb::actors {

void entity_pipeline::ring_for_dead(const std::string& what, const std::string& why) const {
  const auto& told_in = ctx_->opt().alarm_chat;
  if (told_in.empty() || (key_.source() == "lark" && key_.id() == told_in)) return;
  constexpr std::size_t longest = 300;
  ctx_->alarms.raise("dead-letters",
                     what + " of " + key_.text() + " is a dead letter: " + why.substr(0, longest) +
                         ". List them: planebridge dead-letters list",
                     ctx_->clock.now());
}

void entity_pipeline::bury(const std::string& reason) {
  unit_.marks.push_back({current_->seq, delivery_status::dead, reason, current_->attempts + 1});
  log::error(
      "delivery is a dead letter",
      {log::kv("entity", key_), log::kv("delivery", current_->seq), log::kv("reason", reason)});
  ring_for_dead("a delivery", reason);
  probe_->failed();
  planned("dead");
}

void entity_pipeline::poison(const std::string& what) {
  // Judging it failed, or committing what was planned, and then any of them may be the reason.
  std::vector<std::shared_ptr<const delivery>> suspects;
  if (current_) {
    suspects.push_back(current_);
  } else {
    for (const auto& p : planned_) suspects.push_back(p.what);
  }
  for (const auto& d : suspects) {
    const bool last = d->attempts + 1 >= ctx_->opt().poison_attempts;
    if (last) {
      ctx_->figures.delivery_finished("dead");
      log::error("delivery is a dead letter", {log::kv("entity", key_), log::kv("delivery", d->seq),
                                               log::kv("reason", "poison: " + what)});
      ring_for_dead("a delivery", what);
    }
    // The mark alone: what is in memory may be half changed, and is dropped.
    count_attempt(*d, last ? "poison: " + what : what,
                  last ? delivery_status::dead : delivery_status::pending);
  }
  give_back(milliseconds{200}, what);
}

void entity_pipeline::count_attempt(const delivery& d, const std::string& why, delivery_status as) {
  persistence::write unit;
  unit.marks.push_back({d.seq, as, why, d.attempts + 1});
  ctx_->store.submit(std::move(unit), [](const auto&) {});
}

void entity_pipeline::give_back(milliseconds pause, const std::string& why) {
  forget();
  probe_->failed();
  log::warn("entity pauses",
            {log::kv("entity", key_), log::kv("after_ms", pause.count()), log::kv("reason", why)});
  phase_ = phase::stopped;
  pause_ = pause;
  probe_->state("suspended: " + why, ctx_->clock.now());
  go_when_ended();
}

}  // namespace pb::actors
