// benchmarks/pushes: where the load gets its requests from. Not thread-safe.
#pragma once
#include <string>
#include <string_view>

namespace pb::bench {

class pushes {
public:
  virtual ~pushes() = default;
  /// The whole request, head and body, in place of what `out` held; what it is about.
  virtual const std::string& next(std::string& out) = 0;
  [[nodiscard]] virtual double mean_body_bytes() const = 0;
  /// What an answer with status 200 says of a new delivery.
  [[nodiscard]] virtual std::string_view accepted() const noexcept = 0;
};

}  // namespace pb::bench
