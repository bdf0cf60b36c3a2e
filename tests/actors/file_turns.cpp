// Turns of files: so many at once, then in line, and nobody is left behind.
#define BOOST_TEST_MODULE actors_file_turns
#include "actors/file_turns.hpp"

#include <boost/test/unit_test.hpp>
#include <thread>
#include <vector>

using pb::actors::file_turns;

BOOST_AUTO_TEST_CASE(so_many_at_once_and_then_in_line) {
  const auto turns = std::make_shared<file_turns>(2);
  std::vector<int> order;
  std::vector<file_turns::turn> held(5);
  for (int n = 0; n < 5; ++n)
    turns->want([&, n](file_turns::turn t) {
      order.push_back(n);
      held[static_cast<std::size_t>(n)] = std::move(t);
    });
  BOOST_TEST((order == std::vector<int>{0, 1}));
  BOOST_TEST(turns->waiting() == 3u);
  held[1].reset();
  BOOST_TEST((order == std::vector<int>{0, 1, 2}));
  held[0].reset();
  held[2].reset();
  BOOST_TEST((order == std::vector<int>{0, 1, 2, 3, 4}));
  held.clear();
  BOOST_TEST(turns->waiting() == 0u);
  turns->want([&](file_turns::turn) { order.push_back(5); });
  BOOST_TEST(order.back() == 5);
}

BOOST_AUTO_TEST_CASE(a_turn_that_nobody_takes_is_the_next_ones) {
  const auto turns = std::make_shared<file_turns>(1);
  int granted = 0;
  for (int n = 0; n < 100; ++n) turns->want([&](file_turns::turn) { ++granted; });
  BOOST_TEST(granted == 100);
}

BOOST_AUTO_TEST_CASE(closed_it_forgets_who_waits) {
  const auto turns = std::make_shared<file_turns>(1);
  const auto kept = std::make_shared<int>(7);
  file_turns::turn first;
  turns->want([&](file_turns::turn t) { first = std::move(t); });
  turns->want([kept](file_turns::turn) { BOOST_ERROR("called after close"); });
  BOOST_TEST(kept.use_count() == 2);
  turns->close();
  BOOST_TEST(kept.use_count() == 1);
  first.reset();
  turns->want([](file_turns::turn) { BOOST_ERROR("called after close"); });
}

BOOST_AUTO_TEST_CASE(threads_pass_it_on) {
  const auto turns = std::make_shared<file_turns>(2);
  std::atomic<int> now{0}, most{0}, done{0};
  std::vector<std::thread> all;
  for (int n = 0; n < 4; ++n)
    all.emplace_back([&] {
      for (int i = 0; i < 500; ++i)
        turns->want([&](const file_turns::turn&) {
          const int here = ++now;
          int seen = most.load();
          while (here > seen && !most.compare_exchange_weak(seen, here)) {
          }
          --now;
          ++done;
        });
    });
  for (auto& t : all) t.join();
  BOOST_TEST(done.load() == 2'000);
  BOOST_TEST(most.load() <= 2);
  BOOST_TEST(turns->waiting() == 0u);
}
