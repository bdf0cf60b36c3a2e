// Does a figure grow? A straight line through samples by least squares. Pure.
#pragma once
#include <span>

namespace pb::app::testing {

struct sample {
  double at_s = 0, value = 0;
};

struct trend {
  double mean = 0;
  double growth = 0;  ///< of the line, from the first sample to the last
  double per_hour = 0;
};
/// All zero for fewer than two samples; their times rise.
trend trend_of(std::span<const sample> samples);

}  // namespace pb::app::testing
