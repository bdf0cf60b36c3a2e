// Requests made to be misread, cut off or swollen, sent to the running daemon: each ends in one
// refusal or in none, never in two answers; afterwards the daemon serves as before and has nothing
// open that it had not.
#define BOOST_TEST_MODULE hostile_requests
#include <boost/test/unit_test.hpp>

#include "tests/app/bridge.hpp"
#include "tests/hostile/crowd.hpp"
#include "tests/hostile/daemon_figures.hpp"
#include "tests/http/certificate.hpp"
#include "tests/http/raw_client.hpp"

using namespace pb::app::testing;
using namespace std::chrono_literals;

namespace {

struct target : bridge {
  target() {
    environment["PLANE_WEBHOOK_SECRET"] = webhook_secret;
    environment["PLANEBRIDGE_SERVER_HEADER_TIMEOUT_MS"] = "1000";
    environment["PLANEBRIDGE_SERVER_BODY_TIMEOUT_MS"] = "1000";
    environment["PLANEBRIDGE_SERVER_FAILED_REQUESTS_PER_MINUTE"] = "1000000";
  }
  void start() {
    bridge::start();
    if (environment.contains("PLANEBRIDGE_SERVER_TLS_KEY_FILE")) return;
    // the store's readers open with the first question
    BOOST_TEST(webhook(R"({"event":"module","action":"create","data":{}})", "module").status ==
               200);
    for (int i = 0; i < 4; ++i) BOOST_TEST(get("/api/v1/health").status == 200);
    descriptors = hostile::descriptors_of(process().id());
  }
  /// Everything that was opened for the attack is closed again, and the next request is served.
  void check_unharmed() {
    BOOST_TEST(ask({.url = url() + "/healthz"}).status == 200);
    BOOST_TEST(
        eventually(10s, [&] { return hostile::descriptors_of(process().id()) <= descriptors + 1; }),
        hostile::descriptors_of(process().id()) << " descriptors, " << descriptors << " at start");
    BOOST_TEST(process().runs());
  }
  [[nodiscard]] std::string signed_post(const std::string& body,
                                        const std::string& more = {}) const {
    return raw::post(
        "/webhooks/plane", body,
        "Content-Type: application/json\r\nX-Plane-Event: module\r\nX-Plane-Signature: " +
            signature_of(body, webhook_secret) + "\r\n" + more);
  }
  std::size_t descriptors = 0;
};

std::size_t answers_in(const std::string& text) {
  std::size_t n = 0;
  for (auto at = text.find("HTTP/1.1 "); at != std::string::npos;
       at = text.find("HTTP/1.1 ", at + 1))
    ++n;
  return n;
}

std::string half_of(const std::string& text) { return text.substr(0, text.size() / 2); }

const std::string a_body = R"({"event":"module","action":"create","data":{"id":"x"}})";

}  // namespace

