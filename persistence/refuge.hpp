// persistence/refuge: where the store hands deliveries that the database cannot take now. The store
// knows only this interface; persistence/shelter is the one that stands behind it.
#pragma once
#include <functional>

#include "base/failure.hpp"

namespace pb::persistence {

struct write;
struct written;

class refuge {
public:
  virtual ~refuge() = default;
  /// While it holds something, every unit that appends passes through it. Any thread; the only
  /// thing that it costs a store that is up is this look.
  [[nodiscard]] virtual bool engaged() const noexcept = 0;
  /// The database is away, whether or not something waits: from now on engaged.
  virtual void engage(const failure& why) = 0;
  /// Takes the unit over with the duty to complete it; false: neither unit nor completion was
  /// touched. Only queues, in the order of the calls: the store calls it with its queue locked.
  virtual bool take(write& unit, std::function<void(result<written>)>& completion) = 0;
};

}  // namespace pb::persistence
