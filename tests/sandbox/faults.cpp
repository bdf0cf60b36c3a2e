// Faults on demand: which requests they strike, and how the in-process transport lets the caller
// feel them.
#define BOOST_TEST_MODULE sandbox_faults
#include "sandbox/faults.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/seed.hpp"
#include "sandbox/transport.hpp"
#include "tests/sandbox/virtual_time.hpp"

using namespace pb;
using namespace std::chrono_literals;
namespace sb = pb::sandbox;

namespace {

struct world {
  test::virtual_time time;
  seeded_random random{11};
  sb::plane plane{time.clock, random};
  sb::fault_set faults{random};
  sb::seeded seeds = sb::seed_demo(plane, secret{"key"});
  sb::host host{plane, faults, time.scheduler()};
  sb::sandbox_transport transport{host, time.scheduler()};

  /// What became of one request, and after how long.
  struct heard {
    std::optional<result<protocol::http_response>> answer;
    std::chrono::milliseconds after{0};
  };
  heard call(std::string method, const std::string& path, std::string body = {}) {
    protocol::http_request r;
    r.method = std::move(method);
    r.url = "http://plane.test/api/v1/" + path;
    r.headers = {{"X-API-Key", "key"}, {"Content-Type", "application/json"}};
    r.body = std::move(body);
    heard h;
    const auto start = time.clock.now();
    transport.send(std::move(r), {}, [&](result<protocol::http_response> a) {
      h.answer = std::move(a);
      h.after = std::chrono::duration_cast<std::chrono::milliseconds>(time.clock.now() - start);
    });
    BOOST_TEST(!h.answer.has_value());  // never inside send
    time.run_for(60s);
    BOOST_REQUIRE(h.answer.has_value());
    return h;
  }
  std::string items() const {
    return "workspaces/demo/projects/" + seeds.projects[0].id + "/work-items/";
  }
  std::size_t item_count() {
    const auto h = call("GET", items());
    return boost::json::parse((*h.answer)->body).at("results").as_array().size();
  }
};

constexpr auto new_item = R"({"name": "made"})";

}  // namespace

BOOST_AUTO_TEST_CASE(without_faults_a_request_is_answered_at_once) {
  world w;
  const auto h = w.call("GET", "users/me/");
  BOOST_TEST((*h.answer)->status == 200);
  BOOST_TEST(h.after.count() == 0);
}

