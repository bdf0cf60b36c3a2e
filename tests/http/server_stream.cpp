// Server-sent events: long answers fed from any thread.
#define BOOST_TEST_MODULE http_server_stream
#include <boost/test/unit_test.hpp>
#include <future>
#include <thread>

#include "http/server.hpp"
#include "raw_client.hpp"
#include "served.hpp"

using namespace std::chrono_literals;
using raw::get;
using served::listener;
using namespace pb;
using namespace pb::http;

namespace {

struct streaming : listener {
  streaming() {
    it.add_stream("GET", "/stream", [this](auto, auto, auto accept) { streams.put(accept()); });
    it.add_stream("GET", "/refused", [](auto r, auto refuse, auto accept) {
      refuse(error_response(401, "UNAUTHORIZED", "no", r->id));
      if (accept().send("x")) throw std::logic_error("sent after a refusal");
    });
    it.add_stream("GET", "/dropped", [](auto, auto, auto) {});
    it.add_stream("GET", "/short", [](auto, auto, auto accept) {
      const auto s = accept();
      (void)s.send("data: all\n\n");
    });
  }
  served::mailbox<event_stream> streams;
};

}  // namespace

BOOST_AUTO_TEST_CASE(headers_come_at_once_and_pieces_as_they_are_sent) {
  streaming l;
  raw::client c{l.port()};
  const auto head = c.ask(get("/stream"));
  BOOST_TEST(head.status == 200);
  BOOST_TEST(head.header("Content-Type") == "text/event-stream");
  BOOST_TEST(head.header("Cache-Control") == "no-store");
  const auto s = l.streams.take();
  BOOST_TEST(s.send("data: 1\n\n"));
  BOOST_TEST(c.read_until("\n\n") == "data: 1\n\n");
  std::thread{[&] { BOOST_TEST(s.send("data: 2\n\n")); }}.join();
  BOOST_TEST(c.read_until("\n\n") == "data: 2\n\n");
  s.close();
  BOOST_TEST(!s.send("data: 3\n\n"));
  BOOST_TEST(c.closed());
}

BOOST_AUTO_TEST_CASE(what_was_sent_before_the_close_arrives) {
  streaming l;
  raw::client c{l.port()};
  BOOST_TEST(c.ask(get("/short")).status == 200);
  BOOST_TEST(c.rest() == "data: all\n\n");
}

BOOST_AUTO_TEST_CASE(a_stream_may_be_refused_or_forgotten) {
  streaming l;
  raw::client c{l.port()};
  BOOST_TEST(c.ask(get("/refused")).status == 401);
  BOOST_TEST(c.ask(get("/dropped")).status == 503);
  BOOST_TEST(c.ask(get("/hello")).status == 200);
}

BOOST_AUTO_TEST_CASE(a_subscriber_that_left_is_noticed) {
  streaming l;
  auto c = std::make_unique<raw::client>(l.port());
  BOOST_TEST(c->ask(get("/stream")).status == 200);
  const auto s = l.streams.take();
  c.reset();
  while (s.send(": ping\n\n")) std::this_thread::yield();
  while (l.it.figures().connections != 0) std::this_thread::yield();
}

BOOST_AUTO_TEST_CASE(a_subscriber_that_does_not_keep_up_is_dropped) {
  streaming l;
  raw::client c{l.port()};
  BOOST_TEST(c.ask(get("/stream")).status == 200);
  const auto s = l.streams.take();
  const std::string piece(64 * 1024, 'x');
  // the sockets' buffers take some, then the pipe's own is full
  std::size_t sent = 0;
  while (sent < 10'000 && s.send(piece)) ++sent;
  BOOST_TEST(sent < 10'000u);
  while (l.it.figures().connections != 0) std::this_thread::yield();
  BOOST_TEST(!s.send("x"));
}

BOOST_AUTO_TEST_CASE(one_piece_larger_than_the_buffer_is_too_much) {
  streaming l;
  raw::client c{l.port()};
  BOOST_TEST(c.ask(get("/stream")).status == 200);
  const auto s = l.streams.take();
  BOOST_TEST(!s.send(std::string(300 * 1024, 'x')));
  BOOST_TEST(c.closed());
}

BOOST_AUTO_TEST_CASE(head_of_a_stream_is_its_headers) {
  streaming l;
  raw::client c{l.port()};
  const auto a = c.ask("HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n", true);
  BOOST_TEST(a.header("Content-Type") == "text/event-stream");
  BOOST_TEST(c.closed());
}

BOOST_AUTO_TEST_CASE(drain_ends_streams_at_once) {
  streaming l;
  raw::client c{l.port()};
  BOOST_TEST(c.ask(get("/stream")).status == 200);
  const auto s = l.streams.take();
  BOOST_TEST(l.it.figures().in_flight == 0u);
  l.it.drain(20s);
  BOOST_TEST(c.closed());
  BOOST_TEST(!s.send("x"));
}

BOOST_AUTO_TEST_CASE(a_stream_may_outlive_its_server) {
  std::optional<event_stream> s;
  {
    streaming l;
    raw::client c{l.port()};
    BOOST_TEST(c.ask(get("/stream")).status == 200);
    s = l.streams.take();
  }
  BOOST_TEST(!s->send("x"));
  s->close();
}
