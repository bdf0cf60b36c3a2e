// Every entry of [concurrency] drives what it names: another value at the start, or after a reload,
// is another figure in the running system.
#define BOOST_TEST_MODULE concurrency
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <filesystem>

#include "config/entry.hpp"
#include "tests/app/bridge.hpp"

using namespace pb::app::testing;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

/// Where /debug/scheduler shows what an entry does, and by what the entry's unit is multiplied.
struct shown {
  std::string key;
  std::string pointer;
  long unit = 1;
  long first = 3, second = 7;
};

const std::vector<shown> table = {
    {"http_threads", "/data/http_threads"},
    {"http_client_threads", "/data/http_client_threads"},
    {"scheduler_threads", "/data/threads"},
    {"scheduler_throughput", "/data/throughput"},
    {"store_batch_max", "/data/store_batch_max"},
    {"store_queue_max", "/data/store_queue_max"},
    {"in_memory_events", "/data/in_memory_events_limit"},
    {"live_actors", "/data/live_actors_limit"},
    {"passivate_after_s", "/data/passivate_after_ms", 1000},
    {"plane_parallel", "/data/plane_parallel"},
    {"caldav_parallel", "/data/caldav_parallel"},
    {"lark_parallel", "/data/lark_parallel"},
    {"max_attempts", "/data/retry/max_attempts"},
    {"max_age_h", "/data/retry/max_age_ms", 3'600'000},
    {"backoff_base_ms", "/data/retry/backoff_base_ms"},
    {"backoff_cap_ms", "/data/retry/backoff_cap_ms", 1, 5'000, 7'000},
    {"breaker_failures", "/data/breaker/failures"},
    {"breaker_window_s", "/data/breaker/window_ms", 1000},
    {"breaker_open_s", "/data/breaker/open_ms", 1000},
    {"breaker_half_open_probes", "/data/breaker/half_open_probes"},
    {"restart_max", "/data/restart/max"},
    {"restart_window_s", "/data/restart/window_ms", 1000},
    {"fact_wait_s", "/data/fact_wait_ms", 1000},
    {"outcome_wait_s", "/data/outcome_wait_ms", 1000},
};

std::string file_with(long shown::*value) {
  std::string text = "[concurrency]\n";
  for (const auto& row : table) text += row.key + " = " + std::to_string(row.*value) + "\n";
  return text;
}

void expect(const bridge& b, const shown& row, long value, const char* when) {
  BOOST_TEST(b.configured("concurrency." + row.key) == std::to_string(value),
             row.key << " in /debug/config " << when);
  const auto figure = text_at(b.json("/debug/scheduler"), row.pointer);
  BOOST_TEST(figure == std::to_string(value * row.unit),
             row.key << " in /debug/scheduler " << when << ": " << figure);
}

std::size_t threads_of(pid_t id) {
  std::size_t n = 0;
  for (const auto& task :
       std::filesystem::directory_iterator{"/proc/" + std::to_string(id) + "/task"}) {
    (void)task;
    ++n;
  }
  return n;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_table_of_this_test_is_complete) {
  for (const auto& e : pb::config::entries()) {
    if (e.section != "concurrency") continue;
    const bool known =
        std::any_of(table.begin(), table.end(), [&](const shown& row) { return row.key == e.key; });
    BOOST_TEST(known, "no row for concurrency." << e.key);
  }
}

BOOST_AUTO_TEST_CASE(each_entry_is_in_force_after_the_start) {
  for (const auto value : {&shown::first, &shown::second}) {
    bridge b;
    write_file(b.folder() / "planebridge.toml", file_with(value));
    b.start();
    for (const auto& row : table) expect(b, row, row.*value, "after the start");
  }
}

