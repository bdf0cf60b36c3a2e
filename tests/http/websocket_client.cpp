// The socket of long connections against a peer that says what the test tells it to: TLS and
// proxies as for other outbound calls, bounds, refusals and ends.
#define BOOST_TEST_MODULE http_websocket_client
#include "http/websocket_client.hpp"

#include <openssl/sha.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "base/digest.hpp"
#include "certificate.hpp"
#include "raw_server.hpp"

using namespace pb;
using namespace pb::http;
using namespace std::chrono_literals;

namespace {

struct temporary_file {
  explicit temporary_file(const std::string& text)
      : path(std::filesystem::temp_directory_path() /
             ("planebridge-ws-" + std::to_string(::getpid()) + ".pem")) {
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

/// Takes the upgrade; what was asked.
std::string take_upgrade(raw::peer& p) {
  const auto asked = p.read_request();
  const std::string field = "Sec-WebSocket-Key: ";
  const auto at = asked.find(field);
  if (at == std::string::npos) return asked;
  const auto key = asked.substr(at + field.size(), 24) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char hash[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(key.data()), key.size(), hash);
  p.write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      to_base64({reinterpret_cast<const char*>(hash), sizeof hash}) + "\r\n\r\n");
  return asked;
}
std::string binary(std::string_view payload) {
  return std::string{"\x82"} + static_cast<char>(payload.size()) + std::string{payload};
}

/// A client and what its listener was told, in order.
struct listening {
  explicit listening(client_options o = {}, websocket_client::limits l = {})
      : client(std::move(o), l) {}
  void dial(const std::string& url) {
    client.post([this, url] {
      websocket_client::listener to;
      to.opened = [this] { tell("open"); };
      to.refused = [this](int status, const std::string& why) {
        tell("refused " + std::to_string(status) + " " + why);
      };
      to.message = [this](const std::string& bytes) { tell("message " + bytes); };
      to.closed = [this](const std::string& why) { tell("closed " + why); };
      client.dial(secret{url}, std::move(to));
    });
  }
  /// The next thing that was told.
  std::string next() {
    std::unique_lock hold{lock};
    if (!changed.wait_for(hold, 20s, [&] { return told.size() > seen; })) return "nothing";
    return told[seen++];
  }
  void tell(std::string what) {
    const std::lock_guard hold{lock};
    told.push_back(std::move(what));
    changed.notify_all();
  }
  std::mutex lock;
  std::condition_variable changed;
  std::vector<std::string> told;
  std::size_t seen = 0;
  websocket_client client;  // last: its thread tells the others
};
bool has(const std::string& text, const std::string& piece) {
  return text.find(piece) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_CASE(messages_come_whole_and_go_and_the_end_is_told) {
  std::string asked, heard;
  raw::server s{{[&](raw::peer& p) {
    asked = take_upgrade(p);
    // in two fragments, with a ping between them
    p.write(
        std::string("\x02\x02"
                    "ab"
                    "\x89\x00"
                    "\x80\x01"
                    "c",
                    9));
    p.write("\x81\x04text");  // no binary one: not heard
    p.write(binary("next"));
    while (heard.find("\x82") == std::string::npos) {
      const auto more = p.read_some();
      if (more.empty()) break;
      heard += more;
    }
    p.write(
        std::string("\x88\x05\x03\xe8"
                    "bye",
                    7));
    p.wait_closed();
  }}};
  listening l;
  l.dial(s.url("/ws/v2?device_id=1&ticket=t-secret", "ws"));
  BOOST_TEST(l.next() == "open");
  BOOST_TEST(l.next() == "message abc");
  BOOST_TEST(l.next() == "message next");
  l.client.post([&] { l.client.send("answer"); });
  BOOST_TEST(l.next() == "closed closed by the server (1000: bye)");
  BOOST_TEST(asked.starts_with("GET /ws/v2?device_id=1&ticket=t-secret HTTP/1.1\r\n"));
  BOOST_TEST(has(asked, "Host: 127.0.0.1:" + std::to_string(s.port())));
}

BOOST_AUTO_TEST_CASE(a_refusal_tells_status_and_reason_and_never_the_ticket) {
  raw::server s{{[](raw::peer& p) {
                   p.read_request();
                   p.write(
                       "HTTP/1.1 403 Forbidden\r\nHandshake-Status: 514\r\nHandshake-Msg: no "
                       "\x01ticket\r\nHandshake-Autherrcode: 1000040344\r\n"
                       "Content-Length: 0\r\n\r\n");
                   p.wait_closed();
                 },
                 [](raw::peer& p) {
                   p.read_request();
                   p.answer("hello");
                   p.wait_closed();
                 },
                 [](raw::peer& p) {
                   p.read_request();
                   p.reset();
                 }}};
  listening l;
  const auto url = s.url("/ws?ticket=t-secret", "ws");
  l.dial(url);
  BOOST_TEST(has(l.next(), "refused "));
  l.dial(url);
  BOOST_TEST(l.next() == "refused 200 the upgrade is refused");
  l.dial(url);
  BOOST_TEST(has(l.next(), "refused 0 the upgrade: "));
  l.dial("http://127.0.0.1/?ticket=t-secret");
  BOOST_TEST(l.next() == "refused 0 the address is neither ws:// nor wss://");
  l.dial("ws://user:t-secret@127.0.0.1/");
  BOOST_TEST(has(l.next(), "refused 0 "));
  for (const auto& what : l.told) BOOST_TEST(!has(what, "t-secret"), what);
}

BOOST_AUTO_TEST_CASE(what_is_larger_than_allowed_ends_the_link) {
  raw::server s{{[](raw::peer& p) {
    take_upgrade(p);
    p.write(std::string("\x82\x7f\x00\x00\x00\x00\x40\x00\x00\x00", 10) + std::string(2000, 'x'));
    p.wait_closed();
  }}};
  websocket_client::limits few;
  few.message_bytes = 1000;
  few.waiting_bytes = 100;
  listening l{{}, few};
  l.dial(s.url("/", "ws"));
  BOOST_TEST(l.next() == "open");
  BOOST_TEST(l.next() == "closed a message larger than allowed");
}

BOOST_AUTO_TEST_CASE(more_than_may_wait_to_be_written_ends_the_link) {
  raw::server s{{[](raw::peer& p) {
    take_upgrade(p);
    p.wait_closed();
  }}};
  websocket_client::limits few;
  few.waiting_bytes = 100;
  listening l{{}, few};
  l.dial(s.url("/", "ws"));
  BOOST_TEST(l.next() == "open");
  l.client.post([&] {
    l.client.send(std::string(80, 'x'));
    l.client.send(std::string(80, 'x'));
  });
  BOOST_TEST(l.next() == "closed too much waits to be written");
}

BOOST_AUTO_TEST_CASE(silence_before_the_upgrade_is_bounded_and_hanging_up_is_final) {
  raw::server s{{[](raw::peer& p) { p.wait_closed(); }}};
  websocket_client::limits quick;
  quick.connect = 60ms;
  listening l{{}, quick};
  l.dial(s.url("/", "ws"));
  BOOST_TEST(has(l.next(), "refused 0 "));
  l.dial(s.url("/", "ws"));
  l.client.post([&] { l.client.hang_up(); });
  l.client.post([&] { l.client.wake_after(0ms, [&] { l.tell("timer"); }); });
  BOOST_TEST(l.next() == "timer");
}

BOOST_AUTO_TEST_CASE(a_goodbye_comes_after_what_was_to_be_written) {
  std::string heard;
  raw::server s{{[&](raw::peer& p) {
    take_upgrade(p);
    for (auto more = p.read_some(); !more.empty(); more = p.read_some()) {
      heard += more;
      if (heard.find('\x88') != std::string::npos) p.write(std::string("\x88\x00", 2));
    }
  }}};
  {
    websocket_client::limits quick;
    quick.connect = 300ms;
    listening l{{}, quick};
    l.dial(s.url("/", "ws"));
    BOOST_TEST(l.next() == "open");
    l.client.post([&] {
      for (int i = 0; i < 3; ++i) l.client.send("answer");
      l.client.say_goodbye([&] { l.tell("done"); });
    });
    auto last = l.next();
    if (last.starts_with("closed")) last = l.next();
    BOOST_TEST(last == "done");
    l.client.post([&] { l.client.say_goodbye([&] { l.tell("nothing to end"); }); });
    BOOST_TEST(l.next() == "nothing to end");
  }
  BOOST_TEST(std::count(heard.begin(), heard.end(), '\x82') >= 3);
}

BOOST_AUTO_TEST_CASE(tls_is_verified_as_for_other_calls) {
  const auto told = [](const std::string& names, bool trusted) {
    const auto certificate = raw::make_certificate(names);
    auto context = server_context(certificate);
    raw::server s{{[&](raw::peer& p) {
      if (!p.start_tls(context)) return;
      take_upgrade(p);
      p.write(binary("sealed"));
      p.wait_closed();
    }}};
    const temporary_file ca{certificate.pem};
    client_options o;
    if (trusted) o.ca_file = ca.path;
    listening l{o};
    l.dial(s.url("/?ticket=t", "wss"));
    const auto first = l.next();
    return first == "open" ? l.next() : first;
  };
  BOOST_TEST(told("IP:127.0.0.1", true) == "message sealed");
  BOOST_TEST(has(told("IP:127.0.0.1", false), "self-signed certificate"));
  BOOST_TEST(has(told("DNS:other.example.test", true), "IP address mismatch"));
}

BOOST_AUTO_TEST_CASE(it_goes_through_the_proxy_and_never_around_it) {
  const auto certificate = raw::make_certificate("DNS:frontier.example.test");
  const temporary_file ca{certificate.pem};
  auto context = server_context(certificate);
  std::string asked, inside;
  raw::server proxy{{[&](raw::peer& p) {
                       asked = p.read_request();
                       p.write("HTTP/1.1 200 Connection established\r\n\r\n");
                       if (!p.start_tls(context)) return;
                       inside = take_upgrade(p);
                       p.write(binary("through"));
                       p.wait_closed();
                     },
                     [](raw::peer& p) {
                       p.read_request();
                       p.write("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
                       p.wait_closed();
                     }}};
  client_options o;
  o.ca_file = ca.path;
  o.https_proxy = secret{"http://user:word@127.0.0.1:" + std::to_string(proxy.port())};
  listening l{o};
  l.dial("wss://frontier.example.test/ws?ticket=t");
  BOOST_TEST(l.next() == "open");
  BOOST_TEST(l.next() == "message through");
  BOOST_TEST(asked.starts_with("CONNECT frontier.example.test:443 HTTP/1.1\r\n"));
  BOOST_TEST(!has(asked, "ticket"));
  BOOST_TEST(!has(inside, "Proxy-Authorization"));
  l.dial("wss://frontier.example.test/ws?ticket=t");
  BOOST_TEST(l.next() == "refused 0 the proxy answered 407 to CONNECT");
}
