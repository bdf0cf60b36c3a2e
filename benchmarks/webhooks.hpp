// benchmarks/webhooks: signed Plane webhooks, each with bytes of its own. Not thread-safe.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/random.hpp"
#include "benchmarks/pushes.hpp"

namespace pb::bench {

/// Bodies of 2 to 8 KB, 4.7 KB in the mean, made of the recorded webhook by lengthening its
/// description. Each request names one of `items` work items (0: a new one each time), with an
/// update time and a target date of its own, so that each is a new delivery and a change.
class webhooks final : public pushes {
public:
  webhooks(std::string recorded, std::string secret, std::string host, std::size_t items,
           bool keep_alive);
  /// The whole request, head and body, in place of what `out` held; the work item it is about.
  const std::string& next(std::string& out) override;
  [[nodiscard]] double mean_body_bytes() const override;
  [[nodiscard]] std::string_view accepted() const noexcept override { return "\"accepted\""; }

private:
  struct sample {
    std::string body;
    std::size_t item_at, updated_at, target_date;  ///< where 36, 27 and 10 bytes are replaced
  };
  std::vector<sample> samples_;
  std::vector<std::string> items_;
  std::string item_;
  std::string secret_, head_, end_of_head_;
  system_clock_source clock_;
  seeded_random random_;
};

}  // namespace pb::bench
