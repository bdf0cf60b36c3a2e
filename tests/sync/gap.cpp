#define BOOST_TEST_MODULE sync_gap
#include "sync/gap.hpp"

#include <boost/test/unit_test.hpp>

using namespace pb;
using namespace pb::sync;
using namespace std::chrono_literals;

namespace {
constexpr const char* noon = "2026-11-21T12:00:00Z";
constexpr const char* noon_elsewhere = "2026-11-21T20:00:00.000000+08:00";
constexpr const char* later = "2026-11-21T12:00:00.000001Z";
}  // namespace

BOOST_AUTO_TEST_CASE(a_change_is_later_by_its_moment_and_not_by_its_spelling) {
  BOOST_TEST(is_later(later, noon));
  BOOST_TEST(!is_later(noon, later));
  BOOST_TEST(!is_later(noon_elsewhere, noon));
  BOOST_TEST(is_later(noon, ""));  // nothing is known yet
  BOOST_TEST(!is_later("", noon));
  BOOST_TEST(!is_later("yesterday", noon));
  BOOST_TEST(!is_later(noon, "yesterday"));
}

BOOST_AUTO_TEST_CASE(the_same_moment_may_be_written_in_several_ways) {
  BOOST_TEST(is_same_moment(noon, noon_elsewhere));
  BOOST_TEST(is_same_moment("odd", "odd"));
  BOOST_TEST(!is_same_moment(noon, later));
  BOOST_TEST(!is_same_moment("odd", noon));
}

BOOST_AUTO_TEST_CASE(a_change_within_the_grace_is_left_to_its_webhook) {
  const auto asked = *parse_rfc3339("2026-11-21T12:00:30Z");
  BOOST_TEST(!is_young(noon, asked, 30s));  // exactly as old as the grace
  BOOST_TEST(is_young(later, asked, 30s));
  BOOST_TEST(!is_young("", asked, 30s));
  BOOST_TEST(!is_young("odd", asked, 30s));
}

BOOST_AUTO_TEST_CASE(a_poll_reads_a_little_below_its_watermark) {
  BOOST_TEST(poll_down_to(noon, 10s) == "2026-11-21T11:59:50Z");
  BOOST_TEST(poll_down_to(noon_elsewhere, 0s) == noon);
  BOOST_TEST(poll_down_to("", 10s) == "");
}

BOOST_AUTO_TEST_CASE(what_a_scan_found_is_read_in_the_fewest_requests) {
  BOOST_TEST(reads_one_by_one(0, 0));
  BOOST_TEST(reads_one_by_one(3, 5));
  BOOST_TEST(!reads_one_by_one(4, 5));
  BOOST_TEST(reads_one_by_one(99, 10'000));
  BOOST_TEST(!reads_one_by_one(100, 10'000));
}
