#define BOOST_TEST_MODULE text
#include <boost/test/unit_test.hpp>

#include "persistence/connection.hpp"

namespace pb::persistence {

BOOST_AUTO_TEST_CASE(well_formed_text_is_left_alone) {
  for (const char* t : {"", "plain", "中文", "🎉", "é", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf",
                        "\xee\x80\x80", "\xe0\xa0\x80"})
    BOOST_TEST(!cleaned_text(t).has_value(), t);
}

BOOST_AUTO_TEST_CASE(what_is_not_utf_8_is_replaced_byte_by_byte) {
  using namespace std::string_literals;
  const std::string r = "\xef\xbf\xbd";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"a\0b"s, "a" + r + "b"},  // PostgreSQL's text has no NUL
      {"\xff"s, r},
      {"\x80"s, r},
      {"\xc0\xaf"s, r + r},                  // overlong
      {"\xe0\x9f\xbf"s, r + r + r},          // overlong
      {"\xed\xa0\x80"s, r + r + r},          // a surrogate
      {"\xf4\x90\x80\x80"s, r + r + r + r},  // beyond the last code point
      {"\xe4\xb8"s, r + r},                  // cut off
      {"x\xe4\xb8\xad\xe4"s, "x\xe4\xb8\xad" + r},
  };
  for (const auto& [dirty, clean] : cases) {
    const auto got = cleaned_text(dirty);
    BOOST_REQUIRE(got.has_value());
    BOOST_TEST(*got == clean);
    BOOST_TEST(!cleaned_text(*got).has_value());
  }
}

}  // namespace pb::persistence
