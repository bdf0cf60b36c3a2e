#include "protocol/plane/item_pages.hpp"

#include "protocol/plane/answers.hpp"

namespace pb::protocol::plane {
namespace {
constexpr std::string_view operation = "plane.list_work_items";
constexpr std::uint32_t page_size = 100;  // with descriptions in them, 1000 could be too large
}  // namespace

read_item_pages::read_item_pages(api a, std::string project, std::optional<timestamp> watermark,
                                 item_pages_limits limits)
    : api_(std::move(a)), project_(std::move(project)), watermark_(watermark), limits_(limits) {}

step read_item_pages::start() {
  items_.clear();
  seen_.clear();
  bytes_ = 0;
  walker_ = page_walker{std::string{operation}};
  return ask({});
}

step read_item_pages::ask(std::string cursor) {
  list_query q;
  q.per_page = page_size;
  q.cursor = std::move(cursor);
  // A scan of everything must not shift while it pages: created_at is stable, updated_at is not.
  q.order_by = watermark_ ? "-updated_at" : "created_at";
  q.expand = std::string{item_expand};
  return call{list_work_items(api_, project_, q), std::string{operation}, true};
}

step read_item_pages::on_response(const http_response& answer) {
  if (answer.status != 200) return classify(answer, operation);
  auto v = parse_json(answer.body, max_answer_bytes, errc::unexpected_answer, operation);
  if (!v) return v.error();
  json_reader r{errc::unexpected_answer, operation};
  const auto envelope = read_page_envelope(r, *v);
  if (r.failed()) return r.problem();
  for (const auto& row : *envelope.results) {
    // Only what parses goes on: the journal's own reader must be able to read it later.
    auto item = parse_work_item(row, operation);
    if (!item) return item.error();
    if (watermark_) {
      const auto t = parse_rfc3339(item->updated_at);
      if (!t)
        return failure{.code = errc::unexpected_answer,
                       .where = std::string{operation},
                       .detail = "item " + item->id + " has no readable updated_at"};
      if (*t < *watermark_) return finished{};
    }
    if (!seen_.insert(item->id).second) continue;
    items_.push_back({item->id, item->updated_at, boost::json::serialize(row)});
    bytes_ += items_.back().json.size();
    if (items_.size() > limits_.items || bytes_ > limits_.bytes)
      return failure{.code = errc::too_large,
                     .where = std::string{operation},
                     .detail = "more than " + std::to_string(limits_.items) + " items or " +
                               std::to_string(limits_.bytes) + " bytes in one listing"};
  }
  auto next = walker_.after(envelope.next_cursor, envelope.has_next);
  if (!next) return next.error();
  if (next->empty()) return finished{};
  return ask(std::move(*next));
}

}  // namespace pb::protocol::plane
