// A TCP relay before a PostgreSQL server that loses the answer to a commit on cue: the server
// committed, and the client never hears of it. Loopback, threads of its own.
#pragma once
#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <thread>

namespace pb::outage {

class cutting_proxy {
public:
  explicit cutting_proxy(std::uint16_t to);
  cutting_proxy(const cutting_proxy&) = delete;
  cutting_proxy& operator=(const cutting_proxy&) = delete;
  ~cutting_proxy();
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// The next n answers to a commit are lost, and their connections with them; what connects
  /// afterwards is refused as long as refuse() holds.
  void cut_commits(int n) { cut_ = n; }
  [[nodiscard]] int left() const { return cut_; }
  void refuse(bool on) { refusing_ = on; }

private:
  void accept_all();
  void relay(int client, int server);
  std::uint16_t to_, port_ = 0;
  int listener_ = -1;
  std::atomic<int> cut_{0};
  std::atomic<bool> refusing_{false}, stop_{false};
  std::mutex lock_;
  std::list<std::thread> relays_;  // under lock_
  std::thread accepting_;
};

}  // namespace pb::outage
