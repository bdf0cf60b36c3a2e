#define BOOST_TEST_MODULE http_metrics
#include "http/metrics.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

using namespace pb;
using namespace pb::http;
using namespace std::chrono_literals;

namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

struct fixture {
  metrics m;
  void expect(const std::string& line) {
    const auto text = m.render();
    BOOST_TEST(has_line(text, line), line << " is not in\n" << text);
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(deliveries_are_counted_by_what_became_of_them, fixture) {
  m.delivery_journaled("plane", false);
  m.delivery_journaled("plane", false);
  m.delivery_journaled("plane", true);
  m.delivery_rejected("plane", "bad_signature");
  m.delivery_finished("absorbed: echo-by-value");
  expect("planebridge_deliveries_accepted_total{source=\"plane\"} 2");
  expect("planebridge_deliveries_duplicate_total{source=\"plane\"} 1");
  expect("planebridge_deliveries_rejected_total{reason=\"bad_signature\",source=\"plane\"} 1");
  expect("planebridge_deliveries_finished_total{outcome=\"absorbed\"} 1");
}

BOOST_FIXTURE_TEST_CASE(batches_have_sizes_and_commit_times, fixture) {
  m.batch_committed(3, 2, 4ms);
  m.batch_committed(1, 0, 100ms);
  expect("planebridge_journal_batch_units_bucket{le=\"1\"} 1");
  expect("planebridge_journal_batch_units_sum 4");
  expect("planebridge_journal_batch_deliveries_count 1");
  expect("planebridge_journal_commit_seconds_bucket{le=\"0.005\"} 1");
  expect("planebridge_journal_commit_seconds_count 2");
}

BOOST_FIXTURE_TEST_CASE(what_waited_in_the_journal_has_no_time_from_its_commit, fixture) {
  m.planning_started(3ms, 150us);
  m.planning_started(2s, std::nullopt);
  expect("planebridge_accept_to_plan_seconds_count 2");
  expect("planebridge_commit_to_plan_seconds_count 1");
  expect("planebridge_commit_to_plan_seconds_bucket{le=\"0.0001\"} 0");
  expect("planebridge_commit_to_plan_seconds_bucket{le=\"0.0002\"} 1");
}

BOOST_FIXTURE_TEST_CASE(remote_calls_have_integration_operation_status_and_code, fixture) {
  m.remote_call("caldav", "caldav.put_event", 201, errc::none, 30ms);
  m.remote_call("plane", "plane.list_work_items", 0, errc::timed_out, 20s);
  m.remote_call("plane", "plane.list_work_items", 99999, errc::unexpected_answer, 1ms);
  const auto line = [](const std::string& code, const std::string& integration,
                       const std::string& operation, const std::string& status) {
    return "planebridge_remote_calls_total{code=\"" + code + "\",integration=\"" + integration +
           "\",operation=\"" + operation + "\",status=\"" + status + "\"} 1";
  };
  expect(line(std::string{to_string(errc::none)}, "caldav", "caldav.put_event", "201"));
  expect(line(std::string{to_string(errc::timed_out)}, "plane", "plane.list_work_items", "none"));
  expect(line(std::string{to_string(errc::unexpected_answer)}, "plane", "plane.list_work_items",
              "none"));
}

BOOST_FIXTURE_TEST_CASE(effects_have_a_latency_from_their_acceptance, fixture) {
  m.effect_finished("caldav", "done", 70ms);
  expect("planebridge_effects_finished_total{integration=\"caldav\",outcome=\"done\"} 1");
  expect("planebridge_accept_to_effect_seconds_bucket{integration=\"caldav\",le=\"0.1\"} 1");
  expect("planebridge_accept_to_effect_seconds_bucket{integration=\"caldav\",le=\"0.05\"} 0");
}

BOOST_FIXTURE_TEST_CASE(an_attempt_that_failed_is_counted_and_is_no_latency, fixture) {
  m.effect_finished("caldav", "retry", 0ms);
  m.effect_finished("caldav", "dead", 0ms);
  expect("planebridge_effects_finished_total{integration=\"caldav\",outcome=\"retry\"} 1");
  expect("planebridge_effects_finished_total{integration=\"caldav\",outcome=\"dead\"} 1");
  expect("planebridge_accept_to_effect_seconds_count{integration=\"caldav\"} 0");
}

BOOST_FIXTURE_TEST_CASE(what_has_not_happened_yet_is_shown_as_zero, fixture) {
  for (const auto* line :
       {"planebridge_deliveries_accepted_total{source=\"plane\"} 0",
        "planebridge_deliveries_duplicate_total{source=\"plane\"} 0",
        "planebridge_deliveries_rejected_total{reason=\"bad_signature\",source=\"plane\"} 0",
        "planebridge_actor_restarts_total{kind=\"issue\"} 0",
        "planebridge_dead_letters_total{kind=\"effect\"} 0", "planebridge_entities_live 0"})
    expect(line);
}

BOOST_FIXTURE_TEST_CASE(answers_are_counted_by_status, fixture) {
  m.http_answers(200, 7);
  m.http_answers(0, 2);
  m.http_answers(200, 9);
  expect("planebridge_http_answers_total{status=\"200\"} 9");
  expect("planebridge_http_answers_total{status=\"none\"} 2");
}

BOOST_FIXTURE_TEST_CASE(a_breaker_is_in_one_state, fixture) {
  m.breaker_state("plane", "closed");
  m.breaker_state("plane", "open");
  expect("planebridge_breaker_state{integration=\"plane\",state=\"open\"} 1");
  expect("planebridge_breaker_state{integration=\"plane\",state=\"closed\"} 0");
  expect("planebridge_breaker_state{integration=\"plane\",state=\"half-open\"} 0");
}

BOOST_FIXTURE_TEST_CASE(gauges_show_the_last_value, fixture) {
  m.live_entities(7);
  m.live_entities(5);
  m.events_in_memory(9);
  m.lanes("caldav", "waiting", 4);
  m.mailbox_depth("issue", 3);
  m.queue("deliveries_pending", 2);
  m.queue_age("deliveries_pending", 1500ms);
  m.rate_limit("plane", 55, 60, 250ms);
  m.store_up(true);
  m.actor_restarted("connector");
  expect("planebridge_entities_live 5");
  expect("planebridge_events_in_memory 9");
  expect("planebridge_lanes{integration=\"caldav\",state=\"waiting\"} 4");
  expect("planebridge_mailbox_messages{kind=\"issue\"} 3");
  expect("planebridge_queue_rows{queue=\"deliveries_pending\"} 2");
  expect("planebridge_queue_age_seconds{queue=\"deliveries_pending\"} 1.5");
  expect("planebridge_rate_limit_remaining_requests{integration=\"plane\"} 55");
  expect("planebridge_rate_limit_pause_seconds{integration=\"plane\"} 0.25");
  expect("planebridge_store_up 1");
  expect("planebridge_actor_restarts_total{kind=\"connector\"} 1");
}

BOOST_FIXTURE_TEST_CASE(totals_told_as_numbers_only_grow, fixture) {
  m.http_server(3, 1, 100, 4);
  m.http_server(2, 0, 90, 4);  // an older look that came late
  expect("planebridge_http_requests_total 100");
  expect("planebridge_http_requests_rejected_total 4");
  expect("planebridge_http_connections 2");
}

BOOST_FIXTURE_TEST_CASE(what_is_asked_for_is_filled_in_before_each_text, fixture) {
  int asked = 0;
  m.before_render([&](metrics& to) { to.live_entities(static_cast<std::size_t>(++asked)); });
  expect("planebridge_entities_live 1");
  expect("planebridge_entities_live 2");
}

BOOST_FIXTURE_TEST_CASE(labels_that_are_no_words_of_ours_count_as_other, fixture) {
  for (const auto* hostile : {"", "a\"b", "x\ny", "\xE4\xBA\xA4", "a{b}"})
    m.delivery_journaled(hostile, false);
  m.delivery_journaled(std::string(49, 'a'), false);
  expect("planebridge_deliveries_accepted_total{source=\"other\"} 6");
}

BOOST_FIXTURE_TEST_CASE(a_family_never_grows_without_bound, fixture) {
  for (int i = 0; i < 5000; ++i) m.delivery_journaled("s" + std::to_string(i), false);
  const auto text = m.render();
  std::size_t lines = 0;
  for (auto at = text.find("planebridge_deliveries_accepted_total{"); at != std::string::npos;
       at = text.find("planebridge_deliveries_accepted_total{", at + 1))
    ++lines;
  BOOST_TEST(lines == 257u);
  // "plane" is there from the start
  expect("planebridge_deliveries_accepted_total{source=\"other\"} 4745");
}

BOOST_FIXTURE_TEST_CASE(every_name_says_its_unit, fixture) {
  m.remote_call("plane", "x", 200, errc::none, 1ms);
  const std::regex shape{"planebridge_[a-z]+(_[a-z]+)*"};
  std::istringstream lines{m.render()};
  std::set<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("# TYPE ")) continue;
    std::istringstream words{line.substr(7)};
    std::string name, type;
    words >> name >> type;
    names.insert(name);
    BOOST_TEST(std::regex_match(name, shape), name);
    BOOST_TEST(name.ends_with("_total") == (type == "counter"), name << " " << type);
  }
  BOOST_TEST(names.size() > 10u);
}

