// The server over real loopback sockets: answers, order, identity, life and end.
#define BOOST_TEST_MODULE http_server
#include "http/server.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "certificate.hpp"
#include "http/tls_context.hpp"
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

BOOST_AUTO_TEST_CASE(one_connection_carries_many_requests) {
  listener l;
  raw::client c{l.port()};
  for (int i = 0; i < 3; ++i) {
    const auto a = c.ask(get("/hello"));
    BOOST_TEST(a.status == 200);
    BOOST_TEST(a.body == "{\"data\":\"hello\"}");
    BOOST_TEST(a.header("Connection") == "");
    BOOST_TEST(!a.header("Date").empty());
  }
  BOOST_TEST(l.it.figures().requests == 3u);
  BOOST_TEST(l.it.figures().connections == 1u);
}

BOOST_AUTO_TEST_CASE(connection_close_is_obeyed) {
  listener l;
  raw::client c{l.port()};
  const auto a = c.ask(get("/hello", "Connection: close\r\n"));
  BOOST_TEST(a.header("Connection") == "close");
  BOOST_TEST(c.closed());
}

BOOST_AUTO_TEST_CASE(an_old_client_gets_its_answer_and_the_end_of_the_connection) {
  listener l;
  raw::client c{l.port()};
  BOOST_TEST(c.ask("GET /hello HTTP/1.0\r\n\r\n").status == 200);
  BOOST_TEST(c.closed());
  raw::client stays{l.port()};
  const auto a = stays.ask("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  BOOST_TEST(a.header("Connection") == "keep-alive");
  BOOST_TEST(stays.ask("GET /hello HTTP/1.0\r\n\r\n").status == 200);
}

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_their_order) {
  listener l;
  raw::client c{l.port()};
  c.send(get("/later") + post("/echo", "second") + get("/hello"));
  const auto held = l.held.take();
  std::thread{[held] { held(data_response("1")); }}.join();
  BOOST_TEST(c.read().body == "{\"data\":1}");
  BOOST_TEST(c.read().body == "second");
  BOOST_TEST(c.read().body == "{\"data\":\"hello\"}");
}

BOOST_AUTO_TEST_CASE(a_request_may_arrive_byte_by_byte) {
  listener l;
  raw::client c{l.port()};
  for (const char b : "\r\n" + post("/echo", "body")) c.send({&b, 1});
  BOOST_TEST(c.read().body == "body");
}

BOOST_AUTO_TEST_CASE(a_large_body_comes_back_whole) {
  listener l;
  raw::client c{l.port()};
  std::string body(1 << 20, 'x');
  body[12345] = 'y';
  BOOST_TEST((c.ask(post("/echo", body)).body == body));
}

BOOST_AUTO_TEST_CASE(a_chunked_body_is_put_together) {
  listener l;
  raw::client c{l.port()};
  const auto a = c.ask(
      "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4\r\nbody\r\n5\r\n-tail\r\n0\r\nTrailer: t\r\n\r\n");
  BOOST_TEST(a.body == "body-tail");
  BOOST_TEST(c.ask(get("/hello")).status == 200);
}

