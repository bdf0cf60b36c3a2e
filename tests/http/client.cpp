// The client against a server that misbehaves on cue.
#define BOOST_TEST_MODULE http_client
#include "http/client.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <future>

#include "certificate.hpp"
#include "raw_server.hpp"

using namespace pb;
using namespace pb::http;
using namespace std::chrono_literals;
using protocol::http_request;
using protocol::http_response;

BOOST_TEST_DONT_PRINT_LOG_VALUE(pb::errc)

namespace {

using answer = result<http_response>;

std::future<answer> start(client& c, http_request r, call_limits limits = {}) {
  auto promise = std::make_shared<std::promise<answer>>();
  auto out = promise->get_future();
  c.send(std::move(r), limits, [promise](answer a) { promise->set_value(std::move(a)); });
  return out;
}
answer call(client& c, http_request r, call_limits limits = {}) {
  return start(c, std::move(r), limits).get();
}
answer get(client& c, const std::string& url, call_limits limits = {}) {
  return call(c, {"GET", url, {}, ""}, limits);
}
std::string words(const answer& a) { return a ? "answer" : describe(a.error()); }

/// Fails with this code, and with these words in its detail.
void check_fails(const answer& a, errc code, const std::string& part = "") {
  BOOST_REQUIRE_MESSAGE(!a, "an answer where " << to_string(code) << " is due");
  BOOST_TEST((a.error().code == code), words(a));
  BOOST_TEST(a.error().detail.find(part) != std::string::npos, words(a));
  BOOST_TEST(a.error().where == "http.client");
}

/// A file that lives as long as the test case.
struct temporary_file {
  explicit temporary_file(const std::string& text)
      : path(std::filesystem::temp_directory_path() /
             ("planebridge-test-" + std::to_string(::getpid()) + ".pem")) {
    std::ofstream{path} << text;
  }
  ~temporary_file() { std::filesystem::remove(path); }
  std::filesystem::path path;
};

boost::asio::ssl::context server_context(const raw::certificate& c) {
  boost::asio::ssl::context out{boost::asio::ssl::context::tls_server};
  out.use_certificate(boost::asio::buffer(c.pem), boost::asio::ssl::context::pem);
  out.use_private_key(boost::asio::buffer(c.key), boost::asio::ssl::context::pem);
  return out;
}

void serve_for_ever(raw::peer& p) {
  while (!p.read_request().empty()) p.answer("ok");
}

}  // namespace

BOOST_AUTO_TEST_CASE(request_and_answer_pass_through_unchanged) {
  std::string seen;
  raw::server s{{[&](raw::peer& p) {
    seen = p.read_request();
    p.write("HTTP/1.1 201 Created\r\nX-Two: a\r\nX-Two: b\r\nContent-Length: 4\r\n\r\nbod");
    p.write(std::string_view{"\0", 1});
    p.wait_closed();
  }}};
  client c{{}};
  auto a = call(c, {"POST", s.url("/a%20b?c=d"), {{"Content-Type", "text/plain"}}, "hello"});
  BOOST_REQUIRE_MESSAGE(a, words(a));
  BOOST_TEST(seen == "POST /a%20b?c=d HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(s.port()) +
                         "\r\nContent-Type: text/plain\r\nUser-Agent: planebridge\r\n"
                         "Content-Length: 5\r\n\r\nhello");
  BOOST_TEST(a->status == 201);
  BOOST_TEST(a->headers.size() == 3u);
  BOOST_TEST(a->header("x-two") == "a");
  BOOST_TEST(a->body.size() == 4u);
}

BOOST_AUTO_TEST_CASE(a_connection_is_kept_and_used_again) {
  raw::server s{{serve_for_ever}};
  client c{{}};
  for (int i = 0; i < 5; ++i) {
    auto a = get(c, s.url("/"));
    BOOST_REQUIRE_MESSAGE(a, words(a));
    BOOST_TEST(a->body == "ok");
  }
  BOOST_TEST(s.accepted() == 1u);
  BOOST_TEST(c.figures().reused == 4u);
  BOOST_TEST(c.figures().in_flight == 0u);
}

BOOST_AUTO_TEST_CASE(an_answer_that_says_close_ends_the_connection) {
  raw::server s{{[](raw::peer& p) {
    p.read_request();
    p.answer("ok", "Connection: close\r\n");
    p.wait_closed();
  }}};
  client c{{}};
  BOOST_TEST(get(c, s.url("/")).has_value());
  BOOST_TEST(get(c, s.url("/")).has_value());
  BOOST_TEST(s.accepted() == 2u);
}

