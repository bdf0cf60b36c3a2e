#include "tests/outage/cutting_proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <string_view>

namespace pb::outage {
namespace {

// CommandComplete of the wire protocol: 'C', its length, the tag.
constexpr std::string_view commit_done{
    "C\0\0\0\x0b"
    "COMMIT\0",
    12};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

cutting_proxy::cutting_proxy(std::uint16_t to) : to_(to) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto at = loopback(0);
  socklen_t size = sizeof at;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 ||
      ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    throw std::runtime_error("no port for the proxy");
  port_ = ntohs(at.sin_port);
  accepting_ = std::thread{[this] { accept_all(); }};
}

cutting_proxy::~cutting_proxy() {
  stop_ = true;
  accepting_.join();
  for (auto& r : relays_) r.join();
  ::close(listener_);
}

void cutting_proxy::accept_all() {
  while (!stop_) {
    pollfd p{listener_, POLLIN, 0};
    if (::poll(&p, 1, 50) <= 0) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    const int server = refusing_ ? -1 : ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto at = loopback(to_);
    if (server < 0 || ::connect(server, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
      if (server >= 0) ::close(server);
      ::close(client);
      continue;
    }
    const std::lock_guard hold{lock_};
    relays_.emplace_back([this, client, server] { relay(client, server); });
  }
}

void cutting_proxy::relay(int client, int server) {
  pollfd both[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
  char piece[16 * 1024];
  while (!stop_) {
    if (::poll(both, 2, 50) < 0) break;
    bool over = false;
    for (int side = 0; side < 2 && !over; ++side) {
      if (both[side].revents == 0) continue;
      const auto n = ::recv(both[side].fd, piece, sizeof piece, 0);
      over = n <= 0;
      if (over) break;
      const std::string_view bytes{piece, static_cast<std::size_t>(n)};
      if (side == 1 && cut_ > 0 && bytes.find(commit_done) != bytes.npos) {
        --cut_;
        over = true;
        break;
      }
      over = !send_all(both[1 - side].fd, bytes);
    }
    if (over) break;
  }
  ::close(client);
  ::close(server);
}

}  // namespace pb::outage
