// The client over TLS and through proxies.
#define BOOST_TEST_MODULE http_client_tls
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "calling.hpp"
#include "certificate.hpp"

using namespace calling;
using namespace std::chrono_literals;

namespace {

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

}  // namespace

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
