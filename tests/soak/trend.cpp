// The line through samples that decides whether a figure grew.
#define BOOST_TEST_MODULE trend
#include "tests/load/trend.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

using namespace pb::app::testing;

namespace {
std::vector<sample> rising_by(double per_sample, double noise = 0) {
  std::vector<sample> out;
  for (int n = 0; n < 100; ++n)
    out.push_back({n * 30.0, 1000 + per_sample * n + (n % 2 == 0 ? noise : -noise)});
  return out;
}
}  // namespace

BOOST_AUTO_TEST_CASE(a_leak_shows_as_its_growth_over_the_window_and_per_hour) {
  const auto t = trend_of(rising_by(2));
  BOOST_TEST(t.growth == 198, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(t.per_hour == 240, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(t.mean == 1099, boost::test_tools::tolerance(1e-9));
}
BOOST_AUTO_TEST_CASE(what_goes_up_and_down_does_not_grow) {
  BOOST_TEST(std::abs(trend_of(rising_by(0, 50)).growth) < 5);
}
BOOST_AUTO_TEST_CASE(one_sample_has_no_trend) {
  BOOST_TEST(trend_of(std::vector<sample>{{0, 7}}).growth == 0);
}
