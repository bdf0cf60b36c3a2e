// Requests that are wrong, and those that were made to be read differently by two servers.
#define BOOST_TEST_MODULE http_server_protocol
#include <boost/test/unit_test.hpp>

#include "http/server.hpp"
#include "raw_client.hpp"
#include "served.hpp"

using raw::get;
using raw::post;
using served::listener;
using namespace pb;
using namespace pb::http;

BOOST_AUTO_TEST_CASE(ambiguous_requests_are_400_and_what_they_hide_is_never_answered) {
  listener l;
  const std::string hidden = get("/hello");
  const std::string start = "POST /echo HTTP/1.1\r\nHost: x\r\n";
  const std::string bad[] = {
      start + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      start + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
      start + "Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
      start + "Content-Length: 0, 44\r\n\r\n",
      start + "Transfer-Encoding: xchunked\r\n\r\n",
      start + "Transfer-Encoding: chunked, identity\r\n\r\n",
      start + "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
      start + "Content-Length : 4\r\n\r\n",
      start + "X-Folded: a\r\n Content-Length: 44\r\n\r\n",
      start + "X: y\nContent-Length: 44\r\n\r\n",
      "POST /echo HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
      "POST /echo HTTP/1.1\nHost: x\n\n",
      "POST /echo HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      start + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
      start + "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
      start + "Transfer-Encoding: chunked\r\n\r\n4\nbody\r\n0\r\n\r\n",
      start + "Transfer-Encoding: chunked\r\n\r\n4\r\nbodyX\r\n0\r\n\r\n",
      start + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n",
      start + "Transfer-Encoding: chunked\r\n\r\n4;a=b\r\nbody\r\n0\r\n\r\n",
      start + "Transfer-Encoding: chunked\r\n\r\n4;\r\nbody\r\n0\r\n\r\n",
      start + "Transfer-Encoding: chunked\r\n\r\n4 \r\nbody\r\n0\r\n\r\n",
      start + "Transfer-Encoding: chunked\r\n\r\n0x4\r\nbody\r\n0\r\n\r\n",
      start + "Transfer-Encoding: chunked\r\n\r\n+4\r\nbody\r\n0\r\n\r\n",
      start + "Transfer-Encoding: chunked\r\n\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
      start + "Transfer-Encoding: chunked\r\n\r\n4\r\nbody0\r\n\r\n",
      start + "Content-Length: +4\r\n\r\nbody",
      start + "Content-Length: 4 4\r\n\r\nbody",
      start + "Content-Length: 0x4\r\n\r\nbody",
      start + "Content-Length: 4,4\r\n\r\nbody",
      start + "Content-Length: -0\r\n\r\n",
      start + "Content-Length:\r\n\r\n",
      start + "Content-Length: 99999999999999999999\r\n\r\n",
      start + "Content-Length\x0b: 4\r\n\r\nbody",
      start + "content-length: 0\r\nCONTENT-LENGTH: 0\r\n\r\n",
      start + "transfer-ENCODING: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      start + "Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n",
      start +
          "Transfer-Encoding: \x0b"
          "chunked\r\n\r\n0\r\n\r\n",
      start + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
      start + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
      start + "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
      start + "X: a\r\n\tb\r\n\r\n",
      start + " X: a\r\n\r\n",
      start + "X: a\rContent-Length: 44\r\n\r\n",
      start + "X: a\r\r\nContent-Length: 44\r\n\r\n",
      start + "Host: y\r\nContent-Length: 0\r\n\r\n",
      start + ": a\r\n\r\n",
      "GET  /hello HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /hello\tHTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /hello HTTP/1.1 \r\nHost: x\r\n\r\n",
      "nonsense\r\n\r\n",
      "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
  };
  for (const auto& text : bad) {
    raw::client c{l.port()};
    const auto path_only = text.starts_with("GET /%zz");
    const auto a = c.ask(path_only ? text : text + hidden);
    BOOST_TEST(a.status == 400, text);
    BOOST_TEST(a.header("Content-Type") == "application/json");
    BOOST_TEST(a.body.starts_with("{\"error\":{\"code\":\"BAD_REQUEST\""), a.body);
    if (path_only) continue;
    BOOST_TEST(a.header("Connection") == "close", text);
    BOOST_TEST(c.closed(), text);
  }
}

BOOST_AUTO_TEST_CASE(a_version_not_spoken_is_505) {
  listener l;
  raw::client c{l.port()};
  BOOST_TEST(c.ask("GET /hello HTTP/2.0\r\nHost: x\r\n\r\n").status == 505);
  BOOST_TEST(c.closed());
}

BOOST_AUTO_TEST_CASE(a_client_that_asks_first_is_told_to_continue) {
  listener l;
  raw::client c{l.port()};
  c.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  BOOST_TEST(c.read().status == 100);
  BOOST_TEST(c.ask("body").body == "body");
}

BOOST_AUTO_TEST_CASE(a_client_that_asks_first_is_refused_before_it_sends) {
  listener l;
  raw::client c{l.port()};
  const auto a = c.ask(
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n");
  BOOST_TEST(a.status == 413);
  raw::client other{l.port()};
  BOOST_TEST(other.ask(get("/hello", "Expect: magic\r\n")).status == 417);
}

BOOST_AUTO_TEST_CASE(a_refused_upload_still_reads_its_answer) {
  listener l;
  raw::client c{l.port()};
  // far more than the socket's buffers hold: the server must keep reading for the answer to arrive
  c.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n");
  c.send(std::string(20'000'000, 'x'));
  BOOST_TEST(c.read().status == 413);
}

BOOST_AUTO_TEST_CASE(a_trailer_without_end_is_refused) {
  listener l;
  raw::client c{l.port()};
  const auto a = c.ask("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" +
                       ("X: " + std::string(100'000, 'x')));
  BOOST_TEST(a.status == 400);
  BOOST_TEST(c.closed());
}

BOOST_AUTO_TEST_CASE(half_a_request_and_the_end_is_no_request) {
  listener l;
  for (const std::string text :
       {"GET /hel", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"}) {
    raw::client c{l.port()};
    c.send(text);
    c.stop_sending();
    BOOST_TEST(c.closed());
  }
  raw::client c{l.port()};
  BOOST_TEST(c.ask(get("/hello")).status == 200);
}

BOOST_AUTO_TEST_CASE(random_bytes_never_hang_or_break_the_server) {
  auto o = served::quick();
  o.header_timeout = o.body_timeout = std::chrono::milliseconds{100};
  listener l{o};
  seeded_random random{20'261'121};
  const std::string whole = post("/echo", "body", "X-A: b\r\n") + get("/hello");
  for (int i = 0; i < 300; ++i) {
    auto text = whole;
    for (int n = 0; n < 3; ++n)
      text[random.next() % text.size()] = static_cast<char>(random.next() & 0xff);
    raw::client c{l.port()};
    c.send(text);
    c.stop_sending();
    c.rest();
  }
  raw::client c{l.port()};
  BOOST_TEST(c.ask(get("/hello")).status == 200);
}
