#define BOOST_TEST_MODULE caldav_merge
#include "protocol/caldav/merge.hpp"

#include <libical/ical.h>
#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <limits>

#include "caldav_support.hpp"

using namespace pb;
using namespace pb::protocol::caldav;
using namespace pb::protocol::caldav::testing;

namespace {
const timestamp late = at("2026-12-24T00:00:00Z");

event_values moved() {
  auto v = leap_day();
  v.start = *parse_civil_date("2028-03-01");
  v.end_exclusive = *parse_civil_date("2028-03-02");
  v.description = "Target 2028-03-01.";
  v.color = "orange";
  v.categories = {"release"};
  v.updated = at("2026-11-22T10:00:00Z");
  return v;
}

/// The golden server copy with one text replaced by another.
std::string copy_with(std::string_view from, std::string_view to) {
  auto text = fixture("ics/merge-1-server-copy.ics");
  const auto at = text.find(from);
  BOOST_REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

merged merge(const std::string& copy, const event_values& wanted,
             const std::vector<std::string>& base = {"release"}, int last = 0) {
  auto out = merge_event(copy, wanted, base, late, last);
  BOOST_REQUIRE_MESSAGE(out.has_value(), describe(out ? failure{} : out.error()));
  return *out;
}
bool has(const std::string& text, std::string_view line) {
  return text.find("\r\n" + std::string{line} + "\r\n") != std::string::npos;
}
std::size_t count(const std::string& text, std::string_view part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}
}  // namespace

BOOST_AUTO_TEST_CASE(the_golden_server_copy_becomes_the_golden_update_byte_for_byte) {
  const auto out = merge(fixture("ics/merge-1-server-copy.ics"), moved());
  BOOST_TEST(out.changed);
  BOOST_TEST(out.sequence == 1);
  BOOST_TEST(out.notes.empty());
  BOOST_TEST(out.text == fixture("ics/merge-2-after-update.ics"));
}

BOOST_AUTO_TEST_CASE(merging_again_changes_nothing) {
  const auto golden = fixture("ics/merge-2-after-update.ics");
  const auto out = merge(golden, moved(), {"release"}, 1);
  BOOST_TEST(!out.changed);
  BOOST_TEST(out.text == golden);
  BOOST_TEST(out.sequence == 1);
}

BOOST_AUTO_TEST_CASE(a_copy_that_a_server_serialized_anew_counts_as_unchanged) {
  auto v = on_day("5f1c2d3e-4b5a-4c6d-8e7f-90a1b2c3d4e5", "2026-12-02");
  v.summary =
      "[142] Rotate webhook secrets, again; ünïcödé 🚀 and a title that is long enough to "
      "be folded twice over";
  v.description =
      "Tokens expire while the worker retries; see the log, then decide.\nRaum Süd \\ "
      "Gebäude 4 — 会议室 三 🚀✅\n\nState: In Progress\nPriority: urgent\nAssignees: "
      "Ana, Béla\nEstimate: 5";
  v.color = "red";
  v.url = "https://plane.example.org/acme/browse/CORE-142/";
  v.categories = {"backend", "größe"};
  for (const auto* name :
       {"radicale/17-put-update-if-match.http", "xandikos/16-put-update-if-match.http"}) {
    const auto sent = recording(name).front().request.body;
    BOOST_TEST(!merge(sent, v, v.categories).changed);
  }
}

BOOST_AUTO_TEST_CASE(a_title_edited_by_a_client_is_put_back_without_a_new_sequence) {
  auto v = leap_day();
  v.categories = {"release"};
  const auto out = merge(fixture("ics/merge-1-server-copy.ics"), v);
  BOOST_TEST(out.changed);
  BOOST_TEST(out.sequence == 0);
  BOOST_TEST(has(out.text, "SUMMARY:[7] Leap day release"));
  // The client's edit is later than Plane's own time.
  BOOST_TEST(has(out.text, "LAST-MODIFIED:20261224T000000Z"));
  BOOST_TEST(has(out.text, "DTSTAMP:20261224T000000Z"));
}

BOOST_AUTO_TEST_CASE(the_sequence_grows_with_date_and_status_and_never_falls) {
  const auto copy = fixture("ics/merge-1-server-copy.ics");
  BOOST_TEST(merge(copy, moved(), {"release"}, 7).sequence == 8);
  auto done = moved();
  done.start = *parse_civil_date("2028-02-29");
  done.end_exclusive = *parse_civil_date("2028-03-01");
  BOOST_TEST(merge(copy, done, {"release"}, 7).sequence == 7);
  done.cancelled = true;
  BOOST_TEST(merge(copy, done, {"release"}, 0).sequence == 1);
  const auto highest = copy_with("SEQUENCE:0", "SEQUENCE:2147483647");
  BOOST_TEST(merge(highest, moved()).sequence == std::numeric_limits<int>::max());
  BOOST_TEST(merge(copy_with("SEQUENCE:0", "SEQUENCE:99999999999"), moved()).sequence == 1);
}

BOOST_AUTO_TEST_CASE(labels_are_merged_three_ways) {
  auto v = moved();
  v.categories = {"backend"};
  auto copy = fixture("ics/merge-1-server-copy.ics");
  BOOST_TEST(has(merge(copy, v, {"release"}).text, "CATEGORIES:my own tag,backend"));
  // No base, as after a lost database: nothing is removed.
  BOOST_TEST(has(merge(copy, v, {}).text, "CATEGORIES:release,my own tag,backend"));
  v.categories = {};
  BOOST_TEST(has(merge(copy, v, {"release"}).text, "CATEGORIES:my own tag"));
  BOOST_TEST(count(merge(copy_with("release,my own tag", "release"), v, {"release"}).text,
                   "CATEGORIES") == 0U);
  // Several properties become one, a comma that a person typed keeps its escape.
  copy = copy_with("CATEGORIES:release,my own tag", "CATEGORIES:x\\, y\r\nCATEGORIES:release,z");
  v.categories = {"a, b"};
  BOOST_TEST(has(merge(copy, v, {"release"}).text, "CATEGORIES:x\\, y,z,a‚ b"));
}

BOOST_AUTO_TEST_CASE(an_owned_property_that_is_absent_goes_before_the_first_component) {
  const auto out = merge(copy_with("COLOR:green\r\n", ""), moved()).text;
  BOOST_TEST(out.find("\r\nCOLOR:orange\r\nBEGIN:VALARM") != std::string::npos);
  auto plain = moved();
  plain.color.clear();
  BOOST_TEST(count(merge(fixture("ics/merge-1-server-copy.ics"), plain).text, "COLOR") == 0U);
}

BOOST_AUTO_TEST_CASE(an_owned_property_that_stands_twice_is_left_once) {
  const auto out = merge(copy_with("COLOR:green\r\n", "COLOR:green\r\nCOLOR:blue\r\n"), moved());
  BOOST_TEST(count(out.text, "\r\nCOLOR:") == 1U);
}

BOOST_AUTO_TEST_CASE(duration_and_date_times_of_a_client_become_dates_again) {
  auto copy = copy_with("DTEND;VALUE=DATE:20280301", "DURATION:P1D");
  auto out = merge(copy, moved()).text;
  BOOST_TEST(count(out, "DURATION") == 0U);
  BOOST_TEST(has(out, "DTEND;VALUE=DATE:20280302"));
  copy = copy_with("DTSTART;VALUE=DATE:20280229", "DTSTART;TZID=Europe/Berlin:20280301T090000");
  const auto back = merge(copy, moved());
  BOOST_TEST(has(back.text, "DTSTART;VALUE=DATE:20280301"));
  BOOST_TEST(back.sequence == 1);
}

BOOST_AUTO_TEST_CASE(recurrence_added_by_a_client_stays_and_is_reported) {
  const auto sibling =
      "BEGIN:VEVENT\r\nUID:plane-issue-1a2b3c4d-0000-4000-8000-00000000feb9@calplanebot\r\n"
      "RECURRENCE-ID;VALUE=DATE:20280307\r\nSUMMARY:mine\r\nEND:VEVENT\r\n";
  auto copy = copy_with("BEGIN:VEVENT\r\n", std::string{sibling} + "BEGIN:VEVENT\r\n");
  const auto out = merge(copy, moved());
  BOOST_TEST(out.notes.size() == 1U);
  BOOST_TEST(out.text.find(sibling) != std::string::npos);
  BOOST_TEST(has(out.text, "SUMMARY:[7] Leap day release"));
  copy = copy_with("COLOR:green", "COLOR:green\r\nRRULE:FREQ=WEEKLY");
  BOOST_TEST(merge(copy, moved()).notes.size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_object_of_somebody_else_is_not_merged) {
  const auto foreign = copy_with("feb9@calplanebot", "feb0@calplanebot");
  BOOST_TEST((merge_event(foreign, moved(), {}, late, 0).error().code == errc::not_found));
  BOOST_TEST((merge_event("nonsense", moved(), {}, late, 0).error().code == errc::bad_input));
  auto impossible = moved();
  impossible.end_exclusive = impossible.start;
  BOOST_TEST((merge_event(fixture("ics/leap-day.ics"), impossible, {}, late, 0).error().code ==
              errc::bad_input));
}

BOOST_AUTO_TEST_CASE(a_server_copy_tells_its_owned_values) {
  const auto got = read_owned(fixture("ics/merge-1-server-copy.ics"));
  BOOST_REQUIRE(got.has_value());
  BOOST_TEST(got->uid == uid_of(leap_uuid));
  BOOST_TEST(got->owned.summary == "[7] Leap day release (moved by hand)");
  BOOST_TEST(got->owned.description == "Target 2028-02-29.");
  BOOST_TEST((got->last_modified == at("2026-11-21T09:15:00Z")));
  BOOST_TEST(!got->recurring);
  auto same = leap_day();
  same.summary = got->owned.summary;
  same.categories = {"release"};
  BOOST_TEST(content_hash(*got, {"release"}, {}) == content_hash(same));
}

BOOST_AUTO_TEST_CASE(the_merged_event_reads_well_in_libical) {
  const auto out = merge(fixture("ics/merge-1-server-copy.ics"), moved());
  auto* all = icalparser_parse_string(out.text.c_str());
  BOOST_REQUIRE(all != nullptr);
  auto* event = icalcomponent_get_first_component(all, ICAL_VEVENT_COMPONENT);
  BOOST_TEST(std::string{icalcomponent_get_summary(event)} == "[7] Leap day release");
  BOOST_TEST(std::string{icalcomponent_get_location(event)} == "Room 4, north");
  BOOST_TEST(icalcomponent_get_sequence(event) == 1);
  auto* alarm = icalcomponent_get_first_component(event, ICAL_VALARM_COMPONENT);
  BOOST_TEST(std::string{icalcomponent_get_description(alarm)} == "mine");
  icalcomponent_free(all);
}

BOOST_AUTO_TEST_CASE(merging_is_idempotent_and_unknown_lines_survive_for_any_server_copy) {
  const std::string family = "👩‍👩‍👧‍👦🚀";
  const auto line = rc::gen::elementOf(
      std::vector<std::string>{"X-NOTE;P=\"a:b\":kept\\, too",
                               "NEWPROP:1",
                               "LOCATION:Room 4\\, north",
                               "SUMMARY:a",
                               "SUMMARY:b",
                               "SUMMARY;LANGUAGE=de:c",
                               "DESCRIPTION:x\\ny",
                               "COLOR:BLUE",
                               "CATEGORIES:release,mine",
                               "CATEGORIES:b\\, c",
                               "DTSTART:20280229T100000Z",
                               "DTEND;VALUE=DATE:20280301",
                               "DURATION:PT1H",
                               "SEQUENCE:5",
                               "SEQUENCE:-2",
                               "STATUS:TENTATIVE",
                               "URL:x",
                               "LAST-MODIFIED:20270101T000000Z",
                               "RRULE:FREQ=DAILY",
                               "no colon at all",
                               "X-EMOJI:" + family + family + family + family,
                               "BEGIN:VALARM\r\nDESCRIPTION:mine\r\nSUMMARY:mine\r\nEND:VALARM"});
  BOOST_TEST(rc::check("merge twice", [&line] {
    const auto extra = *rc::gen::container<std::vector<std::string>>(line);
    std::string copy = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:" + uid_of(leap_uuid) + "\r\n";
    for (const auto& e : extra) copy += e + "\r\n";
    copy += "END:VEVENT\r\nEND:VCALENDAR\r\n";
    auto v = moved();
    v.categories = *rc::gen::container<std::vector<std::string>>(
        rc::gen::elementOf(std::vector<std::string>{"release", "a, b", "mine", "ü"}));
    const std::vector<std::string> base{"release"};
    const auto first = merge_event(copy, v, base, late, 0);
    RC_ASSERT(first.has_value());
    const auto again = merge_event(first->text, v, v.categories, late, first->sequence);
    RC_ASSERT(again.has_value());
    RC_ASSERT(!again->changed);
    RC_ASSERT(again->sequence == first->sequence);
    const auto unfolded = unfold(first->text);
    for (const auto& e : extra)
      if (e.starts_with("X-") || e.starts_with("NEW") || e.starts_with("LOC") ||
          e.starts_with("RRULE") || e.starts_with("no ") || e.starts_with("BEGIN"))
        RC_ASSERT(unfolded.find(e) != std::string::npos);
  }));
}
