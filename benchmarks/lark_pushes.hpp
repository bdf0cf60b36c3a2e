// benchmarks/lark_pushes: Feishu's pushes, encrypted and signed: messages in conversations, or
// clicks on a card, each a new one. Not thread-safe.
#pragma once
#include <string>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "benchmarks/pushes.hpp"

namespace pb::bench {

class lark_pushes final : public pushes {
public:
  enum class kind { message, click };
  /// @param threads  how many conversations they are about: the roots that bench/lark.py seeds
  lark_pushes(kind what, std::string encrypt_key, std::string host, std::size_t threads);
  const std::string& next(std::string& out) override;
  [[nodiscard]] double mean_body_bytes() const override;
  /// A message is answered by {}, a click by its toast.
  [[nodiscard]] std::string_view accepted() const noexcept override;

private:
  [[nodiscard]] std::string body();
  kind what_;
  secret key_;
  std::string host_, root_;
  std::size_t threads_;
  system_clock_source clock_;
  seeded_random random_;
  double bytes_ = 0, made_ = 0;
};

}  // namespace pb::bench
