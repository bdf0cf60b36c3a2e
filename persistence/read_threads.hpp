// persistence/read_threads: the threads that a store reads on, each over a session of its own. Used
// by the stores only. Pushing is safe from any thread; what is pushed runs on the thread.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "persistence/read_session.hpp"

namespace pb::persistence {

/// Runs queued functions in their order.
class reading_thread {
public:
  reading_thread(const open_options& options, const std::string& name);
  /// What still waits is told errc::cancelled.
  ~reading_thread();
  void push(std::function<void(result<reader*>)> body);

private:
  void run();

  const std::size_t queue_max_;
  read_session session_;
  std::mutex lock_;
  std::condition_variable wake_;
  std::deque<std::function<void(result<reader*>)>> queue_;
  bool stop_ = false;
  std::thread thread_;
};

/// Loads entities: all that wait, up to a bound, with one question to each table.
class loading_thread {
public:
  using done = std::function<void(result<entity_state>)>;
  loading_thread(const open_options& options, const std::string& name);
  /// What still waits is told errc::cancelled.
  ~loading_thread();
  void push(entity_key key, done completion);

private:
  struct asked {
    entity_key key;
    done completion;
  };
  void run();
  void answer(std::vector<asked> batch, bool closing);

  const std::size_t queue_max_, batch_max_;
  read_session session_;
  std::mutex lock_;
  std::condition_variable wake_;
  std::deque<asked> queue_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace pb::persistence
