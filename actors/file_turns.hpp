// actors/file_turns: how many files are under way at once. Their bytes are in memory from the
// download's answer to the end of the upload, and uploads wait for Plane's rate limit: without
// turns a busy hour would pile them up. Whoever wants one waits in line, first come first served.
// Any thread; no CAF.
#pragma once
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace pb::actors {

class file_turns : public std::enable_shared_from_this<file_turns> {
public:
  /// Lets the next one go when the last copy is gone.
  using turn = std::shared_ptr<void>;
  using granted = std::function<void(turn)>;

  explicit file_turns(std::size_t at_once = 2) : free_(at_once) {}
  /// `then` is called once: now, or when a turn ends, on the thread where it ends. It must not
  /// block. Never after close().
  void want(granted then);
  /// Forgets who waits: they hold actors.
  void close();
  [[nodiscard]] std::size_t waiting() const;

private:
  turn make_turn();
  void over();

  mutable std::mutex lock_;
  std::size_t free_;
  std::deque<granted> line_;
  bool closed_ = false;
};

}  // namespace pb::actors
