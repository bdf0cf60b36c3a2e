// The retry table on virtual time: what a remote answers, and when it is asked again.
#define BOOST_TEST_MODULE actors_retries
#include <boost/test/unit_test.hpp>

#include "world.hpp"

using namespace pb;
using namespace pb::test;
using namespace std::chrono_literals;
using persistence::effect_status;
BOOST_TEST_DONT_PRINT_LOG_VALUE(pb::persistence::effect_status)

namespace {

struct bridge : world {
  bridge() {
    settings.plane.poll_interval = 24h;  // nobody else calls Plane meanwhile
    settings.plane.scan_interval = 24h;
    start();
    run_for(10s);
  }
  /// Seconds between the attempts, of the calls with this method and URL.
  std::vector<double> gaps(const std::string& method, const std::string& url,
                           std::size_t from) const {
    std::vector<double> out;
    const auto all = calls_to(method, url, from);
    for (std::size_t n = 1; n < all.size(); ++n)
      out.push_back(std::chrono::duration<double>(all[n].at - all[n - 1].at).count());
    return out;
  }
  /// A bare event, which makes the item be read.
  void touch(const std::string& item) {
    persistence::write unit;
    persistence::delivery_append a;
    a.row.tenant = "default";
    a.row.source = "plane";
    a.row.form = "plane.touch";
    a.row.event = "issue.touched";
    a.row.entity = entity_key::plane_issue(item);
    a.row.body =
        std::make_shared<const std::string>(R"({"project":")" + project + R"(","why":"a test"})");
    a.row.received_at = now();
    a.identities.push_back("touch:" + item + std::to_string(to_micros(now())));
    inbox().accept(std::move(a), [](const auto&) {});
  }
};

struct plane_row {
  const char* name;
  wire_fault fault;
  std::vector<std::pair<double, double>> pauses;  ///< least and most, between quick attempts
};

const std::vector<plane_row>& plane_table() {
  using kind = wire_fault::kind;
  // The first try and its quick repeats; then the delivery goes back to the journal.
  static const std::vector<plane_row> rows{
      {"429", {.what = kind::status, .status = 429}, {{0.7, 1.3}, {1.5, 2.5}, {3.0, 5.0}}},
      {"429 with Retry-After",
       {.what = kind::status, .status = 429, .retry_after = 3},
       {{3.0, 4.1}, {3.0, 4.1}, {3.0, 4.1}}},
      {"500", {.what = kind::status, .status = 500}, {{2.0, 2.2}}},
      {"503", {.what = kind::status, .status = 503}, {{2.0, 2.2}}},
      {"reset", {.what = kind::reset}, {{2.0, 2.2}}},
      {"half a response", {.what = kind::half}, {{2.0, 2.2}}},
      {"timeout", {.what = kind::lost}, {{22.0, 22.2}}},
      {"bad TLS", {.what = kind::tls}, {}},
  };
  return rows;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_read_of_plane_is_repeated_by_the_table_and_then_durably) {
  for (const auto& row : plane_table()) {
    BOOST_TEST_CONTEXT(row.name) {
      bridge w;
      const auto item = w.create("Item", "2026-12-04");
      BOOST_REQUIRE(w.settle());
      w.run_for(90s);
      auto fault = row.fault;
      fault.method = "GET";
      fault.url = item;
      w.faults.push_back(fault);
      const auto from = w.calls.size();
      w.touch(item);
      const auto quick = row.pauses.size() + 1;
      BOOST_TEST(w.run_until([&] { return w.calls_to("GET", item, from).size() == quick; }, 2min));
      const auto gaps = w.gaps("GET", item, from);
      BOOST_REQUIRE(gaps.size() == row.pauses.size());
      for (std::size_t n = 0; n < gaps.size(); ++n) {
        BOOST_TEST(gaps[n] >= row.pauses[n].first);
        BOOST_TEST(gaps[n] <= row.pauses[n].second);
      }
      // Durably: still pending, asked again later, and done once Plane answers.
      w.run_for(2s);
      BOOST_TEST(w.calls_to("GET", item, from).size() == quick);
      BOOST_TEST(w.counts().pending == 1);
      w.faults.clear();
      BOOST_TEST(w.settle(10min));
      BOOST_TEST(w.calls_to("GET", item, from).size() == quick + 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_failed_write_of_an_event_comes_again_with_growing_pauses_and_is_done_once) {
  using kind = wire_fault::kind;
  for (const auto& f :
       {wire_fault{.what = kind::status, .status = 503}, wire_fault{.what = kind::reset},
        wire_fault{.what = kind::half}, wire_fault{.what = kind::lost},
        wire_fault{.what = kind::tls}, wire_fault{.what = kind::status, .status = 429}}) {
    BOOST_TEST_CONTEXT("fault " << int(f.what) << " status " << f.status) {
      bridge w;
      w.settings.concurrency.breaker_failures = 100;
      auto fault = f;
      fault.method = "PUT";
      fault.count = 3;
      w.faults.push_back(fault);
      const auto item = w.create("Item", "2026-12-04");
      BOOST_TEST(w.settle(30min));
      BOOST_REQUIRE(w.dav.count(item) == 1u);
      BOOST_TEST(property(w.dav.find(item)->text, "SEQUENCE") == "0");
      BOOST_TEST(w.link(item)->state == "live");
      BOOST_REQUIRE(w.effects(item).size() == 1u);
      BOOST_TEST((w.effects(item)[0].status == effect_status::done));
    }
  }
}

BOOST_AUTO_TEST_CASE(retry_after_of_a_calendar_server_is_obeyed) {
  bridge w;
  w.faults.push_back({.what = wire_fault::kind::status,
                      .method = "PUT",
                      .status = 503,
                      .retry_after = 400,
                      .count = 1});
  const auto item = w.create("Item", "2026-12-04");
  BOOST_TEST(w.settle(20min));
  const auto gaps = w.gaps("PUT", item, 0);
  BOOST_REQUIRE(gaps.size() == 1u);
  BOOST_TEST(gaps[0] >= 400.0);
  BOOST_TEST(gaps[0] <= 404.0);  // the sweep that wakes it
}

BOOST_AUTO_TEST_CASE(
    an_effect_whose_attempts_are_used_up_becomes_a_dead_letter_and_its_link_diverges) {
  bridge w;
  w.faults.push_back({.what = wire_fault::kind::status, .method = "PUT", .status = 500});
  const auto item = w.create("Item", "2026-12-04");
  BOOST_TEST(w.run_until([&] { return w.counts().dead_effects == 1; }, 24h));
  const auto e = w.effects(item).front();
  BOOST_TEST(w.attempts(e.id).size() == w.settings.concurrency.max_attempts);
  BOOST_TEST(w.calls_to("PUT", item).size() == w.settings.concurrency.max_attempts);
  BOOST_TEST(w.link(item)->state == "diverged");
  BOOST_TEST(e.last_error.find("attempts used") != std::string::npos, e.last_error);
}

BOOST_AUTO_TEST_CASE(an_effect_older_than_max_age_becomes_a_dead_letter) {
  bridge w;
  w.faults.push_back(
      {.what = wire_fault::kind::status, .method = "PUT", .status = 503, .retry_after = 7 * 3600});
  const auto item = w.create("Item", "2026-12-04");
  BOOST_TEST(w.run_until([&] { return w.counts().dead_effects == 1; }, 30h));
  BOOST_TEST(w.calls_to("PUT", item).size() == 4u);  // at 0, 7, 14 and 21 hours
  BOOST_TEST(w.link(item)->state == "diverged");
}

BOOST_AUTO_TEST_CASE(a_refusal_that_cannot_heal_dies_at_once_and_a_retry_by_hand_mends_it) {
  bridge w;
  w.faults.push_back({.what = wire_fault::kind::status, .method = "PUT", .status = 403});
  const auto item = w.create("Item", "2026-12-04");
  BOOST_TEST(w.run_until([&] { return w.counts().dead_effects == 1; }, 10s));
  BOOST_TEST(w.calls_to("PUT", item).size() == 1u);
  w.faults.clear();
  const auto id = "e" + std::to_string(w.effects(item).front().id);
  BOOST_TEST(w.retry(id).has_value());
  BOOST_TEST(w.settle());
  BOOST_TEST(w.dav.count(item) == 1u);
  BOOST_TEST(w.link(item)->state == "live");
  BOOST_TEST(!w.retry(id).has_value());
}

BOOST_AUTO_TEST_CASE(a_skipped_dead_effect_stays_away_until_the_item_changes_again) {
  bridge w;
  w.settings.calendar.full_sync_interval = 24h;
  w.faults.push_back(
      {.what = wire_fault::kind::status, .method = "PUT", .status = 403, .count = 1});
  const auto item = w.create("Item", "2026-12-04");
  BOOST_TEST(w.run_until([&] { return w.counts().dead_effects == 1; }, 10s));
  BOOST_TEST(w.skip("e" + std::to_string(w.effects(item).front().id)).has_value());
  w.run_for(10s);
  BOOST_TEST(w.counts().dead_effects == 0);
  w.move_to(item, "2026-12-05");
  BOOST_TEST(w.settle());
  BOOST_TEST(w.dav.count(item) == 1u);
  BOOST_TEST(w.link(item)->state == "live");
}

BOOST_AUTO_TEST_CASE(the_next_full_sync_mends_what_a_dead_effect_left) {
  bridge w;
  w.faults.push_back(
      {.what = wire_fault::kind::status, .method = "PUT", .status = 403, .count = 1});
  const auto item = w.create("Item", "2026-12-04");
  BOOST_TEST(w.run_until([&] { return w.counts().dead_effects == 1; }, 10s));
  BOOST_TEST(w.run_until([&] { return w.dav.count(item) == 1; }, 11min));
  BOOST_TEST(w.settle());
  BOOST_TEST(w.counts().dead_effects == 0);
  BOOST_TEST(w.link(item)->state == "live");
}

BOOST_AUTO_TEST_CASE(a_read_that_is_refused_for_good_ends_as_a_dead_letter_and_the_item_goes_on) {
  bridge w;
  const auto item = w.create("Item", "2026-12-04");
  BOOST_REQUIRE(w.settle());
  w.run_for(90s);
  w.faults.push_back({.what = wire_fault::kind::status,
                      .method = "GET",
                      .url = "work-items/" + item,
                      .status = 400});
  const auto from = w.calls.size();
  w.touch(item);
  BOOST_TEST(w.run_until([&] { return w.counts().dead_deliveries == 1; }, 6h));
  BOOST_TEST(w.calls_to("GET", item, from).size() == w.settings.concurrency.max_attempts);
  BOOST_TEST(w.deliveries(item).back().reason.find("400") != std::string::npos,
             w.deliveries(item).back().reason);
  w.move_to(item, "2026-12-09");
  BOOST_TEST(w.settle());
  BOOST_TEST(property(w.dav.find(item)->text, "DTSTART") == "20261209");
}

BOOST_AUTO_TEST_CASE(an_outage_of_plane_makes_no_dead_letter_however_long_it_lasts) {
  bridge w;
  const auto item = w.create("Item", "2026-12-04");
  BOOST_REQUIRE(w.settle());
  w.run_for(90s);
  w.faults.push_back({.what = wire_fault::kind::reset, .url = "http://plane.test"});
  w.touch(item);
  const auto from = w.calls.size();
  w.run_for(12h);
  BOOST_TEST(w.counts().pending == 1);
  BOOST_TEST(w.counts().dead_deliveries == 0);
  // Asked again about every half minute, by the breaker, not more.
  BOOST_TEST(w.calls.size() - from < 12u * 60 * 6);
  w.faults.clear();
  BOOST_TEST(w.settle(10min));
}

BOOST_AUTO_TEST_CASE(somebody_elses_object_at_the_place_of_an_event_is_never_overwritten) {
  bridge w;
  const auto first = w.create("First", "2026-12-03");
  BOOST_REQUIRE(w.settle());
  const auto calendar = w.dav.calendars.begin()->first;
  const std::string theirs =
      "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Them//EN\r\nBEGIN:VEVENT\r\nUID:theirs\r\n"
      "DTSTAMP:20261101T000000Z\r\nDTSTART;VALUE=DATE:20261204\r\nEND:VEVENT\r\n"
      "END:VCALENDAR\r\n";
  w.lose_webhooks = true;
  const auto item = w.create("Item", "2026-12-04");
  w.run_for(5s);
  w.lose_webhooks = false;
  const auto file = "plane-issue-" + item + "@calplanebot.ics";
  w.dav.add(calendar, file, theirs);
  w.edit(item, R"({"name":"Item again"})");
  BOOST_TEST(w.run_until([&] { return w.counts().dead_effects == 1; }, 1min));
  BOOST_TEST(w.dav.calendars[calendar].events[calendar + file].text == theirs);
}
