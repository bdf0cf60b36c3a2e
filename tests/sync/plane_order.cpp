// Whatever order webhooks, lists and reads come in, what is known ends as Plane has it.
#define BOOST_TEST_MODULE plane_order
#include <rapidcheck.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <numeric>

#include "items.hpp"
#include "sync/plane_rules.hpp"

using namespace pb;
using namespace pb::sync;
using namespace sync_items;

namespace {

/// Values that a version of the item shows: few different ones, so that versions repeat values.
plane::work_item version(int n, double updated) {
  auto item = work_item(updated, "Name " + std::to_string(n));
  item.prio = static_cast<plane::priority>(n % 5);
  item.target_date = n % 3 == 0 ? "" : "2026-11-2" + std::to_string(n % 10);
  item.is_draft = n % 7 == 6;
  if (n % 5 == 4) item.labels.clear();
  return item;
}

template <class T>
void shuffle(std::vector<T>& v) {
  for (std::size_t i = v.size(); i > 1; --i)
    std::swap(v[i - 1], v[*rc::gen::inRange<std::size_t>(0, i)]);
}

/// A life of one item in Plane and everything that tells of it, on one axis of time.
struct life {
  struct happening {
    double time;  ///< when it is journaled
    heard what;
  };
  std::vector<plane::work_item> versions;  ///< version i since second i
  double deleted_at = 1e9;
  std::vector<happening> told;

  bool is_gone(double now) const { return now >= deleted_at; }
  const plane::work_item& present(double now) const {
    const auto i =
        std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(now), 0, std::ssize(versions) - 1);
    return versions[static_cast<std::size_t>(i)];
  }
  heard read(double now) const {
    if (is_gone(now)) return heard_gone{at(now)};
    return heard_item{present(now), at(now), true};
  }
};

life any_life() {
  life l;
  const int count = *rc::gen::inRange(1, 7);
  for (int i = 0; i < count; ++i) l.versions.push_back(version(*rc::gen::inRange(0, 6), 1.0 * i));
  const double last = count - 1.0;
  const bool gone = *rc::gen::inRange(0, 3) == 0;
  if (gone) l.deleted_at = last + 0.5;
  const auto delay = [] { return *rc::gen::inRange(1, 6'000) / 1000.0; };
  for (int i = 0; i < count; ++i) {
    const auto& v = l.versions[static_cast<std::size_t>(i)];
    // The open edition sends the whole item, the cloud an event without it; where the webhook is
    // lost, something else tells that a look is due.
    const int form = *rc::gen::inRange(0, 3);
    for (int copies = form == 2 ? 1 : *rc::gen::inRange(1, 4); copies > 0; --copies) {
      const double received = i + delay();
      l.told.push_back({received, form == 0   ? webhook(v, received)
                                  : form == 1 ? bare(i, received)
                                              : heard{heard_hint{"a poll shows a later time"}}});
    }
  }
  // Lists: shown as of any moment between the request and the answer, handled later.
  for (int n = *rc::gen::inRange(0, 5); n > 0; --n) {
    const double asked = *rc::gen::inRange(0, 1'000 * (count + 1)) / 1000.0;
    const double shown = asked + delay() / 6;
    if (!l.is_gone(shown))
      l.told.push_back({shown + delay(), heard_item{l.present(shown), at(asked), false}});
  }
  if (gone) {  // Plane's open edition says nothing: a scan misses it
    const double scanned = l.deleted_at + delay();
    l.told.push_back({scanned, heard_hint{"a full scan did not list it"}});
  }
  std::sort(l.told.begin(), l.told.end(),
            [](const auto& a, const auto& b) { return a.time < b.time; });
  return l;
}

/// As the issue actor does it: in journal order, reading where a read is asked for.
item_knowledge follow(const life& l, unsigned& reads) {
  item_knowledge known;
  for (const auto& h : l.told) {
    if (const auto* w = std::get_if<heard_webhook>(&h.what))
      known.last_event_at = std::max(known.last_event_at, w->received_at);
    auto v = judge(known, h.what);
    if (std::holds_alternative<needs_read>(v)) {
      ++reads;
      v = judge(known, l.read(h.time + 0.0005));
    }
    RC_ASSERT(std::holds_alternative<settled>(v));
    known = std::get<settled>(std::move(v)).now;
  }
  return known;
}

}  // namespace

BOOST_AUTO_TEST_CASE(snapshots_in_any_order_and_number_end_with_the_newest_values) {
  BOOST_TEST(rc::check([] {
    const int count = *rc::gen::inRange(1, 8);
    std::vector<int> order;
    for (int i = 0; i < count; ++i)
      for (int copies = *rc::gen::inRange(1, 4); copies > 0; --copies) order.push_back(i);
    std::vector<plane::work_item> versions;
    for (int i = 0; i < count; ++i) versions.push_back(version(*rc::gen::inRange(0, 9), i));
    shuffle(order);
    item_knowledge known;
    double received = 100;
    for (const int i : order) {
      auto v = judge(known, webhook(versions[static_cast<std::size_t>(i)], received += 1));
      RC_ASSERT(std::holds_alternative<settled>(v));
      known = std::get<settled>(std::move(v)).now;
    }
    RC_ASSERT(same_values(known, learn({}, versions.back())));
    RC_ASSERT(known.updated_at == versions.back().updated_at);
  }));
}

BOOST_AUTO_TEST_CASE(a_second_hearing_changes_nothing) {
  BOOST_TEST(rc::check([] {
    const auto known = learn({}, version(*rc::gen::inRange(0, 9), *rc::gen::inRange(0, 9)));
    const auto event = webhook(version(*rc::gen::inRange(0, 9), *rc::gen::inRange(0, 9)), 20);
    const auto first = judge(known, event);
    if (std::holds_alternative<needs_read>(first)) return;
    const auto& once = std::get<settled>(first);
    const auto again = judge(once.now, event);
    RC_ASSERT(std::holds_alternative<settled>(again));
    RC_ASSERT(!std::get<settled>(again).changed);
    RC_ASSERT(same_values(once.now, std::get<settled>(again).now));
  }));
}

BOOST_AUTO_TEST_CASE(webhooks_lists_and_reads_in_any_mixture_end_with_what_plane_has) {
  BOOST_TEST(rc::check([] {
    for (int n = 0; n < 50; ++n) {
      const auto l = any_life();
      unsigned reads = 0;
      const auto known = follow(l, reads);
      const double end = l.told.back().time + 1000;
      if (l.is_gone(end))
        RC_ASSERT(known.where == presence::gone);
      else
        RC_ASSERT(same_values(known, learn({}, l.present(end))));
      RC_ASSERT(reads <= l.told.size());
    }
  }));
}
