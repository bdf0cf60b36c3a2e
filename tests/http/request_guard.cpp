// Request heads that two readers could read differently, as a table.
#define BOOST_TEST_MODULE http_request_guard
#include "http/request_guard.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace pb::http;

namespace {

head_scan scan_all(std::string_view text, std::size_t& end) {
  std::size_t from = 0;
  return scan_head(text, from, end);
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_end_of_a_head_is_found_wherever_it_was_cut) {
  const std::string head = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  const auto whole = head + "body\n";
  std::size_t from = 0, end = 0;
  for (std::size_t n = 0; n < head.size(); ++n)
    BOOST_TEST(
        (scan_head(std::string_view{whole}.substr(0, n), from, end) == head_scan::incomplete));
  BOOST_TEST((scan_head(whole, from, end) == head_scan::complete));
  BOOST_TEST(end == head.size());
}

BOOST_AUTO_TEST_CASE(a_newline_alone_ends_no_line) {
  std::size_t end = 0;
  BOOST_TEST((scan_all("GET / HTTP/1.1\n", end) == head_scan::bare_newline));
  BOOST_TEST((scan_all("\n", end) == head_scan::bare_newline));
  BOOST_TEST((scan_all("GET / HTTP/1.1\r\nHost: x\n\r\n", end) == head_scan::bare_newline));
}

BOOST_AUTO_TEST_CASE(heads_open_to_more_than_one_reading_are_refused) {
  const std::string first = "POST / HTTP/1.1\r\n", host = "Host: x\r\n";
  const std::string bad[] = {
      first + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
      first + host + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
      first + host + "Content-Length: 1, 1\r\n\r\n",
      first + host + "Content-Length: +1\r\n\r\n",
      first + host + "Content-Length: 0x10\r\n\r\n",
      first + host + "Content-Length:\r\n\r\n",
      first + host + "Content-Length: 99999999999999999999\r\n\r\n",
      first + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      first + host + "Transfer-Encoding: gzip, chunked\r\n\r\n",
      first + host + "Transfer-Encoding: identity\r\n\r\n",
      first + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
      first + host + "Transfer-Encoding : chunked\r\n\r\n",
      first + host + "X: a\r\n folded\r\n\r\n",
      first + host + "X: a\r\n\tfolded\r\n\r\n",
      first + " Host: x\r\n\r\n",
      first + host + "no colon\r\n\r\n",
      first + host + ": no name\r\n\r\n",
      first + host + "X: a\rb\r\n\r\n",
      first + host + std::string("X: a\0b\r\n\r\n", 10),
      first + host + "Host: y\r\n\r\n",
      first + "\r\n",
      "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
      "GET  / HTTP/1.1\r\n" + host + "\r\n",
      "GET /a b HTTP/1.1\r\n" + host + "\r\n",
      "GET\t/ HTTP/1.1\r\n" + host + "\r\n",
      "G(T / HTTP/1.1\r\n" + host + "\r\n",
      "GET\r\n" + host + "\r\n",
      "GET /\xc3\xa9 HTTP/1.1\r\n" + host + "\r\n",
      "\r\nGET / HTTP/1.1\r\n" + host + "\r\n",
  };
  for (const auto& head : bad) BOOST_TEST(head_fault(head).has_value(), head);
}

BOOST_AUTO_TEST_CASE(ordinary_heads_pass) {
  const std::string good[] = {
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET / HTTP/1.1\r\nhost:x\r\nX-Empty:\r\nX-Tab: a\tb\r\n\r\n",
      "GET / HTTP/1.0\r\n\r\n",
      "POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n",
      "POST /a?b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n",
  };
  for (const auto& head : good) BOOST_TEST(!head_fault(head).has_value(), head);
}

BOOST_AUTO_TEST_CASE(targets_are_split_and_decoded) {
  const auto t = split_target("/a%2Fb/c%20d?x=%20&y");
  BOOST_REQUIRE(t);
  BOOST_TEST(t->raw_path == "/a%2Fb/c%20d");
  BOOST_TEST(t->path == "/a/b/c d");
  BOOST_TEST(t->query == "x=%20&y");
  BOOST_TEST(split_target("HTTP://host:1")->path == "/");
  BOOST_TEST(split_target("https://host?q")->query == "q");
  for (const auto* bad : {"", "*", "host:443", "/a#b", "/%", "/%2", "/%zz", "/a%00b", "/a%0ab"})
    BOOST_TEST(!split_target(bad), bad);
}

BOOST_AUTO_TEST_CASE(media_types_are_read_without_their_parameters) {
  BOOST_TEST(media_type("application/json; charset=utf-8") == "application/json");
  BOOST_TEST(media_type(" text/plain ") == "text/plain");
  BOOST_TEST(media_type("") == "");
}
