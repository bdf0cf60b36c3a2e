// actors/preview_desk: answers what a viewer is shown of a link (http::preview_source), within 250
// ms by a timer, whatever is away. Facts come from the facts desk, work items from the store where
// it knows them. What is found out too late is shown when Feishu asks again, which it is told to
// do, once in ten minutes for one link and viewer. Judgement is sync/preview's. No CAF in this
// header. Made by the runtime.
#pragma once
#include <memory>

#include "http/lark_reception.hpp"

namespace caf {
class actor_system;
}

namespace pb::actors {
struct facts_sources;
class facts_desk;

/// Any thread.
class preview_desk : public http::preview_source {
public:
  /// From now on nothing is shown. To be called before the actor system ends.
  virtual void close() = 0;
};

std::shared_ptr<preview_desk> make_preview_desk(caf::actor_system& system,
                                                const facts_sources& from,
                                                std::shared_ptr<facts_desk> facts);

}  // namespace pb::actors
