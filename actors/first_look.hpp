// actors/first_look: after a start, or when the rules changed, which entities' calendar links are
// not what the rules ask for now? Shadow mode left withheld effects, a calendar was switched on
// later, a project was excluded: no event of Plane tells of that. Held by calendar_watch for one
// round; decides nothing itself, the entity's actor is asked to look.
#pragma once
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "persistence/store.hpp"
#include "sync/calendar_rules.hpp"

namespace pb::actors {

class first_look {
public:
  void linked(const persistence::link_row& row, const sync::calendar_base& base);
  void withheld(const std::vector<entity_key>& keys);
  /// Entities with an effect that shadow mode withheld; on the store's reader thread.
  static std::optional<failure> read_withheld(persistence::reader& r, std::vector<entity_key>& out);

  struct candidate {
    entity_key entity;
    std::string project;
    std::string href;  ///< of its event as last known; empty: none
  };
  [[nodiscard]] std::vector<candidate> differing(const std::vector<persistence::entity_row>& rows,
                                                 const sync::calendar_rules& rules) const;

private:
  struct link {
    std::string planned, project, href;
  };
  std::unordered_map<entity_key, link> links_;
  std::unordered_set<entity_key> withheld_;
};

}  // namespace pb::actors
