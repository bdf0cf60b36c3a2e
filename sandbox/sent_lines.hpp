// sandbox/sent_lines: what both senders of webhooks keep: the live list of what they sent, how much
// of it is unfinished, when they look again, and that they were stopped. Any thread.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "sandbox/sender.hpp"

namespace pb::sandbox {

class sent_lines {
public:
  /// The line with its new state; a new one gets its number and stands last.
  void note(sent_webhook& line, timestamp now, std::string state, int status, std::string detail);
  /// The last 300, oldest first.
  [[nodiscard]] std::vector<sent_webhook> all() const;

  void begin();  ///< one more is unfinished
  void end();
  [[nodiscard]] std::size_t unfinished() const;

  /// False when a look at that time or before it is due already, or nothing is sent any more.
  bool arm(timestamp at);
  /// The look is due; false when nothing is sent any more.
  bool disarm();
  void stop();
  [[nodiscard]] bool stopped() const;

private:
  mutable std::mutex lock_;
  std::deque<sent_webhook> lines_;
  std::uint64_t last_number_ = 0;
  std::size_t unfinished_ = 0;
  std::optional<timestamp> armed_for_;
  bool stopped_ = false;
};

}  // namespace pb::sandbox
