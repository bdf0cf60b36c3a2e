#define BOOST_TEST_MODULE caldav_content_line
#include "protocol/caldav/content_line.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>

#include "caldav_support.hpp"
#include "protocol/html/utf8.hpp"

using namespace pb;
using namespace pb::protocol::caldav;

namespace {
std::string wrapped(const std::string& inner) {
  return "BEGIN:VCALENDAR\r\n" + inner + "END:VCALENDAR\r\n";
}
rc::Gen<std::string> unicode_text() {
  const auto piece = rc::gen::elementOf(std::vector<std::string>{
      "a", "Z", " ", ",", ";", "\\", "\n", "\t", "ü", "会", "🚀", "\xE2\x80\x8D", ":", "\"", "n"});
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece), [](const auto& pieces) {
    std::string out;
    for (const auto& p : pieces) out += p;
    return out;
  });
}
}  // namespace

BOOST_AUTO_TEST_CASE(a_line_is_read_with_quoted_parameters_and_keeps_its_bytes) {
  const auto line = parse_line("attendee;CN=\"a:b;c\";Role=CHAIR:mailto:x@example.org");
  BOOST_TEST(line.name == "ATTENDEE");
  BOOST_TEST(line.value() == "mailto:x@example.org");
  BOOST_TEST(line.params() == ";CN=\"a:b;c\";Role=CHAIR");
  BOOST_TEST(line.param("cn") == "a:b;c");
  BOOST_TEST(line.param("ROLE") == "CHAIR");
  BOOST_TEST(line.param("X") == "");
  BOOST_TEST(line.text.starts_with("attendee;"));
}

BOOST_AUTO_TEST_CASE(a_line_without_a_name_keeps_its_bytes) {
  for (const auto* text : {"no colon here", ":value", "NAME;P=\"unclosed:value", "", "ä:b"}) {
    const auto line = parse_line(text);
    BOOST_TEST(line.name.empty());
    BOOST_TEST(line.text == text);
    BOOST_TEST(line.params().empty());
  }
}

BOOST_AUTO_TEST_CASE(a_folded_line_has_at_most_75_octets_and_cuts_no_sequence) {
  std::string line = "DESCRIPTION:";
  for (int i = 0; i < 200; ++i) line += i % 3 == 0 ? "🚀" : i % 3 == 1 ? "会" : "é";
  const auto folded = fold(line);
  std::size_t from = 0;
  for (auto end = folded.find("\r\n"); from < folded.size(); end = folded.find("\r\n", from)) {
    const auto one = folded.substr(from, end == std::string::npos ? end : end - from);
    BOOST_TEST(one.size() <= 75U);
    BOOST_TEST(pb::protocol::html::valid_utf8(one) == one);
    from = end == std::string::npos ? folded.size() : end + 2;
  }
  BOOST_TEST(unfold(folded) == line);
}

BOOST_AUTO_TEST_CASE(lines_folded_inside_a_utf8_sequence_are_joined_on_octets) {
  const auto lines = parse_lines(wrapped("X-A:\xF0\x9F\r\n \x9A\x80\r\nX-B:1\n\t2\r\n"));
  BOOST_REQUIRE(lines.has_value());
  BOOST_TEST((*lines)[1].value() == "🚀");
  BOOST_TEST((*lines)[2].value() == "12");
}

BOOST_AUTO_TEST_CASE(what_is_no_calendar_object_is_refused) {
  BOOST_TEST((parse_lines("").error().code == errc::bad_input));
  BOOST_TEST((parse_lines("this is not a calendar").error().code == errc::bad_input));
  BOOST_TEST((parse_lines("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n").error().code ==
              errc::bad_input));
  BOOST_TEST((parse_lines("BEGIN:VCALENDAR\r\n").error().code == errc::bad_input));
  BOOST_TEST((parse_lines("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\nEND:X\r\n").error().code ==
              errc::bad_input));
  BOOST_TEST((parse_lines(wrapped(std::string{"X:\0\r\n", 5})).error().code == errc::bad_input));
}

BOOST_AUTO_TEST_CASE(size_count_and_depth_are_bounded) {
  std::string deep;
  for (int i = 0; i < 20; ++i) deep += "BEGIN:X\r\n";
  for (int i = 0; i < 20; ++i) deep += "END:X\r\n";
  BOOST_TEST((parse_lines(wrapped(deep)).error().code == errc::too_large));
  std::string many;
  for (int i = 0; i < 100'001; ++i) many += "X:1\r\n";
  BOOST_TEST((parse_lines(wrapped(many)).error().code == errc::too_large));
  BOOST_TEST((parse_lines(std::string(5U << 20, 'x')).error().code == errc::too_large));
}

BOOST_AUTO_TEST_CASE(text_is_escaped_and_comes_back) {
  BOOST_TEST(escape_text("a,b;c\\d\r\ne\x01\tf") == "a\\,b\\;c\\\\d\\ne\tf");
  BOOST_TEST(unescape_text("a\\,b\\;c\\\\d\\Ne\\x\\") == "a,b;c\\d\ne\\x\\");
}

BOOST_AUTO_TEST_CASE(value_lists_are_cut_at_bare_commas_only) {
  const auto pieces = split_values("a,b\\, c,\\\\,d");
  const std::vector<std::string_view> expected{"a", "b\\, c", "\\\\", "d"};
  BOOST_TEST(pieces == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(folding_and_escaping_round_trip_for_any_text) {
  BOOST_TEST(rc::check("unfold(fold(x)) == x", [] {
    const auto line = "X:" + escape_text(*unicode_text());
    RC_ASSERT(unfold(fold(line)) == line);
  }));
  BOOST_TEST(rc::check("unescape(escape(x)) == x", [] {
    const auto text = *unicode_text();
    RC_ASSERT(unescape_text(escape_text(text)) == text);
  }));
}

BOOST_AUTO_TEST_CASE(any_bytes_are_read_or_refused_and_written_back_the_same) {
  BOOST_TEST(rc::check("parse, write, parse", [] {
    const auto text = "BEGIN:VCALENDAR\n" + *rc::gen::arbitrary<std::string>() + "\nEND:VCALENDAR";
    const auto first = parse_lines(text);
    if (!first) return;
    const auto second = parse_lines(write_lines(*first));
    RC_ASSERT(second.has_value());
    RC_ASSERT(second->size() == first->size());
    for (std::size_t i = 0; i < first->size(); ++i)
      RC_ASSERT((*first)[i].text == (*second)[i].text);
  }));
}
