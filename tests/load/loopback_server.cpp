#include "tests/load/loopback_server.hpp"

#include <sys/socket.h>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

namespace pb::app::testing {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

struct loopback_server::shared {
  handler answers;
  asio::io_context io;
  tcp::acceptor listener{io, {asio::ip::make_address("127.0.0.1"), 0}};
  std::uint16_t port = listener.local_endpoint().port();
  std::thread accepting;
  std::mutex lock;
  std::condition_variable quiet;
  std::set<int> open;       ///< sockets of running connections, for the end
  std::size_t running = 0;  ///< threads of connections
  bool stopped = false;

  void accept() {
    for (;;) {
      boost::system::error_code ec;
      auto socket = std::make_shared<tcp::socket>(io);
      listener.accept(*socket, ec);
      const std::scoped_lock held{lock};
      if (stopped) return;
      if (ec) continue;
      open.insert(socket->native_handle());
      ++running;
      std::thread{[this, socket] { serve(*socket); }}.detach();
    }
  }

  void serve(tcp::socket& socket) {
    boost::beast::flat_buffer buffer;
    while (one_request(socket, buffer)) {
    }
    const std::scoped_lock held{lock};
    open.erase(socket.native_handle());
    boost::system::error_code ignored;
    socket.close(ignored);
    --running;
    quiet.notify_all();
  }

  /// False when the connection has ended.
  bool one_request(tcp::socket& socket, boost::beast::flat_buffer& buffer) {
    boost::system::error_code ec;
    http::request_parser<http::string_body> parser;
    parser.body_limit(64u * 1024 * 1024);
    http::read_header(socket, buffer, parser, ec);
    if (ec) return false;
    if (boost::beast::iequals(parser.get()[http::field::expect], "100-continue"))
      http::write(socket, http::response<http::empty_body>{http::status::continue_, 11}, ec);
    http::read(socket, buffer, parser, ec);
    if (ec) return false;
    auto& request = parser.get();
    asked a{.method = std::string{request.method_string()}, .url = std::string{request.target()}};
    for (const auto& f : request) a.fields.emplace_back(f.name_string(), f.value());
    a.body = std::move(request.body());
    const auto said = answers(a);
    if (said.status == 0) {
      socket.set_option(asio::socket_base::linger{true, 0}, ec);  // a reset, not a polite end
      return false;
    }
    http::response<http::string_body> out;
    out.version(11);
    out.result(static_cast<unsigned>(said.status));
    for (const auto& [name, value] : said.fields) out.insert(name, value);
    out.keep_alive(request.keep_alive());
    out.body() = said.body;
    if (said.status != 204 && said.status != 304) out.prepare_payload();
    http::write(socket, out, ec);
    return !ec && request.keep_alive();
  }
};

loopback_server::loopback_server(handler answers) : shared_(std::make_shared<shared>()) {
  shared_->answers = std::move(answers);
  shared_->accepting = std::thread{[s = shared_.get()] { s->accept(); }};
}

loopback_server::~loopback_server() {
  {
    const std::scoped_lock held{shared_->lock};
    shared_->stopped = true;
    for (const int socket : shared_->open) ::shutdown(socket, SHUT_RDWR);
  }
  ::shutdown(shared_->listener.native_handle(), SHUT_RDWR);
  shared_->accepting.join();
  std::unique_lock held{shared_->lock};
  shared_->quiet.wait(held, [this] { return shared_->running == 0; });
}

std::string loopback_server::url() const {
  return "http://127.0.0.1:" + std::to_string(shared_->port);
}

}  // namespace pb::app::testing
