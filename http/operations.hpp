// http/operations: what an operator can do over the API, without the endpoints knowing an actor.
// actors/ implements it. Completions are called once, on any thread, with serialized JSON.
#pragma once
#include <functional>
#include <string>

#include "base/failure.hpp"

namespace pb::http {

struct sync_request {
  std::string project;  ///< uuid or identifier; empty: all
  bool dry_run = false;
};

class operations {
public:
  virtual ~operations() = default;
  /// Ids as the API shows them: "d<seq>" for a delivery, "e<id>" for an effect.
  virtual void retry_dead_letter(const std::string& id,
                                 std::function<void(result<std::string>)> done) = 0;
  virtual void skip_dead_letter(const std::string& id,
                                std::function<void(result<std::string>)> done) = 0;
  /// Starts a full sync; the answer holds its id.
  virtual void sync_now(const sync_request& r, std::function<void(result<std::string>)> done) = 0;
  /// Empty when there is no such run.
  [[nodiscard]] virtual std::string sync_status(const std::string& id) const = 0;
};

}  // namespace pb::http
