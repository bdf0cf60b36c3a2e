// actors/facts_desk: where the actors of conversations and of work items ask for what a decision
// lacks (sync/facts). Behind it: the connectors, the store, and a cache that all share, with an
// expiry. It looks up; it decides nothing. No CAF in this header.
//
// Contract: `done` comes exactly once for each ask, on any thread, possibly inside the call. Nobody
// waits in there: whoever asks bounds its own waiting (options::facts_wait) and ignores what comes
// later. Questions about the same thing that are under way are asked once.
#pragma once
#include <functional>
#include <optional>

#include "actors/connector_policy.hpp"
#include "base/failure.hpp"
#include "sync/facts.hpp"

namespace pb::actors {

struct fact_answer {
  sync::need what;
  /// Holds the one entry that `what` names, also when there is none (an empty optional, an empty
  /// list, item_fact::found::no): what was asked and is not there is known.
  sync::facts found;
  /// It could not be had: `found` holds nothing.
  std::optional<failure> failed;
};

/// Any thread.
class facts_desk {
public:
  virtual ~facts_desk() = default;
  virtual void ask(const sync::need& what, urgency how, std::function<void(fact_answer)> done) = 0;
  /// What is held about it is out of date: the next who asks gets it anew. An empty key means all
  /// of this kind.
  virtual void forget(const sync::need& what) = 0;
};

/// `more` wins where both have an entry.
void take_in(sync::facts& into, sync::facts&& more);

}  // namespace pb::actors