// Behind a proxy that reads a request in another way, the hidden one would be answered as somebody
// else's. Each pair here is one reading of the standard against another (RFC 9112, 11.2).
BOOST_AUTO_TEST_CASE(of_a_smuggling_pair_the_hidden_request_is_never_answered) {
  target b;
  b.start();
  const std::string hidden = raw::get("/healthz");
  const std::string length = std::to_string(hidden.size());
  const std::string start =
      "POST /webhooks/plane HTTP/1.1\r\nHost: x\r\nX-Plane-Signature: " + std::string(64, '0') +
      "\r\n";
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::string pairs[] = {
      // one says how long, the other that it comes in chunks
      start + "Content-Length: " + length + "\r\n" + chunked + "\r\n0\r\n\r\n" + hidden,
      start + chunked + "Content-Length: 5\r\n\r\n0\r\n\r\n" + hidden,
      start + "Content-Length: 0\r\nContent-Length: " + length + "\r\n\r\n" + hidden,
      start + "Content-Length: " + length + "\r\nContent-Length: 0\r\n\r\n" + hidden,
      start + "Content-Length: 0, " + length + "\r\n\r\n" + hidden,
      start + "Content-Length: +0\r\n\r\n" + hidden,
      start + "Content-Length: 0\x0b\r\n\r\n" + hidden,
      start + "Content-Length:0 0\r\n\r\n" + hidden,
      start + "Content-Length : 0\r\nContent-Length: " + length + "\r\n\r\n" + hidden,
      start + "Content_Length: 0\r\nContent-Length: +" + length + "\r\n\r\n" + hidden,
      // chunked, for one of the two
      start + "Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n" + hidden,
      start + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + hidden,
      start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" + hidden,
      start + "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" + hidden,
      start + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + hidden,
      start +
          "Transfer-Encoding:\x0b"
          "chunked\r\n\r\n0\r\n\r\n" +
          hidden,
      start + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" + hidden,
      start + "X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" + hidden,
      start + "X: y\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" + hidden,
      start + "X: y\rTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" + hidden,
      start + std::string{"X: \0y\r\nContent-Length: 0\r\n\r\n", 28} + hidden,
      start + "TRANSFER-ENCODING: chunked\r\ncontent-length: 0\r\n\r\n0\r\n\r\n" + hidden,
      // where a chunk ends
      start + chunked + "\r\n0;x=\r\n\r\n" + hidden,
      start + chunked + "\r\n1;" + std::string(30'000, 'x') + "\r\nA\r\n0\r\n\r\n" + hidden,
      start + chunked + "\r\n0;\n\r\n\r\n" + hidden,
      start + chunked + "\r\n0;a=\"\r\n\r\n" + hidden,
      start + chunked + "\r\n0\n\r\n" + hidden,
      start + chunked + "\r\n00000000000000000\r\nA\r\n" + hidden,
      start + chunked + "\r\n10000000000000000\r\nA\r\n0\r\n\r\n" + hidden,
      start + chunked + "\r\n 0\r\n\r\n" + hidden,
      start + chunked + "\r\n0 \r\n\r\n" + hidden,
      start + chunked + "\r\n0x0\r\n\r\n" + hidden,
      start + chunked + "\r\n1\r\nAA\r\n0\r\n\r\n" + hidden,
      start + chunked + "\r\n2\r\nA\r\n0\r\n\r\n" + hidden,
      // where the head ends
      "POST /webhooks/plane HTTP/1.1\nHost: x\nContent-Length: 0\n\n" + hidden,
      "POST /webhooks/plane HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\n" + hidden,
      "POST /webhooks/plane HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Length: 0\r\n\r\n" + hidden,
      "POST /webhooks/plane HTTP/1.0\r\n" + chunked + "\r\n0\r\n\r\n" + hidden,
      "POST /webhooks/plane HTTP/1.1\r\n \r\nHost: x\r\nContent-Length: 0\r\n\r\n" + hidden,
      "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + "\r\n" + chunked + "\r\n" +
          hidden,
  };
  for (const auto& text : pairs) {
    raw::client c{b.port()};
    c.send(text);
    const auto all = c.rest();
    BOOST_TEST(answers_in(all) <= 1u, text << "\nwas answered\n" << all);
    BOOST_TEST(!all.starts_with("HTTP/1.1 2"), text << "\nwas answered\n" << all);
    if (!all.empty()) BOOST_TEST(all.find("\r\nConnection: close\r\n") != std::string::npos, text);
  }
  b.check_unharmed();
}

BOOST_AUTO_TEST_CASE(a_peer_that_leaves_at_any_byte_leaves_nothing_behind) {
  target b;
  b.start();
  const auto whole = b.signed_post(a_body);
  for (std::size_t cut = 0; cut <= whole.size(); cut += 3) {
    for (const bool hard : {false, true}) {
      const int s = hostile::connect_to(b.port());
      BOOST_REQUIRE(s >= 0);
      (void)!::send(s, whole.data(), cut, MSG_NOSIGNAL);
      if (hard)
        hostile::reset(s);
      else
        ::close(s);
    }
  }
  // gone while the answer is made, and while it is read
  for (int i = 0; i < 20; ++i) {
    const int s = hostile::connect_to(b.port());
    const auto all = whole + whole + raw::get("/openapi.json") + raw::get("/docs");
    (void)!::send(s, all.data(), all.size(), MSG_NOSIGNAL);
    char first[16];
    if (i % 2 == 0) (void)!::recv(s, first, sizeof first, 0);
    hostile::reset(s);
  }
  b.check_unharmed();
  BOOST_TEST(eventually(10s, [&] {
    return ask({.url = b.url() + "/metrics"})
               .body.find("planebridge_http_requests_in_flight 1\n") != std::string::npos;
  }));
}

BOOST_AUTO_TEST_CASE(swollen_heads_and_bodies_end_at_their_limits) {
  target b;
  b.environment["PLANEBRIDGE_PLANE_BODY_LIMIT_BYTES"] = "1048576";
  b.environment["PLANEBRIDGE_PLANE_STREAM_LIMIT_BYTES"] = "2097152";
  b.environment["PLANEBRIDGE_SERVER_BODY_TIMEOUT_MS"] = "20000";
  b.start();
  const auto status_of = [&](const std::string& text) {
    raw::client c{b.port()};
    c.send(text);
    const auto all = c.rest();
    BOOST_TEST(answers_in(all) == 1u);
    return all.substr(9, 3);
  };
  std::string many = "GET /healthz HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 2'000; ++i) many += "A: b\r\n";
  BOOST_TEST(status_of(many + "\r\n") == "400");
  BOOST_TEST(status_of("GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n") ==
             "431");
  BOOST_TEST(status_of(std::string(40'000, '\r')) == "431");
  const std::string claim =
      "POST /webhooks/plane HTTP/1.1\r\nHost: x\r\nX-Plane-Signature: " + std::string(64, '0') +
      "\r\n";
  BOOST_TEST(status_of(claim + "Content-Length: 9999999999\r\n\r\n") == "413");
  // without an end: refused once it is too much
  std::string endless = claim + "Transfer-Encoding: chunked\r\n\r\n";
  const std::string chunk = "8000\r\n" + std::string(0x8000, 'x') + "\r\n";
  for (int i = 0; i < 100; ++i) endless += chunk;
  BOOST_TEST(status_of(endless) == "413");
  // not even looked at without a signature
  BOOST_TEST(
      status_of("POST /webhooks/plane HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n") ==
      "401");
  // 1 MB of zeros in 1 kB: never unpacked
  BOOST_TEST(status_of(claim + "Content-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n" +
                       std::string(1'000, '\x1f')) == "415");
  b.check_unharmed();
}

BOOST_AUTO_TEST_CASE(a_byte_now_and_then_buys_no_more_time_than_silence) {
  target b;
  b.start();
  hostile::crowd heads{b.port()}, bodies{b.port()};
  BOOST_REQUIRE(heads.grow_to(200));
  BOOST_REQUIRE(bodies.grow_to(200));
  heads.each_sends("GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ");
  bodies.each_sends("POST /webhooks/plane HTTP/1.1\r\nHost: x\r\nX-Plane-Signature: " +
                    std::string(64, '0') + "\r\nContent-Length: 100000\r\n\r\n");
  {
    const hostile::sending drops{50, [&] {
                                   heads.each_sends("a");
                                   bodies.each_sends("a");
                                 }};
    BOOST_TEST(eventually(15s, [&] {
      return ask({.url = b.url() + "/healthz"}).status == 200 &&
             hostile::descriptors_of(b.process().id()) < b.descriptors + 10;
    }));
  }
  BOOST_TEST(heads.ended() == 200u);
  BOOST_TEST(bodies.ended() == 200u);
  heads.leave();
  bodies.leave();
  b.check_unharmed();
}

BOOST_AUTO_TEST_CASE(tls_that_is_cut_or_no_tls_at_all_costs_its_connection_only) {
  target b;
  const auto made = raw::make_certificate("IP:127.0.0.1");
  write_file(b.folder() / "tls.crt", made.pem);
  write_file(b.folder() / "tls.key", made.key);
  b.environment["PLANEBRIDGE_SERVER_TLS_CERTIFICATE_FILE"] = b.folder() / "tls.crt";
  b.environment["PLANEBRIDGE_SERVER_TLS_KEY_FILE"] = b.folder() / "tls.key";
  b.start();
  const auto served = [&] {
    raw::client c{b.port(), true};
    return c.handshake() && c.ask(raw::get("/healthz", "Connection: close\r\n")).status == 200;
  };
  BOOST_REQUIRE(served());
  const auto before = hostile::descriptors_of(b.process().id());
  // the first bytes of a ClientHello that never goes on, of each length
  const std::string hello{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11};
  for (std::size_t n = 1; n <= hello.size(); ++n) {
    for (const bool hard : {false, true}) {
      const int s = hostile::connect_to(b.port());
      (void)!::send(s, hello.data(), n, MSG_NOSIGNAL);
      if (hard)
        hostile::reset(s);
      else
        ::close(s);
    }
  }
  for (const auto& text :
       {raw::get("/healthz"), std::string(2'000, '\0'), std::string(70'000, '\x16'),
        std::string{"\x15\x03\x03\x00\x02\x02\x28", 7}}) {
    raw::client c{b.port()};
    c.send(text);
    BOOST_TEST(answers_in(c.rest()) == 0u);
  }
  // a handshake that stands still ends in its time
  raw::client slow{b.port()};
  slow.send(hello);
  BOOST_TEST(slow.closed());
  // cut behind the handshake without a goodbye, before and within a request
  for (const std::string& text :
       {std::string{}, std::string{"GET /heal"}, half_of(b.signed_post(a_body))}) {
    raw::client c{b.port(), true};
    BOOST_REQUIRE(c.handshake());
    c.send(text);
    c.close();
  }
  // half a request, then the end of TLS: no request
  {
    raw::client c{b.port(), true};
    BOOST_REQUIRE(c.handshake());
    c.send(half_of(b.signed_post(a_body)));
    c.stop_sending();
    const auto said = c.rest();
    BOOST_TEST(answers_in(said) == 0u, said);
  }
  BOOST_TEST(served());
  BOOST_TEST(eventually(10s, [&] { return hostile::descriptors_of(b.process().id()) <= before; }));
  BOOST_TEST(b.process().runs());
}
