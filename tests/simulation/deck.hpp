// tests/simulation/deck: what may happen in a story, and how often. The order of the draws is part
// of what a seed means.
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "base/random.hpp"

namespace pb::simulation {

struct card {
  std::string_view name;
  unsigned weight;  ///< for one step
};

/// One story's weights: most stories are without some kinds, so that others are met undisturbed,
/// and have more of others.
template <std::size_t N>
class deck {
public:
  template <class Essential>
  deck(const std::array<card, N>& cards, Essential essential, random_source& r) {
    const bool gloomy = r.next() % 10 != 0;  // else nothing is left out
    for (std::size_t i = 0; i < N; ++i) {
      const auto draw = r.next() % 100;
      weights_[i] = cards[i].weight;
      if (gloomy && !essential(i) && draw < 40) weights_[i] = 0;
      if (gloomy && draw >= 85) weights_[i] *= 3;
      total_ += weights_[i];
    }
  }
  std::size_t draw(random_source& r) const {
    auto at = r.next() % total_;
    std::size_t i = 0;
    while (at >= weights_[i]) at -= weights_[i++];
    return i;
  }

private:
  std::array<unsigned, N> weights_{};
  unsigned total_ = 0;
};

/// A pause before a step: as often as the first says in a hundred, shorter than the second.
struct pause_share {
  unsigned until;
  std::chrono::milliseconds shorter_than;
};
template <std::size_t N>
std::chrono::milliseconds draw_pause(const std::array<pause_share, N>& shares, random_source& r) {
  const auto kind = r.next() % 100;
  for (const auto& s : shares)
    if (kind < s.until)
      return s.shorter_than.count() == 0
                 ? s.shorter_than
                 : std::chrono::milliseconds{static_cast<std::int64_t>(
                       r.next() % static_cast<std::uint64_t>(s.shorter_than.count()))};
  return {};
}

}  // namespace pb::simulation
