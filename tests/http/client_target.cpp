#define BOOST_TEST_MODULE http_client_target
#include "http/client_target.hpp"

#include <boost/test/unit_test.hpp>

using namespace pb;
using namespace pb::http;

namespace {
call_target target(std::string_view url) {
  auto r = parse_target(url);
  if (!r) throw std::runtime_error(describe(r.error()));
  return *r;
}
std::string head(const protocol::http_request& r) {
  auto t = target(r.url);
  auto h = render_head(r, t, "planebridge", false, secret{});
  return h ? *h : "refused: " + h.error().detail;
}
}  // namespace

BOOST_AUTO_TEST_CASE(a_url_is_taken_apart) {
  const auto t = target("https://API.Plane.example.test/api/v1/x%20y/?a=b%2Fc&d");
  BOOST_TEST(t.tls);
  BOOST_TEST(t.host == "api.plane.example.test");
  BOOST_TEST(t.port == 443);
  BOOST_TEST(t.authority == "api.plane.example.test");
  BOOST_TEST(t.path == "/api/v1/x%20y/?a=b%2Fc&d");
  BOOST_TEST(t.shown == "https://api.plane.example.test/api/v1/x%20y/");
  BOOST_TEST(target("http://h.example.test").path == "/");
  BOOST_TEST(target("http://h.example.test?q").path == "/?q");
  BOOST_TEST(target("http://h.example.test:80/").authority == "h.example.test");
  BOOST_TEST(target("http://h.example.test:8080/").authority == "h.example.test:8080");
  const auto six = target("http://[::1]:5232/dav/");
  BOOST_TEST(six.host == "::1");
  BOOST_TEST(six.authority == "[::1]:5232");
  BOOST_TEST(six.literal);
}

