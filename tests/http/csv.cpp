#define BOOST_TEST_MODULE http_csv
#include "http/csv.hpp"

#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>

using namespace pb::http;

namespace {

std::string shown(const csv_table& t) {
  std::string out;
  for (const auto& row : t.rows) {
    for (const auto& f : row) out += "[" + f.text + "]";
    out += "\n";
  }
  return out;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string{"\"\""} : std::string{c};
  return out + "\"";
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_reads_is_read_as_it_stands) {
  const struct {
    const char* text;
    const char* rows;
  } table[] = {
      {"", ""},
      {"a", "[a]\n"},
      {"a,b\n", "[a][b]\n"},
      {"a,b\r\nc,d", "[a][b]\n[c][d]\n"},
      {"\xef\xbb\xbf"
       "a,b\n",
       "[a][b]\n"},
      {"\n\r\na\n\n", "[a]\n"},
      {",\n", "[][]\n"},
      {"a,\n", "[a][]\n"},
      {" a , b\n", "[ a ][ b]\n"},
      {"\"a,b\",c\n", "[a,b][c]\n"},
      {"\"a\"\"b\"\n", "[a\"b]\n"},
      {"\"a\nb\",c\n", "[a\nb][c]\n"},
      {"\"\",\"\"", "[][]\n"},
      {"名字,\"王，小明\"\n", "[名字][王，小明]\n"},
      {"a\tb,c\n", "[a\tb][c]\n"},
  };
  for (const auto& row : table) BOOST_TEST_CONTEXT(row.text) {
      const auto t = parse_csv(row.text);
      BOOST_TEST(t.mistakes.empty());
      BOOST_TEST(shown(t) == row.rows);
    }
}

BOOST_AUTO_TEST_CASE(what_could_be_read_in_two_ways_is_refused_with_its_place) {
  const struct {
    const char* text;
    std::size_t line, column;
    const char* word;
  } table[] = {
      {"a,b\"c\n", 1, 4, "quote"},
      {"a\n\"b\"c\n", 2, 4, "comma"},
      {"a\n\"b", 2, 1, "closing"},
      {"a\rb\n", 1, 2, "control"},
      {"x\na,\x01\n", 2, 3, "control"},
      {"\"a\nb\",\x7f\n", 2, 4, "control"},
      {"a\n\xb9\xfa\n", 2, 1, "UTF-8"},
      {"a,\xc0\x80\n", 1, 3, "UTF-8"},
      {"\"a\"\"\n", 1, 1, "closing"},
      {"1,2,3,4,5\n", 1, 9, "more than 4 fields"},
      {"a\nb\nc\nd\n", 4, 1, "more than 3 lines"},
      {"a,123456789\n", 1, 3, "more than 8 bytes"},
      {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1, 1, "64 bytes"},
  };
  for (const auto& row : table) BOOST_TEST_CONTEXT(row.text) {
      const auto t = parse_csv(row.text, {64, 3, 4, 8});
      BOOST_REQUIRE(t.mistakes.size() == 1u);
      BOOST_TEST(t.mistakes[0].at.line == row.line);
      BOOST_TEST(t.mistakes[0].at.column == row.column);
      BOOST_TEST(t.mistakes[0].message.find(row.word) != std::string::npos, t.mistakes[0].message);
    }
}

BOOST_AUTO_TEST_CASE(a_nul_is_no_end_of_the_text) {
  const auto t = parse_csv(std::string_view{"a\0b", 3});
  BOOST_REQUIRE(t.mistakes.size() == 1u);
  BOOST_TEST(t.mistakes[0].at.column == 2u);
}

BOOST_AUTO_TEST_CASE(whatever_is_written_quoted_comes_back) {
  BOOST_TEST(rc::check([](const std::vector<std::vector<std::uint8_t>>& given) {
    std::string text;
    std::vector<std::vector<std::string>> rows;
    for (const auto& g : given) {
      std::vector<std::string> row;
      for (std::size_t i = 0; i < std::min<std::size_t>(g.size(), 30); ++i)
        row.push_back(std::string(g[i] % 7, "a,\"\n; 中"[g[i] % 6]));
      if (row.empty()) continue;
      for (std::size_t i = 0; i < row.size(); ++i) text += (i == 0 ? "" : ",") + quoted(row[i]);
      text += given.size() % 2 == 0 ? "\n" : "\r\n";
      rows.push_back(std::move(row));
    }
    const auto t = parse_csv(text);
    RC_ASSERT(t.mistakes.empty());
    RC_ASSERT(t.rows.size() == rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      RC_ASSERT(t.rows[i].size() == rows[i].size());
      for (std::size_t f = 0; f < rows[i].size(); ++f) RC_ASSERT(t.rows[i][f].text == rows[i][f]);
    }
  }));
}

BOOST_AUTO_TEST_CASE(no_bytes_at_all_make_it_fall) {
  BOOST_TEST(rc::check([](const std::string& text) {
    const auto t = parse_csv(text, {200, 5, 5, 20});
    RC_ASSERT(t.mistakes.size() <= 1);
    for (const auto& row : t.rows) RC_ASSERT(!row.empty() && row.size() <= 5);
  }));
}
