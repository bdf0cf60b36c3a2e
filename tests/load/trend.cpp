#include "tests/load/trend.hpp"

namespace pb::app::testing {

trend trend_of(std::span<const sample> samples) {
  if (samples.size() < 2) return {};
  const auto n = static_cast<double>(samples.size());
  double at = 0, value = 0;
  for (const auto& s : samples) {
    at += s.at_s / n;
    value += s.value / n;
  }
  double together = 0, apart = 0;
  for (const auto& s : samples) {
    together += (s.at_s - at) * (s.value - value);
    apart += (s.at_s - at) * (s.at_s - at);
  }
  const double per_second = apart > 0 ? together / apart : 0;
  return {value, per_second * (samples.back().at_s - samples.front().at_s), per_second * 3600};
}

}  // namespace pb::app::testing
