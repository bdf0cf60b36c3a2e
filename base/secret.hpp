// base/secret: a value that cannot be printed. It has no stream operator, no fmt formatter and no
// conversion to string; reveal() is the one way to its bytes and easy to find in a review.
#pragma once
#include <string>
#include <string_view>
#include <utility>

namespace pb {

class secret {
public:
  secret() = default;
  explicit secret(std::string value) : value_(std::move(value)) {}
  secret(const secret&) = default;
  secret(secret&&) = default;
  secret& operator=(const secret&) = default;
  secret& operator=(secret&&) = default;
  ~secret();

  [[nodiscard]] bool empty() const noexcept { return value_.empty(); }
  /// The bytes themselves, for a signature, a header or a login; never for a log or an answer.
  [[nodiscard]] const std::string& reveal() const noexcept { return value_; }

private:
  std::string value_;
};

/// What a person may see of it: "****" and, for long values, the last two characters.
std::string masked(const secret& s);

/// Equal length and bytes, in time that depends on the lengths only.
bool constant_time_equal(std::string_view a, std::string_view b) noexcept;

}  // namespace pb
