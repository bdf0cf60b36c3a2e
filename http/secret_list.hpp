// http/secret_list: the secrets an endpoint accepts now, replaced as a whole by a reload while
// requests are answered. Any thread.
#pragma once
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/secret.hpp"

namespace pb::http {

class secret_list {
public:
  using list = std::vector<secret>;
  explicit secret_list(list now = {}) { set(std::move(now)); }

  /// Empty ones are left out: an empty secret would match what carries none.
  void set(list now) {
    std::erase_if(now, [](const secret& s) { return s.empty(); });
    auto next = std::make_shared<const list>(std::move(now));
    const std::lock_guard lock{guard_};
    now_ = std::move(next);
  }
  /// Never null; stays as it is for whoever holds it.
  [[nodiscard]] std::shared_ptr<const list> get() const {
    const std::lock_guard lock{guard_};
    return now_;
  }

private:
  mutable std::mutex guard_;
  std::shared_ptr<const list> now_;
};

}  // namespace pb::http