BOOST_AUTO_TEST_CASE(a_connection_on_which_more_arrived_than_the_answer_is_not_used_again) {
  raw::server s{{[](raw::peer& p) {
    p.read_request();
    p.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n");
    p.wait_closed();
  }}};
  client c{{}};
  BOOST_TEST(get(c, s.url("/"))->body == "ok");
  BOOST_TEST(get(c, s.url("/"))->body == "ok");
  BOOST_TEST(s.accepted() == 2u);
}

BOOST_AUTO_TEST_CASE(calls_beyond_the_connections_of_a_host_wait_their_turn) {
  raw::server s{{serve_for_ever}};
  client_options o;
  o.max_connections_per_host = 2;
  o.threads = 3;
  client c{o};
  std::vector<std::future<answer>> all;
  for (int i = 0; i < 50; ++i) all.push_back(start(c, {"GET", s.url("/"), {}, ""}));
  for (auto& f : all) BOOST_TEST(f.get().has_value());
  BOOST_TEST(s.accepted() <= 2u);
}

BOOST_AUTO_TEST_CASE(a_call_that_got_no_connection_in_time_was_not_sent) {
  raw::server s{{[](raw::peer& p) {
    p.read_request();
    p.wait_closed();
  }}};
  client_options o;
  o.max_connections_per_host = 1;
  client c{o};
  auto first = start(c, {"GET", s.url("/"), {}, ""}, {.total = 30'000ms});
  check_fails(get(c, s.url("/"), {.total = 50ms}), errc::upstream_down, "no free connection");
  c.shutdown();
  check_fails(first.get(), errc::cancelled);
}

BOOST_AUTO_TEST_CASE(a_refused_connection_is_upstream_down) {
  std::uint16_t port = 0;
  {
    raw::server s{{serve_for_ever}};
    port = s.port();
  }
  client c{{}};
  check_fails(get(c, "http://127.0.0.1:" + std::to_string(port) + "/secret?token=hunter2"),
              errc::upstream_down, "refused");
}

BOOST_AUTO_TEST_CASE(a_query_never_appears_in_a_failure) {
  raw::server s{{[](raw::peer& p) { p.reset(); }}};
  client c{{}};
  const auto a = get(c, s.url("/path?token=hunter2"));
  check_fails(a, errc::upstream_down, "/path");
  BOOST_TEST(words(a).find("hunter2") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_name_that_does_not_exist_is_dns) {
  client c{{}};
  // .invalid never resolves (RFC 6761); without any resolver it fails at once, too
  check_fails(get(c, "http://planebridge-test.invalid/", {.connect = 15'000ms}), errc::dns);
}

BOOST_AUTO_TEST_CASE(half_an_answer_is_upstream_down) {
  const std::string_view halves[] = {
      "",
      "HTTP/1.1 200 OK\r\nConte",
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
  };
  for (const auto half : halves) {
    for (const bool reset : {false, true}) {
      raw::server s{{[&](raw::peer& p) {
        p.read_request();
        p.write(half);
        reset ? p.reset() : p.close();
      }}};
      client c{{}};
      BOOST_TEST_CONTEXT(half) check_fails(get(c, s.url("/")), errc::upstream_down);
      BOOST_TEST(s.accepted() == 1u);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_http_is_an_unexpected_answer) {
  for (const std::string_view text :
       {"SSH-2.0-OpenSSH_9.2p1\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"}) {
    raw::server s{{[&](raw::peer& p) {
      p.read_request();
      p.write(text);
      p.wait_closed();
    }}};
    client c{{}};
    BOOST_TEST_CONTEXT(text) check_fails(get(c, s.url("/")), errc::unexpected_answer);
  }
}

BOOST_AUTO_TEST_CASE(chunked_and_close_delimited_answers_are_read_whole) {
  for (const std::string_view text :
       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nhello", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello"}) {
    raw::server s{{[&](raw::peer& p) {
      p.read_request();
      for (const char byte : text) p.write({&byte, 1});
      p.close();
    }}};
    client c{{}};
    auto a = get(c, s.url("/"));
    BOOST_REQUIRE_MESSAGE(a, words(a));
    BOOST_TEST(a->body == "hello");
  }
}

BOOST_AUTO_TEST_CASE(answers_without_a_body_end_at_their_headers) {
  raw::server s{{[](raw::peer& p) {
    for (;;) {
      const auto request = p.read_request();
      if (request.empty()) return;
      if (request.starts_with("HEAD"))
        p.write("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
      else if (request.starts_with("DELETE"))
        p.write("HTTP/1.1 204 No Content\r\n\r\n");
      else
        p.write("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n");
    }
  }}};
  client c{{}};
  BOOST_TEST(call(c, {"HEAD", s.url("/"), {}, ""})->header("content-length") == "500");
  BOOST_TEST(call(c, {"DELETE", s.url("/"), {}, ""})->status == 204);
  BOOST_TEST(get(c, s.url("/"))->status == 304);
  BOOST_TEST(s.accepted() == 1u);
}

BOOST_AUTO_TEST_CASE(interim_answers_are_passed_over_but_not_without_end) {
  raw::server s{{[](raw::peer& p) {
                   p.read_request();
                   p.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n");
                   p.answer("ok");
                   p.wait_closed();
                 },
                 [](raw::peer& p) {
                   p.read_request();
                   while (p.write("HTTP/1.1 100 Continue\r\n\r\n")) {
                   }
                 }}};
  client_options o;
  o.keep_alive = 0s;
  client c{o};
  BOOST_TEST(get(c, s.url("/"))->body == "ok");
  check_fails(get(c, s.url("/")), errc::unexpected_answer, "interim");
}

BOOST_AUTO_TEST_CASE(redirects_come_back_as_they_are) {
  raw::server s{{[](raw::peer& p) {
    p.read_request();
    p.write("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    p.wait_closed();
  }}};
  client c{{}};
  auto a = get(c, s.url("/"));
  BOOST_REQUIRE(a);
  BOOST_TEST(a->status == 302);
  BOOST_TEST(a->header("Location") == "http://127.0.0.1:1/");
  BOOST_TEST(s.accepted() == 1u);
}

BOOST_AUTO_TEST_CASE(slow_headers_a_slow_body_and_a_slow_whole_time_out) {
  const auto silent_after = [](std::string text) {
    return [text](raw::peer& p) {
      p.read_request();
      p.write(text);
      p.wait_closed();
    };
  };
  raw::server s{{silent_after(""), silent_after("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"),
                 silent_after("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")}};
  client c{{}};
  check_fails(get(c, s.url("/"), {.headers = 60ms}), errc::timed_out, "no answer within 60 ms");
  check_fails(get(c, s.url("/"), {.body = 60ms}), errc::timed_out, "stopped for 60 ms");
  check_fails(get(c, s.url("/"), {.total = 60ms}), errc::timed_out, "no complete answer within");
}

BOOST_AUTO_TEST_CASE(a_trickled_body_does_not_outlive_the_total_limit) {
  raw::server s{{[](raw::peer& p) {
    p.read_request();
    p.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (p.write("1\r\nx\r\n")) {
    }
  }}};
  client c{{}};
  check_fails(get(c, s.url("/"), {.total = 80ms}), errc::timed_out, "no complete answer");
}

BOOST_AUTO_TEST_CASE(an_answer_is_never_larger_than_allowed) {
  const auto endless = [](std::string first, std::string rest) {
    return [=](raw::peer& p) {
      p.read_request();
      p.write(first);
      while (p.write(rest)) {
      }
    };
  };
  const std::string k(1024, 'x');
  raw::server s{
      {endless("HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n", k),
       endless("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n", k),
       endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "400\r\n" + k + "\r\n"),
       endless("HTTP/1.0 200 OK\r\n\r\n", k), endless("HTTP/1.1 200 OK\r\n", "X: " + k + "\r\n"),
       endless("HTTP/1.1 200 OK\r\nX: ", k)}};
  client c{{}};
  for (int i = 0; i < 6; ++i) BOOST_TEST_CONTEXT(i)
  check_fails(get(c, s.url("/"), {.response_bytes = 100'000}), errc::too_large);
}

BOOST_AUTO_TEST_CASE(a_body_of_exactly_the_limit_is_taken) {
  raw::server s{{[](raw::peer& p) {
    p.read_request();
    p.answer(std::string(100'000, 'x'));
    p.wait_closed();
  }}};
  client c{{}};
  BOOST_TEST(get(c, s.url("/"), {.response_bytes = 100'000})->body.size() == 100'000u);
}

BOOST_AUTO_TEST_CASE(a_connection_closed_while_idle_is_not_used) {
  std::promise<void> closed;
  raw::server s{{[&](raw::peer& p) {
                   p.read_request();
                   p.answer("ok");
                   p.close();
                   closed.set_value();
                 },
                 serve_for_ever}};
  client c{{}};
  BOOST_TEST(get(c, s.url("/"))->body == "ok");
  closed.get_future().get();
  auto a = call(c, {"POST", s.url("/"), {}, "x"});
  BOOST_REQUIRE_MESSAGE(a, words(a));
  BOOST_TEST(c.figures().reused == 0u);
  BOOST_TEST(s.accepted() == 2u);
}

namespace {
/// Answers once, then takes a second request and goes away without a word.
void stale(raw::peer& p) {
  p.read_request();
  p.answer("ok");
  p.read_request();
  p.reset();
}
}  // namespace

BOOST_AUTO_TEST_CASE(an_idempotent_request_on_a_stale_connection_is_repeated_once_on_a_new_one) {
  raw::server s{{stale, serve_for_ever}};
  client c{{}};
  BOOST_TEST(get(c, s.url("/"))->body == "ok");
  auto a = get(c, s.url("/"));
  BOOST_REQUIRE_MESSAGE(a, words(a));
  BOOST_TEST(s.accepted() == 2u);
  BOOST_TEST(c.figures().repeated == 1u);
}

BOOST_AUTO_TEST_CASE(a_request_that_may_have_been_carried_out_is_not_repeated) {
  raw::server s{{stale, serve_for_ever}};
  client c{{}};
  BOOST_TEST(get(c, s.url("/"))->body == "ok");
  check_fails(call(c, {"POST", s.url("/"), {}, "x"}), errc::upstream_down);
  BOOST_TEST(s.accepted() == 1u);
  BOOST_TEST(c.figures().repeated == 0u);
}

BOOST_AUTO_TEST_CASE(a_new_connection_that_fails_is_not_repeated) {
  raw::server s{{[](raw::peer& p) {
                   p.read_request();
                   p.reset();
                 },
                 serve_for_ever}};
  client c{{}};
  check_fails(get(c, s.url("/")), errc::upstream_down);
  BOOST_TEST(s.accepted() == 1u);
}

BOOST_AUTO_TEST_CASE(half_an_answer_on_a_kept_connection_is_not_repeated) {
  raw::server s{{[](raw::peer& p) {
                   p.read_request();
                   p.answer("ok");
                   p.read_request();
                   p.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
                   p.close();
                 },
                 serve_for_ever}};
  client c{{}};
  BOOST_TEST(get(c, s.url("/"))->body == "ok");
  check_fails(get(c, s.url("/")), errc::upstream_down, "middle of the answer");
  BOOST_TEST(s.accepted() == 1u);
}

BOOST_AUTO_TEST_CASE(an_idle_connection_is_closed_after_its_time) {
  std::promise<void> gone;
  raw::server s{{[&](raw::peer& p) {
    p.read_request();
    p.answer("ok");
    p.wait_closed();
    gone.set_value();
  }}};
  client_options o;
  o.keep_alive = 0s;
  client c{o};
  BOOST_TEST(get(c, s.url("/"))->body == "ok");
  BOOST_TEST((gone.get_future().wait_for(20s) == std::future_status::ready));
}

BOOST_AUTO_TEST_CASE(a_refusal_that_comes_before_the_body_is_through_is_read) {
  raw::server s{{[](raw::peer& p) {
    p.read_some();
    p.write("HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    p.wait_closed();
  }}};
  client c{{}};
  auto a = call(c, {"POST", s.url("/"), {}, std::string(3u << 20, 'x')});
  BOOST_REQUIRE_MESSAGE(a, words(a));
  BOOST_TEST(a->status == 413);
}

BOOST_AUTO_TEST_CASE(shutdown_ends_what_is_in_flight_and_refuses_the_rest) {
  std::promise<void> arrived;
  raw::server s{{[&](raw::peer& p) {
    p.read_request();
    arrived.set_value();
    p.wait_closed();
  }}};
  client_options o;
  o.max_connections_per_host = 1;
  client c{o};
  auto first = start(c, {"GET", s.url("/"), {}, ""});
  auto waiting = start(c, {"GET", s.url("/"), {}, ""});
  arrived.get_future().get();
  c.shutdown();
  check_fails(first.get(), errc::cancelled);
  check_fails(waiting.get(), errc::cancelled);
  check_fails(get(c, s.url("/")), errc::cancelled);
  check_fails(get(c, "not a url"), errc::bad_input);
  c.shutdown();
  BOOST_TEST(c.figures().in_flight == 0u);
}

BOOST_AUTO_TEST_CASE(a_completion_may_start_the_next_call) {
  raw::server s{{serve_for_ever}};
  client c{{}};
  std::promise<int> end;
  std::function<void(int)> again = [&](int n) {
    c.send({"GET", s.url("/"), {}, ""}, {}, [&, n](answer a) {
      if (!a || n == 20)
        end.set_value(a ? n : -1);
      else
        again(n + 1);
    });
  };
  again(0);
  BOOST_TEST(end.get_future().get() == 20);
  BOOST_TEST(s.accepted() == 1u);
}

BOOST_AUTO_TEST_CASE(bad_requests_fail_before_anything_is_sent) {
  raw::server s{{serve_for_ever}};
  client c{{}};
  check_fails(get(c, "ftp://127.0.0.1/"), errc::bad_input);
  check_fails(call(c, {"GET", s.url("/"), {{"X", "a\r\nY: b"}}, ""}), errc::bad_input);
  BOOST_TEST(s.accepted() == 0u);
}

BOOST_AUTO_TEST_CASE(a_certificate_nobody_vouches_for_is_refused) {
  auto context = server_context(raw::make_certificate("IP:127.0.0.1,DNS:localhost"));
  raw::server s{{[&](raw::peer& p) { p.start_tls(context); }}};
  client c{{}};
  const auto a = get(c, s.url("/", "https"));
  check_fails(a, errc::tls, "self-signed certificate");
  BOOST_TEST(a.error().remedy.find("http.ca_file") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_authority_of_our_own_is_accepted_and_connections_are_kept) {
  const auto certificate = raw::make_certificate("IP:127.0.0.1,DNS:localhost");
  const temporary_file ca{certificate.pem};
  auto context = server_context(certificate);
  raw::server s{{[&](raw::peer& p) {
    if (p.start_tls(context)) serve_for_ever(p);
  }}};
  client_options o;
  o.ca_file = ca.path;
  client c{o};
  BOOST_TEST(c.problem().has_value());
  for (int i = 0; i < 3; ++i) {
    auto a = get(c, s.url("/", "https"));
    BOOST_REQUIRE_MESSAGE(a, words(a));
    BOOST_TEST(a->body == "ok");
  }
  BOOST_TEST(s.accepted() == 1u);
}

BOOST_AUTO_TEST_CASE(a_certificate_for_another_name_is_refused) {
  const auto certificate = raw::make_certificate("DNS:other.example.test,IP:127.0.0.2");
  const temporary_file ca{certificate.pem};
  auto context = server_context(certificate);
  raw::server s{{[&](raw::peer& p) { p.start_tls(context); }}};
  client_options o;
  o.ca_file = ca.path;
  client c{o};
  check_fails(get(c, s.url("/", "https")), errc::tls, "IP address mismatch");
  check_fails(get(c, "https://localhost:" + std::to_string(s.port()) + "/"), errc::tls,
              "hostname mismatch");
}

BOOST_AUTO_TEST_CASE(a_peer_that_speaks_no_tls_is_a_tls_failure_and_one_that_hangs_up_is_down) {
  raw::server s{{[](raw::peer& p) {
                   p.write("HTTP/1.1 400 Bad Request\r\n\r\n");
                   p.wait_closed();
                 },
                 [](raw::peer& p) {
                   p.read_some();
                   p.reset();
                 },
                 [](raw::peer& p) { p.wait_closed(); }}};
  client c{{}};
  check_fails(get(c, s.url("/", "https")), errc::tls);
  check_fails(get(c, s.url("/", "https")), errc::upstream_down, "TLS handshake");
  check_fails(get(c, s.url("/", "https"), {.connect = 60ms}), errc::upstream_down,
              "no TLS connection within 60 ms");
}

BOOST_AUTO_TEST_CASE(an_answer_over_tls_that_ends_without_a_farewell_is_half_an_answer) {
  const auto certificate = raw::make_certificate("IP:127.0.0.1");
  const temporary_file ca{certificate.pem};
  auto context = server_context(certificate);
  raw::server s{{[&](raw::peer& p) {
    if (!p.start_tls(context)) return;
    p.read_request();
    p.write("HTTP/1.0 200 OK\r\n\r\nmaybe all");
    p.close();
  }}};
  client_options o;
  o.ca_file = ca.path;
  client c{o};
  check_fails(get(c, s.url("/", "https")), errc::upstream_down);
}

BOOST_AUTO_TEST_CASE(a_ca_file_that_cannot_be_read_is_a_problem_of_https_only) {
  raw::server s{{serve_for_ever}};
  client_options o;
  o.ca_file = "/nonexistent/ca.pem";
  client c{o};
  BOOST_REQUIRE(!c.problem());
  BOOST_TEST(c.problem().error().detail.find("/nonexistent/ca.pem") != std::string::npos);
  check_fails(get(c, s.url("/", "https")), errc::tls, "/nonexistent/ca.pem");
  BOOST_TEST(get(c, s.url("/")).has_value());
}

BOOST_AUTO_TEST_CASE(https_goes_through_a_proxy_by_connect_with_its_password) {
  const auto certificate = raw::make_certificate("DNS:plane.example.test");
  const temporary_file ca{certificate.pem};
  auto context = server_context(certificate);
  std::string asked, inside;
  raw::server proxy{{[&](raw::peer& p) {
    asked = p.read_request();
    p.write("HTTP/1.1 200 Connection established\r\n\r\n");
    if (!p.start_tls(context)) return;
    inside = p.read_request();
    p.answer("through");
    p.wait_closed();
  }}};
  client_options o;
  o.ca_file = ca.path;
  o.https_proxy = secret{"http://user:word@127.0.0.1:" + std::to_string(proxy.port())};
  client c{o};
  auto a = get(c, "https://plane.example.test/api/");
  BOOST_REQUIRE_MESSAGE(a, words(a));
  BOOST_TEST(a->body == "through");
  BOOST_TEST(asked ==
             "CONNECT plane.example.test:443 HTTP/1.1\r\nHost: plane.example.test:443\r\n"
             "Proxy-Authorization: Basic dXNlcjp3b3Jk\r\n\r\n");
  BOOST_TEST(inside.find("Proxy-Authorization") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_proxy_that_refuses_is_named_and_nothing_goes_around_it) {
  raw::server proxy{{[](raw::peer& p) {
                       p.read_request();
                       p.write("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
                       p.wait_closed();
                     },
                     [](raw::peer& p) {
                       p.read_request();
                       p.write("HTTP/1.1 200 OK\r\n\r\nsmuggled");
                       p.wait_closed();
                     },
                     [](raw::peer& p) { p.reset(); }}};
  client_options o;
  o.https_proxy = secret{"http://user:hunter2@127.0.0.1:" + std::to_string(proxy.port())};
  client c{o};
  auto a = get(c, "https://plane.example.test/");
  check_fails(a, errc::upstream_down, "407");
  BOOST_TEST(a.error().remedy.find("HTTPS_PROXY") != std::string::npos);
  BOOST_TEST(words(a).find("hunter2") == std::string::npos);
  BOOST_TEST(!get(c, "https://plane.example.test/"));
  check_fails(get(c, "https://plane.example.test/"), errc::upstream_down);

  client_options wrong;
  wrong.https_proxy = secret{"socks5://127.0.0.1:1"};
  client w{wrong};
  BOOST_TEST(!w.problem());
  check_fails(get(w, "https://plane.example.test/"), errc::bad_input, "proxy");
}

BOOST_AUTO_TEST_CASE(plain_http_asks_the_proxy_for_the_whole_url) {
  std::string asked;
  raw::server proxy{{[&](raw::peer& p) {
    asked = p.read_request();
    p.answer("through");
    p.wait_closed();
  }}};
  client_options o;
  o.http_proxy = secret{"http://127.0.0.1:" + std::to_string(proxy.port())};
  client c{o};
  BOOST_TEST(get(c, "http://dav.example.test/x?y")->body == "through");
  BOOST_TEST(
      asked.starts_with("GET http://dav.example.test/x?y HTTP/1.1\r\nHost: dav.example.test\r\n"));
}
