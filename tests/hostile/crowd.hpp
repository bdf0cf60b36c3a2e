// Many connections of one attacker to one loopback port, by plain sockets: a client library would
// not do what they do. Not thread-safe; `sending` has a thread of its own.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace hostile {

/// One connection; -1 when it is refused.
int connect_to(std::uint16_t port);
/// With a reset, so that nothing of it lingers anywhere.
void reset(int socket);

class crowd {
public:
  explicit crowd(std::uint16_t port) : port_(port) {}
  crowd(const crowd&) = delete;
  crowd& operator=(const crowd&) = delete;
  ~crowd() { leave(); }

  /// Opens until so many are open; false when the system gives no more.
  bool grow_to(std::size_t connections);
  /// Each sends this, as far as it is taken without waiting.
  void each_sends(std::string_view text);
  /// Each reads what has come; how many got something that begins with this.
  std::size_t each_reads(std::string_view beginning);
  /// How many the server has ended; what it said before is thrown away.
  std::size_t ended();
  /// Those that were ended are opened again.
  void come_back();
  void leave();
  [[nodiscard]] std::size_t size() const noexcept { return sockets_.size(); }

private:
  std::uint16_t port_;
  std::vector<int> sockets_;
};

/// Calls `attack` at most so often a second, on its own thread, until it is destroyed.
class sending {
public:
  template <class F>
  sending(unsigned per_second, F attack) {
    thread_ = std::thread{[this, per_second, attack = std::move(attack)]() mutable {
      const auto pause = std::chrono::microseconds{1'000'000 / per_second};
      auto next = std::chrono::steady_clock::now();
      while (!over_) {
        attack();
        next += pause;
        const auto now = std::chrono::steady_clock::now();
        if (next < now) next = now;  // what is late is not made up for
        std::this_thread::sleep_until(next);
      }
    }};
  }
  sending(const sending&) = delete;
  sending& operator=(const sending&) = delete;
  ~sending() {
    over_ = true;
    thread_.join();
  }

private:
  std::atomic<bool> over_{false};
  std::thread thread_;
};

}  // namespace hostile
