// Figures that a promise rests on, on virtual time: what counts is how many calls there are and who
// waits for whom; what the machine needs for it is measured in benchmarks/.
#define BOOST_TEST_MODULE actors_figures
#include <algorithm>
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <iostream>
#include <map>

#include "world.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;

namespace {

double share_of(std::vector<double> v, double share) {
  if (v.empty()) return 0;
  std::sort(v.begin(), v.end());
  return v[std::min(v.size() - 1, static_cast<std::size_t>(share * static_cast<double>(v.size())))];
}

struct bridge : world {
  bridge() {
    start();
    run_for(10s);
  }
};

/// PB_FIGURES_ITEMS=10000 for the figures in docs/performance.md; they take a minute.
const int scanned_items = [] {
  const char* asked = std::getenv("PB_FIGURES_ITEMS");
  return asked != nullptr ? std::stoi(asked) : 1'000;
}();

/// Many items, all with dates, that were there before the bridge was.
struct large : world {
  large() {
    lose_webhooks = true;
    for (int n = 0; n < scanned_items; ++n)
      items.push_back(create("Item " + std::to_string(n),
                             "2027-0" + std::to_string(1 + n % 9) + "-1" + std::to_string(n % 10)));
    run_for(1min);
    webhook_bodies.clear();
    lose_webhooks = false;
    start();
  }
  /// One edit a second, each of another item, from now on; how long after it its event was written
  /// (milliseconds, with what Plane's webhook takes).
  std::vector<double> edit_for(std::chrono::seconds span) {
    struct made {
      std::string item;
      timestamp at;
    };
    std::vector<made> edits;
    const auto from = calls.size();
    for (auto left = span; left > 0s; left -= 1s) {
      next = (next + 7919) % items.size();
      edits.push_back({items[next], now()});
      edit(items[next], R"({"name":"Edited )" + std::to_string(++number) + "\"}");
      run_for(1s);
    }
    run_for(2min);
    std::vector<double> out;
    for (const auto& e : edits) {
      const auto name = std::find_if(
          calls.begin() + static_cast<std::ptrdiff_t>(from), calls.end(), [&](const sent_call& c) {
            return c.at >= e.at && c.method == "PUT" && c.url.find(e.item) != std::string::npos &&
                   c.body.find("Edited ") != std::string::npos;
          });
      BOOST_REQUIRE(name != calls.end());
      out.push_back(std::chrono::duration<double, std::milli>(name->at - e.at).count());
    }
    return out;
  }
  std::vector<std::string> items;
  std::size_t next = 0;
  int number = 0;
};

void show(const char* what, const std::vector<double>& v) {
  std::cout << what << " (" << scanned_items << " items): " << v.size() << " edits, p50 "
            << share_of(v, 0.5) << " ms, p95 " << share_of(v, 0.95) << " ms, most "
            << share_of(v, 1) << " ms\n";
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_burst_of_edits_to_one_item_costs_two_calls, bridge) {
  const auto item = create("Item", "2026-12-04");
  BOOST_REQUIRE(settle());
  const auto burst = [&](const char* who) {
    const auto from = calls.size();
    for (int n = 0; n < 20; ++n) {
      edit(item, R"({"name":")" + std::string{who} + " " + std::to_string(n) + "\"}");
      run_for(250ms);
    }
    BOOST_REQUIRE(settle());
    const auto to_item = calls_to("", item, from);
    std::cout << "20 edits to one item (" << who << ") in 5 s: " << to_item.size()
              << " outbound calls:";
    for (const auto& c : to_item) std::cout << ' ' << c.method;
    std::cout << '\n';
    BOOST_TEST(property(dav.find(item)->text, "SUMMARY").find(std::string{who} + " 19") !=
               std::string::npos);
    return to_item.size();
  };
  run_for(20s);
  BOOST_TEST(burst("in memory") <= 2u);
  BOOST_REQUIRE(run_until([&] { return actors("issue").find(item) == std::string::npos; }));
  // Nothing is remembered of an item at rest: one look more.
  BOOST_TEST(burst("at rest") <= 3u);
}

BOOST_FIXTURE_TEST_CASE(steady_work_costs_hardly_a_request_to_plane, bridge) {
  std::vector<std::string> items;
  int actions = 0;
  const auto requests = [&] {
    std::map<std::string, std::size_t> n;
    for (const auto& c : calls_to("", "http://plane.test"))
      // polls and scans list; everything else reads one thing
      ++n[c.url.find("order_by=") != std::string::npos ||
                  c.url.find("per_page=") != std::string::npos
              ? "lists"
              : "reads"];
    return n;
  };
  calls.clear();
  for (int n = 0; n < 400; ++n, ++actions) {
    const auto some = [&]() -> const std::string& {
      return items[static_cast<std::size_t>(n) % items.size()];
    };
    if (n % 10 == 0 || items.empty()) {
      items.push_back(create("Item " + std::to_string(n), "2026-12-04"));
    } else if (n % 40 == 39) {
      remove(items.back());
      items.pop_back();
    } else if (n % 10 == 1) {
      complete(some());
    } else if (n % 3 == 0) {
      move_to(some(), "2026-12-1" + std::to_string(n % 10));
    } else {
      edit(some(), R"({"name":"Name )" + std::to_string(n) + R"(","priority":")" +
                       (n % 2 == 0 ? "high" : "low") + "\"}");
    }
    run_for(90s);
  }
  run_for(20min);
  BOOST_REQUIRE(settle());
  auto n = requests();
  const double each = static_cast<double>(n["reads"]) / actions;
  std::cout << actions << " actions in Plane, " << webhook_bodies.size()
            << " webhooks: " << n["reads"] << " requests to Plane beside " << n["lists"]
            << " of polls and scans, " << each << " for each action\n";
  BOOST_TEST(each <= 1.2);
}

BOOST_FIXTURE_TEST_CASE(an_edit_does_not_wait_for_the_scan_that_runs_beside_it, large) {
  const auto first = edit_for(12min);  // the first scan, and 10,000 events that it makes
  show("edit to effect while a first scan runs and fills the calendar", first);
  BOOST_TEST(share_of(first, 0.95) <= 300);
  BOOST_REQUIRE(settle(30min));
  const auto steady = edit_for(20min);  // one of the scans that look for deletions
  show("edit to effect while a full scan runs", steady);
  BOOST_TEST(share_of(steady, 0.95) <= 300);
}
