#include "sync/gap.hpp"

namespace pb::sync {

bool is_later(const std::string& time, const std::string& than) {
  if (than.empty()) return true;
  const auto a = parse_rfc3339(time), b = parse_rfc3339(than);
  return a && b && *a > *b;
}

bool is_same_moment(const std::string& a, const std::string& b) {
  if (a == b) return true;
  const auto x = parse_rfc3339(a), y = parse_rfc3339(b);
  return x && y && *x == *y;
}

bool is_young(const std::string& updated_at, timestamp asked_at, std::chrono::milliseconds grace) {
  const auto t = parse_rfc3339(updated_at);
  return t && *t > asked_at - grace;
}

std::string poll_down_to(const std::string& watermark, std::chrono::milliseconds overlap) {
  const auto t = parse_rfc3339(watermark);
  return t ? format_rfc3339(*t - overlap) : watermark;
}

bool reads_one_by_one(std::size_t differing, std::size_t listed) noexcept {
  constexpr std::size_t few = 3, page = 100;
  return differing <= few || differing < (listed + page - 1) / page;
}

}  // namespace pb::sync