BOOST_AUTO_TEST_CASE(an_unknown_path_is_404_and_a_wrong_method_405_with_the_right_ones) {
  listener l;
  raw::client c{l.port()};
  check_error(c.ask(get("/nothing")), 404, "NOT_FOUND");
  auto a = c.ask("DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  check_error(a, 405, "METHOD_NOT_ALLOWED");
  BOOST_TEST(a.header("Allow") == "GET, HEAD");
  a = c.ask(get("/echo"));
  BOOST_TEST(a.header("Allow") == "POST");
  // the connection was of use all the time
  BOOST_TEST(c.ask(get("/hello")).status == 200);
}

BOOST_AUTO_TEST_CASE(head_tells_the_length_without_the_body) {
  listener l;
  raw::client c{l.port()};
  const auto a = c.ask("HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n", true);
  BOOST_TEST(a.status == 200);
  BOOST_TEST(a.header("Content-Length") == "16");
  BOOST_TEST(c.ask(get("/hello")).body == "{\"data\":\"hello\"}");
}

BOOST_AUTO_TEST_CASE(path_parameters_and_absolute_targets_reach_the_handler) {
  listener l;
  l.on("GET", "/calendar/{token}.ics", [](auto r, const responder& a) {
    a(data_response("\"" + r->path_params["token"] + "|" + r->path + "|" + r->query + "\""));
  });
  raw::client c{l.port()};
  BOOST_TEST(c.ask(get("/calendar/a%2Fb.ics?x=1")).body ==
             "{\"data\":\"a/b|/calendar/a/b.ics|x=1\"}");
  BOOST_TEST(c.ask(get("http://host:80/calendar/t.ics")).body ==
             "{\"data\":\"t|/calendar/t.ics|\"}");
}

BOOST_AUTO_TEST_CASE(a_sane_request_id_is_kept_and_any_other_replaced) {
  listener l;
  raw::client c{l.port()};
  BOOST_TEST(c.ask(get("/hello", "X-Request-Id: a.B_9-\r\n")).header("X-Request-Id") == "a.B_9-");
  for (const std::string bad : {"a b", "", "\"quoted\""}) {
    const auto id = c.ask(get("/hello", "X-Request-Id: " + bad + "\r\n")).header("X-Request-Id");
    BOOST_TEST(id.size() == 36u);
  }
  BOOST_TEST(c.ask(get("/hello", "X-Request-Id: " + std::string(65, 'a') + "\r\n"))
                 .header("X-Request-Id")
                 .size() == 36u);
  check_error(c.ask(get("/nothing", "X-Request-Id: mine\r\n")), 404, "NOT_FOUND");
}

BOOST_AUTO_TEST_CASE(a_request_nobody_answers_gets_503) {
  listener l;
  raw::client c{l.port()};
  c.send(get("/later"));
  (void)l.held.take();
  check_error(c.read(), 503, "UNANSWERED");
  BOOST_TEST(c.ask(get("/hello")).status == 200);
}

BOOST_AUTO_TEST_CASE(a_second_answer_changes_nothing) {
  listener l;
  raw::client c{l.port()};
  c.send(get("/later"));
  const auto held = l.held.take();
  held(data_response("1"));
  held(data_response("2"));
  BOOST_TEST(c.read().body == "{\"data\":1}");
  BOOST_TEST(c.ask(get("/hello")).body == "{\"data\":\"hello\"}");
}

BOOST_AUTO_TEST_CASE(a_handler_that_throws_is_a_500_and_not_the_end) {
  listener l;
  l.on("GET", "/throw", [](auto, const responder&) { throw std::runtime_error("secret"); });
  raw::client c{l.port()};
  const auto a = c.ask(get("/throw"));
  check_error(a, 500, "INTERNAL");
  BOOST_TEST(a.body.find("secret") == std::string::npos);
  BOOST_TEST(c.ask(get("/hello")).status == 200);
}

BOOST_AUTO_TEST_CASE(drop_connection_closes_without_an_answer) {
  listener l;
  l.on("POST", "/drop", [](auto, const responder& a) {
    response r;
    r.drop_connection = true;
    a(std::move(r));
  });
  raw::client c{l.port()};
  c.send(post("/drop", "body"));
  BOOST_TEST(c.closed());
}

BOOST_AUTO_TEST_CASE(an_answers_headers_cannot_split_it) {
  listener l;
  l.on("GET", "/split", [](auto, const responder& a) {
    response r;
    r.body = "b";
    r.headers = {{"X-Good", "yes"}, {"X-Bad", "a\r\nX-Evil: 1"}, {"Content-Length", "99"}};
    a(std::move(r));
  });
  raw::client c{l.port()};
  const auto a = c.ask(get("/split"));
  BOOST_TEST(a.header("X-Good") == "yes");
  BOOST_TEST(a.header("X-Evil") == "");
  BOOST_TEST(a.header("Content-Length") == "1");
}

BOOST_AUTO_TEST_CASE(a_client_that_has_nothing_more_to_say_still_gets_its_answer) {
  listener l;
  raw::client c{l.port()};
  c.send(get("/later"));
  c.stop_sending();
  l.held.take()(data_response("1"));
  BOOST_TEST(c.read().status == 200);
  BOOST_TEST(c.closed());
}

BOOST_AUTO_TEST_CASE(several_threads_serve_many_clients) {
  auto o = quick();
  o.threads = 3;
  listener l{o};
  const auto port = l.port();
  std::vector<std::future<int>> all;
  for (int i = 0; i < 8; ++i)
    all.push_back(std::async(std::launch::async, [port] {
      raw::client c{port};
      int good = 0;
      for (int n = 0; n < 50; ++n)
        good += c.ask(post("/echo", std::to_string(n))).body == std::to_string(n);
      return good;
    }));
  for (auto& f : all) BOOST_TEST(f.get() == 50);
  BOOST_TEST(l.it.figures().requests == 400u);
}

BOOST_AUTO_TEST_CASE(a_port_that_is_taken_is_named) {
  listener l;
  auto o = quick();
  o.port = l.port();
  listener second{o};
  const auto started = second.it.start();
  BOOST_REQUIRE(!started);
  BOOST_TEST((started.error().code == errc::bad_input));
  BOOST_TEST(started.error().detail.find("127.0.0.1:" + std::to_string(o.port)) !=
             std::string::npos);
  o.address = "no address";
  BOOST_TEST(!listener{o}.it.start());
}

BOOST_AUTO_TEST_CASE(drain_lets_requests_in_flight_finish) {
  listener l;
  const auto port = l.port();
  raw::client busy{port}, idle{port};
  BOOST_TEST(idle.ask(get("/hello")).status == 200);
  busy.send(get("/later"));
  const auto held = l.held.take();
  auto drained = std::async(std::launch::async, [&] { l.it.drain(20s); });
  BOOST_TEST(idle.closed());
  held(data_response("1"));
  const auto a = busy.read();
  BOOST_TEST(a.body == "{\"data\":1}");
  BOOST_TEST(a.header("Connection") == "close");
  BOOST_TEST(busy.closed());
  drained.get();
  BOOST_CHECK_THROW(raw::client{port}, boost::system::system_error);
}

BOOST_AUTO_TEST_CASE(drain_ends_at_its_deadline_and_late_answers_are_harmless) {
  std::optional<responder> held;
  {
    listener l;
    raw::client c{l.port()};
    c.send(get("/later"));
    held = l.held.take();
    l.it.drain(10ms);
    BOOST_TEST(c.closed());
    BOOST_TEST(l.it.figures().connections == 0u);
    BOOST_TEST(l.it.figures().in_flight == 0u);
  }
  (*held)(data_response("1"));
}

namespace {

struct files {
  explicit files(const raw::certificate& c)
      : folder(std::filesystem::temp_directory_path() /
               ("planebridge-server-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder);
    std::ofstream{folder / "c.pem"} << c.pem;
    std::ofstream{folder / "k.pem"} << c.key;
  }
  ~files() { std::filesystem::remove_all(folder); }
  std::filesystem::path folder;
};

}  // namespace

BOOST_AUTO_TEST_CASE(tls_carries_the_same_and_nothing_older_than_1_2) {
  const files f{raw::make_certificate("IP:127.0.0.1")};
  auto o = quick();
  o.tls_certificate_file = f.folder / "c.pem";
  o.tls_key_file = f.folder / "k.pem";
  listener l{o};
  {
    raw::client c{l.port(), true};
    BOOST_REQUIRE(c.handshake());
    BOOST_TEST(c.ask(get("/hello")).body == "{\"data\":\"hello\"}");
    const std::string body(100'000, 'z');
    BOOST_TEST((c.ask(post("/echo", body)).body == body));
    c.send(get("/hello") + get("/hello", "Connection: close\r\n"));
    BOOST_TEST(c.read().status == 200);
    BOOST_TEST(c.read().status == 200);
    BOOST_TEST(c.closed());
  }
  raw::client old{l.port(), true}, oldest_allowed{l.port(), true};
  old.newest_tls(TLS1_1_VERSION);
  BOOST_TEST(!old.handshake());
  oldest_allowed.newest_tls(TLS1_2_VERSION);
  BOOST_TEST(oldest_allowed.handshake());
  // a machine's policy may refuse 1.1 for us; the limit must not depend on it
  auto context = server_tls(o.tls_certificate_file, o.tls_key_file);
  BOOST_REQUIRE((context && *context));
  BOOST_TEST(SSL_CTX_ctrl((*context)->native_handle(), SSL_CTRL_GET_MIN_PROTO_VERSION, 0,
                          nullptr) == TLS1_2_VERSION);
  raw::client plain{l.port()};
  plain.send(get("/hello"));
  BOOST_TEST(plain.rest().find("200 OK") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_certificate_that_cannot_be_used_is_named) {
  const files f{raw::make_certificate("IP:127.0.0.1")};
  auto o = quick();
  o.tls_certificate_file = f.folder / "absent.pem";
  o.tls_key_file = f.folder / "k.pem";
  auto started = listener{o}.it.start();
  BOOST_REQUIRE(!started);
  BOOST_TEST(started.error().detail.find("absent.pem") != std::string::npos);
  o.tls_certificate_file = f.folder / "c.pem";
  o.tls_key_file.clear();
  BOOST_TEST(!listener{o}.it.start());
  std::ofstream{f.folder / "k.pem"} << raw::make_certificate("IP:127.0.0.1").key;
  o.tls_key_file = f.folder / "k.pem";
  started = listener{o}.it.start();
  BOOST_REQUIRE(!started);
  BOOST_TEST((started.error().code == errc::bad_input));
}
