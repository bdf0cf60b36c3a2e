#define BOOST_TEST_MODULE caldav_event
#include "protocol/caldav/event.hpp"

#include <libical/ical.h>
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include "caldav_support.hpp"
#include "protocol/caldav/feed.hpp"
#include "protocol/caldav/merge.hpp"

using namespace pb;
using namespace pb::protocol::caldav;
using namespace pb::protocol::caldav::testing;
using namespace std::chrono_literals;

namespace {
event_values golden(std::string_view uuid, std::string_view day, std::string summary,
                    std::string description, std::string color, std::string number) {
  auto v = on_day(uuid, day);
  v.summary = std::move(summary);
  v.description = std::move(description);
  v.color = std::move(color);
  v.url = "https://plane.example.org/acme/browse/CORE-" + number + "/";
  return v;
}

struct parsed_component {
  explicit parsed_component(const std::string& text) : all(icalparser_parse_string(text.c_str())) {
    BOOST_REQUIRE(all != nullptr);
  }
  ~parsed_component() { icalcomponent_free(all); }
  parsed_component(const parsed_component&) = delete;
  parsed_component& operator=(const parsed_component&) = delete;
  icalcomponent* event() const {
    return icalcomponent_get_first_component(all, ICAL_VEVENT_COMPONENT);
  }
  icalcomponent* all;
};
}  // namespace

BOOST_AUTO_TEST_CASE(events_are_written_as_the_golden_files_have_them) {
  BOOST_TEST(build_event(leap_day()) == fixture("ics/leap-day.ics"));
  BOOST_TEST(build_event(golden("1a2b3c4d-0000-4000-8000-00000000feb8", "2028-02-28",
                                "[8] 28 February in a leap year", "Target 2028-02-28.", "yellow",
                                "8")) == fixture("ics/before-leap-day.ics"));
  BOOST_TEST(build_event(golden("1a2b3c4d-0000-4000-8000-00000000feb7", "2027-02-28",
                                "[9] 28 February 2027", "Target 2027-02-28.", "", "9")) ==
             fixture("ics/non-leap-28-feb.ics"));
  BOOST_TEST(build_event(golden("9f9e9d9c-1111-4222-8333-444455557777", "2026-12-31",
                                "[98] Year end", "Target 2026-12-31.", "orange", "98")) ==
             fixture("ics/year-end.ics"));
  auto cancelled = golden("9f9e9d9c-1111-4222-8333-444455556666", "2026-12-25",
                          "[99] Dropped: legacy importer", "State: Cancelled", "yellow", "99");
  cancelled.cancelled = true;
  BOOST_TEST(build_event(cancelled) == fixture("ics/cancelled.ics"));
  BOOST_TEST(build_event(golden("77777777-2222-4333-8444-555566667777", "2027-03-28",
                                "[150] DST weekend", "All-day, floating.", "orange", "150"),
                         900min) == fixture("ics/with-alarm.ics"));
  auto urgent =
      golden("5f1c2d3e-4b5a-4c6d-8e7f-90a1b2c3d4e5", "2026-11-30",
             "[142] Rotate webhook secrets, again; ünïcödé 🚀 and a title that is long "
             "enough to be folded twice over",
             "Tokens expire while the worker retries; see the log, then decide.\n"
             "Raum Süd \\ Gebäude 4 — 会议室 三 🚀✅👩‍👩‍👧‍👦\n\n"
             "State: In Progress\nPriority: urgent\nAssignees: Ana, Béla\nEstimate: 5",
             "red", "142");
  urgent.categories = {"größe", "backend"};
  BOOST_TEST(build_event(urgent) == fixture("ics/urgent-emoji-folding.ics"));
}

BOOST_AUTO_TEST_CASE(the_uid_names_the_work_item_and_only_ours_are_read_back) {
  const auto uid = uid_of("1A2B3C4D-0000-4000-8000-00000000FEB9");
  BOOST_TEST(uid == "plane-issue-1a2b3c4d-0000-4000-8000-00000000feb9@calplanebot");
  BOOST_TEST(work_item_of(uid).value() == leap_uuid);
  for (const auto* foreign :
       {"", "plane-issue-@calplanebot", "plane-issue-1@calplanebot", "x@calplanebot",
        "plane-issue-1a2b3c4d-0000-4000-8000-00000000feb9@elsewhere", "plane-issue-"})
    BOOST_TEST(!work_item_of(foreign).has_value());
}

