#include "tests/app/asking.hpp"

#include <sys/socket.h>
#include <sys/time.h>

#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <optional>

namespace pb::app::testing {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
namespace {

void bound(tcp::socket& s, int seconds) {
  const timeval limit{seconds, 0};
  ::setsockopt(s.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(s.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

struct place {
  std::string host, target;
  std::uint16_t port = 80;
};
place place_of(const std::string& url) {
  place p;
  const auto from = url.find("://") + 3;
  const auto slash = url.find('/', from);
  const auto authority = url.substr(from, slash - from);
  const auto colon = authority.find(':');
  p.host = authority.substr(0, colon);
  if (p.host == "localhost") p.host = "127.0.0.1";
  if (colon != std::string::npos)
    p.port = static_cast<std::uint16_t>(std::stoi(authority.substr(colon + 1)));
  p.target = slash == std::string::npos ? "/" : url.substr(slash);
  return p;
}

}  // namespace

std::string answer::field(const std::string& name) const {
  for (const auto& [n, v] : fields)
    if (boost::beast::iequals(n, name)) return v;
  return {};
}

boost::json::value answer::json() const {
  boost::system::error_code ec;
  auto v = boost::json::parse(body, ec);
  return ec ? boost::json::value{} : v;
}

answer ask(const asked& a) {
  const auto p = place_of(a.url);
  boost::system::error_code ec;
  asio::io_context io;
  boost::beast::tcp_stream stream{io};
  // Asio's blocking reads wait for ever whatever SO_RCVTIMEO says; a stream's own deadline holds.
  const auto finished = [&](boost::system::error_code failed, auto...) { ec = failed; };
  const auto step = [&](auto start) {
    stream.expires_after(std::chrono::seconds{a.seconds});
    start();
    io.restart();
    io.run();
  };
  step([&] { stream.async_connect({asio::ip::make_address(p.host), p.port}, finished); });
  if (ec) return {};
  http::request<http::string_body> r;
  r.method_string(a.method);
  r.target(p.target);
  r.version(11);
  r.set(http::field::host, p.host + ":" + std::to_string(p.port));
  r.set(http::field::connection, "close");
  for (const auto& [name, value] : a.fields) r.insert(name, value);
  r.body() = a.body;
  if (!a.body.empty() || a.method == "POST" || a.method == "PUT" || a.method == "PATCH")
    r.prepare_payload();
  // A refusal may come before the whole body is sent: what was answered counts.
  step([&] { http::async_write(stream, r, finished); });
  http::response_parser<http::string_body> parser;
  parser.body_limit(256u * 1024 * 1024);
  boost::beast::flat_buffer buffer;
  step([&] { http::async_read(stream, buffer, parser, finished); });
  if (ec && !parser.is_done()) return {};
  answer out;
  out.status = static_cast<int>(parser.get().result_int());
  for (const auto& f : parser.get())
    out.fields.emplace_back(std::string{f.name_string()}, std::string{f.value()});
  out.body = std::move(parser.get().body());
  return out;
}

boost::json::value at(const boost::json::value& v, const std::string& pointer) {
  boost::system::error_code ec;
  const auto* found = v.find_pointer(pointer, ec);
  return found == nullptr ? boost::json::value{} : *found;
}

std::string text_at(const boost::json::value& v, const std::string& pointer) {
  const auto found = at(v, pointer);
  if (found.is_null()) return {};
  return found.is_string() ? std::string{found.get_string()} : boost::json::serialize(found);
}

raw_connection::raw_connection(std::uint16_t port, int seconds) : socket_(io_) {
  socket_.connect({asio::ip::make_address("127.0.0.1"), port});
  bound(socket_, seconds);
}
bool raw_connection::send(std::string_view text) {
  boost::system::error_code ec;
  asio::write(socket_, asio::buffer(text.data(), text.size()), ec);
  return !ec;
}
std::string raw_connection::read_until(const std::string& text) {
  std::size_t found = 0;
  while ((found = got_.find(text)) == std::string::npos) {
    char piece[4096];
    boost::system::error_code ec;
    const auto n = socket_.read_some(asio::buffer(piece), ec);
    if (ec) return {};
    got_.append(piece, n);
  }
  auto out = got_.substr(0, found + text.size());
  got_.erase(0, found + text.size());
  return out;
}
bool raw_connection::ended() {
  char piece[4096];
  boost::system::error_code ec;
  while (!ec) socket_.read_some(asio::buffer(piece), ec);
  return ec != asio::error::would_block && ec != asio::error::try_again;
}

}  // namespace pb::app::testing
