#include "actors/first_look.hpp"

namespace pb::actors {

void first_look::linked(const persistence::link_row& row, const sync::calendar_base& base) {
  links_[row.entity] = {base.planned, base.project, row.remote_id};
}

void first_look::withheld(const std::vector<entity_key>& keys) {
  withheld_.insert(keys.begin(), keys.end());
}

std::optional<failure> first_look::read_withheld(persistence::reader& r,
                                                 std::vector<entity_key>& out) {
  constexpr std::size_t limit = 1'000;
  persistence::effect_filter f;
  f.status = persistence::effect_status::withheld;
  f.integration = "caldav";
  for (persistence::page_of page{0, limit, false};;) {
    auto effects = r.effects(f, page);
    if (!effects) return effects.error();
    for (const auto& e : *effects) out.push_back(e.entity);
    if (effects->size() < limit) return std::nullopt;
    page.after = effects->back().id;
  }
}

std::vector<first_look::candidate> first_look::differing(
    const std::vector<persistence::entity_row>& rows, const sync::calendar_rules& rules) const {
  std::vector<candidate> out;
  for (const auto& row : rows) {
    if (row.key.kind() != "issue") continue;
    const auto known = sync::parse_item_knowledge(row.known);
    if (!known) continue;  // its actor says so when it wakes
    const bool held = withheld_.contains(row.key);
    if (held && rules.shadow) continue;
    const auto it = links_.find(row.key);
    const link last = it == links_.end() ? link{} : it->second;
    if (!held && sync::fingerprint(*known, rules) == last.planned) continue;
    const auto& project = last.href.empty() || last.project.empty() ? known->project : last.project;
    if (!project.empty()) out.push_back({row.key, project, last.href});
  }
  return out;
}

}  // namespace pb::actors