BOOST_AUTO_TEST_CASE(dates_that_no_calendar_has_are_refused) {
  BOOST_TEST(parse_civil_date("2028-02-29").has_value());
  for (const auto* text : {"2027-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "2026-1-01",
                           "0000-01-01", "2026/01/01", "", "20260101", "2026-01-0x"})
    BOOST_TEST(!parse_civil_date(text).has_value());
  BOOST_TEST(!parse_date("20261399").has_value());
}

BOOST_AUTO_TEST_CASE(the_day_after_is_a_civil_day) {
  const auto next = [](const char* day) { return format_date(day_after(*parse_civil_date(day))); };
  BOOST_TEST(next("2028-02-28") == "20280229");
  BOOST_TEST(next("2028-02-29") == "20280301");
  BOOST_TEST(next("2027-02-28") == "20270301");
  BOOST_TEST(next("2026-12-31") == "20270101");
  BOOST_TEST(next("2027-03-28") == "20270329");
}

BOOST_AUTO_TEST_CASE(instants_are_utc_seconds) {
  BOOST_TEST(format_instant(at("2026-11-21T06:00:00.999999Z")) == "20261121T060000Z");
  BOOST_TEST((parse_instant("20261121T060000Z").value() == at("2026-11-21T06:00:00Z")));
  BOOST_TEST(!parse_instant("20261121T060000").has_value());
  BOOST_TEST(!parse_instant("20261131T060000Z").has_value());
  BOOST_TEST(!parse_instant("20261121T256000Z").has_value());
}

BOOST_AUTO_TEST_CASE(values_are_made_fit_for_a_property) {
  auto v = leap_day();
  v.summary = "  [7]\r\n\tname\x02 ";
  v.description = "a\r\nb\rc\x07\n\n";
  v.categories = {"b, c", "a", "a", " ", "ü\n1"};
  v.url = "https://plane.example.org/a b/é";
  v.color = "GREEN";
  const auto n = normalized(v);
  BOOST_TEST(n.summary == "[7] name");
  BOOST_TEST(n.description == "a\nb\nc");
  const std::vector<std::string> labels{"a", "b‚ c", "ü 1"};
  BOOST_TEST(n.categories == labels, boost::test_tools::per_element());
  BOOST_TEST(n.url == "https://plane.example.org/a%20b/%C3%A9");
  BOOST_TEST(n.color == "green");
}