BOOST_AUTO_TEST_CASE(urls_that_may_not_be_called_are_refused_without_being_repeated) {
  for (const auto* url : {"", "/path", "ftp://h.example.test/", "http://", "http:///x",
                          "https://user:hunter2@h/", "https://user@h.example.test/", "http://h:0/",
                          "http://h:99999/", "http://h/#part", "http://h/a b", "http://h/\r\nX: y",
                          "http://h\xc3\xa9/", "http://h%41/%", "http://h%0a/"}) {
    const auto r = parse_target(url);
    BOOST_TEST_CONTEXT(url) {
      BOOST_REQUIRE(!r);
      BOOST_TEST((r.error().code == errc::bad_input));
      BOOST_TEST(r.error().detail.find("hunter2") == std::string::npos);
    }
  }
  BOOST_TEST(!parse_target("http://h/" + std::string(20'000, 'a')));
}

BOOST_AUTO_TEST_CASE(a_proxy_is_read_and_its_password_is_never_repeated) {
  const auto p = parse_proxy(secret{"http://us%40er:p%3Aw@proxy.example.test:3128"});
  BOOST_REQUIRE(p);
  BOOST_TEST(p->host == "proxy.example.test");
  BOOST_TEST(p->port == 3128);
  BOOST_TEST(p->authorization.reveal() == "Basic dXNAZXI6cDp3");
  BOOST_TEST(parse_proxy(secret{"proxy.example.test:3128"})->port == 3128);
  for (const auto* url : {"socks5://u:hunter2@h:1", "https://u:hunter2@h", "http://u:hunter2@:x"}) {
    const auto r = parse_proxy(secret{url});
    BOOST_REQUIRE(!r);
    BOOST_TEST(describe(r.error()).find("hunter2") == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(no_proxy_knows_hosts_domains_ports_addresses_and_networks) {
  struct row {
    const char* url;
    std::vector<std::string> list;
    bool direct;
  };
  const row rows[] = {
      {"https://a.example.test/", {}, false},
      {"https://a.example.test/", {"*"}, true},
      {"https://a.example.test/", {"example.test"}, true},
      {"https://a.example.test/", {".example.test"}, true},
      {"https://a.example.test/", {"*.EXAMPLE.test"}, true},
      {"https://example.test/", {".example.test"}, true},
      {"https://notexample.test/", {"example.test"}, false},
      {"https://a.example.test/", {"a.example.test:443"}, true},
      {"https://a.example.test/", {"a.example.test:8443"}, false},
      {"https://10.1.2.3/", {"10.0.0.0/8"}, true},
      {"https://11.1.2.3/", {"10.0.0.0/8"}, false},
      {"https://10.1.2.3/", {"10.1.2.3"}, true},
      {"https://[fd00::7]/", {"fd00::/8"}, true},
      {"https://[fd00::7]/", {"10.0.0.0/8", "junk/8", ""}, false},
      {"http://127.0.0.1:9/", {}, true},
      {"http://localhost/", {}, true},
      {"http://[::1]/", {}, true},
  };
  for (const auto& r : rows)
    BOOST_TEST_CONTEXT(r.url) BOOST_TEST(bypasses_proxy(target(r.url), r.list) == r.direct);
}

BOOST_AUTO_TEST_CASE(the_head_is_written_as_asked) {
  BOOST_TEST(head({"GET", "http://h:81/p?q", {{"Accept", "a/b"}}, ""}) ==
             "GET /p?q HTTP/1.1\r\nHost: h:81\r\nAccept: a/b\r\nUser-Agent: planebridge\r\n\r\n");
  BOOST_TEST(head({"POST", "http://h/", {{"user-agent", "me"}}, ""}) ==
             "POST / HTTP/1.1\r\nHost: h\r\nuser-agent: me\r\nContent-Length: 0\r\n\r\n");
  const auto t = target("http://h/x?y");
  BOOST_TEST(*render_head({"GET", "http://h/x?y", {}, ""}, t, "", true, secret{"Basic eA=="}) ==
             "GET http://h/x?y HTTP/1.1\r\nHost: h\r\nProxy-Authorization: Basic eA==\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(nothing_that_could_split_a_request_is_sent) {
  for (const std::string& value :
       {std::string{"a\r\nX: y"}, std::string{"a\nb"}, std::string{"\xe4\xb8\xad"},
        std::string("a\0b", 3), std::string{"a\x7f"}, std::string{"\x01"}})
    BOOST_TEST(head({"GET", "http://h/", {{"X-Name", value}}, ""}).starts_with("refused"));
  BOOST_TEST(
      head({"GET", "http://h/", {{"X-N", std::string("a\0b", 3)}}, ""}).starts_with("refused"));
  BOOST_TEST(head({"GET", "http://h/", {{"X N", "v"}}, ""}).starts_with("refused"));
  BOOST_TEST(head({"GET", "http://h/", {{"", "v"}}, ""}).starts_with("refused"));
  BOOST_TEST(head({"GE T", "http://h/", {}, ""}).starts_with("refused"));
  for (const auto* name : {"host", "Content-Length", "transfer-encoding", "Connection", "Upgrade"})
    BOOST_TEST(head({"GET", "http://h/", {{name, "v"}}, ""}).starts_with("refused"));
  BOOST_TEST(head({"GET", "http://h/", std::vector<protocol::http_header>(101, {"a", "b"}), ""})
                 .starts_with("refused"));
}

BOOST_AUTO_TEST_CASE(only_unconditional_idempotent_requests_are_repeatable) {
  for (const auto* m : {"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT", "PUT", "DELETE"})
    BOOST_TEST(is_repeatable({m, "", {}, ""}));
  for (const auto* m : {"POST", "PATCH", "MKCALENDAR", "get"})
    BOOST_TEST(!is_repeatable({m, "", {}, ""}));
  BOOST_TEST(!is_repeatable({"PUT", "", {{"if-match", "\"x\""}}, ""}));
  BOOST_TEST(is_repeatable({"GET", "", {{"If-None-Match", "\"x\""}}, ""}));
}
