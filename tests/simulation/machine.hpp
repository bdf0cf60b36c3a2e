// tests/simulation/machine: the machine that a story's bridge runs on: time passes on it, processes
// die and are started again, the store goes away for a while.
#pragma once
#include <functional>
#include <string>

#include "base/random.hpp"
#include "world.hpp"

namespace pb::simulation {
using std::chrono::milliseconds;

class machine {
public:
  struct hooks {
    std::function<void(const std::string&)> say;
    std::function<void()> died;
  };
  machine(test::world& w, seeded_random& luck, hooks to)
      : world_(w), luck_(luck), to_(std::move(to)) {}

  /// Time passes; whoever died is started again some time later.
  void pass(milliseconds span);
  void start();
  void stop(milliseconds stays_down);  ///< in order
  void lose_store(milliseconds span);
  /// Store and bridge are back soon.
  void mend();

private:
  void start_when_due();

  test::world& world_;
  seeded_random& luck_;
  hooks to_;
  milliseconds down_until_{0}, store_back_at_{0};
  bool store_away_ = false;
};

/// Some fault of the wire.
test::wire_fault draw_fault(seeded_random& luck);
/// 0 to `upto` ms.
milliseconds ms_of(std::uint64_t draw, std::uint64_t upto);

}  // namespace pb::simulation