BOOST_AUTO_TEST_CASE(latency_delays_the_answer_and_beyond_the_limit_the_caller_gives_up) {
  world w;
  w.faults.add({.kind = sb::fault_kind::latency, .count = 1u, .delay = 3s});
  BOOST_TEST(w.call("GET", "users/me/").after.count() == 3000);
  w.faults.add({.kind = sb::fault_kind::latency, .count = 1u, .delay = 25s});
  const auto h = w.call("POST", w.items(), new_item);
  BOOST_TEST((h.answer->error().code == errc::timed_out));
  BOOST_TEST(h.after.count() == 20'000);
  BOOST_TEST(w.item_count() == 6u);
}

BOOST_AUTO_TEST_CASE(a_status_fault_answers_without_doing_the_work) {
  world w;
  w.faults.add({.kind = sb::fault_kind::status,
                .method = "POST",
                .count = 1u,
                .status = 429,
                .retry_after = 7s});
  const auto h = w.call("POST", w.items(), new_item);
  BOOST_TEST((*h.answer)->status == 429);
  BOOST_TEST((*h.answer)->header("Retry-After") == "7");
  BOOST_TEST((*h.answer)->body == R"({"error_code":5900,"error_message":"RATE_LIMIT_EXCEEDED"})");
  BOOST_TEST(w.item_count() == 5u);
}

BOOST_AUTO_TEST_CASE(a_reset_does_no_work_and_half_a_response_does_it) {
  world w;
  w.faults.add({.kind = sb::fault_kind::reset, .method = "POST", .count = 1u});
  BOOST_TEST((w.call("POST", w.items(), new_item).answer->error().code == errc::upstream_down));
  BOOST_TEST(w.item_count() == 5u);
  w.faults.add({.kind = sb::fault_kind::half_response, .method = "POST", .count = 1u});
  BOOST_TEST((w.call("POST", w.items(), new_item).answer->error().code == errc::upstream_down));
  BOOST_TEST(w.item_count() == 6u);
}

BOOST_AUTO_TEST_CASE(a_lost_answer_leaves_the_work_done_and_the_caller_without_knowledge) {
  world w;
  w.faults.add({.kind = sb::fault_kind::lost_answer, .method = "POST", .count = 1u});
  BOOST_TEST((w.call("POST", w.items(), new_item).answer->error().code == errc::timed_out));
  BOOST_TEST(w.item_count() == 6u);
}

BOOST_AUTO_TEST_CASE(late_work_is_done_long_after_the_caller_gave_up) {
  world w;
  w.faults.add({.kind = sb::fault_kind::late_work, .method = "POST", .count = 1u, .delay = 10min});
  BOOST_TEST((w.call("POST", w.items(), new_item).answer->error().code == errc::timed_out));
  BOOST_TEST(w.item_count() == 5u);
  w.time.run_for(10min);
  BOOST_TEST(w.item_count() == 6u);
}

BOOST_AUTO_TEST_CASE(a_race_lets_two_items_have_one_external_id_and_the_lookup_fails_ever_after) {
  world w;
  constexpr auto body = R"({"name": "twin", "external_id": "x", "external_source": "s"})";
  BOOST_TEST((*w.call("POST", w.items(), body).answer)->status == 201);
  BOOST_TEST((*w.call("POST", w.items(), body).answer)->status == 409);
  w.faults.add({.kind = sb::fault_kind::race, .count = 1u});
  BOOST_TEST((*w.call("POST", w.items(), body).answer)->status == 201);
  BOOST_TEST((*w.call("GET", w.items() + "?external_id=x&external_source=s").answer)->status ==
             500);
}

BOOST_AUTO_TEST_CASE(faults_strike_by_method_path_count_and_after_those_to_skip) {
  seeded_random random{3};
  sb::fault_set faults{random};
  faults.add({.kind = sb::fault_kind::reset,
              .method = "GET",
              .path = "/api/v1/*/work-items/*",
              .count = 2u,
              .skip = 1});
  const auto struck = [&](const char* method, const char* path) {
    return faults.strike_request(method, path).size();
  };
  BOOST_TEST(struck("POST", "/api/v1/w/work-items/1/") == 0u);
  BOOST_TEST(struck("GET", "/api/v1/w/states/") == 0u);
  BOOST_TEST(struck("GET", "/api/v1/w/work-items/1/") == 0u);  // skipped
  BOOST_TEST(struck("GET", "/api/v1/w/work-items/1/") == 1u);
  BOOST_TEST(struck("GET", "/api/v1/w/work-items/") == 1u);
  BOOST_TEST(struck("GET", "/api/v1/w/work-items/") == 0u);  // used up
  BOOST_TEST(faults.list().front().hits == 2u);
  BOOST_TEST(faults.strike_webhook("issue", "created").empty());
}

BOOST_AUTO_TEST_CASE(a_probability_strikes_about_that_often) {
  seeded_random random{3};
  sb::fault_set faults{random};
  faults.add({.kind = sb::fault_kind::reset, .probability = 0.25});
  std::size_t hits = 0;
  for (int i = 0; i < 4000; ++i) hits += faults.strike_request("GET", "/").size();
  BOOST_TEST(hits > 900u);
  BOOST_TEST(hits < 1100u);
}

BOOST_AUTO_TEST_CASE(a_fault_is_read_from_json_and_a_wrong_one_refused) {
  const auto f = sb::fault_from_json(boost::json::parse(
      R"({"kind":"status","method":"GET","path":"*/issues/*","count":3,"probability":0.5,"status":502,"delay_ms":20})"));
  BOOST_REQUIRE(f.has_value());
  BOOST_TEST(f->status == 502);
  BOOST_TEST(*f->count == 3u);
  BOOST_TEST((f->delay == 20ms));
  BOOST_TEST(!sb::fault_from_json(boost::json::parse(R"({"kind":"earthquake"})")).has_value());
  BOOST_TEST(
      !sb::fault_from_json(boost::json::parse(R"({"kind":"status","status":7})")).has_value());
  BOOST_TEST(!sb::fault_from_json(boost::json::parse("[]")).has_value());
}

BOOST_AUTO_TEST_CASE(a_wrong_key_or_type_of_a_fault_is_named_and_not_ignored) {
  for (const auto& [text, named] : std::vector<std::pair<std::string, std::string>>{
           {R"({"kind":"status","cuont":3})", "cuont"},
           {R"({"kind":"status","method":7})", "method"},
           {R"({"kind":"status","path":["*"]})", "path"},
           {R"({"kind":"status","count":"3"})", "count"},
           {R"({"kind":"status","status":1e300})", "status"},
           {R"({"kind":"status","status":-1e300})", "status"},
           {R"({"kind":7})", "kind"},
           {R"({})", "kind"}}) {
    const auto f = sb::fault_from_json(boost::json::parse(text));
    BOOST_REQUIRE_MESSAGE(!f, text);
    BOOST_TEST(f.error().detail.find(named) != std::string::npos, f.error().detail);
  }
}

BOOST_AUTO_TEST_CASE(a_fault_that_was_listed_can_be_set_again) {
  const sb::fault f{.kind = sb::fault_kind::latency, .method = "GET", .delay = 20ms, .id = 7};
  const auto again = sb::fault_from_json(sb::to_json(f));
  BOOST_REQUIRE(again.has_value());
  BOOST_TEST((again->delay == 20ms));
  BOOST_TEST(!again->count.has_value());
}

BOOST_AUTO_TEST_CASE(the_page_about_the_sandbox_names_every_kind_and_its_example_is_read) {
  std::ifstream in{PB_SOURCE_DIR "/docs/sandbox.md"};
  const std::string page{std::istreambuf_iterator<char>{in}, {}};
  for (int k = 0; k <= static_cast<int>(sb::fault_kind::webhook_reordered); ++k) {
    const auto name = std::string{sb::to_string(static_cast<sb::fault_kind>(k))};
    BOOST_TEST(page.find("| `" + name + "` |") != std::string::npos, name);
  }
  const auto start = page.find("```json\n");
  BOOST_REQUIRE(start != std::string::npos);
  const auto text = page.substr(start + 8, page.find("```", start + 8) - start - 8);
  BOOST_TEST(sb::fault_from_json(boost::json::parse(text)).has_value());
}
