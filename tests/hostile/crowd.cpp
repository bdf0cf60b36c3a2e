#include "tests/hostile/crowd.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace hostile {

int connect_to(std::uint16_t port) {
  const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (s < 0) return -1;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(s, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return s;
  ::close(s);
  return -1;
}

void reset(int socket) {
  const linger at_once{1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(socket);
}

bool crowd::grow_to(std::size_t connections) {
  while (sockets_.size() < connections) {
    const int s = connect_to(port_);
    if (s < 0) return false;
    sockets_.push_back(s);
  }
  return true;
}

void crowd::each_sends(std::string_view text) {
  for (const int s : sockets_)
    (void)!::send(s, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

std::size_t crowd::each_reads(std::string_view beginning) {
  std::size_t fit = 0;
  std::array<char, 4096> piece{};
  for (const int s : sockets_) {
    const auto n = ::recv(s, piece.data(), piece.size(), MSG_DONTWAIT);
    if (n > 0 && std::string_view{piece.data(), static_cast<std::size_t>(n)}.starts_with(beginning))
      ++fit;
  }
  return fit;
}

std::size_t crowd::ended() {
  std::size_t gone = 0;
  std::array<char, 4096> piece{};
  for (const int s : sockets_) {
    ssize_t n = 0;
    while ((n = ::recv(s, piece.data(), piece.size(), MSG_DONTWAIT)) > 0) {
    }
    if (n == 0 || errno != EAGAIN) ++gone;
  }
  return gone;
}

void crowd::come_back() {
  std::array<char, 4096> piece{};
  for (int& s : sockets_) {
    ssize_t n = 0;
    while ((n = ::recv(s, piece.data(), piece.size(), MSG_DONTWAIT)) > 0) {
    }
    if (n < 0 && errno == EAGAIN) continue;
    ::close(s);
    s = connect_to(port_);
  }
  std::erase(sockets_, -1);
}

void crowd::leave() {
  for (const int s : sockets_) reset(s);
  sockets_.clear();
}

}  // namespace hostile
