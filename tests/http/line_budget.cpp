// How many lines a flood of refused requests may write.
#define BOOST_TEST_MODULE http_line_budget
#include "http/line_budget.hpp"

#include <boost/test/unit_test.hpp>

using namespace pb;
using namespace pb::http;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(a_few_are_written_each) {
  line_budget b{3, 60};
  const steady_time t{1h};
  for (int i = 0; i < 3; ++i) {
    const auto p = b.ask(t);
    BOOST_TEST(p.write);
    BOOST_TEST(p.left_out == 0u);
  }
}

BOOST_AUTO_TEST_CASE(of_a_flood_few_are_written_and_the_others_counted) {
  line_budget b{3, 60};
  const steady_time t{1h};
  unsigned written = 0, told = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto p = b.ask(t + i * 1ms);
    written += p.write ? 1u : 0u;
    told += static_cast<unsigned>(p.left_out);
  }
  BOOST_TEST(written >= 12u);
  BOOST_TEST(written <= 13u);
  const auto last = b.ask(t + 1min);
  BOOST_TEST(last.write);
  BOOST_TEST(written + told + last.left_out == 10'000u);
}

BOOST_AUTO_TEST_CASE(quiet_does_not_save_up_more_than_the_burst) {
  line_budget b{3, 60};
  steady_time t{1h};
  for (int i = 0; i < 4; ++i) (void)b.ask(t);
  t += 24h;
  unsigned written = 0;
  for (int i = 0; i < 10; ++i) written += b.ask(t).write ? 1u : 0u;
  BOOST_TEST(written == 3u);
}
