// The client against a server that misbehaves on cue; TLS and proxies are in client_tls.cpp.
#define BOOST_TEST_MODULE http_client
#include "http/client.hpp"

#include <boost/test/unit_test.hpp>
#include <future>

#include "calling.hpp"

using namespace calling;
using namespace std::chrono_literals;

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