BOOST_AUTO_TEST_CASE(a_long_description_is_cut_on_a_character_border) {
  auto v = leap_day();
  v.description.clear();
  for (int i = 0; i < 20'000; ++i) v.description += "会";
  const auto cut = normalized(v).description;
  BOOST_TEST(cut.size() <= description_limit);
  BOOST_TEST(cut.ends_with("会…(cut)"));
  BOOST_TEST(cut_text("short", 100) == "short");
}

BOOST_AUTO_TEST_CASE(impossible_events_are_refused) {
  BOOST_TEST(validate(leap_day()).has_value());
  auto v = leap_day();
  v.uid = "foreign@example.org";
  BOOST_TEST(!validate(v).has_value());
  v = leap_day();
  v.end_exclusive = v.start;
  BOOST_TEST((validate(v).error().code == errc::bad_input));
  v = leap_day();
  v.start = {};
  BOOST_TEST(!validate(v).has_value());
  v = leap_day();
  v.color = "red\r\nX-EVIL:1";
  BOOST_TEST(!validate(v).has_value());
}

BOOST_AUTO_TEST_CASE(the_hash_depends_on_owned_values_and_not_on_times) {
  const auto base = content_hash(leap_day());
  auto later = leap_day();
  later.updated += 1h;
  later.created += 1h;
  BOOST_TEST(content_hash(later) == base);
  const std::vector<void (*)(event_values&)> changes{
      [](event_values& v) { v.summary += "x"; },
      [](event_values& v) { v.description += "x"; },
      [](event_values& v) {
        v.start =
            std::chrono::year_month_day{std::chrono::sys_days{v.start} - std::chrono::days{1}};
      },
      [](event_values& v) { v.end_exclusive = day_after(v.end_exclusive); },
      [](event_values& v) { v.cancelled = true; },
      [](event_values& v) { v.color = "red"; },
      [](event_values& v) { v.url += "x"; },
      [](event_values& v) { v.categories = {"x"}; }};
  for (const auto change : changes) {
    auto v = leap_day();
    change(v);
    BOOST_TEST(content_hash(v) != base);
  }
}

BOOST_AUTO_TEST_CASE(alarms_of_any_length_have_a_duration) {
  const auto trigger = [](std::chrono::minutes before) {
    const auto text = build_event(leap_day(), before);
    const auto from = text.find("TRIGGER:") + 8;
    return text.substr(from, text.find("\r\n", from) - from);
  };
  BOOST_TEST(trigger(900min) == "-PT15H");
  BOOST_TEST(trigger(1440min) == "-P1D");
  BOOST_TEST(trigger(1445min) == "-P1DT5M");
  BOOST_TEST(trigger(30min) == "-PT30M");
  BOOST_TEST(trigger(0min) == "PT0M");
}

BOOST_AUTO_TEST_CASE(an_independent_reader_sees_the_values_that_were_written) {
  auto v = leap_day();
  v.summary = "[7] a, b; c \\ d 🚀";
  v.description = "line\nnext, and; more";
  v.categories = {"release"};
  const parsed_component got{build_event(v, 900min, 3)};
  auto* event = got.event();
  BOOST_REQUIRE(event != nullptr);
  BOOST_TEST(std::string{icalcomponent_get_summary(event)} == v.summary);
  BOOST_TEST(std::string{icalcomponent_get_description(event)} == v.description);
  BOOST_TEST(std::string{icalcomponent_get_uid(event)} == v.uid);
  BOOST_TEST(icalcomponent_get_sequence(event) == 3);
  const auto start = icalcomponent_get_dtstart(event);
  BOOST_TEST(start.is_date == 1);
  BOOST_TEST((start.year == 2028 && start.month == 2 && start.day == 29));
  const auto end = icalcomponent_get_dtend(event);
  BOOST_TEST((end.year == 2028 && end.month == 3 && end.day == 1));
  BOOST_TEST(icalrestriction_check(got.all) != 0);
  BOOST_TEST(icalcomponent_count_errors(got.all) == 0);
}

BOOST_AUTO_TEST_CASE(what_is_written_is_what_is_read_for_any_text) {
  BOOST_TEST(rc::check("hash of the written event is the hash of its values", [] {
    auto v = leap_day();
    v.summary = *rc::gen::arbitrary<std::string>();
    v.description = *rc::gen::arbitrary<std::string>();
    v.categories = *rc::gen::arbitrary<std::vector<std::string>>();
    v.url = *rc::gen::arbitrary<std::string>();
    const auto once = normalized(v);
    RC_ASSERT(content_hash(once) == content_hash(v));
    const auto text = build_event(v);
    const auto read = read_owned(text, v.uid);
    RC_ASSERT(read.has_value());
    RC_ASSERT(read->owned == owned_by(v));
    RC_ASSERT(content_hash(*read, v.categories, {}) == content_hash(v));
  }));
}

BOOST_AUTO_TEST_CASE(a_feed_holds_all_events_in_one_calendar) {
  auto other = golden("1a2b3c4d-0000-4000-8000-00000000feb8", "2028-02-28", "[8] b", "", "", "8");
  auto broken = leap_day();
  broken.end_exclusive = broken.start;
  const std::vector<event_values> events{leap_day(), broken, other};
  const auto feed = build_feed("Plane, all", events);
  BOOST_TEST(feed == build_feed("Plane, all", events));
  const parsed_component got{feed};
  BOOST_TEST(icalcomponent_count_components(got.all, ICAL_VEVENT_COMPONENT) == 2);
  BOOST_TEST(icalcomponent_count_errors(got.all) == 0);
  BOOST_TEST(feed.find("X-WR-CALNAME:Plane\\, all\r\n") != std::string::npos);
  BOOST_TEST(feed.find("METHOD") == std::string::npos);
}
