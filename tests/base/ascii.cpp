// Letters change their case, everything else stays; blanks go from both ends and nowhere else.
#define BOOST_TEST_MODULE base_ascii
#include "base/ascii.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_CASE(letters_of_ascii_change_their_case_and_every_other_byte_stays) {
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(static_cast<unsigned char>(i));
    const bool large = i >= 'A' && i <= 'Z', small = i >= 'a' && i <= 'z';
    BOOST_TEST(pb::lower_case(c) == (large ? static_cast<char>(i + 32) : c));
    BOOST_TEST(pb::upper_case(c) == (small ? static_cast<char>(i - 32) : c));
  }
  BOOST_TEST(pb::lower_case("X-Plane-SIGNATURE @[`{ \xC3\x84") ==
             "x-plane-signature @[`{ \xC3\x84");
  BOOST_TEST(pb::upper_case("x-plane-SIGNATURE @[`{ \xC3\xA4") ==
             "X-PLANE-SIGNATURE @[`{ \xC3\xA4");
  BOOST_TEST(pb::lower_case("").empty());
}

BOOST_AUTO_TEST_CASE(blanks_go_from_both_ends_and_nowhere_else) {
  BOOST_TEST(pb::trimmed(" \t\r\na  b\n\r\t ") == "a  b");
  BOOST_TEST(pb::trimmed("a") == "a");
  BOOST_TEST(pb::trimmed("").empty());
  BOOST_TEST(pb::trimmed(" \t\r\n").empty());
  BOOST_TEST(pb::trimmed("\v\fa\v") == "\v\fa\v");
}

BOOST_AUTO_TEST_CASE(only_the_blanks_that_are_named_go) {
  BOOST_TEST(pb::trimmed("\n a \t", " \t") == "\n a");
  BOOST_TEST(pb::trimmed("\v a\f", " \v\f") == "a");
  BOOST_TEST(pb::trimmed(" a ", "") == " a ");
}
