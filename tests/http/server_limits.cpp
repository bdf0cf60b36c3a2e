// What the server refuses: sizes, times, numbers, and peers that fail too often.
#define BOOST_TEST_MODULE http_server_limits
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "http/server.hpp"
#include "raw_client.hpp"
#include "served.hpp"

using namespace std::chrono_literals;
using raw::check_error;
using raw::get;
using raw::post;
using served::listener;
using served::quick;
using namespace pb;
using namespace pb::http;

namespace {

/// Refused, and the connection is of no more use.
void check_last(raw::client& c, const raw::answer& a, int status, const std::string& code) {
  check_error(a, status, code);
  BOOST_TEST(a.header("Connection") == "close");
  BOOST_TEST(c.closed());
}

/// Keeps 1000 bytes, sees 5000.
route streamed(served::mailbox<std::string>& seen) {
  route r;
  r.method = "POST";
  r.pattern = "/streamed";
  r.keep_body_bytes = 1000;
  r.stream_body_bytes = 5000;
  r.observe = [](const request& q) -> std::unique_ptr<body_observer> {
    if (q.header("X-Blind") == "yes") return nullptr;
    return std::make_unique<served::watcher>();
  };
  r.handle = [&seen](const std::shared_ptr<request>& q, const responder& a) {
    const auto* w = dynamic_cast<served::watcher*>(q->observer.get());
    seen.put((w != nullptr ? std::to_string(w->bytes) : "none") + " " +
             std::to_string(q->body->size()) + (q->body_truncated ? " truncated" : ""));
    a(data_response("1"));
  };
  return r;
}

std::string chunked(const std::string& target, std::size_t bytes) {
  std::string out = "POST " + target + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t n = 0; n < bytes; n += 16) out += "10\r\n0123456789abcdef\r\n";
  return out + "0\r\n\r\n";
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_header_beyond_its_limit_is_431) {
  listener l;
  for (const std::size_t size : {17'000u, 100'000u}) {
    raw::client c{l.port()};
    check_last(c, c.ask(get("/hello", "X: " + std::string(size, 'a') + "\r\n")), 431,
               "HEADER_TOO_LARGE");
  }
  raw::client endless{l.port()};
  check_last(endless, endless.ask(std::string(16 * 1024 + 1, 'a')), 431, "HEADER_TOO_LARGE");
  raw::client fits{l.port()};
  BOOST_TEST(fits.ask(get("/hello", "X: " + std::string(16'000, 'a') + "\r\n")).status == 200);
}

BOOST_AUTO_TEST_CASE(a_body_beyond_its_limit_is_413_before_it_is_read) {
  auto o = quick();
  o.max_body_bytes = 1000;
  listener l{o};
  raw::client c{l.port()};
  BOOST_TEST(c.ask(post("/echo", std::string(1000, 'a'))).status == 200);
  check_last(c, c.ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n"), 413,
             "BODY_TOO_LARGE");
  raw::client sends{l.port()};
  check_last(sends, sends.ask(post("/echo", std::string(500'000, 'a'))), 413, "BODY_TOO_LARGE");
  raw::client chunks{l.port()};
  check_last(chunks, chunks.ask(chunked("/echo", 2000)), 413, "BODY_TOO_LARGE");
}

BOOST_AUTO_TEST_CASE(a_route_may_see_more_than_it_keeps) {
  listener l;
  served::mailbox<std::string> seen;
  l.it.add(streamed(seen));
  raw::client c{l.port()};
  BOOST_TEST(c.ask(post("/streamed", "")).status == 200);
  BOOST_TEST(seen.take() == "0 0");
  BOOST_TEST(c.ask(post("/streamed", std::string(1000, 'a'))).status == 200);
  BOOST_TEST(seen.take() == "1000 1000");
  BOOST_TEST(c.ask(post("/streamed", std::string(1001, 'a'))).status == 200);
  BOOST_TEST(seen.take() == "1001 1000 truncated");
  BOOST_TEST(c.ask(chunked("/streamed", 4992)).status == 200);
  BOOST_TEST(seen.take() == "4992 1000 truncated");
  BOOST_TEST(c.ask(post("/streamed", "abc", "X-Blind: yes\r\n")).status == 200);
  BOOST_TEST(seen.take() == "none 3");
  check_last(c, c.ask(post("/streamed", std::string(5001, 'a'))), 413, "BODY_TOO_LARGE");
  raw::client chunks{l.port()};
  check_last(chunks, chunks.ask(chunked("/streamed", 5008)), 413, "BODY_TOO_LARGE");
}

BOOST_AUTO_TEST_CASE(an_observer_that_throws_costs_one_request) {
  struct thrower final : body_observer {
    void feed(std::string_view) override { throw std::runtime_error("no"); }
  };
  listener l;
  route r;
  r.method = "POST";
  r.pattern = "/thrower";
  r.observe = [](const request&) { return std::make_unique<thrower>(); };
  r.handle = [](auto, const responder& a) { a({}); };
  l.it.add(std::move(r));
  raw::client c{l.port()};
  check_last(c, c.ask(post("/thrower", "abc")), 500, "INTERNAL");
}

BOOST_AUTO_TEST_CASE(a_media_type_the_route_does_not_take_is_415) {
  listener l;
  route r;
  r.method = "POST";
  r.pattern = "/json";
  r.content_types = {"application/json"};
  r.handle = [](auto, const responder& a) { a(data_response("1")); };
  l.it.add(std::move(r));
  raw::client c{l.port()};
  BOOST_TEST(
      c.ask(post("/json", "{}", "Content-Type: Application/JSON; charset=utf-8\r\n")).status ==
      200);
  BOOST_TEST(c.ask(post("/json", "")).status == 200);
  check_last(c, c.ask(post("/json", "{}", "Content-Type: text/plain\r\n")), 415,
             "UNSUPPORTED_MEDIA_TYPE");
  raw::client none{l.port()};
  check_last(none, none.ask(post("/json", "{}")), 415, "UNSUPPORTED_MEDIA_TYPE");
}

BOOST_AUTO_TEST_CASE(a_slow_header_and_a_slow_body_end_with_408) {
  auto o = quick();
  o.header_timeout = o.body_timeout = 50ms;
  listener l{o};
  raw::client header{l.port()};
  check_last(header, header.ask("GET /hello HTTP/1.1\r\nHo"), 408, "REQUEST_TIMEOUT");
  raw::client body{l.port()};
  check_last(body, body.ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"), 408,
             "REQUEST_TIMEOUT");
}

BOOST_AUTO_TEST_CASE(a_body_that_comes_byte_by_byte_does_not_outlive_its_time) {
  auto o = quick();
  o.body_timeout = 50ms;
  listener l{o};
  raw::client c{l.port()};
  constexpr int bytes = 1'000'000;
  c.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n");
  for (int i = 0; i < bytes && l.it.figures().rejected == 0; ++i)
    if (!c.send("a")) break;
  check_last(c, c.read(), 408, "REQUEST_TIMEOUT");
}

BOOST_AUTO_TEST_CASE(beyond_the_memory_for_bodies_an_observed_one_is_not_kept_and_others_are_503) {
  auto o = quick();
  o.max_kept_bytes = 1500;
  listener l{o};
  served::mailbox<std::string> seen;
  l.it.add(streamed(seen));
  served::mailbox<std::pair<std::shared_ptr<request>, responder>> held;
  l.on("POST", "/hold", [&](auto r, responder a) { held.put({std::move(r), std::move(a)}); });
  raw::client c{l.port()}, other{l.port()};
  c.send(post("/hold", std::string(1000, 'a')));
  auto holding = std::make_optional(held.take());
  BOOST_TEST(other.ask(post("/streamed", std::string(900, 'a'))).status == 200);
  BOOST_TEST(seen.take() == "900 0 truncated");
  BOOST_TEST(other.ask(post("/echo", std::string(400, 'a'))).status == 200);
  const auto refused = other.ask(post("/echo", std::string(900, 'a')));
  BOOST_TEST(refused.header("Retry-After") == "1");
  check_error(refused, 503, "UNAVAILABLE");
  holding->second(data_response("1"));
  holding.reset();
  BOOST_TEST(c.read().status == 200);
  BOOST_TEST(c.ask(post("/echo", std::string(1500, 'a'))).status == 200);
}

BOOST_AUTO_TEST_CASE(a_sender_that_repeats_only_what_got_no_answer_gets_none_when_it_is_too_much) {
  auto o = quick();
  o.body_timeout = 50ms;
  o.max_connections = 1;
  listener l{o};
  route r;
  r.method = "POST";
  r.pattern = "/silent";
  r.silent_when_busy = true;
  r.handle = [](const std::shared_ptr<request>& q, const responder& a) {
    if (q->body->size() > 3) throw std::runtime_error("no");
    a(data_response("1"));
  };
  l.it.add(std::move(r));
  raw::client c{l.port()};
  BOOST_TEST(c.ask(post("/silent", "abc")).status == 200);
  c.send(get("/later"));
  const auto held = l.held.take();
  {
    raw::client one_too_many{l.port()};
    one_too_many.send(post("/silent", "abc"));
    BOOST_TEST(one_too_many.closed());
  }
  held(data_response("1"));
  BOOST_TEST(c.read().status == 200);
  c.send("POST /silent HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  BOOST_TEST(c.closed());
  while (l.it.figures().connections > 0) std::this_thread::yield();
  raw::client thrown{l.port()};
  thrown.send(post("/silent", "abcd"));
  BOOST_TEST(thrown.closed());
  while (l.it.figures().connections > 0) std::this_thread::yield();
  // what is wrong with the request itself is still told
  raw::client wrong{l.port()};
  check_last(wrong,
             wrong.ask("POST /silent HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n"), 413,
             "BODY_TOO_LARGE");
}

BOOST_AUTO_TEST_CASE(answers_are_counted_by_their_status) {
  auto o = quick();
  o.failed_requests_per_minute = 1;
  listener l{o};
  l.on("POST", "/drop", [](auto, const responder& a) {
    response r;
    r.drop_connection = true;
    a(std::move(r));
  });
  raw::client c{l.port()}, dropped{l.port()};
  (void)c.ask(get("/hello"));
  (void)c.ask(get("/hello"));
  (void)c.ask(get("/nothing"));
  (void)c.ask(get("/refuse"));
  dropped.send(post("/drop", ""));
  BOOST_TEST(dropped.closed());
  const std::vector<std::pair<int, std::uint64_t>> expected{{0, 1}, {200, 2}, {404, 1}, {429, 1}};
  BOOST_TEST((l.it.figures().answers == expected));
}

BOOST_AUTO_TEST_CASE(a_handler_may_take_longer_than_any_limit_of_the_client) {
  auto o = quick();
  o.header_timeout = o.body_timeout = o.idle_timeout = 50ms;
  listener l{o};
  raw::client c{l.port()}, other{l.port()};
  c.send(get("/later"));
  const auto held = l.held.take();
  BOOST_TEST(other.closed());  // more than the limits have passed now
  held(data_response("1"));
  BOOST_TEST(c.read().status == 200);
}

BOOST_AUTO_TEST_CASE(an_idle_connection_is_closed_without_a_word) {
  auto o = quick();
  o.idle_timeout = 50ms;
  listener l{o};
  raw::client fresh{l.port()}, used{l.port()};
  BOOST_TEST(used.ask(get("/hello")).status == 200);
  BOOST_TEST(fresh.closed());
  BOOST_TEST(used.closed());
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_take_its_answer_is_dropped) {
  auto o = quick();
  o.idle_timeout = 50ms;
  listener l{o};
  l.on("GET", "/large", [](auto, const responder& a) {
    response r;
    r.body.assign(32 << 20, 'x');
    a(std::move(r));
  });
  raw::client c{l.port()};
  c.send(get("/large"));
  while (l.it.figures().requests == 0 || l.it.figures().connections != 0) std::this_thread::yield();
  BOOST_TEST(c.rest().size() < (32u << 20));
}

BOOST_AUTO_TEST_CASE(one_connection_too_many_is_told_so) {
  auto o = quick();
  o.max_connections = 2;
  listener l{o};
  raw::client a{l.port()}, b{l.port()};
  a.send(get("/later"));
  b.send(get("/later"));
  const auto first = l.held.take(), second = l.held.take();
  {
    raw::client c{l.port()};
    const auto said = c.ask(get("/hello"));
    check_error(said, 503, "UNAVAILABLE");
    BOOST_TEST(said.header("Retry-After") == "1");
    c.close();
  }
  first(data_response("1"));
  second(data_response("1"));
  BOOST_TEST(a.read().status == 200);
  BOOST_TEST(b.read().status == 200);
  a.close();
  while (l.it.figures().connections > 1) std::this_thread::yield();
  raw::client d{l.port()};
  BOOST_TEST(d.ask(get("/hello")).status == 200);
}

BOOST_AUTO_TEST_CASE(when_all_places_are_taken_those_that_wait_longest_give_way_to_a_newcomer) {
  auto o = quick();
  o.max_connections = 4;
  listener l{o};
  raw::client served{l.port()}, upload{l.port()}, idle{l.port()}, half{l.port()};
  served.send(get("/later"));
  const auto held = l.held.take();
  upload.send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  BOOST_TEST(upload.read().status == 100);
  BOOST_TEST(idle.ask(get("/hello")).status == 200);
  // half a request shows itself by its timer only; one round trip elsewhere lets it arrive
  half.send("GET /hel");
  BOOST_TEST(idle.ask(get("/hello")).status == 200);

  const auto newcomer = [&] {
    raw::client c{l.port()};
    BOOST_TEST(c.ask(get("/hello", "Connection: close\r\n")).status == 200);
    BOOST_TEST(c.closed());
    while (l.it.figures().connections > 3) std::this_thread::yield();
  };
  newcomer();
  BOOST_TEST(idle.closed());
  raw::client second{l.port()};
  BOOST_TEST(second.ask(get("/hello")).status == 200);
  raw::client third{l.port()};
  BOOST_TEST(third.ask(get("/hello")).status == 200);
  BOOST_TEST(second.closed());
  raw::client fourth{l.port()};
  fourth.send("GET /");
  raw::client fifth{l.port()};
  BOOST_TEST(third.closed());
  BOOST_TEST(fifth.ask(get("/hello")).status == 200);
  // what is being handled never gives way, and an upload later than half a header
  upload.send("body");
  BOOST_TEST(upload.read().body == "body");
  held(data_response("1"));
  BOOST_TEST(served.read().status == 200);
}

BOOST_AUTO_TEST_CASE(a_compressed_body_is_415_before_it_is_read) {
  listener l;
  for (const std::string coding : {"gzip", "br", "deflate", "gzip, gzip", "x-anything"}) {
    raw::client c{l.port()};
    const auto a = c.ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: " + coding +
                         "\r\nContent-Length: 100000\r\n\r\n");
    BOOST_TEST(a.header("Accept-Encoding") == "identity");
    check_last(c, a, 415, "UNSUPPORTED_MEDIA_TYPE");
  }
  raw::client c{l.port()};
  BOOST_TEST(c.ask(post("/echo", "abc", "Content-Encoding: identity\r\n")).body == "abc");
}

BOOST_AUTO_TEST_CASE(what_the_head_alone_condemns_is_refused_before_its_body_is_read) {
  listener l;
  route r;
  r.method = "POST";
  r.pattern = "/closed";
  r.refuse_unread = [](const request& q) -> std::optional<response> {
    if (q.header("X-Pass") == "yes") return std::nullopt;
    return error_response(401, "UNAUTHORIZED", "no", q.id);
  };
  r.handle = [](auto, const responder& a) { a(data_response("1")); };
  l.it.add(std::move(r));
  raw::client c{l.port()};
  check_last(c, c.ask("POST /closed HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"), 401,
             "UNAUTHORIZED");
  raw::client other{l.port()};
  BOOST_TEST(other.ask(post("/closed", "")).status == 401);
  BOOST_TEST(other.ask(post("/closed", "abc", "X-Pass: yes\r\n")).status == 200);
}

BOOST_AUTO_TEST_CASE(every_429_and_503_says_when_to_come_back) {
  listener l;
  l.on("GET", "/busy",
       [](auto r, const responder& a) { a(error_response(503, "UNAVAILABLE", "not now", r->id)); });
  l.on("GET", "/slowly", [](auto r, const responder& a) {
    auto out = error_response(429, "RATE_LIMITED", "slowly", r->id);
    out.headers.push_back({"retry-after", "7"});
    a(std::move(out));
  });
  raw::client c{l.port()};
  BOOST_TEST(c.ask(get("/busy")).header("Retry-After") == "5");
  const auto own = c.ask(get("/slowly"));
  BOOST_TEST(own.header("retry-after") == "7");
  BOOST_TEST(own.header("Retry-After").empty());
}

BOOST_AUTO_TEST_CASE(a_peer_that_fails_too_often_gets_429_but_its_good_requests_never_do) {
  auto o = quick();
  o.failed_requests_per_minute = 3;
  listener l{o};
  raw::client c{l.port()};
  for (int i = 0; i < 3; ++i) BOOST_TEST(c.ask(get("/refuse")).status == 401);
  const auto limited = c.ask(get("/refuse"));
  BOOST_TEST(std::stoi("0" + limited.header("Retry-After")) >= 1);
  check_last(c, limited, 429, "RATE_LIMITED");
  raw::client good{l.port()};
  for (int i = 0; i < 10; ++i) BOOST_TEST(good.ask(get("/hello")).status == 200);
  BOOST_TEST(good.ask(get("/nothing")).status == 429);
}

BOOST_AUTO_TEST_CASE(behind_a_trusted_relay_each_client_has_its_own_allowance) {
  auto o = quick();
  o.failed_requests_per_minute = 1;
  o.trusted_proxies = {"127.0.0.0/8"};
  listener l{o};
  raw::client c{l.port()};
  const std::string one = "X-Forwarded-For: 203.0.113.1\r\n",
                    two = "X-Forwarded-For: 203.0.113.2\r\n";
  BOOST_TEST(c.ask(get("/peer", one)).body == "{\"data\":\"203.0.113.1\"}");
  BOOST_TEST(c.ask(get("/peer")).body == "{\"data\":\"127.0.0.1 local\"}");
  BOOST_TEST(c.ask(get("/refuse", one)).status == 401);
  BOOST_TEST(c.ask(get("/refuse", two)).status == 401);
  BOOST_TEST(c.ask(get("/refuse", one)).status == 429);
}

BOOST_AUTO_TEST_CASE(without_trust_a_forwarded_address_is_not_believed_and_nothing_is_local) {
  listener l;
  raw::client c{l.port()};
  BOOST_TEST(c.ask(get("/peer", "X-Forwarded-For: 203.0.113.1\r\n")).body ==
             "{\"data\":\"127.0.0.1\"}");
}

BOOST_AUTO_TEST_CASE(a_range_of_relays_that_cannot_be_read_stops_the_start) {
  auto o = quick();
  o.trusted_proxies = {"not an address"};
  listener l{o};
  const auto started = l.it.start();
  BOOST_REQUIRE(!started);
  BOOST_TEST((started.error().code == errc::bad_input));
}
