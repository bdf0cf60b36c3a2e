// The access log: one line per request, which can be followed from log to log by its id, and which
// never holds what a URL may hide (a feed's token, a sign-in's code).
#define BOOST_TEST_MODULE http_server_log
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <mutex>
#include <thread>

#include "base/log.hpp"
#include "raw_client.hpp"
#include "served.hpp"

using raw::get;
using raw::post;
using served::listener;
using served::quick;
using namespace pb;
using namespace pb::http;

namespace {

std::mutex guard;
std::vector<std::string> lines;  // under guard

struct captured {
  captured() {
    lines.clear();
    log::configure(log::level::debug, log::format::logfmt);
    log::capture([](std::string_view line) {
      const std::lock_guard hold{guard};
      lines.emplace_back(line);
    });
  }
  ~captured() { log::capture(nullptr); }
  /// The access line of the request with this id; the server writes it once the answer is sent.
  static std::string of(const std::string& id) {
    for (;;) {
      {
        const std::lock_guard hold{guard};
        for (const auto& l : lines)
          if (l.find("http request") != std::string::npos &&
              l.find("request=" + id) != std::string::npos)
            return l;
      }
      std::this_thread::yield();
    }
  }
};

bool holds(const std::string& line, const std::string& piece) {
  return line.find(piece) != std::string::npos;
}

struct fixture : captured {
  fixture() {
    auto o = quick();
    o.access_log = true;
    l = std::make_unique<listener>(o);
    l->on("GET", "/calendar/{token}.ics", [](auto, const responder& a) { a(data_response("1")); });
    l->on("POST", "/drop", [](auto, const responder& a) {
      response r;
      r.drop_connection = true;
      a(std::move(r));
    });
  }
  std::unique_ptr<listener> l;
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_request_is_one_line_with_its_route_status_size_and_id, fixture) {
  raw::client c{l->port()};
  (void)c.ask(get("/hello", "X-Request-Id: first\r\n"));
  const auto line = of("first");
  for (const auto* piece : {"level=debug", "method=GET", "route=/hello", "status=200", "bytes=16",
                            "took_us=", "peer=127.0.0.1"})
    BOOST_TEST(holds(line, piece), piece << " is not in " << line);
  (void)c.ask(get("/nothing", "X-Request-Id: second\r\n"));
  BOOST_TEST(holds(of("second"), "level=info"));
  BOOST_TEST(holds(of("second"), "status=404"));
  c.send(post("/drop", "", "X-Request-Id: third\r\n"));
  BOOST_TEST(c.closed());
  BOOST_TEST(holds(of("third"), "status=0"));
  BOOST_TEST(std::count_if(lines.begin(), lines.end(),
                           [](const auto& s) { return holds(s, "http request"); }) == 3);
}

BOOST_FIXTURE_TEST_CASE(tokens_in_a_path_and_queries_are_not_logged, fixture) {
  raw::client c{l->port()};
  (void)c.ask(get("/calendar/hidden.ics?code=hidden", "X-Request-Id: feed\r\n"));
  (void)c.ask(get("/hidden?code=hidden", "X-Request-Id: none\r\n"));
  BOOST_TEST(holds(of("feed"), "route=/calendar/{token}.ics"));
  (void)of("none");
  for (const auto& line : lines) BOOST_TEST(!holds(line, "hidden"), line);
}

BOOST_FIXTURE_TEST_CASE(a_flood_of_refused_requests_writes_few_lines, fixture) {
  raw::client c{l->port()};
  for (int i = 0; i < 1'000; ++i) (void)c.ask(get("/nothing"));
  (void)c.ask(get("/hello", "X-Request-Id: last\r\n"));
  (void)of("last");  // what is served is no refusal
  const auto written = std::count_if(lines.begin(), lines.end(),
                                     [](const auto& s) { return holds(s, "status=404"); });
  BOOST_TEST(written >= 100);
  BOOST_TEST(written <= 150);
}

BOOST_AUTO_TEST_CASE(without_an_access_log_there_is_none) {
  captured log_of;
  listener quiet;  // quick() has none
  raw::client c{quiet.port()};
  (void)c.ask(get("/hello"));
  (void)c.ask(get("/nothing"));
  c.close();
  while (quiet.it.figures().connections > 0) std::this_thread::yield();
  for (const auto& line : lines) BOOST_TEST(!holds(line, "http request"), line);
}
