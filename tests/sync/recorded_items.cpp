// Recorded traffic of a real Plane: an item has the same values whether a webhook or an expanded
// read tells of it, or its event would flap between two texts.
#define BOOST_TEST_MODULE recorded_items
#include <boost/test/unit_test.hpp>
#include <map>

#include "../protocol/plane_fixture.hpp"
#include "items.hpp"
#include "protocol/plane/parse.hpp"
#include "protocol/plane/webhook.hpp"

using namespace pb;
using namespace pb::sync;
namespace fixture = plane_fixture;
namespace plane_ns = protocol::plane;

namespace {

using key = std::pair<std::string, timestamp>;  ///< id and update time

void add(std::multimap<key, item_knowledge>& to, const plane_ns::work_item& item) {
  const auto t = parse_rfc3339(item.updated_at);
  // A plain read has ids where an expanded one has names: nothing to compare.
  if (t && item.state && !item.state->name.empty()) to.emplace(key{item.id, *t}, learn({}, item));
}

std::multimap<key, item_knowledge> from_webhooks() {
  std::multimap<key, item_knowledge> out;
  for (const auto& file : fixture::files("plane-live/webhooks")) {
    const auto d = fixture::load_delivery(file);
    if (d.cut) continue;
    const auto said = plane_ns::parse_webhook(d.body, d.as_headers.header("X-Plane-Event"));
    if (said && said->item) add(out, *said->item);
  }
  return out;
}
std::multimap<key, item_knowledge> from_reads() {
  std::multimap<key, item_knowledge> out;
  for (const auto& file : fixture::files("plane-live/rest")) {
    const auto e = fixture::load_exchange(file);
    if (e.cut || e.answer.status != 200) continue;
    boost::system::error_code ec;
    const auto body = boost::json::parse(e.answer.body, ec);
    if (ec || !body.is_object()) continue;
    const auto* rows = body.as_object().if_contains("results");
    if (rows != nullptr && rows->is_array()) {
      for (const auto& row : rows->as_array())
        if (const auto item = plane_ns::parse_work_item(row)) add(out, *item);
    } else if (const auto item = plane_ns::parse_work_item(body)) {
      add(out, *item);
    }
  }
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(webhook_and_read_tell_the_same_of_an_item) {
  const auto heard = from_webhooks(), read = from_reads();
  std::size_t pairs = 0;
  for (const auto& [k, by_webhook] : heard)
    for (auto [it, end] = read.equal_range(k); it != end; ++it) {
      ++pairs;
      BOOST_TEST_CONTEXT(to_json(by_webhook) << "\n" << to_json(it->second))
      BOOST_TEST(same_values(by_webhook, it->second));
    }
  BOOST_TEST(pairs >= 2U);
}