BOOST_FIXTURE_TEST_CASE(the_table_for_operators_has_every_metric_and_no_other, fixture) {
  m.remote_call("plane", "x", 200, errc::none, 1ms);
  m.breaker_state("plane", "closed");
  m.lanes("caldav", "idle", 0);
  m.mailbox_depth("issue", 0);
  m.actors("issue", 0);
  m.queue("deliveries_pending", 0);
  m.queue_age("deliveries", 0ms);
  m.store_up(true);
  m.rate_limit("plane", 1, 1, 0ms);
  m.long_connection("lark", true, 0ms);
  m.long_connection_total("lark", "opened", 1);
  m.http_server(0, 0, 0, 0);
  m.spool_total("spooled", 1);
  m.push("lark", "accepted");
  m.callback_answered("click");
  m.month_calls("lark", 1, 2);
  m.pace_waits("lark", "chat", 1);
  m.slow_chats(1);
  m.webhook_state("well");
  m.gaps(0, 0, 0);
  m.http_answers(200, 1);
  const auto names_in = [](const std::string& text, const std::regex& shape) {
    std::set<std::string> out;
    for (std::sregex_iterator it{text.begin(), text.end(), shape}, end; it != end; ++it)
      out.insert((*it)[1]);
    return out;
  };
  std::ifstream file{PB_SOURCE_DIR "/docs/operations.md"};
  const std::string page{std::istreambuf_iterator<char>{file}, {}};
  const auto told = names_in(page, std::regex{"\\| `(planebridge_[a-z_]+)` \\|"});
  const auto shown = names_in(m.render(), std::regex{"# TYPE (planebridge_[a-z_]+) "});
  BOOST_TEST(!told.empty());
  BOOST_TEST(told == shown, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(the_process_tells_its_processor_time_memory_and_descriptors, fixture) {
  const auto text = m.render();
  for (const std::string name : {"resident_bytes", "open_descriptors", "threads"}) {
    const auto at = text.find("\nplanebridge_process_" + name + " ");
    BOOST_REQUIRE(at != std::string::npos);
    BOOST_TEST(std::stod(text.substr(text.find(' ', at) + 1)) >= 1.0);
  }
  BOOST_TEST(text.find("planebridge_process_cpu_seconds_total ") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(many_threads_may_count_at_once, fixture) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([this, t] {
      for (int i = 0; i < 500; ++i) {
        m.delivery_journaled("plane", i % 2 == 0);
        m.remote_call("plane", "op" + std::to_string((i + t) % 7), 200, errc::none, 1ms);
        if (i % 100 == 0) (void)m.render();
      }
    });
  for (auto& t : threads) t.join();
  expect("planebridge_deliveries_accepted_total{source=\"plane\"} 1000");
}
