// A sender of signed Plane webhooks, each with a body of its own: what the sandbox announced last
// about an item, some microseconds younger, so that nothing changes by it and every one counts. A
// connection for each delivery, as Plane has it; without an answer the same body is sent again
// under a new delivery id, as Plane does.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "tests/app/bridge.hpp"
#include "tests/load/loopback_server.hpp"

namespace pb::app::testing {

/// One body and how its sending went.
struct announced {
  std::vector<std::string> ids;  ///< X-Plane-Delivery of each attempt
  bool acknowledged = false;     ///< by the last of them
};

class announcer {
public:
  struct options {
    std::size_t senders = 4;
    /// Bodies a second of all senders together; 0: as fast as answers come.
    double rate = 0;
    bool keep = true;  ///< what was sent, for sent()
    std::uint64_t seed = 1;
  };
  announcer(plane_side& plane, const bridge& daemon, options o);
  announcer(const announcer&) = delete;
  announcer& operator=(const announcer&) = delete;
  ~announcer();

  /// Nothing is announced of it from now on.
  void forget(const std::string& item);
  /// Items that something is known of.
  [[nodiscard]] std::size_t known() const;
  void start();
  /// Ends once each body under way is acknowledged, or at the deadline.
  void stop(milliseconds deadline = milliseconds{60'000});
  void set_rate(double per_second) { rate_ = per_second; }

  struct figures {
    std::uint64_t bodies = 0, attempts = 0, acknowledged = 0, duplicates = 0;
    std::uint64_t unanswered = 0;  ///< attempts without an answer
    std::uint64_t refused = 0;     ///< attempts answered other than 200
  };
  [[nodiscard]] figures so_far() const;
  /// Times from an attempt to its 200 since the last call, sorted; in milliseconds.
  [[nodiscard]] std::vector<double> take_latencies();
  /// After stop().
  [[nodiscard]] std::vector<announced> sent() const;
  [[nodiscard]] std::string last_refusal() const;

private:
  struct known_item {
    std::string body;  ///< as the sandbox sent it last
    timestamp updated;
    std::int64_t later_us = 0;  ///< of the body made from it last
  };
  answer hear(const asked& a);
  std::optional<std::string> next_body();
  void send(std::size_t number);
  bool wait_turn();
  bool attempt(const std::string& body, announced& row, seeded_random& random);

  const bridge& daemon_;
  options options_;
  std::atomic<double> rate_;
  mutable std::mutex lock_;
  std::condition_variable turn_;
  std::map<std::string, known_item> items_;
  std::vector<std::string> order_;
  seeded_random random_;
  std::chrono::steady_clock::time_point next_turn_;
  bool stopping_ = false, giving_up_ = false;
  std::size_t busy_ = 0;
  figures figures_;
  std::vector<double> latencies_;
  std::vector<announced> sent_;
  std::string last_refusal_;
  std::vector<std::thread> threads_;
  loopback_server ear_;  ///< hears what the sandbox announces
};

}  // namespace pb::app::testing
