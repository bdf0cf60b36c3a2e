// One seed is one story and one trace; a story may be cut short.
#define BOOST_TEST_MODULE simulation_replay
#include <boost/test/unit_test.hpp>

#include "chat_stage.hpp"
#include "stage.hpp"

using namespace pb::simulation;

namespace {
constexpr std::size_t whole = 1'000;
}

BOOST_AUTO_TEST_CASE(the_same_seed_replays_to_the_same_trace) {
  for (const std::uint64_t seed : {3u, 17u, 58u, 4'711u}) {
    const auto once = play(tell(seed, whole), false);
    const auto again = play(tell(seed, whole), false);
    BOOST_TEST(once.trace == again.trace);
    BOOST_TEST(once.calls == again.calls);
    BOOST_TEST(once.calls > 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_story_of_conversations_replays_to_the_same_trace) {
  for (const std::uint64_t seed : {7u, 43u}) {
    const auto once = play(tell_chat(seed, whole), false);
    const auto again = play(tell_chat(seed, whole), false);
    BOOST_TEST(once.trace == again.trace);
    BOOST_TEST(once.calls == again.calls);
    BOOST_TEST(once.failures.empty());
  }
  BOOST_TEST(play(tell_chat(1, whole), false).trace != play(tell_chat(2, whole), false).trace);
}

BOOST_AUTO_TEST_CASE(other_seeds_have_other_traces) {
  BOOST_TEST(play(tell(1, whole), false).trace != play(tell(2, whole), false).trace);
}

BOOST_AUTO_TEST_CASE(a_story_cut_short_begins_like_the_whole_one) {
  const auto all = tell(5, whole).steps;
  const auto some = tell(5, 4).steps;
  BOOST_REQUIRE(some.size() == 4u);
  for (std::size_t n = 0; n < some.size(); ++n) {
    BOOST_TEST(some[n].pause.count() == all[n].pause.count());
    BOOST_TEST((some[n].what == all[n].what));
    BOOST_TEST(some[n].subject == all[n].subject);
    BOOST_TEST(some[n].detail == all[n].detail);
  }
  BOOST_TEST(play(tell(5, 4), false).failures.empty());
}

BOOST_AUTO_TEST_CASE(nothing_happens_in_a_story_without_steps) {
  const auto o = play(tell(9, 0), false);
  BOOST_TEST(o.failures.empty());
  BOOST_TEST(o.writes == 0u);
}