BOOST_AUTO_TEST_CASE(each_entry_that_can_be_reloaded_is_in_force_after_sighup_and_no_other) {
  bridge b;
  write_file(b.folder() / "planebridge.toml", file_with(&shown::first));
  b.start();
  write_file(b.folder() / "planebridge.toml", file_with(&shown::second));
  b.process().signal(SIGHUP);
  BOOST_TEST_REQUIRE(b.logs("entry=concurrency.fact_wait_s"), b.log());
  BOOST_TEST_REQUIRE(b.logs("entry=concurrency.store_queue_max"), b.log());
  for (const auto& row : table) {
    const auto* e = pb::config::find_entry("concurrency." + row.key);
    BOOST_TEST_REQUIRE(e != nullptr);
    expect(b, row, e->reloadable ? row.second : row.first, "after SIGHUP");
    const auto line = std::string{"message="} +
                      (e->reloadable ? "\"reloaded\"" : "\"needs a restart\"") +
                      " entry=concurrency." + row.key + "\n";
    BOOST_TEST(b.log().find(line) != std::string::npos, line << b.log());
  }
}

BOOST_AUTO_TEST_CASE(the_threads_that_are_asked_for_are_there) {
  const auto count = [](const variables& more) {
    bridge b;
    b.environment["PLANEBRIDGE_CONCURRENCY_SCHEDULER_THREADS"] = "2";
    for (const auto& [name, value] : more) b.environment[name] = value;
    b.start();
    return threads_of(b.process().id());
  };
  const auto before = count({});
  BOOST_TEST(count({{"PLANEBRIDGE_CONCURRENCY_SCHEDULER_THREADS", "5"}}) == before + 3);
  BOOST_TEST(count({{"PLANEBRIDGE_CONCURRENCY_HTTP_THREADS", "5"}}) == before + 3);
  BOOST_TEST(count({{"PLANEBRIDGE_CONCURRENCY_HTTP_CLIENT_THREADS", "4"}}) == before + 3);
}

BOOST_AUTO_TEST_CASE(no_more_calls_than_allowed_go_to_plane_at_once_before_and_after_a_reload) {
  plane_side plane;
  bridge b;
  plane.configure(b);
  b.environment["PLANEBRIDGE_PLANE_BODY_LIMIT_BYTES"] = "65536";
  b.environment["PLANEBRIDGE_PLANE_POLL_INTERVAL_S"] = "86400";
  b.environment["PLANEBRIDGE_PLANE_SCAN_INTERVAL_S"] = "604800";
  write_file(b.folder() / "planebridge.toml", "[concurrency]\nplane_parallel = 1\n");
  std::vector<std::string> items;
  for (int n = 0; n < 8; ++n) items.push_back(plane.create("n" + std::to_string(n), "2027-01-01"));
  b.start();
  // The first round must not be what is counted.
  BOOST_TEST_REQUIRE(eventually(
      20s, [&] { return !text_at(b.json("/api/v1/health"), "/data/gaps/last_scan").empty(); }));
  plane.server().faults().add(
      {.kind = pb::sandbox::fault_kind::latency, .path = "*work-items/*", .delay = 300ms});
  const auto most_at_once = [&](const std::string& stamp) {
    // Bodies beyond the limit are not kept: each makes one read.
    for (const auto& id : items) {
      json::object event{{"event", "issue"},
                         {"action", "updated"},
                         {"webhook_id", "5e000000-0000-4000-8000-0000000000ab"},
                         {"workspace_id", "5e000000-0000-4000-8000-0000000000ac"},
                         {"data",
                          {{"id", id},
                           {"project", plane.project()},
                           {"name", stamp},
                           {"description_html", std::string(200'000, 'x')}}}};
      BOOST_TEST_REQUIRE(b.webhook(json::serialize(event), "issue").status == 200);
    }
    long most = 0;
    bool began = false;
    eventually(20s, [&] {
      const auto health = b.json("/api/v1/health");
      const auto now = at(health, "/data/dependencies/plane/in_flight");
      const long n = now.is_int64() ? static_cast<long>(now.get_int64()) : 0;
      began = began || n > 0;
      most = std::max(most, n);
      return began && n == 0 && text_at(health, "/data/dependencies/plane/waiting") == "0";
    });
    return most;
  };
  BOOST_TEST(most_at_once("first") == 1);
  write_file(b.folder() / "planebridge.toml", "[concurrency]\nplane_parallel = 6\n");
  b.process().signal(SIGHUP);
  BOOST_TEST_REQUIRE(b.logs("message=\"reloaded\" entry=concurrency.plane_parallel"), b.log());
  const auto then = most_at_once("second");
  BOOST_TEST(then > 3);
  BOOST_TEST(then <= 6);
}
