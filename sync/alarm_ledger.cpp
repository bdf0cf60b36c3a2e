#include "sync/alarm_ledger.hpp"

namespace pb::sync {

bool alarm_ledger::room(timestamp now) {
  // A clock that was set back must not silence anything for good.
  while (!said_.empty() && (said_.front() + again_after <= now || said_.front() > now))
    said_.pop_front();
  if (said_.size() >= most_an_hour) return false;
  said_.push_back(now);
  return true;
}

std::optional<std::string> alarm_ledger::raise(std::string_view what, std::string text,
                                               timestamp now) {
  auto at = known_.find(what);
  if (at == known_.end()) {
    if (known_.size() >= most_kinds) return std::nullopt;
    at = known_.emplace(what, state{}).first;
  }
  auto& s = at->second;
  const bool lately = s.told_at != timestamp{} && now >= s.told_at && now < s.told_at + again_after;
  if (lately || !room(now)) {
    ++s.unsaid;
    return std::nullopt;
  }
  if (s.unsaid > 0)
    text += " (and " + std::to_string(s.unsaid) + " more of the kind since it was told last)";
  s = {now, 0, true};
  return text;
}

std::optional<std::string> alarm_ledger::clear(std::string_view what, std::string text,
                                               timestamp now) {
  const auto at = known_.find(what);
  if (at == known_.end() || !at->second.open) return std::nullopt;
  // It was told that it began: its end is told, whatever else was said this hour.
  at->second.open = false;
  at->second.unsaid = 0;
  (void)room(now);
  return text;
}

}  // namespace pb::sync
