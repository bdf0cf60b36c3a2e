// Well-formed characters, against the table of Unicode and against encoding itself.
#define BOOST_TEST_MODULE base_utf8
#include "base/utf8.hpp"

#include <rapidcheck.h>

#include <boost/test/unit_test.hpp>
#include <string>

namespace {

std::string encoded(char32_t c) {
  const auto byte = [](char32_t n) { return static_cast<char>(static_cast<unsigned char>(n)); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xC0 | (c >> 6)), byte(0x80 | (c & 0x3F))};
  if (c < 0x10000)
    return {byte(0xE0 | (c >> 12)), byte(0x80 | ((c >> 6) & 0x3F)), byte(0x80 | (c & 0x3F))};
  return {byte(0xF0 | (c >> 18)), byte(0x80 | ((c >> 12) & 0x3F)), byte(0x80 | ((c >> 6) & 0x3F)),
          byte(0x80 | (c & 0x3F))};
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_character_there_is_has_its_length_and_no_beginning_of_it_has_one) {
  std::size_t wrong = 0;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    const auto text = encoded(c);
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    wrong += pb::utf8_length(text) != (surrogate ? 0 : text.size());
    for (std::size_t cut = 1; cut < text.size(); ++cut)
      wrong += pb::utf8_length(std::string_view{text}.substr(0, cut)) != 0;
  }
  BOOST_TEST(wrong == 0u);
}

BOOST_AUTO_TEST_CASE(what_is_no_character_has_length_0) {
  using namespace std::string_literals;
  for (const auto& text :
       {""s, "\x80"s, "\xBF"s, "\xC0\x80"s, "\xC1\xBF"s, "\xE0\x9F\xBF"s, "\xED\xA0\x80"s,
        "\xF0\x8F\xBF\xBF"s, "\xF4\x90\x80\x80"s, "\xF5\x80\x80\x80"s, "\xFE"s, "\xFF"s, "\xC3("s,
        "\xE2\x82("s, "\xF0\x9F\x98("s})
    BOOST_TEST(pb::utf8_length(text) == 0u, text.size() << " bytes");
  BOOST_TEST(pb::utf8_length("a\xC3\xA9", 1) == 2u);
  BOOST_TEST(pb::utf8_length("a", 1) == 0u);
}

BOOST_AUTO_TEST_CASE(ascii_ends_where_a_byte_at_a_time_would_say) {
  const bool held = rc::check("the same as one byte at a time", [](const std::string& drawn) {
    const auto text = *rc::gen::arbitrary<bool>() ? drawn : std::string(23, 'x') + drawn;
    const std::size_t at = *rc::gen::inRange<std::size_t>(0, text.size() + 1);
    std::size_t end = at;
    while (end < text.size() && text[end] != '\0' && static_cast<unsigned char>(text[end]) < 0x80)
      ++end;
    RC_ASSERT(pb::ascii_length(text, at) == end - at);
  });
  BOOST_TEST(held);
}
