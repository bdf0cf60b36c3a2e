// tests/actors/bound_chat: a chat with a conversation that is bound to a work item; whoever dies is
// started again, and at the end nothing is left over.
#pragma once
#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>

#include "chat_world.hpp"

namespace pb::test {
using namespace std::chrono_literals;

struct bound : chat_world {
  explicit bound(std::uint64_t seed = 1, sandbox::plane_options plane = {})
      : chat_world(seed, std::move(plane)) {
    settings.concurrency.breaker_failures = 1000;
  }
  std::string item, root;
  void bind() {
    item = create("Login page is blank");
    pass(5s);
    root = say("the login page is blank");
    pass(2s);
    say("/bind " + link_of(item), root, true);
    pass(20s);
  }
  void rest() {
    come_to_rest();
    BOOST_TEST(left_over() == "");
  }
};

/// The same in another order: ready actors take turns by this seed, and the answers of comments
/// come after the webhooks they cause, or before.
inline void in_any_order(const std::function<void(bound&)>& play) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) BOOST_TEST_CONTEXT("order " << seed) {
      bound s{seed + 1};
      if (seed > 0) s.shuffle(seed);
      if (seed % 2 == 1) s.slow = "/comments/";
      play(s);
    }
}

}  // namespace pb::test
