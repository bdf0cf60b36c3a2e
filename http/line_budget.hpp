// http/line_budget: how many lines of the log refused requests may fill. Anyone can send what is
// refused, so a line for each would let strangers fill the disk: `burst` lines at once and
// `per_minute` after that are written, the others are counted and told with the next one. Used by
// the server; time is the caller's. Any thread.
#pragma once
#include <cstdint>
#include <mutex>

#include "base/clock.hpp"

namespace pb::http {

class line_budget {
public:
  struct permit {
    bool write = false;
    std::uint64_t left_out = 0;  ///< lines not written since the last one that was
  };
  explicit line_budget(unsigned burst = 120, unsigned per_minute = 12)
      : burst_(burst), per_minute_(per_minute), left_(burst) {}
  permit ask(steady_time now);

private:
  std::mutex guard_;
  double burst_, per_minute_;
  double left_;  ///< lines that may be written now
  steady_time seen_{};
  std::uint64_t left_out_ = 0;
};

}  // namespace pb::http
