#include "http/line_budget.hpp"

#include <algorithm>
#include <utility>

namespace pb::http {

line_budget::permit line_budget::ask(steady_time now) {
  const std::lock_guard lock{guard_};
  const std::chrono::duration<double> passed = now - seen_;
  left_ = std::min(burst_, left_ + std::max(0.0, passed.count()) * per_minute_ / 60.0);
  seen_ = now;
  if (left_ < 1) {
    ++left_out_;
    return {};
  }
  left_ -= 1;
  return {true, std::exchange(left_out_, 0)};
}

}  // namespace pb::http
