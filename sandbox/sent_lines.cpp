#include "sandbox/sent_lines.hpp"

#include <utility>

namespace pb::sandbox {
namespace {

constexpr std::size_t lines_kept = 300;

}  // namespace

void sent_lines::note(sent_webhook& line, timestamp now, std::string state, int status,
                      std::string detail) {
  const std::scoped_lock held{lock_};
  line.at = format_rfc3339(now);
  line.state = std::move(state);
  line.status = status;
  line.detail = std::move(detail);
  if (line.number == 0) {
    line.number = ++last_number_;
    lines_.push_back(line);
    if (lines_.size() > lines_kept) lines_.pop_front();
    return;
  }
  for (auto& kept : lines_)
    if (kept.number == line.number) kept = line;
}

std::vector<sent_webhook> sent_lines::all() const {
  const std::scoped_lock held{lock_};
  return {lines_.begin(), lines_.end()};
}

void sent_lines::begin() {
  const std::scoped_lock held{lock_};
  ++unfinished_;
}

void sent_lines::end() {
  const std::scoped_lock held{lock_};
  --unfinished_;
}

std::size_t sent_lines::unfinished() const {
  const std::scoped_lock held{lock_};
  return unfinished_;
}

bool sent_lines::arm(timestamp at) {
  const std::scoped_lock held{lock_};
  if (stopped_ || (armed_for_ && *armed_for_ <= at)) return false;
  armed_for_ = at;
  return true;
}

bool sent_lines::disarm() {
  const std::scoped_lock held{lock_};
  armed_for_.reset();
  return !stopped_;
}

void sent_lines::stop() {
  const std::scoped_lock held{lock_};
  stopped_ = true;
}

bool sent_lines::stopped() const {
  const std::scoped_lock held{lock_};
  return stopped_;
}

}  // namespace pb::sandbox
