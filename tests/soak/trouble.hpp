// Ordinary trouble, drawn from a seed: Plane slow, over its limit, broken, cutting connections,
// losing, doubling and reordering webhooks; the calendar server failing now and then. Half of the
// time nothing is wrong.
#pragma once
#include <map>
#include <string>

#include "base/random.hpp"
#include "tests/app/bridge.hpp"
#include "tests/load/dav_relay.hpp"

namespace pb::app::testing {

class trouble {
public:
  trouble(plane_side& plane, dav_relay& calendars, std::uint64_t seed)
      : plane_(plane), calendars_(calendars), random_(seed) {}
  /// Ends what was wrong and draws anew.
  void next();
  void end();
  /// How often each kind was set.
  [[nodiscard]] const std::map<std::string, unsigned>& set() const noexcept { return set_; }

private:
  plane_side& plane_;
  dav_relay& calendars_;
  seeded_random random_;
  std::map<std::string, unsigned> set_;
};

}  // namespace pb::app::testing
