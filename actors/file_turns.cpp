#include "actors/file_turns.hpp"

#include <utility>

namespace pb::actors {

file_turns::turn file_turns::make_turn() {
  // Nothing is pointed at: only the end of the last copy counts.
  return {static_cast<void*>(this), [of = shared_from_this()](void*) { of->over(); }};
}

void file_turns::want(granted then) {
  {
    const std::lock_guard hold{lock_};
    if (closed_) return;
    if (free_ == 0) {
      line_.push_back(std::move(then));
      return;
    }
    --free_;
  }
  then(make_turn());
}

void file_turns::over() {
  granted next;
  {
    const std::lock_guard hold{lock_};
    if (line_.empty()) {
      ++free_;
      return;
    }
    next = std::move(line_.front());
    line_.pop_front();
  }
  next(make_turn());
}

void file_turns::close() {
  std::deque<granted> dropped;
  const std::lock_guard hold{lock_};
  closed_ = true;
  dropped.swap(line_);
}

std::size_t file_turns::waiting() const {
  const std::lock_guard hold{lock_};
  return line_.size();
}

}  // namespace pb::actors
