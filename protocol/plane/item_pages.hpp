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

/// Newest change first, down to `watermark` when there is one, else all of the project.
class read_item_pages final : public exchange {
public:
  read_item_pages(api a, std::string project, std::optional<timestamp> watermark);
  step start() override;
  step on_response(const http_response& answer) override;
  [[nodiscard]] const std::vector<raw_item>& items() const noexcept { return items_; }

private:
  step ask(std::string cursor);
  api api_;
  std::string project_;
  std::optional<timestamp> watermark_;
  page_walker walker_{""};
  std::unordered_set<std::string> seen_;
  std::vector<raw_item> items_;
};

}  // namespace pb::protocol::plane
