// protocol/plane/item_pages: whole work items page by page, expanded, each row kept as Plane gave
// it: what polls and scans put into the journal. One request brings up to 100 items, where reading
// them one by one would cost the request budget 100.
#pragma once
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/clock.hpp"
#include "protocol/exchange.hpp"
#include "protocol/plane/parse.hpp"
#include "protocol/plane/requests.hpp"

namespace pb::protocol::plane {

struct raw_item {
  std::string id, updated_at, json;
};

/// What one listing may bring to memory; more is errc::too_large.
struct item_pages_limits {
  std::size_t items = 200'000;
  std::size_t bytes = 256u << 20;
};

/// Newest change first, down to `watermark` when there is one, else all of the project. A poll
/// refuses an item without a readable time: it would never know where to stop.
class read_item_pages final : public exchange {
public:
  read_item_pages(api a, std::string project, std::optional<timestamp> watermark,
                  item_pages_limits limits = {});
  step start() override;
  step on_response(const http_response& answer) override;
  [[nodiscard]] const std::vector<raw_item>& items() const noexcept { return items_; }

private:
  step ask(std::string cursor);
  api api_;
  std::string project_;
  std::optional<timestamp> watermark_;
  item_pages_limits limits_;
  page_walker walker_{""};
  std::unordered_set<std::string> seen_;
  std::vector<raw_item> items_;
  std::size_t bytes_ = 0;
};

}  // namespace pb::protocol::plane
